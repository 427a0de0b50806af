/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* rpc_load -v tcp|connect|rpch -p ADDRESS:PORT [-s SERVER:PORT]
 *          [-t CA-FILE] [-u USER:PASSWORD] WHAT [NUMBER...]
 *
 *   rtt TUNNELS SECONDS BYTES   one call in flight on each tunnel
 *   setup COUNT                 connect up to bind_ack, one after the other
 *   storm COUNT                 the same, all at once
 *   hold COUNT SECONDS          holds so many until standard input ends; each
 *                               sends a ping so often, never with 0
 *   down BYTES, up BYTES        one large answer, one large request
 *   split COUNT                 calls whose request has two fragments
 *   close COUNT                 until the other side's close is seen
 *
 * -p is the proxy (with -v tcp the back end itself), -s what to ask the proxy
 * for.  Prints one line of name=value pairs; durations are in microseconds. */

#include "rpc_tunnel.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static tunnel_options_t options = {.target = "localhost:6001", .basic = ""};

static void open_or_die(tunnel_t *t)
{
    const char *why = tunnel_open(t, &options);

    if (why) {
        load_die("no tunnel: %s", why);
    }
}

/* One call on one tunnel, waiting for the answer. */
static void call(tunnel_t *t, uint16_t opnum, const void *stub, size_t len)
{
    const unsigned char *pdu;
    size_t got;

    if (tunnel_request(t, PFC_FIRST_FRAG | PFC_LAST_FRAG, opnum, stub, len) ||
        !tunnel_receive(t, &pdu, &got) || pdu[2] != PTYPE_RESPONSE) {
        load_die("a call failed");
    }
    if (opnum == OP_ECHO && got != len + REQUEST_HEADER) {
        load_die("the echo has %zu bytes", got);
    }
}

/* --- rtt --- */

static unsigned char echo_stub[FRAGMENT_MAX];

static void start_call(tunnel_t *t, size_t bytes)
{
    t->started = load_now();
    if (tunnel_request(t, PFC_FIRST_FRAG | PFC_LAST_FRAG, OP_ECHO, echo_stub,
                       bytes) != 0) {
        load_die("a tunnel broke while sending");
    }
}

/* One tunnel: blocking reads, so that the client costs least. */
static void round_trips_of_one(double end, size_t bytes, samples_t *samples)
{
    tunnel_t t;
    double start;

    open_or_die(&t);
    while ((start = load_now()) < end) {
        call(&t, OP_ECHO, echo_stub, bytes);
        samples_add(samples, load_now() - start);
    }
    tunnel_close(&t);
}

/* Takes what arrived on one of many tunnels; each answer starts a new call. */
static void take_answers(tunnel_t *t, size_t bytes, samples_t *samples)
{
    const unsigned char *pdu;
    size_t len;
    long n;

    do {
        n = tunnel_fill(t);
        if (n == STREAM_END || n == STREAM_ERROR) {
            load_die("a tunnel ended");
        }
        while (n > 0 && tunnel_next(t, &pdu, &len) > 0) {
            samples_add(samples, load_now() - t->started);
            start_call(t, bytes);
        }
    } while (n > 0 && t->out.ssl);
}

static void round_trips_of_many(int count, double seconds, size_t bytes,
                                samples_t *samples)
{
    tunnel_t *tunnels = calloc((size_t)count, sizeof(*tunnels));
    struct epoll_event events[64];
    int i, n, poller = epoll_create1(0);
    double end;

    for (i = 0; tunnels && i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &tunnels[i]};

        open_or_die(&tunnels[i]);
        stream_nonblocking(&tunnels[i].out);
        epoll_ctl(poller, EPOLL_CTL_ADD, tunnels[i].out.fd, &event);
    }
    end = load_now() + seconds * 1e6;
    for (i = 0; i < count; i++) {
        start_call(&tunnels[i], bytes);
    }
    while (load_now() < end) {
        n = epoll_wait(poller, events, 64, 1000);
        for (i = 0; i < n; i++) {
            take_answers(events[i].data.ptr, bytes, samples);
        }
    }
    for (i = 0; i < count; i++) {
        tunnel_close(&tunnels[i]);
    }
    close(poller);
    free(tunnels);
}

static void rtt(const double *number)
{
    int count = (int)number[0];
    double seconds = number[1];
    size_t bytes = (size_t)number[2];
    samples_t samples = {0};

    if (count == 1) {
        round_trips_of_one(load_now() + seconds * 1e6, bytes, &samples);
    }
    else {
        round_trips_of_many(count, seconds, bytes, &samples);
    }
    printf("rps=%.1f ", (double)samples.count / seconds);
    samples_print(&samples);
}

/* --- setup, storm, hold --- */

static void setup(const double *number)
{
    samples_t samples = {0};
    int i, failed = 0;

    for (i = 0; i < (int)number[0]; i++) {
        double start = load_now();
        tunnel_t t;
        const char *why = tunnel_open(&t, &options);

        if (why) {
            fprintf(stderr, "setup %d: %s\n", i, why);
            failed++;
            continue;
        }
        samples_add(&samples, load_now() - start);
        tunnel_close(&t);
    }
    samples_print(&samples);
    printf(" failed=%d", failed);
}

static pthread_barrier_t barrier;

static void *one_of_the_storm(void *slot)
{
    tunnel_t *t = slot;
    const char *why;

    pthread_barrier_wait(&barrier);
    why = tunnel_open(t, &options);
    return (void *)why;
}

static void storm(const double *number)
{
    unsigned i, count = (unsigned)number[0];
    tunnel_t *tunnels = calloc(count, sizeof(*tunnels));
    pthread_t *threads = calloc(count, sizeof(*threads));
    int failed = 0;
    const char *reason = NULL;
    double start, took;

    pthread_barrier_init(&barrier, NULL, count + 1);
    for (i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, one_of_the_storm, &tunnels[i])) {
            load_die("cannot start %u threads", count);
        }
    }
    start = load_now();
    pthread_barrier_wait(&barrier);
    for (i = 0; i < count; i++) {
        void *why;

        pthread_join(threads[i], &why);
        failed += why != NULL;
        reason = why ? why : reason;
    }
    if (reason) {
        fprintf(stderr, "storm: %d failed: %s\n", failed, reason);
    }
    took = load_now() - start;
    for (i = 0; i < count; i++) {
        if (tunnels[i].rx) {
            tunnel_close(&tunnels[i]);
        }
    }
    printf("us=%.1f failed=%d", took, failed);
    free(tunnels);
    free(threads);
}

/* Until standard input ends: the tunnels ping by turns, evenly spread. */
static void ping_by_turns(tunnel_t *tunnels, size_t count, double seconds)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    double step = seconds * 1e6 / (double)count, due = load_now();
    size_t next = 0;

    for (;;) {
        double wait = due - load_now();

        if (poll(&input, 1, wait > 0 ? (int)(wait / 1000) + 1 : 0) != 0) {
            return;
        }
        for (; load_now() >= due; due += step) {
            if (tunnel_ping(&tunnels[next]) != 0) {
                load_die("a tunnel broke at a ping");
            }
            next = (next + 1) % count;
        }
    }
}

static void hold(const double *number)
{
    size_t i, count = (size_t)number[0], failed = 0;
    tunnel_t *tunnels = calloc(count, sizeof(*tunnels));
    double start = load_now();
    const char *why = NULL;

    for (i = 0; i < count; i++) {
        const char *reason = tunnel_open(&tunnels[i], &options);

        failed += reason != NULL;
        why = reason ? reason : why;
    }
    if (why) {
        fprintf(stderr, "hold: %s\n", why);
    }
    printf("held=%zu failed=%zu us=%.1f\n", count - failed, failed,
           load_now() - start);
    fflush(stdout);
    if (number[1] > 0 && failed == 0) {
        ping_by_turns(tunnels, count, number[1]);
    }
    while (getchar() != EOF) {
    }
    for (i = 0; i < count; i++) {
        if (tunnels[i].rx) {
            tunnel_close(&tunnels[i]);
        }
    }
    free(tunnels);
}

/* --- bulk --- */

#define STUB_MAX (FRAGMENT_MAX - REQUEST_HEADER)

static void print_rate(double bytes, double us)
{
    printf("mbps=%.2f us=%.1f", bytes / us, us);
}

static void down(const double *number)
{
    uint32_t ask[2] = {(uint32_t)number[0], STUB_MAX};
    const unsigned char *pdu;
    size_t len, left = (size_t)number[0];
    tunnel_t t;
    double start;

    open_or_die(&t);
    start = load_now();
    if (tunnel_request(&t, PFC_FIRST_FRAG | PFC_LAST_FRAG, OP_SOURCE, ask,
                       sizeof(ask)) != 0) {
        load_die("cannot ask for bytes");
    }
    while (left > 0) {
        if (!tunnel_receive(&t, &pdu, &len) || len < REQUEST_HEADER ||
            len - REQUEST_HEADER > left) {
            load_die("the tunnel ended with %zu bytes to come", left);
        }
        left -= len - REQUEST_HEADER;
    }
    print_rate(number[0], load_now() - start);
    tunnel_close(&t);
}

/* Waits until the peer's receive window has room for a whole fragment. */
static void wait_for_window(tunnel_t *t)
{
    const unsigned char *pdu;
    size_t len;

    while (!tunnel_has_window(t, FRAGMENT_MAX)) {
        if (tunnel_fill(t) <= 0 || tunnel_next(t, &pdu, &len) != 0) {
            load_die("no acknowledgement came");
        }
    }
}

static void up(const double *number)
{
    size_t left = (size_t)number[0];
    const unsigned char *pdu;
    size_t len;
    int first = PFC_FIRST_FRAG;
    uint32_t counted;
    tunnel_t t;
    double start;

    open_or_die(&t);
    start = load_now();
    while (left > 0) {
        size_t n = left < STUB_MAX ? left : STUB_MAX;

        wait_for_window(&t);
        left -= n;
        if (tunnel_request(&t, first | (left ? 0 : PFC_LAST_FRAG), OP_SINK,
                           echo_stub, n) != 0) {
            load_die("the tunnel broke with %zu bytes to go", left);
        }
        first = 0;
    }
    if (!tunnel_receive(&t, &pdu, &len) || len < REQUEST_HEADER + 4) {
        load_die("no answer to the large request");
    }
    memcpy(&counted, pdu + REQUEST_HEADER, 4);
    if (counted != (uint32_t)number[0]) {
        load_die("only %u bytes arrived", counted);
    }
    print_rate(number[0], load_now() - start);
    tunnel_close(&t);
}

static void split(const double *number)
{
    samples_t samples = {0};
    const unsigned char *pdu;
    size_t len;
    tunnel_t t;
    int i;

    open_or_die(&t);
    for (i = 0; i < (int)number[0]; i++) {
        double start = load_now();

        if (tunnel_request(&t, PFC_FIRST_FRAG, OP_ECHO, echo_stub, STUB_MAX) ||
            tunnel_request(&t, PFC_LAST_FRAG, OP_ECHO, echo_stub,
                           8000 - STUB_MAX) ||
            !tunnel_receive(&t, &pdu, &len)) {
            load_die("a call failed");
        }
        samples_add(&samples, load_now() - start);
    }
    samples_print(&samples);
    tunnel_close(&t);
}

/* --- close --- */

static double until_closed(tunnel_t *t, double start)
{
    while (tunnel_fill(t) > 0) {
        t->rx_start = t->rx_end;
    }
    return load_now() - start;
}

/* The back end hangs up; then, on a second tunnel, the client closes IN.  With
 * one connection for both directions there is only the former. */
static void close_seen(const double *number)
{
    samples_t by_server = {0}, by_client = {0};
    int i;

    for (i = 0; i < (int)number[0]; i++) {
        tunnel_t t;
        double start;

        open_or_die(&t);
        start = load_now();
        tunnel_request(&t, PFC_FIRST_FRAG | PFC_LAST_FRAG, OP_HANG_UP, "", 0);
        samples_add(&by_server, until_closed(&t, start));
        tunnel_close(&t);
        if (options.via == VIA_RPCH) {
            open_or_die(&t);
            start = load_now();
            stream_close(&t.in);
            samples_add(&by_client, until_closed(&t, start));
            tunnel_close(&t);
        }
    }
    samples_print(&by_server);
    printf(" client_p50=%.2f client_p99=%.2f",
           samples_percentile(&by_client, 50),
           samples_percentile(&by_client, 99));
}

/* --- command line --- */

static const struct {
    const char *name;
    int numbers;
    void (*run)(const double *number);
} actions[] = {
    {"rtt", 3, rtt},     {"setup", 1, setup},      {"storm", 1, storm},
    {"hold", 2, hold},   {"down", 1, down},        {"up", 1, up},
    {"split", 1, split}, {"close", 1, close_seen},
};

static void set_via(const char *name)
{
    static const char *const names[] = {
        [VIA_TCP] = "tcp", [VIA_CONNECT] = "connect", [VIA_RPCH] = "rpch"};
    unsigned i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            options.via = (via_e)i;
            return;
        }
    }
    load_die("-v is tcp, connect or rpch");
}

static void run_action(int argc, char **argv)
{
    double number[3] = {0};
    unsigned i;
    int k;

    for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (argc > 0 && strcmp(actions[i].name, argv[0]) == 0 &&
            argc == actions[i].numbers + 1) {
            for (k = 0; k < actions[i].numbers; k++) {
                number[k] = strtod(argv[k + 1], NULL);
            }
            actions[i].run(number);
            printf("\n");
            return;
        }
    }
    load_die("what to do? see the head of rpc_load.c");
}

int main(int argc, char **argv)
{
    int option;

    load_raise_descriptors();
    while ((option = getopt(argc, argv, "v:p:s:t:u:")) != -1) {
        switch (option) {
        case 'v':
            set_via(optarg);
            break;
        case 'p':
            endpoint_parse(&options.to, optarg);
            break;
        case 's':
            options.target = optarg;
            break;
        case 't':
            options.tls = load_tls(optarg);
            break;
        case 'u':
            options.basic = load_basic(optarg);
            break;
        default:
            return 2;
        }
    }
    if (options.to.len == 0) {
        load_die("-p ADDRESS:PORT is missing");
    }
    run_action(argc - optind, argv + optind);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Fetching from a server that misbehaves as its path says.  (Sound answers of
 * real servers: t/freebusy.) */

#include "lib/fetch.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int port;

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
        listen(fd, 200) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        return -1;
    }
    port = ntohs(address.sin_port);
    return fd;
}

static void say(int fd, const char *text)
{
    apr_size_t len = strlen(text);

    while (len > 0) {
        ssize_t n = write(fd, text, len);

        if (n <= 0) {
            _exit(0);
        }
        text += n;
        len -= (apr_size_t)n;
    }
}

/* One connection, in a process of its own. */
static void serve(int fd)
{
    char request[4096];
    ssize_t n = read(fd, request, sizeof(request) - 1);
    int i;

    request[n > 0 ? n : 0] = '\0';
    if (strncmp(request, "GET /good ", 10) == 0) {
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    }
    else if (strncmp(request, "GET /login ", 11) == 0) {
        say(fd, strstr(request, "Authorization: Basic YTpi\r\n") &&
                        strstr(request, "X-Who: alice\r\n") &&
                        !strstr(request, "Accept-Encoding")
                    ? "HTTP/1.1 204 No Content\r\n\r\n"
                    : "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
    }
    else if (strncmp(request, "POST /post ", 11) == 0) {
        say(fd, strstr(request, "\r\n\r\nbody") &&
                        strstr(request, "Content-Type: text/calendar\r\n")
                    ? "HTTP/1.1 207 Multi-Status\r\nContent-Length: 0\r\n\r\n"
                    : "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n");
    }
    else if (strncmp(request, "GET /elsewhere ", 15) == 0) {
        say(fd, "HTTP/1.1 302 Found\r\nLocation: /good\r\n"
                "Content-Length: 0\r\n\r\n");
    }
    else if (strncmp(request, "GET /endless ", 13) == 0) {
        for (say(fd, "HTTP/1.1 200 OK\r\n\r\n");;) {
            say(fd,
                "0123456789012345678901234567890123456789012345678901234567");
        }
    }
    else if (strncmp(request, "GET /drip ", 10) == 0) {
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        for (i = 0; i < 1000; i++) {
            say(fd, "x");
            usleep(100000);
        }
    }
    else if (strncmp(request, "GET /short ", 11) == 0) {
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx");
    }
    else if (strncmp(request, "GET /rubbish ", 13) == 0) {
        say(fd, "\x16\x03\x01 this is not HTTP\r\n\r\n");
    }
    else {
        pause(); /* hangs */
    }
}

static pid_t start_server(int fd)
{
    pid_t pid;

    fflush(stdout); /* or each child would print what waits there */
    pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        signal(SIGCHLD, SIG_IGN);
        for (;;) {
            int c = accept(fd, NULL, NULL);

            if (c >= 0 && fork() == 0) {
                serve(c);
                _exit(0);
            }
            close(c);
        }
    }
    setpgid(pid, pid);
    close(fd);
    return pid;
}

static const char *url(const char *path, apr_pool_t *pool)
{
    return apr_psprintf(pool, "http://127.0.0.1:%d%s", port, path);
}

static void test_rows(apr_pool_t *pool)
{
    static const char *const headers[] = {"X-Who: alice",
                                          "Content-Type: text/calendar", NULL};
    static const struct {
        const char *path;
        apr_status_t rv;
        long status;
    } rows[] = {
        {"/good", APR_SUCCESS, 200},
        {"/login", APR_SUCCESS, 204},
        {"/post", APR_SUCCESS, 207},
        {"/elsewhere", APR_SUCCESS, 302},
        {"/endless", APR_ENOSPC, 200},
        {"/drip", APR_TIMEUP, 200},
        {"/short", APR_EGENERAL, 200},
        {"/rubbish", APR_EGENERAL, 0},
        {"/hangs", APR_TIMEUP, 0},
        {"file:///etc/passwd", APR_EINVAL, 0},
        {"ftp://127.0.0.1/x", APR_EINVAL, 0},
        {"http://127.0.0.1:1/refused", APR_EGENERAL, 0},
        {"not a url", APR_EINVAL, 0},
    };
    const fetch_limits_t limits = {apr_time_from_msec(1000), 100000, 16, NULL};
    enum { COUNT = sizeof(rows) / sizeof(rows[0]) };
    fetch_t items[COUNT];
    apr_time_t begin = apr_time_now();
    int i;

    memset(items, 0, sizeof(items));
    for (i = 0; i < COUNT; i++) {
        items[i].url =
            *rows[i].path == '/' ? url(rows[i].path, pool) : rows[i].path;
        items[i].headers = headers;
        if (i == 1) {
            items[i].user = "a";
            items[i].password = "b";
        }
        if (i == 2) {
            items[i].body = "body";
            items[i].body_len = 4;
        }
    }
    fetch_all(items, COUNT, &limits, pool);
    ok(apr_time_now() - begin < apr_time_from_msec(2500 * tap_slower()),
       "all of them together end at the deadline");
    for (i = 0; i < COUNT; i++) {
        is_int(items[i].rv, rows[i].rv, rows[i].path);
        is_int(items[i].status, rows[i].status, rows[i].path);
        ok(items[i].rv == APR_SUCCESS || items[i].why, "%s: %s", rows[i].path,
           items[i].why ? items[i].why : "no error");
    }
    is_mem(items[0].data, items[0].len, "hello", 5, "the body");
    is_int((long long)items[1].len, 0, "an empty body");
}

/* One that hangs holds up none of a hundred others. */
static void test_many(apr_pool_t *pool)
{
    const fetch_limits_t limits = {apr_time_from_msec(5000), 1000, 16, NULL};
    fetch_t items[100];
    int i, good = 0;

    memset(items, 0, sizeof(items));
    for (i = 0; i < 100; i++) {
        items[i].url = url(i == 50 ? "/hangs" : "/good", pool);
    }
    fetch_all(items, 100, &limits, pool);
    for (i = 0; i < 100; i++) {
        good += items[i].rv == APR_SUCCESS && items[i].len == 5;
        if (items[i].rv != APR_SUCCESS && i != 50) {
            printf("# %d: %s\n", i, items[i].why);
        }
    }
    is_int(good, 99, "99 of 100 have come");
    is_int(items[50].rv, APR_TIMEUP, "the one that hangs has not");
    fetch_all(items, 0, &limits, pool);
    ok(1, "none at all");
}

int main(void)
{
    apr_pool_t *pool;
    pid_t server;
    int fd;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    signal(SIGPIPE, SIG_IGN);
    fd = listen_on_loopback();
    if (!ok(fd >= 0, "a server listens")) {
        return done_testing();
    }
    server = start_server(fd);
    fetch_init();
    test_rows(pool);
    test_many(pool);
    kill(-server, SIGKILL);
    waitpid(server, NULL, 0);
    apr_terminate();
    return done_testing();
}

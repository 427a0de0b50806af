/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MOD_RPCPROXY_H
#define POSTERN_MOD_RPCPROXY_H

/* What the glue files of mod_rpcproxy share.
 *
 *   early      before all else: lets refusals leave at once
 *   request    what a request wants to be; answers and refusals
 *   channel    the HTTP side of one channel, suspended (event MPM)
 *   filters    how its bytes pass those of httpd
 *   blocking   the same with a worker thread, where the MPM cannot suspend
 *   poller     the threads that own everything after the hand-over
 *   vconns     the pairing table of one poller
 *   limits     how many tunnels there may be, and totals
 *   status     what they do at this moment, for /server-status and as JSON
 *   tunnel     one virtual connection: does what vconn says, and waits
 *   stream     cuts its bytes into PDUs, and sends them on in runs
 *   rest       what is left to move when one side has ended
 *   log        one line for its beginning and its end; PDUs
 *   names      the addresses of back ends
 *   connect    finds one that accepts
 *   backend    its TCP connection
 *
 * and mod_rpcproxy_relay.h where several children meet.
 *
 * A worker thread reads the first PDU of a channel, picks the poller by the
 * cookie in it and hands the channel over.  From then on only that poller's
 * thread touches the channel, its tunnel and its back end: there is no lock on
 * the data path.  Message numbers 13001.. */

#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <apr_hash.h>
#include <apr_network_io.h>
#include <apr_portable.h>
#include <signal.h>
#include <sys/socket.h>

#include "lib/log.h"
#include "guesses.h"
#include "network.h"
#include "tally.h"
#include "target.h"
#include "timers.h"
#include "vconn.h"

extern module AP_MODULE_DECLARE_DATA rpcproxy_module;

/* Configuration (mod_rpcproxy_config.c). */

typedef enum rpcproxy_trace_e {
    RPCPROXY_TRACE_OFF,
    RPCPROXY_TRACE_RTS,
    RPCPROXY_TRACE_ALL
} rpcproxy_trace_e;

typedef struct rpcproxy_dir_t {
    int enabled;
    apr_array_header_t *rules; /* target_rule_t, or NULL */
    int connect_timeout;       /* seconds, as all times here */
    int setup_timeout;
    int connection_timeout;
    int ping_interval;
    int idle_timeout;
    int receive_window;
    int lifetime;
    int first_pdu_timeout;
    int partial_pdu_timeout;
    int user_tunnels;
    int address_tunnels;
    int backend_tunnels;
    int host_tunnels;
    int same_network4, same_network6; /* bits */
    int trace;                        /* rpcproxy_trace_e */
} rpcproxy_dir_t;

typedef struct rpcproxy_server_t {
    int enabled; /* some location of this server has the proxy on */
    /* Of the main server only. */
    int pollers;
    int tunnels;
    int half_open;
    int drain_time;
    int blocking;                       /* RPCProxyEngine Blocking */
    struct rpcproxy_pollers_t *threads; /* of this child (poller) */
    struct rpcproxy_limits_t *limits;   /* of this child (limits) */
    struct known_t *known;              /* by this child (connect) */
    struct rpcproxy_shared_t *shared;   /* by all children (pairs) */
} rpcproxy_server_t;

extern const command_rec rpcproxy_commands[];
void *rpcproxy_create_dir(apr_pool_t *pool, char *path);
void *rpcproxy_merge_dir(apr_pool_t *pool, void *base, void *more);
void *rpcproxy_create_server(apr_pool_t *pool, server_rec *s);
void *rpcproxy_merge_server(apr_pool_t *pool, void *base, void *more);

/* The configuration of `r`'s location with every default filled in; in
 * r->pool.  Never NULL. */
const rpcproxy_dir_t *rpcproxy_dir_of(request_rec *r);

/* Early refusal (mod_rpcproxy_early.c): a post_read_request hook. */
int rpcproxy_early(request_rec *r);

/* Sends `100 Continue`. */
void rpcproxy_continue(request_rec *r);

/* Requests (mod_rpcproxy_request.c). */

int rpcproxy_is_channel_method(const request_rec *r);

/* Answers `503 RPC Error: <code>` in the form that no ErrorDocument replaces.
 * Logs nothing.  Returns OK. */
int rpcproxy_refuse(request_rec *r, unsigned int code);

/* Prepares `200 Success` with `length` announced; nothing is sent yet. */
void rpcproxy_success(request_rec *r, apr_off_t length);

/* Answers an echo request ([MS-RPCH] section 2.1.2.1.5).  Returns OK. */
int rpcproxy_echo(request_rec *r);

/* Reads the first PDU of a channel, which may have RPCPROXY_FIRST_MAX bytes,
 * waiting for at most `seconds`.  0, or the RPC error code to refuse with and
 * *why. */
#define RPCPROXY_FIRST_MAX 512
unsigned int rpcproxy_read_hello(request_rec *r, int out, int seconds,
                                 hello_t *hello, const char **why);

/* Takes mod_reqtimeout's filter out, which would end a silent channel. */
void rpcproxy_drop_reqtimeout(request_rec *r);

/* Pollers (mod_rpcproxy_poller.c). */

typedef struct rpcproxy_poller_t rpcproxy_poller_t;
typedef struct rpcproxy_task_t rpcproxy_task_t;
typedef struct rpcproxy_watch_t rpcproxy_watch_t;
typedef struct rpcproxy_timer_t rpcproxy_timer_t;

/* Something to do on the poller's thread, embedded in what it is about. */
struct rpcproxy_task_t {
    rpcproxy_task_t *next;
    void (*run)(rpcproxy_task_t *task);
    int queued;
};

/* A descriptor and what to do when one of `events` (EPOLL*) is there. */
struct rpcproxy_watch_t {
    int fd;
    int added;
    apr_uint32_t events;
    void (*ready)(rpcproxy_watch_t *watch, apr_uint32_t events);
};

/* Stopped before it fires; may be started again by it. */
struct rpcproxy_timer_t {
    timers_timer_t timer;
    void (*fire)(rpcproxy_timer_t *timer);
};

#define RPCPROXY_SCRATCH 65536

struct rpcproxy_poller_t {
    apr_time_t now;     /* of this round */
    server_rec *server; /* for messages that belong to no channel */
    apr_pool_t *pool;   /* used by the poller's thread alone */
    apr_hash_t *vconns; /* rts_cookie_t -> rpcproxy_tunnel_t */
    struct rpcproxy_relay_t *relays;
    guesses_t guesses;
    int stopping;         /* takes no new virtual connection */
    apr_time_t drain_end; /* all of them are ended by then */
    unsigned char scratch[RPCPROXY_SCRATCH];
    struct poller_private_t *private; /* mod_rpcproxy_poller.c */
};

/* child_init and child_stopping hooks. */
void rpcproxy_pollers_start(apr_pool_t *pchild, server_rec *s);
void rpcproxy_pollers_stopping(apr_pool_t *pchild, int graceful);

/* The poller that owns `cookie`, or NULL when this child has none (left). */
rpcproxy_poller_t *rpcproxy_poller_of(const rts_cookie_t *cookie);

/* The pollers of this child: number 0 and so on, NULL behind the last. */
rpcproxy_poller_t *rpcproxy_poller_at(int number);

/* From any thread: runs `task` on the poller's thread. */
void rpcproxy_poller_post(rpcproxy_poller_t *p, rpcproxy_task_t *task);

/* The rest on the poller's thread alone. */

/* Runs `task` after the events of this round; nothing when it waits already. */
void rpcproxy_poller_defer(rpcproxy_poller_t *p, rpcproxy_task_t *task);

/* Watches for `events`; 0 stops watching.  Stop before closing the fd. */
void rpcproxy_poller_watch(rpcproxy_poller_t *p, rpcproxy_watch_t *watch,
                           apr_uint32_t events);
void rpcproxy_poller_timer(rpcproxy_poller_t *p, rpcproxy_timer_t *timer,
                           apr_time_t due);

/* Channels (mod_rpcproxy_channel.c). */

typedef struct rpcproxy_chan_t rpcproxy_chan_t;
typedef struct rpcproxy_tunnel_t rpcproxy_tunnel_t;

/* Whose tunnels are counted. */
typedef enum rpcproxy_party_e {
    RPCPROXY_USER,
    RPCPROXY_ADDRESS, /* of the client */
    RPCPROXY_BACKEND,
    RPCPROXY_HOST, /* virtual host */
    RPCPROXY_PARTIES
} rpcproxy_party_e;

typedef struct rpcproxy_party_t rpcproxy_party_t;

/* How bytes go in and out of one channel; all on the poller's thread. */
typedef struct rpcproxy_chan_ops_t {
    /* Up to *len bytes into `buf`.  APR_SUCCESS (*len > 0), APR_EAGAIN,
     * APR_EOF, or an error.  Sets chan->drained when all that is left is in
     * the socket, which the poller watches. */
    apr_status_t (*read)(rpcproxy_chan_t *chan, void *buf, apr_size_t *len);
    /* Takes all of at most RPCPROXY_WRITE_MAX bytes; sets chan->blocked when
     * the client is slow, chan->broken when it has gone. */
    void (*write)(rpcproxy_chan_t *chan, const void *bytes, apr_size_t len);
    /* Tells rpcproxy_tunnel_* when bytes can be read (`read` set), when a
     * blocked channel takes bytes again, and when the client goes. */
    void (*watch)(rpcproxy_chan_t *chan, int read);
    /* Ends the channel: unanswered ones get code, or a success when it is 0.
     * The caller forgets `chan`. */
    void (*finish)(rpcproxy_chan_t *chan, unsigned int code);
    /* Bytes that the client's host has not taken from us yet. */
    apr_size_t (*unsent)(const rpcproxy_chan_t *chan);
} rpcproxy_chan_ops_t;

/* Below httpd's FlushMaxThreshold, above which a write would block. */
#define RPCPROXY_WRITE_MAX 49152

/* All that comes on a replacement OUT channel behind its first PDU: OUT_R2/C1. */
#define RPCPROXY_C1_SIZE 24

struct rpcproxy_chan_t {
    rpcproxy_task_t start;  /* the hand-over */
    rpcproxy_task_t again;  /* a channel's own deferred work */
    rpcproxy_watch_t watch; /* of the client's socket */
    rpcproxy_timer_t timer;
    const rpcproxy_chan_ops_t *ops;
    rpcproxy_poller_t *poller;
    rpcproxy_tunnel_t *tunnel; /* NULL before it joined and after its end */
    struct rpcproxy_relay_t *relay; /* instead, when another child has that */
    vconn_channel_e role;
    request_rec *r; /* both NULL for one that another child relays */
    conn_rec *c;
    const char *client;         /* address of the client */
    char network[NETWORK_TEXT]; /* that all channels must come from */
    server_rec *server;
    hello_t hello;
    vconn_identity_t identity;
    vconn_options_t options;
    int partial_timeout;
    int most[RPCPROXY_PARTIES]; /* tunnels, 0 for no limit */
    const char *backend;        /* as the rule names it */
    int trace;
    const target_endpoint_t *endpoint; /* of the back end, for A1 */
    int endpoints;
    apr_time_t connect_by; /* one of them must have accepted */
    int out;               /* RPC_OUT_DATA */
    int hung_up; /* the client's end was seen and is not watched for */
    int answered;
    int drained;
    int blocked;
    int broken;
    void *private; /* of the ops */
};

/* Turns `r`, whose hello has been read into `chan`, into a channel of the
 * poller; what to return from the handler. */
int rpcproxy_channel_run(rpcproxy_chan_t *chan);
void rpcproxy_channel_suspended(conn_rec *c, request_rec *r); /* a hook */

/* The same, holding the worker thread (mod_rpcproxy_blocking.c). */
int rpcproxy_blocking_run(rpcproxy_chan_t *chan);

/* Around what a worker thread must not be interrupted in, see there. */
void rpcproxy_signals_hold(sigset_t *before);
void rpcproxy_signals_release(const sigset_t *before);

/* Bytes in the kernel that the client's host has not acknowledged. */
apr_size_t rpcproxy_channel_queued(const rpcproxy_chan_t *chan);

/* Sets what long-lived client sockets need. */
void rpcproxy_channel_socket_options(rpcproxy_chan_t *chan);

/* Pairing (mod_rpcproxy_vconns.c). */

/* Takes over `chan` on its poller's thread: it joins its virtual connection,
 * starts one, or is refused. */
void rpcproxy_vconns_join(rpcproxy_chan_t *chan);

/* Forgets an ended tunnel. */
void rpcproxy_vconns_remove(rpcproxy_tunnel_t *tunnel);

/* Ends `count` tunnels of the poller because the server stops. */
void rpcproxy_vconns_stop(rpcproxy_poller_t *p, apr_size_t count);

/* Names of back ends (mod_rpcproxy_names.c). */

/* In a worker thread: sets endpoint, endpoints and connect_by of `chan`, a
 * client of which asked for `port`.  Takes at most half of `limit`, which is
 * for connecting as well.  chan->endpoints may be 0. */
void rpcproxy_names_resolve(rpcproxy_chan_t *chan, const target_rule_t *rule,
                            int port, apr_interval_time_t limit);

/* Back ends (mod_rpcproxy_backend.c). */

typedef struct rpcproxy_held_t {
    unsigned char *bytes;
    apr_size_t len;
} rpcproxy_held_t;

typedef struct rpcproxy_backend_t {
    rpcproxy_watch_t watch; /* watch.fd is -1 while there is no socket */
    rpcproxy_timer_t timer;
    rpcproxy_poller_t *poller;
    rpcproxy_tunnel_t *tunnel;
    struct rpcproxy_connect_t *connect; /* while it is being connected */
    int connected;
    rpcproxy_held_t unsent;
} rpcproxy_backend_t;

void rpcproxy_backend_init(rpcproxy_backend_t *b, rpcproxy_tunnel_t *tunnel,
                           rpcproxy_poller_t *p);

/* The socket of `b` is connected; from connect. */
void rpcproxy_backend_connected(rpcproxy_backend_t *b);

/* Closes the socket, if there is one. */
void rpcproxy_backend_hang_up(rpcproxy_backend_t *b);

/* Sends, keeps what the socket does not take; returns the bytes it took. */
apr_size_t rpcproxy_backend_send(rpcproxy_backend_t *b, const void *bytes,
                                 apr_size_t len);

/* Like recv(2): APR_SUCCESS, APR_EAGAIN, APR_EOF or an error. */
apr_status_t rpcproxy_backend_read(rpcproxy_backend_t *b, void *buf,
                                   apr_size_t *len);
void rpcproxy_backend_keepalive(rpcproxy_backend_t *b, unsigned int seconds);
void rpcproxy_backend_close(rpcproxy_backend_t *b);

/* Bytes that wait: `held` is moved to `to`, or replaced by a copy. */
apr_size_t rpcproxy_held_take(rpcproxy_held_t *held, unsigned char *to);
void rpcproxy_held_keep(rpcproxy_held_t *held, const void *bytes,
                        apr_size_t len);

/* Connecting to one of chan's endpoints (mod_rpcproxy_connect.c): ends by
 * rpcproxy_backend_connected or rpcproxy_tunnel_backend_down, or when it is
 * cancelled. */
void rpcproxy_connect_init(apr_pool_t *pchild, server_rec *s); /* child_init */
void rpcproxy_connect_start(rpcproxy_backend_t *b, const rpcproxy_chan_t *chan);
void rpcproxy_connect_cancel(rpcproxy_backend_t *b);

/* The rest of what a side had sent that has ended (mod_rpcproxy_rest.c). */

/* So long the other side may take nothing of it. */
#define RPCPROXY_STANDSTILL apr_time_from_msec(400)

typedef struct rpcproxy_rest_t {
    apr_time_t at; /* when to look; 0: no side has ended */
    vconn_channel_e of;
    apr_uint64_t taken; /* as it was at the last look */
} rpcproxy_rest_t;

/* `of`, VCONN_IN or VCONN_BACKEND, has ended, and cannot be read up to its
 * end. */
void rpcproxy_rest_begin(rpcproxy_tunnel_t *t, vconn_channel_e of);

/* At each tick: ends the tunnel when the other side stands still. */
void rpcproxy_rest_look(rpcproxy_tunnel_t *t);

/* Tunnels (mod_rpcproxy_tunnel.c). */

struct rpcproxy_tunnel_t {
    vconn_t vconn;
    rpcproxy_poller_t *poller;
    server_rec *server;
    rpcproxy_chan_t *chan[VCONN_CHANNELS];
    rpcproxy_chan_t *newcomer; /* during its JOIN */
    rpcproxy_backend_t backend;
    rpcproxy_timer_t timer;
    rpcproxy_task_t again; /* more to move, or the end */
    rpcproxy_held_t up, up_next, down;
    int down_ready;                   /* `down` starts with a whole PDU */
    int reading[VCONN_CHANNELS];      /* as it was at the last settling */
    apr_interval_time_t partial_time; /* for the rest of a PDU of the client */
    apr_time_t partial_at;            /* when that is over; 0: none waits */
    rpcproxy_rest_t rest;
    rpcproxy_party_t *party[RPCPROXY_PARTIES]; /* where it is counted */
    vconn_counts_t told;                       /* what has been counted of it */
    int trace;
    int ended;
    unsigned int end_code;
    const char *end_why;
    const char *client; /* address of the first channel's client */
    char network[NETWORK_TEXT];
    apr_time_t began;
    int opened;
};

rpcproxy_tunnel_t *rpcproxy_tunnel_create(rpcproxy_chan_t *first);

/* An event of `type` that happens now. */
vconn_event_t rpcproxy_tunnel_event(const rpcproxy_tunnel_t *t,
                                    vconn_event_e type,
                                    vconn_channel_e channel);

/* Gives the event to the virtual connection and does what it says. */
void rpcproxy_tunnel_handle(rpcproxy_tunnel_t *t, vconn_event_t *event);

/* Does one action that needs no PDU of its event. */
void rpcproxy_tunnel_apply(rpcproxy_tunnel_t *t, const vconn_action_t *a);

/* Everything that goes out on OUT. */
void rpcproxy_tunnel_write(rpcproxy_tunnel_t *t, const void *bytes,
                           apr_size_t len);

/* Events without more. */
void rpcproxy_tunnel_closed(rpcproxy_tunnel_t *t, vconn_channel_e channel);
void rpcproxy_tunnel_malformed(rpcproxy_tunnel_t *t, vconn_channel_e channel,
                               const char *why);

/* After every event: ends what has ended, else waits for the right things. */
void rpcproxy_tunnel_settle(rpcproxy_tunnel_t *t);

/* What the channels and the back end report. */
void rpcproxy_tunnel_readable(rpcproxy_chan_t *chan);
void rpcproxy_tunnel_writable(rpcproxy_chan_t *chan);
void rpcproxy_tunnel_gone(rpcproxy_chan_t *chan);
void rpcproxy_tunnel_backend_up(rpcproxy_tunnel_t *t);
void rpcproxy_tunnel_backend_down(rpcproxy_tunnel_t *t, const char *why);
void rpcproxy_tunnel_backend_ended(rpcproxy_tunnel_t *t); /* unread */
void rpcproxy_tunnel_backend_ready(rpcproxy_tunnel_t *t);
void rpcproxy_tunnel_backend_writable(rpcproxy_tunnel_t *t);
void rpcproxy_tunnel_forwarded(rpcproxy_tunnel_t *t, apr_size_t len);

/* Streams (mod_rpcproxy_stream.c). */

/* Moves what can be moved now: IN to the back end, a new OUT channel's C1, the
 * back end to OUT. */
void rpcproxy_stream_up(rpcproxy_tunnel_t *t);
void rpcproxy_stream_successor(rpcproxy_tunnel_t *t);
void rpcproxy_stream_down(rpcproxy_tunnel_t *t);

/* 1 when bytes of `channel`, or of the back end, would be taken now. */
int rpcproxy_stream_may_read(const rpcproxy_tunnel_t *t,
                             vconn_channel_e channel);
int rpcproxy_stream_takes_backend(const rpcproxy_tunnel_t *t);

/* Limits (mod_rpcproxy_limits.c); from any thread of the child. */

/* Every limit; those of parties come first. */
typedef enum rpcproxy_limit_e {
    RPCPROXY_LIMIT_CHILD = RPCPROXY_PARTIES,
    RPCPROXY_LIMIT_HALF_OPEN,
    RPCPROXY_LIMITS
} rpcproxy_limit_e;

/* RPC error codes that channels are refused with. */
#define RPCPROXY_CODES 5
extern const unsigned int rpcproxy_code[RPCPROXY_CODES];

/* What is counted; the columns of a tally.  Levels fall again. */
typedef enum rpcproxy_count_e {
    RPCPROXY_TUNNELS,
    RPCPROXY_HALF_OPEN,
    RPCPROXY_RELAYS,   /* channels of tunnels that another child has */
    RPCPROXY_CHANNELS, /* whose connection has not been freed yet */
    RPCPROXY_BEGUN = TALLY_LEVELS,
    RPCPROXY_OPENED,
    RPCPROXY_RELAYED,
    RPCPROXY_BYTES_UP,
    RPCPROXY_BYTES_DOWN,
    RPCPROXY_PDUS_UP,
    RPCPROXY_PDUS_DOWN,
    RPCPROXY_PINGS_SENT,
    RPCPROXY_PINGS_RECEIVED,
    RPCPROXY_IN_RECYCLES,
    RPCPROXY_OUT_RECYCLES,
    RPCPROXY_OVER_LIMIT, /* by each limit */
    RPCPROXY_REFUSED = RPCPROXY_OVER_LIMIT + RPCPROXY_LIMITS, /* by code */
    RPCPROXY_COUNTS = RPCPROXY_REFUSED + RPCPROXY_CODES
} rpcproxy_count_e;

/* Of all children, those that have ended included. */
typedef struct rpcproxy_totals_t {
    apr_int64_t count[TALLY_COLUMNS];
    unsigned int processes; /* that count now */
    unsigned int slots;     /* of the shared table in use */
    int max_tunnels;        /* of each child; 0 for no limit */
} rpcproxy_totals_t;

void rpcproxy_limits_init(apr_pool_t *pchild, server_rec *s);

/* NULL when `chan` may start a tunnel, which is counted with its parties then;
 * else why it may not. */
const char *rpcproxy_limits_enter(const rpcproxy_chan_t *chan,
                                  rpcproxy_party_t **party);
void rpcproxy_limits_opened(void);
void rpcproxy_limits_leave(rpcproxy_tunnel_t *t);

/* NULL when a channel may go on to another child, and is counted then; else why
 * it may not. */
const char *rpcproxy_limits_relay_enter(void);
void rpcproxy_limits_relay_leave(void);

/* Counts what the tunnel has moved since the last time.  From its settling,
 * when it is much. */
void rpcproxy_limits_tell(rpcproxy_tunnel_t *t);
void rpcproxy_limits_tell_much(rpcproxy_tunnel_t *t);

/* A channel on `c`, as long as that lives. */
void rpcproxy_limits_channel(conn_rec *c);

/* An answer `503 RPC Error: code` has been made. */
void rpcproxy_limits_refused(unsigned int code);
void rpcproxy_limits_totals(rpcproxy_totals_t *totals);

/* Status (mod_rpcproxy_status.c). */

/* Registers the handler `rpcproxy-status`, which tells the figures of the whole
 * server and all tunnels of this child as JSON, and a section of mod_status. */
void rpcproxy_status_hooks(void);

/* The log (mod_rpcproxy_log.c). */

/* The first four bytes of `cookie` in hexadecimal, into 9 characters. */
const char *rpcproxy_log_cookie(char *out, const rts_cookie_t *cookie);

void rpcproxy_log_open(const rpcproxy_tunnel_t *t);
void rpcproxy_log_close(const rpcproxy_tunnel_t *t);

/* RPCProxyTrace: RTS PDUs with their bytes, RPC PDUs with their header only. */
void rpcproxy_log_pdu(const rpcproxy_tunnel_t *t, const char *way,
                      const pdu_header_t *h, const char *name,
                      const void *bytes, apr_size_t len);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MOD_RPCPROXY_RELAY_H
#define POSTERN_MOD_RPCPROXY_RELAY_H

/* Several children: the channels of one virtual connection come to whichever
 * child accepts them.  The first one makes its child the owner; a channel that
 * comes to another child keeps its HTTP side there, and its bytes go to the
 * owner and back through a Unix socket.
 *
 *   pairs    who owns what, and counts, in shared memory; the folder of the
 *            sockets
 *   relay    in the child that has the HTTP side
 *   relayed  in the owner: one more kind of channel
 *   wire     messages that wait for the socket */

#include <ap_mpm.h>
#include <scoreboard.h>

#include "mod_rpcproxy.h"
#include "pairs.h"
#include "relay.h"

/* Pairs (mod_rpcproxy_pairs.c). */

/* post_config: makes table and folder. */
void rpcproxy_pairs_prepare(apr_pool_t *pconf, server_rec *s);

/* A child_status hook: what an ended child has left is removed. */
void rpcproxy_pairs_child_status(server_rec *s, pid_t pid,
                                 ap_generation_t generation, int slot,
                                 mpm_child_status state);

/* child_init, when the pollers run.  Without a table or a socket the child
 * goes on alone. */
void rpcproxy_pairs_start(apr_pool_t *pchild, server_rec *s);

/* 1 when several children can work together. */
int rpcproxy_pairs_are_shared(server_rec *s);

/* Who has the virtual connection of `chan`; see pairs_find.  Always this child
 * (or PAIRS_NONE) when it goes alone. */
pairs_result_e rpcproxy_pairs_find(const rpcproxy_chan_t *chan, int claim,
                                   pid_t *owner);
void rpcproxy_pairs_release(const rts_cookie_t *cookie, int gone);

/* How many virtual connections the table holds, of all children. */
unsigned int rpcproxy_pairs_held(void);

/* The row of this child in the tally of all; NULL when it must count alone.
 * The sum of all rows; 0 when there is none. */
tally_row_t *rpcproxy_pairs_tally_open(void);
int rpcproxy_pairs_tally_sum(apr_int64_t sum[TALLY_COLUMNS],
                             unsigned int *processes);

/* The socket of a child; 0 when its name does not fit. */
int rpcproxy_pairs_address(pid_t pid, struct sockaddr_storage *address,
                           socklen_t *size);

/* Messages on the way (mod_rpcproxy_wire.c); on the poller's thread. */

typedef struct rpcproxy_wire_t {
    int fd;
    struct rpcproxy_message_t *first, **end; /* that the socket did not take */
} rpcproxy_wire_t;

void rpcproxy_wire_init(rpcproxy_wire_t *wire, int fd);
void rpcproxy_wire_close(rpcproxy_wire_t *wire);

/* Sends, or keeps what the socket does not take.  0, or the error of a peer
 * that has gone. */
int rpcproxy_wire_send(rpcproxy_wire_t *wire, relay_type_e type,
                       apr_uint32_t value, const void *bytes, apr_size_t len);
int rpcproxy_wire_flush(rpcproxy_wire_t *wire);

/* One message: *len bytes follow its head in `bytes`.  APR_SUCCESS, APR_EAGAIN,
 * APR_EOF or an error. */
apr_status_t rpcproxy_wire_read(rpcproxy_wire_t *wire, relay_head_t *head,
                                void *bytes, apr_size_t *len);

/* Its head alone; the message stays. */
apr_status_t rpcproxy_wire_peek(rpcproxy_wire_t *wire, relay_head_t *head);

/* The child that has the HTTP side (mod_rpcproxy_relay.c). */

/* Takes over `chan`, whose virtual connection `owner` has. */
void rpcproxy_relay_join(rpcproxy_chan_t *chan, pid_t owner);

/* What the channel reports, as to a tunnel. */
void rpcproxy_relay_readable(rpcproxy_chan_t *chan);
void rpcproxy_relay_writable(rpcproxy_chan_t *chan);
void rpcproxy_relay_gone(rpcproxy_chan_t *chan);

/* Ends all relays of the poller. */
void rpcproxy_relay_stop(rpcproxy_poller_t *p);

/* The owner (mod_rpcproxy_relayed.c). */

/* What stands for a virtual host between processes. */
const char *rpcproxy_relayed_server_name(const server_rec *s, apr_pool_t *pool);

/* Accepts relayed channels on the listening socket `fd`. */
void rpcproxy_relayed_listen(apr_pool_t *pchild, int fd);

#endif

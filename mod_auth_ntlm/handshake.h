/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_HANDSHAKE_H
#define POSTERN_HANDSHAKE_H

/* Where one TCP connection stands in its login: events in, actions out.  The
 * whole of it is one table; nothing here touches a socket.  Pure; one thread
 * a connection. */

typedef enum handshake_state_e {
    HANDSHAKE_NONE,          /* nobody yet */
    HANDSHAKE_STARTING,      /* the verifier has the type 1 */
    HANDSHAKE_CHALLENGED,    /* the client has the type 2 */
    HANDSHAKE_FINISHING,     /* the verifier has the type 3 */
    HANDSHAKE_AUTHENTICATED, /* later requests need no header */
    HANDSHAKE_STATES
} handshake_state_t;

typedef enum handshake_event_e {
    /* a request came in */
    HANDSHAKE_BARE,      /* without Authorization */
    HANDSHAKE_FOREIGN,   /* with a scheme that is not offered */
    HANDSHAKE_MALFORMED, /* with an NTLM token that is none */
    HANDSHAKE_TYPE_1,
    HANDSHAKE_TYPE_3,
    /* the verifier spoke */
    HANDSHAKE_TYPE_2,   /* its challenge */
    HANDSHAKE_ACCEPTED, /* good */
    HANDSHAKE_REFUSED,  /* not good */
    HANDSHAKE_DOWN,     /* it did not speak */
    HANDSHAKE_EVENTS
} handshake_event_t;

typedef enum handshake_action_e {
    HANDSHAKE_OFFER,     /* 401 with the schemes; nobody tried to log in */
    HANDSHAKE_START,     /* give the type 1 to a verifier, come back with its
                            answer */
    HANDSHAKE_CHALLENGE, /* 401 with the type 2 */
    HANDSHAKE_FINISH,    /* give it the type 3, come back */
    HANDSHAKE_ADMIT,     /* let the request pass */
    HANDSHAKE_REFUSE,    /* log, 401 with the schemes */
    HANDSHAKE_FAIL,      /* log, 503 */
    HANDSHAKE_EXHAUST    /* too many attempts: log, 401, end the connection */
} handshake_action_t;

typedef struct handshake_t {
    handshake_state_t state;
    int attempts; /* handshakes begun since the last good one */
} handshake_t;

/* Feeds `event` and yields what to do.  `max` attempts may begin on one
 * connection without success.  Whenever the state is neither CHALLENGED nor
 * FINISHING nor STARTING afterwards, the verifier is needed no more. */
handshake_action_t handshake_feed(handshake_t *h, handshake_event_t event,
                                  int max);

#endif

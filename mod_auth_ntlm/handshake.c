/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "handshake.h"

typedef struct step_t {
    handshake_action_t action;
    handshake_state_t next;
} step_t;

/* A client that sends anything but a type 3 after the challenge has given the
 * handshake up; the challenge is worth one answer.  What a verifier cannot have
 * said in a state is refused. */
/* clang-format off */
#define REFUSE  {HANDSHAKE_REFUSE, HANDSHAKE_NONE}
#define OFFER   {HANDSHAKE_OFFER,  HANDSHAKE_NONE}
#define START   {HANDSHAKE_START,  HANDSHAKE_STARTING}
#define FAIL    {HANDSHAKE_FAIL,   HANDSHAKE_NONE}
static const step_t steps[HANDSHAKE_STATES][HANDSHAKE_EVENTS] = {
    [HANDSHAKE_NONE] = {
        [HANDSHAKE_BARE]      = OFFER,
        [HANDSHAKE_FOREIGN]   = OFFER,
        [HANDSHAKE_MALFORMED] = REFUSE,
        [HANDSHAKE_TYPE_1]    = START,
        [HANDSHAKE_TYPE_3]    = REFUSE,
        [HANDSHAKE_TYPE_2]    = REFUSE,
        [HANDSHAKE_ACCEPTED]  = REFUSE,
        [HANDSHAKE_REFUSED]   = REFUSE,
        [HANDSHAKE_DOWN]      = FAIL,
    },
    [HANDSHAKE_STARTING] = {
        [HANDSHAKE_BARE]      = REFUSE,
        [HANDSHAKE_FOREIGN]   = REFUSE,
        [HANDSHAKE_MALFORMED] = REFUSE,
        [HANDSHAKE_TYPE_1]    = REFUSE,
        [HANDSHAKE_TYPE_3]    = REFUSE,
        [HANDSHAKE_TYPE_2]    = {HANDSHAKE_CHALLENGE, HANDSHAKE_CHALLENGED},
        [HANDSHAKE_ACCEPTED]  = REFUSE,
        [HANDSHAKE_REFUSED]   = REFUSE,
        [HANDSHAKE_DOWN]      = FAIL,
    },
    [HANDSHAKE_CHALLENGED] = {
        [HANDSHAKE_BARE]      = OFFER,
        [HANDSHAKE_FOREIGN]   = OFFER,
        [HANDSHAKE_MALFORMED] = REFUSE,
        [HANDSHAKE_TYPE_1]    = START,
        [HANDSHAKE_TYPE_3]    = {HANDSHAKE_FINISH, HANDSHAKE_FINISHING},
        [HANDSHAKE_TYPE_2]    = REFUSE,
        [HANDSHAKE_ACCEPTED]  = REFUSE,
        [HANDSHAKE_REFUSED]   = REFUSE,
        [HANDSHAKE_DOWN]      = FAIL,
    },
    [HANDSHAKE_FINISHING] = {
        [HANDSHAKE_BARE]      = REFUSE,
        [HANDSHAKE_FOREIGN]   = REFUSE,
        [HANDSHAKE_MALFORMED] = REFUSE,
        [HANDSHAKE_TYPE_1]    = REFUSE,
        [HANDSHAKE_TYPE_3]    = REFUSE,
        [HANDSHAKE_TYPE_2]    = REFUSE,
        [HANDSHAKE_ACCEPTED]  = {HANDSHAKE_ADMIT, HANDSHAKE_AUTHENTICATED},
        [HANDSHAKE_REFUSED]   = REFUSE,
        [HANDSHAKE_DOWN]      = FAIL,
    },
    [HANDSHAKE_AUTHENTICATED] = {
        [HANDSHAKE_BARE]      = {HANDSHAKE_ADMIT, HANDSHAKE_AUTHENTICATED},
        [HANDSHAKE_FOREIGN]   = {HANDSHAKE_OFFER, HANDSHAKE_AUTHENTICATED},
        [HANDSHAKE_MALFORMED] = REFUSE,
        [HANDSHAKE_TYPE_1]    = START,
        [HANDSHAKE_TYPE_3]    = REFUSE,
        [HANDSHAKE_TYPE_2]    = REFUSE,
        [HANDSHAKE_ACCEPTED]  = REFUSE,
        [HANDSHAKE_REFUSED]   = REFUSE,
        [HANDSHAKE_DOWN]      = FAIL,
    },
};
/* clang-format on */

handshake_action_t handshake_feed(handshake_t *h, handshake_event_t event,
                                  int max)
{
    const step_t *step = &steps[h->state][event];

    if (step->action == HANDSHAKE_START && ++h->attempts > max) {
        h->state = HANDSHAKE_NONE;
        return HANDSHAKE_EXHAUST;
    }
    if (step->action == HANDSHAKE_ADMIT) {
        h->attempts = 0;
    }
    h->state = step->next;
    return step->action;
}

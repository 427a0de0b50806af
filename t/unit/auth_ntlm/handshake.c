/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_auth_ntlm/handshake.h"

#include <apr.h>

#include "t/unit/tap.h"

#define MAX_EVENTS 12
#define MAX_ATTEMPTS 3
#define STOP HANDSHAKE_EVENTS

/* Whole conversations: events, and the action that each one must lead to. */
typedef struct row_t {
    const char *name;
    handshake_event_t events[MAX_EVENTS];
    handshake_action_t actions[MAX_EVENTS];
} row_t;

/* clang-format off */
#define LOGIN_EVENTS  HANDSHAKE_TYPE_1, HANDSHAKE_TYPE_2, \
                      HANDSHAKE_TYPE_3, HANDSHAKE_ACCEPTED
#define LOGIN_ACTIONS HANDSHAKE_START, HANDSHAKE_CHALLENGE, \
                      HANDSHAKE_FINISH, HANDSHAKE_ADMIT

static const row_t rows[] = {
    {"nobody asks",
     {HANDSHAKE_BARE, HANDSHAKE_FOREIGN, HANDSHAKE_BARE, STOP},
     {HANDSHAKE_OFFER, HANDSHAKE_OFFER, HANDSHAKE_OFFER}},
    {"a login, then requests without a header",
     {HANDSHAKE_BARE, LOGIN_EVENTS, HANDSHAKE_BARE, HANDSHAKE_BARE, STOP},
     {HANDSHAKE_OFFER, LOGIN_ACTIONS, HANDSHAKE_ADMIT, HANDSHAKE_ADMIT}},
    {"another scheme does not pass for the login, nor ends it",
     {LOGIN_EVENTS, HANDSHAKE_FOREIGN, HANDSHAKE_BARE, STOP},
     {LOGIN_ACTIONS, HANDSHAKE_OFFER, HANDSHAKE_ADMIT}},
    {"the challenge alone lets nobody in",
     {HANDSHAKE_TYPE_1, HANDSHAKE_TYPE_2, HANDSHAKE_BARE, HANDSHAKE_BARE, STOP},
     {HANDSHAKE_START, HANDSHAKE_CHALLENGE, HANDSHAKE_OFFER, HANDSHAKE_OFFER}},
    {"a type 3 after the client gave up",
     {HANDSHAKE_TYPE_1, HANDSHAKE_TYPE_2, HANDSHAKE_BARE, HANDSHAKE_TYPE_3, STOP},
     {HANDSHAKE_START, HANDSHAKE_CHALLENGE, HANDSHAKE_OFFER, HANDSHAKE_REFUSE}},
    {"a type 3 first",
     {HANDSHAKE_TYPE_3, HANDSHAKE_BARE, STOP},
     {HANDSHAKE_REFUSE, HANDSHAKE_OFFER}},
    {"a type 3 twice takes the login back",
     {LOGIN_EVENTS, HANDSHAKE_TYPE_3, HANDSHAKE_BARE, STOP},
     {LOGIN_ACTIONS, HANDSHAKE_REFUSE, HANDSHAKE_OFFER}},
    {"wrong password, then the right one",
     {HANDSHAKE_TYPE_1, HANDSHAKE_TYPE_2, HANDSHAKE_TYPE_3, HANDSHAKE_REFUSED,
      HANDSHAKE_BARE, LOGIN_EVENTS, STOP},
     {HANDSHAKE_START, HANDSHAKE_CHALLENGE, HANDSHAKE_FINISH, HANDSHAKE_REFUSE,
      HANDSHAKE_OFFER, LOGIN_ACTIONS}},
    {"wrong password, then the type 3 again",
     {HANDSHAKE_TYPE_1, HANDSHAKE_TYPE_2, HANDSHAKE_TYPE_3, HANDSHAKE_REFUSED,
      HANDSHAKE_TYPE_3, STOP},
     {HANDSHAKE_START, HANDSHAKE_CHALLENGE, HANDSHAKE_FINISH, HANDSHAKE_REFUSE,
      HANDSHAKE_REFUSE}},
    {"a new type 1 starts over, and takes the login back at once",
     {LOGIN_EVENTS, HANDSHAKE_TYPE_1, HANDSHAKE_TYPE_2, HANDSHAKE_BARE, STOP},
     {LOGIN_ACTIONS, HANDSHAKE_START, HANDSHAKE_CHALLENGE, HANDSHAKE_OFFER}},
    {"rubbish takes the login back",
     {LOGIN_EVENTS, HANDSHAKE_MALFORMED, HANDSHAKE_BARE, STOP},
     {LOGIN_ACTIONS, HANDSHAKE_REFUSE, HANDSHAKE_OFFER}},
    {"the verifier is down at the first leg",
     {HANDSHAKE_TYPE_1, HANDSHAKE_DOWN, HANDSHAKE_BARE, STOP},
     {HANDSHAKE_START, HANDSHAKE_FAIL, HANDSHAKE_OFFER}},
    {"the verifier is down at the second leg",
     {HANDSHAKE_TYPE_1, HANDSHAKE_TYPE_2, HANDSHAKE_TYPE_3, HANDSHAKE_DOWN,
      HANDSHAKE_BARE, STOP},
     {HANDSHAKE_START, HANDSHAKE_CHALLENGE, HANDSHAKE_FINISH, HANDSHAKE_FAIL,
      HANDSHAKE_OFFER}},
    {"the verifier refuses the type 1",
     {HANDSHAKE_TYPE_1, HANDSHAKE_REFUSED, HANDSHAKE_TYPE_3, STOP},
     {HANDSHAKE_START, HANDSHAKE_REFUSE, HANDSHAKE_REFUSE}},
    {"too many beginnings",
     {HANDSHAKE_TYPE_1, HANDSHAKE_TYPE_2, HANDSHAKE_TYPE_1, HANDSHAKE_TYPE_2,
      HANDSHAKE_TYPE_1, HANDSHAKE_TYPE_2, HANDSHAKE_TYPE_1, HANDSHAKE_TYPE_3,
      STOP},
     {HANDSHAKE_START, HANDSHAKE_CHALLENGE, HANDSHAKE_START, HANDSHAKE_CHALLENGE,
      HANDSHAKE_START, HANDSHAKE_CHALLENGE, HANDSHAKE_EXHAUST,
      HANDSHAKE_REFUSE}},
};
/* clang-format on */

static void test_conversations(void)
{
    apr_size_t i;
    int at;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        handshake_t h = {HANDSHAKE_NONE, 0};

        for (at = 0; at < MAX_EVENTS && rows[i].events[at] != STOP; at++) {
            if (handshake_feed(&h, rows[i].events[at], MAX_ATTEMPTS) !=
                rows[i].actions[at]) {
                break;
            }
        }
        ok(at == MAX_EVENTS || rows[i].events[at] == STOP, "%s (step %d)",
           rows[i].name, at);
    }
}

/* Only two ways lead to a request that passes. */
static void test_admission(void)
{
    int state, event, admitted = 0;

    for (state = 0; state < HANDSHAKE_STATES; state++) {
        for (event = 0; event < HANDSHAKE_EVENTS; event++) {
            handshake_t h = {(handshake_state_t)state, 0};
            handshake_action_t action =
                handshake_feed(&h, (handshake_event_t)event, MAX_ATTEMPTS);
            int may =
                (state == HANDSHAKE_FINISHING && event == HANDSHAKE_ACCEPTED) ||
                (state == HANDSHAKE_AUTHENTICATED && event == HANDSHAKE_BARE);

            admitted += action == HANDSHAKE_ADMIT;
            if ((action == HANDSHAKE_ADMIT) != may ||
                (h.state == HANDSHAKE_AUTHENTICATED &&
                 state != HANDSHAKE_AUTHENTICATED && !may)) {
                ok(0, "state %d, event %d", state, event);
            }
        }
    }
    is_int(admitted, 2, "two ways in, in the whole table");
}

static void test_attempts(void)
{
    handshake_t h = {HANDSHAKE_NONE, 0};
    handshake_action_t last = HANDSHAKE_REFUSE;
    int i;

    for (i = 0; i < 20; i++) {
        handshake_feed(&h, HANDSHAKE_TYPE_1, MAX_ATTEMPTS);
        handshake_feed(&h, HANDSHAKE_TYPE_2, MAX_ATTEMPTS);
        handshake_feed(&h, HANDSHAKE_TYPE_3, MAX_ATTEMPTS);
        last = handshake_feed(&h, HANDSHAKE_ACCEPTED, MAX_ATTEMPTS);
    }
    is_int(last, HANDSHAKE_ADMIT, "good logins are not counted");
}

int main(void)
{
    test_conversations();
    test_admission();
    test_attempts();
    return done_testing();
}

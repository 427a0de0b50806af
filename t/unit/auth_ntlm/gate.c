/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_auth_ntlm/gate.h"

#include <apr_general.h>
#include <apr_network_io.h>

#include "t/unit/tap.h"

/* A verifier whose conversation never began, which is all that a gate needs. */
static verifier_t *make_verifier(apr_pool_t *pool)
{
    apr_array_header_t *none =
        apr_array_make(pool, 1, sizeof(verifier_server_t *));
    const unsigned char *type2;
    apr_size_t len;
    verifier_t *verifier;

    verifier_negotiate(&verifier, &type2, &len, none, (const unsigned char *)"",
                       0, 1, pool);
    return verifier;
}

static void test_places(apr_pool_t *pool)
{
    gate_t *gate;
    gate_place_t *a, *b;

    gate_create(&gate, 2, apr_time_from_sec(3600), pool);
    a = gate_enter(gate, pool);
    b = gate_enter(gate, pool);
    ok(a && b, "two places of two");
    ok(!gate_enter(gate, pool), "no third one");
    gate_wait(a, make_verifier(pool));
    ok(!gate_enter(gate, pool), "waiting takes a place");
    is_int(gate_resume(a), 1, "the waiting one comes back");
    gate_leave(a);
    a = gate_enter(gate, pool);
    ok(a != NULL, "a place that was left is free");
    gate_wait(a, make_verifier(pool));
    gate_leave(a);
    gate_leave(b);
    gate_leave(NULL);
    a = gate_enter(gate, pool);
    b = gate_enter(gate, pool);
    ok(a && b && !gate_enter(gate, pool), "and all is as in the beginning");
}

/* Without patience, whoever waits the longest makes room. */
static void test_eviction(apr_pool_t *pool)
{
    gate_t *gate;
    gate_place_t *a, *b, *c, *d;

    gate_create(&gate, 2, -1, pool);
    a = gate_enter(gate, pool);
    b = gate_enter(gate, pool);
    ok(!gate_enter(gate, pool), "who talks to the verifier is not pushed out");
    gate_wait(b, make_verifier(pool));
    gate_wait(a, make_verifier(pool));
    c = gate_enter(gate, pool);
    ok(c != NULL, "who waits is");
    is_int(gate_resume(b), 0, "namely the one that waited the longest");
    gate_leave(b);
    ok(gate_resume(a), "the other one is still there");
    ok(!gate_enter(gate, pool), "who lost his place gives none back");
    gate_leave(c);
    d = gate_enter(gate, pool);
    ok(d && !gate_enter(gate, pool), "two places, as before");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_places(pool);
    test_eviction(pool);
    apr_pool_destroy(pool);
    return done_testing();
}

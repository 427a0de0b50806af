/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_rpcproxy/vconn.h"
#include "t/unit/rpcproxy/vconn_states.h"
#include "t/unit/tap.h"

#define UP_TO_OPEN MODEL_A1, MODEL_B1, MODEL_BACKEND_UP
#define END MODEL_LETTERS
/* Fills the lifetime of OUT so far that A2 was sent. */
#define TO_A3W UP_TO_OPEN, MODEL_BACKEND_BIG_PDU

/* Sequences and where they lead. */
/* clang-format off */
static const struct {
    const char *name;
    model_letter_e letters[16];
    vconn_state_e state;
    vconn_in_e in;
    vconn_out_e out;
} paths[] = {
    {"A1",                {MODEL_A1, END}, VCONN_CONNECTING, 0, 0},
    {"B1",                {MODEL_B1, END}, VCONN_WAIT_A1, 0, 0},
    {"A1, connected",     {MODEL_A1, MODEL_BACKEND_UP, END}, VCONN_WAIT_B1, 0, 0},
    {"A1, B1, connected", {MODEL_A1, MODEL_B1, MODEL_BACKEND_UP, END}, VCONN_OPEN, 0, 0},
    {"B1, A1, connected", {MODEL_B1, MODEL_A1, MODEL_BACKEND_UP, END}, VCONN_OPEN, 0, 0},
    {"A1, connected, B1", {MODEL_A1, MODEL_BACKEND_UP, MODEL_B1, END}, VCONN_OPEN, 0, 0},
    {"A1 twice",          {MODEL_A1, MODEL_A1, END}, VCONN_CONNECTING, 0, 0},
    {"B1 twice",          {MODEL_B1, MODEL_B1, END}, VCONN_WAIT_A1, 0, 0},
    {"another user",      {MODEL_B1, MODEL_A1_OTHER_USER, END}, VCONN_WAIT_A1, 0, 0},
    {"another target",    {MODEL_A1, MODEL_B1_OTHER_TARGET, END}, VCONN_CONNECTING, 0, 0},
    {"B1 alone, later",   {MODEL_B1, MODEL_TICK, END}, VCONN_ENDED, 0, 0},
    {"A1 alone, later",   {MODEL_A1, MODEL_BACKEND_UP, MODEL_TICK, END}, VCONN_ENDED, 0, 0},
    {"not connected",     {MODEL_A1, MODEL_BACKEND_FAILED, END}, VCONN_ENDED, 0, 0},
    {"IN closed early",   {MODEL_B1, MODEL_IN_CLOSED, END}, VCONN_ENDED, 0, 0},
    {"recycling before open", {MODEL_B1, MODEL_IN_RECYCLE, END}, VCONN_WAIT_A1, 0, 0},
    {"data",              {UP_TO_OPEN, MODEL_IN_PDU, MODEL_FORWARDED, MODEL_BACKEND_PDU, END}, VCONN_OPEN, 0, 0},
    {"ping",              {UP_TO_OPEN, MODEL_PING, MODEL_KEEP_ALIVE, MODEL_TICK, END}, VCONN_OPEN, 0, 0},
    {"acknowledgement",   {UP_TO_OPEN, MODEL_BACKEND_PDU, MODEL_ACK, END}, VCONN_OPEN, 0, 0},
    {"of too much",       {UP_TO_OPEN, MODEL_BACKEND_PDU, MODEL_ACK_WRONG, END}, VCONN_ENDED, 0, 0},
    {"unknown RTS",       {UP_TO_OPEN, MODEL_UNKNOWN_RTS, END}, VCONN_ENDED, 0, 0},
    {"A5 too early",      {UP_TO_OPEN, MODEL_A5, END}, VCONN_ENDED, 0, 0},
    {"A7 too early",      {UP_TO_OPEN, MODEL_A7, END}, VCONN_ENDED, 0, 0},
    {"IN closed",         {UP_TO_OPEN, MODEL_IN_CLOSED, END}, VCONN_ENDED, 0, 0},
    {"OUT closed",        {UP_TO_OPEN, MODEL_OUT_CLOSED, END}, VCONN_ENDED, 0, 0},
    {"back end closed",   {UP_TO_OPEN, MODEL_BACKEND_CLOSED, END}, VCONN_ENDED, 0, 0},
    {"new IN",            {UP_TO_OPEN, MODEL_IN_RECYCLE, END}, VCONN_OPEN, VCONN_IN_A5W, 0},
    {"new IN twice",      {UP_TO_OPEN, MODEL_IN_RECYCLE, MODEL_IN_RECYCLE, END}, VCONN_OPEN, VCONN_IN_A5W, 0},
    {"new IN, A5",        {UP_TO_OPEN, MODEL_IN_RECYCLE, MODEL_IN_PDU, MODEL_A5, MODEL_IN_PDU, END}, VCONN_OPEN, 0, 0},
    {"new IN, wrong A5",  {UP_TO_OPEN, MODEL_IN_RECYCLE, MODEL_A5_WRONG, MODEL_IN_PDU, END}, VCONN_OPEN, 0, 0},
    {"new IN, late",      {UP_TO_OPEN, MODEL_IN_RECYCLE, MODEL_TICK, END}, VCONN_OPEN, 0, 0},
    {"new IN closes",     {UP_TO_OPEN, MODEL_IN_RECYCLE, MODEL_IN_NEXT_CLOSED, MODEL_IN_PDU, END}, VCONN_OPEN, 0, 0},
    {"old IN closes",     {UP_TO_OPEN, MODEL_IN_RECYCLE, MODEL_IN_CLOSED, END}, VCONN_ENDED, VCONN_IN_A5W, 0},
    {"OUT nearly full",   {TO_A3W, MODEL_BACKEND_BIG_PDU, END}, VCONN_OPEN, 0, VCONN_OUT_A3W},
    {"new OUT unasked",   {UP_TO_OPEN, MODEL_OUT_RECYCLE, END}, VCONN_OPEN, 0, 0},
    {"new OUT",           {TO_A3W, MODEL_BACKEND_BIG_PDU, MODEL_OUT_RECYCLE, END}, VCONN_OPEN, 0, VCONN_OUT_A7C1W},
    {"new OUT, A7",       {TO_A3W, MODEL_BACKEND_BIG_PDU, MODEL_OUT_RECYCLE, MODEL_A7, END}, VCONN_OPEN, 0, VCONN_OUT_C1W},
    {"new OUT, C1",       {TO_A3W, MODEL_BACKEND_BIG_PDU, MODEL_OUT_RECYCLE, MODEL_C1, END}, VCONN_OPEN, 0, VCONN_OUT_A7W},
    {"new OUT, A7, C1",   {TO_A3W, MODEL_BACKEND_BIG_PDU, MODEL_OUT_RECYCLE, MODEL_A7, MODEL_C1, MODEL_BACKEND_PDU, END}, VCONN_OPEN, 0, 0},
    {"new OUT, C1, A7",   {TO_A3W, MODEL_BACKEND_BIG_PDU, MODEL_OUT_RECYCLE, MODEL_C1_PADDING, MODEL_A7, MODEL_BACKEND_PDU, END}, VCONN_OPEN, 0, 0},
    {"new OUT, wrong A7", {TO_A3W, MODEL_BACKEND_BIG_PDU, MODEL_OUT_RECYCLE, MODEL_A7_WRONG, END}, VCONN_ENDED, 0, VCONN_OUT_A7C1W},
    {"new OUT, RPC PDU",  {TO_A3W, MODEL_BACKEND_BIG_PDU, MODEL_OUT_RECYCLE, MODEL_OUT_NEXT_PDU, END}, VCONN_ENDED, 0, VCONN_OUT_A7C1W},
    {"both",              {TO_A3W, MODEL_BACKEND_BIG_PDU, MODEL_OUT_RECYCLE, MODEL_IN_RECYCLE, MODEL_A5, MODEL_A7, MODEL_IN_RECYCLE, MODEL_A5, MODEL_C1, END},
     VCONN_OPEN, 0, 0},
};
/* clang-format on */

#define ROWS(table) (sizeof(table) / sizeof(table[0]))

static void run(model_t *m, const model_letter_e *letters)
{
    model_init(m);
    for (; *letters != END; letters++) {
        model_step(m, *letters);
    }
}

static void test_paths(void)
{
    size_t i;

    for (i = 0; i < ROWS(paths); i++) {
        model_t m;

        run(&m, paths[i].letters);
        is_int(m.v.state, paths[i].state, paths[i].name);
        ok(m.v.in == paths[i].in && m.v.out == paths[i].out, "IN %d, OUT %d",
           m.v.in, m.v.out);
        ok(!m.wrong, "%s", m.wrong ? m.wrong : "and nothing impossible");
    }
}

/* The smallest sizes with which everything happens: OUT channels that are full,
 * windows that are, clients that never acknowledge, clients that must be sent
 * nothing. */
/* clang-format off */
static const struct {
    const char *name;
    model_options_t options;
} worlds[] = {
    {"short lives",      {700, 8192, 60, 150, 30000000, 60000000, 0, 0}},
    {"small windows",    {700, 100, 60, 150, 1000000, 1500000, 0, 0}},
    {"quiet, then idle", {680, 8192, 60, 100, 30000000, 60000000, 90000000, 1}},
};
/* clang-format on */

#define DEEPEST 100    /* all of them end long before */
#define DEEP_ENOUGH 12 /* where time is short */

/* Every sequence of events, whatever its length: to the depth where no state is
 * new, which is 25, 38 and 29 events.  In none of them is a state without an
 * exit, a channel closed or adopted twice, or a byte lost (vconn_model.h). */
static void test_every_sequence(void)
{
    int most = tap_slower() > 1 ? DEEP_ENOUGH : DEEPEST;
    size_t i;

    for (i = 0; i < ROWS(worlds); i++) {
        states_t s;

        states_explore(&s, &worlds[i].options, most);
        ok(!s.wrong, "%s: %zu states, %ld events: %s", worlds[i].name, s.count,
           s.events, s.wrong ? s.wrong : "nothing impossible");
        ok(most < DEEPEST || (s.depth < most && !s.next_count),
           "%s: %d events deep, and no new state beyond", worlds[i].name,
           s.depth);
        states_free(&s);
    }
}

/* Silence alone ends whatever waits for somebody. */
static void test_exits(void)
{
    size_t i;

    for (i = 0; i < ROWS(paths); i++) {
        int ticks = 0;
        model_t m;

        run(&m, paths[i].letters);
        while (ticks < 50 &&
               (m.v.state != VCONN_OPEN || m.v.out > VCONN_OUT_A3W || m.v.in)) {
            model_tick(&m, 0);
            ticks++;
            if (m.v.state == VCONN_ENDED) {
                break;
            }
        }
        ok(ticks < 50 && !m.wrong, "%s: silence ends the waiting",
           paths[i].name);
    }
}

/* What the client reads, byte by byte. */
static void test_bytes(void)
{
    static const unsigned char a3[] = {5, 0, 20, 3, 16,   0,    0, 0, 28, 0,
                                       0, 0, 0,  0, 0,    0,    0, 0, 1,  0,
                                       2, 0, 0,  0, 0xc0, 0xd4, 1, 0};
    static const vconn_identity_t identity = {"alice", "srv:6001", "vhost"};
    static const rts_cookie_t cookie = {{7}};
    vconn_options_t options = {262144, 1073741824, 120000, 30000000, 0, 0, 0};
    vconn_actions_t actions;
    vconn_event_t e = {0};
    hello_t hello = {0};
    vconn_t v;

    vconn_init(&v, &cookie, &identity);
    hello.kind = HELLO_OUT;
    hello.window = 65536;
    e.type = VCONN_EV_JOIN;
    e.now = 1;
    e.hello = &hello;
    e.identity = &identity;
    e.options = &options;
    vconn_handle(&v, &e, &actions);
    is_int(actions.count, 2, "A1: two actions");
    is_int(actions.action[1].type, VCONN_ACT_CONNECT, "connects");
    e.type = VCONN_EV_BACKEND_UP;
    vconn_handle(&v, &e, &actions);
    is_int(actions.count, 2, "connected: two actions");
    is_int(actions.action[0].type, VCONN_ACT_RESPOND, "the header");
    is_mem(actions.action[1].bytes, actions.action[1].len, a3, sizeof(a3),
           "CONN/A3");
}

int main(void)
{
    test_paths();
    test_every_sequence();
    test_exits();
    test_bytes();
    return done_testing();
}

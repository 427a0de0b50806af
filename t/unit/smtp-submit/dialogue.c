/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "smtp-submit/dialogue.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

/* A row is a conversation: "C:" what must go out, "S:" what comes in, "M" the
 * message is sent and the dot asked for, "X" the connection breaks.  Lines are
 * separated by |.  At the end, the verdicts of the recipients. */
typedef struct row_t {
    const char *name;
    int pipelining, count; /* pipelining + 2: with CHUNKING */
    const char *talk;
    const char *verdicts; /* P T L R D, one a recipient */
} row_t;

static const row_t rows[] = {
    {"one by one", 0, 1,
     "C:MAIL FROM:<s@x>|S:250 ok|C:RCPT TO:<a@x>|S:250 ok|C:DATA|S:354 go|M|"
     "C:.|S:250 queued",
     "T"},
    {"pipelined", 1, 2,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>,RCPT TO:<b@x>,DATA|S:250 ok|S:250 ok|"
     "S:250 ok|S:354 go|M|C:.|S:250 queued",
     "TT"},
    {"252 after the dot is success", 1, 1,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>,DATA|S:250 ok|S:250 ok|S:354 go|M|C:.|"
     "S:252 well",
     "T"},
    {"two good, one bad, one later", 1, 4,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>,RCPT TO:<b@x>,RCPT TO:<c@x>,"
     "RCPT TO:<d@x>,DATA|S:250 ok|S:250 ok|S:550 no|S:450 busy|S:250 ok|"
     "S:354 go|M|C:.|S:250 queued",
     "TRLT"},
    {"sender refused", 1, 2,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>,RCPT TO:<b@x>,DATA|S:550 no|S:503 ?|"
     "S:503 ?|S:503 ?",
     "RR"},
    {"sender refused for now, one by one", 0, 2, "C:MAIL FROM:<s@x>|S:451 wait",
     "LL"},
    {"all refused but 354: lone dot", 1, 1,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>,DATA|S:250 ok|S:550 no|S:354 go|C:.|"
     "S:554 no recipients",
     "R"},
    {"all refused, one by one: no DATA", 0, 1,
     "C:MAIL FROM:<s@x>|S:250 ok|C:RCPT TO:<a@x>|S:550 no", "R"},
    {"DATA refused", 1, 1,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>,DATA|S:250 ok|S:250 ok|S:452 full", "L"},
    {"message refused", 1, 1,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>,DATA|S:250 ok|S:250 ok|S:354 go|M|C:.|"
     "S:554 spam",
     "R"},
    {"message refused for now", 1, 1,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>,DATA|S:250 ok|S:250 ok|S:354 go|M|C:.|"
     "S:451 busy",
     "L"},
    {"broken after the dot: in doubt", 1, 2,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>,RCPT TO:<b@x>,DATA|S:250 ok|S:250 ok|"
     "S:550 no|S:354 go|M|C:.|X",
     "DR"},
    {"broken before the dot: later", 1, 1,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>,DATA|S:250 ok|S:250 ok|S:354 go|X", "L"},
    {"dot asked for but never sent: later", 1, 1,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>,DATA|S:250 ok|S:250 ok|S:354 go|M|X",
     "L"},
    {"broken in the envelope: later", 0, 1, "C:MAIL FROM:<s@x>|S:250 ok|X",
     "L"},
    {"421 in the envelope", 1, 1,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>,DATA|S:250 ok|S:421 closing", "L"},
    {"421 after the dot is an answer", 1, 1,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>,DATA|S:250 ok|S:250 ok|S:354 go|M|C:.|"
     "S:421 closing",
     "L"},
    {"CHUNKING: ready without DATA", 2, 1,
     "C:MAIL FROM:<s@x>|S:250 ok|C:RCPT TO:<a@x>|S:250 ok|M|C:|S:250 queued",
     "T"},
    {"CHUNKING, pipelined: one good, one bad", 3, 2,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>,RCPT TO:<b@x>|S:250 ok|S:550 no|S:250 ok|"
     "M|C:|S:250 queued",
     "RT"},
    {"CHUNKING: all refused", 3, 2,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>,RCPT TO:<b@x>|S:250 ok|S:550 no|S:451 "
     "wait",
     "RL"},
    {"CHUNKING: sender refused", 3, 1,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>|S:550 no|S:503 ?", "R"},
    {"CHUNKING: broken after the message: in doubt", 3, 1,
     "C:MAIL FROM:<s@x>,RCPT TO:<a@x>|S:250 ok|S:250 ok|M|C:|X", "D"},
    {"many lines", 0, 1,
     "C:MAIL FROM:<s@x>|S:250-a|S:250-b|S:250 c|C:RCPT TO:<a@x>|S:250 ok|"
     "C:DATA|S:354 go|M|C:.|S:250 queued",
     "T"},
};

static const char *output(dialogue_t *d, apr_pool_t *pool)
{
    apr_size_t len = 0;
    const char *out = dialogue_output(d, &len);
    char *copy = apr_pstrmemdup(pool, out ? out : "", out ? len : 0), *s;

    for (s = copy; (s = strstr(s, "\r\n")) != NULL;) {
        memmove(s, s + 1, strlen(s));
        *s = s[1] ? ',' : '\0';
    }
    return copy;
}

static void step(const row_t *row, dialogue_t *d, dialogue_tx_t *tx,
                 const char *line, apr_pool_t *pool)
{
    const char *why = "";

    switch (line[0]) {
    case 'C':
        is_str(output(d, pool), line + 2, row->name);
        break;
    case 'S':
        line = apr_pstrcat(pool, line + 2, "\r\n", NULL);
        for (; *line; line++) {
            is_int(dialogue_input(d, line, 1, &why), APR_SUCCESS, line);
        }
        break;
    case 'M':
        is_int(tx->phase, DIALOGUE_READY, "the server wants the message");
        dialogue_dot(d, tx);
        break;
    case 'X':
        dialogue_broken(d, "gone");
        break;
    }
}

static void converse(const row_t *row, apr_pool_t *pool)
{
    static const char *const names[] = {"a@x", "b@x", "c@x", "d@x"};
    reply_offers_t offers = {0};
    dialogue_recipient_t recipients[4] = {{0}};
    dialogue_tx_t tx = {"s@x", recipients, row->count, 10, 0, pool,
                        {0},   0,          0,          0,  0};
    char *talk = apr_pstrdup(pool, row->talk), *state, *line;
    char verdicts[5] = "";
    dialogue_t *d;
    int i;

    offers.pipelining = row->pipelining & 1;
    offers.chunking = row->pipelining >> 1;
    for (i = 0; i < row->count; i++) {
        recipients[i].address = names[i];
    }
    d = dialogue_create(&offers, pool);
    dialogue_begin(d, &tx);
    for (line = apr_strtok(talk, "|", &state); line;
         line = apr_strtok(NULL, "|", &state)) {
        step(row, d, &tx, line, pool);
    }
    for (i = 0; i < row->count; i++) {
        verdicts[i] = "PTLRD"[recipients[i].verdict];
    }
    is_str(verdicts, row->verdicts, row->name);
    is_int(tx.phase, DIALOGUE_DONE, "done");
    is_str(output(d, pool), "", "nothing more to say");
}

/* The second mail's commands go with the first one's dot. */
static void test_two(apr_pool_t *pool)
{
    reply_offers_t offers = {0};
    dialogue_recipient_t one = {"a@x", 0, NULL}, two = {"b@x", 0, NULL};
    dialogue_tx_t first = {"s@x", &one, 1, 10, 0, pool, {0}, 0, 0, 0, 0};
    dialogue_tx_t second = {"t@x", &two, 1, 10, 0, pool, {0}, 0, 0, 0, 0};
    dialogue_t *d;
    const char *why;
    static const char in[] = "250 a\r\n250 b\r\n354 c\r\n";
    static const char in2[] = "250 queued\r\n250 a\r\n250 b\r\n354 c\r\n";

    offers.pipelining = 1;
    d = dialogue_create(&offers, pool);
    dialogue_begin(d, &first);
    output(d, pool);
    dialogue_input(d, in, sizeof(in) - 1, &why);
    is_int(first.phase, DIALOGUE_READY, "first is ready");
    dialogue_dot(d, &first);
    dialogue_begin(d, &second);
    is_str(output(d, pool), ".,MAIL FROM:<t@x>,RCPT TO:<b@x>,DATA",
           "dot and next envelope in one write");
    dialogue_input(d, in2, sizeof(in2) - 1, &why);
    is_int(first.phase, DIALOGUE_DONE, "first is done");
    is_int(one.verdict, DIALOGUE_TAKEN, "first is sent");
    is_int(second.phase, DIALOGUE_READY, "second is ready");
    dialogue_broken(d, "gone");
    is_int(one.verdict, DIALOGUE_TAKEN, "first stays sent");
}

static void test_offers(apr_pool_t *pool)
{
    reply_offers_t offers = {0};
    dialogue_recipient_t r = {"a@x", 0, NULL};
    dialogue_tx_t tx = {"s@x", &r, 1, 1001, 1, pool, {0}, 0, 0, 0, 0};
    dialogue_t *d;
    const char *line;
    apr_size_t len;

    reply_offer(&offers, "size 1000\r\n", 11, pool);
    reply_offer(&offers, "pipelining", 10, pool);
    reply_offer(&offers, "8BITMIME", 8, pool);
    reply_offer(&offers, "AUTH PLAIN LOGIN\r\n", 18, pool);
    is_int(offers.max_size, 1000, "lower case SIZE");
    is_int(offers.pipelining, 1, "lower case PIPELINING");
    is_str(offers.auth, "PLAIN LOGIN", "mechanisms");
    d = dialogue_create(&offers, pool);
    dialogue_begin(d, &tx);
    is_int(r.verdict, DIALOGUE_REFUSED, "too large");
    is_str(r.text,
           "552 5.3.4 the message has 1001 bytes, the server takes 1000",
           "the limit is named");
    tx.size = 1000;
    r.verdict = DIALOGUE_PENDING;
    dialogue_begin(d, &tx);
    line = dialogue_output(d, &len);
    ok(strncmp(line, "MAIL FROM:<s@x> SIZE=1000 BODY=8BITMIME\r\n", 40) == 0,
       "parameters");
    r.address = "\xc3\xa9@x";
    r.verdict = DIALOGUE_PENDING;
    dialogue_begin(d, &tx);
    is_int(r.verdict, DIALOGUE_REFUSED, "no SMTPUTF8");
}

static const char *const wrong[] = {
    "hello\r\n",  "99 x\r\n",
    "600 x\r\n",  "25\r\n",
    "\r\n",       "150 x\r\n",
    "250x\r\n",   "250-a\r\n251 b\r\n",
    "25a ok\r\n", "250 a\r\n250 nobody asked\r\n",
};

static void test_wrong(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        reply_offers_t offers = {0};
        dialogue_recipient_t r = {"a@x", 0, NULL};
        dialogue_tx_t tx = {"s@x", &r, 1, 10, 0, pool, {0}, 0, 0, 0, 0};
        dialogue_t *d = dialogue_create(&offers, pool);
        const char *why = NULL;

        dialogue_begin(d, &tx);
        output(d, pool);
        is_int(dialogue_input(d, wrong[i], strlen(wrong[i]), &why), APR_EINVAL,
               "not SMTP");
        ok(why != NULL, "says why: %s", why);
    }
}

static void test_endless(apr_pool_t *pool)
{
    reply_reader_t reader;
    reply_t reply;
    const char *why, *data;
    apr_size_t len;
    char line[3000];
    int i;

    memset(line, '2', sizeof(line));
    data = line;
    len = sizeof(line);
    reply_reader_init(&reader);
    is_int(reply_read(&reader, &data, &len, &reply, &why), APR_EINVAL,
           "endless line");
    reply_reader_init(&reader);
    for (i = 0; i < 200; i++) {
        data = "250-more\r\n";
        len = 10;
        if (reply_read(&reader, &data, &len, &reply, &why) == APR_EINVAL) {
            break;
        }
    }
    ok(i < 200, "endless reply ends at line %d", i);
    (void)pool;
}

int main(void)
{
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        converse(&rows[i], pool);
    }
    test_two(pool);
    test_offers(pool);
    test_wrong(pool);
    test_endless(pool);
    apr_terminate();
    return done_testing();
}

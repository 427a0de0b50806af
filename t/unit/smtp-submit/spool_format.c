/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "smtp-submit/spool_format.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static spool_mail_t sample(apr_pool_t *pool)
{
    spool_mail_t mail = {0};
    spool_envelope_t e = {0};

    e.sender = "s@example.test";
    e.recipients = apr_array_make(pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(e.recipients, const char *) = "a@example.test";
    APR_ARRAY_PUSH(e.recipients, const char *) = "b@example.test";
    e.to = "a@example.test";
    e.subject = "caf\xc3\xa9 \n x";
    e.message_id = "1@h";
    e.date = apr_time_from_sec(1523331901);
    e.eightbit = 1;
    e.notice = 1;
    mail.pool = pool;
    ok(spool_parse_envelope(&mail, spool_format_envelope(&e, pool), pool),
       "an envelope is read back");
    return mail;
}

static void test_envelope(apr_pool_t *pool)
{
    spool_mail_t mail = sample(pool);

    is_str(mail.envelope.sender, "s@example.test", "sender");
    is_int(mail.recipients->nelts, 2, "recipients");
    is_str(mail.envelope.subject, "caf\xc3\xa9   x", "subject in one line");
    is_int(apr_time_sec(mail.envelope.date), 1523331901, "date");
    is_int(mail.envelope.eightbit + mail.envelope.notice, 2, "flags");
    ok(!spool_parse_envelope(&mail, "sender x\n", pool), "no recipient");
    ok(!spool_parse_envelope(&mail, "nonsense\n", pool), "no value");
    ok(!spool_parse_envelope(&mail, "", pool), "nothing");
}

static void test_head(void)
{
    spool_head_t head = {4711, 123456789012, {0}}, again;
    char text[SPOOL_HEAD_LEN + 1];
    apr_size_t i;

    memset(head.sha1, 0xa5, sizeof(head.sha1));
    spool_format_head(text, &head);
    is_int((long long)strlen(text), SPOOL_HEAD_LEN, "length");
    is_int(spool_parse_head(&again, text), 1, "a head is read back");
    is_int((long long)again.envelope_len, 4711, "length of the envelope");
    is_int(again.message_len, 123456789012, "length of the message");
    is_mem(again.sha1, sizeof(head.sha1), head.sha1, sizeof(head.sha1),
           "checksum");
    for (i = 0; i < SPOOL_HEAD_LEN; i++) {
        char kept = text[i];

        text[i] = '?';
        ok(!spool_parse_head(&again, text), "wrong byte %d", (int)i);
        text[i] = kept;
    }
}

static const struct {
    const char *name, *journal;
    int pending, attempts, doubt;
    long next;
} rows[] = {
    {"nothing", "", 2, 0, 0, 0},
    {"dot alone", "dot 5 \n", 2, 0, 1, 0},
    {"dot unfinished", "dot 5 ", 2, 0, 0, 0},
    {"sent", "dot 5 \nsent 6 0 250 ok\nsent 6 1 250 ok\n", 0, 0, 0, 0},
    {"sent unfinished", "dot 5 \nsent 6 0 250 o", 2, 0, 1, 0},
    {"one failed, one later",
     "failed 6 0 550 no\nlater 6 1 450 x\nattempt 6 450 x\nnext 66 \n", 1, 1, 0,
     66},
    {"doubt after a refusal", "failed 6 0 550 no\ndot 6 \nattempt 6 gone\n", 1,
     1, 1, 0},
    {"retry", "failed 6 0 550 no\nattempt 6 x\nnext 9 \nretry 7 \n", 2, 0, 0,
     0},
    {"index out of range", "sent 6 2 x\nsent 6 -1 x\nsent 6 x\n", 2, 0, 0, 0},
    {"unknown words", "frog 1 x\n\n \nfrog\nsent\nsent 6\n", 2, 0, 0, 0},
};

static void test_journal(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        spool_mail_t mail = sample(pool);

        spool_parse_journal(&mail, rows[i].journal, pool);
        is_int(spool_pending(&mail), rows[i].pending, rows[i].name);
        is_int(mail.attempts, rows[i].attempts, "attempts");
        is_int(mail.in_doubt, rows[i].doubt, "in doubt");
        is_int((long long)apr_time_sec(mail.next), rows[i].next, "next");
    }
    is_str(spool_format_result(SPOOL_FAILED, apr_time_from_sec(6), 1,
                               "550 a\nsent 1 0 x", pool),
           "failed 6 1 550 a sent 1 0 x\n", "one line");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_envelope(pool);
    test_head();
    test_journal(pool);
    apr_terminate();
    return done_testing();
}

/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_freebusy/source_outbox.h"
#include "lib/xml.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

#define REPLY(responses)                                                       \
    "<?xml version=\"1.0\"?><C:schedule-response "                             \
    "xmlns:C=\"urn:ietf:params:xml:ns:caldav\" xmlns:D=\"DAV:\">" responses    \
    "</C:schedule-response>"
#define ONE(recipient, status, data)                                           \
    "<C:response><C:recipient>" recipient                                      \
    "</C:recipient><C:request-status>" status "</C:request-status>" data       \
    "</C:response>"
#define DATA "<C:calendar-data>BEGIN:VCALENDAR</C:calendar-data>"

static const struct {
    const char *name, *answer;
    apr_status_t all, alice;
} answers[] = {
    {"SOGo's bare recipient",
     REPLY(ONE("mailto:alice@example.test", "2.0;Success", DATA)), APR_SUCCESS,
     APR_SUCCESS},
    {"an href",
     REPLY(ONE("<D:href>MAILTO:Alice@EXAMPLE.test</D:href>", "2.0;Success",
               DATA)),
     APR_SUCCESS, APR_SUCCESS},
    {"without mailto", REPLY(ONE("alice@example.test", "2.0", DATA)),
     APR_SUCCESS, APR_SUCCESS},
    {"unknown",
     REPLY(ONE("mailto:alice@example.test", "3.7;Invalid Calendar User", "")),
     APR_SUCCESS, APR_NOTFOUND},
    {"forbidden",
     REPLY(ONE("mailto:alice@example.test", "3.8;No authority", "")),
     APR_SUCCESS, APR_EACCES},
    {"cannot say", REPLY(ONE("mailto:alice@example.test", "5.1;Try later", "")),
     APR_SUCCESS, APR_EGENERAL},
    {"success without data",
     REPLY(ONE("mailto:alice@example.test", "2.0;Success", "")), APR_SUCCESS,
     APR_EGENERAL},
    {"somebody else",
     REPLY(ONE("mailto:bob@example.test", "2.0;Success", DATA)), APR_SUCCESS,
     APR_EGENERAL},
    {"nobody", REPLY(""), APR_SUCCESS, APR_EGENERAL},
    {"another document", "<x/>", APR_EINVAL, 0},
    {"another namespace", "<schedule-response/>", APR_EINVAL, 0},
    {"no document", "hello", APR_EINVAL, 0},
    {"nothing", "", APR_EINVAL, 0},
    {"DOCTYPE", "<!DOCTYPE x>" REPLY(""), APR_EINVAL, 0},
};

static void test_reading(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        source_calendar_t c = {
            {"alice", "alice@example.test", "example.test", "g"},
            APR_SUCCESS,
            NULL,
            NULL,
            0};
        const char *why = NULL;
        apr_status_t rv = source_outbox_read(
            answers[i].answer, strlen(answers[i].answer), &c, 1, &why, pool);

        is_int(rv, answers[i].all, answers[i].name);
        if (rv == APR_SUCCESS) {
            is_int(c.rv, answers[i].alice, "  for alice");
            ok(c.rv == APR_SUCCESS ? c.data && c.len == 15 : c.why != NULL,
               "  with data or a reason");
        }
        else {
            ok(why != NULL, "  says why");
        }
    }
}

static void test_writing(apr_pool_t *pool)
{
    placeholder_values_t caller = {"bob", "bob@example.test", "example.test",
                                   "guid"};
    source_question_t question = {{1772443815, 1772530215}, &caller};
    source_calendar_t list[3] = {
        {{"alice", "alice@example.test", "example.test", "a"},
         0,
         NULL,
         NULL,
         0},
        {{"eve", "eve@x\r\nATTENDEE:mallory", "x", "e"}, 0, NULL, NULL, 0},
        {{"long", NULL, "x", "l"}, 0, NULL, NULL, 0},
    };
    const char *body, *p;
    int longest = 0;

    list[2].values.mail = apr_pstrcat(
        pool,
        "a-very-long-name-that-goes-on-and-on-and-on-and-on-and-on-and-on@",
        "example.test", NULL);
    ok(source_outbox_write(&body, &question, list, 3, pool), "a request");
    ok(strstr(body, "\r\nDTSTART:20260302T093015Z\r\n") != NULL, "start");
    ok(strstr(body, "\r\nDTEND:20260303T093015Z\r\n") != NULL, "end");
    ok(strstr(body, "\r\nORGANIZER:mailto:bob@example.test\r\n") != NULL,
       "organizer");
    ok(strstr(body, "\r\nATTENDEE:mailto:alice@example.test\r\n") != NULL,
       "attendee");
    ok(strstr(body, "mallory") == NULL, "no line of a user's own");
    for (p = body; *p; p = strstr(p, "\r\n") + 2) {
        int n = (int)strcspn(p, "\r");

        longest = n > longest ? n : longest;
    }
    ok(longest <= 75, "no line is longer than 75 bytes (%d)", longest);
    ok(!source_outbox_write(&body, &question, list + 1, 1, pool),
       "nobody is left to ask for");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    xml_init();
    test_reading(pool);
    test_writing(pool);
    apr_terminate();
    return done_testing();
}

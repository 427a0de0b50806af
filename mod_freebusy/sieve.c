/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The writing half of sieve.h.
 *
 * Reply texts stand in the script as they came, as the body of a MIME part of
 * 8bit encoding inside a quoted string: whoever opens the script can read them.
 * Only texts that mail or Sieve cannot carry so (a line of more than 998 bytes,
 * a CR alone) become quoted-printable. */

#include "sieve.h"
#include "datetime.h"
#include "sieve_words.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define LINE_MAX_8BIT 990 /* RFC 5322 section 2.1.1, less what quoting adds */
#define LINE_MAX_QP 76

/* Strings that will be joined at the end. */
typedef struct out_t {
    apr_array_header_t *parts;
    apr_pool_t *pool;
} out_t;

static void put(out_t *out, const char *text)
{
    APR_ARRAY_PUSH(out->parts, const char *) = text;
}

const char *sieve_quote(const char *text, apr_pool_t *pool)
{
    char *quoted = apr_palloc(pool, 2 * strlen(text) + 3), *to = quoted;

    *to++ = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            *to++ = '\\';
        }
        *to++ = *text;
    }
    *to++ = '"';
    *to = '\0';
    return quoted;
}

static void put_quoted(out_t *out, const char *text)
{
    put(out, sieve_quote(text, out->pool));
}

static void put_list(out_t *out, const apr_array_header_t *list)
{
    int i;

    put(out, "[");
    for (i = 0; i < list->nelts; i++) {
        put(out, i ? ", " : "");
        put_quoted(out, APR_ARRAY_IDX(list, i, const char *));
    }
    put(out, "]");
}

/* Whether the text can stand in the script as it is. */
static int fits_8bit(const char *text)
{
    apr_size_t line = 0;

    for (; *text; text++) {
        if (*text == '\r' && text[1] != '\n') {
            return 0;
        }
        line = *text == '\n' ? 0 : line + 1;
        if (line > LINE_MAX_8BIT) {
            return 0;
        }
    }
    return 1;
}

/* Quoted-printable (RFC 2045 section 6.7), line breaks encoded as well: the
 * text comes back byte for byte. */
static const char *quoted_printable(const char *text, apr_pool_t *pool)
{
    static const char hex[] = "0123456789ABCDEF";
    apr_size_t len = strlen(text), line = 0;
    char *encoded = apr_palloc(pool, 4 * len + 8), *to = encoded;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        int plain = c > ' ' && c < 0x7f && c != '=';

        plain |= c == ' ' && text[1] && line < LINE_MAX_QP - 5;
        if (line > LINE_MAX_QP - 4) {
            memcpy(to, "=\n", 2);
            to += 2;
            line = 0;
        }
        if (plain) {
            *to++ = (char)c;
            line++;
            continue;
        }
        *to++ = '=';
        *to++ = hex[c >> 4];
        *to++ = hex[c & 15];
        line += 3;
    }
    *to = '\0';
    return encoded;
}

/* The MIME part of a reply, as one quoted string. */
static void put_message(out_t *out, const oof_reply_t *reply)
{
    int plain = fits_8bit(reply->message);

    put_quoted(out,
               apr_pstrcat(out->pool, "Content-Type: text/",
                           oof_is_html(reply->message) ? "html" : "plain",
                           "; charset=utf-8\nContent-Transfer-Encoding: ",
                           plain ? SIEVE_8BIT : SIEVE_QP, "\n\n",
                           plain ? reply->message
                                 : quoted_printable(reply->message, out->pool),
                           NULL));
}

static void put_setting(out_t *out, const char *word, const char *value)
{
    put(out, apr_pstrcat(out->pool, word, value, "\n", NULL));
}

static int is_language(const char *text)
{
    return text && *text && strlen(text) < 36 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789-") == strlen(text);
}

/* What the script's tests cannot tell, in comments. */
static void put_settings(out_t *out, const oof_t *oof, const char *include)
{
    put(out, SIEVE_FIRST_LINE
        "\n"
        "# Written for Outlook; a change made there replaces this file.\n");
    put_setting(out, SIEVE_STATE, oof_state_name(oof->state));
    put_setting(out, SIEVE_AUDIENCE, oof_audience_name(oof->audience));
    put_setting(out, SIEVE_START, datetime_print_utc(oof->start, out->pool));
    put_setting(out, SIEVE_END, datetime_print_utc(oof->end, out->pool));
    if (include) {
        put_setting(out, SIEVE_OWN, include);
    }
    if (is_language(oof->internal.language)) {
        put_setting(out, SIEVE_INTERNAL_LANGUAGE, oof->internal.language);
    }
    if (is_language(oof->external.language)) {
        put_setting(out, SIEVE_EXTERNAL_LANGUAGE, oof->external.language);
    }
    put(out, "\n");
}

/* The tests that must hold for a reply to go out at all.  The date compares as
 * text, in UTC, and without what a server may put behind the seconds. */
static void put_when(out_t *out, const oof_t *oof)
{
    if (oof->state == OOF_DISABLED) {
        put(out, "false");
    }
    else if (oof->state == OOF_ENABLED) {
        put(out, "true");
    }
    else {
        put(out,
            "allof (currentdate :zone \"+0000\" :value \"ge\" \"iso8601\" ");
        put_quoted(out, datetime_print(oof->start, out->pool));
        put(out, ",\n          currentdate :zone \"+0000\" :value \"lt\" "
                 "\"iso8601\" ");
        put_quoted(out, datetime_print(oof->end, out->pool));
        put(out, ")");
    }
}

static void put_vacation(out_t *out, const sieve_context_t *context,
                         const oof_reply_t *reply, const char *handle)
{
    put(out, "        vacation :days 1 :handle ");
    put_quoted(out, handle);
    put(out, "\n            :addresses ");
    put_list(out, context->addresses);
    put(out, "\n            :subject ");
    put_quoted(out, context->subject);
    put(out, "\n            :mime ");
    put_message(out, reply);
    put(out, ";\n");
}

/* An empty message is no reply (as in Outlook); a reply that must not go out
 * is kept behind "false". */
static void put_reply(out_t *out, const oof_t *oof,
                      const sieve_context_t *context, int internal)
{
    const oof_reply_t *reply = internal ? &oof->internal : &oof->external;
    int sent = internal || oof->audience == OOF_AUDIENCE_ALL;

    put(out,
        internal ? "    " SIEVE_INTERNAL "\n" : "    " SIEVE_EXTERNAL "\n");
    if (!*reply->message) {
        return;
    }
    put(out, "    if ");
    if (!sent) {
        put(out, "false");
    }
    else {
        put(out, internal ? "envelope :domain :is \"from\" "
                          : "not envelope :domain :is \"from\" ");
        put_list(out, context->domains);
    }
    put(out, " {\n");
    put_vacation(out, context, reply,
                 internal ? "postern-internal" : "postern-external");
    put(out, "    }\n");
}

/* RFC 5804 section 1.6: no control characters in names of scripts. */
static int is_script_name(const char *name)
{
    for (; *name; name++) {
        if (apr_iscntrl(*name)) {
            return 0;
        }
    }
    return 1;
}

const char *sieve_write(const oof_t *oof, const sieve_context_t *context,
                        apr_pool_t *pool)
{
    const char *include = context->include && is_script_name(context->include)
                              ? context->include
                              : NULL;
    out_t out = {apr_array_make(pool, 64, sizeof(const char *)), pool};

    put_settings(&out, oof, include);
    put(&out, "require [\"date\", \"envelope\", ");
    put(&out, include ? "\"include\", " : "");
    put(&out, "\"relational\", \"vacation\"];\n\nif ");
    put_when(&out, oof);
    put(&out, " {\n");
    put_reply(&out, oof, context, 1);
    put_reply(&out, oof, context, 0);
    put(&out, "}\n");
    if (include) {
        put(&out, "\n# The user's own filters.\ninclude :personal :optional ");
        put_quoted(&out, include);
        put(&out, ";\n");
    }
    return apr_array_pstrcat(pool, out.parts, 0);
}

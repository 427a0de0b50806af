/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "substitute.h"
#include "disk.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <stdlib.h>
#include <string.h>

/* As the guide has it: 2018-04-10T03:45:01+0000. */
static const char *stamp(apr_time_t now, int local, apr_pool_t *pool)
{
    apr_time_exp_t t;
    int minutes;

    if (local) {
        apr_time_exp_lt(&t, now);
    }
    else {
        apr_time_exp_gmt(&t, now);
    }
    minutes = abs(t.tm_gmtoff) / 60;
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d%02d",
                        t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
                        t.tm_min, t.tm_sec, t.tm_gmtoff < 0 ? '-' : '+',
                        minutes / 60, minutes % 60);
}

static const char *printable(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text), *s;

    for (s = copy; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            *s = ' ';
        }
    }
    return copy;
}

/* What %letter stands for, or NULL. */
static const char *replacement(char letter, const substitute_facts_t *facts,
                               apr_pool_t *pool)
{
    switch (letter) {
    case 'N':
        return printable(facts->hostname, pool);
    case 'S':
        return printable(facts->serial, pool);
    case 'T':
    case 'D':
    case 'L':
        return stamp(facts->now, 1, pool);
    case 'U':
        return stamp(facts->now, 0, pool);
    default:
        return NULL;
    }
}

const char *substitute_subject(const char *text,
                               const substitute_facts_t *facts,
                               apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 8, sizeof(char *));
    const char *percent;

    while ((percent = strchr(text, '%')) != NULL) {
        const char *value = replacement(percent[1], facts, pool);
        apr_size_t keep = (apr_size_t)(percent - text) + (value ? 0 : 1);

        APR_ARRAY_PUSH(parts, const char *) = apr_pstrmemdup(pool, text, keep);
        if (value) {
            APR_ARRAY_PUSH(parts, const char *) = value;
        }
        text = percent + (value ? 2 : 1);
    }
    APR_ARRAY_PUSH(parts, const char *) = text;
    return apr_array_pstrcat(pool, parts, 0);
}

const char *substitute_serial(apr_pool_t *pool)
{
    static const char *const files[] = {
        "/sys/class/dmi/id/product_serial",
        "/etc/machine-id",
    };
    const char *text;
    apr_size_t i, len;

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (disk_read(files[i], 4096, &text, NULL, pool) == 0) {
            len = strcspn(text, "\r\n ");
            if (len > 0) {
                return apr_pstrmemdup(pool, text, len);
            }
        }
    }
    return "unknown";
}

/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "progress.h"

#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIRST apr_time_from_msec(500)
#define AGAIN apr_time_from_msec(100)

enum { TEXT_MAX = 60, MEGABYTE = 1000000 };

void progress_begin(progress_t *p)
{
    memset(p, 0, sizeof(*p));
    p->on = isatty(STDOUT_FILENO);
    p->next = apr_time_now() + FIRST;
}

/* Backspaces are understood by every terminal, and need to know nothing about
 * the line. */
static void print(progress_t *p, const char *text)
{
    int len = (int)strlen(text), i;

    for (i = 0; i < p->shown; i++) {
        putchar('\b');
    }
    fputs(text, stdout);
    for (i = len; i < p->shown; i++) {
        putchar(' ');
    }
    for (i = len; i < p->shown; i++) {
        putchar('\b');
    }
    fflush(stdout);
    p->shown = len;
}

static int is_time(progress_t *p)
{
    apr_time_t now;

    if (!p || !p->on || (now = apr_time_now()) < p->next) {
        return 0;
    }
    p->next = now + AGAIN;
    return 1;
}

void progress_mail(progress_t *p, int mail, int mails)
{
    char text[TEXT_MAX];

    if (p) {
        p->mail = mail;
        p->mails = mails;
    }
    if (mails > 1 && is_time(p)) {
        apr_snprintf(text, sizeof(text), " mail %d of %d", mail, mails);
        print(p, text);
    }
}

void progress_bytes(progress_t *p, apr_off_t done, apr_off_t all)
{
    char text[TEXT_MAX], mails[TEXT_MAX] = "";

    if (!is_time(p)) {
        return;
    }
    if (p->mails > 1) {
        apr_snprintf(mails, sizeof(mails), " mail %d of %d,", p->mail,
                     p->mails);
    }
    if (all > 0) {
        apr_snprintf(text, sizeof(text), "%s %d%% of %" APR_OFF_T_FMT " MB",
                     mails, (int)(done * 100 / all), all / MEGABYTE);
    }
    else {
        apr_snprintf(text, sizeof(text), "%s %" APR_OFF_T_FMT " MB", mails,
                     done / MEGABYTE);
    }
    print(p, text);
}

void progress_end(progress_t *p)
{
    if (p && p->shown) {
        print(p, "");
    }
}

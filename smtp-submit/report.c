/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "report.h"

#include <apr_time.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void report(const report_t *to, int level, const char *format, ...)
{
    char line[1024], *s;
    apr_time_exp_t t;
    va_list args;

    if (level == LOG_DEBUG && !to->debug) {
        return;
    }
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    for (s = line; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            *s = '?';
        }
    }
    syslog(LOG_MAIL | level, "%s", line);
    if (to->stderr_too || to->debug) {
        apr_time_exp_lt(&t, apr_time_now());
        fprintf(stderr, "%02d:%02d:%02d %s smtp-submit[%ld]: %s\n", t.tm_hour,
                t.tm_min, t.tm_sec, to->hostname, (long)getpid(), line);
    }
}

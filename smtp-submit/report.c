/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "report.h"
#include "disk.h"

#include <apr_time.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void report(const report_t *to, int level, const char *format, ...)
{
    char text[1024], line[1536], *s;
    apr_time_exp_t t;
    va_list args;
    int len;

    if (level == LOG_DEBUG && !to->debug) {
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (s = text; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            *s = '?';
        }
    }
    syslog(LOG_MAIL | level, "%s", text);
    apr_time_exp_lt(&t, apr_time_now());
    len = snprintf(line, sizeof(line),
                   "%02d:%02d:%02d %s smtp-submit[%ld]: %s\n", t.tm_hour,
                   t.tm_min, t.tm_sec, to->hostname, (long)getpid(), text);
    if (to->stderr_too || to->debug) {
        fputs(line, stderr);
    }
    if (to->trace > 0 && len > 0 && (size_t)len < sizeof(line)) {
        (void)disk_write(to->trace, line, (apr_size_t)len);
    }
}

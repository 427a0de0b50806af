/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_WINDOWS_ZONES_H
#define POSTERN_WINDOWS_ZONES_H

/* The names that Windows gives to time zones. */

typedef struct windows_zone_t {
    const char *windows; /* W. Europe Standard Time */
    const char *iana;    /* Europe/Berlin */
} windows_zone_t;

/* All of them, in ASCII order of the Windows name without regard to case. */
extern const windows_zone_t windows_zones[];
int windows_zones_count(void);

/* The row of a Windows name (any case), or NULL. */
const windows_zone_t *windows_zones_find(const char *windows);

#endif

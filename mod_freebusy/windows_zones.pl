#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Makes windows_zones.c from the table windowsZones of the Unicode Common Locale
# Data Repository, as Debian's package unicode-cldr-core installs it:
#
#   perl mod_freebusy/windows_zones.pl > mod_freebusy/windows_zones.c

use strict;
use warnings;

my $file = shift // '/usr/share/unicode/cldr/common/supplemental/windowsZones.xml';
open my $in, '<', $file or die "$file: $!\n";
my (%zones, $version);
while (<$in>) {
    $version = $1 if /<mapTimezones otherVersion="[^"]*" typeVersion="([^"]*)"/;
    # Territory 001 is the zone to take when nothing says the country.
    $zones{$1} = (split ' ', $2)[0]
        if /<mapZone other="([^"]+)" territory="001" type="([^"]+)"/;
}
keys %zones > 100 or die "$file: only " . keys(%zones) . " zones\n";
# Windows' own name for UTC is in the table; "Etc/GMT" forms are files too.
print <<"C";
/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Made by windows_zones.pl from windowsZones.xml of the Unicode Common Locale
 * Data Repository (Debian unicode-cldr-core), zone data $version.  Do not edit. */

#include "windows_zones.h"

#include <apr_cstr.h>
#include <stddef.h>

/* clang-format off */
const windows_zone_t windows_zones[] = {
C
printf qq(    {"%s", "%s"},\n), $_, $zones{$_}
    for sort { lc $a cmp lc $b } keys %zones;
print <<'C';
};
/* clang-format on */

int windows_zones_count(void)
{
    return (int)(sizeof(windows_zones) / sizeof(windows_zones[0]));
}

const windows_zone_t *windows_zones_find(const char *windows)
{
    int low = 0, high = windows_zones_count();

    while (low < high) {
        int middle = (low + high) / 2;
        int order = apr_cstr_casecmp(windows, windows_zones[middle].windows);

        if (order == 0) {
            return &windows_zones[middle];
        }
        if (order < 0) {
            high = middle;
        }
        else {
            low = middle + 1;
        }
    }
    return NULL;
}
C

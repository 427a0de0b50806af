/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_rpcproxy/network.h"
#include "t/unit/tap.h"

/* clang-format off */
static const struct {
    const char *one, *other;
    int bits4, bits6, same;
} rows[] = {
    {"192.0.2.7",   "192.0.2.8",         0,   0, 1},
    {"192.0.2.7",   "2001:db8::1",       0,   0, 1},
    {"192.0.2.7",   "192.0.2.7",        32,   0, 1},
    {"192.0.2.7",   "192.0.2.8",        32,   0, 0},
    {"192.0.2.7",   "192.0.2.255",      24,   0, 1},
    {"192.0.2.7",   "192.0.3.7",        24,   0, 0},
    {"192.0.2.7",   "192.0.3.7",        23,   0, 1},
    {"192.0.2.7",   "192.0.3.7",        22,   0, 1},
    {"10.0.0.1",    "138.0.0.1",         1,   0, 0},
    {"10.0.0.1",    "127.0.0.1",         1,   0, 1},
    {"192.0.2.7",   "2001:db8::1",      24,   0, 0},
    {"192.0.2.7",   "2001:db8::1",       0,  64, 0},
    {"192.0.2.7",   "2001:db8::1",      24,  64, 0},
    {"2001:db8::1", "2001:db8::2",      24,   0, 1},
    {"2001:db8::1", "2001:db8::ffff:0", 24,  64, 1},
    {"2001:db8::1", "2001:db8:0:1::1",  24,  64, 0},
    {"2001:db8::1", "2001:db8:0:1::1",  24,  63, 1},
    {"2001:db8::1", "2001:db8::2",      24, 128, 0},
    {"2001:db8::1", "2001:db8::1",      24, 128, 1},
    {"no address",  "nor this",         24,  64, 1},
};
/* clang-format on */

int main(void)
{
    char one[NETWORK_TEXT], other[NETWORK_TEXT];
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        network_of(one, rows[i].one, rows[i].bits4, rows[i].bits6);
        network_of(other, rows[i].other, rows[i].bits4, rows[i].bits6);
        is_int(strcmp(one, other) == 0, rows[i].same, rows[i].other);
    }
    return done_testing();
}

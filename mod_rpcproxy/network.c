/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "network.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

static const char digits[] = "0123456789abcdef";

/* The first `bits` of `size` bytes; those behind them count as 0. */
static void put_bits(char *to, const unsigned char *bytes, size_t size,
                     int bits)
{
    size_t i;

    for (i = 0; i < size; i++, bits -= 8) {
        unsigned int mask = bits >= 8 ? 0xff : bits > 0 ? 0xff00u >> bits : 0;
        unsigned int byte = bytes[i] & mask & 0xff;

        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 15];
    }
    *to = '\0';
}

void network_of(char text[NETWORK_TEXT], const char *address, int bits4,
                int bits6)
{
    unsigned char bytes[16];

    memset(text, 0, NETWORK_TEXT);
    if (bits4 && inet_pton(AF_INET, address, bytes) == 1) {
        put_bits(text, bytes, 4, bits4);
    }
    else if (bits6 && inet_pton(AF_INET6, address, bytes) == 1) {
        put_bits(text, bytes, 16, bits6);
    }
}

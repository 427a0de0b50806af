/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_NETWORK_H
#define POSTERN_NETWORK_H

/* The network of a client: the first bits of its address, as a text that two
 * clients of one network share.  Pure; any thread. */

#define NETWORK_TEXT 40

/* For the `address` of a client as text; `bits4` of an IPv4 and `bits6` of an
 * IPv6 address count, 0 for none of them: then, and when it is no address, the
 * text is empty. */
void network_of(char text[NETWORK_TEXT], const char *address, int bits4,
                int bits6);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_EXCHANGE_H
#define POSTERN_EXCHANGE_H

/* The Exchange that we speak for: 2016.  Clients choose by it what they may
 * ask, and take it from whichever answer comes first, so autodiscover and EWS
 * tell the same. */
#define EXCHANGE_MAJOR 15
#define EXCHANGE_MINOR 1
#define EXCHANGE_BUILD 2176
#define EXCHANGE_REVISION 2
#define EXCHANGE_SCHEMA "Exchange2016"

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Sequences of events into one virtual connection: each byte is an event, and
 * nothing impossible may be asked for after any of them. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "t/unit/rpcproxy/vconn_model.h"

#define LONGEST 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    model_t m;
    size_t i;

    model_init(&m);
    for (i = 0; i < size && i < LONGEST; i++) {
        model_step(&m, (model_letter_e)(data[i] % MODEL_LETTERS));
        if (m.wrong) {
            fprintf(stderr, "event %zu: %s\n", i, m.wrong);
            abort();
        }
    }
    return 0;
}

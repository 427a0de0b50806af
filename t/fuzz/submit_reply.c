/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* A hostile server: whatever it says, each mail gets a verdict, and no mail is
 * called sent without a 2xx after its dot.  The first byte chooses the offers
 * and the size of the pieces. */

#include "smtp-submit/dialogue.h"

#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int talk(dialogue_t *d, dialogue_tx_t *tx, const uint8_t **data,
                size_t *size, size_t piece, dialogue_phase_t phase)
{
    apr_size_t len;
    const char *why;

    while (tx->phase < phase) {
        size_t n = *size < piece ? *size : piece;

        (void)dialogue_output(d, &len);
        if (n == 0 ||
            dialogue_input(d, (const char *)*data, n, &why) != APR_SUCCESS) {
            dialogue_broken(d, "gone");
            return 0;
        }
        *data += n;
        *size -= n;
    }
    return !dialogue_closing(d);
}

static void check(const dialogue_tx_t *tx, int dotted)
{
    int i;

    if (tx->phase != DIALOGUE_DONE) {
        abort();
    }
    for (i = 0; i < tx->count; i++) {
        dialogue_verdict_t verdict = tx->recipients[i].verdict;

        if (verdict == DIALOGUE_PENDING || !tx->recipients[i].text ||
            (!dotted &&
             (verdict == DIALOGUE_TAKEN || verdict == DIALOGUE_DOUBT))) {
            abort();
        }
    }
}

static void converse(apr_pool_t *pool, const uint8_t *data, size_t size)
{
    reply_offers_t offers = {0};
    dialogue_t *d;
    size_t piece = (size_t)(data[0] & 31) + 1;
    int mail;

    offers.pipelining = data[0] >> 7;
    data++;
    size--;
    d = dialogue_create(&offers, pool);
    for (mail = 0; mail < 3; mail++) {
        dialogue_recipient_t r[2] = {{"a@x", 0, NULL}, {"b@x", 0, NULL}};
        dialogue_tx_t tx = {"s@x", r, 2, 10, 0, pool, {0}, 0, 0, 0, 0};
        int go_on, dotted = 0;

        dialogue_begin(d, &tx);
        go_on = talk(d, &tx, &data, &size, piece, DIALOGUE_READY);
        if (tx.phase == DIALOGUE_READY) {
            dialogue_dot(d, &tx);
            dotted = 1;
            go_on = talk(d, &tx, &data, &size, piece, DIALOGUE_DONE);
        }
        check(&tx, dotted);
        if (!go_on) {
            return;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    apr_pool_t *pool;
    size_t end = size < 40 ? size : 40;
    reply_offers_t offers = {0};

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    if (size == 0) {
        return 0;
    }
    apr_pool_create(&pool, root);
    reply_offer(&offers, (const char *)data, end, pool);
    converse(pool, data, size);
    apr_pool_destroy(pool);
    return 0;
}

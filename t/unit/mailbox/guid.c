/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_mailbox/guid.h"
#include "t/unit/tap.h"

#include <apr_general.h>

static const struct {
    const char *text, *expected; /* NULL: refused */
} texts[] = {
    {"0b7f1d5e-6a0c-4a86-9a53-2f5f1c6a7d11",
     "0b7f1d5e-6a0c-4a86-9a53-2f5f1c6a7d11"},
    {"{0B7F1D5E-6A0C-4A86-9A53-2F5F1C6A7D11}",
     "0b7f1d5e-6a0c-4a86-9a53-2f5f1c6a7d11"},
    {"", NULL},
    {"0b7f1d5e6a0c4a869a532f5f1c6a7d11", NULL},
    {"0b7f1d5e-6a0c-4a86-9a53-2f5f1c6a7d1", NULL},
    {"0b7f1d5e-6a0c-4a86-9a53-2f5f1c6a7d11 ", NULL},
    {"0b7f1d5e-6a0c-4a86-9a532-f5f1c6a7d11", NULL},
    {"0b7f1d5e-6a0c-4a86-9a53-2f5f1c6a7g11", NULL},
    {"{0b7f1d5e-6a0c-4a86-9a53-2f5f1c6a7d11", NULL},
};

int main(void)
{
    static const unsigned char bytes[16] = {0x5e, 0x1d, 0x7f, 0x0b, 0x0c, 0x6a,
                                            0x86, 0x4a, 0x9a, 0x53, 0x2f, 0x5f,
                                            0x1c, 0x6a, 0x7d, 0x11};
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    is_str(guid_from_bytes(bytes, pool), "0b7f1d5e-6a0c-4a86-9a53-2f5f1c6a7d11",
           "the first three parts are little-endian");
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        is_str(guid_from_text(texts[i].text, strlen(texts[i].text), pool),
               texts[i].expected, texts[i].text);
    }
    /* Computed by Python: uuid5(uuid5(NAMESPACE_DNS, "mailbox.postern"), ...) */
    is_str(guid_from_name("alice@example.test", pool),
           "cffcf8e0-1812-5547-bb48-cf24389d71b8", "version 5");
    is_str(guid_from_name("alice@example.test", pool),
           guid_from_name("alice@example.test", pool), "always the same");
    apr_terminate();
    return done_testing();
}

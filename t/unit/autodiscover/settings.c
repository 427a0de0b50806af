/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/settings.h"

#include "t/unit/tap.h"

/* Every member is merged: with each word of the struct set to something that
 * nothing else has, the result holds no word of the side that must lose. */
static void test_each_word(void)
{
    discover_settings_t base, add, to;
    const unsigned char *b = (const unsigned char *)&to;
    size_t i, from_base = 0;

    memset(&base, 0x11, sizeof(base));
    memset(&add, 0x22, sizeof(add));
    memset(&to, 0x22, sizeof(to));
    discover_settings_merge(&to, &base, &add);
    for (i = 0; i < sizeof(to); i++) {
        from_base += b[i] == 0x11;
    }
    is_int((long long)from_base, 0, "what is added wins everywhere");

    discover_settings_init(&add);
    memset(&to, 0x11, sizeof(to));
    discover_settings_merge(&to, &base, &add);
    for (i = 0, from_base = 0; i < sizeof(to); i++) {
        from_base += b[i] == 0x11;
    }
    is_int((long long)from_base, (long long)sizeof(to),
           "what is not given is taken from the base");
}

static void test_redirects(void)
{
    discover_settings_t base, add, to;

    discover_settings_init(&base);
    discover_settings_init(&add);
    base.redirect_url = "https://elsewhere/";
    add.redirect_address = "a@b";
    discover_settings_merge(&to, &base, &add);
    is_str(to.redirect_url, NULL, "one redirect takes the other's place");
    is_str(to.redirect_address, "a@b", "and is there");
}

int main(void)
{
    test_each_word();
    test_redirects();
    return done_testing();
}

/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "lib/bytes.h"
#include "t/unit/tap.h"

static void test_reader(void)
{
    static const unsigned char wire[] = {1, 2, 3, 4, 5, 6, 0xff, 9};
    bytes_reader_t r;

    bytes_reader_init(&r, wire, sizeof(wire));
    is_int(bytes_get_u8(&r), 1, "u8");
    is_int(bytes_get_u16(&r), 0x0302, "u16 is little-endian");
    is_int(bytes_get_u32(&r), 0xff060504, "u32 is little-endian and unsigned");
    ok(bytes_get(&r, 2) == NULL, "two bytes of one");
    ok(r.failed, "failure is noted");
    is_int(bytes_get_u8(&r), 0, "failure is sticky");
    is_int((long long)r.left, 1, "a failed read takes nothing");
    bytes_reader_init(&r, wire, 0);
    ok(bytes_get(&r, 0) != NULL && !r.failed, "nothing of nothing");
}

static void test_writer(void)
{
    unsigned char out[8];
    static const unsigned char expected[] = {1, 2, 3, 4, 5, 6, 7, 0};
    bytes_writer_t w;

    bytes_writer_init(&w, out, sizeof(out));
    bytes_put_u8(&w, 1);
    bytes_put_u16(&w, 0x0302);
    bytes_put_u32(&w, 0x07060504);
    bytes_put_zeros(&w, 1);
    is_mem(out, w.used, expected, sizeof(expected), "written");
    ok(!w.failed, "fits");
    bytes_put_u8(&w, 9);
    ok(w.failed && w.used == 8, "the ninth byte does not fit");
}

int main(void)
{
    test_reader();
    test_writer();
    return done_testing();
}

/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_rpcproxy/epm.h"
#include "lib/bytes.h"
#include "t/unit/tap.h"

#include <stddef.h>
#include <stdlib.h>

/* clang-format off */
static const struct {
    const char *text;
    int good;
} names[] = {
    {"samr", 1}, {"SAMR", 1}, {"emsmdb", 1}, {"rfr", 1}, {"nspi", 1}, {"lsarpc", 1}, {"netlogon", 1}, {"drsuapi", 1},
    {"12345778-1234-abcd-ef00-0123456789ac/1.0", 1}, {"12345778-1234-ABCD-EF00-0123456789AC/1", 1},
    {"00000000-0000-0000-0000-000000000000/65535.65535", 1},
    {"", 0}, {"sam", 0}, {"samrx", 0}, {"12345778-1234-abcd-ef00-0123456789ac", 0},
    {"12345778-1234-abcd-ef00-0123456789ac/", 0}, {"12345778-1234-abcd-ef00-0123456789ac/1.", 0},
    {"12345778-1234-abcd-ef00-0123456789ac/.1", 0}, {"12345778-1234-abcd-ef00-0123456789ac/1.0.0", 0},
    {"12345778-1234-abcd-ef00-0123456789ac/65536", 0}, {"12345778-1234-abcd-ef00-0123456789ac/1 ", 0},
    {"12345778-1234-abcd-ef00-0123456789a/1.0", 0}, {"12345778-1234-abcd-ef00-0123456789acd/1.0", 0},
    {"123457781234abcdef000123456789ac/1.0", 0}, {"1234577g-1234-abcd-ef00-0123456789ac/1.0", 0},
    {"{12345778-1234-abcd-ef00-0123456789ac}/1.0", 0}, {"12345778-1234-abcd-ef00-0123456789ac/-1", 0},
};

/* What other clients send: a bind to the mapper, and ept_map for samr, in
 * hexadecimal. */
static const char bind_hex[] =
    "05000b03100000004800000001000000b810b8100000000001000000000001000883afe11f5dc91191a408002b14a0fa03000000"
    "045d888aeb1cc9119fe808002b10486002000000";
static const char map_hex[] =
    "05000003100000009c000000020000000000000000000300"
    "0100000000000000000000000000000000000000020000004b0000004b000000050013000d785734123412cdabef000123456789"
    "ac01000200000013000d045d888aeb1cc9119fe808002b10486002000200000001000b0200000001000702000000010009040000"
    "00000000000000000000000000000000000000000000000004000000";
/* clang-format on */

static apr_size_t from_hex(unsigned char *bytes, const char *hex)
{
    apr_size_t len = strlen(hex) / 2, i;

    for (i = 0; i < len; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};

        bytes[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return len;
}

static void test_interfaces(void)
{
    epm_interface_t a, b;
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        apr_status_t rv = epm_interface_parse(&a, names[i].text);

        is_int(rv, names[i].good ? APR_SUCCESS : APR_EINVAL, names[i].text);
    }
    epm_interface_parse(&a, "samr");
    epm_interface_parse(&b, "12345778-1234-abcd-ef00-0123456789ac/1.0");
    is_mem(&a, sizeof(a), &b, sizeof(b), "samr by name and by UUID");
    epm_interface_parse(&a, "a4f1db00-ca47-1067-b31f-00dd010662da/0.81");
    is_mem(epm_interface_of_port(6001), sizeof(a), &a, sizeof(a), "6001");
    epm_interface_parse(&a, "1544f5e0-613c-11d1-93df-00c04fd7bd09/1.0");
    is_mem(epm_interface_of_port(6002), sizeof(a), &a, sizeof(a), "6002");
    epm_interface_parse(&a, "f5cc5a18-4264-101a-8c59-08002b2f8426/56.0");
    is_mem(epm_interface_of_port(6004), sizeof(a), &a, sizeof(a), "6004");
    ok(!epm_interface_of_port(6003) && !epm_interface_of_port(0) &&
           !epm_interface_of_port(593),
       "no other port");
}

static void test_questions(void)
{
    unsigned char bytes[EPM_QUESTION_MAX], expected[EPM_QUESTION_MAX];
    epm_interface_t samr;
    apr_size_t len, expected_len, i;
    int bad = 0;

    epm_interface_parse(&samr, "samr");
    len = epm_write_bind(bytes, sizeof(bytes));
    expected_len = from_hex(expected, bind_hex);
    is_mem(bytes, len, expected, expected_len, "the bind");
    for (i = 0; i < expected_len; i++) {
        bad += epm_write_bind(bytes, i) != 0;
    }
    len = epm_write_map(&samr, bytes, sizeof(bytes));
    expected_len = from_hex(expected, map_hex);
    is_mem(bytes, len, expected, expected_len, "the question");
    for (i = 0; i < expected_len; i++) {
        bad += epm_write_map(&samr, bytes, i) != 0;
    }
    is_int(bad, 0, "no room");
}

/* Answers, made of what may be wrong with them. */

typedef struct answer_t {
    int type, flags, call, drep;
    int address_len, results, result; /* of a bind_ack */
    int count, most, first, actual;   /* of towers */
    int null_towers;
    int floors, uuid_len, uuid_first, major, rpc, tcp, port_len, port;
    int len_more; /* beyond the tower's own length */
    apr_uint32_t status;
} answer_t;

static const answer_t good_bind = {.type = 12,
                                   .flags = 3,
                                   .call = 1,
                                   .drep = 16,
                                   .address_len = 4,
                                   .results = 1};
static const answer_t good_map = {.type = 2,
                                  .flags = 3,
                                  .call = 2,
                                  .drep = 16,
                                  .count = 1,
                                  .most = 4,
                                  .actual = 1,
                                  .floors = 5,
                                  .uuid_len = 19,
                                  .uuid_first = 13,
                                  .major = 1,
                                  .rpc = 11,
                                  .tcp = 7,
                                  .port_len = 2,
                                  .port = 49154};

static void put_header(bytes_writer_t *w, const answer_t *a)
{
    bytes_put_u8(w, 5);
    bytes_put_u8(w, 0);
    bytes_put_u8(w, (unsigned char)a->type);
    bytes_put_u8(w, (unsigned char)a->flags);
    bytes_put_u32(w, (apr_uint32_t)a->drep);
    bytes_put_u32(w, 0);
    bytes_put_u32(w, (apr_uint32_t)a->call);
}

static apr_size_t finish(bytes_writer_t *w)
{
    w->start[8] = (unsigned char)w->used;
    w->start[9] = (unsigned char)(w->used >> 8);
    return w->used;
}

static apr_size_t make_bind(unsigned char *bytes, const answer_t *a)
{
    bytes_writer_t w;

    bytes_writer_init(&w, bytes, EPM_ANSWER_MAX);
    put_header(&w, a);
    bytes_put_u32(&w, 0x10b810b8);
    bytes_put_u32(&w, 77);
    bytes_put_u16(&w, (apr_uint16_t)a->address_len);
    bytes_put(&w, "135", 4);
    bytes_put_zeros(&w, 2);
    bytes_put_u32(&w, (apr_uint32_t)a->results);
    bytes_put_u16(&w, (apr_uint16_t)a->result);
    bytes_put_zeros(&w, 2 + 20);
    return finish(&w);
}

static void put_floor(bytes_writer_t *w, int left, int first, int right)
{
    bytes_put_u16(w, (apr_uint16_t)left);
    bytes_put_u8(w, (unsigned char)first);
    bytes_put_zeros(w, (apr_size_t)left - 1);
    bytes_put_u16(w, (apr_uint16_t)right);
    bytes_put_zeros(w, (apr_size_t)right);
}

static void put_tower(bytes_writer_t *w, const answer_t *a)
{
    epm_interface_t samr;
    apr_size_t start = w->used + 8, len;
    unsigned char *port;

    epm_interface_parse(&samr, "samr");
    bytes_put_zeros(w, 8);
    bytes_put_u16(w, (apr_uint16_t)a->floors);
    bytes_put_u16(w, (apr_uint16_t)a->uuid_len);
    bytes_put_u8(w, (unsigned char)a->uuid_first);
    bytes_put(w, samr.uuid, 16);
    bytes_put_u16(w, (apr_uint16_t)a->major);
    bytes_put_u16(w, 2);
    bytes_put_u16(w, 0);
    put_floor(w, 19, 13, 2);
    put_floor(w, 1, a->rpc, 2);
    put_floor(w, 1, a->tcp, a->port_len);
    port = w->start + w->used - a->port_len;
    if (a->port_len == 2) {
        port[0] = (unsigned char)(a->port >> 8);
        port[1] = (unsigned char)a->port;
    }
    put_floor(w, 1, 9, 4);
    len = w->used - start;
    w->start[start - 8] = (unsigned char)len;
    w->start[start - 4] = (unsigned char)(len + (apr_size_t)a->len_more);
    bytes_put_zeros(w, (4 - len % 4) % 4);
}

static apr_size_t make_map(unsigned char *bytes, const answer_t *a)
{
    bytes_writer_t w;
    int i;

    bytes_writer_init(&w, bytes, EPM_ANSWER_MAX);
    put_header(&w, a);
    bytes_put_zeros(&w, 8 + 20);
    bytes_put_u32(&w, (apr_uint32_t)a->count);
    bytes_put_u32(&w, (apr_uint32_t)a->most);
    bytes_put_u32(&w, (apr_uint32_t)a->first);
    bytes_put_u32(&w, (apr_uint32_t)a->actual);
    for (i = 0; i < a->actual; i++) {
        bytes_put_u32(&w, i < a->null_towers ? 0 : 3 + (apr_uint32_t)i);
    }
    for (i = a->null_towers; i < a->actual && i < 8; i++) {
        put_tower(&w, a);
    }
    bytes_put_u32(&w, a->status);
    return finish(&w);
}

/* `member` of a good answer with another value, and what that leads to. */
/* clang-format off */
#define BUT(member, value) #member " " #value, offsetof(answer_t, member), (value)
static const struct {
    const char *name;
    size_t offset;
    int value;
    epm_result_e result;
} binds[] = {
    {BUT(call, 1), EPM_OK},
    {BUT(type, 13), EPM_REFUSED}, {BUT(type, 2), EPM_MALFORMED},
    {BUT(type, 0), EPM_MALFORMED}, {BUT(type, 20), EPM_MALFORMED},
    {BUT(type, 77), EPM_MALFORMED}, {BUT(flags, 1), EPM_MALFORMED},
    {BUT(flags, 2), EPM_MALFORMED}, {BUT(call, 2), EPM_MALFORMED},
    {BUT(drep, 0), EPM_MALFORMED}, {BUT(address_len, 60000), EPM_MALFORMED},
    {BUT(address_len, 12), EPM_MALFORMED}, {BUT(results, 0), EPM_MALFORMED},
    {BUT(results, 2), EPM_MALFORMED}, {BUT(result, 2), EPM_REFUSED},
}, maps[] = {
    {BUT(port, 49154), EPM_OK}, {BUT(port, 1), EPM_OK}, {BUT(port, 65535), EPM_OK},
    {BUT(actual, 1), EPM_OK}, {BUT(most, 1), EPM_OK},
    {BUT(type, 3), EPM_REFUSED}, {BUT(type, 12), EPM_MALFORMED},
    {BUT(call, 1), EPM_MALFORMED}, {BUT(flags, 0), EPM_MALFORMED},
    {BUT(port, 0), EPM_REFUSED}, {BUT(floors, 4), EPM_REFUSED},
    {BUT(floors, 6), EPM_REFUSED}, {BUT(floors, 0xffff), EPM_REFUSED},
    {BUT(uuid_len, 18), EPM_MALFORMED}, {BUT(uuid_len, 0xffff), EPM_MALFORMED},
    {BUT(uuid_first, 12), EPM_REFUSED}, {BUT(major, 2), EPM_REFUSED},
    {BUT(rpc, 10), EPM_REFUSED}, {BUT(tcp, 8), EPM_REFUSED}, {BUT(tcp, 0x1f), EPM_REFUSED},
    {BUT(port_len, 0), EPM_REFUSED}, {BUT(port_len, 1), EPM_REFUSED},
    {BUT(port_len, 4), EPM_REFUSED}, {BUT(len_more, 1), EPM_MALFORMED},
    {BUT(len_more, 100), EPM_MALFORMED}, {BUT(null_towers, 1), EPM_REFUSED},
    {BUT(count, 0), EPM_MALFORMED}, {BUT(count, 2), EPM_MALFORMED},
    {BUT(count, -1), EPM_MALFORMED}, {BUT(most, 0), EPM_MALFORMED},
    {BUT(most, 5), EPM_MALFORMED}, {BUT(first, 1), EPM_MALFORMED},
    {BUT(actual, 0), EPM_MALFORMED}, {BUT(actual, 2), EPM_MALFORMED},
};
/* clang-format on */

#define ROWS(table) (sizeof(table) / sizeof(table[0]))

static void test_answers(void)
{
    unsigned char bytes[EPM_ANSWER_MAX];
    epm_interface_t samr;
    size_t i;

    epm_interface_parse(&samr, "samr");
    for (i = 0; i < ROWS(binds); i++) {
        answer_t a = good_bind;
        const char *why = NULL;

        *(int *)((char *)&a + binds[i].offset) = binds[i].value;
        is_int(epm_read_bind(bytes, make_bind(bytes, &a), &why),
               binds[i].result, binds[i].name);
        ok((binds[i].result == EPM_OK) == !why, "%s", why ? why : "no reason");
    }
    for (i = 0; i < ROWS(maps); i++) {
        answer_t a = good_map;
        const char *why = NULL;
        int port = -1;

        *(int *)((char *)&a + maps[i].offset) = maps[i].value;
        is_int(epm_read_map(&port, &samr, bytes, make_map(bytes, &a), &why),
               maps[i].result, maps[i].name);
        is_int(port, maps[i].result == EPM_OK ? a.port : 0,
               why ? why : "the port");
    }
}

static void test_towers(void)
{
    unsigned char bytes[EPM_ANSWER_MAX];
    epm_interface_t samr, other;
    answer_t a = good_map;
    const char *why;
    int port;

    epm_interface_parse(&samr, "samr");
    epm_interface_parse(&other, "lsarpc");
    a.count = a.actual = 4;
    a.null_towers = 2;
    is_int(epm_read_map(&port, &samr, bytes, make_map(bytes, &a), &why), EPM_OK,
           "some towers and some null pointers");
    is_int(port, 49154, "the port");
    is_int(epm_read_map(&port, &other, bytes, make_map(bytes, &a), &why),
           EPM_REFUSED, "another interface");
    a = good_map;
    a.count = a.actual = a.most = 0;
    a.status = 0x16c9a0d6;
    is_int(epm_read_map(&port, &samr, bytes, make_map(bytes, &a), &why),
           EPM_REFUSED, "no towers");
    is_str(why, "the interface is not registered with the endpoint mapper",
           "and why");
}

/* Cut off at every byte, in a block of exactly that size: more is needed.  With
 * a fragment length that says that it is whole: never good. */
static void test_cuts(void)
{
    unsigned char whole[EPM_ANSWER_MAX];
    epm_interface_t samr;
    const char *why;
    apr_size_t len, i;
    int map, more = 0, good = 0, port;

    epm_interface_parse(&samr, "samr");
    for (map = 0; map < 2; map++) {
        len = map ? make_map(whole, &good_map) : make_bind(whole, &good_bind);
        for (i = 0; i < len; i++) {
            unsigned char *cut = malloc(i ? i : 1);

            memcpy(cut, whole, i);
            more += (map ? epm_read_map(&port, &samr, cut, i, &why)
                         : epm_read_bind(cut, i, &why)) == EPM_MORE;
            if (i >= 10) {
                cut[8] = (unsigned char)i;
                cut[9] = (unsigned char)(i >> 8);
                good += (map ? epm_read_map(&port, &samr, cut, i, &why)
                             : epm_read_bind(cut, i, &why)) == EPM_OK;
            }
            free(cut);
        }
        more -= (int)len;
    }
    is_int(more, 0, "cut off: more is needed");
    /* Of a response, the status and the padding before it are not looked at. */
    ok(good <= 5, "shorter than it should be: %d are good", good);
    len = make_map(whole, &good_map);
    is_int(epm_read_map(&port, &samr, whole, len + 1, &why), EPM_MALFORMED,
           "bytes behind the answer");
    whole[8] = 1;
    whole[9] = EPM_ANSWER_MAX >> 8;
    is_int(epm_read_map(&port, &samr, whole, 16, &why), EPM_MALFORMED,
           "an answer that will be too long");
}

int main(void)
{
    test_interfaces();
    test_questions();
    test_answers();
    test_towers();
    test_cuts();
    return done_testing();
}

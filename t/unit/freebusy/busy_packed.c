/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_freebusy/busy_packed.h"
#include "t/unit/tap.h"

#include <apr_general.h>

#define ROOM 4096

static const busy_window_t window = {1000, 5000};

static busy_set_t *sample(apr_pool_t *pool)
{
    static const busy_period_t periods[] = {
        {-50, 1001, BUSY_NO_DATA, NULL, NULL, NULL, 0, 0, 0, 0, 0},
        {1500, 2000, BUSY_BUSY, "a@b", "Tea", NULL, 1, 0, 1, 0, 1},
        {1600, 9000000000LL, BUSY_ELSEWHERE, "", "", "Room 5", 0, 1, 0, 1, 0},
    };
    busy_set_t *set = busy_create(window, pool);
    int i;

    for (i = 0; i < 3; i++) {
        busy_add(set, &periods[i]);
    }
    set->has_details = 1;
    return set;
}

static int same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int same(const busy_period_t *a, const busy_period_t *b)
{
    return a->start == b->start && a->end == b->end && a->type == b->type &&
           same_text(a->id, b->id) && same_text(a->subject, b->subject) &&
           same_text(a->location, b->location) && a->meeting == b->meeting &&
           a->recurring == b->recurring && a->exception == b->exception &&
           a->reminder == b->reminder && a->private_ == b->private_;
}

static void test_round(const busy_set_t *set, apr_pool_t *pool)
{
    unsigned char bytes[ROOM];
    apr_size_t len = busy_packed_write(bytes, sizeof(bytes), set), i;
    busy_set_t *back = busy_packed_read(bytes, len, window, pool);

    is_int(back ? back->periods->nelts : -1, set->periods->nelts,
           "all are there");
    is_int(back->has_details, set->has_details, "details or not");
    for (i = 0; i < (apr_size_t)set->periods->nelts; i++) {
        ok(same(&APR_ARRAY_IDX(set->periods, (int)i, busy_period_t),
                &APR_ARRAY_IDX(back->periods, (int)i, busy_period_t)),
           "period %d", (int)i);
    }
    for (i = 0; i < len && !busy_packed_write(bytes, i, set); i++) {
    }
    is_int((long long)i, (long long)len, "no room is too small but one");
}

static void test_hostile(const busy_set_t *set, apr_pool_t *pool)
{
    unsigned char bytes[ROOM], broken[ROOM];
    apr_size_t len = busy_packed_write(bytes, sizeof(bytes), set), i;
    int taken = 0;

    for (i = 0; i < len; i++) {
        taken += busy_packed_read(bytes, i, window, pool) != NULL;
    }
    is_int(taken, 0, "no cut is taken");
    bytes[len] = 0;
    ok(!busy_packed_read(bytes, len + 1, window, pool), "nor a byte more");
    memcpy(broken, bytes, len);
    broken[0] = 99;
    ok(!busy_packed_read(broken, len, window, pool), "another form");
    memcpy(broken, bytes, len);
    memset(broken + 2, 0xff, 4);
    ok(!busy_packed_read(broken, len, window, pool), "a count beyond the end");
    memcpy(broken, bytes, len);
    broken[2 + 4 + 16] = BUSY_ELSEWHERE + 1;
    ok(!busy_packed_read(broken, len, window, pool), "an unknown type");
    memcpy(broken, bytes, len);
    memset(broken + 2 + 4, 0x7f, 8);
    ok(!busy_packed_read(broken, len, window, pool),
       "a period that ends before it starts");
    ok(!busy_packed_read(bytes, len, (busy_window_t){6000, 7000}, pool),
       "periods of another window");
}

int main(void)
{
    hours_t hours = {NULL, 0, {{0, 0, 0}}};
    unsigned char bytes[ROOM];
    apr_pool_t *pool;
    busy_set_t *set;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    set = sample(pool);
    test_round(set, pool);
    test_round(busy_create(window, pool), pool);
    test_hostile(set, pool);
    set->hours = &hours;
    is_int((long long)busy_packed_write(bytes, sizeof(bytes), set), 0,
           "one with hours of work is not packed");
    apr_terminate();
    return done_testing();
}

/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "smtp-submit/probe.h"
#include "smtp-submit/trigger.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

/* Values one after the other; F where the trigger fires, - where not. */
static const struct {
    const char *name;
    trigger_type_t type;
    trigger_direction_t direction;
    const char *values, *fires;
} rows[] = {
    {"S61: up", TRIGGER_MEMORY, TRIGGER_UP, "80 90 91 95 91", "--F--"},
    {"S61: up, at first above", TRIGGER_MEMORY, TRIGGER_UP, "95 96 80 91",
     "---F"},
    {"S61: hysteresis", TRIGGER_MEMORY, TRIGGER_UP, "80 91 90 91 89 91 87 91",
     "-F-----F"},
    {"S61: down", TRIGGER_CPU, TRIGGER_DOWN, "95 90 89 91 89 93 89", "--F---F"},
    {"S61: any", TRIGGER_MEMORY, TRIGGER_ANY, "80 91 95 87 91", "-F-FF"},
    {"interface up", TRIGGER_INTERFACE, TRIGGER_UP, "1 0 1 1 0 1", "--F--F"},
    {"interface any", TRIGGER_INTERFACE, TRIGGER_ANY, "0 0 1 0", "--FF"},
    {"S68: ping-poll down", TRIGGER_PING, TRIGGER_DOWN, "1 1 0 0 1 0",
     "--F--F"},
};

static void test_crossing(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        trigger_t t = {0};
        trigger_state_t state = {0};
        char *values = apr_pstrdup(pool, rows[i].values), fires[20],
             *to = fires;

        t.type = rows[i].type;
        t.direction = rows[i].direction;
        t.number = 90;
        for (; *values; values += strspn(values, " ")) {
            *to++ =
                trigger_crosses(&t, &state, (int)strtol(values, &values, 10))
                    ? 'F'
                    : '-';
        }
        *to = '\0';
        is_str(fires, rows[i].fires, rows[i].name);
    }
}

static void test_may_fire(void)
{
    trigger_t t = {0};
    trigger_state_t state = {0};

    t.days = "-mtwtfS";
    is_int(trigger_may_fire(&t, &state, 0), 0, "S65: not on Sundays");
    is_int(trigger_may_fire(&t, &state, 1), 1, "S65: on Mondays");
    t.repeat = 2;
    state.fired = 2;
    is_int(trigger_may_fire(&t, &state, 1), 0, "S65: twice");
    state.fired = 1;
    t.inactive = 1;
    is_int(trigger_may_fire(&t, &state, 1), 0, "S62: not active");
}

static void test_probes(void)
{
    probe_t p = {0};

    is_int(probe_memory("MemTotal:  1000 kB\nMemFree: 1 kB\n"
                        "MemAvailable:  100 kB\n"),
           90, "memory");
    is_int(probe_memory("MemTotal: 0 kB\nMemAvailable: 0 kB\n"), -1, "none");
    is_int(probe_memory(""), -1, "nothing");
    is_int(probe_cpu(&p, "cpu  10 0 10 80 0 0 0 0 0 0\n"), -1, "first look");
    is_int(probe_cpu(&p, "cpu  60 0 35 105 0 0 0 0 0 0\n"), 75, "busy");
    is_int(probe_cpu(&p, "cpu  60 0 35 205 0 0 0 0 0 0\n"), 0, "idle");
    is_int(probe_cpu(&p, "cpu  1 0 1 1 0 0 0 0 0 0\n"), -1, "counters restart");
    is_int(probe_cpu(&p, "intr 1\n"), -1, "no cpu line");
    is_int(probe_interface("lo"), 1, "loopback is up");
    is_int(probe_interface("no-such-one"), 0, "no such interface");
    is_int(probe_interface("../x"), -1, "no path");
}

static void test_usb(void)
{
    static const char came[] = "add@/devices/usb1/1-1\0ACTION=add\0"
                               "SUBSYSTEM=usb\0DEVTYPE=usb_device";
    static const char went[] = "remove@/x\0DEVTYPE=usb_device\0ACTION=remove";
    static const char part[] = "add@/x\0ACTION=add\0DEVTYPE=usb_interface";
    static const char disk[] = "add@/x\0ACTION=add\0DEVTYPE=disk";
    apr_size_t len;

    is_int(probe_usb(came, sizeof(came)), 1, "S61: a USB device comes");
    is_int(probe_usb(went, sizeof(went)), -1, "S61: a USB device goes");
    is_int(probe_usb(part, sizeof(part)), 0, "an interface of one");
    is_int(probe_usb(disk, sizeof(disk)), 0, "another device");
    for (len = 0; len < sizeof(came); len++) {
        is_int(probe_usb(came, len), 0, "cut off");
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_crossing(pool);
    test_may_fire();
    test_probes();
    test_usb();
    apr_pool_destroy(pool);
    return done_testing();
}

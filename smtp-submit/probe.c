/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "probe.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PROBE_MILLISECONDS = 5000, TEXT_MAX = 8192 };

static int read_text(const char *path, char *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, TEXT_MAX - 1);

    if (fd >= 0) {
        close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static apr_int64_t number_after(const char *text, const char *label)
{
    const char *at = strstr(text, label);

    return at ? apr_atoi64(at + strlen(label)) : -1;
}

int probe_memory(const char *meminfo)
{
    apr_int64_t total = number_after(meminfo, "MemTotal:");
    apr_int64_t available = number_after(meminfo, "MemAvailable:");

    if (total <= 0 || available < 0 || available > total) {
        return -1;
    }
    return (int)((total - available) * 100 / total);
}

/* "cpu  user nice system idle iowait irq softirq steal ..." */
int probe_cpu(probe_t *p, const char *stat)
{
    apr_uint64_t all = 0, idle = 0, busy, d_busy, d_all;
    char *end;
    int i;

    if (strncmp(stat, "cpu ", 4) != 0) {
        return -1;
    }
    end = (char *)stat + 4;
    for (i = 0; i < 8; i++) {
        apr_uint64_t value = strtoull(end, &end, 10);

        all += value;
        idle += i == 3 || i == 4 ? value : 0;
    }
    busy = all - idle;
    d_busy = busy - p->busy;
    d_all = all - p->all;
    i = p->all == 0 || all <= p->all || d_busy > d_all
            ? -1
            : (int)(d_busy * 100 / d_all);
    p->busy = busy;
    p->all = all;
    return i;
}

void probe_machine(probe_t *p)
{
    char text[TEXT_MAX];

    p->memory = read_text("/proc/meminfo", text) ? probe_memory(text) : -1;
    p->cpu = read_text("/proc/stat", text) ? probe_cpu(p, text) : -1;
}

int probe_interface(const char *name)
{
    char path[128], text[TEXT_MAX];

    if (strchr(name, '/')) {
        return -1;
    }
    apr_snprintf(path, sizeof(path), "/sys/class/net/%s/operstate", name);
    /* The loopback interface has no state: unknown counts as up. */
    return read_text(path, text) &&
           (strncmp(text, "up", 2) == 0 || strncmp(text, "unknown", 7) == 0);
}

static int connects(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    a->ai_protocol);
    struct pollfd one = {fd, POLLOUT, 0};
    int error = 0, done;
    socklen_t len = sizeof(error);

    if (fd < 0) {
        return 0;
    }
    done = connect(fd, a->ai_addr, a->ai_addrlen) == 0;
    if (!done && errno == EINPROGRESS) {
        done = poll(&one, 1, PROBE_MILLISECONDS) == 1 &&
               getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 &&
               error == 0;
    }
    close(fd);
    return done;
}

int probe_devices(void)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    NETLINK_KOBJECT_UEVENT);

    if (fd >= 0 &&
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int probe_usb(const char *message, apr_size_t len)
{
    const char *end = message + len, *next;
    int direction = 0, device = 0;

    for (; message < end; message = next + 1) {
        next = memchr(message, '\0', (apr_size_t)(end - message));
        if (!next) {
            return 0; /* cut off */
        }
        direction = strcmp(message, "ACTION=add") == 0      ? 1
                    : strcmp(message, "ACTION=remove") == 0 ? -1
                                                            : direction;
        device |= strcmp(message, "DEVTYPE=usb_device") == 0;
    }
    return device ? direction : 0;
}

int probe_tcp(const char *host, int port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    char service[12];
    int up;

    apr_snprintf(service, sizeof(service), "%d", port);
    if (getaddrinfo(host, service, &hints, &found) != 0) {
        return 0;
    }
    up = connects(found);
    freeaddrinfo(found);
    return up;
}

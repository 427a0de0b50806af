/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The threads that own channels, back ends and virtual connections: one epoll
 * set, one timer heap and one inbox each. */

#include "mod_rpcproxy.h"

#include <ap_mpm.h>
#include <apr_hash.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <errno.h>
#include <http_main.h>
#include <mpm_common.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

APLOG_USE_MODULE(rpcproxy);

#define EVENTS_A_ROUND 256
#define DRAIN_STEP apr_time_from_msec(50)

typedef enum stop_e { STOP_NOT, STOP_DRAIN, STOP_NOW } stop_e;

struct poller_private_t {
    apr_thread_t *thread;
    int epoll, wake;
    apr_thread_mutex_t *mutex; /* guards inbox and stop */
    rpcproxy_task_t *inbox, **inbox_end;
    stop_e stop;
    int quit;
    rpcproxy_task_t *deferred, **deferred_end;
    timers_t timers;
    rpcproxy_watch_t wake_watch;
    rpcproxy_timer_t drain;
    apr_interval_time_t drain_time;
    rpcproxy_poller_t *self;
};

#define PRIVATE_OF(member_pointer, member)                                     \
    ((struct poller_private_t *)((char *)(member_pointer)-offsetof(            \
        struct poller_private_t, member)))

/* The pollers of this child; written once in child_init, before any request. */
struct rpcproxy_pollers_t {
    int count;
    rpcproxy_poller_t **poller;
};

static rpcproxy_server_t *main_config(void)
{
    return ap_get_module_config(ap_server_conf->module_config,
                                &rpcproxy_module);
}

static void append(rpcproxy_task_t ***end, rpcproxy_task_t *task)
{
    task->next = NULL;
    **end = task;
    *end = &task->next;
}

static void wake(rpcproxy_poller_t *p)
{
    const apr_uint64_t one = 1;

    /* A full counter wakes as well. */
    if (write(p->private->wake, &one, sizeof(one)) < 0 && errno != EAGAIN) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, errno, p->server,
                     PN(13030) "cannot wake a poller thread");
    }
}

void rpcproxy_poller_post(rpcproxy_poller_t *p, rpcproxy_task_t *task)
{
    int first;

    apr_thread_mutex_lock(p->private->mutex);
    first = !p->private->inbox;
    append(&p->private->inbox_end, task);
    apr_thread_mutex_unlock(p->private->mutex);
    if (first) {
        wake(p);
    }
}

void rpcproxy_poller_defer(rpcproxy_poller_t *p, rpcproxy_task_t *task)
{
    if (!task->queued) {
        task->queued = 1;
        append(&p->private->deferred_end, task);
    }
}

/* At an ungraceful stop the worker MPM closes sockets under its threads. */
static int mpm_stops(void)
{
    int state = 0;

    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) == APR_SUCCESS &&
           state == AP_MPMQ_STOPPING;
}

void rpcproxy_poller_watch(rpcproxy_poller_t *p, rpcproxy_watch_t *watch,
                           apr_uint32_t events)
{
    struct epoll_event event;
    int op;

    if (watch->events == events && (watch->added || !events)) {
        return;
    }
    event.events = events;
    event.data.ptr = watch;
    op = !events ? EPOLL_CTL_DEL
                 : (watch->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD);
    if (epoll_ctl(p->private->epoll, op, watch->fd, &event) != 0 &&
        !p->stopping && !mpm_stops()) {
        ap_log_error(APLOG_MARK, APLOG_ERR, errno, p->server,
                     PN(13031) "cannot watch a socket");
    }
    watch->events = events;
    watch->added = events != 0;
}

void rpcproxy_poller_timer(rpcproxy_poller_t *p, rpcproxy_timer_t *timer,
                           apr_time_t due)
{
    if (timers_set(&p->private->timers, &timer->timer, due)) {
        ap_log_error(APLOG_MARK, APLOG_ERR, APR_ENOMEM, p->server,
                     PN(13032) "no memory for a timer");
    }
}

/* Few tunnels have longer steps. */
static void plan_drain_step(rpcproxy_poller_t *p)
{
    apr_interval_time_t time = p->drain_end - p->now;
    apr_interval_time_t step = time / (1 + apr_hash_count(p->vconns));

    rpcproxy_poller_timer(p, &p->private->drain,
                          p->now + (step > DRAIN_STEP ? step : DRAIN_STEP));
}

/* Ends some tunnels at each step, so that not all clients of a server that
 * restarts come back at the same moment. */
static void drain_step(rpcproxy_timer_t *timer)
{
    rpcproxy_poller_t *p = PRIVATE_OF(timer, drain)->self;
    apr_size_t left = apr_hash_count(p->vconns);
    apr_int64_t steps = (p->drain_end - p->now) / DRAIN_STEP;

    rpcproxy_vconns_stop(p, steps > 1 ? (left + steps - 1) / steps : left);
    if (steps > 1) {
        plan_drain_step(p);
    }
}

static void begin_stop(rpcproxy_poller_t *p, stop_e stop)
{
    int again = p->stopping;

    p->stopping = 1;
    if (stop == STOP_NOW || !p->private->drain_time) {
        p->drain_end = p->now;
        drain_step(&p->private->drain);
    }
    else if (!again) {
        p->drain_end = p->now + p->private->drain_time;
        plan_drain_step(p);
    }
}

static void run_all(rpcproxy_task_t *task)
{
    while (task) {
        rpcproxy_task_t *next = task->next;

        task->queued = 0;
        task->run(task);
        task = next;
    }
}

static void run_deferred(rpcproxy_poller_t *p)
{
    rpcproxy_task_t *first = p->private->deferred;

    p->private->deferred = NULL;
    p->private->deferred_end = &p->private->deferred;
    run_all(first);
}

/* What other threads have left for this one.  1 when the thread must end. */
static int run_inbox(rpcproxy_poller_t *p)
{
    struct poller_private_t *private = p->private;
    rpcproxy_task_t *first;
    stop_e stop;
    int quit;

    apr_thread_mutex_lock(private->mutex);
    first = private->inbox;
    private->inbox = NULL;
    private->inbox_end = &private->inbox;
    stop = private->stop;
    private->stop = STOP_NOT;
    quit = private->quit;
    apr_thread_mutex_unlock(private->mutex);
    if (stop != STOP_NOT) {
        begin_stop(p, stop);
    }
    run_all(first);
    return quit;
}

static void drain_wake(rpcproxy_watch_t *watch, apr_uint32_t events)
{
    apr_uint64_t count;

    (void)events;
    if (read(watch->fd, &count, sizeof(count)) < 0) {
        return; /* woken twice */
    }
}

static int timeout_ms(const rpcproxy_poller_t *p)
{
    apr_time_t next = timers_next(&p->private->timers);
    apr_interval_time_t wait;

    if (p->private->deferred) {
        return 0;
    }
    if (!next) {
        return -1;
    }
    wait = next - apr_time_now();
    return wait <= 0 ? 0 : (int)(apr_time_as_msec(wait) + 1);
}

static void run_timers(rpcproxy_poller_t *p)
{
    timers_timer_t *timer;

    while ((timer = timers_take(&p->private->timers, p->now)) != NULL) {
        rpcproxy_timer_t *t = (rpcproxy_timer_t *)timer;

        t->fire(t);
    }
}

static void *APR_THREAD_FUNC poller_main(apr_thread_t *thread, void *data)
{
    rpcproxy_poller_t *p = data;
    struct epoll_event events[EVENTS_A_ROUND];
    sigset_t all;
    int count, i;

    (void)thread;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL); /* signals are the MPM's */
    do {
        count = epoll_wait(p->private->epoll, events, EVENTS_A_ROUND,
                           timeout_ms(p));
        p->now = apr_time_now();
        for (i = 0; i < count; i++) {
            rpcproxy_watch_t *watch = events[i].data.ptr;

            /* Ended earlier in this round: its memory lives until the
             * deferred tasks. */
            if (watch->added) {
                watch->ready(watch, events[i].events);
            }
        }
        run_timers(p);
        run_deferred(p);
    } while (!run_inbox(p));
    return NULL;
}

static apr_status_t open_descriptors(struct poller_private_t *private)
{
    struct epoll_event event;

    private->epoll = epoll_create1(EPOLL_CLOEXEC);
    private->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (private->epoll < 0 || private->wake < 0) {
        return errno;
    }
    private->wake_watch.fd = private->wake;
    private->wake_watch.ready = drain_wake;
    private->wake_watch.added = 1;
    event.events = EPOLLIN;
    event.data.ptr = &private->wake_watch;
    if (epoll_ctl(private->epoll, EPOLL_CTL_ADD, private->wake, &event)) {
        return errno;
    }
    return APR_SUCCESS;
}

static apr_status_t start_one(rpcproxy_poller_t *p, apr_pool_t *pool,
                              server_rec *s)
{
    struct poller_private_t *private = apr_pcalloc(pool, sizeof(*private));
    apr_status_t rv;

    p->private = private;
    p->server = s;
    p->pool = pool;
    p->vconns = apr_hash_make(pool);
    p->now = apr_time_now();
    private->self = p;
    private->inbox_end = &private->inbox;
    private->deferred_end = &private->deferred;
    private->drain.fire = drain_step;
    private->drain_time = apr_time_from_sec(main_config()->drain_time);
    timers_init(&private->timers);
    rv = apr_thread_mutex_create(&private->mutex, APR_THREAD_MUTEX_DEFAULT,
                                 pool);
    if (rv == APR_SUCCESS) {
        rv = open_descriptors(private);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_thread_create(&private->thread, NULL, poller_main, p, pool);
    }
    return rv;
}

/* Ends and joins the threads before anything that they use goes away. */
static apr_status_t stop_all(void *data)
{
    struct rpcproxy_pollers_t *all = data;
    apr_status_t rv;
    int i;

    for (i = 0; i < all->count; i++) {
        struct poller_private_t *private = all->poller[i]->private;

        apr_thread_mutex_lock(private->mutex);
        private->quit = 1;
        apr_thread_mutex_unlock(private->mutex);
        wake(all->poller[i]);
    }
    for (i = 0; i < all->count; i++) {
        apr_thread_join(&rv, all->poller[i]->private->thread);
    }
    all->count = 0;
    return APR_SUCCESS;
}

void rpcproxy_pollers_start(apr_pool_t *pchild, server_rec *s)
{
    rpcproxy_server_t *conf = main_config();
    struct rpcproxy_pollers_t *all = apr_pcalloc(pchild, sizeof(*all));
    int i;

    all->poller = apr_pcalloc(pchild, conf->pollers * sizeof(*all->poller));
    for (i = 0; i < conf->pollers; i++) {
        rpcproxy_poller_t *p = apr_pcalloc(pchild, sizeof(*p));
        apr_allocator_t *allocator;
        apr_pool_t *pool;
        apr_status_t rv;

        /* An allocator of its own: this pool is the thread's alone. */
        apr_allocator_create(&allocator);
        apr_pool_create_ex(&pool, pchild, NULL, allocator);
        apr_allocator_owner_set(allocator, pool);
        apr_pool_tag(pool, "rpcproxy_poller");
        rv = start_one(p, pool, s);
        if (rv != APR_SUCCESS) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                         PN(13033) "cannot start a poller thread");
            break;
        }
        all->poller[all->count++] = p;
    }
    conf->threads = all;
    apr_pool_pre_cleanup_register(pchild, all, stop_all);
}

void rpcproxy_pollers_stopping(apr_pool_t *pchild, int graceful)
{
    struct rpcproxy_pollers_t *all = main_config()->threads;
    int i;

    (void)pchild;
    for (i = 0; all && i < all->count; i++) {
        struct poller_private_t *private = all->poller[i]->private;

        apr_thread_mutex_lock(private->mutex);
        private->stop = graceful ? STOP_DRAIN : STOP_NOW;
        apr_thread_mutex_unlock(private->mutex);
        wake(all->poller[i]);
    }
}

rpcproxy_poller_t *rpcproxy_poller_of(const rts_cookie_t *cookie)
{
    const struct rpcproxy_pollers_t *all = main_config()->threads;
    unsigned int sum = 0;
    int i;

    if (!all || !all->count) {
        return NULL;
    }
    for (i = 0; i < RTS_COOKIE_SIZE; i++) {
        sum = sum * 31 + cookie->bytes[i];
    }
    return all->poller[sum % (unsigned int)all->count];
}

rpcproxy_poller_t *rpcproxy_poller_at(int number)
{
    const struct rpcproxy_pollers_t *all = main_config()->threads;

    return all && number < all->count ? all->poller[number] : NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The queue on a real disk: many threads of one process, all in one second. */

#include "smtp-submit/enqueue.h"
#include "smtp-submit/spool.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS = 64, MAILS = 16 };

typedef struct worker_t {
    const submit_config_t *config;
    const spool_t *spool;
    int queued;
} worker_t;

static int queue_one(const submit_config_t *config, const spool_t *spool,
                     const char **id, const char **why, apr_pool_t *pool)
{
    enqueue_request_t r = {0};
    apr_array_header_t *to = apr_array_make(pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(to, const char *) = "bob@example.test";
    r.config = config;
    r.spool = spool;
    r.to = to;
    r.subject = "thread";
    r.body = -1;
    return enqueue_mail(&r, id, why, pool);
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    worker_t *w = data;
    int i;

    for (i = 0; i < MAILS; i++) {
        apr_pool_t *pool;
        const char *id, *why;

        apr_pool_create(&pool, NULL);
        w->queued += queue_one(w->config, w->spool, &id, &why, pool) == 0;
        apr_pool_destroy(pool);
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void test_threads(const submit_config_t *config, const spool_t *spool,
                         apr_pool_t *pool)
{
    apr_thread_t *threads[THREADS];
    worker_t workers[THREADS];
    apr_array_header_t *ids;
    apr_hash_t *seen = apr_hash_make(pool);
    apr_status_t rv;
    const char *why;
    int i, queued = 0, whole = 0;

    for (i = 0; i < THREADS; i++) {
        workers[i] = (worker_t){config, spool, 0};
        apr_thread_create(&threads[i], NULL, work, &workers[i], pool);
    }
    for (i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, threads[i]);
        queued += workers[i].queued;
    }
    is_int(queued, THREADS * MAILS, "S38: every thread's mails are accepted");
    is_int(spool_list(spool, "new", &ids, &why, pool), 0, "the queue is read");
    is_int(ids->nelts, queued, "S38: each has an id of its own");
    for (i = 0; i < ids->nelts; i++) {
        spool_mail_t mail;

        if (spool_lock(&mail, spool, "new", APR_ARRAY_IDX(ids, i, char *), 0,
                       &why, pool) == 0) {
            whole++;
            apr_hash_set(seen, mail.envelope.message_id, APR_HASH_KEY_STRING,
                         "");
            spool_release(&mail);
        }
    }
    is_int(whole, queued, "each is whole");
    is_int(apr_hash_count(seen), queued, "each has a Message-ID of its own");
    spool_list(spool, "tmp", &ids, &why, pool);
    is_int(ids->nelts, 0, "nothing is left in tmp");
}

/* A file that was cut or changed is no mail. */
static void test_damage(const submit_config_t *config, const spool_t *spool,
                        apr_pool_t *pool)
{
    spool_mail_t mail;
    struct stat st;
    const char *id, *why, *path;
    int fd;

    queue_one(config, spool, &id, &why, pool);
    path = apr_pstrcat(pool, spool->dir, "/new/", id, NULL);
    fd = open(path, O_RDWR);
    fstat(fd, &st);
    is_int(pwrite(fd, "X", 1, st.st_size - 3), 1, "one byte is changed");
    is_int(spool_lock(&mail, spool, "new", id, 0, &why, pool), EBADMSG,
           "changed");
    is_int(ftruncate(fd, st.st_size - 1), 0, "one byte is cut off");
    is_int(spool_lock(&mail, spool, "new", id, 0, &why, pool), EBADMSG, "cut");
    is_int(ftruncate(fd, 40), 0, "nearly all is cut off");
    is_int(spool_load(&mail, spool, "new", id, &why, pool), EBADMSG, "a stump");
    close(fd);
    is_int(spool_delete(spool, id, &why, pool), 0, "and can be deleted");
}

static void test_locks(const submit_config_t *config, const spool_t *spool,
                       apr_pool_t *pool)
{
    spool_mail_t mail, again;
    const char *id, *why;

    queue_one(config, spool, &id, &why, pool);
    is_int(spool_lock(&mail, spool, "new", id, 0, &why, pool), 0, "locked");
    is_int(spool_lock(&again, spool, "new", id, 0, &why, pool), EWOULDBLOCK,
           "not twice");
    is_int(spool_delete(spool, id, &why, pool), EWOULDBLOCK,
           "S45: nor deleted");
    is_int(spool_journal(&mail, "sent 1 0 250 ok\n"), 0, "journal");
    spool_release(&mail);
    is_int(spool_lock(&mail, spool, "new", id, 0, &why, pool), 0, "free");
    is_int(spool_pending(&mail), 0, "the journal is read");
    is_int(spool_finish(&mail), 0, "finished");
    is_int(spool_load(&mail, spool, "new", id, &why, pool), ENOENT, "gone");
}

static void remove_queue(const spool_t *spool, apr_pool_t *pool)
{
    static const char *const folders[] = {"/new", "/tmp", "/failed", ""};
    apr_array_header_t *ids;
    const char *why;
    int i, left = 0;

    spool_list(spool, "new", &ids, &why, pool);
    for (i = 0; i < ids->nelts; i++) {
        spool_delete(spool, APR_ARRAY_IDX(ids, i, char *), &why, pool);
    }
    for (i = 0; i < 4; i++) {
        left |= rmdir(apr_pstrcat(pool, spool->dir, folders[i], NULL));
    }
    is_int(left, 0, "the queue is empty and goes away");
}

int main(void)
{
    char dir[] = "/tmp/spoolXXXXXX";
    submit_config_t config;
    spool_t spool;
    apr_pool_t *pool;
    const char *why;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(dir)) {
        return 1;
    }
    submit_config_init(&config, pool);
    config.from = "fred@example.test";
    config.hostname = "top";
    is_int(spool_open(&spool, dir, 1, &why, pool), 0, "a queue is made");
    test_threads(&config, &spool, pool);
    test_damage(&config, &spool, pool);
    test_locks(&config, &spool, pool);
    remove_queue(&spool, pool);
    apr_pool_destroy(pool);
    return done_testing();
}

/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_SPOOL_H
#define SUBMIT_SPOOL_H

/* The queue on disk.
 *
 *   tmp/ID     being written
 *   new/ID     accepted: on disk, and tried until delivered, given up, deleted
 *   failed/ID  given up; "retry ID" puts it back
 *   counters   mails sent and failed
 *   debug      there while "debug mail" is on
 *
 * One file a mail: a line with lengths and a checksum, the envelope, the
 * message in CRLF, then a journal to which only the holder of the file's lock
 * appends.  What has been appended is on disk before the next step is taken:
 *
 *   write tmp/ID, fsync, rename to new/ID, fsync of new/   = accepted
 *   lock, "dot" fsynced, final dot sent, reply read, "sent" fsynced, unlink
 *
 * A journal that ends with "dot" is a mail in doubt: the server may have it.
 *
 * Every function yields 0 or an errno value and a sentence in *why. */

#include <apr_pools.h>
#include <apr_sha1.h>
#include <apr_tables.h>
#include <apr_time.h>

#define SPOOL_ID_MAX 40
#define SPOOL_RECIPIENTS_MAX 1000

typedef struct spool_t {
    const char *dir;
} spool_t;

typedef struct spool_envelope_t {
    const char *sender;
    apr_array_header_t *recipients; /* of const char * */
    const char *to;                 /* for listings */
    const char *subject;            /* UTF-8, for listings */
    const char *message_id;
    apr_time_t date;
    int eightbit; /* the message holds bytes above 127 */
    int notice;   /* is a failure notice: never causes another */
    const char *notify, *returns, *envelope_id; /* as in dialogue_dsn_t */
} spool_envelope_t;

/* ---- writing ---- */

typedef struct spool_writer_t {
    const spool_t *spool;
    char id[SPOOL_ID_MAX + 1];
    const char *path; /* in tmp */
    int fd;
    apr_size_t envelope_len;
    apr_off_t message_len;
    apr_sha1_ctx_t sha1;
    char buffer[65536];
    apr_size_t buffered;
    apr_pool_t *pool;
} spool_writer_t;

/* Uses the queue in `dir`; makes its folders when `make` is set. */
int spool_open(spool_t *spool, const char *dir, int make, const char **why,
               apr_pool_t *pool);

/* Begins a mail: takes an id that nothing in the queue has.  The file goes away
 * with `pool` unless it is committed. */
int spool_new(spool_writer_t **writer, const spool_t *spool, const char **why,
              apr_pool_t *pool);
int spool_begin(spool_writer_t *writer, const spool_envelope_t *envelope,
                const char **why);

/* Bytes of the message, in CRLF; a message_sink_t. */
int spool_write(void *writer, const char *data, apr_size_t len);

/* Accepted, when this yields 0. */
int spool_commit(spool_writer_t *writer, const char **why);

/* ---- what is there ---- */

typedef enum spool_result_t {
    SPOOL_PENDING = 0,
    SPOOL_SENT,
    SPOOL_LATER,
    SPOOL_FAILED
} spool_result_t;

typedef struct spool_recipient_t {
    const char *address;
    spool_result_t result;
    const char *text; /* what the server said last, or "" */
} spool_recipient_t;

typedef struct spool_mail_t {
    const spool_t *spool;
    const char *id, *path;
    int fd; /* -1 unless it is locked */
    spool_envelope_t envelope;
    apr_array_header_t *recipients; /* of spool_recipient_t */
    apr_off_t message_at, message_len;
    int attempts;
    apr_time_t next; /* not before */
    int in_doubt;
    int notified;        /* its failure has been told */
    const char *problem; /* why the last attempt failed, or "" */
    apr_pool_t *pool;
} spool_mail_t;

/* The ids in folder "new" or "failed", oldest first (of const char *). */
int spool_list(const spool_t *spool, const char *folder,
               apr_array_header_t **ids, const char **why, apr_pool_t *pool);

/* Reads the envelope and journal of a mail.  ENOENT: no such mail; EBADMSG: the
 * file is no whole mail. */
int spool_load(spool_mail_t *mail, const spool_t *spool, const char *folder,
               const char *id, const char **why, apr_pool_t *pool);

/* The same after taking the mail's lock, which spool_release() (or the end of
 * the pool) gives back, and with the checksum verified.  EWOULDBLOCK: somebody
 * else has it; with `wait`, waits. */
int spool_lock(spool_mail_t *mail, const spool_t *spool, const char *folder,
               const char *id, int wait, const char **why, apr_pool_t *pool);
void spool_release(spool_mail_t *mail);

/* The recipients that still have to get the mail. */
int spool_pending(const spool_mail_t *mail);

/* Appends lines to the journal, each ended by \n, and waits for the disk. */
int spool_journal(spool_mail_t *mail, const char *lines);

/* Appends without waiting: safe from the death of the program at once, from that
 * of the machine as soon as anything else is flushed. */
int spool_journal_soon(spool_mail_t *mail, const char *lines);

/* The end of a locked mail: deleted when every recipient has it, else moved to
 * failed/. */
int spool_finish(spool_mail_t *mail);

/* Deletes a mail from either folder.  EWOULDBLOCK: it is just being sent. */
int spool_delete(const spool_t *spool, const char *id, const char **why,
                 apr_pool_t *pool);

/* Makes a mail due now, also one that was given up. */
int spool_retry(const spool_t *spool, const char *id, const char **why,
                apr_pool_t *pool);

/* Removes what dead writers left in tmp more than a day ago. */
void spool_clean(const spool_t *spool, apr_pool_t *pool);

/* Says for as long as the process lives that a runner stays on this queue, and
 * whether one does. */
int spool_runner_stays(const spool_t *spool, apr_pool_t *pool);
int spool_has_runner(const spool_t *spool, apr_pool_t *pool);

/* ---- counters and the debug switch ---- */

typedef struct spool_counters_t {
    apr_uint64_t sent, failed;             /* since the machine started */
    apr_uint64_t sent_total, failed_total; /* ever */
} spool_counters_t;

void spool_count(const spool_t *spool, int sent, int failed, apr_pool_t *pool);
void spool_counters(const spool_t *spool, spool_counters_t *counters,
                    apr_pool_t *pool);

/* The file that is there while debugging is on, and into which goes what there
 * is to say. */
const char *spool_debug_path(const spool_t *spool, apr_pool_t *pool);
int spool_debug(const spool_t *spool, apr_pool_t *pool);
int spool_set_debug(const spool_t *spool, int on, const char **why,
                    apr_pool_t *pool);

#endif

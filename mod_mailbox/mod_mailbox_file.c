/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The file source: parsed content that is replaced as a whole when the file
 * changes.  A request holds a reference to the content it reads, so that
 * replacing never waits for readers. */

#include "mod_mailbox_private.h"

#include "login.h"
#include "password.h"
#include "userfile.h"

#include "lib/log.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(mailbox);

/* What tells one state of the file from another. */
typedef struct stamp_t {
    apr_time_t mtime, ctime;
    apr_off_t size;
    apr_ino_t inode;
} stamp_t;

typedef struct content_t {
    apr_pool_t *pool;
    userfile_t *users;
    int references; /* readers, and one for being current */
} content_t;

struct mailbox_file_t {
    const char *path;
    apr_pool_t *pool;
    apr_thread_mutex_t *mutex; /* guards the members below */
    content_t *current;
    stamp_t stamp; /* of the last state looked at, good or bad */
};

/* --- reading --- */

/* 0 when there is no such file. */
static int take_stamp(stamp_t *stamp, const char *path, apr_pool_t *scratch)
{
    apr_finfo_t info;

    memset(stamp, 0, sizeof(*stamp));
    if (apr_stat(&info, path, APR_FINFO_NORM, scratch) != APR_SUCCESS) {
        return 0;
    }
    stamp->mtime = info.mtime;
    stamp->ctime = info.ctime;
    stamp->size = info.size;
    stamp->inode = info.inode;
    return 1;
}

static const char *read_text(const char *path, char **text, apr_size_t *len,
                             apr_pool_t *pool)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t rv =
        apr_file_open(&file, path, APR_READ, APR_OS_DEFAULT, pool);

    if (rv == APR_SUCCESS) {
        rv = apr_file_info_get(&info, APR_FINFO_NORM, file);
    }
    if (rv != APR_SUCCESS) {
        return apr_psprintf(pool, "%pm", &rv);
    }
    if (info.filetype != APR_REG || info.size > USERFILE_MAX) {
        return "is no regular file of at most 16 MiB";
    }
    *text = apr_palloc(pool, (apr_size_t)info.size + 1);
    rv = apr_file_read_full(file, *text, (apr_size_t)info.size, len);
    apr_file_close(file);
    return rv == APR_SUCCESS || rv == APR_EOF ? NULL
                                              : apr_psprintf(pool, "%pm", &rv);
}

/* Parses the file into a pool of its own, below `parent`. */
static const char *load(const char *path, content_t **content,
                        apr_pool_t *parent, apr_pool_t *scratch)
{
    apr_pool_t *pool;
    char *text = NULL;
    apr_size_t len = 0;
    int line;
    const char *why = read_text(path, &text, &len, scratch);

    if (why) {
        return why;
    }
    apr_pool_create(&pool, parent);
    apr_pool_tag(pool, "mailbox_file_content");
    *content = apr_pcalloc(pool, sizeof(**content));
    (*content)->pool = pool;
    (*content)->references = 1;
    if (userfile_parse(&(*content)->users, text, len, &line, &why, pool) !=
        APR_SUCCESS) {
        why = apr_psprintf(scratch, "line %d: %s", line, why);
        apr_pool_destroy(pool);
    }
    return why;
}

mailbox_file_t *mailbox_file_open(const char *path, const char **why,
                                  apr_pool_t *p)
{
    mailbox_file_t *file = apr_pcalloc(p, sizeof(*file));

    file->path = path;
    apr_pool_create(&file->pool, p);
    apr_pool_tag(file->pool, "mailbox_file");
    apr_thread_mutex_create(&file->mutex, APR_THREAD_MUTEX_DEFAULT, file->pool);
    take_stamp(&file->stamp, path, p);
    *why = load(path, &file->current, file->pool, p);
    return *why ? NULL : file;
}

const char *mailbox_file_path(const mailbox_file_t *file)
{
    return file->path;
}

/* --- reloading --- */

/* With the mutex held. */
static void release_locked(content_t *content)
{
    if (--content->references == 0) {
        apr_pool_destroy(content->pool);
    }
}

/* With the mutex held: when the file is not as it was when we last looked,
 * replaces the content, or keeps it when the new one is wrong, which is logged
 * once for each state of the file.  A file that is gone changes nothing. */
static void refresh_locked(request_rec *r, mailbox_file_t *file)
{
    content_t *fresh;
    stamp_t now;
    const char *why;

    if (!take_stamp(&now, file->path, r->pool) ||
        memcmp(&now, &file->stamp, sizeof(now)) == 0) {
        return;
    }
    file->stamp = now;
    why = load(file->path, &fresh, file->pool, r->pool);
    if (why) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      PN(10011) "MailboxFile %s: %s; the previous content "
                                "stays in force",
                      file->path, why);
        return;
    }
    release_locked(file->current);
    file->current = fresh;
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  PN(10012) "MailboxFile %s: read again, %u mailboxes",
                  file->path, userfile_count(fresh->users));
}

static content_t *acquire(request_rec *r, mailbox_file_t *file)
{
    content_t *content;

    apr_thread_mutex_lock(file->mutex);
    refresh_locked(r, file);
    content = file->current;
    content->references++;
    apr_thread_mutex_unlock(file->mutex);
    return content;
}

static void release(mailbox_file_t *file, content_t *content)
{
    apr_thread_mutex_lock(file->mutex);
    release_locked(content);
    apr_thread_mutex_unlock(file->mutex);
}

/* --- finding --- */

/* The same order as with a directory, where there are user principal names as
 * well: account of one of our domains, then mail address. */
static const record_t *by_login(const userfile_t *users,
                                const mailbox_conf_t *conf, const char *value,
                                apr_pool_t *pool)
{
    const record_t *record = NULL;
    const char *why;
    login_t login;

    if (login_parse(&login, value, &why, pool) != APR_SUCCESS) {
        return NULL;
    }
    if (login.form == LOGIN_BARE || login_is_ours(&login, conf->domains)) {
        record = userfile_by_user(users, login.user);
    }
    if (!record && login.form == LOGIN_REALM) {
        record = userfile_by_address(users, login.text);
    }
    return record;
}

static const record_t *find_in(const userfile_t *users,
                               const mailbox_conf_t *conf, mailbox_key_e key,
                               const char *value, apr_pool_t *pool)
{
    switch (key) {
    case MAILBOX_BY_LOGIN:
        return by_login(users, conf, value, pool);
    case MAILBOX_BY_ADDRESS:
        return userfile_by_address(users, value);
    case MAILBOX_BY_LEGACY_DN:
        return userfile_by_legacy_dn(users, value);
    }
    return NULL;
}

apr_status_t mailbox_file_find(request_rec *r, const mailbox_conf_t *conf,
                               mailbox_key_e key, const char *value,
                               const record_t **found, apr_pool_t *pool)
{
    content_t *content = acquire(r, conf->file);
    const record_t *record = find_in(content->users, conf, key, value, pool);

    if (record) {
        *found = record_copy(record, pool);
    }
    release(conf->file, content);
    return record ? APR_SUCCESS : APR_NOTFOUND;
}

void mailbox_file_waste(request_rec *r, const mailbox_conf_t *conf,
                        const char *password)
{
    content_t *content = acquire(r, conf->file);
    const record_t *sample = userfile_sample(content->users);

    if (sample) {
        password_waste(sample->password, password);
    }
    release(conf->file, content);
}

/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* What the children of all generations share: the table of virtual connections,
 * the tally, and a folder with one socket for each child. */

#include "mod_rpcproxy_relay.h"

#include <apr_file_info.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <errno.h>
#include <http_main.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <unixd.h>

APLOG_USE_MODULE(rpcproxy);

/* Outlives restarts: the generation that ends and the next one must meet.  The
 * name stands for the layout. */
#define RETAINED "postern_rpcproxy_pairs_2"
#define FOLDER "rpcproxy."

struct rpcproxy_shared_t {
    pairs_t *pairs;
    tally_t *tally;
    const char *folder;
    pid_t parent;
    /* Of this child. */
    int member; /* -1: it goes alone */
    pid_t pid;
};

static struct rpcproxy_shared_t *shared_of(server_rec *s)
{
    rpcproxy_server_t *conf =
        ap_get_module_config(s->module_config, &rpcproxy_module);

    return conf->shared;
}

static struct rpcproxy_shared_t *shared(void)
{
    return ap_server_conf ? shared_of(ap_server_conf) : NULL;
}

int rpcproxy_pairs_are_shared(server_rec *s)
{
    return shared_of(s) != NULL;
}

/* Folders. */

static void remove_folder(const char *folder, apr_pool_t *pool)
{
    apr_finfo_t info;
    apr_dir_t *dir;

    if (apr_dir_open(&dir, folder, pool) == APR_SUCCESS) {
        while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
            if (*info.name != '.') {
                unlink(apr_pstrcat(pool, folder, "/", info.name, NULL));
            }
        }
        apr_dir_close(dir);
    }
    rmdir(folder);
}

/* What servers have left that were killed. */
static void sweep(apr_pool_t *pool)
{
    const char *runtime = ap_runtime_dir_relative(pool, "");
    apr_finfo_t info;
    apr_dir_t *dir;

    if (!runtime || apr_dir_open(&dir, runtime, pool) != APR_SUCCESS) {
        return;
    }
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (strncmp(info.name, FOLDER, strlen(FOLDER)) == 0) {
            pid_t pid = (pid_t)apr_atoi64(info.name + strlen(FOLDER));

            if (pid > 0 &&
                (pid == getpid() || (kill(pid, 0) != 0 && errno == ESRCH))) {
                remove_folder(apr_pstrcat(pool, runtime, "/", info.name, NULL),
                              pool);
            }
        }
    }
    apr_dir_close(dir);
}

/* Children bind and connect after they have given up root. */
static int make_folder(const char *folder)
{
    struct stat st;

    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return errno;
    }
    if (lstat(folder, &st) != 0) {
        return errno;
    }
    if (!S_ISDIR(st.st_mode) ||
        (st.st_uid != geteuid() && st.st_uid != ap_unixd_config.user_id)) {
        return EEXIST;
    }
    if (geteuid() == 0 &&
        lchown(folder, ap_unixd_config.user_id, ap_unixd_config.group_id)) {
        return errno;
    }
    return 0;
}

/* Fails while children of the last generation have sockets in it; the last one
 * is gone when the server ends. */
static apr_status_t remove_empty_folder(void *data)
{
    struct rpcproxy_shared_t *sh = data;

    if (getpid() == sh->parent) {
        rmdir(sh->folder);
    }
    return APR_SUCCESS;
}

/* The tally lies behind the table. */
static apr_size_t tally_offset(void)
{
    return APR_ALIGN(pairs_size(), 64);
}

static void *retained_memory(server_rec *s)
{
    apr_pool_t *pool = s->process->pool;
    void *kept = NULL;
    apr_shm_t *shm;
    apr_status_t rv;

    apr_pool_userdata_get(&kept, RETAINED, pool);
    if (kept) {
        return kept;
    }
    sweep(pool);
    rv = apr_shm_create(&shm, tally_offset() + tally_size(), NULL, pool);
    if (rv == APR_SUCCESS) {
        kept = apr_shm_baseaddr_get(shm);
        memset(kept, 0, tally_offset() + tally_size());
        rv = pairs_init(kept);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, s,
                     PN(13070) "no shared memory for tunnels whose channels "
                               "meet different children");
        return NULL;
    }
    apr_pool_userdata_set(kept, RETAINED, apr_pool_cleanup_null, pool);
    return kept;
}

void rpcproxy_pairs_prepare(apr_pool_t *pconf, server_rec *s)
{
    rpcproxy_server_t *conf =
        ap_get_module_config(s->module_config, &rpcproxy_module);
    struct rpcproxy_shared_t *sh = apr_pcalloc(pconf, sizeof(*sh));
    int error;

    sh->pairs = retained_memory(s);
    sh->member = -1;
    sh->parent = getpid();
    sh->folder = ap_runtime_dir_relative(
        pconf, apr_psprintf(pconf, FOLDER "%" APR_PID_T_FMT, sh->parent));
    if (!sh->pairs || !sh->folder) {
        return;
    }
    sh->tally = (tally_t *)((char *)sh->pairs + tally_offset());
    error = make_folder(sh->folder);
    if (error) {
        ap_log_error(APLOG_MARK, APLOG_ERR, error, s,
                     PN(13071) "cannot make the folder %s for tunnels whose "
                               "channels meet different children",
                     sh->folder);
        return;
    }
    apr_pool_cleanup_register(pconf, sh, remove_empty_folder,
                              apr_pool_cleanup_null);
    conf->shared = sh;
}

int rpcproxy_pairs_address(pid_t pid, struct sockaddr_storage *address,
                           socklen_t *size)
{
    struct sockaddr_un *un = (struct sockaddr_un *)address;
    int len;

    memset(un, 0, sizeof(*un));
    un->sun_family = AF_UNIX;
    len = apr_snprintf(un->sun_path, sizeof(un->sun_path), "%s/%" APR_PID_T_FMT,
                       shared()->folder, pid);
    *size = sizeof(*un);
    return len < (int)sizeof(un->sun_path) - 1;
}

static void forget(struct rpcproxy_shared_t *sh, pid_t pid)
{
    struct sockaddr_storage address;
    socklen_t size;

    pairs_leave(sh->pairs, pid);
    if (rpcproxy_pairs_address(pid, &address, &size)) {
        unlink(((struct sockaddr_un *)&address)->sun_path);
    }
}

void rpcproxy_pairs_child_status(server_rec *s, pid_t pid,
                                 ap_generation_t generation, int slot,
                                 mpm_child_status state)
{
    (void)s;
    (void)generation;
    (void)slot;
    if (state == MPM_CHILD_EXITED && shared() && getpid() == shared()->parent) {
        forget(shared(), pid);
        tally_close(shared()->tally, pid);
    }
}

/* The child. */

static apr_status_t leave(void *data)
{
    struct rpcproxy_shared_t *sh = data;

    if (getpid() == sh->pid && sh->member >= 0) {
        sh->member = -1;
        forget(sh, sh->pid);
    }
    return APR_SUCCESS;
}

static int listen_at(const struct sockaddr_storage *address, socklen_t size)
{
    const char *path = ((const struct sockaddr_un *)address)->sun_path;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return -1;
    }
    unlink(path);
    /* The mode of the socket is that of the file from its first moment on. */
    if (fchmod(fd, 0600) != 0 ||
        bind(fd, (const struct sockaddr *)address, size) != 0 ||
        listen(fd, SOMAXCONN) != 0) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

void rpcproxy_pairs_start(apr_pool_t *pchild, server_rec *s)
{
    struct rpcproxy_shared_t *sh = shared();
    struct sockaddr_storage address;
    socklen_t size;
    int fd;

    if (!sh) {
        return;
    }
    sh->pid = getpid();
    if (!rpcproxy_pairs_address(sh->pid, &address, &size)) {
        errno = ENAMETOOLONG;
        fd = -1;
    }
    else {
        fd = listen_at(&address, size);
    }
    if (fd < 0) {
        ap_log_error(APLOG_MARK, APLOG_ERR, errno, s,
                     PN(13072) "cannot listen in %s: channels that meet "
                               "different children will not find each other",
                     sh->folder);
        return;
    }
    rpcproxy_relayed_listen(pchild, fd);
    sh->member = pairs_enter(sh->pairs, sh->pid);
    apr_pool_pre_cleanup_register(pchild, sh, leave);
}

pairs_result_e rpcproxy_pairs_find(const rpcproxy_chan_t *chan, int claim,
                                   pid_t *owner)
{
    struct rpcproxy_shared_t *sh = shared();

    if (!sh || sh->member < 0) {
        return claim ? PAIRS_MINE : PAIRS_NONE;
    }
    return pairs_find(sh->pairs, &chan->hello.vconn, sh->member, claim, owner);
}

void rpcproxy_pairs_release(const rts_cookie_t *cookie, int gone)
{
    struct rpcproxy_shared_t *sh = shared();

    if (sh && sh->member >= 0) {
        pairs_release(sh->pairs, cookie, sh->member, gone);
    }
}

unsigned int rpcproxy_pairs_held(void)
{
    struct rpcproxy_shared_t *sh = shared();

    return sh ? pairs_count(sh->pairs) : 0;
}

tally_row_t *rpcproxy_pairs_tally_open(void)
{
    struct rpcproxy_shared_t *sh = shared();

    return sh ? tally_open(sh->tally, getpid()) : NULL;
}

int rpcproxy_pairs_tally_sum(apr_int64_t sum[TALLY_COLUMNS],
                             unsigned int *processes)
{
    struct rpcproxy_shared_t *sh = shared();

    if (sh) {
        *processes = tally_sum(sh->tally, sum);
    }
    return sh != NULL;
}

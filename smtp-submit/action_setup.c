/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* "setup": a queue that several users write to and one user delivers from.
 *
 *   queue                USER:GROUP 2751   counters can be read by everybody
 *   queue/tmp, queue/new USER:GROUP 3730   the group may add, not list or delete
 *   queue/failed         USER:GROUP 0700
 *   configuration        root:GROUP 0640
 *   its key              USER       0600   the group cannot open the password */

#include "action.h"
#include "secret.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETUP_USER "smtpsubmit"

extern char **environ;

static const struct {
    const char *folder;
    mode_t mode;
} folders[] = {
    {"", 02751}, {"/tmp", 03730}, {"/new", 03730}, {"/failed", 0700}};

typedef struct setup_owner_t {
    uid_t user;
    gid_t group;
} setup_owner_t;

static int make_user(const char *name, const char *home)
{
    const char *argv[] = {"useradd",
                          "--system",
                          "--user-group",
                          "--home-dir",
                          home,
                          "--no-create-home",
                          "--shell",
                          "/usr/sbin/nologin",
                          "--",
                          name,
                          NULL};
    int status = -1;
    pid_t pid;

    if (posix_spawn(&pid, "/usr/sbin/useradd", NULL, NULL, (char *const *)argv,
                    environ) != 0) {
        return 0;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status == 0;
}

/* A name, which is made when there is none, or a number for both. */
static int find_owner(setup_owner_t *owner, const char *name, const char *home)
{
    struct passwd *entry = getpwnam(name);

    if (!entry && name[strspn(name, "0123456789")] == '\0') {
        owner->user = owner->group = (uid_t)strtoul(name, NULL, 10);
        return 1;
    }
    if (!entry && make_user(name, home)) {
        entry = getpwnam(name);
    }
    if (!entry) {
        return 0;
    }
    owner->user = entry->pw_uid;
    owner->group = entry->pw_gid;
    return 1;
}

/* Gives what is in a folder already to the owner; links are not followed. */
static int adopt(const char *path, const setup_owner_t *owner)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int rv = 0;

    if (!dir) {
        return errno;
    }
    while (!rv && (entry = readdir(dir)) != NULL) {
        struct stat st;

        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) &&
            fchownat(dirfd(dir), entry->d_name, owner->user, owner->group,
                     AT_SYMLINK_NOFOLLOW) != 0) {
            rv = errno;
        }
    }
    closedir(dir);
    return rv;
}

static int make_queue(const char *dir, const setup_owner_t *owner,
                      const char **what, apr_pool_t *pool)
{
    size_t i;
    int rv = 0;

    for (i = 0; !rv && i < sizeof(folders) / sizeof(folders[0]); i++) {
        const char *path = apr_pstrcat(pool, dir, folders[i].folder, NULL);

        *what = path;
        if ((mkdir(path, 0700) != 0 && errno != EEXIST) ||
            chown(path, owner->user, owner->group) != 0 ||
            chmod(path, folders[i].mode) != 0) {
            rv = errno;
        }
        rv = rv ? rv : adopt(path, owner);
    }
    return rv;
}

/* The configuration, which says from now on that the runner delivers; its key,
 * made here so that it belongs to the runner from the start. */
static int make_files(action_t *a, const setup_owner_t *owner,
                      const char **what)
{
    static const char line[] = "mail delivery-by-runner";
    const char *key_path = secret_key_path(&a->config, a->pool), *why;
    unsigned char key[SECRET_KEY_BYTES];
    command_t command;

    *what = a->config.path;
    if (command_parse_line(&command, line, sizeof(line) - 1, &why, a->pool) !=
            APR_SUCCESS ||
        submit_config_change(&a->config, &command, &why, a->pool) !=
            APR_SUCCESS ||
        chown(a->config.path, 0, owner->group) != 0 ||
        chmod(a->config.path, 0640) != 0) {
        return errno ? errno : EINVAL;
    }
    *what = key_path;
    if (secret_key_load(key, key_path, 1, &why, a->pool) != APR_SUCCESS) {
        return EINVAL;
    }
    return chown(key_path, owner->user, owner->group) != 0 ||
                   chmod(key_path, 0600) != 0
               ? errno
               : 0;
}

int action_setup(action_t *a, const command_t *command)
{
    const char *name = command_value(command, "NAME"), *what;
    const char *dir = submit_config_spool(&a->config);
    setup_owner_t owner;
    int rv;

    name = name ? name : SETUP_USER;
    if (geteuid() != 0) {
        return action_says(ACTION_ERROR,
                           "% Error: setup has to be run by root");
    }
    if (!find_owner(&owner, name, dir)) {
        return action_says(
            ACTION_ERROR,
            apr_psprintf(a->pool, "%% Error: user %s cannot be made", name));
    }
    rv = make_queue(dir, &owner, &what, a->pool);
    rv = rv ? rv : make_files(a, &owner, &what);
    return rv ? action_says(ACTION_IO, apr_psprintf(a->pool, "%% Error: %s: %s",
                                                    what, strerror(rv)))
              : ACTION_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_freebusy/script_file.h"
#include "t/unit/tap.h"

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[] = "/tmp/scriptXXXXXX";
static apr_pool_t *pool;

static const char *in(const char *name)
{
    return apr_pstrcat(pool, top, "/", name, NULL);
}

static apr_status_t write_text(const char *name, const char *text)
{
    return script_file_write(in(name), strlen(top) + 1, text, strlen(text),
                             pool);
}

static const char *read_text(const char *name, apr_size_t max)
{
    const char *bytes = NULL;
    apr_size_t len;

    return script_file_read(&bytes, &len, in(name), strlen(top) + 1, max,
                            pool) == APR_SUCCESS
               ? bytes
               : NULL;
}

/* How many names are in the folder, "." and ".." included. */
static int names(const char *folder)
{
    apr_dir_t *dir;
    apr_finfo_t info;
    int n = 0;

    apr_dir_open(&dir, in(folder), pool);
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        n++;
    }
    apr_dir_close(dir);
    return n;
}

static void test_write_and_read(void)
{
    struct stat st, folder;

    is_int(write_text("alice/x.sieve", "one"), APR_SUCCESS, "a new file");
    is_str(read_text("alice/x.sieve", 100), "one", "is read");
    is_int(write_text("alice/x.sieve", "two"), APR_SUCCESS, "replaced");
    is_str(read_text("alice/x.sieve", 100), "two", "is read");
    is_int(names("alice"), 3, "nothing is left beside it");
    stat(in("alice/x.sieve"), &st);
    stat(in("alice"), &folder);
    is_int(st.st_uid, folder.st_uid, "the owner of the folder");
    ok((st.st_mode & 07077 & ~0040u) == 0, "closed to others");
    ok(!read_text("alice/x.sieve", 2), "longer than the limit");
    is_int(write_text("nobody/x.sieve", "x"), APR_ENOENT, "no folder");
    ok(!read_text("alice/none", 100), "no file");
}

/* What a mail user may have put where we look. */
static void test_traps(void)
{
    ok(symlink("/etc/passwd", in("alice/link")) == 0 &&
           symlink("/etc", in("etc")) == 0 &&
           mkfifo(in("alice/pipe"), 0600) == 0 &&
           mkdir(in("alice/dir"), 0700) == 0,
       "traps are set");
    ok(!read_text("alice/link", 100000), "no link is read");
    ok(!read_text("etc/passwd", 100000), "nor through a linked folder");
    ok(!read_text("alice/pipe", 100), "no pipe is read, nor waited for");
    ok(!read_text("alice/dir", 100), "no folder");
    is_int(write_text("etc/x.sieve", "x") != APR_SUCCESS, 1,
           "no file is written through a linked folder");
    is_int(write_text("alice/link", "mine"), APR_SUCCESS, "a link is replaced");
    is_str(read_text("alice/link", 100), "mine", "by a file");
    ok(access("/etc/passwd", R_OK) == 0, "and its target is untouched");
    ok(write_text("alice/dir", "x") != APR_SUCCESS, "a folder is not replaced");
    is_int(names("alice"), 6, "no new file is left behind");
    ok(write_text("alice/../bob.sieve", "x") != APR_SUCCESS, "no way up");
    ok(write_text("alice/", "x") != APR_SUCCESS, "no name");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(top) || mkdir(in("alice"), 0700) != 0) {
        ok(0, "a folder");
        return done_testing();
    }
    if (geteuid() == 0 && chown(in("alice"), 65534, 65534) != 0) {
        ok(0, "a folder of somebody else");
    }
    test_write_and_read();
    test_traps();
    unlink(in("alice/x.sieve"));
    unlink(in("alice/link"));
    unlink(in("alice/pipe"));
    rmdir(in("alice/dir"));
    rmdir(in("alice"));
    unlink(in("etc"));
    ok(rmdir(top) == 0, "everything is gone");
    apr_terminate();
    return done_testing();
}

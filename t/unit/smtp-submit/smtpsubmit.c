/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The library that other programs use. */

#include "smtp-submit/smtpsubmit.h"
#include "t/unit/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/libXXXXXX", config[64];

static const char *const bob[] = {"bob@example.test", NULL};
static const char *const alias[] = {"root", NULL};
static const char *const evil[] = {"a@b.c\r\nBcc: x@y.z", NULL};
static const char *const empty[] = {NULL};
static const char *const missing[] = {"/nonexistent", NULL};

static const struct {
    const char *name;
    int status;
    smtpsubmit_mail_t mail;
    const char *found; /* in the file in the queue, or in the sentence */
} rows[] = {
    {"a mail",
     0,
     {.to = bob, .subject = "%N caf\xc3\xa9", .text = "text\n", .text_len = 5},
     "recipient bob@example.test\nto bob@example.test\nsubject %N caf\xc3\xa9"},
    {"its text",
     0,
     {.to = bob, .text = "a\n.\n", .text_len = 4},
     "\r\na\r\n.\r\n"},
    {"no more of it than its length",
     0,
     {.to = bob, .text = "oneTWO", .text_len = 3},
     "\r\n\r\none\r\n"},
    {"an alias", 0, {.to = alias}, "recipient admin@example.test\n"},
    {"a sender", 0, {.from = "me@b.c", .to = bob}, "sender me@b.c\n"},
    {"cc", 0, {.to = bob, .cc = alias}, "\r\nCc: <admin@example.test>\r\n"},
    {"bcc alone", 0, {.bcc = bob}, "recipient bob@example.test\n"},
    {"nobody", 64, {.to = empty, .text = "x", .text_len = 1}, "no recipient"},
    {"a line break in an address",
     65,
     {.to = evil},
     "% Error: \"a@b.c??Bcc: x@y.z\": "},
    {"a line break in the subject",
     65,
     {.to = bob, .subject = "x\r\nBcc: x@y.z", .text = "x", .text_len = 1},
     "control character"},
    {"a subject that is not UTF-8",
     65,
     {.to = bob, .subject = "\xff", .text = "x", .text_len = 1},
     "not UTF-8"},
    {"a file that is not there",
     66,
     {.to = bob, .text = "x", .text_len = 1, .attach = missing},
     "/nonexistent: No such file"},
};

static int descriptors(void)
{
    DIR *all = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(all)) {
        count++;
    }
    closedir(all);
    return count;
}

/* What the queue holds of a mail, which is taken out. */
static const char *queued(const char *id)
{
    static char text[65536];
    char path[128];
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "%s/spool/new/%s", dir, id);
    fd = open(path, O_RDONLY);
    n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    close(fd);
    unlink(path);
    return text;
}

static void test_rows(void)
{
    char id[SMTPSUBMIT_ID_MAX], why[SMTPSUBMIT_WHY_MAX];
    size_t i;
    int before = descriptors();

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int rv = smtpsubmit_enqueue(config, &rows[i].mail, id, why);
        const char *text = rv == 0 ? queued(id) : why;

        is_int(rv, rows[i].status, rows[i].name);
        ok(strstr(text, rows[i].found) != NULL, "%s: %s", rows[i].name, why);
        ok((rv == 0) == (strlen(id) > 15) && (rv == 0) == (*why == '\0'),
           "%s: id or sentence", rows[i].name);
    }
    is_int(descriptors(), before, "no descriptor is left open");
}

/* Settings with the queue in a folder of ours. */
static void write_config(const char *spool, const char *lines)
{
    FILE *f = fopen(config, "w");

    fprintf(f, "mail spool %s/%s\n%s\n", dir, spool, lines);
    fclose(f);
}

static void test_settings(void)
{
    char id[SMTPSUBMIT_ID_MAX], why[SMTPSUBMIT_WHY_MAX];
    smtpsubmit_mail_t mail = {.to = bob};

    write_config("nowhere", "mail from a@b.c");
    is_int(smtpsubmit_enqueue(config, &mail, id, why), 74, "no queue there");
    write_config("spool", "");
    is_int(smtpsubmit_enqueue(config, &mail, id, why), 78, "no sender");
    write_config("spool", "nonsense");
    is_int(smtpsubmit_enqueue(config, &mail, id, why), 78, "wrong settings");
    ok(strstr(why, "(line 2) of ") != NULL, "names the line: %s", why);
    unlink(config);
}

int main(void)
{
    static const char *const folders[] = {"spool", "spool/tmp", "spool/new",
                                          "spool/failed"};
    char path[64];
    int i;

    if (!mkdtemp(dir)) {
        return 1;
    }
    snprintf(config, sizeof(config), "%s/conf", dir);
    for (i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, folders[i]);
        mkdir(path, 0700);
    }
    write_config("spool", "mail from fred@example.test\n"
                          "mail alias root admin@example.test");
    test_rows();
    test_settings();
    for (i = 3; i >= 0; i--) {
        snprintf(path, sizeof(path), "%s/%s", dir, folders[i]);
        is_int(rmdir(path), 0, folders[i]);
    }
    rmdir(dir);
    return done_testing();
}

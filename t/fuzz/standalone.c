/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The main() that makes a fuzzer an ordinary test program: it feeds every file
 * of t/fuzz/corpus/NAME (NAME is the program's own), whole and cut off at
 * every length, and prints TAP.  It fails when there was nothing to feed.
 *
 * Each input is a block of exactly its own size, so that a sanitizer sees a
 * read beyond the end. */

#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_MAX (1024 * 1024)
#define CUTS_MAX 4096 /* cuts of one seed; a longer one is cut in steps */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static void feed(const char *bytes, size_t len)
{
    uint8_t *input = malloc(len ? len : 1);

    if (!input) {
        abort();
    }
    memcpy(input, bytes, len);
    LLVMFuzzerTestOneInput(input, len);
    free(input);
}

/* Feeds one seed; returns how many inputs that made, 0 when it is unreadable. */
static size_t feed_seed(const char *path, char *bytes)
{
    FILE *file = fopen(path, "rb");
    size_t len, cut, step, fed = 1;

    if (!file) {
        return 0;
    }
    len = fread(bytes, 1, SEED_MAX, file);
    fclose(file);
    feed(bytes, len);
    step = len / CUTS_MAX + 1;
    for (cut = 0; cut < len; cut += step) {
        feed(bytes, cut);
        fed++;
    }
    return fed;
}

static int is_seed(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The corpus folder of the program build/.../NAME.t. */
static void corpus_of(char *folder, size_t room, const char *program)
{
    const char *name = strrchr(program, '/');
    size_t len;

    name = name ? name + 1 : program;
    len = strlen(name);
    if (len > 2 && strcmp(name + len - 2, ".t") == 0) {
        len -= 2;
    }
    snprintf(folder, room, "t/fuzz/corpus/%.*s", (int)len, name);
}

int main(int argc, char **argv)
{
    char folder[PATH_MAX], path[PATH_MAX + 256];
    struct dirent **seeds;
    char *bytes = malloc(SEED_MAX);
    int i, count, failed = 0;

    corpus_of(folder, sizeof(folder), argv[0]);
    if (LLVMFuzzerInitialize) {
        LLVMFuzzerInitialize(&argc, &argv);
    }
    count = scandir(folder, &seeds, is_seed, alphasort);
    if (count <= 0 || !bytes) {
        printf("1..1\nnot ok 1 - %s has no seed (run from the top)\n", folder);
        return 1;
    }
    printf("1..%d\n", count);
    for (i = 0; i < count; i++) {
        size_t fed;

        snprintf(path, sizeof(path), "%s/%s", folder, seeds[i]->d_name);
        fed = feed_seed(path, bytes);
        printf("%sok %d - %s: %zu inputs\n", fed ? "" : "not ", i + 1,
               seeds[i]->d_name, fed);
        failed += !fed;
        free(seeds[i]);
    }
    free(seeds);
    free(bytes);
    return failed ? 1 : 0;
}

/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* All rows of the grammar are followed at once, word by word: a list of
 * places, each a row and the element of it that comes next.  A line is
 * understood when exactly one row has come to its end. */

#include "command.h"
#include "grammar.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENTS_MAX = 48, GROUPS_MAX = 16 };

typedef enum element_kind_t { KEYWORD, PARAMETER, CHOICE } element_kind_t;

typedef struct element_t {
    element_kind_t kind;
    const char *text; /* keyword, NAME, or NAME=a|b */
    apr_size_t len;
    unsigned char whole;    /* a keyword that may not be shortened */
    unsigned char group;    /* from 1; 0: must be there */
    unsigned char repeats;  /* the group may come again */
    unsigned char run, end; /* first, one past last of the groups around */
} element_t;

typedef struct pattern_t {
    const grammar_row_t *row;
    int count;
    element_t *elements;
} pattern_t;

/* What one word was taken for; linked from the last to the first. */
typedef struct match_t {
    const struct match_t *before;
    const element_t *element;
    const char *name, *text;
} match_t;

typedef struct place_t {
    const pattern_t *pattern;
    int next;
    unsigned used; /* groups that have been */
    const match_t *last;
} place_t;

/* A place one word further, when the word fits. */
typedef struct step_t {
    const place_t *from;
    const element_t *element;
    const char *name; /* keyword or parameter name */
    int exact;
} step_t;

/* ---- the pattern of a row ---- */

static void element_of(element_t *e, const char *text, apr_size_t len)
{
    e->text = text;
    e->len = len;
    if (text[0] >= 'A' && text[0] <= 'Z') {
        e->kind = memchr(text, '=', len) ? CHOICE : PARAMETER;
    }
    else {
        e->kind = KEYWORD;
        e->whole = text[len - 1] == '!';
        e->len -= (apr_size_t)e->whole;
    }
}

/* Neighbouring groups make a run: they may come in any order. */
static void find_runs(pattern_t *p)
{
    int i, k, start = 0;

    for (i = 0; i < p->count; i++) {
        if (!p->elements[i].group) {
            continue;
        }
        start = i;
        while (i < p->count && p->elements[i].group) {
            i++;
        }
        for (k = start; k < i; k++) {
            p->elements[k].run = (unsigned char)start;
            p->elements[k].end = (unsigned char)i;
        }
    }
}

static pattern_t *compile(const grammar_row_t *row, apr_pool_t *pool)
{
    pattern_t *p = apr_pcalloc(pool, sizeof(*p));
    const char *s = row->pattern;
    int group = 0, groups = 0, first = 0, words = 1;
    const char *blank;

    for (blank = s; (blank = strchr(blank, ' ')) != NULL; blank++) {
        words++;
    }
    p->row = row;
    p->elements = apr_pcalloc(pool, sizeof(element_t) * (apr_size_t)words);
    while (*s && p->count < words) {
        apr_size_t len;

        s += strspn(s, " ");
        if (*s == '[' && groups < GROUPS_MAX) {
            group = ++groups;
            first = p->count;
            s++;
        }
        len = strcspn(s, " ]");
        element_of(&p->elements[p->count], s, len);
        p->elements[p->count++].group = (unsigned char)group;
        s += len;
        if (*s == ']') {
            s++;
            for (; *s == '*' && first < p->count; first++) {
                p->elements[first].repeats = 1;
            }
            s += *s == '*';
            group = 0;
        }
    }
    find_runs(p);
    return p;
}

static int starts_group(const pattern_t *p, int i)
{
    return p->elements[i].group &&
           (i == 0 || p->elements[i - 1].group != p->elements[i].group);
}

static unsigned bit(int group)
{
    return 1u << group;
}

/* The elements that may come at `place`, into `next`; sets *end when the row
 * may also end there. */
static int reachable(const place_t *place, const element_t **next, int *end)
{
    const pattern_t *p = place->pattern;
    int i = place->next, count = 0;

    *end = i == p->count;
    if (*end) {
        return 0;
    }
    if (!starts_group(p, i)) {
        next[count++] = &p->elements[i];
        return count;
    }
    for (; i < p->elements[place->next].end; i++) {
        if (starts_group(p, i) && (!(place->used & bit(p->elements[i].group)) ||
                                   p->elements[i].repeats)) {
            next[count++] = &p->elements[i];
        }
    }
    if (i == p->count) {
        *end = 1;
    }
    else {
        next[count++] = &p->elements[i];
    }
    return count;
}

static place_t advance(const step_t *step, const char *text, apr_pool_t *pool)
{
    const pattern_t *p = step->from->pattern;
    int i = (int)(step->element - p->elements);
    place_t place = *step->from;
    match_t *match = apr_palloc(pool, sizeof(*match));

    match->before = place.last;
    match->element = step->element;
    match->name = step->name;
    match->text = step->element->kind == PARAMETER ? text : step->name;
    place.last = match;
    place.next = i + 1;
    if (step->element->group &&
        (i + 1 == p->count ||
         p->elements[i + 1].group != step->element->group)) {
        place.used |= bit(step->element->group);
        place.next = step->element->run;
    }
    return place;
}

/* ---- one word against one element ---- */

static const char *undashed(const command_word_t *word)
{
    return !word->quoted && strncmp(word->text, "--", 2) == 0 && word->text[2]
               ? word->text + 2
               : word->text;
}

/* 0: another word, 1: shortened, 2: exactly. */
static int keyword_fits(const char *keyword, apr_size_t len,
                        const command_word_t *word)
{
    const char *text = undashed(word);
    apr_size_t n = strlen(text);

    if (word->quoted || n == 0 || n > len || memcmp(text, keyword, n) != 0) {
        return 0;
    }
    return n == len ? 2 : 1;
}

typedef struct trial_t {
    apr_array_header_t *steps; /* of step_t */
    const char *expected;      /* of a parameter that did not fit */
    const element_t *wrong;
    apr_pool_t *pool;
} trial_t;

static void add_step(trial_t *trial, const place_t *from, const element_t *e,
                     const char *name, int exact)
{
    step_t *step = apr_array_push(trial->steps);

    step->from = from;
    step->element = e;
    step->name = name;
    step->exact = exact;
}

static void try_choice(trial_t *trial, const place_t *from, const element_t *e,
                       const command_word_t *word)
{
    const char *s = memchr(e->text, '=', e->len), *end = e->text + e->len;

    while (s < end) {
        const char *option = s + 1;
        int fits;

        s = memchr(option, '|', (apr_size_t)(end - option));
        s = s ? s : end;
        fits = keyword_fits(option, (apr_size_t)(s - option), word);
        if (fits) {
            add_step(
                trial, from, e,
                apr_pstrmemdup(trial->pool, option, (apr_size_t)(s - option)),
                fits == 2);
        }
    }
}

static void try_parameter(trial_t *trial, const place_t *from,
                          const element_t *e, const command_word_t *word)
{
    const grammar_parameter_t *parameter = grammar_parameter(e->text, e->len);
    const char *expected =
        parameter ? grammar_check(parameter, word->text) : "nothing";

    if (!expected) {
        add_step(trial, from, e, parameter->name, 0);
    }
    else if (!trial->expected) {
        trial->expected = expected;
        trial->wrong = e;
    }
}

/* Keywords first: a parameter is tried only where no keyword fits. */
static void try_places(trial_t *trial, const apr_array_header_t *places,
                       const command_word_t *word, int parameters)
{
    int i, k, end;

    for (i = 0; i < places->nelts; i++) {
        const place_t *place = &APR_ARRAY_IDX(places, i, place_t);
        const element_t *next[ELEMENTS_MAX + 1];
        int count = reachable(place, next, &end);

        for (k = 0; k < count; k++) {
            const element_t *e = next[k];
            int fits;

            if ((e->kind == PARAMETER) != parameters) {
                continue;
            }
            if (parameters) {
                try_parameter(trial, place, e, word);
            }
            else if (e->kind == CHOICE) {
                try_choice(trial, place, e, word);
            }
            else if ((fits = keyword_fits(e->text, e->len, word)) > e->whole) {
                add_step(trial, place, e,
                         apr_pstrmemdup(trial->pool, e->text, e->len),
                         fits == 2);
            }
        }
    }
}

/* ---- the words of a line ---- */

/* 0 when the row starts with another keyword than `word`. */
static int may_begin(const grammar_row_t *row, const command_word_t *word)
{
    element_t first = {0};

    if (row->pattern[0] == '[') {
        return 1;
    }
    element_of(&first, row->pattern, strcspn(row->pattern, " "));
    return first.kind != KEYWORD || keyword_fits(first.text, first.len, word);
}

/* Where a line starts: with `word` (NULL: any) in front. */
static apr_array_header_t *beginnings(const command_word_t *word,
                                      apr_pool_t *pool)
{
    apr_array_header_t *places =
        apr_array_make(pool, grammar_rows_count, sizeof(place_t));
    int i;

    for (i = 0; i < grammar_rows_count; i++) {
        if (!word || may_begin(&grammar_rows[i], word)) {
            place_t *place = apr_array_push(places);

            memset(place, 0, sizeof(*place));
            place->pattern = compile(&grammar_rows[i], pool);
        }
    }
    return places;
}

/* The places after `word`; a word that is exactly a keyword is not taken as
 * the beginning of another one. */
static apr_array_header_t *follow(trial_t *trial,
                                  const apr_array_header_t *places,
                                  const command_word_t *word)
{
    apr_array_header_t *after = apr_array_make(trial->pool, 8, sizeof(place_t));
    int i, exact = 0;

    trial->steps = apr_array_make(trial->pool, 8, sizeof(step_t));
    trial->expected = NULL;
    try_places(trial, places, word, 0);
    if (trial->steps->nelts == 0) {
        try_places(trial, places, word, 1);
    }
    for (i = 0; i < trial->steps->nelts; i++) {
        exact |= APR_ARRAY_IDX(trial->steps, i, step_t).exact;
    }
    for (i = 0; i < trial->steps->nelts; i++) {
        const step_t *step = &APR_ARRAY_IDX(trial->steps, i, step_t);

        if (step->exact == exact) {
            APR_ARRAY_PUSH(after, place_t) =
                advance(step, word->text, trial->pool);
        }
    }
    return after;
}

static const char *invalid(const trial_t *trial, const command_word_t *word,
                           apr_pool_t *pool)
{
    if (trial->expected) {
        return apr_psprintf(pool, "%% Invalid input \"%s\": expected %s",
                            word->text, trial->expected);
    }
    return apr_psprintf(pool, "%% Invalid input \"%s\"", word->text);
}

/* 1 when both rows took every word for the same. */
static int same_meaning(const match_t *a, const match_t *b)
{
    for (; a && b; a = a->before, b = b->before) {
        if (strcmp(a->name, b->name) != 0) {
            return 0;
        }
    }
    return a == b;
}

static int starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static apr_size_t name_length(const element_t *e)
{
    const char *equals =
        e->kind == CHOICE ? memchr(e->text, '=', e->len) : NULL;

    return equals ? (apr_size_t)(equals - e->text) : e->len;
}

static void take_values(command_t *command, const place_t *place,
                        apr_pool_t *pool)
{
    const char *pattern = place->pattern->row->pattern;
    const match_t *m;
    int count = 0;

    for (m = place->last; m; m = m->before) {
        count++;
    }
    command->values = apr_array_make(pool, count, sizeof(command_value_t));
    command->values->nelts = count;
    for (m = place->last; m; m = m->before) {
        command_value_t *value =
            &APR_ARRAY_IDX(command->values, --count, command_value_t);

        value->name =
            apr_pstrmemdup(pool, m->element->text, name_length(m->element));
        value->text = m->element->kind == PARAMETER
                          ? m->text
                          : apr_pstrdup(pool, m->text);
    }
    command->id = place->pattern->row->id;
    command->where = place->pattern->row->where;
    command->no = starts_with(pattern, "no ") || strstr(pattern, " no ") ||
                  starts_with(pattern, "undebug ") ||
                  starts_with(pattern, "config unset ");
}

static apr_status_t choose(command_t *command, const apr_array_header_t *places,
                           const char **why, apr_pool_t *pool)
{
    const element_t *next[ELEMENTS_MAX + 1];
    const place_t *chosen = NULL;
    int i, end;

    for (i = 0; i < places->nelts; i++) {
        const place_t *place = &APR_ARRAY_IDX(places, i, place_t);

        (void)reachable(place, next, &end);
        if (!end) {
            continue;
        }
        if (chosen && !same_meaning(chosen->last, place->last)) {
            *why = "% Ambiguous command";
            return APR_EINVAL;
        }
        chosen = chosen ? chosen : place;
    }
    if (!chosen) {
        *why = "% Incomplete command";
        return APR_EINVAL;
    }
    take_values(command, chosen, pool);
    return APR_SUCCESS;
}

/* The patterns and places live in `scratch`, what is found in `pool`. */
static apr_status_t find(command_t *command, const apr_array_header_t *words,
                         const char **why, apr_pool_t *scratch,
                         apr_pool_t *pool)
{
    trial_t trial = {NULL, NULL, NULL, scratch};
    apr_array_header_t *places =
        beginnings(&APR_ARRAY_IDX(words, 0, command_word_t), scratch);
    int i;

    for (i = 0; i < words->nelts; i++) {
        const command_word_t *word = &APR_ARRAY_IDX(words, i, command_word_t);

        places = follow(&trial, places, word);
        if (places->nelts == 0) {
            *why = invalid(&trial, word, pool);
            return APR_EINVAL;
        }
    }
    return choose(command, places, why, pool);
}

apr_status_t command_parse(command_t *command, const apr_array_header_t *words,
                           const char **why, apr_pool_t *pool)
{
    apr_pool_t *scratch;
    apr_status_t rv;

    memset(command, 0, sizeof(*command));
    command->values = apr_array_make(pool, 1, sizeof(command_value_t));
    if (words->nelts == 0) {
        return APR_SUCCESS;
    }
    apr_pool_create(&scratch, pool);
    rv = find(command, words, why, scratch, pool);
    apr_pool_destroy(scratch);
    return rv;
}

apr_status_t command_parse_line(command_t *command, const char *line,
                                apr_size_t len, const char **why,
                                apr_pool_t *pool)
{
    apr_array_header_t *words;
    apr_status_t rv = command_split(&words, line, len, why, pool);

    return rv == APR_SUCCESS ? command_parse(command, words, why, pool) : rv;
}

const char *command_value(const command_t *command, const char *name)
{
    int i;

    for (i = 0; i < command->values->nelts; i++) {
        const command_value_t *value =
            &APR_ARRAY_IDX(command->values, i, command_value_t);

        if (strcmp(value->name, name) == 0) {
            return value->text;
        }
    }
    return NULL;
}

apr_array_header_t *command_values(const command_t *command, const char *name,
                                   apr_pool_t *pool)
{
    apr_array_header_t *texts = apr_array_make(pool, 4, sizeof(const char *));
    const char *keyword = "";
    int i;

    for (i = 0; i < command->values->nelts; i++) {
        const command_value_t *value =
            &APR_ARRAY_IDX(command->values, i, command_value_t);

        if (strcmp(keyword, name) == 0) {
            APR_ARRAY_PUSH(texts, const char *) = value->text;
        }
        keyword = value->name;
    }
    return texts;
}

/* ---- help ---- */

typedef struct help_t {
    const char *shown, *text;
} help_t;

/* Adds a line once, when it starts with `prefix`. */
static void add_help(apr_array_header_t *lines, const char *shown,
                     const char *text, const char *prefix)
{
    help_t *line;
    int i;

    if (prefix && strncmp(shown, prefix, strlen(prefix)) != 0) {
        return;
    }
    for (i = 0; i < lines->nelts; i++) {
        line = &APR_ARRAY_IDX(lines, i, help_t);
        if (strcmp(line->shown, shown) == 0 && strcmp(line->text, text) == 0) {
            return;
        }
    }
    line = apr_array_push(lines);
    line->shown = shown;
    line->text = text;
}

static void help_choice(apr_array_header_t *lines, const element_t *e,
                        const char *pattern, const char *prefix,
                        apr_pool_t *pool)
{
    char *copy = apr_pstrmemdup(pool, e->text, e->len), *state, *word;

    for (word = apr_strtok(strchr(copy, '=') + 1, "|", &state); word;
         word = apr_strtok(NULL, "|", &state)) {
        add_help(lines, word, grammar_keyword_help(word, pattern), prefix);
    }
}

static void help_element(apr_array_header_t *lines, const element_t *e,
                         const char *pattern, const char *prefix,
                         apr_pool_t *pool)
{
    const grammar_parameter_t *parameter;
    const char *keyword;

    if (e->kind == CHOICE) {
        help_choice(lines, e, pattern, prefix, pool);
    }
    else if (e->kind == KEYWORD) {
        keyword = apr_pstrmemdup(pool, e->text, e->len);
        add_help(lines, keyword, grammar_keyword_help(keyword, pattern),
                 prefix);
    }
    else if (!prefix && (parameter = grammar_parameter(e->text, e->len))) {
        add_help(lines, parameter->shown, parameter->help, NULL);
    }
}

static int by_text(const void *a, const void *b)
{
    const help_t *one = a, *two = b;
    int order = strcmp(one->shown, two->shown);

    return order ? order : strcmp(one->text, two->text);
}

/* The words in one column, as wide as the longest, the texts in another. */
static const char *print_help(const apr_array_header_t *lines, int may_end,
                              apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 16, sizeof(const char *));
    int i, width = 6;

    for (i = 0; i < lines->nelts; i++) {
        int len = (int)strlen(APR_ARRAY_IDX(lines, i, help_t).shown);

        width = len > width ? len : width;
    }
    for (i = 0; i < lines->nelts; i++) {
        const help_t *line = &APR_ARRAY_IDX(lines, i, help_t);

        APR_ARRAY_PUSH(parts, const char *) =
            apr_psprintf(pool, "%-*s %s\n", width, line->shown, line->text);
    }
    if (may_end) {
        APR_ARRAY_PUSH(parts, const char *) = "<cr>\n";
    }
    return apr_array_pstrcat(pool, parts, 0);
}

const char *command_help(const apr_array_header_t *words, const char *prefix,
                         apr_pool_t *pool)
{
    apr_array_header_t *places = beginnings(NULL, pool);
    apr_array_header_t *lines = apr_array_make(pool, 16, sizeof(help_t));
    trial_t trial = {NULL, NULL, NULL, pool};
    int i, k, end, may_end = 0;

    for (i = 0; i < words->nelts; i++) {
        places =
            follow(&trial, places, &APR_ARRAY_IDX(words, i, command_word_t));
    }
    for (i = 0; i < places->nelts; i++) {
        const place_t *place = &APR_ARRAY_IDX(places, i, place_t);
        const element_t *next[ELEMENTS_MAX + 1];
        int count = reachable(place, next, &end);

        may_end |= end;
        for (k = 0; k < count; k++) {
            help_element(lines, next[k], place->pattern->row->pattern, prefix,
                         pool);
        }
    }
    qsort(lines->elts, (size_t)lines->nelts, sizeof(help_t), by_text);
    return print_help(lines, may_end && !prefix, pool);
}

const char *command_syntax(apr_pool_t *pool)
{
    apr_array_header_t *lines =
        apr_array_make(pool, grammar_rows_count, sizeof(const char *));
    int i;

    for (i = 0; i < grammar_rows_count; i++) {
        char *line = apr_pstrdup(pool, grammar_rows[i].pattern), *mark;

        while ((mark = strchr(line, '!')) != NULL) {
            memmove(mark, mark + 1, strlen(mark));
        }
        APR_ARRAY_PUSH(lines, const char *) = line;
    }
    return apr_pstrcat(pool, apr_array_pstrcat(pool, lines, '\n'), "\n", NULL);
}

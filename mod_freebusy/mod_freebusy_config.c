/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Directives: create, merge, setters. */

#include "mod_freebusy.h"
#include "datetime.h"
#include "ews_zone.h"
#include "tzif.h"

#include "glue/mod_glue.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>
#include <string.h>

#define PASSWORD_MAX 1024
#define MAX_BYTES_MIN 1024
#define MAX_BYTES_MAX (64 * 1024 * 1024)

void *freebusy_create_conf(apr_pool_t *pool, char *directory)
{
    freebusy_conf_t *conf = apr_pcalloc(pool, sizeof(*conf));

    (void)directory;
    conf->engine = conf->view = conf->timeout = FREEBUSY_UNSET;
    conf->max_bytes = conf->oof_external = conf->cache_time = FREEBUSY_UNSET;
    return conf;
}

#define NUMBER(field)                                                          \
    conf->field = inner->field != FREEBUSY_UNSET ? inner->field : outer->field
#define POINTER(field) conf->field = inner->field ? inner->field : outer->field

void *freebusy_merge_conf(apr_pool_t *pool, void *outer_conf, void *inner_conf)
{
    freebusy_conf_t *conf = apr_palloc(pool, sizeof(*conf));
    const freebusy_conf_t *outer = outer_conf, *inner = inner_conf;

    NUMBER(engine);
    NUMBER(view);
    NUMBER(timeout);
    NUMBER(max_bytes);
    NUMBER(oof_external);
    NUMBER(cache_time);
    POINTER(source);
    POINTER(source_user);
    conf->source_password =
        inner->source_user ? inner->source_password : outer->source_password;
    POINTER(source_ca);
    POINTER(source_headers);
    POINTER(zone_name);
    conf->zone = inner->zone_name ? inner->zone : outer->zone;
    POINTER(hours);
    POINTER(oof_store);
    POINTER(oof_user);
    conf->oof_password =
        inner->oof_user ? inner->oof_password : outer->oof_password;
    POINTER(oof_authorize);
    POINTER(oof_ca);
    POINTER(oof_domains);
    POINTER(oof_include);
    return conf;
}

/* FreeBusyCache stands in the main server alone, and holds for all. */
void *freebusy_create_server(apr_pool_t *pool, server_rec *s)
{
    (void)s;
    return apr_pcalloc(pool, sizeof(freebusy_server_t));
}

void *freebusy_merge_server(apr_pool_t *pool, void *outer, void *inner)
{
    (void)pool;
    (void)inner;
    return outer;
}

static const char *set_engine(cmd_parms *cmd, void *data, int on)
{
    freebusy_conf_t *conf = data;

    (void)cmd;
    conf->engine = on;
    return NULL;
}

static const char *set_source(cmd_parms *cmd, void *data, const char *text)
{
    freebusy_conf_t *conf = data;
    source_t *source = apr_pcalloc(cmd->pool, sizeof(*source));
    const char *why = source_parse(source, text, cmd->pool);

    if (why) {
        return apr_psprintf(cmd->pool,
                            "FreeBusySource: \"%s\" cannot be used: %s; write "
                            "it as file:/srv/calendars/%%{user}.ics or "
                            "https://dav.example.com/%%{user}/freebusy.ifb",
                            text, why);
    }
    conf->source = source;
    return NULL;
}

/* The first line of a file, read while httpd still is root. */
static const char *read_password(const char *path, apr_pool_t *pool)
{
    char line[PASSWORD_MAX];
    apr_file_t *file;
    apr_status_t rv;

    if (apr_file_open(&file, path, APR_FOPEN_READ, 0, pool) != APR_SUCCESS) {
        return NULL;
    }
    rv = apr_file_gets(line, sizeof(line), file);
    apr_file_close(file);
    line[rv == APR_SUCCESS ? strcspn(line, "\r\n") : 0] = '\0';
    return *line ? apr_pstrdup(pool, line) : NULL;
}

/* The second argument of the directives that name a login. */
static const char *password_of(const char **password, cmd_parms *cmd,
                               const char *where)
{
    if (strncmp(where, "file:/", 6) != 0) {
        return apr_psprintf(cmd->pool,
                            "%s: the password must not stand in the "
                            "configuration; write file:/path of a file whose "
                            "first line it is",
                            cmd->cmd->name);
    }
    *password = read_password(where + 5, cmd->pool);
    return *password ? NULL
                     : apr_psprintf(cmd->pool,
                                    "%s: no password can be read from %s; its "
                                    "first line must be the password",
                                    cmd->cmd->name, where + 5);
}

static const char *ca_file_of(const char **ca, cmd_parms *cmd, const char *file)
{
    apr_finfo_t info;

    *ca = ap_server_root_relative(cmd->pool, file);
    if (*ca &&
        apr_stat(&info, *ca, APR_FINFO_TYPE, cmd->temp_pool) == APR_SUCCESS) {
        return NULL;
    }
    return apr_psprintf(cmd->pool,
                        "%s: %s cannot be read; write the name of a PEM file "
                        "with the CA certificates to trust",
                        cmd->cmd->name, file);
}

static const char *set_source_login(cmd_parms *cmd, void *data,
                                    const char *user, const char *where)
{
    freebusy_conf_t *conf = data;

    conf->source_user = user;
    if (!where) {
        return strcmp(user, "caller") == 0
                   ? NULL
                   : "FreeBusySourceLogin: one word alone must be \"caller\"; "
                     "write a user and file:/path of his password";
    }
    return password_of(&conf->source_password, cmd, where);
}

static const char *set_source_header(cmd_parms *cmd, void *data,
                                     const char *name, const char *value)
{
    freebusy_conf_t *conf = data;
    const char *why = placeholder_check(value), *p;

    for (p = name; apr_isalnum(*p) || *p == '-'; p++) {
    }
    if (*p || p == name || why || strpbrk(value, "\r\n")) {
        return apr_psprintf(
            cmd->pool,
            "FreeBusySourceHeader: \"%s: %s\" is no header%s%s; "
            "write it as X-Remote-User %%{user}",
            name, value, why ? ", " : "", why ? why : "");
    }
    if (!conf->source_headers) {
        conf->source_headers = apr_array_make(cmd->pool, 1, sizeof(char *));
    }
    APR_ARRAY_PUSH(conf->source_headers, const char *) =
        apr_pstrcat(cmd->pool, name, ": ", value, NULL);
    return NULL;
}

static const char *set_source_ca(cmd_parms *cmd, void *data, const char *file)
{
    freebusy_conf_t *conf = data;

    return ca_file_of(&conf->source_ca, cmd, file);
}

static const struct {
    const char *word;
    availability_grant_e grant;
} grants[] = {
    {"None", AVAILABILITY_GRANT_NONE},
    {"MergedOnly", AVAILABILITY_GRANT_MERGED},
    {"FreeBusy", AVAILABILITY_GRANT_FREE_BUSY},
    {"Detailed", AVAILABILITY_GRANT_DETAILED},
};

static const char *set_view(cmd_parms *cmd, void *data, const char *text)
{
    freebusy_conf_t *conf = data;
    size_t i;

    for (i = 0; i < sizeof(grants) / sizeof(grants[0]); i++) {
        if (ap_cstr_casecmp(text, grants[i].word) == 0) {
            conf->view = (int)grants[i].grant;
            return NULL;
        }
    }
    return apr_psprintf(cmd->pool,
                        "FreeBusyView: \"%s\" is not known; write None, "
                        "MergedOnly, FreeBusy or Detailed",
                        text);
}

/* A time as httpd's own directives take it: seconds, or with a unit. */
static int read_time(apr_interval_time_t *time, const char *text, int min,
                     int max)
{
    apr_interval_time_t read;

    if (ap_timeout_parameter_parse(text, &read, "s") != APR_SUCCESS ||
        read < apr_time_from_sec(min) || read > apr_time_from_sec(max)) {
        return 0;
    }
    *time = read;
    return 1;
}

static const char *set_timeout(cmd_parms *cmd, void *data, const char *text)
{
    freebusy_conf_t *conf = data;

    return read_time(&conf->timeout, text, 1, 300)
               ? NULL
               : apr_psprintf(cmd->pool,
                              "FreeBusyTimeout: \"%s\" is no time; write 1 to "
                              "300 seconds, or 1500ms, or 2min",
                              text);
}

static const char *set_max_bytes(cmd_parms *cmd, void *data, const char *text)
{
    freebusy_conf_t *conf = data;
    int bytes;

    if (datetime_parse_int(&bytes, text, MAX_BYTES_MIN, MAX_BYTES_MAX) !=
        APR_SUCCESS) {
        return apr_psprintf(
            cmd->pool,
            "FreeBusyMaxBytes: \"%s\" is no size; write %d to %d "
            "bytes",
            text, MAX_BYTES_MIN, MAX_BYTES_MAX);
    }
    conf->max_bytes = bytes;
    return NULL;
}

static const char *set_cache(cmd_parms *cmd, void *data, const char *text)
{
    const char *why = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)data;
    return why ? why
               : freebusy_cache_create(
                     ap_get_module_config(cmd->server->module_config,
                                          &freebusy_module),
                     text, cmd);
}

static const char *set_cache_time(cmd_parms *cmd, void *data, const char *text)
{
    freebusy_conf_t *conf = data;

    return read_time(&conf->cache_time, text, 0, 3600)
               ? NULL
               : apr_psprintf(
                     cmd->pool,
                     "FreeBusyCacheTime: \"%s\" is no time; write 0 to "
                     "3600 seconds, or 10min",
                     text);
}

static const char *set_zone(cmd_parms *cmd, void *data, const char *name)
{
    freebusy_conf_t *conf = data;
    timezone_t *tz;

    if (tzif_load(&tz, name, cmd->pool) != APR_SUCCESS) {
        return apr_psprintf(
            cmd->pool,
            "FreeBusyTimeZone: \"%s\" is not known; write a name "
            "such as Europe/Berlin",
            name);
    }
    conf->zone_name = name;
    conf->zone = tz;
    return NULL;
}

/* Mon, Monday: 1; -1 for none. */
static int weekday(const char *text, apr_size_t len)
{
    int i;

    for (i = 0; i < 7; i++) {
        const char *name = ews_zone_weekday_name(i);

        if ((len == 3 || len == strlen(name)) &&
            ap_cstr_casecmpn(text, name, len) == 0) {
            return i;
        }
    }
    return -1;
}

/* Mon-Fri or Sun-Thu,Sat */
static int read_days(unsigned *days, const char *text)
{
    *days = 0;
    while (*text) {
        apr_size_t len = strcspn(text, ",-");
        int from = weekday(text, len), to = from;

        text += len;
        if (*text == '-') {
            len = strcspn(++text, ",");
            to = weekday(text, len);
            text += len;
        }
        if (from < 0 || to < 0) {
            return 0;
        }
        for (*days |= 1u << to; from != to; from = (from + 1) % 7) {
            *days |= 1u << from;
        }
        text += *text == ',';
    }
    return *days != 0;
}

/* 08:00-17:30 */
static int read_hours(int *from, int *to, const char *text, apr_pool_t *pool)
{
    const char *dash = strchr(text, '-');

    if (!dash ||
        datetime_parse_time(
            from, apr_pstrcat(
                      pool, apr_pstrndup(pool, text, (apr_size_t)(dash - text)),
                      ":00", NULL)) != APR_SUCCESS ||
        datetime_parse_time(to, apr_pstrcat(pool, dash + 1, ":00", NULL)) !=
            APR_SUCCESS) {
        return 0;
    }
    *from /= DATETIME_MINUTE;
    *to /= DATETIME_MINUTE;
    return *from < *to;
}

static const char *set_hours(cmd_parms *cmd, void *data, const char *days,
                             const char *hours)
{
    freebusy_conf_t *conf = data;
    hours_t *h = apr_pcalloc(cmd->pool, sizeof(*h));
    hours_period_t *p = h->periods;

    h->count = 1;
    if (!read_days(&p->days, days) ||
        !read_hours(&p->from, &p->to, hours, cmd->temp_pool)) {
        return apr_psprintf(
            cmd->pool,
            "FreeBusyWorkingHours: \"%s %s\" is not understood; "
            "write it as Mon-Fri 08:00-17:00",
            days, hours);
    }
    conf->hours = h;
    return NULL;
}

static const char *set_oof_store(cmd_parms *cmd, void *data, const char *text)
{
    freebusy_conf_t *conf = data;
    script_store_t *store = apr_palloc(cmd->pool, sizeof(*store));
    const char *why = script_store_parse(store, text, cmd->pool);

    if (why) {
        return apr_psprintf(
            cmd->pool,
            "FreeBusyOofStore: \"%s\" cannot be used: %s; write "
            "it as file:/var/vmail/%%{domain}/%%{user}/"
            "out-of-office.sieve or managesieve://127.0.0.1:4190",
            text, why);
    }
    conf->oof_store = store;
    return NULL;
}

static const char *set_oof_store_login(cmd_parms *cmd, void *data,
                                       const char *user, const char *where)
{
    freebusy_conf_t *conf = data;

    conf->oof_user = user;
    return password_of(&conf->oof_password, cmd, where);
}

static const char *set_oof_store_user(cmd_parms *cmd, void *data,
                                      const char *text)
{
    freebusy_conf_t *conf = data;

    if (placeholder_check(text) || !placeholder_is_in(text)) {
        return apr_psprintf(cmd->pool,
                            "FreeBusyOofStoreUser: \"%s\" names no mailbox; "
                            "write %%{user} or %%{mail}",
                            text);
    }
    conf->oof_authorize = text;
    return NULL;
}

static const char *set_oof_store_ca(cmd_parms *cmd, void *data,
                                    const char *file)
{
    freebusy_conf_t *conf = data;

    return ca_file_of(&conf->oof_ca, cmd, file);
}

static const char *set_oof_domain(cmd_parms *cmd, void *data, const char *name)
{
    freebusy_conf_t *conf = data;
    const char *why = glue_check_host("FreeBusyOofDomain", name, cmd->pool);

    if (why) {
        return why;
    }
    if (!conf->oof_domains) {
        conf->oof_domains = apr_array_make(cmd->pool, 2, sizeof(char *));
    }
    APR_ARRAY_PUSH(conf->oof_domains, const char *) = name;
    return NULL;
}

static const char *set_oof_external(cmd_parms *cmd, void *data,
                                    const char *text)
{
    freebusy_conf_t *conf = data;
    int i;

    for (i = 0; i <= (int)OOF_AUDIENCE_ALL; i++) {
        if (ap_cstr_casecmp(text, oof_audience_name((oof_audience_e)i)) == 0) {
            conf->oof_external = i;
            return NULL;
        }
    }
    return apr_psprintf(cmd->pool,
                        "FreeBusyOofExternal: \"%s\" is not known; write None, "
                        "Known or All",
                        text);
}

static const char *set_oof_include(cmd_parms *cmd, void *data, const char *name)
{
    freebusy_conf_t *conf = data;
    const char *p;

    for (p = name; apr_isalnum(*p) || strchr("-_.", *p); p++) {
        if (!*p) {
            break;
        }
    }
    if (p == name || *p || *name == '.') {
        return apr_psprintf(
            cmd->pool,
            "FreeBusyOofInclude: \"%s\" is no name of a script; "
            "write the bare name, such as sogo",
            name);
    }
    conf->oof_include = name;
    return NULL;
}

#define WHERE (RSRC_CONF | ACCESS_CONF)

const command_rec freebusy_commands[] = {
    AP_INIT_FLAG("FreeBusyEngine", set_engine, NULL, WHERE,
                 "On: answer Exchange Web Services here"),
    AP_INIT_TAKE1(
        "FreeBusySource", set_source, NULL, WHERE,
        "where calendars are: file:/path or http(s)://url with %{user}"),
    AP_INIT_TAKE12("FreeBusySourceLogin", set_source_login, NULL, WHERE,
                   "user and file: of a password for the calendar server, or "
                   "caller"),
    AP_INIT_TAKE2("FreeBusySourceHeader", set_source_header, NULL, WHERE,
                  "name and value of a header for the calendar server"),
    AP_INIT_TAKE1("FreeBusySourceCA", set_source_ca, NULL, WHERE,
                  "file of the CA certificates of the calendar server"),
    AP_INIT_TAKE1(
        "FreeBusyView", set_view, NULL, WHERE,
        "what others may see: None, MergedOnly, FreeBusy or Detailed"),
    AP_INIT_TAKE1("FreeBusyTimeout", set_timeout, NULL, WHERE,
                  "how long all calendars of a request together may take"),
    AP_INIT_TAKE1("FreeBusyMaxBytes", set_max_bytes, NULL, WHERE,
                  "bytes of the longest calendar that is read"),
    AP_INIT_TAKE1(
        "FreeBusyCache", set_cache, NULL, RSRC_CONF,
        "where calendars are kept: shmcb, shmcb:path(bytes), memcache"),
    AP_INIT_TAKE1("FreeBusyCacheTime", set_cache_time, NULL, WHERE,
                  "how long a calendar is kept"),
    AP_INIT_TAKE1("FreeBusyTimeZone", set_zone, NULL, WHERE,
                  "time zone of whole days, floating times and working hours"),
    AP_INIT_TAKE2("FreeBusyWorkingHours", set_hours, NULL, WHERE,
                  "days and hours of work, such as Mon-Fri 08:00-17:00"),
    AP_INIT_TAKE1("FreeBusyOofStore", set_oof_store, NULL, WHERE,
                  "where out-of-office scripts go: file:/path with %{user}, or "
                  "managesieve://host"),
    AP_INIT_TAKE2("FreeBusyOofStoreLogin", set_oof_store_login, NULL, WHERE,
                  "master user and file: of his password for ManageSieve"),
    AP_INIT_TAKE1("FreeBusyOofStoreUser", set_oof_store_user, NULL, WHERE,
                  "for whom he logs in: %{user} or %{mail}"),
    AP_INIT_TAKE1("FreeBusyOofStoreCA", set_oof_store_ca, NULL, WHERE,
                  "file of the CA certificates of the ManageSieve server"),
    AP_INIT_ITERATE("FreeBusyOofDomain", set_oof_domain, NULL, WHERE,
                    "domains whose senders get the internal reply"),
    AP_INIT_TAKE1("FreeBusyOofExternal", set_oof_external, NULL, WHERE,
                  "who outside may get replies: None, Known or All"),
    AP_INIT_TAKE1("FreeBusyOofInclude", set_oof_include, NULL, WHERE,
                  "name of the users' own Sieve script"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL},
};

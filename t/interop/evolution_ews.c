/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Evolution's EWS client against our answers: its private library (Debian
 * evolution-ews 3.46), without a display and without D-Bus.
 *
 *   evolution_ews MODE...   MODE: autodiscover freebusy oof badpass
 *
 * From the environment: EMAIL PASSWORD OTHER EWS_URL, and LOGIN and AUTH (PLAIN,
 * NTLM, GSSAPI) when they are not EMAIL and PLAIN.  Prints one line a mode,
 * ends with status 1 at the first that fails.  The library trusts the system's
 * certificates alone.
 *
 * Debian ships no header of that library: what is used here is declared below
 * as its exported symbols require. */

#include <libecal/libecal.h>
#include <camel/camel.h>
#include <libedataserver/libedataserver.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct _EEwsConnection EEwsConnection;
typedef struct _EEwsOof EEwsOof;
typedef gboolean (*prepare_request_fn)(gpointer request, gpointer data,
                                       GError **error);

typedef struct free_busy_question {
    time_t start, end;
    GSList *addresses;
} free_busy_question;

enum { OOF_DISABLED, OOF_ENABLED, OOF_SCHEDULED };
enum { AUDIENCE_NONE, AUDIENCE_KNOWN, AUDIENCE_ALL };

GType camel_ews_settings_get_type(void);
const gchar *camel_ews_settings_get_hosturl(gpointer settings);
gboolean e_ews_autodiscover_ws_url_sync(ESource *, gpointer settings,
                                        const gchar *email,
                                        const gchar *password, gchar **pem,
                                        GTlsCertificateFlags *flags,
                                        GCancellable *, GError **);
EEwsConnection *e_ews_connection_new_full(ESource *, const gchar *uri,
                                          gpointer settings, gboolean reuse);
void e_ews_connection_set_password(EEwsConnection *, const gchar *);
void e_ews_connection_set_mailbox(EEwsConnection *, const gchar *);
gboolean e_ews_connection_get_free_busy_sync(EEwsConnection *, gint priority,
                                             prepare_request_fn, gpointer,
                                             GSList **out, GCancellable *,
                                             GError **);
gboolean e_ews_cal_utils_prepare_free_busy_request(gpointer request,
                                                   gpointer data, GError **);
EEwsOof *e_ews_oof_settings_new_sync(EEwsConnection *, GCancellable *,
                                     GError **);
gint e_ews_oof_settings_get_state(EEwsOof *);
void e_ews_oof_settings_set_state(EEwsOof *, gint);
gint e_ews_oof_settings_get_external_audience(EEwsOof *);
void e_ews_oof_settings_set_external_audience(EEwsOof *, gint);
GDateTime *e_ews_oof_settings_ref_start_time(EEwsOof *);
void e_ews_oof_settings_set_start_time(EEwsOof *, GDateTime *);
void e_ews_oof_settings_set_end_time(EEwsOof *, GDateTime *);
const gchar *e_ews_oof_settings_get_internal_reply(EEwsOof *);
void e_ews_oof_settings_set_internal_reply(EEwsOof *, const gchar *);
const gchar *e_ews_oof_settings_get_external_reply(EEwsOof *);
void e_ews_oof_settings_set_external_reply(EEwsOof *, const gchar *);
gboolean e_ews_oof_settings_submit_sync(EEwsOof *, GCancellable *, GError **);

static const char *email, *password, *mode, *user, *scheme;

static void __attribute__((noreturn))
failed(const GError *error, const char *why)
{
    printf("FAIL %s: %s\n", mode, error ? error->message : why);
    fflush(stdout);
    _exit(1);
}

static ESource *source(void)
{
    GError *error = NULL;
    ESource *made = e_source_new_with_uid("postern-test", NULL, &error);
    ESourceAuthentication *login;

    if (!made)
        failed(error, "no source");
    login = e_source_get_extension(made, E_SOURCE_EXTENSION_AUTHENTICATION);
    e_source_authentication_set_user(login, user);
    e_source_authentication_set_method(login, scheme);
    return made;
}

static gpointer settings(void)
{
    return g_object_new(camel_ews_settings_get_type(), "user", user,
                        "auth-mechanism", scheme, "email", email, "timeout", 15,
                        NULL);
}

static EEwsConnection *connection(const char *secret)
{
    EEwsConnection *made = e_ews_connection_new_full(
        source(), g_getenv("EWS_URL"), settings(), FALSE);

    e_ews_connection_set_password(made, secret);
    e_ews_connection_set_mailbox(made, email);
    return made;
}

static void autodiscover(void)
{
    GError *error = NULL;
    gchar *certificate = NULL;
    GTlsCertificateFlags flags = 0;
    gpointer found = settings();
    const gchar *url;

    if (!e_ews_autodiscover_ws_url_sync(source(), found, email, password,
                                        &certificate, &flags, NULL, &error))
        failed(error, "no answer");
    url = camel_ews_settings_get_hosturl(found);
    /* Evolution takes ASUrl for everything. */
    if (!url || strcmp(url, g_getenv("EWS_URL")))
        failed(NULL, url ? url : "no EWS URL");
    printf("PASS autodiscover: %s\n", url);
}

/* The number of busy periods in one VFREEBUSY. */
static int periods(ICalComponent *component)
{
    ICalProperty *at =
        i_cal_component_get_first_property(component, I_CAL_FREEBUSY_PROPERTY);
    int count = 0;

    for (; at; at = i_cal_component_get_next_property(component,
                                                      I_CAL_FREEBUSY_PROPERTY))
        count++;
    return count;
}

static void freebusy(void)
{
    GError *error = NULL;
    GSList *out = NULL;
    GDateTime *start = g_date_time_new_utc(2026, 3, 2, 0, 0, 0);
    free_busy_question question = {0};
    int first, second;

    question.start = g_date_time_to_unix(start);
    question.end = question.start + 2 * 86400;
    question.addresses = g_slist_append(NULL, (gpointer)email);
    question.addresses =
        g_slist_append(question.addresses, (gpointer)g_getenv("OTHER"));
    if (!e_ews_connection_get_free_busy_sync(
            connection(password), G_PRIORITY_DEFAULT,
            e_ews_cal_utils_prepare_free_busy_request, &question, &out, NULL,
            &error))
        failed(error, "no answer");
    if (g_slist_length(out) != 2)
        failed(NULL, "not one calendar for each mailbox");
    first = periods(out->data);
    second = periods(out->next->data);
    if (!first || !second)
        failed(NULL, "a calendar is empty");
    printf("PASS freebusy: %d and %d periods\n", first, second);
}

static EEwsOof *oof_now(EEwsConnection *from)
{
    GError *error = NULL;
    EEwsOof *now = e_ews_oof_settings_new_sync(from, NULL, &error);

    if (!now)
        failed(error, "settings cannot be read");
    return now;
}

static void oof_submit(EEwsOof *what)
{
    GError *error = NULL;

    if (!e_ews_oof_settings_submit_sync(what, NULL, &error))
        failed(error, "settings cannot be written");
}

static const char INTERNAL[] = "Away & back <soon> \xc3\xa9\xe4\xb8\xad";

/* NULL, or what came back otherwise than it was set. */
static const char *oof_difference(EEwsOof *now)
{
    GDateTime *start =
        g_date_time_to_utc(e_ews_oof_settings_ref_start_time(now));

    if (e_ews_oof_settings_get_state(now) != OOF_SCHEDULED)
        return "the state is not Scheduled";
    if (e_ews_oof_settings_get_external_audience(now) != AUDIENCE_KNOWN)
        return "the audience is not Known";
    if (!strstr(e_ews_oof_settings_get_internal_reply(now),
                "Away & back <soon> "))
        return e_ews_oof_settings_get_internal_reply(now);
    if (!strstr(e_ews_oof_settings_get_external_reply(now), "Out of office"))
        return e_ews_oof_settings_get_external_reply(now);
    if (strncmp(g_date_time_format_iso8601(start), "2036-03-02T08:00:00", 19))
        return "the start is another";
    return NULL;
}

static void oof(void)
{
    EEwsConnection *to = connection(password);
    EEwsOof *now = oof_now(to);
    const char *difference;

    e_ews_oof_settings_set_state(now, OOF_SCHEDULED);
    e_ews_oof_settings_set_external_audience(now, AUDIENCE_KNOWN);
    e_ews_oof_settings_set_start_time(now,
                                      g_date_time_new_utc(2036, 3, 2, 8, 0, 0));
    e_ews_oof_settings_set_end_time(now,
                                    g_date_time_new_utc(2036, 3, 6, 17, 0, 0));
    e_ews_oof_settings_set_internal_reply(now, INTERNAL);
    e_ews_oof_settings_set_external_reply(now, "Out of office");
    oof_submit(now);

    now = oof_now(to);
    difference = oof_difference(now);
    if (difference)
        failed(NULL, difference);
    e_ews_oof_settings_set_state(now, OOF_DISABLED);
    oof_submit(now);
    if (e_ews_oof_settings_get_state(oof_now(to)) != OOF_DISABLED)
        failed(NULL, "it is still on");
    printf("PASS oof: scheduled, disabled\n");
}

static void badpass(void)
{
    GError *error = NULL;

    if (e_ews_oof_settings_new_sync(connection("wrong"), NULL, &error))
        failed(NULL, "a wrong password was accepted");
    printf("PASS badpass: %s\n", error ? error->message : "refused");
}

static const struct {
    const char *name;
    void (*run)(void);
} modes[] = {{"autodiscover", autodiscover},
             {"freebusy", freebusy},
             {"oof", oof},
             {"badpass", badpass}};

int main(int argc, char **argv)
{
    email = g_getenv("EMAIL");
    user = g_getenv("LOGIN") ? g_getenv("LOGIN") : email;
    scheme = g_getenv("AUTH") ? g_getenv("AUTH") : "PLAIN";
    password = g_getenv("PASSWORD");
    for (int i = 1; i < argc; i++) {
        mode = argv[i];
        for (size_t j = 0; j < G_N_ELEMENTS(modes); j++)
            if (!strcmp(mode, modes[j].name))
                modes[j].run();
    }
    /* The library's threads do not survive its destructors. */
    fflush(stdout);
    _exit(0);
}

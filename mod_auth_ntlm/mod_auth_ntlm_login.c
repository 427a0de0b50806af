/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The login of one TCP connection: carries the messages between client and
 * verifier as handshake.c says.  The state hangs on the conn_rec itself; its
 * number is not the same from request to request. */

#include "mod_auth_ntlm.h"

#include <apr_sha1.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>

#include "handshake.h"
#include "lib/log.h"
#include "mod_mailbox/mod_mailbox.h"
#include "verifier.h"

APLOG_USE_MODULE(auth_ntlm);

static APR_OPTIONAL_FN_TYPE(mailbox_login_hold) * login_hold;
static APR_OPTIONAL_FN_TYPE(mailbox_login_result) * login_result;

void auth_ntlm_retrieve(void)
{
    login_hold = APR_RETRIEVE_OPTIONAL_FN(mailbox_login_hold);
    login_result = APR_RETRIEVE_OPTIONAL_FN(mailbox_login_result);
}

/* One a connection, in its pool.  Small, and without a pool of its own once
 * somebody is in: a tunnel keeps it for hours. */
typedef struct login_t {
    handshake_t handshake;
    char user[ACCOUNT_SIZE]; /* canonical, once AUTHENTICATED */
    /* It is worth something here only: */
    const server_rec *server;
    const account_domain_t *domain;
    const apr_array_header_t *servers;
    unsigned char realm[APR_SHA1_DIGESTSIZE]; /* of AuthName */
    /* Only while the handshake lasts: */
    apr_pool_t *pool;
    verifier_t *verifier;
    gate_place_t *place;
    apr_uint32_t agreed; /* flags of the type 2 */
} login_t;

/* One request's part in it. */
typedef struct leg_t {
    request_rec *r;
    const auth_ntlm_dir_t *conf;
    login_t *login;
    const unsigned char *token; /* from the client */
    apr_size_t len;
    token_scheme_t scheme;
    const char *challenge; /* for the client */
    const char *who;       /* for the log */
    const char *why;
    int held; /* the status for who has to wait, or OK */
} leg_t;

static login_t *get_login(conn_rec *c)
{
    login_t *login = ap_get_module_config(c->conn_config, &auth_ntlm_module);

    if (!login) {
        login = apr_pcalloc(c->pool, sizeof(*login));
        ap_set_module_config(c->conn_config, &auth_ntlm_module, login);
    }
    return login;
}

/* Runs before anything in the handshake's pool is gone, the socket above all. */
static apr_status_t leave_verifier(void *data)
{
    login_t *login = data;

    gate_leave(login->place);
    login->place = NULL;
    if (login->verifier) {
        verifier_close(login->verifier);
        login->verifier = NULL;
    }
    return APR_SUCCESS;
}

/* The verifier is needed no more. */
static void release(login_t *login)
{
    if (login->pool) {
        apr_pool_destroy(login->pool);
        login->pool = NULL;
    }
}

/* Forgets who logged in, and the handshake, but not how many there were. */
static void forget(login_t *login)
{
    int attempts = login->handshake.attempts;

    release(login);
    memset(login, 0, sizeof(*login));
    login->handshake.attempts = attempts;
}

static void digest_realm(unsigned char digest[APR_SHA1_DIGESTSIZE],
                         request_rec *r)
{
    const char *name = ap_auth_name(r);
    apr_sha1_ctx_t sha1;

    apr_sha1_init(&sha1);
    apr_sha1_update(&sha1, name ? name : "", name ? (unsigned)strlen(name) : 0);
    apr_sha1_final(digest, &sha1);
}

static int is_bound_here(const login_t *login, request_rec *r,
                         const auth_ntlm_dir_t *conf)
{
    unsigned char realm[APR_SHA1_DIGESTSIZE];

    digest_realm(realm, r);
    return login->server == r->server && login->domain == conf->domain &&
           login->servers == conf->servers &&
           memcmp(login->realm, realm, sizeof(realm)) == 0;
}

/* What the request is for the handshake; fills leg->token. */
static handshake_event_t classify(leg_t *leg, token_scheme_t scheme,
                                  const char *header)
{
    ntlmssp_kind_t kind;

    leg->scheme = scheme;
    if (scheme != TOKEN_NTLM && scheme != TOKEN_NEGOTIATE) {
        return scheme == TOKEN_NONE ? HANDSHAKE_BARE : HANDSHAKE_FOREIGN;
    }
    if (token_decode(&leg->token, &leg->len, header, NTLMSSP_MESSAGE_MAX,
                     &leg->why, leg->r->pool) != APR_SUCCESS ||
        ntlmssp_kind(&kind, leg->token, leg->len, &leg->why) != APR_SUCCESS) {
        return HANDSHAKE_MALFORMED;
    }
    switch (kind) {
    case NTLMSSP_NEGOTIATE:
        return HANDSHAKE_TYPE_1;
    case NTLMSSP_AUTHENTICATE:
        leg->why = "no challenge was given on this connection";
        return HANDSHAKE_TYPE_3;
    default:
        leg->why = "message out of turn";
        return HANDSHAKE_MALFORMED;
    }
}

static handshake_event_t event_of(verifier_verdict_t verdict,
                                  handshake_event_t good, leg_t *leg)
{
    if (verdict == VERIFIER_GOOD) {
        return good;
    }
    leg->why = apr_pstrdup(leg->r->pool, verifier_why(leg->login->verifier));
    return verdict == VERIFIER_REFUSED ? HANDSHAKE_REFUSED : HANDSHAKE_DOWN;
}

/* Binds the login to where the request is, with a pool for the handshake. */
static void bind_here(leg_t *leg)
{
    login_t *login = leg->login;
    handshake_t handshake = login->handshake;

    forget(login);
    login->handshake = handshake;
    login->server = leg->r->server;
    login->domain = leg->conf->domain;
    login->servers = leg->conf->servers;
    digest_realm(login->realm, leg->r);
    apr_pool_create(&login->pool, leg->r->connection->pool);
    apr_pool_tag(login->pool, "auth_ntlm_handshake");
    apr_pool_pre_cleanup_register(login->pool, login, leave_verifier);
}

/* The type 1 to a verifier, its type 2 to leg->challenge. */
static handshake_event_t begin(leg_t *leg)
{
    login_t *login = leg->login;
    auth_ntlm_server_t *conf =
        ap_get_module_config(leg->r->server->module_config, &auth_ntlm_module);
    const unsigned char *type2 = NULL;
    apr_size_t type2_len = 0;
    apr_uint32_t flags;
    handshake_event_t event;

    bind_here(leg);
    if (ntlmssp_read_negotiate(&flags, leg->token, leg->len, &leg->why) !=
        APR_SUCCESS) {
        return HANDSHAKE_REFUSED;
    }
    login->place = conf->gate ? gate_enter(conf->gate, login->pool) : NULL;
    if (!login->place) {
        leg->why = "too many logins are under way (NTLMMaxVerifications)";
        return HANDSHAKE_DOWN;
    }
    event =
        event_of(verifier_negotiate(&login->verifier, &type2, &type2_len,
                                    login->servers, leg->token, leg->len,
                                    auth_ntlm_timeout(leg->conf), login->pool),
                 HANDSHAKE_TYPE_2, leg);
    if (event == HANDSHAKE_TYPE_2 &&
        ntlmssp_read_challenge(&login->agreed, type2, type2_len, &leg->why) !=
            APR_SUCCESS) {
        return HANDSHAKE_DOWN;
    }
    if (event == HANDSHAKE_TYPE_2) {
        leg->challenge =
            token_encode(leg->scheme, type2, type2_len, leg->r->pool);
        gate_wait(login->place, login->verifier);
    }
    return event;
}

/* Its verdict on login->user, told to who counts the failures. */
static handshake_event_t judge(leg_t *leg)
{
    login_t *login = leg->login;
    verifier_verdict_t verdict = verifier_authenticate(
        login->verifier, leg->token, leg->len, auth_ntlm_timeout(leg->conf));

    if (login_result && verdict != VERIFIER_DOWN) {
        login_result(leg->r, login->user, verdict == VERIFIER_GOOD);
    }
    return event_of(verdict, HANDSHAKE_ACCEPTED, leg);
}

/* The type 3 to the verifier, when it names somebody. */
static handshake_event_t end(leg_t *leg)
{
    login_t *login = leg->login;
    ntlmssp_authenticate_t message;
    const char *user;

    if (!gate_resume(login->place)) {
        leg->why = "the client took too long, others were waiting";
        return HANDSHAKE_REFUSED;
    }
    if (ntlmssp_read_authenticate(&message, leg->token, leg->len, login->agreed,
                                  &leg->why, leg->r->pool) != APR_SUCCESS) {
        return HANDSHAKE_REFUSED;
    }
    leg->who =
        apr_psprintf(leg->r->pool, "%s\\%s", message.domain, message.user);
    if (account_name(&user, &message, login->domain, &leg->why, login->pool) !=
        APR_SUCCESS) {
        return HANDSHAKE_REFUSED;
    }
    apr_cpystrn(login->user, user, sizeof(login->user));
    leg->held = login_hold ? login_hold(leg->r, user) : OK;
    return leg->held == OK ? judge(leg) : HANDSHAKE_REFUSED;
}

/* Feeds the event, and those that follow from it, to the handshake. */
static handshake_action_t advance(leg_t *leg, handshake_event_t event)
{
    handshake_t *handshake = &leg->login->handshake;
    int max = auth_ntlm_max_handshakes(leg->conf);
    handshake_action_t action = handshake_feed(handshake, event, max);

    if (action == HANDSHAKE_START) {
        action = handshake_feed(handshake, begin(leg), max);
    }
    else if (action == HANDSHAKE_FINISH) {
        action = handshake_feed(handshake, end(leg), max);
    }
    if (handshake->state == HANDSHAKE_NONE) {
        forget(leg->login);
    }
    else if (handshake->state == HANDSHAKE_AUTHENTICATED) {
        release(leg->login);
    }
    return action;
}

static int admit(leg_t *leg)
{
    request_rec *r = leg->r;

    r->user = apr_pstrdup(r->pool, leg->login->user);
    r->ap_auth_type = "NTLM";
    if (leg->token) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                      PN(11010) "NTLM login of %s", r->user);
    }
    return OK;
}

static int challenge(leg_t *leg)
{
    apr_table_addn(leg->r->err_headers_out, "WWW-Authenticate", leg->challenge);
    auth_ntlm_keep_connection(leg->r);
    return HTTP_UNAUTHORIZED;
}

static int refuse(leg_t *leg)
{
    if (leg->held != OK) {
        return leg->held; /* logged by who said so */
    }
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, leg->r,
                  PN(11011) "NTLM login of \"%s\" refused: %s",
                  leg->who ? leg->who : "", leg->why);
    return auth_ntlm_offer(leg->r, leg->conf);
}

static int fail(leg_t *leg)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, leg->r,
                  PN(11012) "NTLM login is not possible: %s", leg->why);
    return HTTP_SERVICE_UNAVAILABLE;
}

static int exhaust(leg_t *leg)
{
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, leg->r,
                  PN(11013) "NTLM login refused: %d handshakes on one "
                            "connection (NTLMMaxHandshakes)",
                  auth_ntlm_max_handshakes(leg->conf));
    leg->r->connection->keepalive = AP_CONN_CLOSE;
    return auth_ntlm_offer(leg->r, leg->conf);
}

int auth_ntlm_login(request_rec *r, const auth_ntlm_dir_t *conf,
                    token_scheme_t scheme, const char *header)
{
    leg_t leg = {.r = r, .conf = conf, .login = get_login(r->connection)};
    handshake_event_t event = classify(&leg, scheme, header);

    if (leg.login->server && !is_bound_here(leg.login, r, conf)) {
        if (event == HANDSHAKE_BARE || event == HANDSHAKE_FOREIGN) {
            return auth_ntlm_offer(r, conf);
        }
        forget(leg.login);
    }
    switch (advance(&leg, event)) {
    case HANDSHAKE_ADMIT:
        return admit(&leg);
    case HANDSHAKE_CHALLENGE:
        return challenge(&leg);
    case HANDSHAKE_REFUSE:
        return refuse(&leg);
    case HANDSHAKE_EXHAUST:
        return exhaust(&leg);
    case HANDSHAKE_OFFER:
        return auth_ntlm_offer(r, conf);
    default:
        return fail(&leg);
    }
}

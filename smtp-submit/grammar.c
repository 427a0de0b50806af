/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "grammar.h"
#include "dsn.h"
#include "lib/mailaddr.h"
#include "log_filter.h"

#include <apr_lib.h>
#include <arpa/inet.h>
#include <string.h>

#define AUTH "METHOD=crammd5|login|plain|xoauth2 username USERNAME"
#define FILTER                                                                 \
    " [level LEVEL] [program PROGRAM] [facility FACILITY] [msgtext TEXT]"      \
    " [msgtext-nocase! TEXT]"
#define WAY " [DIRECTION=any|up|down]"
#define MESSAGE                                                                \
    " [to RECIPIENT]* [cc RECIPIENT]* [bcc RECIPIENT]* [subject SUBJECT]"      \
    " [file FILE] [attach ATTACHMENT]* [notify NOTIFY]"                        \
    " [return RETURN=full|headers] [queue-only] [wait] [debug]"

/* clang-format off */
const grammar_row_t grammar_rows[] = {
    {COMMAND_SERVER,          COMMAND_IN_FILE, "mail smtpserver SERVER"},
    {COMMAND_SERVER,          COMMAND_IN_FILE, "no mail smtpserver"},
    {COMMAND_AUTHENTICATION,  COMMAND_IN_FILE, "mail smtpserver authentication " AUTH " password [8] PASSWORD"},
    {COMMAND_AUTHENTICATION,  COMMAND_IN_FILE, "mail smtpserver authentication " AUTH " password-file! FILE"},
    {COMMAND_AUTHENTICATION,  COMMAND_IN_FILE, "mail smtpserver authentication " AUTH " password-command! COMMAND"},
    {COMMAND_AUTHENTICATION,  0,               "mail smtpserver authentication " AUTH " password-stdin!"},
    {COMMAND_AUTHENTICATION,  COMMAND_IN_FILE, "no mail smtpserver authentication"},
    {COMMAND_PORT,            COMMAND_IN_FILE, "mail smtpserver port PORT"},
    {COMMAND_PORT,            COMMAND_IN_FILE, "no mail smtpserver port"},
    {COMMAND_TLS,             COMMAND_IN_FILE, "mail smtpserver tls MODE=starttls|smtps"},
    {COMMAND_TLS,             COMMAND_IN_FILE, "no mail smtpserver tls"},
    {COMMAND_TLS_CA_FILE,     COMMAND_IN_FILE, "mail smtpserver tls-ca-file FILE"},
    {COMMAND_TLS_CA_FILE,     COMMAND_IN_FILE, "no mail smtpserver tls-ca-file"},
    {COMMAND_TLS_PIN,         COMMAND_IN_FILE, "mail smtpserver tls-pin PIN"},
    {COMMAND_TLS_PIN,         COMMAND_IN_FILE, "no mail smtpserver tls-pin"},
    {COMMAND_TLS_CERTIFICATE, COMMAND_IN_FILE, "mail smtpserver tls-certificate FILE"},
    {COMMAND_TLS_CERTIFICATE, COMMAND_IN_FILE, "no mail smtpserver tls-certificate"},
    {COMMAND_TLS_NO_VERIFY,   COMMAND_IN_FILE, "mail smtpserver tls-no-verify"},
    {COMMAND_TLS_NO_VERIFY,   COMMAND_IN_FILE, "no mail smtpserver tls-no-verify"},
    {COMMAND_CLEARTEXT_AUTH,  COMMAND_IN_FILE, "mail smtpserver allow-cleartext-auth"},
    {COMMAND_CLEARTEXT_AUTH,  COMMAND_IN_FILE, "no mail smtpserver allow-cleartext-auth"},
    {COMMAND_BACKUP,          COMMAND_IN_FILE, "mail smtpserver backup SERVER"},
    {COMMAND_BACKUP,          COMMAND_IN_FILE, "no mail smtpserver backup"},
    {COMMAND_PROXY,           COMMAND_IN_FILE, "mail smtpserver proxy PROXY"},
    {COMMAND_PROXY,           COMMAND_IN_FILE, "no mail smtpserver proxy"},
    {COMMAND_UNIX_SOCKET,     COMMAND_IN_FILE, "mail smtpserver unix-socket SOCKET"},
    {COMMAND_UNIX_SOCKET,     COMMAND_IN_FILE, "no mail smtpserver unix-socket"},
    {COMMAND_NO_CHUNKING,     COMMAND_IN_FILE, "mail smtpserver without-chunking"},
    {COMMAND_NO_CHUNKING,     COMMAND_IN_FILE, "no mail smtpserver without-chunking"},
    {COMMAND_TIMEOUT,         COMMAND_IN_FILE, "mail smtpserver timeout SECONDS"},
    {COMMAND_TIMEOUT,         COMMAND_IN_FILE, "no mail smtpserver timeout"},
    {COMMAND_FROM,            COMMAND_IN_FILE, "mail from FROM"},
    {COMMAND_FROM,            COMMAND_IN_FILE, "no mail from"},
    {COMMAND_HOSTNAME,        COMMAND_IN_FILE, "mail hostname HOSTNAME"},
    {COMMAND_HOSTNAME,        COMMAND_IN_FILE, "no mail hostname"},
    {COMMAND_SERIAL,          COMMAND_IN_FILE, "mail serial SERIAL"},
    {COMMAND_SERIAL,          COMMAND_IN_FILE, "no mail serial"},
    {COMMAND_FILE_ROOT,       COMMAND_IN_FILE, "mail file-root DIRECTORY"},
    {COMMAND_FILE_ROOT,       COMMAND_IN_FILE, "no mail file-root"},
    {COMMAND_ADD_RECEIVED,    COMMAND_IN_FILE, "mail add-received"},
    {COMMAND_ADD_RECEIVED,    COMMAND_IN_FILE, "no mail add-received"},
    {COMMAND_SPOOL,           COMMAND_IN_FILE, "mail spool DIRECTORY"},
    {COMMAND_SPOOL,           COMMAND_IN_FILE, "no mail spool"},
    {COMMAND_BY_RUNNER,       COMMAND_IN_FILE, "mail delivery-by-runner"},
    {COMMAND_BY_RUNNER,       COMMAND_IN_FILE, "no mail delivery-by-runner"},
    {COMMAND_SECRET_KEY,      COMMAND_IN_FILE, "mail secret-key FILE"},
    {COMMAND_SECRET_KEY,      COMMAND_IN_FILE, "no mail secret-key"},
    {COMMAND_IN_DOUBT,        COMMAND_IN_FILE, "mail in-doubt POLICY=resend|hold"},
    {COMMAND_IN_DOUBT,        COMMAND_IN_FILE, "no mail in-doubt"},
    {COMMAND_RETRY_TIMES,     COMMAND_IN_FILE, "mail retry-after SECONDS"},
    {COMMAND_RETRY_TIMES,     COMMAND_IN_FILE, "no mail retry-after"},
    {COMMAND_GIVE_UP,         COMMAND_IN_FILE, "mail give-up-after SECONDS"},
    {COMMAND_GIVE_UP,         COMMAND_IN_FILE, "no mail give-up-after"},
    {COMMAND_NOTIFY,          COMMAND_IN_FILE, "mail failure-notice FROM"},
    {COMMAND_NOTIFY,          COMMAND_IN_FILE, "no mail failure-notice"},
    {COMMAND_ALIAS,           COMMAND_IN_FILE, "mail alias NAME FROM"},
    {COMMAND_ALIAS,           COMMAND_IN_FILE, "no mail alias NAME"},

    {COMMAND_LOG_EMAIL,       COMMAND_IN_FILE, "log email FROM" FILTER},
    {COMMAND_LOG_EMAIL,       COMMAND_IN_FILE, "no log email FROM" FILTER},
    {COMMAND_LOG_EXCLUDE,     COMMAND_IN_FILE, "log email FROM exclude" FILTER},
    {COMMAND_LOG_EXCLUDE,     COMMAND_IN_FILE, "no log email FROM exclude" FILTER},
    {COMMAND_LOG_TIME,        COMMAND_IN_FILE, "log email FROM time local!"},
    {COMMAND_LOG_TIME,        COMMAND_IN_FILE, "log email FROM time BASE=local-offset|utc-offset SIGN=plus|minus HOURS"},
    {COMMAND_LOG_DEFAULT,     COMMAND_IN_FILE, "default log email FROM"},
    {COMMAND_LOG_WINDOW,      COMMAND_IN_FILE, "log window SECONDS"},
    {COMMAND_LOG_WINDOW,      COMMAND_IN_FILE, "no log window"},
    {COMMAND_LOG_LIMIT,       COMMAND_IN_FILE, "log limit COUNT"},
    {COMMAND_LOG_LIMIT,       COMMAND_IN_FILE, "no log limit"},

    {COMMAND_TRIGGER,         COMMAND_IN_FILE, "trigger TRIGGER"},
    {COMMAND_TRIGGER,         COMMAND_IN_FILE, "no trigger TRIGGER"},
    {COMMAND_TRIGGER_TYPE,    COMMAND_IN_FILE, "trigger TRIGGER type memory PERCENT" WAY},
    {COMMAND_TRIGGER_TYPE,    COMMAND_IN_FILE, "trigger TRIGGER type cpu LOAD" WAY},
    {COMMAND_TRIGGER_TYPE,    COMMAND_IN_FILE, "trigger TRIGGER type interface INTERFACE" WAY},
    {COMMAND_TRIGGER_TYPE,    COMMAND_IN_FILE, "trigger TRIGGER type ping-poll SERVER port PORT" WAY},
    {COMMAND_TRIGGER_TYPE,    COMMAND_IN_FILE, "trigger TRIGGER type periodic MINUTES"},
    {COMMAND_TRIGGER_TYPE,    COMMAND_IN_FILE, "trigger TRIGGER type time CLOCK"},
    {COMMAND_TRIGGER_TYPE,    COMMAND_IN_FILE, "trigger TRIGGER type reboot"},
    {COMMAND_TRIGGER_TYPE,    COMMAND_IN_FILE, "trigger TRIGGER type usb [DIRECTION=in|out]"},
    {COMMAND_TRIGGER_TYPE,    COMMAND_IN_FILE, "trigger TRIGGER type log TEXT"},
    {COMMAND_TRIGGER_SCRIPT,  COMMAND_IN_FILE, "trigger TRIGGER script PLACE SCRIPT"},
    {COMMAND_TRIGGER_SCRIPT,  COMMAND_IN_FILE, "trigger TRIGGER no script PLACE"},
    {COMMAND_TRIGGER_DESCRIPTION, COMMAND_IN_FILE, "trigger TRIGGER description TEXT"},
    {COMMAND_TRIGGER_DESCRIPTION, COMMAND_IN_FILE, "trigger TRIGGER no description"},
    {COMMAND_TRIGGER_REPEAT,  COMMAND_IN_FILE, "trigger TRIGGER repeat COUNT"},
    {COMMAND_TRIGGER_REPEAT,  COMMAND_IN_FILE, "trigger TRIGGER repeat forever"},
    {COMMAND_TRIGGER_DAYS,    COMMAND_IN_FILE, "trigger TRIGGER days DAYS"},
    {COMMAND_TRIGGER_DAYS,    COMMAND_IN_FILE, "trigger TRIGGER no days"},
    {COMMAND_TRIGGER_ACTIVE,  COMMAND_IN_FILE, "trigger TRIGGER active"},
    {COMMAND_TRIGGER_ACTIVE,  COMMAND_IN_FILE, "trigger TRIGGER no active"},
    {COMMAND_TRIGGER_TEST,    COMMAND_IN_FILE, "trigger TRIGGER test"},
    {COMMAND_TRIGGER_TEST,    COMMAND_IN_FILE, "trigger TRIGGER no test"},

    {COMMAND_SERVER,          0, "config set smtpserver SERVER"},
    {COMMAND_SERVER,          0, "config unset smtpserver"},
    {COMMAND_AUTHENTICATION,  0, "config set authentication " AUTH " password [8] PASSWORD"},
    {COMMAND_AUTHENTICATION,  0, "config set authentication " AUTH " password-file! FILE"},
    {COMMAND_AUTHENTICATION,  0, "config set authentication " AUTH " password-command! COMMAND"},
    {COMMAND_AUTHENTICATION,  0, "config set authentication " AUTH " password-stdin!"},
    {COMMAND_AUTHENTICATION,  0, "config unset authentication"},
    {COMMAND_PORT,            0, "config set port PORT"},
    {COMMAND_PORT,            0, "config unset port"},
    {COMMAND_TLS,             0, "config set tls MODE=starttls|smtps"},
    {COMMAND_TLS,             0, "config unset tls"},
    {COMMAND_FROM,            0, "config set from FROM"},
    {COMMAND_FROM,            0, "config unset from"},
    {COMMAND_SHOW_CONFIG,     0, "config show"},
    {COMMAND_CONFIG_LOAD,     0, "config load FILE"},
    {COMMAND_CONFIG_IMPORT,   0, "config import FILE"},

    {COMMAND_MAIL,            0, "mail" MESSAGE},
    {COMMAND_MAIL,            0, "send" MESSAGE " [from FROM]"},
    {COMMAND_SHOW_MAIL,       0, "show mail [json]"},
    {COMMAND_SHOW_MAIL,       0, "queue [json]"},
    {COMMAND_SHOW_CONFIG,     0, "show running-config"},
    {COMMAND_SHOW_COUNTER,    0, "show counter mail [json]"},
    {COMMAND_SHOW_COUNTER,    0, "counters [json]"},
    {COMMAND_DELETE,          0, "delete mail [mail-id] ID"},
    {COMMAND_DELETE_ALL,      0, "delete mail all"},
    {COMMAND_DELETE,          0, "delete [mail-id] ID"},
    {COMMAND_DELETE_ALL,      0, "delete all"},
    {COMMAND_DEBUG,           0, "debug mail"},
    {COMMAND_DEBUG,           0, "no debug mail"},
    {COMMAND_DEBUG,           0, "undebug mail"},
    {COMMAND_DELIVER,         0, "deliver ID [wait] [debug]"},
    {COMMAND_DELIVER,         0, "deliver from-stdin! [wait] [debug]"},
    {COMMAND_RUN,             0, "run [debug] [daemon]"},
    {COMMAND_SCRIPT,          0, "run [echo] SCRIPT"},
    {COMMAND_FLUSH,           0, "flush [debug]"},
    {COMMAND_RETRY,           0, "retry ID [debug]"},
    {COMMAND_LOG_SHOW,        0, "show log config"},
    {COMMAND_LOG_TEST,        0, "log test LINE"},
    {COMMAND_LOG_INGEST,      0, "log ingest [copy FILE] [socket SOCKET]"},
    {COMMAND_LOG_INGEST,      0, "log ingest follow LOG [copy FILE]"},
    {COMMAND_LOG_FOLLOW,      0, "log follow"},
    {COMMAND_TRIGGER_SHOW,    0, "show trigger"},
    {COMMAND_TRIGGER_COUNTS,  0, "show trigger count"},
    {COMMAND_TRIGGER_ACTIVATE, 0, "activate trigger TRIGGER"},
    {COMMAND_SCRIPT,          0, "activate SCRIPT"},
    {COMMAND_WATCH,           0, "watch [interval SECONDS] [debug]"},
    {COMMAND_SETUP,           0, "setup [user NAME]"},
    {COMMAND_REKEY,           0, "rekey"},
    {COMMAND_TEST,            0, "test [debug]"},
    {COMMAND_ENABLE,          0, "enable"},
    {COMMAND_CONFIGURE,       0, "configure terminal"},
    {COMMAND_EXIT,            0, "exit"},
    {COMMAND_EXIT,            0, "end!"},
    {COMMAND_EXIT,            0, "quit"},
    {COMMAND_HELP,            0, "help"},
};
const int grammar_rows_count = sizeof(grammar_rows) / sizeof(grammar_rows[0]);

static const grammar_keyword_t keywords[] = {
    {"8",                    "The password that follows is in encrypted form", NULL},
    {"activate",              "Run the scripts of a trigger, or obey a script file", NULL},
    {"active",                "The trigger is watched", NULL},
    {"add-received",         "Start each message with a Received line", NULL},
    {"alias",                "Addresses for a local name", NULL},
    {"all",                  "Every mail in the queue", NULL},
    {"allow-cleartext-auth", "Send passwords without TLS", NULL},
    {"any",                  "Activate when memory usage passes the specified level in either direction", "type memory"},
    {"any",                  "Activate when it passes the level in either direction", NULL},
    {"attach",               "A file that goes with the message", NULL},
    {"authentication",       "How to log in to the SMTP server", NULL},
    {"backup",               "Server to use when the first is down", NULL},
    {"bcc",                  "Recipient whom the others do not see", NULL},
    {"cc",                   "Recipient of a copy", NULL},
    {"config",               "Change, show or load the configuration", NULL},
    {"configure",            "Enter configuration commands", NULL},
    {"copy",                  "Append each line to a file, too", NULL},
    {"count",                 "How often triggers were activated", NULL},
    {"counter",              "Counters since the last restart", NULL},
    {"counters",             "Counters since the last restart", NULL},
    {"cpu",                   "Percentage of processor time in use", NULL},
    {"crammd5",              "Challenge Request Authentication Mechanism (CRAM-MD5)", NULL},
    {"daemon",               "Stay and deliver whatever is queued", NULL},
    {"days",                  "Days of the week on which it is watched", NULL},
    {"debug",                "Say what happens on the connection", NULL},
    {"default",               "Back to how it was at first", NULL},
    {"delete",               "Delete mail from the queue", NULL},
    {"deliver",              "Deliver one queued mail now", NULL},
    {"delivery-by-runner",   "Leave delivery to \"run daemon\"", NULL},
    {"description",           "A description", NULL},
    {"down",                 "Activate when memory usage drops below the specified level", "type memory"},
    {"down",                 "Activate when it drops below the level, or goes down", NULL},
    {"echo",                 "Print each line before it is obeyed", NULL},
    {"email",                 "Log messages by mail", NULL},
    {"enable",               "Does nothing; scripts may start with it", NULL},
    {"end",                  "Leave", NULL},
    {"exclude",               "Messages that are not sent", NULL},
    {"exit",                 "Leave", NULL},
    {"facility",              "Syslog facility", NULL},
    {"failure-notice",       "Who is told about mail that could not be sent", NULL},
    {"file",                 "The file that holds the message body", NULL},
    {"file-root",            "The folder below which message files are", NULL},
    {"full",                 "All of it", NULL},
    {"flush",                "Try every queued mail now", NULL},
    {"follow",               "What is being added, as it comes", NULL},
    {"forever",               "Always", NULL},
    {"from",                 "The sender", NULL},
    {"from-stdin",           "The mail-id comes on standard input", NULL},
    {"give-up-after",        "How long delivery is tried", NULL},
    {"headers",              "The header alone", NULL},
    {"help",                 "The whole grammar", NULL},
    {"hold",                 "Keep a mail in doubt until retry or delete", NULL},
    {"hostname",             "The name of this machine in mail", NULL},
    {"import",                "Take over the mail settings of ocsmanager.ini", NULL},
    {"in",                   "A device comes", NULL},
    {"in-doubt",             "What to do when the server may have the mail", NULL},
    {"ingest",                "Read log lines and mail what the filters take", NULL},
    {"interface",             "A network interface goes up or down", NULL},
    {"interval",              "Seconds between two looks", NULL},
    {"json",                 "As JSON", NULL},
    {"key",                  "The private key of the certificate", NULL},
    {"level",                 "This severity and more severe ones", NULL},
    {"limit",                 "Most mails an hour to one address", NULL},
    {"load",                 "Replace the configuration by a file", NULL},
    {"local",                 "Local time", NULL},
    {"local-offset",          "Local time plus or minus hours", NULL},
    {"log",                   "Log messages by mail", NULL},
    {"login",                "LOGIN, the password in base64", NULL},
    {"mail",                 "Mail (SMTP)", NULL},
    {"mail-id",              "The number that show mail prints", NULL},
    {"memory",                "Percentage of memory in use", NULL},
    {"minus",                 "Earlier", NULL},
    {"msgtext",               "Text that the message contains", NULL},
    {"msgtext-nocase",        "The same without regard to case", NULL},
    {"no",                   "Undo a setting", NULL},
    {"notify",               "When the servers are to report on the delivery", NULL},
    {"out",                  "A device goes", NULL},
    {"password",             "Password of the user", NULL},
    {"password-command",     "A program that prints the password", NULL},
    {"password-file",        "A file that holds the password", NULL},
    {"password-stdin",       "Read the password from standard input", NULL},
    {"periodic",              "Every so many minutes", NULL},
    {"ping-poll",             "Another machine answers on a TCP port", NULL},
    {"plain",                "PLAIN, the password in base64", NULL},
    {"plus",                  "Later", NULL},
    {"port",                 "TCP port of the SMTP server", NULL},
    {"program",               "Program that wrote the message", NULL},
    {"proxy",                "SOCKS proxy between us and the server", NULL},
    {"queue",                "The queue and the settings", NULL},
    {"queue-only",           "Queue the mail, do not deliver it now", NULL},
    {"quit",                 "Leave", NULL},
    {"reboot",                "This machine was started", NULL},
    {"rekey",                "Encrypt the password with a new key", NULL},
    {"repeat",                "How often it may be activated", NULL},
    {"resend",               "Send a mail in doubt again", NULL},
    {"retry",                "Try one mail again, also one given up", NULL},
    {"retry-after",          "Time from the first failure to the next attempt", NULL},
    {"return",               "How much of the mail a report brings back", NULL},
    {"run",                  "Deliver what is due, or obey a script file", NULL},
    {"running-config",       "The configuration as commands", NULL},
    {"script",                "A script to run", NULL},
    {"secret-key",           "The key file that opens the password", NULL},
    {"send",                 "Send a mail", NULL},
    {"serial",               "The serial number for %S", NULL},
    {"set",                  "Change a setting", NULL},
    {"setup",                "A queue for several users, as root", NULL},
    {"show",                 "Show settings, queue or counters", NULL},
    {"smtps",                "TLS from the first byte", NULL},
    {"smtpserver",           "The SMTP server", NULL},
    {"socket",                "Read from a socket like /dev/log", NULL},
    {"spool",                "The folder of the queue", NULL},
    {"starttls",             "Start in clear text, then change to TLS", NULL},
    {"subject",              "The subject", NULL},
    {"terminal",             "From the terminal", NULL},
    {"test",                 "Log in to the server and say what it offers", NULL},
    {"time",                  "Times in the mails, or a time of day", NULL},
    {"timeout",              "How long to wait for the server", NULL},
    {"tls",                  "Secure the connection", NULL},
    {"tls-ca-file",          "Certificates of the authorities to trust", NULL},
    {"tls-certificate",      "Certificate and key to show to the server", NULL},
    {"tls-no-verify",        "Accept every certificate", NULL},
    {"tls-pin",              "The only public key to accept", NULL},
    {"to",                   "The recipient", NULL},
    {"trigger",               "What happens when something happens", NULL},
    {"type",                  "What is watched", NULL},
    {"undebug",              "Stop debugging", NULL},
    {"unset",                "Undo a setting", NULL},
    {"unix-socket",          "The server's socket on this machine", NULL},
    {"up",                   "Activate when memory usage exceeds the specified level", "type memory"},
    {"up",                   "Activate when it exceeds the level, or goes up", NULL},
    {"usb",                  "A USB device comes or goes", NULL},
    {"user",                 "The user of the runner", NULL},
    {"username",             "Registered user name", NULL},
    {"utc-offset",            "UTC plus or minus hours", NULL},
    {"wait",                 "Exit status 0 only when the mail was sent", NULL},
    {"watch",                 "Watch what the triggers name", NULL},
    {"without-chunking",     "Do not use BDAT although the server offers it", NULL},
    {"window",                "Seconds in which messages are collected into one mail", NULL},
    {"xoauth2",              "XOAUTH2, the password is a token", NULL},
};
/* clang-format on */

static const char *not_server(const char *text)
{
    unsigned char address[16];
    apr_size_t len = strlen(text);

    if (len == 0 || len > 255) {
        return "a host name or an IP address";
    }
    if (inet_pton(AF_INET6, text, address) == 1) {
        return NULL;
    }
    if (text[0] == '[' && text[len - 1] == ']') {
        char inner[256];

        memcpy(inner, text + 1, len - 2);
        inner[len - 2] = '\0';
        return inet_pton(AF_INET6, inner, address) == 1
                   ? NULL
                   : "an IPv6 address in the brackets";
    }
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x80 && !apr_isalnum(c) && c != '.' && c != '-' && c != '_') {
            return "a host name or an IP address";
        }
    }
    return NULL;
}

static const char *not_address(const char *text)
{
    const char *why = NULL;
    mailaddr_t addr;
    apr_pool_t *pool;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return "a mail address";
    }
    if (mailaddr_parse(&addr, text, strlen(text), &why, pool) != APR_SUCCESS) {
        why = "a mail address such as person@example.com";
    }
    apr_pool_destroy(pool);
    return why;
}

static const char *not_id(const char *text)
{
    static const char expected[] =
        "a mail-id such as 20180501183635.16737, as show mail prints it";
    int i;

    for (i = 0; i < 14; i++) {
        if (!apr_isdigit(text[i])) {
            return expected;
        }
    }
    if (text[14] != '.' || !text[15] || strlen(text) > 40) {
        return expected;
    }
    return text[15 + strspn(text + 15, "0123456789")] ? expected : NULL;
}

static const char *empty(const char *text)
{
    return *text ? NULL : "a text that is not empty";
}

static const char *not_absolute(const char *text)
{
    return *text == '/' ? NULL : "a path that starts with /";
}

static const char *not_level(const char *text)
{
    return log_level_of(text) >= 0 ? NULL
                                   : "a level such as warnings, or <0-7>";
}

static const char *not_facility(const char *text)
{
    return log_facility_of(text) >= 0 ? NULL
                                      : "a facility such as daemon, or <0-23>";
}

/* "2", "11:30": at most 24 hours. */
static const char *not_hours(const char *text)
{
    apr_size_t hours = strspn(text, "0123456789");
    const char *minutes = text + hours;

    if (hours == 0 || hours > 2 || (hours == 2 && strncmp(text, "24", 2) > 0) ||
        (*minutes &&
         (minutes[0] != ':' || minutes[1] < '0' || minutes[1] > '5' ||
          !apr_isdigit(minutes[2]) || minutes[3]))) {
        return "hours, such as 2 or 2:30";
    }
    return NULL;
}

static const char *not_clock(const char *text)
{
    return strlen(text) == 5 && text[2] == ':' && text[0] >= '0' &&
                   strncmp(text, "24", 2) < 0 && apr_isdigit(text[1]) &&
                   text[3] >= '0' && text[3] <= '5' && apr_isdigit(text[4])
               ? NULL
               : "a time of day such as 08:30";
}

static const char *not_days(const char *text)
{
    static const char days[] = "smtwtfs";
    int i;

    for (i = 0; i < 7; i++) {
        if (apr_tolower(text[i]) != days[i] && text[i] != '-') {
            return "smtwtfS, with - for a day without";
        }
    }
    return text[7] ? "seven letters" : NULL;
}

static const char *not_interface(const char *text)
{
    return *text && strlen(text) < 16 && !strpbrk(text, "/ ") ? NULL
                                                              : "an interface";
}

static const char *not_notify(const char *text)
{
    return dsn_is_notify(text)
               ? NULL
               : "never, or success, failure and delay with commas";
}

static const char *not_proxy(const char *text)
{
    const char *rest = strncmp(text, "socks5h://", 10) == 0 ? text + 10
                       : strncmp(text, "socks5://", 9) == 0 ? text + 9
                                                            : "";

    return *rest && strcspn(rest, " @/") == strlen(rest)
               ? NULL
               : "socks5h://host:port, or socks5:// to resolve names here";
}

static const char *not_pin(const char *text)
{
    return strncmp(text, "sha256//", 8) == 0 && strlen(text) == 52
               ? NULL
               : "sha256// and the base64 of the key's SHA-256";
}

/* clang-format off */
static const grammar_parameter_t parameters[] = {
    {"ATTACHMENT", "FILE",       "The file to attach",                   empty, 0, 0},
    {"CLOCK",      "HH:MM",      "Time of day",                          not_clock, 0, 0},
    {"COMMAND",    "COMMAND",    "The program, by absolute path, and its arguments", not_absolute, 0, 0},
    {"COUNT",      "<1-1000>",   "Mails",                                NULL, 1, 1000},
    {"DAYS",       "smtwtfS",    "Sunday to Saturday, - for a day without", not_days, 0, 0},
    {"DIRECTORY",  "DIRECTORY",  "The folder, by absolute path",         not_absolute, 0, 0},
    {"FACILITY",   "FACILITY",   "Syslog facility, such as daemon, or <0-23>",not_facility, 0, 0},
    {"FILE",       "FILE",       "The file, - for standard input",       empty, 0, 0},
    {"FROM",       "ADDRESS",    "Mail address, such as person@example.com", not_address, 0, 0},
    {"HOSTNAME",   "NAME",       "Host name",                            not_server, 0, 0},
    {"HOURS",      "H or H:MM",  "Hours, at most 24",                    not_hours, 0, 0},
    {"ID",         "MAIL-ID",    "The number that show mail prints",     not_id, 0, 0},
    {"INTERFACE",  "INTERFACE",  "Network interface, such as eth0",      not_interface, 0, 0},
    {"LEVEL",      "LEVEL",      "emergencies, alerts, critical, error, warnings, notices, informational, debugging, or <0-7>",not_level, 0, 0},
    {"LINE",       "LINE",       "A log line, in quotes",                NULL, 0, 0},
    {"LOAD",       "<1-100>",    "The percentage of CPU usage at which to trigger", NULL, 1, 100},
    {"LOG",        "FILE",       "The log file, by absolute path",       not_absolute, 0, 0},
    {"MINUTES",    "<1-1440>",   "Minutes",                              NULL, 1, 1440},
    {"NAME",       "NAME",       "Local name",                           empty, 0, 0},
    {"NOTIFY",     "NOTIFY",     "never, or success, failure, delay with commas", not_notify, 0, 0},
    {"PASSWORD",   "PASSWORD",   "Registered user password",             empty, 0, 0},
    {"PERCENT",    "<1-100>",    "The percentage of memory usage at which to trigger", NULL, 1, 100},
    {"PIN",        "sha256//B64", "SHA-256 of the server's public key",  not_pin, 0, 0},
    {"PLACE",      "<1-5>",      "The list position of the script",      NULL, 1, 5},
    {"PORT",       "<1-65535>",  "TCP port of the SMTP server",          NULL, 1, 65535},
    {"PROGRAM",    "PROGRAM",    "Program that wrote the message",       empty, 0, 0},
    {"PROXY",      "URL",        "socks5h://host:port",                  not_proxy, 0, 0},
    {"RECIPIENT",  "ADDRESS",    "Mail address, or several with commas", empty, 0, 0},
    {"SCRIPT",     "FILE",       "The file containing the script",       empty, 0, 0},
    {"SECONDS",    "<1-2592000>", "Seconds",                             NULL, 1, 2592000},
    {"SERIAL",     "TEXT",       "Serial number",                        empty, 0, 0},
    {"SERVER",     "SERVER",     "Host name, IPv4 or IPv6 address",      not_server, 0, 0},
    {"SOCKET",     "PATH",       "The socket to make, by absolute path", not_absolute, 0, 0},
    {"SUBJECT",    "SUBJECT",    "Subject; %N %S %T %D %L %U are replaced", NULL, 0, 0},
    {"TEXT",       "TEXT",       "Text that the message contains",       empty, 0, 0},
    {"TRIGGER",    "<1-250>",    "Number of the trigger",                NULL, 1, 250},
    {"USERNAME",   "USERNAME",   "Registered user name",                 empty, 0, 0},
};
/* clang-format on */

const grammar_parameter_t *grammar_parameter(const char *name, apr_size_t len)
{
    size_t i;

    for (i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        if (strlen(parameters[i].name) == len &&
            memcmp(parameters[i].name, name, len) == 0) {
            return &parameters[i];
        }
    }
    return NULL;
}

const char *grammar_keyword_help(const char *word, const char *pattern)
{
    size_t i;

    for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (strcmp(keywords[i].word, word) == 0 &&
            (!keywords[i].where || strstr(pattern, keywords[i].where))) {
            return keywords[i].help;
        }
    }
    return "";
}

int grammar_starts_keyword(const char *text)
{
    size_t i;

    for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (strncmp(keywords[i].word, text, strlen(text)) == 0) {
            return 1;
        }
    }
    return 0;
}

/* 1 when `text` is a decimal number from low to high. */
static int in_range(const char *text, long low, long high)
{
    long value = 0;

    if (!*text || strlen(text) > 9) {
        return 0;
    }
    for (; *text; text++) {
        if (!apr_isdigit(*text)) {
            return 0;
        }
        value = value * 10 + (*text - '0');
    }
    return value >= low && value <= high;
}

const char *grammar_check(const grammar_parameter_t *parameter,
                          const char *text)
{
    if (parameter->high) {
        return in_range(text, parameter->low, parameter->high)
                   ? NULL
                   : parameter->shown;
    }
    return parameter->wrong ? parameter->wrong(text) : NULL;
}

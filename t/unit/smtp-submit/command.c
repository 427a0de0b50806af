/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "smtp-submit/command.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

/* The meaning of a line as "ID NAME=text ...", or the reason. */
static const char *meaning(const char *line, apr_pool_t *pool)
{
    command_t command;
    const char *why, *out;
    int i;

    if (command_parse_line(&command, line, strlen(line), &why, pool) !=
        APR_SUCCESS) {
        return why;
    }
    out = apr_psprintf(pool, "%s%d", command.no ? "no " : "", command.id);
    for (i = 0; i < command.values->nelts; i++) {
        const command_value_t *v =
            &APR_ARRAY_IDX(command.values, i, command_value_t);

        if (strcmp(v->name, v->text) != 0) {
            out = apr_pstrcat(pool, out, " ", v->name, "=", v->text, NULL);
        }
    }
    return out;
}

static const struct {
    const char *name, *line;
    int id, no;
    const char *values; /* " NAME=text ..." */
} good[] = {
    {"nothing", "", COMMAND_NONE, 0, ""},
    {"blanks", " \t ", COMMAND_NONE, 0, ""},
    {"comment !", "! trigger 1", COMMAND_NONE, 0, ""},
    {"comment #", "# note \"", COMMAND_NONE, 0, ""},
    {"S01 name", "mail smtpserver smtp.example.com", COMMAND_SERVER, 0,
     " SERVER=smtp.example.com"},
    {"S01 IPv6", "mail smtpserver 2001:db8::1", COMMAND_SERVER, 0,
     " SERVER=2001:db8::1"},
    {"S01 IPv6 in brackets", "mail smtpserver [::1]", COMMAND_SERVER, 0,
     " SERVER=[::1]"},
    {"S01 IDN",
     "mail smtpserver b\xc3\xbc"
     "cher.example",
     COMMAND_SERVER, 0,
     " SERVER=b\xc3\xbc"
     "cher.example"},
    {"S02", "no mail smtpserver", COMMAND_SERVER, 1, ""},
    {"S04", "mail smtpserver authentication login username person password u",
     COMMAND_AUTHENTICATION, 0, " METHOD=login USERNAME=person PASSWORD=u"},
    {"S06", "mail smtpserver authentication plain username e password 8 xK=",
     COMMAND_AUTHENTICATION, 0, " METHOD=plain USERNAME=e PASSWORD=xK="},
    {"S06 password that is 8 in quotes",
     "mail smtpserver authentication plain username e password \"8\"",
     COMMAND_AUTHENTICATION, 0, " METHOD=plain USERNAME=e PASSWORD=8"},
    {"password with blanks, # and quotes",
     "mail smtpserver authentication plain username e password \"a #\\\"\\\\\"",
     COMMAND_AUTHENTICATION, 0, " METHOD=plain USERNAME=e PASSWORD=a #\"\\"},
    {"S07", "no mail smtpserver authentication", COMMAND_AUTHENTICATION, 1, ""},
    {"S09", "mail smtpserver port 587", COMMAND_PORT, 0, " PORT=587"},
    {"S09 highest", "mail smtpserver port 65535", COMMAND_PORT, 0,
     " PORT=65535"},
    {"S10", "no mail smtpserver port", COMMAND_PORT, 1, ""},
    {"S13", "mail smtpserver tls starttls", COMMAND_TLS, 0, " MODE=starttls"},
    {"S14", "mail smtpserver tls smtps", COMMAND_TLS, 0, " MODE=smtps"},
    {"S15", "no mail smtpserver tls", COMMAND_TLS, 1, ""},
    {"S18", "mail from person@example.com", COMMAND_FROM, 0,
     " FROM=person@example.com"},
    {"S18 no", "no mail from", COMMAND_FROM, 1, ""},
    {"S20 nothing", "mail", COMMAND_MAIL, 0, ""},
    {"S20 to", "mail to a@b.c", COMMAND_MAIL, 0, " RECIPIENT=a@b.c"},
    {"S20 subject", "mail subject \"x y\"", COMMAND_MAIL, 0, " SUBJECT=x y"},
    {"S20 any order", "mail file f to a@b.c", COMMAND_MAIL, 0,
     " FILE=f RECIPIENT=a@b.c"},
    {"S25", "mail to a@b.c subject \"The LAN\" file message.txt", COMMAND_MAIL,
     0, " RECIPIENT=a@b.c SUBJECT=The LAN FILE=message.txt"},
    {"S29 quotes are the shell's", "mail subject \"a \"b\" c\"", COMMAND_MAIL,
     0, " SUBJECT=a b c"},
    {"S31 repeated", "send --to a@b.c --to d@e.f --cc g@h.i", COMMAND_MAIL, 0,
     " RECIPIENT=a@b.c RECIPIENT=d@e.f RECIPIENT=g@h.i"},
    {"keyword as value", "mail to to subject subject file file", COMMAND_MAIL,
     0, " RECIPIENT=to SUBJECT=subject FILE=file"},
    {"S39", "show mail", COMMAND_SHOW_MAIL, 0, ""},
    {"S45 whole", "delete mail mail-id 20180501183635.16737", COMMAND_DELETE, 0,
     " ID=20180501183635.16737"},
    {"S45 without keyword", "delete mail 20180501183635.1637", COMMAND_DELETE,
     0, " ID=20180501183635.1637"},
    {"S45 short", "delete 20180501183635.1637", COMMAND_DELETE, 0,
     " ID=20180501183635.1637"},
    {"S45 all", "delete mail all", COMMAND_DELETE_ALL, 0, ""},
    {"S46", "show counter mail", COMMAND_SHOW_COUNTER, 0, ""},
    {"S48", "debug mail", COMMAND_DEBUG, 0, ""},
    {"S48 no", "no debug mail", COMMAND_DEBUG, 1, ""},
    {"S48 un", "undebug mail", COMMAND_DEBUG, 1, ""},
    {"S50", "show running-config", COMMAND_SHOW_CONFIG, 0, ""},
    {"S69 sh run", "sh run", COMMAND_SHOW_CONFIG, 0, ""},
    {"S69 en", "en", COMMAND_ENABLE, 0, ""},
    {"S69 conf t", "conf t", COMMAND_CONFIGURE, 0, ""},
    {"S69 deep", "ma smtp auth cram user fred pass x", COMMAND_AUTHENTICATION,
     0, " METHOD=crammd5 USERNAME=fred PASSWORD=x"},
    {"line end", "mail from person@example.com\r\n", COMMAND_FROM, 0,
     " FROM=person@example.com"},
};

static const struct {
    const char *name, *line, *why;
} bad[] = {
    {"S01 blank", "mail smtpserver \"a b\"",
     "% Invalid input \"a b\": expected a host name or an IP address"},
    {"S72 an address as server", "mail smtpserver example@example.com",
     "% Invalid input \"example@example.com\": expected a host name or an IP "
     "address"},
    {"S09 zero", "mail smtpserver port 0",
     "% Invalid input \"0\": expected <1-65535>"},
    {"S09 65536", "mail smtpserver port 65536",
     "% Invalid input \"65536\": expected <1-65535>"},
    {"S09 letters", "mail smtpserver port 25x",
     "% Invalid input \"25x\": expected <1-65535>"},
    {"S09 endless", "mail smtpserver port 99999999999999999999",
     "% Invalid input \"99999999999999999999\": expected <1-65535>"},
    {"S18 no address", "mail from person",
     "% Invalid input \"person\": expected a mail address such as "
     "person@example.com"},
    {"S45 bare", "delete mail", "% Incomplete command"},
    {"S45 no id", "delete mail 1234",
     "% Invalid input \"1234\": expected a mail-id such as "
     "20180501183635.16737, as show mail prints it"},
    {"S69 ambiguous", "mail smtpserver tls-c /x", "% Ambiguous command"},
    {"twice", "mail subject a subject b", "% Invalid input \"subject\""},
    {"unknown", "male", "% Invalid input \"male\""},
    {"too much", "show mail json json", "% Invalid input \"json\""},
    {"quoted keyword", "\"show\" mail", "% Invalid input \"show\""},
    {"open quote", "mail subject \"x", "% Invalid input: missing quote"},
    {"bell", "mail subject \a", "% Invalid input: control character"},
    {"line break", "mail subject \"a\nb\"",
     "% Invalid input: control character"},
    {"not UTF-8", "mail subject \xff", "% Invalid input: not UTF-8"},
};

static void test_good(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        is_str(meaning(good[i].line, pool),
               apr_psprintf(pool, "%s%d%s", good[i].no ? "no " : "", good[i].id,
                            good[i].values),
               good[i].name);
    }
}

static void test_bad(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_str(meaning(bad[i].line, pool), bad[i].why, bad[i].name);
    }
}

static void test_help(apr_pool_t *pool)
{
    apr_array_header_t *words;
    const char *why;

    command_split(&words, "mail smtpserver port", 20, &why, pool);
    is_str(command_help(words, NULL, pool),
           "<1-65535> TCP port of the SMTP server\n",
           "S69: the range of a number");
    command_split(&words, "mail smtpserver tls", 19, &why, pool);
    is_str(command_help(words, NULL, pool),
           "smtps    TLS from the first byte\n"
           "starttls Start in clear text, then change to TLS\n",
           "S69: the choices");
    command_split(&words, "show", 4, &why, pool);
    is_str(command_help(words, "r", pool),
           "running-config The configuration as commands\n",
           "S69: words that start so");
    command_split(&words, "show mail", 9, &why, pool);
    is_str(command_help(words, NULL, pool), "json   As JSON\n<cr>\n",
           "S69: may end here");
    command_split(&words, "nonsense", 8, &why, pool);
    is_str(command_help(words, NULL, pool), "", "no help for nonsense");
    command_split(&words, "", 0, &why, pool);
    ok(!strstr(command_help(words, NULL, pool), "  \n"),
       "every first word is explained");
}

static void test_quote(apr_pool_t *pool)
{
    is_str(command_quote("smtp.example.com", pool), "smtp.example.com",
           "plain");
    is_str(command_quote("localhost", pool), "localhost", "plain word");
    is_str(command_quote("port", pool), "port", "no keyword can stand here");
    is_str(command_quote_keyword("port", pool), "\"port\"", "keyword");
    is_str(command_quote_keyword("localhost", pool), "localhost", "no keyword");
    is_str(command_quote("8", pool), "\"8\"", "8");
    is_str(command_quote("", pool), "\"\"", "empty");
    is_str(command_quote("a \"b\\", pool), "\"a \\\"b\\\\\"", "quotes");
}

static void test_argv(apr_pool_t *pool)
{
    const char *argv[] = {"send", "--subject=a b=c", "--to", "a@b.c", "--wait"};
    apr_array_header_t *words;
    command_t command;
    const char *why;

    is_int(command_from_argv(&words, 5, argv, &why, pool), APR_SUCCESS,
           "arguments");
    is_int(command_parse(&command, words, &why, pool), APR_SUCCESS, "parsed");
    is_str(command_value(&command, "SUBJECT"), "a b=c", "--subject=value");
    ok(command_value(&command, "wait") != NULL, "--wait");
    ok(command_value(&command, "file") == NULL, "no --file");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_good(pool);
    test_bad(pool);
    test_help(pool);
    test_quote(pool);
    test_argv(pool);
    apr_terminate();
    return done_testing();
}

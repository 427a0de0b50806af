#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Sources by location: file before directory, plain ldap:// for look-ups only,
# nothing configured, and other MPMs.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Dir qw(temp_dir write_file);
use T::Httpd;
use T::Slapd;

my $dir  = temp_dir();
my $ca   = T::Ca->make("$dir");
my $ldap = T::Slapd->new(ca => $ca, anonymous => 1)->start;
write_file("$dir/secret", $ldap->reader_password . "\n");
write_file("$dir/people", <<'FILE');
user: alice
mail: alice@local.test
password: {SHA}qZk+NkcGgWq6PiVxeFDCbJzQ2J0=

user: zoe
mail: zoe@local.test
FILE

my $basic = <<'CONF';
AuthType Basic
AuthName "Mail"
AuthBasicProvider mailbox
Require valid-user
CONF
my $secure = <<"CONF";
MailboxLDAPURL "@{[$ldap->ldaps_url]}/@{[$ldap->people]}"
MailboxLDAPBindDN @{[$ldap->reader_dn]}
MailboxLDAPBindPassword file:$dir/secret
CONF
my $plain = 'MailboxLDAPURL "' . $ldap->url . '/' . $ldap->people . "\"\n";

my %locations = (
    both     => "MailboxFile $dir/people\n$secure",
    file     => "MailboxFile $dir/people\n",
    plain    => $plain,
    nothing  => '',
    onlyuser => "${secure}MailboxLDAPAttribute user uid\nMailboxLDAPAttribute upn none\n"
        . "MailboxLDAPAttribute alias none\nMailboxLDAPAttribute legacydn none\n"
        . "MailboxLDAPAttribute guid entryUUID\n",
    nouser   => "${secure}MailboxLDAPAttribute user employeeNumber\n",
    filtered => qq(MailboxLDAPURL "@{[$ldap->ldaps_url]}/@{[$ldap->people]}??one?(!(uid=bob))"\n)
        . join '', grep { !/URL/ } map { "$_\n" } split /\n/, $secure);
my $conf = join '', map {
    "<Location \"/$_\">\n$locations{$_}$basic</Location>\n"
        . "<Location \"/lookup-$_\">\n$locations{$_}SetHandler mailbox-lookup\n</Location>\n"
} sort keys %locations;

my $httpd = T::Httpd->new(
    modules => ['mailbox'],
    load    => ['ldap'],
    main    => <<"CONF", conf => $conf)->start;
LDAPTrustedGlobalCert CA_BASE64 $ca->{ca}
LDAPTimeout 4
LDAPConnectionTimeout 3
LDAPRetries 1
CONF
write_file($httpd->dir . "/htdocs/$_", "in\n") for sort keys %locations;
my $curl = T::Curl->new(base => $httpd->url);
sub login { my ($where, $name, $password) = @_; $curl->get("/$where", user => "$name:$password")->{status} }
sub look { my ($where, $query) = @_; $curl->get("/lookup-$where?$query") }

# The file is asked first, and what it has counts.
like(look('both', 'login=alice')->{body}, qr/^source: file$/m, 'the file first');
like(look('both', 'login=bob')->{body}, qr/^source: directory$/m, 'then the directory');
is(login('both', 'alice', 'abc'), 200, 'the password of the file counts');
is(login('both', 'alice', 'secret-alice'), 401, 'not that of the directory');
is(login('both', 'bob', 'secret-bob'), 200, 'who is not in the file is in the directory');
is(login('file', 'bob', 'secret-bob'), 401, 'unless there is none');
is(look('file', 'address=zoe@local.test')->{status}, 200, 'an address of the file');

# Nobody names a domain: those with one are refused.
is(login('both', 'EXAMPLE\bob', 'secret-bob'), 401, 'a domain without MailboxDomain');
is(login('both', 'bob@example.test', 'secret-bob'), 200, 'a user principal name is its own witness');

# Without TLS: look-ups, but no passwords.
is(look('plain', 'login=alice')->{status}, 200, 'plain: a look-up');
is(login('plain', 'alice', 'secret-alice'), 500, 'plain: no password check');
ok($httpd->logged(qr/PN10045: .*no password is sent there without TLS/), 'and the log says why');

# Nothing at all.
is(login('nothing', 'alice', 'secret-alice'), 500, 'no source: nobody logs in');
is(look('nothing', 'login=alice')->{status}, 501, 'no source: no look-up');
ok($httpd->logged('PN10021: no source of mailboxes is configured for /nothing'), 'and the log says so');

# Other attributes.
like(look('onlyuser', 'login=alice')->{body}, qr/^guid: [0-9a-f-]{36}$/m, 'a guid as text');
unlike(look('onlyuser', 'login=alice')->{body}, qr/^alias:/m, 'no aliases');
is(look('onlyuser', 'address=alice.alias@example.test')->{status}, 404, 'are not found either');
is(look('onlyuser', 'legacydn=/o=x')->{status}, 404, 'nor a legacyExchangeDN');
is(login('onlyuser', 'alice@example.test', 'secret-alice'), 200, 'login by address where there is no upn');
is(look('nouser', 'address=alice@example.test')->{status}, 404, 'an entry without account name is none');
ok($httpd->logged(qr/PN10043: .*has no employeeNumber/), 'and the log says so');
is(look('filtered', 'login=bob')->{status}, 404, 'the filter of the URL counts');
is(look('filtered', 'login=alice')->{status}, 200, 'for everybody');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(PN10021 PN10043 PN10045 AH01617 AH01618));

# --- other MPMs ---

for my $mpm (qw(worker prefork)) {
    my $other = T::Httpd->new(
        modules => ['mailbox'], load => ['ldap'], mpm => $mpm,
        main => "LDAPTrustedGlobalCert CA_BASE64 $ca->{ca}\nLDAPTimeout 4\nLDAPConnectionTimeout 3\nLDAPRetries 1\n",
        conf => $conf)->start;
    write_file($other->dir . '/htdocs/both', "in\n");
    my $client = T::Curl->new(base => $other->url);
    is($client->get('/both', user => "bob:$_->[0]")->{status}, $_->[1], "$mpm: $_->[0]")
        for ['secret-bob', 200], ['wrong', 401], ['secret-bob', 200];
    ok($other->reload, "$mpm: graceful restart");
    is($client->get('/both', user => 'bob:secret-bob')->{status}, 200, "$mpm: and again");
    is($other->stop, 0, "$mpm: httpd ends cleanly");
    $other->log_ok(qw(AH01617));
}
done_testing();

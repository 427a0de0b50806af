#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Login and look-up in OpenLDAP over ldaps: every form of login name, addresses,
# values that would be filters, and what must be refused.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Directory qw(directory_conf);
use T::Dir qw(temp_dir write_file);
use T::Httpd;
use T::Slapd;

my $dir  = temp_dir();
my $ca   = T::Ca->make("$dir");
my $ldap = T::Slapd->new(ca => $ca, empty_bind => 1)->start;

my $httpd = T::Httpd->new(
    modules => ['mailbox'],
    load    => [qw(ldap headers)],
    main    => <<"CONF", conf => <<"LOCATIONS")->start;
MailboxDomain EXAMPLE example.test
@{[ directory_conf($dir, $ca, $ldap, $ldap->people . '??sub?(objectClass=inetOrgPerson)') ]}
CONF
<Location "/private">
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    Require valid-user
    MailboxEnv On
    Header always set X-Mail "%{MAILBOX_MAIL}e"
    Header always set X-User "%{MAILBOX_USER}e"
    Header always set X-Guid "%{MAILBOX_GUID}e"
</Location>
<Location "/lookup">
    SetHandler mailbox-lookup
</Location>
LOCATIONS
write_file($httpd->dir . '/htdocs/private', "in\n");

my $curl = T::Curl->new(base => $httpd->url);
my ($alice, $bob, $carol, $dave) = map { $ldap->user($_) } 1 .. 4;

sub login { $curl->get('/private', user => "$_[0]:$_[1]") }
sub escape { join '', map { /[\w.-]/ ? $_ : sprintf '%%%02x', ord } split //, $_[0] }
sub look { my ($key, $value) = @_; $curl->get("/lookup?$key=" . escape($value)) }

# --- every form of login name ---

for my $name ('alice', 'ALICE', 'EXAMPLE\alice', 'example\Alice', 'EXAMPLE/alice',
    'alice@example.test', 'Alice@EXAMPLE.TEST', 'example.test\alice', 'alice@EXAMPLE') {
    my $answer = login($name, $alice->{password});
    is($answer->{status}, 200, "$name logs in");
    is($answer->{headers}{'x-mail'}, $alice->{mail}, "$name has the address");
    is($answer->{headers}{'x-user'}, 'alice', "$name is canonical");
    is($answer->{headers}{'x-guid'}, $alice->{guid}, "$name has the guid of the directory");
}
is(login('alice.alias@example.test', $alice->{password})->{status}, 200,
    'a mail address logs in');
for my $name ('OTHER\alice', '.\alice', 'alice@other.test', 'EXAMPLE\alice@example.test',
    'EXAMPLE\OTHER\alice', '\alice', '@example.test', '*', 'al*', 'alice)(uid=*',
    '\2a', "al\x01ice", "al\xffice", 'nobody', 'x' x 400) {
    (my $shown = $name) =~ s/[^ -~]/?/g;
    is(login($name, $alice->{password})->{status}, 401, substr($shown, 0, 40) . ' does not log in');
}

# --- passwords ---

is(login('alice', 'wrong')->{status}, 401, 'wrong password');
is(login('alice', $bob->{password})->{status}, 401, "another user's password");
is(login('alice', '')->{status}, 401, 'empty password, although the directory would say yes');
is(login('', '')->{status}, 401, 'empty user and password');
is(login('', 'x')->{status}, 401, 'empty user');
is(login('bob', $bob->{password})->{status}, 200, 'the connection is not left bound as somebody');
is(login('dave', $dave->{password})->{status}, 200, 'a user without mail address logs in');
is(login('dave', $dave->{password})->{headers}{'x-mail'}, '(null)', 'and has no mail address');
ok($httpd->logged(qr/PN10046: user alice: Invalid credentials/), 'a wrong password is logged');
ok($httpd->logged(qr/PN10032: login with an empty password/), 'an empty password is logged');

# --- look-up ---

my $record = look(address => 'alice@example.test');
is($record->{status}, 200, 'found by address');
is($record->{body}, <<"RECORD", 'the whole record');
user: alice
mail: $alice->{mail}
alias: $alice->{alias}
name: Alice Example
legacydn: $alice->{legacy_dn}
guid: $alice->{guid}
dn: $alice->{dn}
source: directory
RECORD
for my $value ('ALICE@Example.TEST', 'alice.alias@example.test', ' alice@example.test') {
    like(look(address => $value)->{body}, qr/^user: alice$/m, "$value is alice");
}
like(look(legacydn => uc $bob->{legacy_dn})->{body}, qr/^user: bob$/m,
    'found by legacyExchangeDN in capitals');
like(look(address => 'bob@example.test')->{body}, qr/^name: \Q$bob->{display}\E$/m,
    'display name in UTF-8');
like(look(login => 'EXAMPLE\carol')->{body}, qr/^name: \Q$carol->{display}\E$/m,
    'display name with markup');
for my $value ('*', '*@example.test', 'a*(cn=x)', '\2a', 'a*(cn=x)@example.test',
    'x)(|(mail=*', 'alice', "alice\@example.test\0", '\2a@example.test',
    "\xc3\xa4\@example.test", "\xff\@example.test", 'dave@example.test', '') {
    (my $shown = $value) =~ s/[^ -~]/?/g;
    is(look(address => $value)->{status}, $value =~ /\0/ ? 400 : 404, "address $shown finds nothing");
}
for my $value ('*', '/o=*', 'x)(|(uid=*', '/o=nobody') {
    is(look(legacydn => $value)->{status}, 404, "legacyExchangeDN $value finds nothing");
}
is($curl->get('/lookup?mail=alice')->{status}, 400, 'an unknown parameter');
is($curl->get('/lookup')->{status}, 400, 'no parameter');
is($curl->get('/lookup?login=alice', method => 'DELETE')->{status}, 405, 'another method');

# --- duplicates, and entries as one would not have them ---

sub person {
    my ($uid, @lines) = @_;
    $ldap->add(join "\n", "dn: uid=$uid," . $ldap->people, 'objectClass: inetOrgPerson',
        'objectClass: adMailUser', "uid: $uid", "sn: $uid", "cn: $uid",
        "userPassword: secret-$uid", "sAMAccountName: $uid", @lines, '', '');
}
person('eve', 'mail: bob@example.test');
is(look(address => 'bob@example.test')->{status}, 409, 'two entries with one address');
ok($httpd->logged('PN10042'), 'are logged');
is(login('bob@example.test', $bob->{password})->{status}, 200,
    'the user principal name is not disturbed by it');
person('erin', 'userPrincipalName: carol@example.test');
is(login('carol@example.test', $carol->{password})->{status}, 500, 'two entries with one login name');
person('mallory', 'mail: not an address', 'proxyAddresses: x500:/o=Old/cn=mallory',
    'proxyAddresses: SMTP:mallory@example.test', 'proxyAddresses: sip:mallory@example.test');
like(look(login => 'mallory')->{body}, qr/^mail: mallory\@example\.test$/m,
    'SMTP: among proxyAddresses stands in for a malformed mail');
like(look(legacydn => '/o=old/CN=Mallory')->{body}, qr/^user: mallory$/m,
    'x500: among proxyAddresses is a former legacyExchangeDN');
like(look(login => 'mallory')->{body}, qr/^guid: [0-9a-f]{8}-[0-9a-f]{4}-5/m,
    'a guid is derived where there is none');
is(look(address => 'sip:mallory@example.test')->{status}, 404, 'a sip: address is no mail address');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(PN10042 AH01617 AH01618));
done_testing();

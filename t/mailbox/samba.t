#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Samba Active Directory over ldaps: login, look-up, and what its accounts'
# states mean.

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Directory qw(directory_conf);
use T::Dir qw(temp_dir write_file);
use T::Httpd;
use T::Samba;

my $missing = T::Samba->missing;
plan skip_all => $missing if $missing;

my $dir = temp_dir();
my $ca  = T::Ca->make("$dir");
my $dc  = T::Samba->new(ca => $ca, services => 'rpc ldap cldap kdc')->start;

my $httpd = T::Httpd->new(
    modules => ['mailbox'],
    load    => [qw(ldap headers)],
    main    => <<"CONF", conf => <<"LOCATIONS")->start;
MailboxDomain @{[$dc->netbios]} @{[$dc->domain]}
@{[ directory_conf($dir, $ca, $dc, $dc->base) ]}
CONF
<Location "/private">
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    Require valid-user
    MailboxEnv On
    Header always set X-Mail "%{MAILBOX_MAIL}e"
    Header always set X-User "%{MAILBOX_USER}e"
</Location>
<Location "/lookup">
    SetHandler mailbox-lookup
</Location>
LOCATIONS
write_file($httpd->dir . '/htdocs/private', "in\n");
my $curl = T::Curl->new(base => $httpd->url);
my ($alice, $bob, $carol, $dave) = map { $dc->user($_) } 1 .. 4;

sub login { $curl->get('/private', user => "$_[0]:$_[1]") }
sub look { $curl->get("/lookup?$_[0]=" . join '', map { /[\w.-]/ ? $_ : sprintf '%%%02x', ord } split //, $_[1]) }

# --- login ---

my $base = $dc->netbios . '\\';
for my $name ('alice', "${base}alice", 'example/ALICE', 'alice@example.test', 'Alice@EXAMPLE.TEST') {
    my $answer = login($name, $alice->{password});
    is($answer->{status}, 200, "$name logs in");
    is($answer->{headers}{'x-user'}, 'alice', "$name is canonical");
    is($answer->{headers}{'x-mail'}, $alice->{mail}, "$name has the address");
}
is(login($_, $alice->{password})->{status}, 401, "$_ does not log in")
    for 'OTHER\alice', 'alice@other.test', '*', 'nobody';
is(login('alice', $_)->{status}, 401, "password '$_'") for 'wrong', '', $bob->{password};
ok($httpd->logged('PN10046: user alice: wrong password'), "Active Directory's reason is logged");
is(login('dave', $dave->{password})->{status}, 200, 'a user without mail address');
is(login('bob', $bob->{password})->{status}, 200, 'bob');

# --- look-up ---

like(look(address => $alice->{alias})->{body}, qr/^user: alice$/m, 'by proxyAddresses');
like(look(legacydn => uc $bob->{legacy_dn})->{body}, qr/^user: bob$/m, 'by legacyExchangeDN');
like(look(login => 'carol')->{body}, qr/^name: Carol Example$/m, 'display name');
like(look(login => 'carol')->{body}, qr/^guid: [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/m, 'guid');
like(look(login => 'dave')->{body}, qr/^user: dave$/m, 'no mail');
is(look(address => 'dave@example.test')->{status}, 404, 'a user principal name is no address');
is(look(address => '*@example.test')->{status}, 404, 'a star finds nothing');

# --- states of an account ---

# userAccountControl: 512 is a normal account, 514 a disabled one, 66048 one
# whose password does not expire.
sub modify {
    my ($name, $what) = @_;
    write_file("$dir/ldif", "dn: CN=\u$name Example,CN=Users," . $dc->base
        . "\nchangetype: modify\n$what\n");
    local $ENV{LDAPTLS_CACERT} = $ca->{ca};
    my $out = `ldapmodify -x -H '@{[$dc->ldaps_url]}' -D 'CN=Administrator,CN=Users,@{[$dc->base]}' -w '@{[$dc->admin_password]}' -f '$dir/ldif' 2>&1`;
    is($?, 0, "$name: $what") or diag($out);
}
sub replace { my ($name, $attribute, $value) = @_; modify($name, "replace: $attribute\n$attribute: $value") }

replace('carol', 'userAccountControl', 514);
is(login('carol', $carol->{password})->{status}, 401, 'a disabled account');
ok($httpd->logged('PN10046: user carol: account disabled'), 'is logged as such');
replace('carol', 'userAccountControl', 512);
replace('carol', 'pwdLastSet', 0);
is(login('carol', $carol->{password})->{status}, 401, 'a password to be changed');
ok($httpd->logged('PN10046: user carol: password must be changed'), 'is logged as such');
replace('carol', 'pwdLastSet', -1);
replace('carol', 'accountExpires', '131000000000000000');
is(login('carol', $carol->{password})->{status}, 401, 'an expired account');
ok($httpd->logged('PN10046: user carol: account expired'), 'is logged as such');
replace('carol', 'accountExpires', 0);
$dc->age_password($carol);
is(login('carol', $carol->{password})->{status}, 401, 'an expired password');
ok($httpd->logged('PN10046: user carol: password expired'), 'is logged as such');
replace('carol', 'pwdLastSet', $_) for 0, -1;
is(login('carol', $carol->{password})->{status}, 200, 'a good one again');

# --- gone, and back ---

$dc->kill;
my $before = time;
is(login('alice', $alice->{password})->{status}, 503, 'no domain controller: 503');
cmp_ok(time - $before, '<', 10, 'within 10 s');
$dc->start;
is(login('alice', $alice->{password})->{status}, 200, 'back without a restart of httpd');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(PN10041 PN10047 AH01617 AH01618));
done_testing();

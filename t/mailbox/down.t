#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# A directory that is down, silent, or back: no client is told of a wrong
# password, none waits for long, and nobody restarts httpd.

use strict;
use warnings;
use IO::Socket::IP;
use Test::More;
use Time::HiRes qw(time);
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Dir qw(temp_dir write_file);
use T::Httpd;
use T::Slapd;
use T::Wait qw(until_true);

my $dir = temp_dir();
my $ca  = T::Ca->make("$dir");
my ($one, $two) = map { T::Slapd->new(ca => $ca)->start } 1, 2;

# Accepts connections by its backlog and never says a word.
my $mute = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 100);

write_file("$dir/secret", $one->reader_password . "\n");
write_file("$dir/wrong",  "not-it\n");

sub location {
    my ($name, $url, %more) = @_;
    my $secret = $more{secret} // 'secret';
    return <<"CONF";
<Location "/$name">
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    Require valid-user
    MailboxLDAPURL $url
    MailboxLDAPBindPassword file:$dir/$secret
</Location>
<Location "/lookup-$name">
    SetHandler mailbox-lookup
    MailboxLDAPURL $url
    MailboxLDAPBindPassword file:$dir/$secret
</Location>
CONF
}

my $base   = $one->people;
my ($ldaps1, $ldaps2) = map { $_->host . ':' . $_->ldaps_port } $one, $two;
my $httpd = T::Httpd->new(
    modules => ['mailbox'],
    load    => ['ldap'],
    main    => <<"CONF", conf => join '',
LDAPTrustedGlobalCert CA_BASE64 $ca->{ca}
LDAPTimeout 4
LDAPConnectionTimeout 3
LDAPRetries 1
MailboxLDAPTimeout 3
MailboxLDAPBindDN @{[$one->reader_dn]}
CONF
    location(one => "ldaps://$ldaps1/$base"),
    location(both => qq("ldaps://$ldaps1 $ldaps2/$base")),
    location(starttls => $one->url . "/$base STARTTLS"),
    location(mute => 'ldaps://127.0.0.1:' . $mute->sockport . "/$base"),
    location(mutestart => 'ldap://127.0.0.1:' . $mute->sockport . "/$base STARTTLS"),
    location(closed => "ldaps://127.0.0.1:1/$base"),
    location(badsecret => "ldaps://$ldaps1/$base", secret => 'wrong'),
    location(badbase => "ldaps://$ldaps1/ou=nowhere,dc=example,dc=test"));
$httpd->start;
write_file($httpd->dir . "/htdocs/$_", "in\n") for qw(one both starttls mute mutestart closed badsecret badbase);
my $curl = T::Curl->new(base => $httpd->url);

my $took;
sub ask {
    my ($path, $user) = @_;
    my $before = time;
    my $answer = $curl->get($path, user => $user);
    $took = time - $before;
    return $answer->{status};
}
sub login { ask("/$_[0]", $_[1] // 'alice:secret-alice') }
sub look  { ask("/lookup-$_[0]?login=alice") }

# --- up ---

is(login($_), 200, "$_: logs in") for qw(one both starttls);
is(login($_, 'alice:wrong'), 401, "$_: a wrong password") for qw(one both starttls);

# --- never right ---

for my $name (qw(closed mute mutestart badsecret badbase)) {
    is(login($name), 503, "$name: 503, not 401");
    cmp_ok($took, '<', 10, "$name: within 10 s");
    is(look($name), 503, "$name: look-up answers 503");
    cmp_ok($took, '<', 10, "$name: look-up within 10 s");
}
ok($httpd->logged(qr/PN10041: .*MailboxLDAPBindPassword is wrong/), 'a wrong reader password is told from a wrong password');
ok($httpd->logged(qr/PN10041: .*is the base right/), 'a wrong base is named');
is(login('one'), 200, 'nobody else is disturbed');

# --- silent ---

$one->freeze;
for my $name (qw(one starttls)) {
    is(login($name), 503, "$name: silent directory");
    cmp_ok($took, '<', 10, 'within 10 s');
    is(login($name), 503, "$name: the next one");
    cmp_ok($took, '<', 0.5, 'does not wait for it');
}
$one->thaw;
ok(until_true(sub { login($_) == 200 }, 3), "$_: speaks again, known within 3 s") for qw(one starttls);

# --- gone, and back ---

for my $how (qw(kill stop)) {
    is(login('both'), 200, "before $how");
    $one->$how;
    is(login('one'), 503, "$how: 503");
    cmp_ok($took, '<', 10, 'within 10 s');
    is(login('starttls'), 503, "$how: 503 with STARTTLS");
    is(login('both'), 200, "$how: the second host answers");
    cmp_ok($took, '<', 10, 'within 10 s');
    is(login('both', 'alice:wrong'), 401, 'and refuses a wrong password');
    $one->start;
    is(login($_), 200, "$how: $_ is back without a restart of httpd") for qw(one starttls both);
}

# Connections of the pool that died while nobody looked.
is(login('one'), 200, 'once more');
$one->stop;
$one->start;
is(login('one'), 200, 'dead connections of the pool are replaced within the request');
is(look('one'), 200, 'for look-ups as well');

is($curl->get('/closed', user => 'alice:secret-alice')->{headers}{'retry-after'}, '30', 'Retry-After says when');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(PN10041 PN10047 AH01617));
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Directives: wrong ones end configtest with a sentence, right ones merge.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", $FindBin::Bin;
use Test::More;
use T::Dir qw(write_file top read_file);
use T::Httpd;
use Ews qw(log_ok server post availability text);

my $httpd = T::Httpd->new(modules => [qw(mailbox freebusy)], load => ['ldap']);

my @wrong = (
    'FreeBusyEngine perhaps',
    'FreeBusySource /srv/%{user}.ics',
    'FreeBusySource file:srv/%{user}.ics',
    'FreeBusySource file:/srv/all.ics',
    'FreeBusySource file:/srv/%{usr}.ics',
    'FreeBusySource ftp://dav.example.com/%{user}',
    'FreeBusySource https://%{user}.example.com/',
    'FreeBusySource https:///%{user}',
    'FreeBusySource https://a:b@dav.example.com/%{user}',
    'FreeBusySourceLogin postern secret',
    'FreeBusySourceLogin postern file:/nowhere',
    'FreeBusySourceHeader X-User: %{user}',
    'FreeBusySourceHeader X-User %{usr}',
    'FreeBusySourceCA /nowhere',
    'FreeBusySourceLogin someone',
    'FreeBusyView Everything',
    'FreeBusyCacheTime forever',
    'FreeBusyTimeout 0',
    'FreeBusyTimeout ten',
    'FreeBusyTimeout 301',
    'FreeBusyTimeout 10parsecs',
    'FreeBusyTimeout -1',
    'FreeBusyCacheTime 2h',
    'FreeBusySource report:https://dav.example.com/all/',
    'FreeBusyMaxBytes 5',
    'FreeBusyTimeZone Moon',
    'FreeBusyTimeZone ../../etc/passwd',
    'FreeBusyWorkingHours Mon-Fry 08:00-17:00',
    'FreeBusyWorkingHours Mon-Fri 17:00-08:00',
    'FreeBusyWorkingHours Mon-Fri 8-17',
    'FreeBusyWorkingHours , 08:00-17:00',
    'FreeBusyOofStore /var/vmail/%{user}',
    'FreeBusyOofStore file:/var/vmail/one.sieve',
    'FreeBusyOofStore managesieve://',
    'FreeBusyOofStore managesieve://mail:x',
    'FreeBusyOofStore managesieve://a@mail',
    'FreeBusyOofStore managesieve://mail/x',
    'FreeBusyOofStoreLogin postern secret',
    'FreeBusyOofStoreUser alice',
    'FreeBusyOofStoreCA /nowhere',
    'FreeBusyOofDomain http://example.com',
    'FreeBusyOofExternal Friends',
    'FreeBusyOofInclude ../other',
    'FreeBusyOofInclude .hidden',
);
for my $line (@wrong) {
    $httpd->configure(conf => $line);
    my ($passed, $out) = $httpd->configtest;
    ok(!$passed, "refused: $line");
    my ($name) = split ' ', $line;
    like($out, qr/\b$name(?::| must be) .*(?:write|must|On or Off)/s,
        '  with a sentence');
}

my @right = (
    'FreeBusySource https://dav.example.com:8443/a/%{domain}/%{user}.ifb',
    'FreeBusySourceHeader x-webobjects-remote-user %{user}',
    'FreeBusyView mergedonly',
    'FreeBusyTimeout 1500ms',
    'FreeBusyTimeout 2min',
    'FreeBusyCacheTime 10min',
    'FreeBusySource report:https://dav.example.com/%{user}/',
    'FreeBusyTimeZone "W. Europe Standard Time"',
    'FreeBusyWorkingHours Sun-Thu,Sat 07:30-24:00',
    'FreeBusyWorkingHours Saturday-Monday 00:00-12:00',
    'FreeBusyOofStore managesieve://mail.example.com',
    'FreeBusyOofStore managesieve://[::1]:4190',
    'FreeBusyOofStoreUser %{mail}',
    'FreeBusyOofDomain example.com example.org',
    'FreeBusyOofInclude roundcube',
);
for my $line (@right) {
    $httpd->configure(conf => $line);
    my ($passed, $out) = $httpd->configtest;
    ok($passed, "accepted: $line") or diag $out;
}

for my $row (['FreeBusyCache nowhere', 0], ['FreeBusyCache shmcb', 1],
    ['FreeBusyCache shmcb:/tmp/x(y)', 0]) {
    $httpd->configure(main => $row->[0], conf => '');
    is(($httpd->configtest)[0] ? 1 : 0, $row->[1], "in the main server: $row->[0]");
}
$httpd->configure(main => '');

# The shipped file works as it is.
my $shipped = read_file(top() . '/conf/freebusy.conf');
$httpd->configure(conf => $shipped);
ok(($httpd->configtest)[0], 'conf/freebusy.conf is sound');

# Inner sections win, and what they leave out comes from outside.
my $merged = server(users => [qw(alice bob)], stopped => 1, conf => '');
my $dir = $merged->dir;
write_file("$dir/cal/alice.ics", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n");
$merged->configure(main => 'FreeBusyView Detailed', conf => <<"CONF");
MailboxFile $dir/mailboxes
FreeBusyEngine On
FreeBusySource file:$dir/cal/%{user}.ics
<Location "/">
    AuthType Basic
    AuthName Mail
    AuthBasicProvider mailbox
    Require valid-user
</Location>
<Location "/ews/as">
    FreeBusyView MergedOnly
</Location>
<Location "/ews/oof">
    FreeBusyEngine Off
</Location>
CONF
$merged->start;
my $question = availability(who => ['alice@example.test'],
    start => '2026-03-02T00:00:00', end => '2026-03-03T00:00:00');
is(text((post($merged, 'bob', $question))[1], 'FreeBusyViewType'),
    'DetailedMerged', 'from the server configuration');
is(text((post($merged, 'bob', $question, path => '/ews/as'))[1],
    'FreeBusyViewType'), 'MergedOnly', 'a location wins');
is((post($merged, 'bob', $question, path => '/ews/oof'))[0], 404,
    'and can turn it off');
$merged->stop;
log_ok($merged);
done_testing();

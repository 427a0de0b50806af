#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# MailboxCache: what the directory said, and that it knows nobody of a name, is
# kept for as long as MailboxCacheTime says, shared by all children; passwords
# are not kept.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Directory qw(directory_conf);
use T::Dir qw(temp_dir write_file read_file);
use T::Httpd;
use T::Slapd;
use T::Wait qw(until_true);

my $dir  = temp_dir();
my $ca   = T::Ca->make("$dir");
my $ldap = T::Slapd->new(ca => $ca)->start;

my $httpd = T::Httpd->new(
    modules => ['mailbox'],
    load    => ['ldap'],
    main    => <<"CONF", conf => <<"LOCATIONS")->start;
KeepAlive Off
MailboxCache shmcb
MailboxCacheTime 600 600
@{[ directory_conf($dir, $ca, $ldap, $ldap->people) ]}
CONF
<Location "/private">
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    Require valid-user
</Location>
<Location "/lookup">
    SetHandler mailbox-lookup
</Location>
<Location "/lookup/short">
    MailboxCacheTime 1 1
</Location>
<Location "/lookup/off">
    MailboxCacheTime Off
</Location>
LOCATIONS
write_file($httpd->dir . '/htdocs/private', "in\n");
my $curl = T::Curl->new(base => $httpd->url);

sub name { my ($n) = $curl->get($_[0])->{body} =~ /^name: (.*)/m; $n // '' }
sub status { $curl->get($_[0])->{status} }
sub rename_alice { $ldap->modify('dn: ' . $ldap->user(1)->{dn} . "\nchangetype: modify\nreplace: displayName\ndisplayName: $_[0]\n") }

my ($alice, $mail) = ($ldap->user(1), $ldap->user(1)->{mail});

# --- found ---

rename_alice('First');
is(name("/lookup?address=$mail"), 'First', 'the directory is asked');
is(name("/lookup/off?address=$mail"), 'First', 'here each time');
is(name("/lookup/short?login=alice"), 'First', 'here for a second');
rename_alice('Second');
is(name("/lookup?address=$mail"), 'First', 'what it said is kept');
is(name('/lookup?address=' . uc $mail), 'First', 'whatever the case');
is(name("/lookup/off?address=$mail"), 'Second', 'but not here');
ok(until_true(sub { name('/lookup/short?login=alice') eq 'Second' }, 10), 'the time passes');

# --- not found ---

is(status('/lookup?login=zoe'), 404, 'nobody of that name');
is(status('/lookup/short?login=zoe'), 404, 'here either');
$ldap->add("dn: cn=zoe," . $ldap->people . "\nobjectClass: inetOrgPerson\nobjectClass: extensibleObject\ncn: zoe\nsn: zoe\nsAMAccountName: zoe\nmail: zoe\@example.test\n");
is(status('/lookup?login=zoe'), 404, 'that is kept as well');
is(status('/lookup/off?login=zoe'), 200, 'but not here');
ok(until_true(sub { status('/lookup/short?login=zoe') == 200 }, 10), 'and its time passes');

# --- logins ---

my @right = (user => "alice:$alice->{password}");
is($curl->get('/private', @right)->{status}, 200, 'a right password');
is($curl->get('/private', user => 'alice:wrong')->{status}, 401, 'a wrong one');
$ldap->stop;
is(status("/lookup?address=$mail"), 200, 'the directory is down: what is kept is told');
is(status("/lookup/off?address=$mail"), 503, 'and nothing else');
is($curl->get('/private', @right)->{status}, 503, 'and nobody logs in from the cache');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(AH01617 PN10041 PN10042 PN10043 PN10044 PN10047));
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Many logins at once on few connections: no answer is another's, nobody
# searches in a user's name, and the directory is asked no more than needed.

use strict;
use warnings;
use POSIX ();
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Directory qw(directory_conf);
use T::Dir qw(temp_dir write_file read_file);
use T::Httpd;
use T::Slapd;

my $dir  = temp_dir();
my $ca   = T::Ca->make("$dir");
my $ldap = T::Slapd->new(ca => $ca)->start;

my $httpd = T::Httpd->new(
    modules => ['mailbox'],
    load    => [qw(ldap headers)],
    main    => <<"CONF", conf => <<"LOCATIONS")->start;
MailboxDomain EXAMPLE
@{[ directory_conf($dir, $ca, $ldap, $ldap->people) ]}
CONF
<Location "/private">
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    Require valid-user
    MailboxEnv On
    Header always set X-User "%{MAILBOX_USER}e"
</Location>
LOCATIONS
write_file($httpd->dir . '/htdocs/private', "in\n");
my $curl = T::Curl->new(base => $httpd->url);

# What slapd did since the last call: counts of SRCH and BIND.
my $seen = 0;
sub asked {
    my $log = substr read_file($ldap->log_file), $seen;
    $seen += length $log;
    return [scalar(() = $log =~ /\bSRCH base="ou=/g), scalar(() = $log =~ /\bBIND dn="[^"]*" method/g)];
}

# --- how often ---

is($curl->get('/private', user => 'alice:secret-alice')->{status}, 200, 'first login');
asked();
for my $name ('alice', 'EXAMPLE\alice', 'alice@example.test') {
    is($curl->get('/private', user => "$name:secret-alice")->{headers}{'x-user'}, 'alice', $name);
    is_deeply(asked(), [1, 1], "$name: one search and one bind, although the name is needed twice");
}
$curl->get('/private', user => 'nobody:x');
is_deeply(asked(), [1, 0], 'nobody: one search');
$curl->get('/private', user => 'OTHER\alice:x');
is_deeply(asked(), [0, 0], 'a foreign domain: none');
$curl->get('/private', user => 'alice:');
is_deeply(asked(), [0, 0], 'an empty password: none');

# --- all at once ---

my @users = map { $ldap->user($_) } 1 .. 4;
my @clients = map {
    my $n   = $_;
    my $pid = fork // die;
    if (!$pid) {
        my $bad = 0;
        for my $i (1 .. 20) {
            my $user  = $users[($n + $i) % @users];
            my $right = ($n * 7 + $i) % 3;
            my $answer = $curl->get('/private',
                user => "$user->{name}:" . ($right ? $user->{password} : 'wrong'));
            $bad++ if $answer->{status} != ($right ? 200 : 401);
            $bad++ if $right && $answer->{headers}{'x-user'} ne $user->{name};
        }
        POSIX::_exit($bad);
    }
    $pid;
} 1 .. 8;
my $bad = 0;
for (@clients) { waitpid $_, 0; $bad += $? >> 8 }
is($bad, 0, '160 logins by 8 clients: each got its own answer');

# A user may read nothing here, so one who searched would find nothing.
unlike(read_file($ldap->log_file), qr/SEARCH RESULT tag=101 err=(?!0\b)/, 'no search failed');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(AH01617 AH01618));
done_testing();

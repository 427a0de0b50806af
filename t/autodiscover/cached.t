#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Answers with MailboxCache in shared memory, in memcached and in Redis: how
# often the directory is asked, that both times to live pass, and that a cache
# which falls silent holds no question.

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use lib qw(t/lib t/autodiscover);
use Ask qw(code);
use LdapWatch;
use T::Ca;
use T::Directory qw(directory_conf);
use T::Dir qw(temp_dir);
use T::Httpd;
use T::Process;
use T::Slapd;
use T::Wait qw(free_port until_port until_true);

my $dir   = temp_dir();
my $ca    = T::Ca->make("$dir");
my $ldap  = T::Slapd->new(ca => $ca)->start;
my $watch = LdapWatch->new(directory => $ldap, ca => $ca)->start;
my $alice = $ldap->user(1);

# What starts the cache on a port; nothing for one in httpd itself.
my %command = (
    shmcb    => undef,
    memcache => sub { ('memcached', '-u', 'nobody', '-l', '127.0.0.1', '-U', 0, '-p', $_[0]) },
    redis    => sub { ('redis-server', '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--port', $_[0]) });

my ($ask, %more);

# [searches, error code or 'no error', seconds] of one question.
sub question {
    my ($address) = @_;
    $watch->since;
    my $began  = time;
    my $answer = $ask->pox(address => $address, user => "alice:$alice->{password}", %more);
    return [scalar(grep { $_->{op} eq 'search' } @{ $watch->since }), code($answer), time - $began];
}
sub asked { my $q = question(@_); return "$q->[1], $q->[0] searches" }

sub try {
    my ($kind) = @_;
    my ($port, $cache) = (free_port());
    if ($command{$kind}) {
        $cache = T::Process->start([$command{$kind}->($port)], "$dir/$kind.log");
        until_port('127.0.0.1', $port, 10, $cache->pid) or die "$kind did not start\n";
    }
    my $httpd = T::Httpd->new(modules => [qw(mailbox autodiscover)], load => ['ldap', "socache_$kind"],
        main => <<"CONF", conf => <<"VHOST")->start;
KeepAlive Off
MailboxCache $kind@{[ $cache ? ":127.0.0.1:$port" : '' ]}
MailboxCacheTime 600 600
@{[ directory_conf($dir, $ca, $watch, $ldap->people) ]}
CONF
Autodiscover On
AutodiscoverServerName mail.example.test
<Location /autodiscover>
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    MailboxLoginCache 600
    Require valid-user
</Location>
<If "-n req('X-Short')">
    MailboxCacheTime 2 2
</If>
VHOST
    $ask = Ask->new($httpd, seconds => 8);

    is(asked($alice->{mail}), 'no error, 1 searches', 'the directory is asked once');
    is(asked($alice->{alias}), 'no error, 0 searches', 'and not again, by any address');
    is(asked('nobody@example.test'), '500, 1 searches', 'an unknown address is asked about once');
    is(asked('NOBODY@example.test'), '500, 0 searches', 'and not again');

    %more = (header => ['X-Short: 1']);
    is(asked($alice->{mail}), 'no error, 1 searches', 'for two seconds');
    ok(until_true(sub { question($alice->{mail})->[0] == 1 }, 10), 'which pass');
    is(asked('nobody@example.test'), '500, 1 searches', 'an unknown one as well');
    ok(until_true(sub { question('nobody@example.test')->[0] >= 1 }, 10), 'passes');
    %more = ();

    if ($cache) {
        kill 'STOP', $cache->pid;
        for my $n (1 .. 3) {
            my $question = question($alice->{mail});
            is("$question->[1], $question->[0] searches", 'no error, 1 searches', "the cache is silent, $n: the directory is asked");
            cmp_ok($question->[2], '<', 1, sprintf 'within a second (%.0f ms)', 1000 * $question->[2]);
        }
        ok($httpd->logged('PN10073'), 'the log tells');
        kill 'CONT', $cache->pid;
        ok(until_true(sub { question($alice->{mail})->[0] == 0 }, 20), 'it speaks again, and is used again');
        $cache->stop;
        is((question($alice->{mail}))->[1], 'no error', 'it is gone: the directory is asked');
    }
    is($httpd->stop, 0, 'httpd ends cleanly');
    $httpd->log_ok(qw(PN10073 PN12001 AH00790 AH00791 AH03478 AH03479));
}

for my $kind (qw(shmcb memcache redis)) {
    my ($program) = $command{$kind} ? $command{$kind}->(0) : ();
    SKIP: {
        skip "$program is not installed (make deps)", 1 if $program && system("command -v $program >/dev/null") != 0;
        subtest $kind => sub { try($kind) };
    }
}
done_testing();

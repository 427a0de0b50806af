#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# mod_authn_socache in front, its cache in another server: memcached and Redis,
# alive, gone, and silent.  The last holds logins, since the clients of these
# in APR wait without limit (Redis also with RedisTimeout); MailboxLoginCache
# does not.

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Directory qw(directory_conf);
use T::Dir qw(temp_dir);
use T::Httpd;
use T::Process;
use T::Slapd;
use T::Wait qw(free_port until_port until_true);

my %command = (
    memcache => sub { ['memcached', '-u', 'nobody', '-l', '127.0.0.1', '-U', 0, '-p', $_[0]] },
    redis    => sub { ['redis-server', '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--port', $_[0]] });

my $dir  = temp_dir();
my $ca   = T::Ca->make("$dir");
my $ldap = T::Slapd->new(ca => $ca)->start;
my $alice = $ldap->user(1);

for my $kind (sort keys %command) {
    my $program = $command{$kind}->(0)[0];
    SKIP: {
        skip "$program is not installed (make deps)", 1 if system("command -v $program >/dev/null") != 0;
        subtest $kind => sub { try($kind) };
    }
}
done_testing();

sub try {
    my ($kind) = @_;
    my $port = free_port();
    my $start = sub {
        my $process = T::Process->start($command{$kind}->($port), "$dir/$kind.log");
        until_port('127.0.0.1', $port, 10, $process->pid) or die "$kind did not start\n";
        return $process;
    };
    my $cache = $start->();
    my $limits = $kind eq 'redis' ? 'RedisTimeout 1' : '';
    my $httpd = T::Httpd->new(modules => ['mailbox'], load => ['ldap', 'authn_socache', "socache_$kind"],
        main => <<"CONF", conf => <<"LOCATIONS")->start;
AuthnCacheSOCache $kind:127.0.0.1:$port
$limits
@{[ directory_conf($dir, $ca, $ldap, $ldap->people) ]}
CONF
<Location "/shared">
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider socache mailbox
    AuthnCacheProvideFor mailbox
    AuthnCacheContext mail
    Require valid-user
</Location>
<Location "/own">
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    MailboxLoginCache 60
    Require valid-user
</Location>
LOCATIONS
    my $curl = T::Curl->new(base => $httpd->url, seconds => 3);
    my $login = sub {
        my ($path, $password) = @_;
        my $began = time;
        my $status = $curl->get($path, user => "alice:$password")->{status};
        return ($status, time - $began);
    };
    is(($login->('/shared', $alice->{password}))[0], 404, 'logs in');
    is(($login->('/shared', 'wrong'))[0], 401, 'a wrong password does not');
    $ldap->freeze;
    is(($login->('/shared', $alice->{password}))[0], 404, 'from the cache, the directory is silent');
    $ldap->thaw;

    kill 'STOP', $cache->pid;
    my ($status, $took) = $login->('/shared', $alice->{password});
    is($status, 0, 'a silent cache holds the login, as the man page warns');
    ($status, $took) = $login->('/own', $alice->{password});
    is($status, 404, 'MailboxLoginCache does not care');
    cmp_ok($took, '<', 1, 'within a second');
    kill 'CONT', $cache->pid;
    $httpd->stop;
    $httpd->start; # forgets that the cache was silent

    $cache->stop;
    ($status, $took) = $login->('/shared', $alice->{password});
    is($status, 404, 'without a cache the directory is asked');
    cmp_ok($took, '<', 1, 'within a second');
    is($httpd->stop, 0, 'httpd ends cleanly');
    $httpd->log_ok(qw(AH01617 AH01618 AH01682 AH01686 AH03478 AH03479 AH00790 AH00791));
}

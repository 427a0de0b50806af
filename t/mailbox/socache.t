#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Caches in another server, memcached and Redis: alive, silent, and gone.
# mod_authn_socache and MailboxCache reach them by way of the socache provider
# "mailbox", so that a silent one holds no login for longer than a second.

use strict;
use warnings;
use IO::Socket::IP;
use Test::More;
use Time::HiRes qw(time);
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Directory qw(directory_conf);
use T::Dir qw(temp_dir read_file);
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
my ($kind, $port, $httpd, $curl);

for (sort keys %command) {
    $kind = $_;
    my $program = $command{$kind}->(0)[0];
    SKIP: {
        skip "$program is not installed (make deps)", 1 if system("command -v $program >/dev/null") != 0;
        subtest $kind => \&try;
    }
}

for my $row (['mailbox', 'stands before another cache'], ['mailbox:shmcb', 'keeps nobody waiting'],
    ['mailbox:nothing:x', 'a2enmod socache_nothing'])
{
    my ($passed, $out) = T::Httpd->new(modules => ['mailbox'], load => ['authn_socache'],
        main => "AuthnCacheSOCache $row->[0]")->configtest;
    ok(!$passed && $out =~ /AuthnCacheSOCache: .*\Q$row->[1]/, "$row->[0]: $row->[1]") or diag $out;
}
for my $row (['memcache:127.0.0.1:9', 1], ['mailbox:memcache:127.0.0.1:9', 0], ['shmcb', 0]) {
    my ($passed, $out) = T::Httpd->new(modules => ['mailbox'], load => [qw(authn_socache socache_memcache)],
        main => "AuthnCacheSOCache $row->[0]")->configtest;
    ok($passed, "$row->[0] passes") or diag $out;
    is($out =~ /PN10003: AuthnCacheSOCache: .* write mailbox:\Q$row->[0]\E$/m ? 1 : 0, $row->[1], 'warned of, if it may hang');
}
done_testing();

sub start_cache {
    my $process = T::Process->start($command{$kind}->($port), "$dir/$kind.log");
    until_port('127.0.0.1', $port, 10, $process->pid) or die "$kind did not start\n";
    return $process;
}

sub start_httpd {
    $httpd = T::Httpd->new(modules => ['mailbox'], load => ['ldap', 'authn_socache', "socache_$kind"],
        main => <<"CONF", conf => <<"LOCATIONS")->start;
AuthnCacheSOCache mailbox:$kind:127.0.0.1:$port
MailboxCache $kind:127.0.0.1:$port
MailboxCacheTime 600
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
<Location "/lookup">
    SetHandler mailbox-lookup
</Location>
LOCATIONS
    $curl = T::Curl->new(base => $httpd->url, seconds => 8);
}

# The status of a login, and how long it took.
sub login {
    my ($path, $password) = @_;
    my $began = time;
    my $status = $curl->get($path, user => "alice:" . ($password // $alice->{password}))->{status};
    return ($status, time - $began);
}

# The same by several clients at once: their statuses, and the longest time.
sub many {
    my ($path, $clients) = @_;
    my @pipes = map {
        open my $pipe, '-|', 'curl', '-s', '-o', '/dev/null', '-u', "alice:$alice->{password}", '-m', 8,
            '-w', "%{http_code} %{time_total}\n", $httpd->url($path) or die;
        $pipe;
    } 1 .. $clients;
    my @answers = map { [split ' ', scalar <$_>] } @pipes;
    my ($longest) = sort { $b <=> $a } map { $_->[1] } @answers;
    return (join(' ', map { $_->[0] } @answers), $longest);
}

# How much the cache holds.
sub entries {
    my $socket = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) or return 0;
    print {$socket} $kind eq 'redis' ? "DBSIZE\r\n" : "stats\r\n";
    while (<$socket>) {
        return $1 if /^(?::|STAT curr_items )(\d+)/;
        last if /^END/;
    }
    return 0;
}

# Without the directory only a cache lets alice in.
sub knows_without_directory {
    my ($path, $good) = @_;
    $ldap->freeze;
    my ($status) = login($path);
    $ldap->thaw;
    return $status == ($good // 404);
}

sub try {
    $port = free_port();
    my $cache = start_cache();
    start_httpd();
    is((login('/shared'))[0], 404, 'logs in');
    is((login('/shared', 'wrong'))[0], 401, 'a wrong password does not');
    ok(knows_without_directory('/shared'), 'from the cache, the directory is silent');
    is((login('/lookup?login=alice'))[0], 200, 'a mailbox is looked up');
    ok(knows_without_directory('/lookup?login=alice', 200), 'and kept in the cache');

    kill 'STOP', $cache->pid;
    for my $path ('/shared', '/own', '/lookup?login=alice') {
        my $good = $path =~ /lookup/ ? 200 : 404;
        my ($statuses, $longest) = many($path, 12);
        is($statuses, join(' ', ($good) x 12), "the cache is silent: $path, twelve at once");
        cmp_ok($longest, '<', 1, sprintf 'each within a second (%.0f ms)', 1000 * $longest);
        my ($status, $took) = login($path);
        is($status, $good, 'and one more');
        cmp_ok($took, '<', 1, sprintf 'within a second (%.0f ms)', 1000 * $took);
    }
    is((login('/shared', 'wrong'))[0], 401, 'a wrong password stays wrong');
    ok($httpd->logged("PN10073: cache $kind:127.0.0.1:$port has not answered within 300 ms"), 'the log tells');
    my $lines = () = read_file($httpd->log_file) =~ /PN10073/g;
    is($lines, 2, 'once for each of the two uses');
    kill 'CONT', $cache->pid;
    ok(until_true(sub { login('/shared'); knows_without_directory('/shared') }, 30), 'it speaks: all as before');

    kill 'STOP', $cache->pid;
    is((login('/shared'))[0], 404, 'silent again');
    is($httpd->stop, 0, 'httpd ends cleanly all the same');
    $httpd->log_ok(qw(AH01617 PN10041 PN10047 PN10073));
    kill 'CONT', $cache->pid;

    start_httpd();
    is((login('/shared'))[0], 404, 'a new httpd');
    $cache->stop;
    my ($status, $took) = login('/shared');
    is($status, 404, 'without a cache the directory is asked');
    cmp_ok($took, '<', 1, 'within a second');
    is((login('/lookup?login=alice'))[0], 200, 'by the look-up too');
    $cache = start_cache();
    ok(until_true(sub { login('/shared'); entries() == 2 }, 60), 'back: both write there again');
    ok(knows_without_directory('/shared'), 'and all is as before');
    is($httpd->stop, 0, 'httpd ends cleanly');
    $httpd->log_ok(qw(AH01682 AH01686 AH03478 AH03479 AH00790 AH00791 PN10041 PN10047));
    $cache->stop;
}

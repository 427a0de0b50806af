#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Many tunnels at once: no thread for any of them, nothing left afterwards, a
# graceful restart ends them in order, limits refuse in time, and back ends that
# never read cost a bounded memory and nobody else's time.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Dir qw(temp_dir read_file);
use T::Httpd;
use T::RpcProxy qw(rpc_location rpc_users);
use T::Rpch;
use T::Wait qw(until_true);
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Time::HiRes qw(time);

my $backend = T::Rpch->listener;
my $port    = $backend->sockport;
my $stuck   = T::Rpch->listener;
my $window  = 262144;    # by default
setsockopt $stuck, SOL_SOCKET, SO_RCVBUF, 8192;
my $dir     = temp_dir();
my $ca      = T::Ca->make("$dir");
my $httpd;

sub start_httpd {
    my (%more) = @_;
    $httpd = T::Httpd->new(modules => ['rpcproxy'], tls => $ca,
        conf => <<"CONF", %more, main => <<"MAIN" . ($more{main} // ''));
RPCProxyBackend srv.example.test * 127.0.0.1:$port
RPCProxyBackend stuck.example.test * 127.0.0.1:@{[$stuck->sockport]}
RPCProxyPingInterval 0
RPCProxyMaxTunnelsPerUser 1000
@{[ rpc_location('/rpc/') ]}
@{[ rpc_location('/rpcwithcert/', 'RPCProxyMaxTunnelsPerUser 400') ]}
CONF
ServerLimit 4
MaxRequestWorkers 16
<IfModule mpm_event_module>
    AsyncRequestWorkerFactor 4000
</IfModule>
RPCProxyDrainTime 2
MAIN
    rpc_users($httpd, qw(alice bob));
    $httpd->start;
}

sub client {
    my ($tls, @more) = @_;
    return T::Rpch->new(port => $tls ? $httpd->tls_port : $httpd->port, $tls ? (tls => $ca->{ca}) : (),
        target => 'srv.example.test:6001', user => 'alice', password => 'password', @more);
}

# Children of the server that run our threads.
sub children {
    my $pid = $httpd->pid;
    return grep { -d "/proc/$_/task" } split ' ', read_file("/proc/$pid/task/$pid/children") // '';
}

sub threads { my ($pid) = @_; my @t = glob "/proc/$pid/task/*"; return scalar @t }
sub descriptors { my ($pid) = @_; my @f = glob "/proc/$pid/fd/*"; return scalar @f }

sub round_trip {
    my ($c, $server, $n) = @_;
    my $request = T::Rpch::request($n, "question $n");
    $c->in->send($request);
    ($server->read_pdu // '') eq $request or return 0;
    $server->send(T::Rpch::response($n, "answer $n"));
    return ($c->out->read_pdu // '') eq T::Rpch::response($n, "answer $n");
}

sub open_many {
    my ($count, $tls, $listener, @more) = @_;
    my @all;
    for my $n (1 .. $count) {
        my $c = client($tls, @more);
        push @all, [$c, $c->open($listener // $backend)];
    }
    return @all;
}

sub test_many {
    my ($tls, $count) = @_;
    my $on = $tls ? 'TLS' : 'plain';
    round_trip(@{ (open_many(1, $tls))[0] }, 1);    # everything is loaded
    my ($child) = children();
    until_true(sub { descriptors($child) < 60 }, 10);
    my ($threads, $before) = (threads($child), descriptors($child));
    my @all = open_many($count, $tls);
    is(scalar(@all), $count, "$on: $count tunnels are open");
    is(scalar(children()), 1, 'in one child');
    cmp_ok(threads($child), '<=', $threads, 'without one thread more');
    cmp_ok(descriptors($child), '<=', $before + 3 * $count, 'three descriptors each');
    my $good = grep { round_trip(@{ $all[$_] }, $_) } 0 .. $#all;
    is($good, $count, 'a call through each of them');
    # Every way to end, by turns.
    for my $n (0 .. $#all) {
        my ($c, $server) = @{ $all[$n] };
        ($c->in, $c->out, $server)[$n % 3]->close;
    }
    my $ended = grep { my ($c, $server) = @$_;
        (!$server->socket || $server->ends(3)) && (!$c->out->socket || $c->out->ends(3)) } @all;
    is($ended, $count, 'all of them end');
    @all = ();
    ok(until_true(sub { descriptors($child) <= $before }, 15), 'no descriptor is left')
        or diag("$before before, " . descriptors($child) . ' after');
    my ($still) = children();
    is($still, $child, 'the child lives');
}

sub test_limit {
    my @path  = (path => '/rpcwithcert/rpcproxy.dll');
    my @alice = open_many(400, 0, $backend, @path);
    my $c = client(0, @path);
    $c->open_out;
    $c->send_a1;
    like($c->out->read_head, qr/ 503 RPC Error: 6bb\r/, 'one tunnel more than a user may have');
    $c = client(0, @path, user => 'bob');
    ok(round_trip($c, $c->open($backend), 1), 'another user gets in');
    $_->[0]->close for @alice;
    ok(until_true(sub {
        my $again = client(0, @path);
        $again->open_out;
        $again->send_a1;
        my $head = $again->out->read_head;
        $again->close;
        $backend->accept if $head =~ / 200 /;
        return $head =~ / 200 /;
    }, 10), 'and the user again, when others have ended');
}

sub test_graceful {
    my ($count) = @_;
    my @all = open_many($count, 0);
    my ($old) = children();
    kill 'USR1', $httpd->pid;
    my $start = time;
    my $ended = grep { my ($c, $server) = @$_; $c->out->ends(10) && $c->in->ends(2) && $server->ends(2) } @all;
    is($ended, $count, "graceful restart: every one of $count tunnels ends in order");
    cmp_ok(time - $start, '<', 8, 'within the drain time and little more');
    ok(until_true(sub { !-d "/proc/$old" }, 15), 'the old child goes');
    my $c = client(0);
    ok(round_trip($c, $c->open($backend), 1), 'and the next tunnel works');
    $c->close;
}

sub memory { my ($pid) = @_; return (read_file("/proc/$pid/smaps_rollup") =~ /^Pss:\s+(\d+)/m)[0] }

# Milliseconds: median and 99th percentile of so many calls; the quietest of three
# times, for a busy machine.
sub calls {
    my ($c, $server, $count) = @_;
    my @times = map {
        my @took = sort { $a <=> $b } map { my $start = time; round_trip($c, $server, $_); 1000 * (time - $start) } 1 .. $count;
        [@took[ $count / 2, $count * 0.99 ]]
    } 1 .. 3;
    return @{ (sort { $a->[1] <=> $b->[1] } @times)[0] };
}

# Every client sends as long as anything takes bytes, up to more than one tunnel
# may hold.
sub send_to_all {
    my ($most, @all) = @_;
    my $pdus = T::Rpch::request(1, 'x' x 5000) x 20;
    my @sent = (0) x @all;
    my $last = time;
    while (time < $last + 1) {
        for my $n (grep { $sent[$_] < $most } 0 .. $#all) {
            my $at = $sent[$n] % length $pdus;
            my $took = syswrite $all[$n][0]->in->socket, $pdus, length($pdus) - $at, $at or next;
            $sent[$n] += $took;
            $last = time;
        }
    }
    return @sent;
}

sub test_stuck {
    my ($count) = @_;
    my ($other) = open_many(1, 0, $backend);
    my ($child) = children();
    my @before  = calls(@$other, 500);
    my @all     = open_many($count, 0, $stuck, target => 'stuck.example.test:6001', user => 'bob');
    my $idle    = memory($child);
    my @sent    = send_to_all($window + 2 * 65536, @all);
    my @after   = calls(@$other, 500);
    my $memory  = memory($child);
    my $sum     = 0;
    $sum += $_ for @sent;
    cmp_ok($sum, '>', $count * ($window + 65536), sprintf '%d tunnels whose back end never reads: %d MiB sent', $count, $sum >> 20);
    SKIP: {
        skip 'the sanitizer has its own memory', 1 if $ENV{POSTERN_PRELOAD};
        cmp_ok($memory, '<', $count * ($window + 65536) / 1024, sprintf
            'the child has %d MiB, %d when they were idle: under %d x (window + 64 KiB)', $memory >> 10, $idle >> 10, $count);
    }
    cmp_ok($after[1], '<', 2 * $before[1] + 10, sprintf
        'another tunnel: p50 %.2f ms and p99 %.2f ms beside them, %.2f and %.2f before', @after, @before);
    # Nothing of it was lost.
    my $good = grep { my ($c, $server) = @{ $all[$_] };
        length($server->read_exactly($sent[$_]) // '') == $sent[$_] } map { 100 * $_ } 0 .. $count / 100 - 1;
    is($good, $count / 100, 'when they read after all, they get it');
    $_->close for map { @$_ } @all, $other;
    ok(until_true(sub { descriptors($child) < 60 }, 15), 'no descriptor is left') or diag(descriptors($child));
}

start_httpd();
test_many(0, 300);
test_many(1, 100);
test_limit();
test_stuck(1000);
test_graceful(1000);
my @last = open_many(20, 1);
my $start = time;
is($httpd->stop, 0, 'httpd ends in order with tunnels open');
cmp_ok(time - $start, '<', 6, 'and soon');
$httpd->log_ok(qw(PN13061));

# Where nothing can be suspended, two threads each.
start_httpd(mpm => 'worker');
my @some = open_many(5, 0);
ok(round_trip(@$_, 1), 'worker MPM: a call') for @some;
$_->[0]->close for @some;
is($httpd->stop, 0, 'worker MPM: httpd ends in order');
$httpd->log_ok(qw(PN13003));
done_testing();

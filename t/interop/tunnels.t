#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# mod_rpcproxy for long: 10,000 tunnels that end in every way at every point
# (CYCLES=100 for fewer), and 1,000 whose back end never reads.

use strict;
use warnings;
use Test::More;
use lib 't/lib', 'bench/lib';
use Bench qw(pss_kib);
use T::Dir qw(read_file);
use T::Httpd;
use T::RpcProxy qw(rpc_location rpc_users);
use T::Rpch;
use T::Wait qw(until_true);
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time);

my $window  = 65536;
my $backend = T::Rpch->listener;
my $port    = $backend->sockport;
system 'prlimit', '--pid', $$, '--nofile=8192';
my $httpd = T::Httpd->new(modules => ['rpcproxy'], conf => <<"CONF", main => <<'MAIN');
LogLevel warn
RPCProxyBackend srv.example.test * 127.0.0.1:$port
RPCProxyChannelLifetime 20000
RPCProxyReceiveWindow $window
RPCProxyPingInterval 0
RPCProxyMaxTunnelsPerUser 0
@{[ rpc_location('/rpc/') ]}
CONF
ServerLimit 4
MaxRequestWorkers 16
AsyncRequestWorkerFactor 4000
RPCProxyDrainTime 0
MAIN
rpc_users($httpd, qw(alice));
$httpd->start;

sub child { (split ' ', read_file('/proc/' . $httpd->pid . '/task/' . $httpd->pid . '/children') // '')[0] }
sub descriptors { my @f = glob '/proc/' . child() . '/fd/*'; return scalar @f }

sub client {
    return T::Rpch->new(port => $httpd->port, target => 'srv.example.test:6001', user => 'alice',
        password => 'password', window => 262144);
}

# A reset, as when a process is killed with data unread.
sub reset_socket {
    my ($channel) = @_;
    setsockopt $channel->socket, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0);
    $channel->close;
}

# --- every end at every point ---

my $response = T::Rpch::response(1, 'r' x 1000);

sub opened { my $c = client(); return ($c, $c->open($backend)) }

sub new_in {
    my ($c) = @_;
    my $new = bless { %$c, in_cookie => T::Rpch::cookie() }, ref $c;
    $new->open_in->send(T::Rpch::rts(4, T::Rpch::version(), T::Rpch::ck($c->{vc}),
        T::Rpch::ck($c->{in_cookie}), T::Rpch::ck($new->{in_cookie})));
    $c->out->read_pdu;    # A4
    return $new->{in};
}

# Each yields the ends that there are by then: the tunnel's, then others.
my @points = (
    sub { my $c = client(); $c->open_in; $c->in },
    sub { my $c = client(); $c->open_in; $c->send_b1; $c->in },
    sub { my $c = client(); $c->open_out; $c->send_a1; $c->out->read_head; ($c->out, $c->accept($backend)) },
    sub { my ($c, $s) = opened(); ($c->in, $c->out, $s) },
    sub { my ($c, $s) = opened(); $c->in->send(substr T::Rpch::request(1, 'x' x 100), 0, 50); ($c->in, $c->out, $s) },
    sub { my ($c, $s) = opened(); $s->send(substr $response, 0, 500); ($c->in, $c->out, $s) },
    sub { my ($c, $s) = opened(); $s->send($response x 13); ($c->in, $c->out, $s) },    # OUT is to be replaced
    sub { my ($c, $s) = opened(); ($c->in, $c->out, $s, new_in($c)) });

# Kills one end; how many of the others had not ended in time.
sub cycle {
    my ($n) = @_;
    my @ends   = $points[ $n % @points ]->();
    my $killed = int($n / @points) % (@ends > 3 ? 3 : @ends);
    my ($end) = splice @ends, $killed, 1;
    $n % 3 ? reset_socket($end) : $end->close;
    my $left = grep { !$_->ends(2) } @ends;
    $_->close for @ends;
    return $left;
}

my $cycles = $ENV{CYCLES} || 10_000;
my ($start, $late) = (time, 0);
$late += cycle($_) for 1 .. $cycles / 10;
ok(until_true(sub { descriptors() < 60 }, 15), 'a tenth of the cycles');
my ($child, $before, $size) = (child(), descriptors(), pss_kib(child()));
$late += cycle($_) for 1 .. $cycles * 9 / 10;
is($late, 0, "$cycles cycles: the other ends are closed within 2 s");
is(child(), $child, 'the child lives');
ok(until_true(sub { descriptors() <= $before }, 15), 'no descriptor is left')
    or diag("$before before, " . descriptors() . ' after');
my $grown = pss_kib($child) - $size;
cmp_ok($grown, '<', 4096, 'and no memory');
diag(sprintf '%d cycles in %.0f s; descriptors %d and %d, memory %+d KiB', $cycles, time - $start, $before, descriptors(), $grown);

# --- a back end that never reads ---

sub latencies {
    my ($c, $server) = @_;
    my @us;
    for my $n (1 .. 300) {
        my $begin = time;
        $c->in->send(T::Rpch::request($n, 'question'));
        $server->read_pdu;
        push @us, 1e6 * (time - $begin);
    }
    @us = sort { $a <=> $b } @us;
    return @us[ 149, 296 ];
}

my ($count, $fragment) = ($ENV{STUCK} || 1000, T::Rpch::request(1, 'x' x 4000));
my ($good, $server) = opened();
my @alone = latencies($good, $server);
my @stuck = map { [opened()] } 1 .. $count;
$size = pss_kib($child);
# Each client sends all that is taken, far more than its window.
for my $round (1 .. 3) {
    for my $t (@stuck) {
        my $socket = $t->[0]->in->socket;
        for (1 .. 400) { syswrite($socket, $fragment) // last }
    }
}
my @beside = latencies($good, $server);
$grown = pss_kib($child) - $size;
cmp_ok($grown, '<', $count * ($window / 1024 + 64), "$count tunnels whose back end never reads: memory is bound");
cmp_ok($beside[0], '<', 3 * $alone[0] + 500, 'another tunnel is as quick as before');
cmp_ok($beside[1], '<', 3 * $alone[1] + 20_000, 'and so are its slowest calls');
diag(sprintf '%d stuck tunnels: %.1f KiB each; a request takes %d us (p99 %d), before %d (%d)',
    $count, $grown / $count, @beside, @alone);
$_->[0]->close for @stuck;
is($httpd->stop, 0, 'httpd ends in order');
$httpd->log_ok(qw(PN13001));
done_testing();

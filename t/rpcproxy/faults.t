#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Client, back end or child vanish at each point of the protocol: the other
# ends are closed at once, and nothing is left.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Dir qw(temp_dir write_file read_file);
use T::Httpd;
use T::Rpch;
use T::Wait qw(until_true);
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time);

my $backend = T::Rpch->listener;
my $port    = $backend->sockport;
my $dir     = temp_dir();
my $ca      = T::Ca->make("$dir");
my $httpd   = T::Httpd->new(modules => ['rpcproxy'], tls => $ca, main => <<'MAIN', conf => <<"CONF");
ServerLimit 4
MaxRequestWorkers 16
AsyncRequestWorkerFactor 4000
RPCProxyDrainTime 0
MAIN
RPCProxyBackend srv.example.test * 127.0.0.1:$port
RPCProxyChannelLifetime 20000
RPCProxyPingInterval 0
<Location "/rpc/">
    RPCProxy On
    AuthType Basic
    AuthName Mail
    AuthUserFile "\@DIR\@/users"
    Require valid-user
</Location>
CONF
write_file($httpd->dir . '/users', "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n");
$httpd->start;

sub child { (split ' ', read_file('/proc/' . $httpd->pid . '/task/' . $httpd->pid . '/children') // '')[0] }
sub descriptors { my @f = glob '/proc/' . child() . '/fd/*'; return scalar @f }

sub client {
    my ($tls) = @_;
    return T::Rpch->new(port => $tls ? $httpd->tls_port : $httpd->port, $tls ? (tls => $ca->{ca}) : (),
        target => 'srv.example.test:6001', user => 'alice', password => 'password', window => 262144);
}

# As when the process is killed with data unread: a reset.
sub reset_socket {
    my ($channel) = @_;
    my $socket = $channel->socket;
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0);
    $channel->close;
}

my $response = T::Rpch::response(1, 'r' x 1000);

# Points of the protocol: what has happened by then.  Each returns the ends
# that exist: client, back end.
my @points = (
    ['IN request sent' => sub { my $c = client(@_); $c->open_in; ($c) }],
    ['OUT request sent' => sub { my $c = client(@_); $c->open_out; ($c) }],
    ['B1 sent' => sub { my $c = client(@_); $c->open_in; $c->send_b1; ($c) }],
    ['A1 answered' => sub {
        my $c = client(@_); $c->open_out; $c->send_a1; $c->out->more; ($c, $c->accept($backend)) }],
    ['open' => sub { my $c = client(@_); ($c, $c->open($backend)) }],
    ['half a request sent' => sub {
        my $c = client(@_); my $s = $c->open($backend);
        $c->in->send(substr T::Rpch::request(1, 'x' x 100), 0, 50); ($c, $s) }],
    ['half a response sent' => sub {
        my $c = client(@_); my $s = $c->open($backend);
        $s->send(substr $response, 0, 500); ($c, $s) }],
    ['new OUT asked for' => sub {
        my $c = client(@_); my $s = $c->open($backend);
        $s->send($response x 13); $c->out->read_pdu for 1 .. 12; ($c, $s) }],
    ['new IN waiting' => sub {
        my $c = client(@_); my $s = $c->open($backend);
        my $new = $c->connect;
        $new->send($c->request_head('RPC_IN_DATA', 1073741824)
            . T::Rpch::rts(4, T::Rpch::version(), map { T::Rpch::ck($_) } $c->{vc}, $c->{in_cookie}, T::Rpch::cookie()));
        $c->out->read_pdu;
        $c->{new} = $new;
        ($c, $s) }],
    ['data that nobody reads' => sub {
        my $c = client(@_); my $s = $c->open($backend);
        $c->in->send(T::Rpch::request(1, 'x' x 5000)) for 1 .. 20;
        $s->send($response x 5); ($c, $s) }]);

sub ends_soon { my ($channel) = @_; return !$channel || !$channel->socket || $channel->ends(1) }

client()->open($backend);
my $before;
for my $tls (0, 1) {
    for my $point (@points) {
        my ($name, $reach) = @$point;
        for my $victim (qw(in out backend)) {
            my ($c, $server) = $reach->($tls);
            my $end = $victim eq 'backend' ? $server : $c->{$victim};
            next unless $end;
            reset_socket($end);
            my @others = grep { $_ && $_ != $end } $c->in, $c->out, $c->{new}, $server;
            # A channel alone, whose partner never came, has nobody to tell.
            my @left = grep { !ends_soon($_) } @others;
            is(scalar(@left), 0, ($tls ? 'TLS' : 'plain') . ", $name: $victim vanishes, the others end within a second");
            $_->close for grep { $_ && $_->socket } @others;
        }
    }
    $before //= descriptors();
}
ok(until_true(sub { descriptors() <= $before }, 15), 'no descriptor is left');

# Many cycles: nothing grows.
sub memory { (read_file('/proc/' . child() . '/smaps_rollup') // '') =~ /^Pss:\s+(\d+)/m; return $1 }

sub cycles {
    for my $n (1 .. $_[0]) {
        my ($c, $server) = $points[4 + $n % 6][1]->(0);
        reset_socket(($c->in, $c->out, $server)[$n % 3]);
        $_->close for grep { $_ && $_->socket } $c->in, $c->out, $c->{new}, $server;
    }
    until_true(sub { descriptors() <= $before }, 15);
}
cycles(300);
my $memory = memory();
cycles(600);
SKIP: {
    skip 'the sanitizer keeps what is freed', 1 if $ENV{POSTERN_PRELOAD};
    cmp_ok(memory(), '<', $memory + 2048, "600 more cycles take no memory ($memory KiB)");
}
cmp_ok(descriptors(), '<=', $before, 'and no descriptor');

# The child itself.
{
    my $c = client(1);
    my $server = $c->open($backend);
    my $pid = child();
    kill 'KILL', $pid;
    ok($c->in->ends(1) && $c->out->ends(1) && $server->ends(1), 'kill -9 of the child: all ends are closed');
    ok(until_true(sub { my $now = child(); $now && $now != $pid }, 10), 'another child comes');
    $c = client(0);
    ok(eval { $c->open($backend) }, 'and serves') or diag $@;
    $c->close;
}
is($httpd->stop, 0, 'httpd ends in order');
$httpd->log_ok(qw(PN13001 PN13051 PN13061));
done_testing();

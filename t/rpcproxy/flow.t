#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Windows both ways, pings, peers that never acknowledge, and back ends that
# never read.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Httpd;
use T::RpcProxy qw(rpc_location rpc_users);
use T::Rpch;
use T::Wait qw(until_true);
use Time::HiRes qw(time);

my $backend = T::Rpch->listener;
my $port    = $backend->sockport;
my $httpd;

sub start_httpd {
    my ($engine) = @_;
    $httpd = T::Httpd->new(modules => ['rpcproxy'],
        main => "RPCProxyEngine $engine\nRPCProxyDrainTime 0\nMaxRequestWorkers 16", conf => <<"CONF");
RPCProxyBackend srv.example.test * 127.0.0.1:$port
RPCProxyPingInterval 1
RPCProxyReceiveWindow 65536
RPCProxyTrace RTS
@{[ rpc_location('/rpc/') ]}
@{[ rpc_location('/rpcwithcert/', 'RPCProxyPingInterval 0', 'RPCProxyIdleTimeout 2', 'RPCProxyReceiveWindow 262144') ]}
CONF
    rpc_users($httpd, qw(alice));
    $httpd->start;
}

sub client {
    return T::Rpch->new(port => $httpd->port, target => 'srv.example.test:6001',
        user => 'alice', password => 'password', @_);
}

my $response = T::Rpch::response(1, 'd' x 4080);    # 4096 bytes

# Whole responses that arrive until the proxy stops.
sub drain {
    my ($channel, $most) = @_;
    my $bytes = 0;
    local $T::Rpch::patience = 0.3;
    while ($bytes < $most) {
        my $pdu = eval { $channel->read_pdu } // last;
        $bytes += length $pdu if ord(substr $pdu, 2, 1) == 2;
    }
    return $bytes;
}

sub test_out_window {
    my $c = client(path => '/rpcwithcert/rpcproxy.dll', window => 16384);
    my $server = $c->open($backend);
    my $total = 0;
    # An acknowledgement early on: this is no peer that never acknowledges.
    $server->send($response);
    is($c->out->read_pdu, $response, 'the first response');
    $c->in->send(T::Rpch::ack($c->{out_cookie}, 4096, 16384, 3));
    $server->send($response x 20);
    $total = 4096 + drain($c->out, 20 * 4096);
    is($total, 4096 + 16384, 'sending stops where the window ends');
    $c->in->send(T::Rpch::ack($c->{out_cookie}, $total, 12000));
    is(drain($c->out, 20 * 4096), 8192, 'only whole PDUs that fit');
    $c->in->send(T::Rpch::ack(T::Rpch::cookie(), 1, 16384));
    is(drain($c->out, 4096), 0, 'an acknowledgement for another channel does nothing');
    $total += 8192;
    while ($total < 21 * 4096) {
        $c->in->send(T::Rpch::ack($c->{out_cookie}, $total, 16384));
        my $more = drain($c->out, 16384) or last;
        $total += $more;
    }
    is($total, 21 * 4096, 'everything arrives, acknowledged step by step');
    $c->close;
    ok($server->ends, 'end');
}

sub test_silent_peer {
    my $c = client(path => '/rpcwithcert/rpcproxy.dll', window => 16384);
    my $server = $c->open($backend);
    $server->send($response x 20);
    my $got = drain($c->out, 16384);
    is($got, 16384, 'one window for a peer that never acknowledges');
    local $T::Rpch::patience = 3;
    $got += length($c->out->read_pdu // '') for 1 .. 16;
    is($got, 20 * 4096, 'then TCP alone slows the back end');
    $c->close;
    ok($server->ends, 'end');
    ok($httpd->logged(qr/silent=1/), 'which the log tells');
}

sub test_in_acks {
    my $c = client(window => 262144);
    my $server = $c->open($backend);
    my $request = T::Rpch::request(1, 'u' x 4080);
    my $sent = 0;
    for (1 .. 9) {
        $c->in->send($request);
        is($server->read_pdu, $request, "request $_ arrives");
        $sent += 4096;
    }
    my $ack;
    do { $ack = $c->out->read_pdu } while length $ack == 20;    # pings
    is(unpack('H*', substr $ack, 0, 24), '05001403100000003800000000000000' . '02000200' . '0d000000',
        'FlowControlAckWithDestination');
    my ($destination, $type, $received, $window) = unpack 'V4', substr $ack, 24;
    is($destination, 0, 'for the client');
    is($type, 1, 'an acknowledgement');
    ok($received > 32768 && $received <= $sent, "of what was received: $received");
    ok($window > 32768 && $window <= 65536, "opening the window: $window");
    is(substr($ack, 40), $c->{in_cookie}, 'for the IN channel');
    $c->close;
    ok($server->ends, 'end');
}

sub test_pings {
    my $c = client();
    my $server = $c->open($backend);
    my $start = time;
    is(unpack('H*', $c->out->read_pdu // ''), '0500140310000000140000000000000001000000', 'a ping when OUT is silent');
    my $took = time - $start;
    ok($took > 0.8 && $took < 3, "after a second ($took)");
    $c->in->send(T::Rpch::rts(1));
    $c->in->send(T::Rpch::rts(2, T::Rpch::number(5, 60000)));
    $c->in->send(T::Rpch::request(1, 'after'));
    is($server->read_pdu, T::Rpch::request(1, 'after'), 'a ping and a keep-alive of the client are taken');
    $c->close;
    # Samba's client speaks HTTP/1.0 and ends at any RTS PDU.
    $c = client(version => '1.0');
    $server = $c->open($backend);
    ok($c->out->silent(1.6), 'no ping to HTTP/1.0');
    my $request = T::Rpch::request(1, 'u' x 4080);
    $c->in->send($request x 20);
    is($server->read_exactly(20 * 4096), $request x 20, 'many requests');
    ok($c->out->silent(0.3), 'no acknowledgement to HTTP/1.0');
    $c->in->send(T::Rpch::rts(1));
    ok($c->out->read_pdu, 'until it has sent RTS itself');
    $c->close;
    ok($server->ends, 'end');
}

# Seconds until TCP asks whether the peer of these sockets is still there.
sub keepalives {
    my ($which) = @_;
    return map { /timer:\(keepalive,(?:(\d+)min)?(?:([\d.]+)sec)?/ ? 60 * ($1 // 0) + ($2 // 0) : 0 }
        split /\n/, `ss -tnoH state established '$which'`;
}

# Peers that vanish without a word.
sub test_keepalive {
    my $c = client(keepalive => 60000);
    my $server = $c->open($backend);
    my $is_about = sub { my ($what, $want, @got) = @_;
        ok(@got && !(grep { $_ < $want - 10 || $_ > $want } @got), $what) or diag("@got") };
    $is_about->('the back end is asked after ClientKeepalive', 60, keepalives("dport = :$port"));
    $is_about->('both channels after the connection timeout', 120, keepalives('sport = :' . $httpd->port));
    $c->in->send(T::Rpch::rts(2, T::Rpch::number(5, 90000)) . T::Rpch::request(1, 'x'));
    $server->read_pdu;
    $is_about->('the back end after another one, when the client says so', 90, keepalives("dport = :$port"));
    $c->close;
    ok($server->ends, 'end');
}

sub test_idle {
    my $c = client(path => '/rpcwithcert/rpcproxy.dll');
    my $server = $c->open($backend);
    ok($c->out->ends(5), 'a client that is silent for too long is ended');
    ok($server->ends, 'with its back end');
    ok($httpd->logged('client was silent for too long'), 'and the log tells why');
}

# A back end that never reads stops its own client and nobody else.
sub test_stuck_backend {
    my $c = client();
    my $server = $c->open($backend);
    my $request = T::Rpch::request(1, 'u' x 8000);
    local $T::Rpch::patience = 1;
    my $sent = 0;
    while (eval { $c->in->send($request) }) {
        $sent += length $request;
        last if $sent > 64 << 20;
    }
    ok($sent < 64 << 20, "the client is stopped ($sent bytes)");
    $T::Rpch::patience = 10;
    my $other = client();
    my $free = $other->open($backend);
    $other->in->send(T::Rpch::request(1, 'x'));
    ok($free->read_pdu, 'another tunnel works');
    my $got = 0;
    while ($got < $sent) {
        my $pdu = $server->read_pdu // last;
        $got += length $pdu if $pdu eq $request or last;
    }
    is($got, $sent, 'nothing is lost when the back end reads after all');
    $_->close for $c, $other;
    ok($server->ends, 'end');
}

for my $engine (qw(Auto Blocking)) {
    subtest "engine $engine" => sub {
        start_httpd($engine);
        test_out_window();
        test_silent_peer();
        test_in_acks();
        test_pings();
        test_keepalive();
        test_idle();
        test_stuck_backend();
        is($httpd->stop, 0, 'httpd ends in order');
        $httpd->log_ok;
    };
}
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Set-up of virtual connections, what is refused, and the ends.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Httpd;
use T::RpcProxy qw(rpc_location rpc_users);
use T::Rpch;
use T::Wait qw(free_port until_true);

my $backend = T::Rpch->listener;
my $port    = $backend->sockport;
my $dead    = free_port();
my $httpd;

sub start_httpd {
    my ($engine) = @_;
    $httpd = T::Httpd->new(modules => ['rpcproxy'],
        main => "RPCProxyEngine $engine\nRPCProxyDrainTime 0\nMaxRequestWorkers 16", conf => <<"CONF");
RPCProxyBackend srv.example.test 6001 127.0.0.1:$port
RPCProxyBackend srv.example.test 6002 127.0.0.1:$port
RPCProxyBackend dead.example.test * 127.0.0.1:$dead
RPCProxySetupTimeout 2
RPCProxyTrace All
@{[ rpc_location('(?i)^/rpc(withcert)?/rpcproxy\.dll$') ]}
<Location "/open/">
    RPCProxy On
</Location>
CONF
    rpc_users($httpd, qw(alice bob));
    $httpd->start;
}

sub client {
    return T::Rpch->new(port => $httpd->port, target => 'srv.example.test:6001',
        user => 'alice', password => 'password', @_);
}

sub refused {
    my ($channel, $code, $name) = @_;
    my $head = $channel->read_head;
    like($head, qr/^HTTP\/1\.1 503 RPC Error: $code\r\n/, "$name: $code");
    ok($channel->ends, "$name: closed");
}

sub run_tests {
    # --- set-up in either order, PDUs both ways ---

    for my $order (qw(a1-first b1-first in-later)) {
        my $c = client();
        if ($order eq 'a1-first') { $c->open_in; $c->open_out; $c->send_a1; $c->send_b1 }
        elsif ($order eq 'b1-first') { $c->open_in; $c->open_out; $c->send_b1; $c->send_a1 }
        else { $c->open_out; $c->send_a1; $c->out->more; $c->open_in; $c->send_b1 }
        my $head = eval { $c->expect_open } // $@;
        like($head, qr/^HTTP\/1\.1 200 Success\r\n/, "$order: answered");
        like($head, qr/^Content-Length: 1073741824\r$/m, "$order: length of the channel");
        like($head, qr{^Content-Type: application/rpc\r$}m, "$order: type");
        my $server = $c->accept($backend);
        my $pdu = T::Rpch::request(1, 'x' x 100);
        $c->in->send($pdu);
        is($server->read_pdu, $pdu, "$order: a request arrives whole");
        my $answer = T::Rpch::response(1, 'y' x 2000);
        $server->send($answer);
        is($c->out->read_pdu, $answer, "$order: and its response");
        $c->close;
        ok($server->ends(2), "$order: the back end sees the end");
    }

    # --- HTTP/1.0, and clients that wait for 100 Continue ---

    for my $form (['HTTP/1.0', 0, version => '1.0'], ['Expect', 1]) {
        my ($name, $waits, @more) = @$form;
        my $c = client(@more);
        $c->open_in($waits ? 'Expect: 100-continue' : ());
        $c->open_out($waits ? 'Expect: 100-continue' : ());
        if ($waits) {
            like($c->$_->read_head, qr{^HTTP/1\.1 100 Continue\r\n}, "$name: $_ is told to go on") for qw(in out);
        }
        $c->send_b1;
        $c->send_a1;
        my $head = eval { $c->expect_open } // $@;
        like($head, qr{^HTTP/1\.1 200 Success\r\n}, "$name: answered");
        my $server = $c->accept($backend);
        my ($pdu, $answer) = (T::Rpch::request(1, 'x' x 3000), T::Rpch::response(1, 'y' x 3000));
        $c->in->send($pdu);
        is($server->read_pdu, $pdu, "$name: a request arrives");
        $server->send($answer);
        is($c->out->read_pdu, $answer, "$name: and its response");
        $c->close;
        ok($server->ends(2), "$name: the back end sees the end");
    }

    # --- pieces ---
    {
        my $c = client();
        my $server = $c->open($backend);
        my $pdu = T::Rpch::request(7, 'slow');
        $c->in->send($_) for split //, $pdu;
        is($server->read_pdu, $pdu, 'a PDU in pieces of one byte');
        my $two = T::Rpch::request(8, 'a' x 5000) . T::Rpch::request(9, 'b' x 10);
        $c->in->send($two);
        is($server->read_exactly(length $two), $two, 'two PDUs in one piece');
        $server->send(substr T::Rpch::response(8, 'z' x 300), 0, 20);
        ok($c->out->silent(0.3), 'half a PDU of the back end waits');
        $server->send(substr T::Rpch::response(8, 'z' x 300), 20);
        is($c->out->read_pdu, T::Rpch::response(8, 'z' x 300), 'and goes when it is whole');
        $server->close;
        ok($c->out->ends(2), 'OUT ends with the back end');
        like($c->in->read_head, qr/^HTTP\/1\.1 200 Success\r\n/, 'IN is answered at the end');
        ok($c->in->ends(2), 'and ends');
    }

    # --- refused, the tunnel that is there stays ---

    {
        my $c = client();
        $c->open_out; $c->send_a1; $c->out->more;
        my $bob = client(user => 'bob', vc => $c->{vc});
        $bob->open_in; $bob->send_b1;
        refused($bob->in, '5', 'another user');
        my $other = client(target => 'srv.example.test:6002', vc => $c->{vc});
        $other->open_in; $other->send_b1;
        refused($other->in, '5', 'another target');
        my $again = client(vc => $c->{vc});
        $again->open_out; $again->send_a1;
        refused($again->out, '6c0', 'a second OUT with the cookie');
        $c->open_in; $c->send_b1;
        ok(eval { $c->expect_open }, 'the right IN still opens it') or diag $@;
        my $server = $c->accept($backend);
        $c->in->send(T::Rpch::request(1, 'x'));
        ok($server->read_pdu, 'and it works');
        my $late = client(vc => $c->{vc});
        $late->open_in; $late->send_b1;
        refused($late->in, '6c0', 'a second IN with the cookie');
        $c->close;
        ok($server->ends, 'end');
    }

    for my $target ('srv.example.test:6003', 'other.example.test:6001', '169.254.169.254:80',
        '127.0.0.1:389', '[::1]:445', 'srv.example.test', '', 'srv.example.test:0',
        'srv.example.test:99999', 'srv.example.test/x:6001', 'a' x 1100 . ':6001') {
        my $c = client(target => $target);
        $c->open_out;
        refused($c->out, '5', 'target ' . substr $target, 0, 40);
    }
    {
        my $c = client(target => 'SRV.Example.TEST:06001');
        ok($c->open($backend), 'names compare without case');
        $c->close;
    }
    {
        my $c = client(target => 'dead.example.test:1');
        $c->open_out; $c->send_a1;
        refused($c->out, '6ba', 'dead back end');
    }
    {
        my $c = client();
        $c->open_out; $c->out->send(T::Rpch::request(1, 'x' x 60));
        refused($c->out, '6c0', 'RPC PDU first');
        $c = client();
        $c->open_out; $c->out->send('GET / HTTP/1.1 and so on and on..');
        refused($c->out, '6c0', 'no PDU at all');
        $c = client();
        $c->open_in; $c->in->send($c->a1);
        refused($c->in, '6c0', 'A1 on IN');
        $c = client();
        $c->open_in;
        $c->in->send(T::Rpch::rts(4, T::Rpch::version(), map { T::Rpch::ck(T::Rpch::cookie()) } 1 .. 3));
        refused($c->in, '6c0', 'recycling of an unknown connection');
    }

    # --- the partner does not come ---
    {
        my $c = client();
        $c->open_in; $c->send_b1;
        refused($c->in, '6be', 'IN alone');
        $c = client();
        $c->open_out; $c->send_a1;
        like($c->out->read_head, qr/^HTTP\/1.1 200 Success/, 'OUT alone is answered');
        my $server = $c->accept($backend);
        ok($c->out->ends, 'and closed');
        ok($server->ends, 'with its back end');
    }

    # --- protocol errors on an open connection ---
    for my $bad (['RTS with a wrong header' => pack('H*', '050014011000000014000000000000000100')],
        ['version 4'              => pack('H*', '04000003100000001000000001000000')],
        ['frag_len 8'             => pack('H*', '05000003100000000800000001000000')],
        ['frag_len 65535'         => pack('H*', '0500000310000000ffff000001000000')],
        ['a response'             => T::Rpch::response(1, 'x')],
        ['A1 again'               => client()->a1],
        ['RTS for the client'     => T::Rpch::ack('x' x 16, 0, 0, 0)],
        ['ack of what was not sent' => undef]) {
        my ($name, $bytes) = @$bad;
        my $c = client();
        my $server = $c->open($backend);
        $bytes //= T::Rpch::ack($c->{out_cookie}, 1000, 65536, 3);
        $c->in->send($bytes);
        ok($c->out->ends(2) && $c->in->ends(2) && $server->ends(2), "$name ends all of it");
    }
    {
        my $c = client();
        my $server = $c->open($backend);
        $server->send(T::Rpch::rts(1));
        ok($c->out->ends(2) && $c->in->ends(2), 'RTS from the back end ends all of it');
    }

    # --- who closes ---
    for my $side (qw(in out)) {
        my $c = client();
        my $server = $c->open($backend);
        $c->$side->close;
        ok($server->ends(2), "client closes $side: the back end is closed");
        my $other = $side eq 'in' ? 'out' : 'in';
        ok($c->$other->ends(2), "client closes $side: $other is closed");
    }

    # --- no login ---
    {
        my $c = client(user => undef);
        $c->open_in;
        like($c->in->read_head, qr/^HTTP\/1\.1 401 /, '401 without a login');
        ok($httpd->logged('virtual connection open: user=alice'), 'open is logged');
        ok($httpd->logged('reason="client closed the IN channel"'), 'close is logged');
    }
}

for my $engine (qw(Auto Blocking)) {
    subtest "engine $engine" => sub {
        start_httpd($engine);
        run_tests();
        is($httpd->stop, 0, 'httpd ends in order');
        $httpd->log_ok(qw(PN13001 PN13051 PN13061 PN13040));
    };
}
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Channels that replace each other while data flows both ways: every byte is
# compared.  No free client starts an IN recycling, so this one is our own.
# children.t has the same with several children.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Dir qw(temp_dir);
use T::Httpd;
use T::RpcProxy qw(rpc_location rpc_users);
use T::Rpch;
use T::RpchLoad;
use T::Wait qw(until_true);

my $backend = T::Rpch->listener;
my $port    = $backend->sockport;
my $dir     = temp_dir();
my $ca      = T::Ca->make("$dir");
my $httpd;

sub start_httpd {
    my ($engine) = @_;
    $httpd = T::Httpd->new(modules => ['rpcproxy'], tls => $ca,
        main => "RPCProxyEngine $engine\nRPCProxyDrainTime 0\nThreadsPerChild 64\nMaxRequestWorkers 64", conf => <<"CONF");
RPCProxyBackend srv.example.test * 127.0.0.1:$port
RPCProxyPingInterval 0
RPCProxySetupTimeout 3
RPCProxyChannelLifetime 40000
RPCProxyTrace RTS
@{[ rpc_location('/rpc/') ]}
CONF
    rpc_users($httpd, qw(alice bob));
    $httpd->start;
}

sub client {
    return T::Rpch->new(port => $httpd->port, target => 'srv.example.test:6001',
        user => 'alice', password => 'password', window => 262144, @_);
}

# IN_R/A1 on a new channel.
sub begin_in {
    my ($c, %more) = @_;
    my $new = { %$c, %more };
    bless $new, ref $c;
    $new->open_in;
    $new->{in_cookie} = T::Rpch::cookie();
    $new->{in}->send(T::Rpch::rts(4, T::Rpch::version(), T::Rpch::ck($c->{vc}),
        T::Rpch::ck($more{pred} // $c->{in_cookie}), T::Rpch::ck($new->{in_cookie})));
    return $new;
}

# OUT_R/A3 on a new channel, and OUT_R2/C1 when $c1 is given.
sub begin_out {
    my ($c, $c1, %more) = @_;
    my $new = { %$c, %more };
    bless $new, ref $c;
    $new->{out} = $new->connect;
    $new->{out_cookie} = T::Rpch::cookie();
    $new->{out}->send($new->request_head('RPC_OUT_DATA', 120)
        . T::Rpch::rts(4, T::Rpch::version(), T::Rpch::ck($c->{vc}),
        T::Rpch::ck($more{pred} // $c->{out_cookie}), T::Rpch::ck($new->{out_cookie}),
        T::Rpch::number(0, $c->{window})) . ($c1 // ''));
    return $new;
}

my $c1 = T::Rpch::rts(1, pack 'V', 7);
my %known = ('a2' => '04000100' . '0d000000' . '00000000',
    'a4' => '00000100' . '0d000000' . '00000000',
    'a6' => '00000200' . '0d000000' . '00000000' . '0a000000',
    'b3' => '20000100' . '0a000000');

# The RTS PDU that must come next; RPC PDUs before it go to $data.
sub expect_rts {
    my ($channel, $which, $data) = @_;
    while (defined(my $pdu = $channel->read_pdu)) {
        if (ord(substr $pdu, 2, 1) == 20) {
            next if unpack('v', substr $pdu, 16, 2) == 2;    # an acknowledgement
            return is(unpack('H*', substr $pdu, 16), $known{$which}, "\U$which\E comes");
        }
        $$data .= $pdu if $data;
    }
    return fail("\U$which\E comes");
}

sub quiet_rts {
    my ($channel, $which, $data) = @_;
    while (defined(my $pdu = $channel->read_pdu)) {
        if (ord(substr $pdu, 2, 1) == 20) {
            next if unpack('v', substr $pdu, 16, 2) == 2;
            return unpack('H*', substr $pdu, 16) eq $known{$which};
        }
        $$data .= $pdu;
    }
    return 0;
}

sub test_in {
    my $c = client();
    my $server = $c->open($backend);
    my $sent = '';
    for my $round (1 .. 100) {
        my $old = T::Rpch::request($round, "old$round" x 50);
        $c->in->send($old);
        my $new = begin_in($c);
        # A4 says that the successor is known; nothing of it is read until A5.
        quiet_rts($c->out, 'a4') or return fail("A4 of round $round");
        my $next = T::Rpch::request($round, "new$round" x 50);
        $new->in->send($next);
        my $last = T::Rpch::request($round, "last$round" x 50);
        $c->in->send($last . T::Rpch::rts(0, T::Rpch::ck($new->{in_cookie})));
        $sent .= $old . $last . $next;
        my $got = $server->read_exactly(length($old) + length($last) + length $next);
        $got eq $old . $last . $next or return fail("order in round $round");
        $c->in->ends(2) or return fail("the old IN of round $round ends");
        $c->{in} = $new->{in};
        $c->{in_cookie} = $new->{in_cookie};
        return fail("acknowledgement in round $round")
            if !$c->in->send(T::Rpch::rts(1));
    }
    pass('100 IN channels, every byte in order');
    $c->close;
    ok($server->ends, 'end');
    ok($httpd->logged('recycles=100/0'), 'the log counts them');
}

sub test_in_refused {
    my $c = client();
    my $server = $c->open($backend);
    my $bob = begin_in($c, user => 'bob');
    like($bob->in->read_head, qr/ 503 RPC Error: 5\r/, 'successor of another user');
    my $wrong = begin_in($c, pred => T::Rpch::cookie());
    like($wrong->in->read_head, qr/ 503 RPC Error: 6c0\r/, 'successor of an unknown channel');
    my $new = begin_in($c);
    expect_rts($c->out, 'a4');
    my $second = begin_in($c);
    like($second->in->read_head, qr/ 503 RPC Error: 6c0\r/, 'a second successor');
    $c->in->send(T::Rpch::rts(0, T::Rpch::ck(T::Rpch::cookie())));
    ok($new->in->ends(2), 'A5 with a wrong cookie ends the successor');
    $new = begin_in($c);
    expect_rts($c->out, 'a4');
    $new->in->close;
    $new = begin_in($c) for 1 .. 1;
    $c->in->send(T::Rpch::request(1, 'still here'));
    is($server->read_pdu, T::Rpch::request(1, 'still here'), 'the tunnel goes on');
    my $late = begin_in(client());
    like($late->in->read_head, qr/ 503 RPC Error: 6c0\r/, 'an unknown connection');
    $c->close;
    ok($server->ends, 'end');
}

# The client's side of one OUT recycling after A2; data goes to $got.  Returns
# what went wrong.
sub replace_out {
    my ($c, $order, $got) = @_;
    my $new = begin_out($c, $order eq 'c1 first' ? $c1 : undef);
    quiet_rts($c->out, 'a6', $got) or return 'no A6';
    $c->in->send(T::Rpch::rts(16, T::Rpch::number(13, 2), T::Rpch::ck($new->{out_cookie}),
        $order eq 'short' ? () : T::Rpch::version()));
    quiet_rts($c->out, 'b3', $got) or return 'no B3';
    $c->out->ends(2) or return 'the old OUT does not end';
    $new->{out}->send($c1) unless $order eq 'c1 first';
    my $head = $new->{out}->read_head;
    $head =~ m{^HTTP/1\.1 200 Success\r} or return "the new OUT answers $head";
    $c->{out} = $new->{out};
    $c->{out_cookie} = $new->{out_cookie};
    return '';
}

# Data flows down all the time; $order says how A7 and C1 come.
sub test_out {
    my ($order, $wanted) = @_;
    my $c = client();
    my $server = $c->open($backend);
    my ($sent, $got, $call, $rounds) = ('', '', 0, 0);
    while ($rounds < $wanted) {
        my $chunk = join '', map { T::Rpch::response(++$call, "r$call" x 400) } 1 .. 60;
        $server->send($chunk);
        $sent .= $chunk;
        while (length $got < length $sent) {
            my $pdu = $c->out->read_pdu // return fail("OUT ends after $rounds rounds");
            if (ord(substr $pdu, 2, 1) == 2) {
                $got .= $pdu;
                next;
            }
            unpack('H*', substr $pdu, 16) eq $known{a2} or return fail('A2 comes');
            my $wrong = replace_out($c, $order, \$got);
            is($wrong, '', "$order: round " . ++$rounds) if $wrong || ++$rounds == $wanted;
            return if $wrong;
        }
        $got eq $sent or return fail("$order: every byte in order");
    }
    pass("$order: every byte in order");
    $c->close;
    ok($server->ends, 'end');
}

sub test_out_late {
    my $c = client();
    my $server = $c->open($backend);
    $server->send(join '', map { T::Rpch::response($_, 'x' x 4000) } 1 .. 20);
    my $got = '';
    expect_rts($c->out, 'a2', \$got);
    ok($c->out->ends(8), 'a client that brings no new OUT channel loses the connection in time');
    ok($server->ends, 'with its back end');
    $c = client();
    $server = $c->open($backend);
    my $new = begin_out($c, $c1);
    like($new->{out}->read_head, qr/ 503 RPC Error: 6c0\r/, 'an OUT channel that nobody asked for');
    $server->send(join '', map { T::Rpch::response($_, 'x' x 4000) } 1 .. 20);
    expect_rts($c->out, 'a2', \$got);
    $new = begin_out($c, T::Rpch::rts(1));
    expect_rts($c->out, 'a6', \$got);
    ok($new->{out}->ends(3), 'something else than C1 ends it all');
    ok($server->ends, 'with the back end');
}

# Both at once: IN is replaced between A6 and A7.
sub test_both {
    my $c = client();
    my $server = $c->open($backend);
    my $down = join '', map { T::Rpch::response($_, 'x' x 4000) } 1 .. 9;
    my $got = '';
    $server->send($down);
    expect_rts($c->out, 'a2', \$got);
    my $new_in = begin_in($c);
    expect_rts($c->out, 'a4', \$got);
    my $new_out = begin_out($c);
    expect_rts($c->out, 'a6', \$got);
    $c->in->send(T::Rpch::request(1, 'one') . T::Rpch::rts(0, T::Rpch::ck($new_in->{in_cookie})));
    $new_in->in->send(T::Rpch::request(2, 'two')
        . T::Rpch::rts(16, T::Rpch::number(13, 2), T::Rpch::ck($new_out->{out_cookie}), T::Rpch::version())
        . T::Rpch::request(3, 'three'));
    expect_rts($c->out, 'b3', \$got);
    # OUT has no instance now: the answer to another IN recycling must wait.
    my $third = do { local $c->{in_cookie} = $new_in->{in_cookie}; begin_in($c) };
    $new_out->{out}->send($c1);
    like($new_out->{out}->read_head, qr/ 200 Success\r/, 'the new OUT is answered');
    expect_rts($new_out->{out}, 'a4', \$got);
    my $all = T::Rpch::request(1, 'one') . T::Rpch::request(2, 'two') . T::Rpch::request(3, 'three');
    is($server->read_exactly(length $all), $all, 'all requests arrive in order');
    $got .= $new_out->{out}->read_exactly(length($down) - length $got) if length $got < length $down;
    ok($got eq $down, 'all responses arrive in order');
    $_->close for $c, $new_out, $third;
    ok($server->ends, 'end');
}

# 100 of each on a tunnel that is full in both directions.
sub test_load {
    my ($name, $tls, %options) = @_;
    my $c = client($tls ? (port => $httpd->tls_port, tls => $ca->{ca}) : ());
    my $load = T::RpchLoad->new($c, $c->open($backend), %options);
    my $good = eval {
        T::RpchLoad::run(sub { $load->{in_recycles} >= 100 && $load->{out_recycles} >= 100 }, $load);
        T::RpchLoad::finish($load);
        1;
    };
    ok($good, "$name: $load->{in_recycles} IN and $load->{out_recycles} OUT channels replaced under full load, "
        . "every one of $load->{bytes_up} bytes up and $load->{bytes_down} down arrives") or diag $@;
    cmp_ok($load->{both}, '>', 0, "$name: both at the same time $load->{both} times");
    $load->close;
    ok($httpd->logged("recycles=$load->{in_recycles}/$load->{out_recycles} "), "$name: the log counts them");
}

for my $engine ($ENV{ENGINE} ? $ENV{ENGINE} : qw(Auto Blocking)) {
    subtest "engine $engine" => sub {
        start_httpd($engine);
        test_in();
        test_in_refused();
        test_out('a7 first', 10);
        test_out('c1 first', 10);
        test_out('short',    3);
        test_out_late();
        test_both();
        test_load("$engine, plain", 0);
        test_load("$engine, TLS", 1, c1_first => 1);
        is($httpd->stop, 0, 'httpd ends in order');
        $httpd->log_ok(qw(PN13051 PN13061));
    };
}
done_testing();

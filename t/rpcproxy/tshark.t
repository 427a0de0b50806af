#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Every RTS PDU that the proxy sends, taken from a real tunnel's OUT channels,
# as tshark reads it.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Dir qw(temp_dir write_file);
use T::Httpd;
use T::RpcProxy qw(rpc_location rpc_users);
use T::Rpch;

plan skip_all => 'tshark is not installed' unless -x '/usr/bin/tshark';

my $backend = T::Rpch->listener;
my $port    = $backend->sockport;
my $httpd   = T::Httpd->new(modules => ['rpcproxy'], main => "RPCProxyDrainTime 0\nMaxRequestWorkers 16", conf => <<"CONF");
RPCProxyBackend srv.example.test 6001 127.0.0.1:$port
RPCProxyPingInterval 1
RPCProxyReceiveWindow 65536
RPCProxyChannelLifetime 20000
@{[ rpc_location('/rpc/') ]}
CONF
rpc_users($httpd, qw(alice));
$httpd->start;

sub client {
    return T::Rpch->new(port => $httpd->port, target => 'srv.example.test:6001', user => 'alice',
        password => 'password', window => 262144, @_);
}

my @sent;    # [what it should be, the PDU]

# The next RTS PDU on $channel; pings that come between are left out.
sub next_rts {
    my ($channel, $name) = @_;
    while (defined(my $pdu = $channel->read_pdu)) {
        next if ord(substr $pdu, 2, 1) != 20;
        next if $name ne 'PING' && unpack('v', substr $pdu, 16, 2) == 1;
        push @sent, [$name, $pdu];
        return;
    }
    die "OUT ended before $name\n";
}

my $echo = client();
my $channel = $echo->connect;
$channel->send($echo->request_head('RPC_IN_DATA', 4) . "\0\0\0\0");
$channel->read_head;
push @sent, ['ECHO', $channel->read_pdu];

my $c = client();
$c->open_in;
$c->open_out;
$c->send_a1;
$c->send_b1;
$c->out->read_head;
next_rts($c->out, $_) for qw(CONN/A3 CONN/C2);
my $server = $c->accept($backend);
next_rts($c->out, 'PING');
for my $n (1 .. 9) {    # more than half of the window
    my $request = T::Rpch::request($n, 'x' x 4000);
    $c->in->send($request);
    $server->read_pdu;
}
next_rts($c->out, 'FLOW');

my $successor = client(%$c);
$successor->{in_cookie} = T::Rpch::cookie();
$successor->open_in->send(T::Rpch::rts(4, T::Rpch::version(), T::Rpch::ck($c->{vc}),
    T::Rpch::ck($c->{in_cookie}), T::Rpch::ck($successor->{in_cookie})));
next_rts($c->out, 'IN_R2/A4');
$c->in->send(T::Rpch::rts(0, T::Rpch::ck($successor->{in_cookie})));
$c->in->ends(2);

$server->send(T::Rpch::response($_, 'y' x 4000)) for 1 .. 4;
next_rts($c->out, 'OUT_R2/A2');
my $out = $successor->connect;
my $cookie = T::Rpch::cookie();
$out->send($successor->request_head('RPC_OUT_DATA', 120) . T::Rpch::rts(4, T::Rpch::version(),
    T::Rpch::ck($c->{vc}), T::Rpch::ck($c->{out_cookie}), T::Rpch::ck($cookie), T::Rpch::number(0, 65536)));
next_rts($c->out, 'OUT_R2/A6');
$successor->in->send(T::Rpch::rts(16, T::Rpch::number(13, 2), T::Rpch::ck($cookie), T::Rpch::version()));
next_rts($c->out, 'OUT_R2/B3');

# One packet for each of them.
my $dir = temp_dir();
my $hex = write_file("$dir/hex", join '', map { '000000 ' . join(' ', unpack '(H2)*', $_->[1]) . "\n" } @sent);
system('text2pcap', '-q', '-T', '6001,50000', $hex, "$dir/pcap") == 0 or die "text2pcap failed\n";
my @lines = split /\n/, `tshark -r $dir/pcap -d tcp.port==6001,dcerpc -T fields -E separator='|' -e _ws.col.Info -e dcerpc.pkt_type -e dcerpc.cn_frag_len 2>$dir/errors`;
is(scalar(@lines), scalar(@sent), 'tshark reads each PDU');

# Several names share one form, and tshark tells all of them.  It takes PDUs
# without a command for malformed, so those are judged by their header.
my %says = (FLOW => 'FlowControlAckWithDestination');
for my $n (0 .. $#sent) {
    my ($name, $pdu) = @{ $sent[$n] };
    my ($info, $type, $length) = split /\|/, $lines[$n] // '';
    my $wanted = $says{$name} // $name;
    is($type, 20, "$name: RTS");
    is($length, length $pdu, "$name: length");
    if ($name eq 'PING' || $name eq 'ECHO') {
        like($info, qr/^RPC-over-HTTP RTS: call_id: 0, Fragment: Single/, "$name: an RTS PDU of one fragment");
        is(unpack('H*', substr $pdu, 16), $name eq 'PING' ? '01000000' : '40000000', "$name: its flag, no command");
    }
    else {
        ok((grep { $_ eq $wanted } split /,\s*/, $info), "$name: tshark's name for it") or diag($info);
        unlike($info, qr/Malformed/, "$name: well-formed");
    }
}
$_->close for $c, $successor;
$httpd->stop;
$httpd->log_ok();
done_testing();

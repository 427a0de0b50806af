#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# What /server-status and the handler rpcproxy-status say of the tunnels.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Httpd;
use T::RpcProxy qw(rpc_location rpc_users);
use T::Rpch;
use T::Wait qw(until_true);
use HTTP::Tiny;
use JSON::PP qw(decode_json);

my $backend = T::Rpch->listener;
my $port    = $backend->sockport;
my $httpd   = T::Httpd->new(modules => ['rpcproxy'], load => ['status'],
    main => "MaxRequestWorkers 16\nAsyncRequestWorkerFactor 400\nRPCProxyDrainTime 0", conf => <<"CONF");
RPCProxyBackend srv.example.test 6001 127.0.0.1:$port
RPCProxyPingInterval 0
RPCProxyMaxTunnelsPerUser 4
RPCProxyChannelLifetime 20000
@{[ rpc_location('/rpc/') ]}
<Location "/server-status">
    SetHandler server-status
</Location>
<Location "/tunnels">
    SetHandler rpcproxy-status
</Location>
CONF
rpc_users($httpd, 'alice', "<b>\\\"\xc3\xa9\xff");
$httpd->start;

sub get { HTTP::Tiny->new->get($httpd->url($_[0])) }

sub tunnels {
    my $got = get('/tunnels');
    is($got->{headers}{'content-type'}, 'application/json', 'JSON');
    return decode_json($got->{content});
}

sub client {
    return T::Rpch->new(port => $httpd->port, user => 'alice', password => 'password',
        target => 'srv.example.test:6001', @_);
}

my $empty = tunnels();
is_deeply($empty->{virtual_connections}, [], 'no tunnel yet');
is($empty->{tunnels}, 0, 'none is counted');

my $open = client();
my $server = $open->open($backend);
my $request = T::Rpch::request(1, 'x' x 100);
$open->in->send($request);
$server->read_pdu;
$server->send(T::Rpch::response(1, 'y' x 300));
$open->out->read_pdu;
$open->in->send(T::Rpch::rts(1));
my $half = client();
$half->open_out;
$half->send_a1;
$half->out->read_head;
my @servers = $half->accept($backend);    # a tunnel ends with its back end
my $odd = client(user => "<b>\\\"\xc3\xa9\xff");
push @servers, $odd->open($backend);

my $all;
ok(until_true(sub { $all = decode_json(get('/tunnels')->{content});
    grep { $_->{pings_received} } @{ $all->{virtual_connections} } }, 5), 'a ping is counted');
is($all->{tunnels},   3, 'three tunnels');
is($all->{half_open}, 1, 'one of them in set-up');
is($all->{slots},     3, 'three places of the shared table');
is($all->{channels},  5, 'five connections for them');
is($all->{relays},    0, 'none is relayed');
is($all->{processes}, 1, 'in one process');
is($all->{opened},    2, 'two have been opened');
cmp_ok($all->{process}, '>', 1, 'which process');
my ($row) = grep { $_->{out} eq unpack 'H8', $open->{out_cookie} } @{ $all->{virtual_connections} };
is($row->{in}, unpack('H8', $open->{in_cookie}), 'cookies, their first digits');
is($row->{user},   'alice',                 'user');
is($row->{client}, '127.0.0.1',             'client');
is($row->{target}, 'srv.example.test:6001', 'target');
is($row->{state},  'open',                  'state');
is($row->{bytes_up},   116, 'bytes up');
is($row->{bytes_down}, 316, 'bytes down');
is($row->{pdus_up} + $row->{pdus_down}, 2, 'PDUs');
cmp_ok($row->{seconds}, '<', 60, 'age');
is($all->{bytes_up}, 116, 'bytes of all');
my ($waits) = grep { $_->{out} eq unpack 'H8', $half->{out_cookie} } @{ $all->{virtual_connections} };
is($waits->{state}, 'waits for IN', 'state of the one in set-up');
is(scalar(grep { $_->{user} eq "<b>\\\"\xc3\xa9\xff" } @{ $all->{virtual_connections} }), 1, 'any name is told as it is');

# 20,000 bytes of OUT are nearly gone: it is to be replaced.
$server->send(T::Rpch::response($_, 'z' x 4000)) for 2 .. 4;
ok(until_true(sub { grep { $_->{state} eq 'recycles OUT' }
    @{ decode_json(get('/tunnels')->{content})->{virtual_connections} } }, 5), 'a recycling is seen');

# Refusals.
client(target => 'srv.example.test:1')->open_out->read_head;
my @more = map { my $c = client(); $c->open_out; $c->send_a1; my $head = $c->out->read_head;
    push @servers, $c->accept($backend) if $head =~ / 200 /; [$c, $head] } 1 .. 3;
is(scalar(grep { $_->[1] =~ /6bb/ } @more), 1, 'alice has four, the fifth is refused');
$all = tunnels();
is($all->{refused}{5},       1, 'access denied, counted');
is($all->{refused}{'6bb'},   1, 'too busy, counted');
is($all->{over_limit}{user}, 1, 'by which limit');

# mod_status.
my $auto = get('/server-status?auto')->{content};
like($auto, qr/^RPCProxyTunnels: 5$/m,          '?auto: tunnels');
like($auto, qr/^RPCProxyHalfOpen: 3$/m,         '?auto: in set-up');
like($auto, qr/^RPCProxyBytesUp: 116$/m,        '?auto: bytes');
like($auto, qr/^RPCProxyRefused-6bb: 1$/m,      '?auto: refused by code');
like($auto, qr/^RPCProxyOverLimit-user: 1$/m,   '?auto: refused by limit');
unlike($auto, qr/alice|</, '?auto: figures alone');
my $html = get('/server-status')->{content};
like($html, qr{<h1>RPC over HTTP</h1>\n<p>In 1 processes of at most \d+ virtual connections each<br />\nVirtual connections: 5, in set-up: 3,}, 'HTML: a section');
like($html, qr{<p>Virtual connections of process $all->{process}:</p>}, 'HTML: whose rows these are');
like($html, qr{<td>alice</td><td>127\.0\.0\.1</td><td>srv\.example\.test:6001</td>}, 'HTML: a row');
like($html, qr{<td>&lt;b&gt;\\&quot;}, 'HTML: names are escaped');
unlike(get('/server-status?notable')->{content}, qr/alice/, 'HTML without tables');

is(HTTP::Tiny->new->post($httpd->url('/tunnels'))->{status}, 405, 'POST is refused');

# Asked while the tunnels come and go.
my $good = 0;
for my $n (1 .. 20) {
    $_->close for $open, $half, $odd;
    $open = client(target => 'srv.example.test:6001', user => "<b>\\\"\xc3\xa9\xff");
    push @servers, $open->open($backend);
    $good += eval { decode_json(get('/tunnels')->{content}); 1 } // 0;
}
is($good, 20, 'whole answers while tunnels come and go');
$_->close for $open, map { $_->[0] } @more;
ok(until_true(sub { decode_json(get('/tunnels')->{content})->{tunnels} == 0 }, 10), 'none is left at the end');
is(tunnels()->{bytes_up}, 116, 'the bytes of those that ended stay counted');
is($httpd->stop, 0, 'httpd ends in order');
$httpd->log_ok(qw(PN13001 PN13061 PN13040));
done_testing();

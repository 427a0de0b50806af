#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Tunnels of one user, one address, one back end, in set-up, and for the want of
# descriptors: one more is refused with 6bb, what there is stays.  First and
# later PDUs that come too slowly end their channel.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Dir qw(temp_dir);
use T::Httpd;
use T::RpcProxy qw(rpc_location rpc_users);
use T::Rpch;
use T::Wait qw(until_true);
use Time::HiRes qw(time);

my $backend = T::Rpch->listener;
my $port    = $backend->sockport;
my $dir     = temp_dir();
my $ca      = T::Ca->make("$dir");
my $httpd;

sub start_httpd {
    my ($limits, $main) = @_;
    $httpd = T::Httpd->new(modules => ['rpcproxy'], tls => $ca,
        main => "MaxRequestWorkers 16\nAsyncRequestWorkerFactor 400\nRPCProxyDrainTime 0\n" . ($main // ''),
        conf => <<"CONF");
RPCProxyBackend one.example.test * 127.0.0.1:$port
RPCProxyBackend two.example.test 6001-6002 127.0.0.1
RPCProxyPingInterval 0
RPCProxyConnectTimeout 1
$limits
@{[ rpc_location('/rpc/') ]}
CONF
    rpc_users($httpd, qw(alice bob));
    $httpd->start;
}

sub client {
    my (%more) = @_;
    return T::Rpch->new(port => $more{tls} ? $httpd->tls_port : $httpd->port, user => 'alice',
        password => 'password', target => 'one.example.test:6001', %more);
}

sub open_one { my $c = client(@_); return [$c, $c->open($backend)] }

# The head that a new tunnel's OUT channel is answered with, and its client,
# which keeps the back end's side: the tunnel would end with it.
sub head_of_one_more {
    my $c = client(@_);
    $c->open_out;
    $c->send_a1;
    my $head = $c->out->read_head;
    $c->{server} = $c->accept($backend) if $head =~ / 200 /;
    return ($head, $c);
}

sub refused_and_back {
    my ($name, $open, @more) = @_;
    my ($head) = head_of_one_more(@more);
    like($head, qr/ 503 RPC Error: 6bb\r/, "$name: one more is refused");
    my ($c, $server) = @{ $open->[0] };
    $c->in->send(T::Rpch::request(1, 'still here'));
    is($server->read_pdu, T::Rpch::request(1, 'still here'), "$name: those within it work");
    $_->[0]->close for @$open;
    ok(until_true(sub { my ($again, $one) = head_of_one_more(@more); $one->close; $again =~ / 200 / }, 10),
        "$name: and there is room again when they have ended");
}

start_httpd("RPCProxyMaxTunnelsPerAddress 3");
refused_and_back('address', [map { open_one(user => $_) } qw(alice bob alice)], user => 'bob');
$httpd->stop;
$httpd->log_ok(qw(PN13061));

start_httpd("RPCProxyMaxTunnelsPerBackend 2");
# Two names of one back end.
refused_and_back('back end', [map { open_one(target => "one.example.test:$_") } 1, 2], target => 'one.example.test:3');
my @two = map { open_one() } 1, 2;
my ($other) = head_of_one_more(target => 'two.example.test:6001');
unlike($other, qr/6bb/, 'another back end does not count');
$_->[0]->close for @two;
$httpd->stop;
$httpd->log_ok(qw(PN13061 PN13040));

start_httpd('', "RPCProxyMaxHalfOpen 2\n");
my @half = map { my ($head, $c) = head_of_one_more(); is($head =~ / 200 /, 1, 'in set-up'); $c } 1, 2;
my ($head) = head_of_one_more();
like($head, qr/ 503 RPC Error: 6bb\r/, 'one more in set-up is refused');
$half[0]->open_in;
$half[0]->send_b1;
is(length $half[0]->out->read_pdu, $_, 'a PDU of the set-up') for 28, 44;
my ($again, $third) = head_of_one_more();
like($again, qr/ 200 /, 'an open one does not count');
$_->close for @half, $third;
$httpd->stop;
$httpd->log_ok(qw(PN13061));

start_httpd('RPCProxyMaxTunnelsPerHost 2');
refused_and_back('virtual host', [open_one(user => 'alice'), open_one(user => 'bob')]);
my @host = (open_one(), open_one());
my ($there) = head_of_one_more(tls => $ca->{ca});
like($there, qr/ 200 /, 'another virtual host does not count');
$_->[0]->close for @host;
$httpd->stop;
$httpd->log_ok(qw(PN13061));

# Cookies of others cannot be tried out.
start_httpd('', "RPCProxyPollers 1\n");
my ($mine, $mine_server) = @{ open_one() };
my $successor = sub {
    my ($user, $vc, $in_cookie) = @_;
    my $new = client(user => $user);
    $new->open_in;
    $new->in->send(T::Rpch::rts(4, T::Rpch::version(), map { T::Rpch::ck($_) } $vc, $in_cookie, T::Rpch::cookie()));
    return $new;
};
my %answers;
$answers{ $successor->('bob', T::Rpch::cookie(), T::Rpch::cookie())->in->read_head =~ / Error: (\w+)/ ? $1 : '' }++ for 1 .. 30;
is_deeply(\%answers, { '6c0' => 20, '6bb' => 10 }, 'after 20 unknown virtual connections a user may replace none');
like($successor->('bob', $mine->{vc}, $mine->{in_cookie})->in->read_head, qr/ Error: 6bb/, 'nor one that there is');
my $own = $successor->('alice', $mine->{vc}, $mine->{in_cookie});
is(length $mine->out->read_pdu, 28, 'its owner may');
$_->close for $own, $mine;
$httpd->stop;
$httpd->log_ok(qw(PN13061));

# Channels of one tunnel at several virtual hosts, and from several networks.
start_httpd('');
for my $tls (0, 1) {
    my @other = $tls ? () : (tls => $ca->{ca});
    my ($answer, $first) = head_of_one_more($tls ? (tls => $ca->{ca}) : ());
    my $second = client(vc => $first->{vc}, @other);
    $second->open_in;
    $second->send_b1;
    like($second->in->read_head, qr/ 503 RPC Error: 5\r/, 'IN at another virtual host is refused');
    $first->open_in;
    $first->send_b1;
    is(length $first->out->read_pdu, $_, 'the right one still joins') for 28, 44;
    $_->close for $first, $second;
}
$httpd->stop;
$httpd->log_ok(qw(PN13051 PN13061));

start_httpd('RPCProxySameNetworkIPv4 24');
for my $from ('127.0.0.9', '127.0.1.1') {
    my ($answer, $first) = head_of_one_more();
    my $second = client(vc => $first->{vc}, from => $from);
    $second->open_in;
    $second->send_b1;
    my $same = $from =~ /^127\.0\.0\./;
    like($second->in->read_head, qr/ 503 RPC Error: 5\r/, "IN from $from is refused") unless $same;
    ($same ? $second : $first)->{$_} //= ($same ? $first : $second)->{$_} for qw(out server);
    my $whole = $same ? $second : do { $first->open_in; $first->send_b1; $first };
    is(length $whole->out->read_pdu, $_, "IN from $from: " . ($same ? 'it joins' : 'the right one still joins')) for 28, 44;
    my $new = client(vc => $first->{vc}, from => $from);
    $new->open_in;
    $new->in->send(T::Rpch::rts(4, T::Rpch::version(), map { T::Rpch::ck($_) } $first->{vc}, $whole->{in_cookie}, T::Rpch::cookie()));
    $same ? is(length $whole->out->read_pdu, 28, "its successor from $from: IN_R2/A4")
        : like($new->in->read_head, qr/ 503 RPC Error: 5\r/, "its successor from $from is refused");
    $whole->in->send(T::Rpch::request(1, 'here'));
    is($whole->{server}->read_pdu, T::Rpch::request(1, 'here'), "from $from: and it works");
    $_->close for $first, $second, $new;
}
$httpd->stop;
$httpd->log_ok(qw(PN13061));

# Header, first and partial PDU.
start_httpd("RequestReadTimeout header=2\nRPCProxyFirstPDUTimeout 2\nRPCProxyPartialPDUTimeout 2");
for my $tls (0, 1) {
    my $on = $tls ? 'TLS' : 'plain';
    my @on = $tls ? (tls => $ca->{ca}) : ();
    my ($slow, $start) = (client(@on), time);
    my $header = $slow->connect;
    $header->send('RPC_IN_DATA /rpc/rpcproxy.dll?one.example.test:6001 HTTP/1.1');
    ok($header->ends(6), "$on: half a header ends its connection");
    $start = time;
    $slow->open_out;
    my ($n, @bytes) = (0, split //, $slow->a1);
    # One byte at a time, for longer than all of them may take.
    until_true(sub { $slow->out->send($bytes[ $n++ ]); $slow->out->silent(0.15) ? 0 : 1 }, 8);
    like($slow->out->read_head, qr/ 503 RPC Error: 6be\r/, "$on: a first PDU that drips in is refused");
    cmp_ok(time - $start, '<', 5, "$on: and no worker waits longer");

    my ($c, $server) = @{ open_one(@on) };
    my $request = T::Rpch::request(1, 'x' x 100);
    for my $part (1 .. 3) {    # 3 seconds in all, but none of them too slow
        $c->in->send(substr $request, 0, 50);
        ok($c->out->silent(1), "$on: half a PDU may stand for a while");
        $c->in->send(substr $request, 50);
        is($server->read_pdu, $request, "$on: and goes when it is whole");
    }
    $start = time;
    $c->in->send(substr $request, 0, 50);
    ok($c->out->ends(6) && $server->ends(2), "$on: half a PDU ends the tunnel when the rest does not come");
    my $took = time - $start;
    ok($took > 1.5 && $took < 5, "$on: in time") or diag("$took s");
}
$httpd->stop;
$httpd->log_ok(qw(PN13001));

# Descriptors: httpd inherits ours, and keeps half of so few for itself.
system('prlimit', '--pid', $$, '--nofile=300:300') == 0 or die "prlimit failed\n";
start_httpd('RPCProxyMaxTunnelsPerUser 0');
my @fifty = map { open_one() } 1 .. 50;
is(scalar(@fifty), 50, '50 tunnels where 300 descriptors are');
refused_and_back('descriptors', \@fifty);
my $plain = client();
my $channel = $plain->connect;
$channel->send("GET / HTTP/1.0\r\n\r\n");
like($channel->read_head, qr{^HTTP/1.1 \d}, 'and httpd answers as before');
$httpd->stop;
$httpd->log_ok(qw(PN13061));
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# The map of back ends: names, wildcards, ranges, IPv6, and several addresses
# of which some refuse, some never answer and some are unknown.

use strict;
use warnings;
use lib 't/lib';
use T::Netns;
use Test::More;
use IO::Socket::IP;
use T::Dir qw(write_file read_file);
use T::Httpd;
use T::RpcProxy qw(rpc_location rpc_users);
use T::Rpch;
use T::Wait qw(free_port);
use Time::HiRes qw(time);

# The namespace's own files, or none: these are written to.
plan skip_all => 'no hosts and resolv.conf of our own'
    if (read_file('/etc/hosts') // '') ne "127.0.0.1 localhost\n"
    || (read_file('/etc/resolv.conf') // '') ne "nameserver 127.0.0.1\n";

my $four = T::Rpch->listener;
my $p4   = $four->sockport;
my ($dead, $gone) = (free_port(), free_port());
my $six  = IO::Socket::IP->new(LocalHost => '::1', Listen => 100, GetAddrInfoFlags => 0);
my $p6   = $six ? $six->sockport : 1;

# Neither accepts nor refuses: its queue is full.
my @queues;
sub hole {
    my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "listen: $!\n";
    push @queues, $full, map { IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $full->sockport, Blocking => 0) } 1 .. 8;
    return $full->sockport;
}
my ($slow, $slower) = (hole(), hole());

# Names with several addresses, of which the last ones are alive.  Those of the
# name server are below example.test; it knows no other domain.
my $elsewhere = T::Rpch->listener(LocalAddr => '127.0.0.7');
my $p7 = $elsewhere->sockport;
write_file('/etc/hosts', read_file('/etc/hosts') . <<'HOSTS');
127.0.0.5 many.test
127.0.0.6 many.test
127.0.0.7 many.test
127.0.0.7 one.test
127.0.0.7 dual.test
fd00::7 dual.test
HOSTS
system('ip -6 addr add fd00::7/128 dev lo nodad 2>/dev/null');
my $seven = IO::Socket::IP->new(LocalHost => 'fd00::7', Listen => 100, GetAddrInfoFlags => 0);
my $p77 = $seven ? $seven->sockport : 1;
T::Netns::zone('a seven.example.test 127.0.0.7', 'nx gone.example.test');

my $httpd = T::Httpd->new(modules => ['rpcproxy'],
    main => "RPCProxyDrainTime 0\nMaxRequestWorkers 16", conf => <<"CONF");
RPCProxyConnectTimeout 4
RPCProxyBackend one.map.test 6001-6003 127.0.0.1:$p4
RPCProxyBackend one.map.test 6004 127.0.0.1:$dead
RPCProxyBackend *.wild.test * 127.0.0.1:$p4
RPCProxyBackend *\@map.test 6001 127.0.0.1:$p4
RPCProxyBackend [2001:db8::1] * 127.0.0.1:$p4
RPCProxyBackend asked.map.test * 127.0.0.1
RPCProxyBackend next.map.test * 127.0.0.1:$gone 127.0.0.1:$p4
RPCProxyBackend slow.map.test * 127.0.0.1:$slow 127.0.0.1:$p4
RPCProxyBackend holes.map.test * 127.0.0.1:$slow 127.0.0.1:$slower
RPCProxyBackend name.map.test * no-such-host.invalid:1 127.0.0.1:$p4
RPCProxyBackend none.map.test * 127.0.0.1:$dead 127.0.0.2:$dead [::1]:$dead 127.0.0.3:$dead
RPCProxyBackend unknown.map.test * no-such-host.invalid:1 gone.example.test:1
RPCProxyBackend many.map.test * many.test:$p7
RPCProxyBackend seven.map.test * seven.example.test:$p7
RPCProxyBackend dual.map.test 4 dual.test:$p7
RPCProxyBackend dual.map.test 6 dual.test:$p77
RPCProxyBackend six.map.test * [::1]:$p6
RPCProxyBackend both.map.test * 127.0.0.1:$dead [::1]:$p6
@{[ rpc_location('/rpc/') ]}
CONF
rpc_users($httpd, qw(alice));
$httpd->start;

sub client {
    return T::Rpch->new(port => $httpd->port, target => $_[0], user => 'alice', password => 'password');
}

# Opens a tunnel to $backend, through which a request goes; the seconds it took.
sub reaches {
    my ($target, $backend, $name) = @_;
    my ($c, $start) = (client($target), time);
    my $server = eval { $c->open($backend) };
    my $seconds = time - $start;
    ok($server, "$target: $name") or return diag $@;
    my $request = T::Rpch::request(1, $name);
    $c->in->send($request);
    is($server->read_pdu, $request, "$target: a request arrives");
    $c->close;
    ok($server->ends, "$target: and the end");
    return $seconds;
}

sub refused {
    my ($target, $code, $logged) = @_;
    my ($c, $start) = (client($target), time);
    $c->open_out;
    $c->send_a1;
    like($c->out->read_head, qr/^HTTP\/1\.1 503 RPC Error: $code\r\n/, "$target: $code");
    my $seconds = time - $start;
    ok($httpd->logged($logged), "$target: the log says what was asked for, and why");
    return $seconds;
}

# --- what may be asked for ---

reaches("one.map.test:$_", $four, 'a range') for 6001, 6003;
refused('one.map.test:6005', '5', qr/PN13001: RPC_OUT_DATA of alice for "one\.map\.test:6005" refused: no RPCProxyBackend allows/);
reaches('a.b.wild.test:1', $four, 'a wildcard');
refused('wild.test:1', '5', qr/PN13001: .*alice for "wild\.test:1"/);
reaches('6BA7B810-9DAD-11D1-80B4-00C04FD430C8@map.test:6001', $four, 'the name of a mailbox');
refused('6BA7B810-9DAD-11D1-80B4-00C04FD430C8@map.test:6002', '5', qr/PN13001: .*C8\@map\.test:6002"/);
reaches('[2001:db8::1]:49152', $four, 'an IPv6 address as a name');
refused('[2001:db8::2]:49152', '5', qr/PN13001: .*"\[2001:db8::2\]:49152"/);
reaches("asked.map.test:$p4", $four, 'the port asked for');
refused("one.test:$p7", '5', qr/PN13001: .*"one\.test:$p7"/);    # a name that exists

# --- which of several ---

refused('one.map.test:6004', '6ba', qr/PN13040: cannot connect alice to the back end of one\.map\.test:6004/);
reaches('next.map.test:1', $four, 'the second one when the first one refuses');
ok($httpd->logged(qr/PN13041: 127\.0\.0\.1:$gone, a back end of next\.map\.test:1, is not reached/),
    'which the log says');
reaches('name.map.test:1', $four, 'the second one when the first one has no address');
reaches('many.map.test:1', $elsewhere, 'the third address of a name');
reaches('seven.map.test:1', $elsewhere, 'a name of the name server');
refused('none.map.test:1', '6ba', qr/PN13040: cannot connect alice to the back end of none\.map\.test:1: no connection/);
refused('unknown.map.test:1', '6ba', qr/PN13001: .*"unknown\.map\.test:1" refused: the name of the back end/);
my $seconds = reaches('slow.map.test:1', $four, 'the second one when the first one never answers');
cmp_ok($seconds, '>', 1.7, 'after its share of the time');
cmp_ok($seconds, '<', 4, 'and within all of it');
$seconds = reaches('slow.map.test:2', $four, 'the one that never answered is asked last now');
cmp_ok($seconds, '<', 1.7, 'which nobody waits for');
$seconds = refused('holes.map.test:1', '6ba', qr/PN13040: .*holes\.map\.test:1: no answer in its share of RPCProxyConnectTimeout/);
cmp_ok($seconds, '>', 3.7, 'all of the time is used');
cmp_ok($seconds, '<', 6, 'and no more');

SKIP: {
    skip 'no IPv6 here', 6 unless $six;
    reaches('six.map.test:1', $six, 'IPv6');
    reaches('both.map.test:1', $six, 'IPv6 after IPv4');
}

SKIP: {
    skip 'no IPv6 here', 6 unless $seven;
    reaches('dual.map.test:4', $elsewhere, 'the IPv4 address of a name with both');
    reaches('dual.map.test:6', $seven, 'its IPv6 address');
}

# --- a name server that has fallen silent ---

my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.99', LocalPort => 53, Proto => 'udp');
write_file('/etc/resolv.conf', "nameserver 127.0.0.99\n");
$seconds = reaches('seven.map.test:1', $elsewhere, 'the address that was told last');
cmp_ok($seconds, '<', 4, 'within the time to connect');
$seconds = refused('unknown.map.test:2', '6ba', qr/PN13001: .*"unknown\.map\.test:2" refused: the name of the back end/);
cmp_ok($seconds, '<', 5, 'a name that nobody told: in time as well');
$seconds = reaches('one.map.test:6001', $four, 'and whoever needs no name');
cmp_ok($seconds, '<', 1.7, 'waits for nothing');
is($httpd->stop, 0, 'httpd ends in order');
$httpd->log_ok(qw(PN13001 PN13040 PN13041));
done_testing();

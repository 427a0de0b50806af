#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Back ends whose port the endpoint mapper tells: Samba's own, and one that the
# test is, which may say anything.

use strict;
use warnings;
use lib 't/lib';
use T::Netns;
use Test::More;
use IO::Select;
use T::Ca;
use T::Dir qw(temp_dir read_file write_file);
use T::Httpd;
use T::RpcProxy qw(rpc_location);
use T::Rpch;
use T::Samba;
use T::Wait qw(free_port);
use Time::HiRes qw(time);

$SIG{PIPE} = 'IGNORE';
my $missing = T::Samba->missing;
plan skip_all => $missing if $missing;

my $dir = temp_dir();
my $ca  = T::Ca->make("$dir");
my $dc  = T::Samba->new(ca => $ca, services => 'rpc ldap cldap kdc')->start;
my $alice = $dc->user(1);
my ($address, $netbios) = ($dc->address, $dc->netbios);

my $uuid = pack 'H*', '785734123412cdabef000123456789ac';    # samr
my $ndr  = pack 'H*', '045d888aeb1cc9119fe808002b104860';
my %wire = (                                                 # UUID, version
    samr    => $uuid . pack('vv', 1, 0),
    lsarpc  => pack('H*', '785734123412cdabef000123456789ab') . pack('vv', 0, 0),
    drsuapi => pack('H*', '354251e3064bd111ab0400c04fc2dcd2') . pack('vv', 4, 0),
);

my $httpd = T::Httpd->new(modules => ['rpcproxy'], tls => $ca,
    main => "RPCProxyDrainTime 0\nMaxRequestWorkers 16\nSSLProtocol -all +TLSv1.2",
    conf => conf());
my @users = ('alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=');
chomp(my $hash = `openssl passwd -apr1 '$alice->{password}'`);
push @users, map { "$_$alice->{name}:$hash" } "$netbios\\", "$netbios/";
write_file($httpd->dir . '/users', join '', map { "$_\n" } @users);
$httpd->start;

sub conf {
    return <<"CONF" . join('', @_);
RPCProxyConnectTimeout 2
RPCProxyBackend dc1.example.test 593 $address:135
RPCProxyBackend dc1.example.test 1 $address:auto/samr
RPCProxyBackend dc1.example.test 2 $address:auto/lsarpc
RPCProxyBackend dc1.example.test 3 $address:auto/e3514235-4b06-11d1-ab04-00c04fc2dcd2/4.0
RPCProxyBackend dc1.example.test 6001-6004 $address:auto
RPCProxyBackend told.example.test 1 127.0.1.1:auto/samr
RPCProxyBackend hostile.example.test * 127.0.1.2:auto/samr
RPCProxyBackend two.example.test * 127.0.1.3:auto/samr 127.0.1.1:auto/samr
RPCProxyBackend nobody.example.test * 127.0.1.9:auto/samr
@{[ rpc_location('/rpc/') ]}
CONF
}

sub client {
    return T::Rpch->new(port => $httpd->port, target => $_[0], user => 'alice', password => 'password');
}

# Both channels, whose client does not wait.
sub begin {
    my $c = client(@_);
    $c->open_in;
    $c->open_out;
    $c->send_a1;
    $c->send_b1;
    return $c;
}

# --- Samba's ---

# The interface is there: Samba accepts a bind on its own port alone.
sub binds {
    my ($port, $interface) = @_;
    my $c = begin("dc1.example.test:$port");
    ok(eval { $c->expect_open }, "$interface: a port is found") or diag $@;
    $c->in->send(T::Rpch::pdu(11, 7, pack('vvVVvv', 4280, 4280, 0, 1, 0, 1)
        . $wire{$interface} . $ndr . pack('V', 2)));
    my $ack = $c->out->read_pdu // '';
    my $size = unpack 'x24 v', $ack;
    my $at = 26 + $size + (4 - (2 + $size) % 4) % 4;
    is(unpack('x2 C', $ack), 12, "$interface: bind_ack");
    is(unpack("x$at V v", $ack), 1, "$interface: one result");
    is((unpack("x$at V v", $ack))[1], 0, "$interface: which is acceptance");
    $c->close;
}
binds(1, 'samr');
binds(2, 'lsarpc');
binds(3, 'drsuapi');

my $proxy = '127.0.0.1:' . $httpd->tls_port;
my $out = `/usr/bin/timeout 60 /usr/bin/python3 t/rpcproxy/clients/samba_client.py $proxy $ca->{ca} dc1.example.test 1 $netbios $alice->{name} '$alice->{password}' 20 2>&1`;
is($?, 0, 'Samba\'s client ends well') or diag $out;
like($out, qr/^samr users .*alice bob/m, 'and lists users, sealed, by a port that it never heard of');

sub refused {
    my ($c, $logged, $name) = @_;
    like($c->out->read_head, qr/^HTTP\/1\.1 503 RPC Error: 6ba\r\n/, "$name: 6ba");
    ok($httpd->logged($logged), "$name: the log says why");
    $c->close;
}
refused(begin("dc1.example.test:$_"),
    qr/PN13040: .*dc1\.example\.test:$_: the interface is not registered/, "Exchange's port $_")
    for 6001, 6002, 6004;
my $c = begin('dc1.example.test:6003');
like($c->out->read_head, qr/^HTTP\/1\.1 503 RPC Error: 5\r\n/, 'no interface belongs to 6003');

# --- one that the test is ---

sub tower {
    my ($port, $of) = @_;
    my $floor = sub { pack('v/a v/a', @_) };
    return pack('v', 5) . $floor->("\x0d" . ($of // $uuid) . pack('v', 1), pack 'v', 0)
        . $floor->("\x0d" . $ndr . pack('v', 2), pack 'v', 0) . $floor->("\x0b", pack 'v', 0)
        . $floor->("\x07", pack 'n', $port) . $floor->("\x09", pack 'C4', 192, 0, 2, 1);
}

sub map_answer {
    my ($status, @towers) = @_;
    return T::Rpch::pdu(2, 2, ("\0" x 28) . pack('VVVV', scalar @towers, 4, 0, scalar @towers)
        . join('', map { pack 'V', 3 } @towers)
        . join('', map { pack('VV', length $_, length $_) . $_ . "\0" x (-length($_) % 4) } @towers)
        . pack('V', $status));
}

sub bind_answer {
    my ($result) = @_;
    return T::Rpch::pdu(12, 1, pack('vvVv', 4280, 4280, 77, 4) . "135\0\0\0"
        . pack('Vvv', 1, $result, 0) . $ndr . pack('V', 2));
}

sub mapper { T::Rpch->listener(LocalAddr => $_[0], LocalPort => 135) }

# Takes the proxy's connection, and its bind.
sub asked {
    my ($c, $mapper) = @_;
    my $m = $c->accept($mapper);
    like(unpack('H*', $m->read_pdu // ''), qr/^05000b0310000000.*0883afe11f5dc91191a408002b14a0fa0300/, 'the mapper is asked');
    return $m;
}

# The dialogue that tells $port, its answers byte by byte.
sub tells {
    my ($m, $port) = @_;
    $m->send($_) for split //, bind_answer(0);
    like($m->read_pdu // '', qr/\x0d\Q$uuid\E\x01/, 'for the interface');
    $m->send($_) for split //, map_answer(0, tower(7, $ndr), tower($port));
    ok($m->ends, 'and left alone');
}

sub works {
    my ($c, $backend, $name) = @_;
    my $server = eval { $c->expect_open; $c->accept($backend) };
    ok($server, $name) or return diag $@;
    my $request = T::Rpch::request(1, $name);
    $c->in->send($request);
    is($server->read_pdu, $request, "$name: a request arrives");
    $c->close;
    ok($server->ends, "$name: and the end");
}

sub is_not_asked {
    my ($mapper, $name) = @_;
    ok(!IO::Select->new($mapper)->can_read(0), "$name: nobody asks");
}

my $mapper  = mapper('127.0.1.1');
my $backend = T::Rpch->listener(LocalAddr => '127.0.1.1');
$c = begin('told.example.test:1');
tells(asked($c, $mapper), $backend->sockport);
works($c, $backend, 'the port that was told');
works(begin('told.example.test:1'), $backend, 'the port that is remembered');
is_not_asked($mapper, 'remembered');

my $moved = T::Rpch->listener(LocalAddr => '127.0.1.1');
$backend->close;
$c = begin('told.example.test:1');
tells(asked($c, $mapper), $moved->sockport);
works($c, $moved, 'the port is another one now');
works(begin('told.example.test:1'), $moved, 'which is remembered');
is_not_asked($mapper, 'the other one');

# --- hostile ones ---

my $hostile = mapper('127.0.1.2');
my $good_bind = bind_answer(0);
my @hostile = (    # what is sent, piece for piece of the dialogue, and the reason
    ['hangs up at once', 'endpoint mapper hangs up', undef],
    ['hangs up after the bind', 'endpoint mapper hangs up', $good_bind, undef],
    ['hangs up within its answer', 'endpoint mapper hangs up', $good_bind, substr(map_answer(0, tower(9)), 0, 60), undef],
    ['refuses the bind', 'endpoint mapper refuses the bind', T::Rpch::pdu(13, 1, "\4\0\1\5\0")],
    ['is none', 'no endpoint mapper is there', bind_answer(2)],
    ['speaks HTTP', 'version is not 5', "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ['sends an RTS PDU', 'RTS PDU from the back end', T::Rpch::rts(0, T::Rpch::version())],
    ['announces much', 'endpoint mapper\'s answer is too long', pack('H16 v v V', '05000c0310000000', 16000, 0, 1)],
    ['says more than it was asked', 'endpoint mapper answers something else', $good_bind . 'x'],
    ['answers too early', 'endpoint mapper answers something else', $good_bind . map_answer(0, tower(9))],
    ['answers a fault', 'endpoint mapper answers a fault', $good_bind, T::Rpch::pdu(3, 2, "\0" x 16)],
    ['tells port 0', 'endpoint mapper knows no TCP port', $good_bind, map_answer(0, tower(0))],
    ['tells of another interface', 'endpoint mapper knows no TCP port', $good_bind, map_answer(0, tower(9, $ndr))],
    ['knows nothing', 'the interface is not registered', $good_bind, map_answer(0x16c9a0d6)],
    ['is out of order', 'endpoint mapper says no', $good_bind, map_answer(0x16c9a0cd)],
    ['cuts a tower off', 'endpoint mapper\'s towers are malformed', $good_bind,
        map_answer(0, tower(9)) =~ s/\x4b\0\0\0\x4b\0\0\0/\xff\xff\xff\xff\xff\xff\xff\xff/r],
    ['tells a dead port', 'no connection', $good_bind, map_answer(0, tower(free_port()))],
);
for my $row (@hostile) {
    my ($name, $why, @pieces) = @$row;
    my $c = begin('hostile.example.test:1');
    my $m = asked($c, $hostile);
    for my $i (0 .. $#pieces) {
        $m->read_pdu if $i == 1 && defined $pieces[0];
        defined $pieces[$i] ? $m->send($pieces[$i]) : $m->close;
    }
    refused($c, qr/PN13040: .*hostile\.example\.test:1: \Q$why\E/, $name);
    ok(!$m->socket || $m->ends, "$name: left alone");
}

# Says nothing, and something every now and then.
for my $drip ('', 1) {
    my ($c, $start) = (begin('hostile.example.test:2'), time);
    my $m = asked($c, $hostile);
    if ($drip) {
        for my $byte (split //, $good_bind) {
            last unless $c->out->silent(0.1);
            $m->send($byte);
        }
    }
    my $name = $drip ? 'a slow one' : 'a silent one';
    refused($c, qr/PN13040: .*hostile\.example\.test:2: no answer in its share/, $name);
    cmp_ok(time - $start, '>', 1.7, "$name has its time");
    cmp_ok(time - $start, '<', 4, "$name: and no more");
    ok($m->ends, "$name is left alone");
}
$c = begin('hostile.example.test:3');
my $m = asked($c, $hostile);
$c->close;
ok($m->ends(1), 'a client that leaves does not leave the question');
$c = begin('hostile.example.test:1');
my $alive = T::Rpch->listener(LocalAddr => '127.0.1.2');
tells(asked($c, $hostile), $alive->sockport);
works($c, $alive, 'and an honest answer in the end');

# --- several ---

refused(begin('nobody.example.test:1'), qr/PN13040: .*nobody\.example\.test:1: no connection/, 'no mapper');
my $third = mapper('127.0.1.3');
$c = begin('two.example.test:1');
asked($c, $third)->close;
works($c, $moved, 'the second mapper\'s, which is remembered');
ok($httpd->logged(qr/PN13041: 127\.0\.1\.3:auto, a back end of two\.example\.test:1, is not reached: endpoint mapper hangs up/),
    'the log says so');
is($httpd->stop, 0, 'httpd ends in order');

# --- without suspended requests ---

$httpd->configure(main => "RPCProxyDrainTime 0\nRPCProxyEngine Blocking");
$httpd->start;
$c = begin('told.example.test:1');
tells(asked($c, $mapper), $moved->sockport);
works($c, $moved, 'RPCProxyEngine Blocking');
binds(1, 'samr');
is($httpd->stop, 0, 'httpd ends in order');

# --- an OUT channel that comes to another child than its IN ---

$httpd->configure(main => <<'MAIN');
RPCProxyDrainTime 0
StartServers 3
MaxRequestWorkers 12
ThreadsPerChild 4
MinSpareThreads 12
MaxSpareThreads 16
AsyncRequestWorkerFactor 4000
MAIN
$httpd->start;
my $relayed;
for my $n (1 .. 40) {
    my $c = client('dc1.example.test:1');
    $c->open_in;
    $c->send_b1;
    $c->open_out;
    $c->send_a1;
    eval { $c->expect_open; 1 } or fail("tunnel $n opens") or diag $@;
    $c->close;
    $relayed = read_file($httpd->log_file) =~ /PN13075: RPC_OUT_DATA of alice/ and last;
}
ok($relayed, 'the owner asks for a channel of another child');
is($httpd->stop, 0, 'httpd ends in order');
$httpd->log_ok(qw(PN13001 PN13040 PN13041));
$dc->stop;
done_testing();

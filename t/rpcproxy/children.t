#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Several children: the two channels of a tunnel, and those that replace them,
# come to any of them and find each other.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Dir qw(temp_dir read_file);
use T::Httpd;
use T::RpcProxy qw(rpc_location rpc_users);
use T::Rpch;
use T::RpchLoad;
use T::Wait qw(until_true);
use HTTP::Tiny;
use JSON::PP qw(decode_json);
use Time::HiRes qw(time);

my $backend = T::Rpch->listener;
my $port    = $backend->sockport;
my $dir     = temp_dir();
my $ca      = T::Ca->make("$dir");
my $httpd;
$SIG{PIPE} = 'IGNORE';

my %mpm = (
    event   => "MaxRequestWorkers 12\nThreadsPerChild 4\nMinSpareThreads 12\nMaxSpareThreads 16\nAsyncRequestWorkerFactor 4000\n",
    worker  => "MaxRequestWorkers 128\nMinSpareThreads 48\nMaxSpareThreads 128\n",
    prefork => "MaxRequestWorkers 60\nMinSpareServers 10\nMaxSpareServers 60\n");

sub start_httpd {
    my ($mpm, $more) = @_;
    $httpd = T::Httpd->new(modules => ['rpcproxy'], tls => $ca, mpm => $mpm, main => <<"MAIN", conf => <<"CONF");
StartServers 3
$mpm{$mpm}
RPCProxyDrainTime 4
@{[$more // '']}
MAIN
RPCProxyBackend srv.example.test * 127.0.0.1:$port
RPCProxyPingInterval 0
@{[ rpc_location('/rpc/') ]}
@{[ rpc_location('/rpcwithcert/', 'RPCProxyChannelLifetime 40000') ]}
<Location "/tunnels">
    SetHandler rpcproxy-status
</Location>
CONF
    rpc_users($httpd, qw(alice bob));
    $httpd->start;
    until_true(sub { children() >= 3 }, 20);
}

sub children {
    my $pid = $httpd->pid;
    return split ' ', read_file("/proc/$pid/task/$pid/children") // '';
}

# The processes that have a client's connection.  Not an idle one: it may wait for
# httpd's own mutex, which does not outlive that.
sub serving {
    my %pid = map { $_ => 1 } map { `ss -tnpH state established 'sport = :$_'` =~ /pid=(\d+)/g }
        $httpd->port, $httpd->tls_port;
    delete $pid{ $httpd->pid };
    return keys %pid;
}

sub descriptors {
    my $count = 0;
    for my $pid (children()) { my @f = glob "/proc/$pid/fd/*"; $count += @f }
    return $count;
}

# The figures of the whole server, whichever child answers.
sub status { return decode_json(HTTP::Tiny->new(keep_alive => 0)->get($httpd->url('/tunnels'))->{content}) }
sub status_is {
    my ($name, %want) = @_;
    my $got;
    ok(until_true(sub { $got = status(); !grep { $got->{$_} != $want{$_} } keys %want }, 5), $name)
        or diag(join ' ', map { "$_=$got->{$_}, not $want{$_};" } sort keys %want);
}

sub folder { return $httpd->dir . '/rpcproxy.' . $httpd->pid }
sub sockets { my @all = map { m{/(\d+)$} } glob folder() . '/*'; return sort { $a <=> $b } @all }
sub relayed { my @all = read_file($httpd->log_file) =~ /PN13075: (\S+)/g; return @all }

sub client {
    my ($tls, @more) = @_;
    return T::Rpch->new(port => $tls ? $httpd->tls_port : $httpd->port, $tls ? (tls => $ca->{ca}) : (),
        target => 'srv.example.test:6001', user => 'alice', password => 'password', window => 262144, @more);
}

sub open_many {
    my ($count, $tls) = @_;
    return map { my $c = client($tls); [$c, $c->open($backend)] } 1 .. $count;
}

# Some PDUs of many sizes, both ways at once; 1 when every byte arrived.
sub exchange {
    my ($c, $server, $n) = @_;
    my $up = join '', map { T::Rpch::request($_, chr(65 + ($n + $_) % 26) x (($n * 131 + $_ * 977) % 5000)) } 1 .. 10;
    my $down = join '', map { T::Rpch::response($_, chr(97 + ($n + $_) % 26) x (($n * 37 + $_ * 1103) % 5000)) } 1 .. 10;
    $c->in->send($up);
    $server->send($down);
    return ($server->read_exactly(length $up) // '') eq $up && ($c->out->read_exactly(length $down) // '') eq $down;
}

sub close_all { $_->close for grep { $_ && $_->socket } map { my ($c, $s) = @$_; ($c->in, $c->out, $c->{new}, $s) } @_ }

sub idle {
    my ($limit) = @_;
    return until_true(sub { descriptors() <= $limit }, 15);
}

sub test_many {
    my ($name, $count, $tls) = @_;
    my $before = relayed();
    my $bytes = status();
    my @all = open_many($count, $tls);
    my $crossed = relayed() - $before;
    cmp_ok($crossed, '>', 0, "$name: $crossed channels of $count tunnels crossed");
    my $good = grep { exchange(@{ $all[$_] }, $_) } 0 .. $#all;
    is($good, $count, "$name: every byte arrives, both ways");
    my %level = (tunnels => $count, slots => $count, channels => 2 * $count, relays => $crossed, half_open => 0);
    status_is("$name: any child tells of all of them", %level) for 1 .. 3;
    for my $n (0 .. $#all) {
        my ($c, $server) = @{ $all[$n] };
        ($c->in, $c->out, $server)[$n % 3]->close;
    }
    my $start = time;
    my $ended = grep { my ($c, $server) = @$_;
        (!$server->socket || $server->ends(3)) && (!$c->out->socket || $c->out->ends(3))
            && (!$c->in->socket || $c->in->ends(3)) } @all;
    is($ended, $count, "$name: all ends close, whichever was first");
    cmp_ok(time - $start, '<', 3, "$name: soon");
    close_all(@all);
    status_is("$name: nothing is left in shared memory, and every byte is counted",
        (map { $_ => 0 } keys %level), begun => $bytes->{begun} + $count, opened => $bytes->{opened} + $count,
        relayed => $bytes->{relayed} + $crossed, pdus_up => $bytes->{pdus_up} + 10 * $count,
        bytes_up => $bytes->{bytes_up} + 160 * $count + stubs($count, 131, 977),
        bytes_down => $bytes->{bytes_down} + 160 * $count + stubs($count, 37, 1103));
}

# The bytes of what exchange() sends on so many tunnels, without headers.
sub stubs {
    my ($count, $by_tunnel, $by_call) = @_;
    my $sum = 0;
    for my $n (0 .. $count - 1) { $sum += ($n * $by_tunnel + $_ * $by_call) % 5000 for 1 .. 10 }
    return $sum;
}

# IN channels that come to any child replace the ones before.
sub test_recycle_in {
    my ($name) = @_;
    my $before = grep { $_ eq 'RPC_IN_DATA' } relayed();
    my $c = client();
    my $server = $c->open($backend);
    my $good = 0;
    for my $n (1 .. 12) {
        my $next = T::Rpch::cookie();
        my $new = $c->connect;
        $new->send($c->request_head('RPC_IN_DATA', 1073741824)
            . T::Rpch::rts(4, T::Rpch::version(), map { T::Rpch::ck($_) } $c->{vc}, $c->{in_cookie}, $next));
        my $a4 = $c->out->read_pdu;
        $c->in->send(T::Rpch::rts(0, T::Rpch::ck($next)));
        $c->in->ends(3);
        $c->in->close;
        @$c{qw(in in_cookie)} = ($new, $next);
        $good++ if length($a4) > 20 && exchange($c, $server, $n);
    }
    is($good, 12, "$name: 12 IN channels replaced, every byte arrives");
    my $crossed = (grep { $_ eq 'RPC_IN_DATA' } relayed()) - $before;
    cmp_ok($crossed, '>', 0, "$name: $crossed of them crossed");
    close_all([$c, $server]);
}

# A back end that sends more than the client reads, then all of it.
sub test_slow_client {
    my ($name) = @_;
    my @all = open_many(12);
    my $pdu = T::Rpch::response(1, 'z' x 5000);
    my $good = 0;
    for (@all) {
        my ($c, $server) = @$_;
        $server->send($pdu) for 1 .. 45;
        my $got = grep { ($c->out->read_pdu // '') eq $pdu } 1 .. 45;
        my $up = T::Rpch::request(1, 'u' x 5000);
        $c->in->send($up) for 1 .. 40;
        $got += grep { ($server->read_pdu // '') eq $up } 1 .. 40;
        $good++ if $got == 85;
    }
    is($good, 12, "$name: full windows both ways");
    close_all(@all);
}

sub test_identity {
    my ($name) = @_;
    my $refused = 0;
    for my $n (1 .. 12) {
        my $c = client();
        $c->open_out; $c->send_a1; $c->out->more;
        my $server = $c->accept($backend);
        my $bob = client(0, user => 'bob', vc => $c->{vc});
        $bob->open_in; $bob->send_b1;
        $refused++ if $bob->in->read_head =~ / 503 RPC Error: 5\r/ && $bob->in->ends(2);
        $c->open_in; $c->send_b1;
        $refused = -100 unless eval { $c->expect_open; 1 };
        close_all([$c, $server], [$bob]);
    }
    is($refused, 12, "$name: another user is refused in any child, and the tunnel stays");
}

# One child is killed: its tunnels end at once, at the other children too.
sub test_kill {
    my ($name) = @_;
    my @all = open_many(20, 1);
    my ($victim) = serving();
    my $start = time;
    kill 'KILL', $victim;
    my ($dead, $alive) = (0, 0);
    until_true(sub { !-d "/proc/$victim" }, 5);
    for my $n (0 .. $#all) {
        my ($c, $server) = @{ $all[$n] };
        if (eval { exchange($c, $server, $n) }) { $alive++; next }
        $dead++ if $c->in->ends(1) && $c->out->ends(1) && $server->ends(1);
    }
    is($dead + $alive, 20, "$name: $dead tunnels end whole, $alive go on");
    cmp_ok($dead, '>', 0, "$name: some had a part in the child");
    status_is("$name: the others know how many are left", tunnels => $alive, slots => $alive, channels => 2 * $alive);
    close_all(@all);
    status_is("$name: and at the end none", map { $_ => 0 } qw(tunnels slots channels relays half_open));
    ok(until_true(sub { my @c = children(); @c >= 3 && "@{[sockets()]}" eq "@{[sort { $a <=> $b } @c]}" }, 15),
        "$name: one socket for each child, none of the dead one")
        or diag("sockets: @{[sockets()]}, children: @{[children()]}");
    my $c = client(1);
    ok(eval { exchange($c, $c->open($backend), 1) }, "$name: and the next tunnel works");
    close_all([$c]);
}

# Full tunnels whose channels are replaced all the time, in any child, both ways
# at the same time.
sub loads {
    my ($count, $tls) = @_;
    return map {
        my $c = client($tls && $_ % 2, path => '/rpcwithcert/rpcproxy.dll');
        T::RpchLoad->new($c, $c->open($backend), c1_first => $_ & 2);
    } 1 .. $count;
}

sub sum { my ($what, @loads) = @_; my $sum = 0; $sum += $_->{$what} for @loads; return $sum }

sub test_load {
    my ($name, $count, $each) = @_;
    my $before = relayed();
    my @loads = loads($count, 1);
    my $good = eval {
        T::RpchLoad::run(sub { !grep { $_->{in_recycles} < $each || $_->{out_recycles} < $each } @loads }, @loads);
        T::RpchLoad::finish(@loads);
        1;
    };
    ok($good, sprintf '%s: %d full tunnels, %d IN and %d OUT channels replaced, every one of %d bytes up and %d down arrives',
        $name, $count, map { sum($_, @loads) } qw(in_recycles out_recycles bytes_up bytes_down)) or diag $@;
    cmp_ok(sum('both', @loads), '>', 0, "$name: both at the same time " . sum('both', @loads) . ' times');
    my @crossed = relayed();
    my %by = map { my $method = $_; $method => scalar grep { $_ eq $method } @crossed[ $before .. $#crossed ] }
        qw(RPC_IN_DATA RPC_OUT_DATA);
    cmp_ok($by{$_}, '>', 0, "$name: $by{$_} of them crossed by $_") for sort keys %by;
    $_->close for @loads;
    status_is("$name: nothing is left", map { $_ => 0 } qw(tunnels slots channels relays half_open));
}

# A graceful restart in the middle of that: what replaces a channel comes to a
# child of the new generation, and the tunnel is one of the old.
sub test_load_graceful {
    my ($name) = @_;
    my @loads = loads(8, 0);    # a handshake of TLS would wait for the new children
    T::RpchLoad::run(sub { !grep { $_->{in_recycles} < 2 || $_->{out_recycles} < 2 } @loads }, @loads);
    my @old   = children();
    my $start = time;
    kill 'USR1', $httpd->pid;
    my %end;
    while (keys %end < @loads && time < $start + 15) {
        for my $n (grep { !$end{$_} } 0 .. $#loads) {
            eval { $loads[$n]->turn; 1 } or $end{$n} = $@;
        }
    }
    cmp_ok(time - $start, '<', 10, "$name: tunnels end with the drain time");
    my @wrong = grep { !/^(?:OUT ends|the back end is closed|(?:IN|OUT|back end): (?:Broken pipe|Connection reset)|the new OUT answers HTTP\S+ 503 RPC Error)/ }
        values %end;
    is(scalar(@wrong), 0, "$name: each of them with a clean end, after right bytes alone") or diag(@wrong);
    is(scalar(keys %end), scalar(@loads), "$name: all of them");
    my %old     = map { $_ => 1 } @old;
    my $between = grep { /\[pid (\d+):.* PN13075: .* to the process (\d+)/ && !$old{$1} && $old{$2} }
        split /\n/, read_file($httpd->log_file);
    cmp_ok($between, '>', 0, "$name: $between channels went from a new child to an old one");
    $_->close for @loads;
    ok(until_true(sub { !grep { -d "/proc/$_" } @old }, 20), "$name: the old children go");
    my ($next) = open_many(1);
    ok(eval { exchange(@$next, 1) }, "$name: the next tunnel works") or diag $@;
    close_all($next);
    status_is("$name: nothing is left", map { $_ => 0 } qw(tunnels slots channels relays half_open));
}

# Halves of the last generation pair with what comes to the next one, or that
# fails at once.
sub test_halves {
    my ($name, @half) = @_;
    my ($paired, $refused, $slowest) = (0, 0, 0);
    status();    # for a second after the restart, httpd accepts nothing
    for my $n (0 .. $#half) {
        my ($c)   = @{ $half[$n] };
        my $start = time;
        $c->open_in;
        $c->send_b1;
        my $out = '';
        my $in  = $c->in;
        until_true(sub {
            my $answer = eval { $in->more(0); $in->{buffer} } // '';
            $refused++, return 1 if $answer =~ m{^HTTP/1\.1 (?:503 RPC Error|200)};
            eval { $c->out->more(0) or die "end\n"; 1 } or $@ eq "end\n" and $refused++, return 1;
            $paired++, return 1 if length $c->out->{buffer} >= 28 + 44;
            return 0;
        }, 5);
        my $took = time - $start;
        $slowest = $took if $took > $slowest;
    }
    is($paired + $refused, scalar(@half), "$name: $paired halves of the last generation pair, $refused are refused");
    cmp_ok($slowest, '<', 1, "$name: at once");
}

sub test_graceful {
    my ($name) = @_;
    my @all = open_many(20);
    my @half = map { my $c = client(); $c->open_out; $c->send_a1; $c->out->more; $c->out->read_head; [$c, $c->accept($backend)] } 1 .. 6;
    my @old = children();
    my $start = time;
    $httpd->reload;
    test_halves($name, @half);
    my $ended = grep { my ($c, $server) = @$_; $c->out->ends(10) && $c->in->ends(2) && $server->ends(2) } @all;
    is($ended, 20, "$name: every tunnel ends in order");
    cmp_ok(time - $start, '<', 8, "$name: soon");
    close_all(@all, @half);
    ok(until_true(sub { !grep { -d "/proc/$_" } @old }, 20), "$name: the old children go");
    my $c = client();
    ok(eval { exchange($c, $c->open($backend), 1) }, "$name: the next tunnel works") or diag $@;
    close_all([$c]);
    ok(until_true(sub { "@{[sockets()]}" eq "@{[sort { $a <=> $b } children()]}" }, 15),
        "$name: no socket of an old child is left")
        or diag("sockets: @{[sockets()]}, children: @{[children()]}");
}

# Under prefork the thread that serves is the one that the signal interrupts, at
# any moment of it: the process ends all the same.
sub test_terminate {
    my ($name) = @_;
    my ($rounds, $killed, $slowest) = (6, 0, 0);
    for my $round (1 .. $rounds) {
        # Without TLS: httpd's own handler of the signal frees the connection that
        # mod_ssl may be about to free.
        my @loads = loads(3, 0);
        my $turns = 0;
        T::RpchLoad::run(sub { $turns++ > 3 * $round }, @loads);
        my @all   = serving();
        my $start = time;
        $killed += kill 'TERM', @all;
        eval { T::RpchLoad::run(sub { time > $start + 0.05 }, @loads) };
        until_true(sub { !grep { T::Wait::lives($_) } @all }, 10);
        $slowest = time - $start if time - $start > $slowest;
        $_->close for @loads;
        until_true(sub { children() >= 8 }, 20);
    }
    cmp_ok($slowest, '<', 5, sprintf '%s: %d processes end that are told to while they serve, within %.1f s',
        $name, $killed, $slowest);
    status_is("$name: nothing is left of them", map { $_ => 0 } qw(tunnels slots channels relays half_open));
    my ($next) = open_many(1);
    ok(eval { exchange(@$next, 1) }, "$name: the next tunnel works") or diag $@;
    close_all($next);
}

# What the channels of a new tunnel are answered, within 2 seconds.
sub begin_tunnel {
    my ($c) = @_;
    $c->open_in;
    $c->open_out;
    $c->send_a1;
    $c->send_b1;
    my $answer = '';
    until_true(sub {
        my %got = map { my $channel = $c->{$_}; eval { $channel->more(0) }; ($_ => $channel->{buffer}) } qw(in out);
        $answer = join ' ', map { $got{$_} =~ m{^HTTP/1\.1 (\d+)} ? "$_ $1" : () } qw(in out);
        $answer .= ' open' if $got{out} =~ /\r\n\r\n.{72}/s;    # A3, C2
        return $answer =~ /out \d/ && $answer =~ /open|503/;
    }, 2);
    return $answer;
}

# Children that end after so many connections hand their tunnels to nobody: they
# end in order while others begin.
sub test_short_lives {
    my ($name) = @_;
    my %seen = map { $_ => 1 } my @first = children();
    my ($good, $refused, @all) = (0, 0);
    for my $n (1 .. 120) {
        my $c      = client();
        my $answer = begin_tunnel($c);
        my $server = $answer =~ /out 200/ ? $c->accept($backend) : undef;
        if ($answer =~ /open/ && eval { $c->expect_open; exchange($c, $server, $n) }) { $good++ }
        elsif ($answer =~ /503/) { $refused++ }
        push @all, [$c, $server];
        close_all(shift @all) if @all > 10;
        $seen{$_} = 1 for children();
    }
    is($good + $refused, 120, "$name: $good tunnels work, $refused end at once, while children come and go");
    cmp_ok($good, '>', 100, "$name: most of them work");
    cmp_ok(keys %seen, '>', @first + 3, "$name: " . keys(%seen) . ' children in all');
    close_all(@all);
    status_is("$name: nothing is left", map { $_ => 0 } qw(tunnels slots channels relays half_open));
}

for my $mpm (@ARGV ? @ARGV : qw(event worker prefork)) {
    subtest $mpm => sub {
        start_httpd($mpm);
        my @stat = stat folder();
        is($stat[2] & 07777, 0700, "$mpm: the folder is ours alone");
        is(scalar(grep { ((stat folder() . "/$_")[2] & 07777) != 0600 } sockets()), 0, "$mpm: the sockets as well");
        close_all(open_many(6));
        my $limit = descriptors() + 6;
        test_many("$mpm, plain", $mpm eq 'event' ? 50 : 12, 0);
        test_many("$mpm, TLS", $mpm eq 'event' ? 50 : 12, 1);
        test_recycle_in($mpm);
        test_load($mpm, $mpm eq 'event' ? (6, 20) : (2, 10));
        test_terminate($mpm) if $mpm eq 'prefork';
        if ($mpm eq 'event') {
            test_slow_client($mpm);
            test_identity($mpm);
            ok(idle($limit), "$mpm: no descriptor is left") or diag(descriptors() . " of $limit");
            test_kill($mpm);
            test_graceful($mpm);
            test_load_graceful($mpm);
        }
        my $folder = folder();
        my @last = open_many(5);
        is($httpd->stop, 0, "$mpm: httpd ends in order");
        ok(!-e $folder, "$mpm: no folder is left");
        close_all(@last);
        $httpd->log_ok(qw(PN13002 PN13003 PN13051 PN13061 PN13073 PN13074 AH00052 AH00484 AH10159 AH00161));
    };
}
subtest 'short lives' => sub {
    start_httpd('event', "ServerLimit 16\nMaxConnectionsPerChild 30");
    test_short_lives('MaxConnectionsPerChild');
    is($httpd->stop, 0, 'httpd ends in order');
    $httpd->log_ok(qw(PN13002 PN13003 PN13051 PN13061 PN13073 PN13074 AH00052 AH00484 AH10159 AH00161));
} unless @ARGV;
done_testing();

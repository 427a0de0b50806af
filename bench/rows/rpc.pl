# SPDX-License-Identifier: Apache-2.0

package Rows::Rpc;

# mod_rpcproxy beside the same calls straight over TCP, httpd's own
# mod_proxy_connect, and haproxy.

use strict;
use warnings;
use Bench qw(program numbers with_cpu pss_kib descriptors);
use IPC::Open2 qw(open2);
use Stage qw(ca);
use Stock;

my $load = program('rpc_load');

# A load on one way to the back end: ours, tcp, connect, haproxy, and the same
# with _tls.
my %way = (
    tcp => sub { my $s = Stage::rpc_server(); ([ '-v', 'tcp', '-p', "127.0.0.1:$s->{port}" ], $s->{process}->pid) },
    haproxy => sub { my $s = Stage::haproxy(); ([ '-v', 'tcp', '-p', "127.0.0.1:$s->{port}" ], $s->{pid}) },
    haproxy_tls => sub { my $s = Stage::haproxy(); ([ '-v', 'tcp', '-p', "127.0.0.1:$s->{tls_port}", '-t', ca()->{ca} ], $s->{pid}) },
    connect => sub { my $s = Stage::connect_proxy(); my $back = Stage::rpc_server()->{port};
        ([ '-v', 'connect', '-p', '127.0.0.1:' . $s->port, '-s', "127.0.0.1:$back" ], $s->pid) },
    ours => sub { my $s = Stage::rpc_proxy(); ([ qw(-v rpch -u alice:secret -s bench.example.test:6001 -p), '127.0.0.1:' . $s->port ], $s->pid) },
    ours_tls => sub { my $s = Stage::rpc_proxy(); ([ qw(-v rpch -u alice:secret -s bench.example.test:6001 -p), '127.0.0.1:' . $s->tls_port, '-t', ca()->{ca} ], $s->pid) },
);

sub load_by {
    my ($way, @what) = @_;
    my ($how, $pid) = $way{$way}->();
    my $value = with_cpu($pid, sub { numbers($load, @$how, @what) });
    $value->{cpu_per_mb} = $value->{cpu} / 1000 / ($what[1] / 1e6) if $value->{mbps};
    return $value;
}

# Targets of one kind of load over several ways.
sub over { my ($what, @ways) = @_; return { map { my $w = $_; ($w => sub { load_by($w, @$what) }) } @ways } }

# So many idle tunnels; IDLE=5000 for more.
my $idle = $ENV{IDLE} || 500;

# What $measure yields while clients hold so many tunnels; each of @clients is
# a command.
sub while_all_held {
    my ($count, $measure, @clients) = @_;
    my ($held, @running) = 0;
    for my $command (@clients) {
        my $pid = open2(my $out, my $in, @$command, 'hold', $count / @clients);
        push @running, [$pid, $out, $in];
    }
    $held += (readline($_->[1]) // '') =~ /held=(\d+)/ ? $1 : 0 for @running;
    my $value = $measure->();
    for (@running) { close $_->[2]; waitpid $_->[0], 0 }
    die "held only $held of $count tunnels\n" unless $held == $count;
    return $value;
}

sub while_held { my ($measure, @command) = @_; return while_all_held($idle, $measure, \@command) }

# What each of them costs a fresh server.
sub idle {
    my ($server, $tls, @how) = @_;
    my $httpd = $server->();
    my @port = $tls ? ($httpd->tls_port, '-t', ca()->{ca}) : ($httpd->port);
    my @command = ($load, @how, '-p', "127.0.0.1:$port[0]", @port[ 1 .. $#port ]);
    numbers(@command, 'setup', 50);    # what only the first ones cost
    my $size   = sub { [pss_kib($httpd->pid), descriptors($httpd->pid)] };
    my $before = $size->();
    my $after  = while_held($size, @command);
    $httpd->stop;
    my @each = map { ($after->[$_] - $before->[$_]) / $idle } 0, 1;
    return { pss => $each[0], fds => $each[1] };
}

# Round trips on one more tunnel of the same server.
sub beside_idle {
    my ($how) = $way{ours}->();
    return while_held(sub { load_by('ours', qw(rtt 1 1 64)) }, $load, @$how);
}

my @rpch = qw(-v rpch -u alice:secret -s bench.example.test:6001);
sub connect_how { ('-v', 'connect', '-s', '127.0.0.1:' . Stage::rpc_server()->{port}) }
my %idle = (
    ours    => sub { idle(\&Stage::new_rpc_proxy, 0, @rpch) },
    connect => sub { idle(\&Stage::new_connect_proxy, 0, connect_how()) },
    ours_tls    => sub { idle(\&Stage::new_rpc_proxy, 1, @rpch) },
    connect_tls => sub { idle(\&Stage::new_connect_proxy, 1, connect_how()) });

# Round trips beside $count tunnels and what each of these costs, in a fresh
# server.
sub grown {
    my ($count) = @_;
    my $httpd   = Stage::new_rpc_proxy();
    my @command = ($load, @rpch, '-p', '127.0.0.1:' . $httpd->port);
    numbers(@command, 'setup', 50);
    my $before = pss_kib($httpd->pid);
    my $value  = while_all_held($count, sub {
        return { pss => (pss_kib($httpd->pid) - $before) / $count, %{ numbers(@command, qw(rtt 1 1 64)) } };
    }, \@command);
    $httpd->stop;
    return $value;
}

# Another URL of stock apache2, with and without 1,000 tunnels of ten users.
sub page { my $port = Stock::rpc_proxy()->{port}; return numbers(program('http_load'), '-p', "127.0.0.1:$port", 4, 2, '/site/page.html') }
sub page_beside {
    my $port = Stock::rpc_proxy()->{port};
    return while_all_held(1000, \&page,
        map { [$load, qw(-v rpch -s bench.example.test:6001), '-u', "u$_:secret", '-p', "127.0.0.1:$port"] } 0 .. 9);
}

my @needs = ('modules/mod_rpcproxy.so', 'bench/rpc_load');
my @haproxy = (@needs, '/usr/sbin/haproxy');
my $tcp = 'the same calls straight over TCP';
my $connect = 'mod_proxy_connect of the same httpd';
my $bytes = '64 bytes a call';

return (
    { needs => [@haproxy], rounds => 7,
      targets => over([qw(rtt 1 1 64)], qw(ours tcp connect haproxy)),
      rows => [
        ['rpc.rtt.1', 'calls/s', 'ours.rps', 'tcp.rps', "$tcp, 1 connection, $bytes"],
        ['rpc.rtt.1.haproxy', 'calls/s', 'ours.rps', 'haproxy.rps', 'haproxy, TCP'],
        ['rpc.rtt.1.connect', 'calls/s', 'ours.rps', 'connect.rps', $connect],
        ['rpc.rtt.1.p99', 'us', 'ours.p99', 'connect.p99', $connect],
        ['rpc.rtt.1.cpu', 'us/call', 'ours.cpu', 'connect.cpu', "$connect; CPU of the proxy"] ] },
    { needs => [@haproxy], rounds => 7,
      targets => over([qw(rtt 16 1 64)], qw(ours tcp connect haproxy)),
      rows => [
        ['rpc.rtt.16', 'calls/s', 'ours.rps', 'tcp.rps', "$tcp, 16 connections, $bytes"],
        ['rpc.rtt.16.haproxy', 'calls/s', 'ours.rps', 'haproxy.rps', 'haproxy, TCP'],
        ['rpc.rtt.16.p99', 'us', 'ours.p99', 'connect.p99', $connect],
        ['rpc.rtt.16.cpu', 'us/call', 'ours.cpu', 'connect.cpu', "$connect; CPU of the proxy"] ] },
    { needs => [@haproxy], rounds => 7,
      targets => over([qw(rtt 1 1 64)], qw(ours_tls haproxy_tls)),
      rows => [
        ['rpc.rtt.tls', 'calls/s', 'ours_tls.rps', 'haproxy_tls.rps', "haproxy ending TLS, $bytes"],
        ['rpc.rtt.tls.cpu', 'us/call', 'ours_tls.cpu', 'haproxy_tls.cpu', 'haproxy ending TLS; CPU of the proxy'] ] },
    { needs => [@needs], rounds => 5,
      targets => over([qw(setup 200)], qw(ours connect)),
      rows => [
        ['rpc.setup', 'us', 'ours.p50', 'connect.p50', "$connect; connect up to bind_ack"],
        ['rpc.setup.p99', 'us', 'ours.p99', 'connect.p99', $connect],
        ['rpc.setup.lost', 'of 200', 'ours.failed', 'connect.failed', $connect] ] },
    { needs => [@needs], rounds => 3,
      targets => over([qw(storm 200)], qw(ours connect)),
      rows => [
        ['rpc.setup.storm', 'us', 'ours.us', 'connect.us', "$connect; 200 at once, until all are up"],
        ['rpc.setup.storm.lost', 'of 200', 'ours.failed', 'connect.failed', $connect] ] },
    { needs => [@needs], rounds => 1, targets => \%idle,
      rows => [
        ['rpc.idle.plain', 'KiB/tunnel', 'ours.pss', 'connect.pss', "$connect; PSS, $idle tunnels"],
        ['rpc.idle.plain.fds', 'per tunnel', 'ours.fds', 'connect.fds', $connect] ] },
    { needs => [@needs], rounds => 3,
      targets => { held => \&beside_idle, free => sub { load_by('ours', qw(rtt 1 1 64)) } },
      rows => [
        ['rpc.rtt.1.held', 'calls/s', 'held.rps', 'free.rps', "the same without $idle idle tunnels on the server"] ] },
    { needs => [@needs], rounds => 1, targets => \%idle,
      rows => [
        ['rpc.idle.tls', 'KiB/tunnel', 'ours_tls.pss', 'connect_tls.pss', "$connect inside TLS; PSS, $idle tunnels"] ] },
    (map {
        my ($way, $title, @what) = @$_;
        { needs => [@haproxy], rounds => 5,
          targets => over([ $way, @what ], qw(ours haproxy ours_tls haproxy_tls)),
          rows => [
            ["rpc.bulk.$way", 'MB/s', 'ours.mbps', 'haproxy.mbps', "haproxy, TCP; $title"],
            ["rpc.bulk.$way.tls", 'MB/s', 'ours_tls.mbps', 'haproxy_tls.mbps', "haproxy ending TLS; $title"],
            ["rpc.bulk.$way.cpu", 'ms/MB', 'ours.cpu_per_mb', 'haproxy.cpu_per_mb', 'haproxy, TCP; CPU of the proxy'] ] }
    } ['down', 'one answer of 50 MB', 50_000_000], ['up', 'one request of 20 MB', 20_000_000]),
    { needs => [@needs, '/usr/sbin/a2enmod', 'modules/mod_mailbox.so', 'bench/http_load'], rounds => 3,
      targets => { held => \&page_beside, free => \&page },
      rows => [
        ['rpc.default', 'requests/s', 'held.rps', 'free.rps', 'the same without 1,000 tunnels; stock apache2, the shipped conf'],
        ['rpc.default.p99', 'us', 'held.p99', 'free.p99', 'the same without 1,000 tunnels'] ] },
    { needs => [@needs], rounds => 1,
      targets => { map { my $n = $_; ("n$n" => sub { grown($n) }) } 100, 1000, 5000 },
      rows => [ map { my $n = $_; (
        ["rpc.growth.rtt.$n", 'calls/s', "n$n.rps", 'n100.rps', 'beside 100 idle tunnels'],
        ["rpc.growth.pss.$n", 'KiB/tunnel', "n$n.pss", 'n100.pss', 'with 100 tunnels']) } 1000, 5000 ] },
    { needs => [@needs], rounds => 3,
      targets => over([qw(split 200)], qw(ours connect tcp)),
      rows => [
        ['rpc.split', 'us', 'ours.p50', 'connect.p50', "$connect; a request of two fragments"] ] },
    { needs => [@needs], rounds => 3,
      targets => over([qw(close 50)], qw(ours connect)),
      rows => [
        ['rpc.close', 'us', 'ours.p99', 'connect.p99', "$connect; back end closes, client sees it, p99"],
        ['rpc.close.in', 'us', 'ours.client_p99', 'connect.p99', "$connect; client closes IN, sees OUT end, p99"] ] },
);

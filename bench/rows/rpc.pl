# SPDX-License-Identifier: Apache-2.0

package Rows::Rpc;

# mod_rpcproxy beside the same calls straight over TCP, httpd's own
# mod_proxy_connect, and haproxy.

use strict;
use warnings;
use Bench qw(program numbers with_cpu cpu_seconds pss_kib descriptors threads);
use IPC::Open2 qw(open2);
use Stage qw(ca);
use Stock;
use T::Dir qw(read_file);
use Time::HiRes qw(time sleep);

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

# So many idle tunnels, and over TLS as many as the descriptors allow: three
# each, and some for everything else.  IDLE=500 for fewer.  What keeps a thread
# for each of them is measured with fewer.
my $idle     = $ENV{IDLE} || 5000;
my $idle_tls = $ENV{IDLE} || int((`sh -c "ulimit -n"` - 2000) / 3);
my $idle_connect = 500;
my $ping_seconds = 60;

# A connection gives its buffers back when it has not used them for 10 seconds.
my $rest = 12;

# What $measure yields while clients hold so many tunnels, each of which sends a
# ping every $ping seconds; each of @clients is a command.
sub while_all_held {
    my ($count, $ping, $measure, @clients) = @_;
    my ($held, @running) = 0;
    for my $command (@clients) {
        my $pid = open2(my $out, my $in, @$command, 'hold', $count / @clients, $ping);
        push @running, [$pid, $out, $in];
    }
    $held += (readline($_->[1]) // '') =~ /held=(\d+)/ ? $1 : 0 for @running;
    my $value = $measure->();
    for (@running) { close $_->[2]; waitpid $_->[0], 0 }
    die "held only $held of $count tunnels\n" unless $held == $count;
    return $value;
}

# The command of a client of $httpd.
sub client_of {
    my ($httpd, $tls, @how) = @_;
    my ($port, @tls) = $tls ? ($httpd->tls_port, '-t', ca()->{ca}) : ($httpd->port);
    return [ $load, @how, '-p', "127.0.0.1:$port", @tls ];
}

# What each of $count idle tunnels costs a fresh server.
sub idle {
    my ($httpd, $count, $tls, @how) = @_;
    my $client = client_of($httpd, $tls, @how);
    numbers(@$client, 'setup', 50);    # loads everything
    my $size   = sub { [pss_kib($httpd->pid), descriptors($httpd->pid)] };
    my $before = $size->();
    my $value  = while_all_held($count, 0, sub {
        sleep $rest;
        my $after = $size->();
        my @each  = map { ($after->[$_] - $before->[$_]) / $count } 0, 1;
        return { pss => $each[0], fds => $each[1], threads => threads($httpd->pid) };
    }, $client);
    $httpd->stop;
    return $value;
}

my @rpch = qw(-v rpch -u alice:secret -s bench.example.test:6001);
sub few_threads { Stage::new_rpc_proxy($Stage::few_threads) }
sub connect_how { ('-v', 'connect', '-s', '127.0.0.1:' . Stage::rpc_server()->{port}) }
my %idle = (
    ours    => sub { idle(few_threads(), $idle, 0, @rpch) },
    connect => sub { idle(Stage::new_connect_proxy(), $idle_connect, 0, connect_how()) },
    ours_tls    => sub { idle(few_threads(), $idle_tls, 1, @rpch) },
    connect_tls => sub { idle(Stage::new_connect_proxy(), $idle_connect, 1, connect_how()) });

# Processor time while both sides of idle tunnels ping, as a share of one core,
# over one turn of all of them.
sub idle_cpu {
    my $httpd = few_threads();
    my $value = while_all_held($idle, $ping_seconds, sub {
        my ($start, $used) = (time, cpu_seconds($httpd->pid));
        sleep 1 while time < $start + $ping_seconds;
        return { percent => 100 * (cpu_seconds($httpd->pid) - $used) / (time - $start) };
    }, client_of($httpd, 0, @rpch));
    $httpd->stop;
    return $value;
}

# Round trips beside $count idle tunnels, and what each of these costs, in a
# fresh server that holds 50 already: the first ones cost more.
sub grown {
    my ($count) = @_;
    my $httpd  = few_threads();
    my $client = client_of($httpd, 0, @rpch);
    my $value  = while_all_held(50, 0, sub {
        my $before = pss_kib($httpd->pid);
        while_all_held($count, 0, sub {
            sleep $rest;
            my $each = (pss_kib($httpd->pid) - $before) / $count;
            return { pss => $each, %{ numbers(@$client, qw(rtt 1 1 64)) } };
        }, $client);
    }, $client);
    $httpd->stop;
    return $value;
}

# Round trips on one and on 16 tunnels, free and beside $idle idle ones.
sub both_rtts { return { one => load_by('ours', qw(rtt 1 1 64))->{rps}, many => load_by('ours', qw(rtt 16 1 64))->{rps} } }
sub beside_idle { return while_all_held($idle, 0, \&both_rtts, client_of(Stage::rpc_proxy(), 0, @rpch)) }

# Another URL of stock apache2, with and without 1,000 tunnels of twenty users, so
# that those of the round before, which may end late, reach no limit of a user.
sub page { my $port = Stock::rpc_proxy()->{port}; return numbers(program('http_load'), '-p', "127.0.0.1:$port", 4, 2, '/site/page.html') }
sub page_beside {
    my $port = Stock::rpc_proxy()->{port};
    return while_all_held(1000, 0, \&page,
        map { [$load, qw(-v rpch -s bench.example.test:6001), '-u', "u$_:secret", '-p', "127.0.0.1:$port"] } 0 .. 19);
}

# Calls on a tunnel one of whose channels came to another child than its owner,
# or on one that has none such.
my $eight_children = "StartServers 8\nServerLimit 8\nThreadsPerChild 8\nMinSpareThreads 64\nMaxSpareThreads 64\n"
    . "MaxRequestWorkers 64\nAsyncRequestWorkerFactor 400\n";
my $several;
sub with_relays {
    my ($wanted) = @_;
    $several //= Stage::new_rpc_proxy($eight_children);
    my $relays = sub { scalar(() = read_file($several->log_file) =~ /PN13075/g) };
    for (1 .. 50) {
        my $before = $relays->();
        my $value  = numbers(@{ client_of($several, 0, @rpch) }, qw(rtt 1 1 64));
        return $value if ($relays->() > $before) == $wanted;
    }
    die "no tunnel of that kind\n";
}

my @needs = ('modules/mod_rpcproxy.so', 'bench/rpc_load');
my @haproxy = (@needs, '/usr/sbin/haproxy');
my $tcp = 'the same calls straight over TCP';
my $connect = 'mod_proxy_connect of the same httpd';
my $bytes = '64 bytes a call';

# The references tell what a proxy can reach where it shares two processors with
# the client and the back end: it receives and sends each PDU once more than both
# of them together, so that at most half of the calls straight over TCP remain,
# and haproxy's share of them (.bound) is what a good one reaches.  A tunnel has
# more to do still: none of its channels carries data back that acknowledgements
# of TCP could ride on, which is a segment more for each PDU, on both channels.
#
# The memory of an idle tunnel is that of two of httpd's connections, 29 KiB each
# (55 over TLS): pools, bucket allocators, filters and the request with its
# headers.  gromox's 10 KiB can only be had for plain connections behind something
# else that ends TLS: by taking the socket out of httpd, dup(2) and the end of its
# connection, which leaves what a tunnel itself needs, below 2 KiB.  The price is
# HTTP framing of our own, an access log line at the start instead of the end, and
# a MPM that neither counts these connections nor waits for them.
return (
    { needs => [@haproxy], rounds => 7,
      targets => over([qw(rtt 1 1 64)], qw(ours tcp connect haproxy)),
      rows => [
        ['rpc.rtt.1', 'calls/s', 'ours.rps', 'tcp.rps', "$tcp, 1 connection, $bytes", '', '>= 0.60'],
        ['rpc.rtt.1.bound', 'calls/s', 'haproxy.rps', 'tcp.rps', "$tcp; haproxy instead of ours"],
        ['rpc.rtt.1.haproxy', 'calls/s', 'ours.rps', 'haproxy.rps', 'haproxy, TCP'],
        ['rpc.rtt.1.connect', 'calls/s', 'ours.rps', 'connect.rps', $connect],
        ['rpc.rtt.1.p99', 'us', 'ours.p99', 'connect.p99', $connect, '', '<= 1.5'],
        ['rpc.rtt.1.cpu', 'us/call', 'ours.cpu', 'connect.cpu', "$connect; CPU of the proxy", '', 'ours <= 45'] ] },
    { needs => [@haproxy], rounds => 7,
      targets => over([qw(rtt 16 1 64)], qw(ours tcp connect haproxy)),
      rows => [
        ['rpc.rtt.16', 'calls/s', 'ours.rps', 'tcp.rps', "$tcp, 16 connections, $bytes", '', '>= 0.45'],
        ['rpc.rtt.16.bound', 'calls/s', 'haproxy.rps', 'tcp.rps', "$tcp; haproxy instead of ours"],
        ['rpc.rtt.16.haproxy', 'calls/s', 'ours.rps', 'haproxy.rps', 'haproxy, TCP'],
        ['rpc.rtt.16.p99', 'us', 'ours.p99', 'connect.p99', $connect, '', '<= 1.5'],
        ['rpc.rtt.16.cpu', 'us/call', 'ours.cpu', 'connect.cpu', "$connect; CPU of the proxy", '', 'ours <= 45'],
        ['rpc.rtt.16.cpu.haproxy', 'us/call', 'ours.cpu', 'haproxy.cpu', 'haproxy, TCP; CPU of the proxy'] ] },
    { needs => [@haproxy], rounds => 7,
      targets => over([qw(rtt 1 1 64)], qw(ours_tls haproxy_tls)),
      rows => [
        ['rpc.rtt.tls', 'calls/s', 'ours_tls.rps', 'haproxy_tls.rps', "haproxy ending TLS, $bytes", '', '>= 0.80'],
        ['rpc.rtt.tls.cpu', 'us/call', 'ours_tls.cpu', 'haproxy_tls.cpu', 'haproxy ending TLS; CPU of the proxy'] ] },
    { needs => [@needs], rounds => 3,
      targets => { held => \&beside_idle, free => \&both_rtts },
      rows => [
        ['rpc.rtt.1.held', 'calls/s', 'held.one', 'free.one', "the same without $idle idle tunnels on the server", '', '>= 0.80'],
        ['rpc.rtt.16.held', 'calls/s', 'held.many', 'free.many', "the same without $idle idle tunnels", '', '>= 0.80'] ] },
    { needs => [@needs], rounds => 5,
      targets => over([qw(setup 1000)], qw(ours connect)),
      rows => [
        ['rpc.setup', 'us', 'ours.p50', 'connect.p50', "$connect; connect up to bind_ack", '', '<= 2'],
        ['rpc.setup.p99', 'us', 'ours.p99', 'connect.p99', $connect],
        ['rpc.setup.lost', 'of 1000', 'ours.failed', 'connect.failed', $connect, 'worst', 'ours <= 0'] ] },
    { needs => [@needs], rounds => 5,
      targets => over([qw(storm 200)], qw(ours connect)),
      rows => [
        ['rpc.setup.storm', 'us', 'ours.us', 'connect.us', "$connect; 200 at once, until all are up", '', 'ours <= 300000'],
        ['rpc.setup.storm.lost', 'of 200', 'ours.failed', 'connect.failed', $connect, 'worst', 'ours <= 0'] ] },
    { needs => [@needs], rounds => 1, targets => \%idle,
      rows => [
        ['rpc.idle.plain', 'KiB/tunnel', 'ours.pss', 'connect.pss', "$connect, $idle_connect tunnels; ours has $idle; PSS", '', 'ours <= 64'],
        ['rpc.idle.plain.fds', 'per tunnel', 'ours.fds', 'connect.fds', $connect, '', 'ours <= 3'],
        ['rpc.idle.plain.threads', 'in the child', 'ours.threads', 'connect.threads', "$connect, $idle_connect tunnels", '', 'ours <= 12'] ] },
    { needs => [@needs], rounds => 1, targets => \%idle,
      rows => [
        ['rpc.idle.tls', 'KiB/tunnel', 'ours_tls.pss', 'connect_tls.pss', "$connect inside TLS, $idle_connect tunnels; ours has $idle_tls; PSS", '', 'ours <= 120'],
        ['rpc.idle.tls.fds', 'per tunnel', 'ours_tls.fds', 'connect_tls.fds', $connect, '', 'ours <= 3'],
        ['rpc.idle.tls.threads', 'in the child', 'ours_tls.threads', 'connect_tls.threads', "$connect, $idle_connect tunnels", '', 'ours <= 12'] ] },
    { needs => [@needs], rounds => 1, targets => { ours => \&idle_cpu },
      rows => [
        ['rpc.idle.cpu', '% of a core', 'ours.percent', '', "none; $idle tunnels, both sides ping every $ping_seconds s", '', 'ours <= 4'] ] },
    (map {
        my ($way, $title, $cpu, @what) = @$_;
        { needs => [@haproxy], rounds => 5,
          targets => over([ $way, @what ], qw(ours haproxy ours_tls haproxy_tls)),
          rows => [
            ["rpc.bulk.$way", 'MB/s', 'ours.mbps', 'haproxy.mbps', "haproxy, TCP; $title", '', '>= 0.70'],
            ["rpc.bulk.$way.tls", 'MB/s', 'ours_tls.mbps', 'haproxy_tls.mbps', "haproxy ending TLS; $title", '', '>= 0.70'],
            ["rpc.bulk.$way.cpu", 'ms/MB', 'ours.cpu_per_mb', 'haproxy.cpu_per_mb', 'haproxy, TCP; CPU of the proxy', '', $cpu] ] }
    } ['down', 'one answer of 50 MB', 'ours <= 1.4', 50_000_000], ['up', 'one request of 20 MB', '', 20_000_000]),
    { needs => [@needs, '/usr/sbin/a2enmod', 'modules/mod_mailbox.so', 'bench/http_load'], rounds => 3,
      targets => { held => \&page_beside, free => \&page },
      rows => [
        ['rpc.default', 'requests/s', 'held.rps', 'free.rps', 'the same without 1,000 tunnels; stock apache2, the shipped conf', '', '>= 0.80'],
        ['rpc.default.p99', 'us', 'held.p99', 'free.p99', 'the same without 1,000 tunnels'] ] },
    { needs => [@needs], rounds => 3,
      targets => { map { my $n = $_; ("n$n" => sub { grown($n) }) } 100, 1000, 5000 },
      rows => [ map { my $n = $_; (
        ["rpc.growth.rtt.$n", 'calls/s', "n$n.rps", 'n100.rps', 'beside 100 idle tunnels', '', '>= 0.80'],
        ["rpc.growth.pss.$n", 'KiB/tunnel', "n$n.pss", 'n100.pss', 'with 100 tunnels', '', '<= 1.20']) } 1000, 5000 ] },
    { needs => [@needs], rounds => 3,
      targets => over([qw(split 200)], qw(ours connect tcp)),
      rows => [
        ['rpc.split', 'us', 'ours.p50', 'connect.p50', "$connect; a request of two fragments", '', 'ours <= 300'] ] },
    { needs => [@needs], rounds => 3,
      targets => over([qw(close 200)], qw(ours connect)),
      rows => [
        ['rpc.close', 'us', 'ours.p99', 'connect.p99', "$connect; back end closes, client sees it, p99", '', 'ours <= 1000000'],
        ['rpc.close.in', 'us', 'ours.client_p99', 'connect.p99', "$connect; client closes IN, sees OUT end, p99", '', 'ours <= 1000000'] ] },
    { needs => [@needs], rounds => 7,
      targets => { ours => sub { with_relays(1) }, one => sub { with_relays(0) } },
      rows => [
        ['rpc.relay', 'us', 'ours.p50', 'one.p50', 'the same with both channels in one child; p50'],
        ['rpc.relay.p99', 'us', 'ours.p99', 'one.p99', 'the same with both channels in one child'] ] },
);

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Many tunnels at once: no thread for any of them, nothing left afterwards, a
# graceful restart ends them in order, limits refuse in time.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Dir qw(temp_dir write_file read_file);
use T::Httpd;
use T::Rpch;
use T::Wait qw(until_true);
use Time::HiRes qw(time);

my $backend = T::Rpch->listener;
my $port    = $backend->sockport;
my $dir     = temp_dir();
my $ca      = T::Ca->make("$dir");
my $httpd;

sub start_httpd {
    my (%more) = @_;
    $httpd = T::Httpd->new(modules => ['rpcproxy'], tls => $ca,
        conf => <<"CONF", %more, main => <<"MAIN" . ($more{main} // ''));
RPCProxyBackend srv.example.test * 127.0.0.1:$port
RPCProxyPingInterval 0
RPCProxyMaxTunnelsPerUser 400
<Location "/rpc/">
    RPCProxy On
    AuthType Basic
    AuthName Mail
    AuthUserFile "\@DIR\@/users"
    Require valid-user
</Location>
CONF
ServerLimit 4
MaxRequestWorkers 16
<IfModule mpm_event_module>
    AsyncRequestWorkerFactor 4000
</IfModule>
RPCProxyDrainTime 2
MAIN
    my $hash = '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=';    # password
    write_file($httpd->dir . '/users', "alice:$hash\nbob:$hash\n");
    $httpd->start;
}

sub client {
    my ($tls, @more) = @_;
    return T::Rpch->new(port => $tls ? $httpd->tls_port : $httpd->port, $tls ? (tls => $ca->{ca}) : (),
        target => 'srv.example.test:6001', user => 'alice', password => 'password', @more);
}

# Children of the server that run our threads.
sub children {
    my $pid = $httpd->pid;
    return grep { -d "/proc/$_/task" } split ' ', read_file("/proc/$pid/task/$pid/children") // '';
}

sub threads { my ($pid) = @_; my @t = glob "/proc/$pid/task/*"; return scalar @t }
sub descriptors { my ($pid) = @_; my @f = glob "/proc/$pid/fd/*"; return scalar @f }

sub round_trip {
    my ($c, $server, $n) = @_;
    my $request = T::Rpch::request($n, "question $n");
    $c->in->send($request);
    ($server->read_pdu // '') eq $request or return 0;
    $server->send(T::Rpch::response($n, "answer $n"));
    return ($c->out->read_pdu // '') eq T::Rpch::response($n, "answer $n");
}

sub open_many {
    my ($count, $tls) = @_;
    my @all;
    for my $n (1 .. $count) {
        my $c = client($tls);
        push @all, [$c, $c->open($backend)];
    }
    return @all;
}

sub test_many {
    my ($tls, $count) = @_;
    my $on = $tls ? 'TLS' : 'plain';
    round_trip(@{ (open_many(1, $tls))[0] }, 1);    # everything is loaded
    my ($child) = children();
    until_true(sub { descriptors($child) < 60 }, 10);
    my ($threads, $before) = (threads($child), descriptors($child));
    my @all = open_many($count, $tls);
    is(scalar(@all), $count, "$on: $count tunnels are open");
    is(scalar(children()), 1, 'in one child');
    cmp_ok(threads($child), '<=', $threads, 'without one thread more');
    cmp_ok(descriptors($child), '<=', $before + 3 * $count, 'three descriptors each');
    my $good = grep { round_trip(@{ $all[$_] }, $_) } 0 .. $#all;
    is($good, $count, 'a call through each of them');
    # Every way to end, by turns.
    for my $n (0 .. $#all) {
        my ($c, $server) = @{ $all[$n] };
        ($c->in, $c->out, $server)[$n % 3]->close;
    }
    my $ended = grep { my ($c, $server) = @$_;
        (!$server->socket || $server->ends(3)) && (!$c->out->socket || $c->out->ends(3)) } @all;
    is($ended, $count, 'all of them end');
    @all = ();
    ok(until_true(sub { descriptors($child) <= $before }, 15), 'no descriptor is left')
        or diag("$before before, " . descriptors($child) . ' after');
    my ($still) = children();
    is($still, $child, 'the child lives');
}

sub test_limit {
    my @alice = open_many(400, 0);
    my $c = client(0);
    $c->open_out;
    $c->send_a1;
    like($c->out->read_head, qr/ 503 RPC Error: 6bb\r/, 'one tunnel more than a user may have');
    $c = client(0, user => 'bob');
    ok(round_trip($c, $c->open($backend), 1), 'another user gets in');
    $_->[0]->close for @alice;
    ok(until_true(sub {
        my $again = client(0);
        $again->open_out;
        $again->send_a1;
        my $head = $again->out->read_head;
        $again->close;
        $backend->accept if $head =~ / 200 /;
        return $head =~ / 200 /;
    }, 10), 'and the user again, when others have ended');
}

sub test_graceful {
    my @all = open_many(200, 0);
    my ($old) = children();
    kill 'USR1', $httpd->pid;
    my $start = time;
    my $ended = grep { my ($c, $server) = @$_; $c->out->ends(10) && $c->in->ends(2) && $server->ends(2) } @all;
    is($ended, 200, 'graceful restart: every tunnel ends in order');
    cmp_ok(time - $start, '<', 8, 'within the drain time and little more');
    ok(until_true(sub { !-d "/proc/$old" }, 15), 'the old child goes');
    my $c = client(0);
    ok(round_trip($c, $c->open($backend), 1), 'and the next tunnel works');
    $c->close;
}

start_httpd();
test_many(0, 300);
test_many(1, 100);
test_limit();
test_graceful();
my @last = open_many(20, 1);
my $start = time;
is($httpd->stop, 0, 'httpd ends in order with tunnels open');
cmp_ok(time - $start, '<', 6, 'and soon');
$httpd->log_ok(qw(PN13061));

# Where nothing can be suspended, two threads each.
start_httpd(mpm => 'worker');
my @some = open_many(5, 0);
ok(round_trip(@$_, 1), 'worker MPM: a call') for @some;
$_->[0]->close for @some;
is($httpd->stop, 0, 'worker MPM: httpd ends in order');
$httpd->log_ok(qw(PN13003));
done_testing();

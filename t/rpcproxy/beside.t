#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Tunnels beside what else Debian's httpd may have loaded, as Debian configures
# it: mod_reqtimeout ends a body that is silent for 10 seconds, mod_deflate packs
# answers, mod_http2 takes the connection of whoever offers it, mod_logio counts.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Dir qw(temp_dir write_file read_file);
use T::Httpd;
use T::RpcProxy qw(rpc_location rpc_users);
use T::Rpch;
use T::Wait qw(until_true);
use Time::HiRes qw(time);

# What mod_reqtimeout would bear, and a little.
my $silence = 13;

my $backend = T::Rpch->listener;
my $port    = $backend->sockport;
my $dir     = temp_dir();
my $ca      = T::Ca->make("$dir");
my $debian  = join "\n", map { "Include /etc/apache2/mods-available/$_.conf" } qw(reqtimeout deflate http2);
my $httpd   = T::Httpd->new(modules => ['rpcproxy'], tls => $ca, load => [qw(filter deflate http2)],
    main => "MaxRequestWorkers 16\n$debian\nCustomLog \@DIR\@/bytes.log \"%m %I %O %s\"", conf => <<"CONF");
Protocols h2 h2c http/1.1
RPCProxyBackend srv.example.test 6001 127.0.0.1:$port
RPCProxyPingInterval 0
SetOutputFilter DEFLATE
CustomLog \@DIR\@/bytes.log "%m %I %O %s"
@{[ rpc_location('/rpc/') ]}
CONF
rpc_users($httpd, qw(alice));
write_file($httpd->dir . '/htdocs/page.html', "<p>page</p>\n" x 1000, 0644);
$httpd->start;

my @accept = ('Accept-Encoding: gzip, br');

sub open_tunnel {
    my ($tls, @ssl) = @_;
    my $c = T::Rpch->new(port => $tls ? $httpd->tls_port : $httpd->port, target => 'srv.example.test:6001',
        user => 'alice', password => 'password', window => 262144, $tls ? (tls => $ca->{ca}, ssl => \@ssl) : ());
    $c->open_in(@accept);
    $c->open_out(@accept);
    $c->send_a1;
    $c->send_b1;
    my $head = $c->expect_open;
    unlike($head, qr/^(?:Content|Transfer)-Encoding:/mi, 'the answer is neither packed nor cut');
    return [ $c, $c->accept($backend) ];
}

# Requests and responses of $size bytes, all compared; 1 when none was changed.
sub calls {
    my ($tunnel, $count, $size) = @_;
    my ($c, $server) = @$tunnel;
    for my $n (1 .. $count) {
        my $request = T::Rpch::request($n, pack('V', $n) . 'q' x $size);
        $c->in->send($request);
        ($server->read_pdu // '') eq $request or return 0;
        my $response = T::Rpch::response($n, pack('V', $n) . join '', map { chr int rand 256 } 1 .. $size);
        $server->send($response);
        my $pdu;
        do { $pdu = $c->out->read_pdu // '' } while ord(substr $pdu, 2) == 20;    # acknowledgements
        $pdu eq $response or return 0;
    }
    return 1;
}

my %tunnel = (
    'plain'         => open_tunnel(0),
    'TLS'           => open_tunnel(1),
    'TLS with ALPN' => open_tunnel(1, SSL_alpn_protocols => ['http/1.1']),
    'TLS 1.2'       => open_tunnel(1, SSL_version => 'TLSv1_2'),
);
ok(calls($tunnel{$_}, 3, 2000), "$_: calls") for sort keys %tunnel;

# --- a pause, in which others are served ---

my $start = time;
my %page  = (
    'HTTP/1.1' => T::Curl->new(base => $httpd->url, options => [qw(--http1.1 --compressed)]),
    'h2c'      => T::Curl->new(base => $httpd->url, options => [qw(--http2-prior-knowledge --compressed)]),
    'h2'       => T::Curl->new(base => $httpd->tls_url, ca => $ca->{ca}, options => [qw(--http2 --compressed)]),
);
for my $by (sort keys %page) {
    my $answer = $page{$by}->get('/page.html');
    is($answer->{status}, 200, "$by: a page");
    is($answer->{headers}{'content-encoding'}, 'gzip', "$by: packed");
    is($answer->{body}, "<p>page</p>\n" x 1000, "$by: and whole");
}
for my $by (qw(h2 h2c)) {
    my $answer = $page{$by}->ask('/rpc/rpcproxy.dll?srv.example.test:6001', method => 'RPC_OUT_DATA',
        user => 'alice:password');
    is($answer->{status}, 503, "$by: no channel within a stream of HTTP/2");
}
my ($first) = sort keys %tunnel;
ok($tunnel{$first}[0]->out->silent($start + $silence - time), "$silence seconds without a byte");
ok(calls($tunnel{$_}, 3, 100), "$_: calls after the pause") for sort keys %tunnel;
ok($tunnel{$_}[0]->in->silent(0.01), "$_: IN has no answer yet") for sort keys %tunnel;

# --- and much ---

my $size = 4000;
ok(calls($tunnel{$_}, 60, $size), "$_: 60 calls of $size bytes") for sort keys %tunnel;
for my $name (sort keys %tunnel) {
    my ($c, $server) = @{ $tunnel{$name} };
    $server->close;
    ok($c->out->ends(2) && $c->in->ends(3), "$name: the end");
}

# --- the bytes that mod_logio has seen ---

my $log = $httpd->dir . '/bytes.log';
my $bytes = 60 * $size;
my @lines;
until_true(sub { @lines = grep { /^RPC_/ } split /\n/, read_file($log) // ''; @lines >= 2 * keys(%tunnel) + 2 }, 5);
for my $channel (['RPC_IN_DATA', 1], ['RPC_OUT_DATA', 2]) {
    my ($method, $column) = @$channel;
    my @counted = map { (split)[$column] } grep { /^$method .* 200$/ } @lines;
    is(scalar(@counted), scalar(keys %tunnel), "$method: a line for each channel");
    is(scalar(grep { $_ >= $bytes && $_ < 1.2 * $bytes + 60_000 } @counted), scalar(@counted),
        "$method: with its bytes (@counted)");
}

is($httpd->stop, 0, 'httpd ends in order');
$httpd->log_ok(qw(PN13001));
done_testing();

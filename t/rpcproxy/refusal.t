#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# What leaves before a body of 1 GiB is read: 401, 403 and 503 at once, with
# and without Expect; echo requests keep their connection.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Dir qw(temp_dir);
use T::Httpd;
use T::RpcProxy qw(rpc_users);
use T::Rpch;
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);

my $dir   = temp_dir();
my $ca    = T::Ca->make("$dir");
my $httpd = T::Httpd->new(modules => ['rpcproxy'], tls => $ca,
    load => [qw(filter deflate)], main => "MaxRequestWorkers 16", conf => <<"CONF");
RPCProxyBackend srv.example.test 6001 127.0.0.1:9
SetOutputFilter DEFLATE
<LocationMatch "(?i)^/rpc(withcert)?/rpcproxy\\.dll\$">
    RPCProxy On
    AuthType Basic
    AuthName Mail
    AuthUserFile "\@DIR\@/users"
    Require user alice
</LocationMatch>
<Location "/rpcwithcert/rpcproxy.dll">
    AuthMerging Off
    Require all granted
</Location>
ErrorDocument 503 "the server is busy"
CONF
rpc_users($httpd, qw(alice bob));
$httpd->start;

my $echo = pack 'H*', '0500140310000000140000000000000040000000';
my %good = (user => 'alice', password => 'password');

sub channel {
    my ($tls) = @_;
    return T::Rpch->new(port => $tls ? $httpd->tls_port : $httpd->port,
        target => 'srv.example.test:6001', $tls ? (tls => $ca->{ca}) : ());
}

# Sends a head; returns the answer's head, the seconds it took, the channel.
sub ask {
    my ($tls, $method, $length, $more, @headers) = @_;
    my $client = channel($tls);
    %$client = (%$client, %$more);
    my $channel = $client->connect;
    my $start   = time;
    $channel->send($client->request_head($method, $length, @headers));
    my $head = $channel->read_head;
    return ($head, time - $start, $channel, $client);
}

for my $tls (0, 1) {
    my $on = $tls ? 'TLS' : 'plain';
    for my $row (
        ['no login',       {},                                         401],
        ['wrong password', { user => 'alice', password => 'x' },       401],
        ['not allowed',    { user => 'bob', password => 'password' },  401],
        ['target',         { %good, target => 'other:1' },             503],
        ['HTTP/1.0',       { version => '1.0' },                       401],
        ['no path like it', { %good, path => '/rpc/other.dll' },       501]) {
        my ($name, $more, $status) = @$row;
        for my $expect ([], ['Expect: 100-continue']) {
            next if @$expect && ($more->{version} // '') eq '1.0';
            my ($head, $took, $channel) = ask($tls, 'RPC_IN_DATA', 1073741824, $more, @$expect);
            like($head, qr{^HTTP/1\.1 $status }, "$on, $name" . (@$expect ? ', Expect' : '') . ": $status");
            cmp_ok($took, '<', 0.1, 'within 100 ms');
            ok($channel->ends(2), 'and the connection is closed');
        }
    }
    my ($head, $took) = ask($tls, 'RPC_IN_DATA', 2147483648, {});
    like($head, qr{^HTTP/1\.1 401 }, "$on: 401 with 2 GiB announced");
    my ($sent, undef, $channel) = ask($tls, 'RPC_IN_DATA', 1073741824, {});
    eval { $channel->send('x' x 1_000_000) };
    like($sent, qr{^HTTP/1\.1 401 }, "$on: 401 although the client goes on sending");

    # A login that takes several small requests keeps its connection.
    my $client;
    ($head, undef, $channel, $client) = ask($tls, 'RPC_OUT_DATA', 0, {}, 'Expect: 100-continue');
    like($head, qr{^HTTP/1\.1 401 }, "$on: 401 of an echo");
    unlike($head, qr/^Connection: close/mi, 'keeps the connection');
    my ($length) = $head =~ /^Content-Length: (\d+)/mi;
    $channel->read_exactly($length);
    %$client = (%$client, %good);
    for my $body ('', "\xf8\xe8\x18\x08") {
        for my $method (qw(RPC_IN_DATA RPC_OUT_DATA)) {
            for my $expect ([], ['Expect: 100-continue']) {
                $channel->send($client->request_head($method, length $body, @$expect));
                $channel->send($body) unless @$expect;
                $head = $channel->read_head;
                if (@$expect && length $body) {
                    like($head, qr{^HTTP/1\.1 100 }, "$on: 100 Continue for a body that is awaited");
                    $channel->send($body);
                    $head = $channel->read_head;
                }
                like($head, qr{^HTTP/1\.1 200 Success\r\n}, "$on: echo, $method, " . length($body) . ' bytes');
                like($head, qr/^Content-Length: 20\r$/m, '20 bytes');
                unlike($head, qr/^Content-Encoding|^Connection: close/mi, 'plain, kept');
                is($channel->read_exactly(20), $echo, 'the echo PDU');
            }
        }
    }
    # impacket waits for "100 Continue" before it sends its first PDU.
    ($head) = ask($tls, 'RPC_IN_DATA', 1073741824, \%good, 'Expect: 100-continue');
    like($head, qr{^HTTP/1\.1 100 }, "$on: an accepted IN channel is told to go on");
    ($head) = ask($tls, 'RPC_CONNECT', 0, \%good);
    like($head, qr{^HTTP/1\.1 501 }, "$on: version 1");
    ($head) = ask($tls, 'GET', 0, \%good);
    like($head, qr{^HTTP/1\.1 405 .*^Allow: RPC_IN_DATA, RPC_OUT_DATA\r$}ms, "$on: GET");
    ($head) = ask($tls, 'RPC_IN_DATA', 0, { path => '/rpcwithcert/rpcproxy.dll' });
    like($head, qr{^HTTP/1\.1 503 RPC Error: 5\r}, "$on: a location without login opens to nobody");
    ($head) = ask($tls, 'RPC_IN_DATA', 0, { %good, path => '/Rpc/RPCPROXY.DLL' });
    like($head, qr{^HTTP/1\.1 200 Success}, "$on: paths without regard to case");
}

# A first PDU that does not come holds nobody for ever.
my ($head, $took) = do {
    local $T::Rpch::patience = 15;
    ask(0, 'RPC_IN_DATA', 1073741824, \%good);
};
like($head, qr{^HTTP/1\.1 503 RPC Error: 6be}, 'no first PDU');
cmp_ok($took, '<', 12, "ends after a while ($took)");

for my $bad (['RPCProxy Perhaps', qr/RPCProxy must be On or Off/],
    ['RPCProxyBackend a b c', qr/RPCProxyBackend: the second word is the port/],
    ['RPCProxyBackend "a b" 1 c', qr/RPCProxyBackend: the first word is the server name/],
    ['RPCProxyBackend a 1-0 c', qr/RPCProxyBackend: the second word/],
    ['RPCProxyBackend a 1 c:99999', qr/RPCProxyBackend: the third word/],
    ['RPCProxyBackend a 1 c d:99999', qr/RPCProxyBackend: the third word, and up to three behind it/],
    ['RPCProxyBackend a 1', qr/RPCProxyBackend: write the server name and the ports/],
    ['RPCProxyBackend a 593 c:auto', qr/RPCProxyBackend: auto alone knows the interfaces/],
    ['RPCProxyBackend a 593 c:auto/nobody', qr/RPCProxyBackend: the third word/],
    ['RPCProxyConnectTimeout 0', qr/RPCProxyConnectTimeout: write a whole number from 1 to 300/],
    ['RPCProxyPingInterval x', qr/RPCProxyPingInterval: write a whole number from 1 to 14400, or 0/],
    ['RPCProxyFirstPDUTimeout 0', qr/RPCProxyFirstPDUTimeout: write a whole number from 1 to 300/],
    ['RPCProxyPartialPDUTimeout 1h', qr/RPCProxyPartialPDUTimeout: write a whole number from 1 to 3600/],
    ['RPCProxyMaxTunnelsPerAddress many', qr/RPCProxyMaxTunnelsPerAddress: write a whole number from 1 to 1000000, or 0/],
    ['RPCProxyMaxTunnelsPerBackend -1', qr/RPCProxyMaxTunnelsPerBackend: write/],
    ['RPCProxyMaxTunnelsPerHost x', qr/RPCProxyMaxTunnelsPerHost: write/],
    ['RPCProxyReceiveWindow 100', qr/RPCProxyReceiveWindow: write a whole number from 8192/],
    ['RPCProxySameNetworkIPv4 33', qr/RPCProxySameNetworkIPv4: write a whole number from 1 to 32, or 0/],
    ['RPCProxySameNetworkIPv6 /64', qr/RPCProxySameNetworkIPv6: write a whole number from 1 to 128, or 0/],
    ['RPCProxyTrace Some', qr/RPCProxyTrace: write Off, RTS or All/]) {
    my ($line, $message) = @$bad;
    my $broken = T::Httpd->new(modules => ['rpcproxy'], conf => "<Location />\n$line\n</Location>\n");
    my ($passed, $out) = $broken->configtest;
    ok(!$passed, "$line is refused");
    like($out, $message, 'with a sentence');
}
for my $bad ('RPCProxyPollers 0', 'RPCProxyEngine Fast', 'RPCProxyMaxTunnels -1', 'RPCProxyMaxHalfOpen x', 'RPCProxyDrainTime 9999') {
    my ($name) = split ' ', $bad;
    my $broken = T::Httpd->new(modules => ['rpcproxy'], main => $bad);
    my ($passed, $out) = $broken->configtest;
    ok(!$passed, "$bad is refused");
    like($out, qr/$name: write /, 'with a sentence');
}

is($httpd->stop, 0, 'httpd ends in order');
$httpd->log_ok(qw(PN13001 AH00135 AH01617 AH01618 AH01631 AH01630 AH00128 AH01382));
done_testing();

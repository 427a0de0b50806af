#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# FreeRDP through the tunnel, with NTLM over TLS 1.3: the only free client that
# gives up its OUT channel for another one when asked.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use T::Ca;
use T::Dir qw(top temp_dir read_file);
use T::Httpd;
use T::Process;
use T::Samba;
use T::Wait qw(free_port until_port until_true);

my $why = T::Samba->missing;
plan skip_all => $why if $why;
plan skip_all => 'xfreerdp or Xvfb is not installed (make interop)'
    if system('command -v xfreerdp Xvfb >/dev/null') != 0;

my $dir  = temp_dir();
my $ca   = T::Ca->make("$dir");
my $dc   = T::Samba->new(ca => $ca)->start;
my $port = free_port();
my $gateway = T::Process->start(
    [$^X, top() . '/t/interop/ts_gateway.pl', $port, $dc->address, 8], "$dir/gateway.log");
until_port('127.0.0.1', $port, 10, $gateway->pid) or die "the gateway did not start\n";

# 1024 bytes on OUT are over after three fragments.
my $httpd = T::Httpd->new(tls => $ca, modules => [qw(auth_ntlm rpcproxy)],
    main => "MaxRequestWorkers 16\nNTLMDomain EXAMPLE example.test\nNTLMVerifier @{[ $dc->address ]}\n",
    conf => <<"CONF");
RPCProxyBackend localhost 3388 127.0.0.1:$port
RPCProxyTrace RTS
RPCProxyChannelLifetime 1024
<LocationMatch "(?i)^/rpc(withcert)?/rpcproxy\\.dll\$">
    RPCProxy On
    AuthType NTLM
    AuthName "Mail"
    Require valid-user
</LocationMatch>
CONF
$httpd->start;

my $client = freerdp($httpd->tls_port);
ok($httpd->logged('virtual connection open: user=EXAMPLE'), 'a virtual connection is open');
for my $pdu ('to client OUT_R/A2', 'to client OUT_R2/A6', 'from client OUT_R2/C1',
    'from client OUT_R2/A7', 'to client OUT_R2/B3') {
    ok($httpd->logged($pdu), $pdu);
}
ok(until_true(sub { read_file("$dir/client.log") =~ /CLIENT_OUT_CHANNEL_STATE_RECYCLED/ }, 10),
    'FreeRDP has a new OUT channel');
$client->stop;
ok($httpd->logged(qr{virtual connection closed: .* recycles=0/[1-9]}), 'the log counts it')
    or diag(read_file($httpd->log_file));

$httpd->stop;
$httpd->log_ok;
done_testing();

# The client, on a screen of its own that nobody sees.
sub freerdp {
    my ($proxy_port) = @_;
    T::Process->start([qw(Xvfb -displayfd 1 -screen 0 640x480x16 -nolisten tcp)], "$dir/screen");
    my $screen = until_true(sub { (read_file("$dir/screen") // '') =~ /^(\d+)$/m ? ":$1" : undef })
        // die "Xvfb did not start\n";
    return T::Process->start(['xfreerdp', '/v:localhost', '/u:alice', '/p:Secret-alice1',
        '/d:EXAMPLE', '/gt:rpc', "/g:localhost:$proxy_port", '/gu:alice', '/gp:Secret-alice1',
        '/gd:EXAMPLE', '/cert:ignore', '/log-level:DEBUG'],
        "$dir/client.log", { DISPLAY => $screen, HOME => "$dir" });
}

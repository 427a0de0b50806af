#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# A Windows program through the tunnel with NTLM, by Wine's RPC runtime: it logs
# in with a small echo request, and sends the big one without a header on the
# same connection, as Windows does.

use strict;
use warnings;
use lib 't/lib';
use T::Netns;
use Test::More;
use T::Ca;
use T::Dir qw(top temp_dir read_file);
use T::Httpd;
use T::Samba;

my $why = T::Samba->missing;
plan skip_all => $why if $why;
my $wine = '/usr/lib/wine/wine64';
my $cc   = 'x86_64-w64-mingw32-gcc';
plan skip_all => 'Wine, its compiler or ntlm_auth is not installed (make interop)'
    if !-x $wine || system("command -v $cc ntlm_auth >/dev/null") != 0;

my $dir = temp_dir();
my $exe = "$dir/wine_rpc.exe";
is(system($cc, qw(-Wall -O1 -o), $exe, top() . '/t/interop/wine_rpc.c', '-lrpcrt4'), 0,
    'the program builds');

my $ca = T::Ca->make("$dir");
my $dc = T::Samba->new(ca => $ca)->start;
T::Netns::trust($ca->{ca});
my $httpd = T::Httpd->new(modules => [qw(auth_ntlm rpcproxy)], tls => $ca, listen_tls => 443,
    main => <<"CONF", conf => <<"VHOST");
MaxRequestWorkers 16
NTLMDomain EXAMPLE example.test
NTLMVerifier @{[ $dc->address ]}
LogFormat "%{Authorization}i %u %m %>s %B" scheme
CustomLog \@DIR\@/scheme.log scheme
CONF
RPCProxyBackend dc1.example.test 593 @{[ $dc->address ]}:135
<LocationMatch "(?i)^/rpc(withcert)?/rpcproxy\\.dll\$">
    RPCProxy On
    AuthType NTLM
    AuthName "Mail"
    Require valid-user
</LocationMatch>
VHOST
$httpd->start;

my $out = windows('mail.example.test', 'dc1.example.test', 593, 'EXAMPLE', 'alice', $dc->user(1)->{password}, 'ntlm');
like($out, qr/^PASS [1-9]\d* bytes/m, 'the management interface answers') or diag($out);
my $log = read_file($httpd->dir . '/scheme.log');
like($log, qr/^NTLM \S+ EXAMPLE\\+alice RPC_(?:IN|OUT)_DATA 200 20$/m, 'the login is an echo request') or diag($log);
$out = windows('mail.example.test', 'dc1.example.test', 593, 'EXAMPLE', 'alice', 'wrong', 'ntlm');
like($out, qr/^FAIL call: /m, 'a wrong password opens no tunnel');

is($httpd->stop, 0, 'httpd ends cleanly');
like(read_file($httpd->dir . '/scheme.log'), qr/^- EXAMPLE\\+alice RPC_IN_DATA 200 /m,
    'and the tunnel needs no header');
$dc->stop;
$httpd->log_ok('PN11011');
done_testing();

# Runs the program; ends Wine's server with it.
sub windows {
    my (@args) = @_;
    local %ENV = (%ENV, HOME => "$dir", WINEPREFIX => "$dir/wine", WINEDEBUG => '-all',
        WINEDLLOVERRIDES => 'mscoree,mshtml=');
    delete $ENV{DISPLAY};
    my $text = `timeout 120 $wine $exe @args 2>&1`;
    system('/usr/lib/wine/wineserver64', '--kill');
    return $text;
}

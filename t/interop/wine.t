#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# A Windows program through the tunnel, by Wine's RPC runtime: TLS on port 443,
# Basic, the echo request first as Windows does.

use strict;
use warnings;
use lib 't/lib';
use T::Netns;
use Test::More;
use T::Demo;
use T::Dir qw(top temp_dir read_file);
use T::Samba;

my $why = T::Samba->missing;
plan skip_all => $why if $why;
my $wine = '/usr/lib/wine/wine64';
my $cc   = 'x86_64-w64-mingw32-gcc';
plan skip_all => 'Wine or its compiler is not installed (make interop)'
    if !-x $wine || system("command -v $cc >/dev/null") != 0;

my $dir = temp_dir();
my $exe = "$dir/wine_rpc.exe";
is(system($cc, qw(-Wall -O1 -o), $exe, top() . '/t/interop/wine_rpc.c', '-lrpcrt4'), 0,
    'the program builds');

my $demo = T::Demo->start(DEMO_PORT => 443);
T::Netns::trust($demo->{CA_FILE});

my $out = windows('mail.example.test', $demo->{RPC_TARGET}, 49152,
    @$demo{qw(NETBIOS USER1 PASSWORD1)});
like($out, qr/^PASS [1-9]\d* bytes/m, 'the management interface answers') or diag($out);
$out = windows('mail.example.test', $demo->{RPC_TARGET}, 49152, $demo->{NETBIOS},
    $demo->{USER1}, 'wrong');
like($out, qr/^FAIL call: /m, 'a wrong password opens no tunnel');

my $log = read_file($demo->dir . '/run/httpd/access.log');
like($log, qr/"RPC_IN_DATA [^"]*" 200 20$/m, 'it asks for the echo first') or diag($log);

is($demo->interrupt, 0, 'the demo ends with status 0');
$demo->log_ok(qw(AH01617 PN11020));
done_testing();

# Runs the program; ends Wine's server with it.
sub windows {
    my (@args) = @_;
    local %ENV = (%ENV, HOME => "$dir", WINEPREFIX => "$dir/wine", WINEDEBUG => '-all',
        WINEDLLOVERRIDES => 'mscoree,mshtml=');
    delete $ENV{DISPLAY};
    my $out = `timeout 120 $wine $exe @args 2>&1`;
    system('/usr/lib/wine/wineserver64', '--kill');
    return $out;
}

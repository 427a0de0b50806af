#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Samba's own tests of RPC give the same verdicts through the tunnel as straight
# over TCP.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use T::Demo;
use T::Samba;

my $why = T::Samba->missing;
plan skip_all => $why if $why;
plan skip_all => 'smbtorture is not installed (make interop)'
    if system('command -v smbtorture >/dev/null') != 0;

my $demo  = T::Demo->start;
my @suite = (['rpc.mgmt', 49152, ''], ['rpc.handles.samr', $demo->{SAMR_PORT}, ''],
    ['rpc.samr.users', $demo->{SAMR_PORT}, ',seal']);
for (@suite) {
    my ($name, $port, $options) = @$_;
    my $direct = verdicts("ncacn_ip_tcp:$demo->{SAMBA_ADDR}\[$port$options]", $name);
    my $tunnel = verdicts("ncacn_http:$demo->{RPC_TARGET}\[$port,RpcProxy=$demo->{RPC_PROXY},"
        . "HttpUseTls=true,HttpAuthOption=basic$options]", $name);
    like($direct, qr/\w: /, "$name has verdicts");
    is($tunnel, $direct, "$name gives the same verdicts through the tunnel");
}

is($demo->interrupt, 0, 'the demo ends with status 0');
# rpc.mgmt asks the endpoint mapper as nobody, which the proxy refuses.
$demo->log_ok(qw(AH01617 PN11020));
done_testing();

# What smbtorture says of each test of a suite, one a line.
sub verdicts {
    my ($binding, $suite) = @_;
    my @command = ('timeout', 120, 'smbtorture', '--configfile=/dev/null', $binding,
        '--option=tls verify peer=ca_and_name_if_available',
        "--option=tls cafile=$demo->{CA_FILE}", '-k', 'no',
        '-U', "$demo->{NETBIOS}/Administrator%" . T::Samba->admin_password, $suite);
    open my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', @command or die "sh: $!\n";
    my @lines = grep { /^(?:success|failure|skip|error): / } <$pipe>;
    close $pipe;
    return join '', map { s/ \[.*//sr =~ s/\s*\z/\n/r } @lines;
}

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Clients that nobody here wrote, against the demo: impacket and Samba's RPC
# client through the tunnel, exchangelib for calendars and out of office.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use T::Demo;
use T::Dir qw(top);
use T::Samba;
use T::Wait qw(until_port);

my $why = T::Samba->missing;
plan skip_all => $why if $why;

my $demo = T::Demo->start;
like($demo->output, qr/^Every step held\.$/m, 'every step held') or diag($demo->output);

my @names = qw(BASE_URL CA_FILE DOMAIN REALM NETBIOS USER1 MAIL1 PASSWORD1 USER2 MAIL2
    PASSWORD2 LDAPS_URL SAMBA_ADDR RPC_PROXY RPC_TARGET SAMR_PORT EWS_URL SUBMIT_CONF
    HTTPD_PID HTTPD_CONF);
is(join(' ', grep { !length($demo->{$_} // '') } @names), '', 'env says everything');
is(system("sh -c '. \"\$1\"' sh " . $demo->dir . '/env'), 0, 'a shell reads it');
for my $file (@$demo{qw(CA_FILE SUBMIT_CONF HTTPD_CONF)}) {
    ok(-r $file, "$file is there");
}

# The output of a Python program with the demo's environment.
sub python {
    my ($input, $env, $program, @args) = @_;
    local %ENV = (%ENV, REQUESTS_CA_BUNDLE => $demo->{CA_FILE}, %$env);
    open my $pipe, '-|', 'sh', '-c', 'in=$1; shift; printf "%s\n" "$in" | "$@" 2>&1', 'sh',
        $input, '/usr/bin/python3', top() . "/$program", @args or die "sh: $!\n";
    my $out = do { local $/; <$pipe> } // '';
    close $pipe;
    return $out;
}

for my $n (1, 2) {
    my ($user, $password) = @$demo{"USER$n", "PASSWORD$n"};
    my @at = @$demo{qw(RPC_PROXY RPC_TARGET SAMR_PORT NETBIOS)};
    for my $program ('rpc_samba.py', 'rpc_impacket.py') {
        my $out = python($password, {}, "demo/$program", @at, $user,
            $program eq 'rpc_samba.py' ? $demo->{CA_FILE} : ());
        like($out, qr/^epmapper: [1-9]\d* endpoints$/m, "$program, $user: epmapper");
        like($out, qr/^samr users: .*\balice bob\b/m, "$program, $user: samr") or diag($out);
    }
}
unlike(python('wrong', {}, 'demo/rpc_impacket.py',
        @$demo{qw(RPC_PROXY RPC_TARGET SAMR_PORT NETBIOS USER1)}),
    qr/^epmapper:/m, 'a wrong password opens no tunnel');

for my $n (1, 2) {
    my $out = python('', {
        EMAIL => $demo->{"MAIL$n"}, PASSWORD => $demo->{"PASSWORD$n"},
        OTHER => $demo->{ 'MAIL' . (3 - $n) }, MISSING => 'nobody@example.test',
        EWS_URL => $demo->{EWS_URL} }, 't/interop/exl.py', qw(freebusy oof badpass));
    like($out, qr/^PASS \Q$_\E:/m, "exchangelib, $demo->{\"USER$n\"}: $_")
        for qw(freebusy oof badpass);
    diag($out) if $out =~ /FAIL/;
}

my $port = (split /:/, $demo->{RPC_PROXY})[1];
is($demo->interrupt, 0, 'Ctrl-C ends it with status 0');
$demo->log_ok(qw(AH01617 PN11020));
ok(!-e $demo->dir . '/env', 'env is gone');
ok(!until_port('127.0.0.1', $port, 0), 'nothing listens any more');
is(T::Demo::left_over($demo->dir), '', 'no process is left');
done_testing();

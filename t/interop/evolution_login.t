#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Evolution's EWS client by Basic, NTLM and Kerberos, all three offered by one
# location.

use strict;
use warnings;
use lib 't/lib';
use T::Netns;
use Test::More;
use T::Ca;
use T::Directory qw(directory_conf);
use T::Dir qw(top temp_dir read_file);
use T::Httpd;
use T::Kerberos;
use T::Samba;

my $why = T::Samba->missing // T::Kerberos->missing;
plan skip_all => $why if $why;
my $flags = `pkg-config --cflags --libs libecal-2.0 camel-1.2 libedataserver-1.2 2>/dev/null`;
plan skip_all => 'evolution-ews is not installed (make interop)' if $? != 0;
$flags =~ s/\s+/ /g;

my $dir = temp_dir();
chmod 0711, "$dir";
my $ews = '/usr/lib/evolution-ews';
my $eds = '/usr/lib/evolution-data-server';
my $program = "$dir/evolution_ews";
is(system("cc -O1 -Wall -Wno-deprecated-declarations -o $program @{[ top() ]}/t/interop/evolution_ews.c $flags "
    . "-L$ews -levolution-ews -Wl,-rpath,$ews -L$eds -Wl,-rpath-link,$eds"), 0, 'the client builds');

my $ca  = T::Ca->make("$dir");
my $dc  = T::Samba->new(ca => $ca)->start;
my $alice  = $dc->user(1);
my $keytab = T::Kerberos::keytab($dc, 'mail.example.test', "$dir/http.keytab");
my %ticket = T::Kerberos::login($dc, $alice, "$dir");
T::Netns::trust($ca->{ca});

my $httpd = T::Httpd->new(modules => [qw(mailbox auth_ntlm freebusy)], load => [qw(ldap auth_gssapi)],
    tls => $ca, listen_tls => 443, main => <<"CONF", conf => <<"VHOST");
LogLevel info auth_gssapi:crit
LogFormat "\%{Authorization}i \%u \%>s" scheme
CustomLog \@DIR\@/scheme.log scheme
MailboxDomain EXAMPLE example.test
@{[ directory_conf($dir, $ca, $dc, $dc->base . '??sub') ]}
NTLMDomain EXAMPLE example.test
NTLMVerifier @{[ $dc->address ]}
CONF
<Location "/ews">
    SSLRequireSSL
    AuthType NTLM
    AuthName Mail
    NTLMOfferNegotiate On
    NTLMBasicProvider mailbox
    Require valid-user
    FreeBusyEngine On
    FreeBusyOofStore file:\@DIR\@/sieve/%{user}.sieve
    <If "req('Authorization') =~ m#^(?i:negotiate) +(?!TlRMTVNTUA)#">
        AuthType GSSAPI
        GssapiCredStore keytab:$keytab
    </If>
</Location>
VHOST
mkdir $httpd->dir . '/sieve';
chmod 0777, $httpd->dir . '/sieve';
$httpd->start;

for my $row (['PLAIN', 'alice', qr/^Basic \S+ alice 200$/m], ['NTLM', 'alice', qr/EXAMPLE\\+alice 200$/m],
    ['GSSAPI', 'alice@EXAMPLE.TEST', qr/^Negotiate \S+ alice\@EXAMPLE\.TEST 200$/m])
{
    my ($scheme, $login, $seen) = @$row;
    my $out = run('oof', $scheme, $login);
    like($out, qr/^PASS oof:/m, "$scheme: out of office") or diag($out);
    like(read_file($httpd->dir . '/scheme.log'), $seen, "$scheme is what it used");
    next if $scheme eq 'GSSAPI';
    $out = run('badpass', $scheme, $login);
    like($out, qr/^PASS badpass:/m, "$scheme: a wrong password") or diag($out);
}

$httpd->stop;
$dc->stop;
$httpd->log_ok(qw(PN11011 PN11020));
done_testing();

# A home of its own, settings in memory, no session bus.
sub run {
    my ($mode, $scheme, $login) = @_;
    local %ENV = (%ENV, %ticket, EMAIL => $alice->{mail}, LOGIN => $login, AUTH => $scheme,
        PASSWORD => $alice->{password}, EWS_URL => 'https://mail.example.test/ews/exchange.asmx',
        HOME => "$dir", XDG_RUNTIME_DIR => "$dir", GSETTINGS_BACKEND => 'memory',
        GIO_USE_PROXY_RESOLVER => 'dummy', DBUS_SESSION_BUS_ADDRESS => 'disabled:');
    return scalar `timeout 60 $program $mode 2>&1`;
}

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Evolution's EWS client by Basic, NTLM and Kerberos, all three offered by one
# location: finds the server, asks who is free, sets out of office.

use strict;
use warnings;
use lib 't/lib';
use T::Netns;
use Test::More;
use T::Ca;
use T::Directory qw(directory_conf);
use T::Dir qw(top temp_dir read_file write_file);
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
my ($alice, $bob) = map { $dc->user($_) } 1, 2;
my $keytab = "$dir/http.keytab";
T::Kerberos::keytab($dc, "$_.example.test", $keytab) for qw(mail autodiscover);
my %ticket = T::Kerberos::login($dc, $alice, "$dir");
T::Netns::trust($ca->{ca});

my $httpd = T::Httpd->new(modules => [qw(mailbox auth_ntlm autodiscover freebusy)], load => [qw(ldap auth_gssapi)],
    tls => $ca, listen_tls => 443, main => <<"CONF", conf => <<"VHOST");
LogLevel info auth_gssapi:crit
LogFormat "\%{Authorization}i \%u \%U \%>s" scheme
CustomLog \@DIR\@/scheme.log scheme
MailboxDomain EXAMPLE example.test
@{[ directory_conf($dir, $ca, $dc, $dc->base . '??sub') ]}
NTLMDomain EXAMPLE example.test
NTLMVerifier @{[ $dc->address ]}
CONF
Autodiscover On
AutodiscoverServerName mail.example.test
AutodiscoverAvailabilityUrl https://mail.example.test/ews/exchange.asmx
<LocationMatch "(?i)^/(autodiscover|ews)/">
    SSLRequireSSL
    AuthType NTLM
    AuthName Mail
    NTLMOfferNegotiate On
    NTLMBasicProvider mailbox
    Require valid-user
    <If "req('Authorization') =~ m#^(?i:negotiate) +(?!TlRMTVNTUA)#">
        AuthType GSSAPI
        GssapiCredStore keytab:$keytab
    </If>
</LocationMatch>
<LocationMatch "(?i)^/ews/">
    FreeBusyEngine On
    FreeBusySource file:\@DIR\@/calendars/%{user}.ics
    FreeBusyView FreeBusy
    FreeBusyOofStore file:\@DIR\@/sieve/%{user}.sieve
</LocationMatch>
VHOST
mkdir $httpd->dir . '/calendars';
write_file($httpd->dir . "/calendars/$_->{name}.ics", <<"ICS" =~ s/\n/\r\n/gr, 0644) for $alice, $bob;
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//EN
BEGIN:VEVENT
UID:$_->{name}-1
DTSTAMP:20260101T000000Z
DTSTART:20260302T090000Z
DTEND:20260302T100000Z
SUMMARY:Meeting
END:VEVENT
END:VCALENDAR
ICS
mkdir $httpd->dir . '/sieve';
chmod 0777, $httpd->dir . '/sieve';
$httpd->start;

for my $row (['PLAIN', 'alice', qr/^Basic \S+ alice/m], ['NTLM', 'alice', qr/^(?:NTLM \S+|-) EXAMPLE\\+alice/m],
    ['GSSAPI', 'alice@EXAMPLE.TEST', qr/^Negotiate \S+ alice\@EXAMPLE\.TEST/m])
{
    my ($scheme, $login, $seen) = @$row;
    for my $mode (qw(autodiscover freebusy oof), $scheme eq 'GSSAPI' ? () : 'badpass') {
        my $out = run($mode, $scheme, $login);
        like($out, qr/^PASS $mode:/m, "$scheme: $mode") or diag($out);
    }
    my $log = read_file($httpd->dir . '/scheme.log');
    like($log, qr/$seen \Q$_\E 200$/mi, "$scheme is what $_ was asked with") or diag($log =~ s/ \S{40,}/ .../gr)
        for '/autodiscover/autodiscover.xml', '/ews/exchange.asmx';
}

$httpd->stop;
$dc->stop;
$httpd->log_ok(qw(PN11011 PN11020));
done_testing();

# A home of its own, settings in memory, no session bus.  By Kerberos without a
# password, which it would rather use.
sub run {
    my ($mode, $scheme, $login) = @_;
    local %ENV = (%ENV, %ticket, EMAIL => $alice->{mail}, OTHER => $bob->{mail}, LOGIN => $login, AUTH => $scheme,
        PASSWORD => $alice->{password}, EWS_URL => 'https://mail.example.test/ews/exchange.asmx',
        HOME => "$dir", XDG_RUNTIME_DIR => "$dir", GSETTINGS_BACKEND => 'memory',
        GIO_USE_PROXY_RESOLVER => 'dummy', DBUS_SESSION_BUS_ADDRESS => 'disabled:');
    $ENV{PASSWORD} = '' if $scheme eq 'GSSAPI';
    return scalar `timeout 60 $program $mode 2>&1`;
}

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# exchangelib by NTLM, which it prefers to Basic when a 401 offers both: finds
# the server by the domain, and uses its web services.

use strict;
use warnings;
use lib 't/lib';
use T::Netns;
use Test::More;
use T::Ca;
use T::Directory qw(directory_conf);
use T::Dir qw(top temp_dir read_file);
use T::Httpd;
use T::Samba;

my $why = T::Samba->missing;
plan skip_all => $why if $why;
plan skip_all => 'exchangelib is not installed (make deps)'
    if system('/usr/bin/python3 -c "import exchangelib" 2>/dev/null') != 0;

my $dir = temp_dir();
my $ca  = T::Ca->make("$dir");
my $dc  = T::Samba->new(ca => $ca)->start;
my $alice = $dc->user(1);

my $httpd = T::Httpd->new(modules => [qw(mailbox auth_ntlm autodiscover freebusy)], load => [qw(ldap)],
    tls => $ca, listen_tls => 443, main => <<"CONF", conf => <<'VHOST');
LogFormat "%{Authorization}i %u %m %U %>s" scheme
CustomLog \@DIR\@/scheme.log scheme
MailboxDomain EXAMPLE example.test
@{[ directory_conf($dir, $ca, $dc, $dc->base . '??sub') ]}
NTLMDomain EXAMPLE example.test
NTLMVerifier @{[ $dc->address ]}
CONF
Autodiscover On
AutodiscoverServerName mail.example.test
<LocationMatch "(?i)^/(autodiscover|ews)/">
    AuthType NTLM
    AuthName Mail
    NTLMBasicProvider mailbox
    Require valid-user
</LocationMatch>
<LocationMatch "(?i)^/ews/">
    FreeBusyEngine On
    FreeBusyOofStore file:@DIR@/sieve/%{user}.sieve
</LocationMatch>
VHOST
mkdir $httpd->dir . '/sieve';
chmod 0777, $httpd->dir . '/sieve';
$httpd->start;

for my $login ('EXAMPLE\\alice', $alice->{mail}) {
    for my $mode (qw(pox oof badpass)) {
        my $out = run($mode, $login);
        like($out, qr/^PASS \Q$mode\E/m, "$mode as $login") or diag($out);
    }
}
my $log = read_file($httpd->dir . '/scheme.log');
like($log, qr{^NTLM \S+ \S*alice\S* POST /Autodiscover/Autodiscover\.xml 200$}mi, 'autodiscover by NTLM') or diag($log);
like($log, qr{^NTLM \S+ \S*alice\S* POST /EWS/Exchange\.asmx 200$}mi, 'and the web services');
unlike($log, qr{^Basic }m, 'never Basic');

$httpd->stop;
$dc->stop;
$httpd->log_ok(qw(PN11011));
done_testing();

sub run {
    my ($mode, $login) = @_;
    local %ENV = (%ENV, EMAIL => $alice->{mail}, LOGIN => $login, AUTH => 'NTLM',
        PASSWORD => $alice->{password}, EWS_URL => 'https://mail.example.test/ews/exchange.asmx',
        REQUESTS_CA_BUNDLE => $ca->{ca});
    return scalar `timeout 60 /usr/bin/python3 @{[ top() ]}/t/interop/exl.py $mode 2>&1`;
}

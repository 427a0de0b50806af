#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Autodiscover and the web services behind an NTLM login, the mailboxes in the
# directory that also knows the passwords: who logs in is whose mailbox it is,
# in each form of his name, and Basic beside it comes from mod_mailbox.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Directory qw(directory_conf);
use T::Dir qw(temp_dir);
use T::Httpd;
use T::Samba;

my $missing = T::Samba->missing;
plan skip_all => $missing if $missing;

my $dir = temp_dir();
my $ca  = T::Ca->make("$dir");
my $dc  = T::Samba->new(ca => $ca)->start;
my ($alice, $bob) = map { $dc->user($_) } 1, 2;

my $httpd = T::Httpd->new(modules => [qw(mailbox auth_ntlm autodiscover freebusy)],
    load => [qw(ldap)], tls => $ca, main => <<"CONF", conf => <<'VHOST');
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

my $curl = T::Curl->new(base => $httpd->tls_url, ca => $ca->{ca});

my $pox = <<"XML";
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
<Request><EMailAddress>$alice->{mail}</EMailAddress>
<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>
</Request></Autodiscover>
XML
my $oof = <<"XML";
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<GetUserOofSettingsRequest xmlns="http://schemas.microsoft.com/exchange/services/2006/messages">
<Mailbox xmlns="http://schemas.microsoft.com/exchange/services/2006/types"><Address>$alice->{mail}</Address></Mailbox>
</GetUserOofSettingsRequest></s:Body></s:Envelope>
XML
my %service = (
    '/Autodiscover/Autodiscover.xml' => [$pox, qr{<LegacyDN>\Q$alice->{legacy_dn}\E</LegacyDN>}],
    '/EWS/Exchange.asmx'             => [$oof, qr{<(?:\w+:)?OofState>Disabled<}],
);

for my $path (sort keys %service) {
    my ($request, $good) = @{ $service{$path} };
    for my $login ('EXAMPLE\\alice', 'example.test\\Alice', 'alice', 'alice@example.test') {
        for my $scheme (qw(--ntlm --basic)) {
            my $answer = $curl->post($path, $request, user => "$login:$alice->{password}", options => [$scheme]);
            is($answer->{status}, 200, "$path, $scheme, $login");
            like($answer->{body}, $good, 'is alice');
        }
    }
    my $answer = $curl->post($path, $request, user => "EXAMPLE\\bob:$bob->{password}", options => ['--ntlm']);
    unlike($answer->{body}, $good, "$path: bob is not");
    for my $scheme (qw(--ntlm --basic)) {
        $answer = $curl->post($path, $request, user => "EXAMPLE\\alice:wrong", options => [$scheme]);
        is($answer->{status}, 401, "$path, $scheme, wrong password");
    }
}

SKIP: {
    skip 'exchangelib is not installed (make interop)', 3
        if system('/usr/bin/python3 -c "import exchangelib" 2>/dev/null');
    local $ENV{REQUESTS_CA_BUNDLE} = $ca->{ca};
    my $run = sub {
        my ($user, $password) = @_;
        my $url = $httpd->tls_url('/EWS/Exchange.asmx');
        return `/usr/bin/timeout 60 /usr/bin/python3 t/auth_ntlm/oof_exchangelib.py '$url' '$alice->{mail}' '$user' '$password' 2>&1`;
    };
    my $out = $run->('EXAMPLE\\alice', $alice->{password});
    like($out, qr/^state Enabled$/m, 'exchangelib sets out of office and reads it back');
    $out = $run->('EXAMPLE\\alice', 'wrong');
    like($out, qr/UnauthorizedError|Invalid credentials/, 'and is refused with a wrong password');
    $out = $run->('EXAMPLE\\bob', $bob->{password});
    like($out, qr{^exchangelib.errors.ErrorAccessDenied}m, 'bob has no business there');
}

is($httpd->stop, 0, 'httpd ends cleanly');
$dc->stop;
$httpd->log_ok(qw(PN11011 PN11020));
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# What Outlook is told only when its request says that it can handle it.

use strict;
use warnings;
use Test::More;
use lib qw(t/lib t/autodiscover);
use Ask qw(value valid xpath password);

my $httpd = Ask::server(conf => <<'VHOST')->start;
AutodiscoverServerName mail.example.test
AutodiscoverRpcProxy rpc.example.test ssl Negotiate
AutodiscoverMapiUrl https://mapi.example.test/mapi
AutodiscoverOwaUrl https://web.example.test/%{user}/
AutodiscoverEcpUrl https://web.example.test/settings
VHOST
my $alice = Ask->new($httpd, user => 'alice:' . password('alice'));

sub told {
    my ($name, $expected, @header) = @_;
    my $answer = $alice->pox(address => 'alice@example.test', header => \@header);
    ok(valid($answer), "$name: a valid answer");
    my @types = map { s/<\/?Type>//gr } $answer->{body} =~ m{<Protocol>(<Type>\w+</Type>)}g;
    push @types, 'mapiHttp' if $answer->{body} =~ /<Protocol Type="mapiHttp" Version="1">/;
    is("@types " . value($answer, 'EXPR', 'AuthPackage'), $expected, "$name: $expected");
    return $answer;
}

# WEB holds an EXCH and an EXPR of its own.
my $plain = told('an old client', 'EXCH EXPR WEB EXCH EXPR Ntlm');
told('MAPI over HTTP', 'EXCH EXPR WEB EXCH EXPR mapiHttp Ntlm', 'X-MapiHttpCapability: 1');
told('no MAPI over HTTP', 'EXCH EXPR WEB EXCH EXPR Ntlm', 'X-MapiHttpCapability: 0');
told('EXHTTP', 'EXCH EXPR WEB EXCH EXPR EXHTTP Ntlm', 'X-ClientCanHandle: exhttpinfo');
my $all = told('everything', 'EXCH EXPR WEB EXCH EXPR EXHTTP mapiHttp Negotiate',
    'X-ClientCanHandle: Negotiate, ExHttpInfo', 'X-MapiHttpCapability: 2');

is(value($all, 'EXHTTP', $_), value($all, 'EXPR', $_), "EXHTTP has the $_ of EXPR") for qw(Server EwsUrl ASUrl OOFUrl SSL AuthPackage);
like(xpath($all, "string(//*[local-name()=\"$_->[0]\"]/*[local-name()=\"ExternalUrl\"])"),
    qr{^https://mapi\.example\.test/mapi/$_->[1]/\?MailboxId=[0-9a-f-]{36}\@example\.test$}, $_->[0])
    for [MailStore => 'emsmdb'], [AddressBook => 'nspi'];
is(xpath($plain, 'string(//*[local-name()="OWAUrl"])'), 'https://web.example.test/alice/', 'OWAUrl');
is(value($plain, 'EXCH', 'EcpUrl'), 'https://web.example.test/settings', 'EcpUrl');

# --- inside and outside ---

$httpd->stop;
$httpd->configure(load => [qw(ldap remoteip)], conf => $httpd->{conf} . <<'CONF');
AutodiscoverInternalNetworks 10.0.0.0/8 192.0.2.7 2001:db8::/32
AutodiscoverPublicFolders folders@%{domain}
AutodiscoverCertPrincipal msstd:rpc.%{domain}
AutodiscoverTTL 8
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
CONF
$httpd->start;
$alice = Ask->new($httpd, user => 'alice:' . password('alice'));
for my $row (['8.1.2.3', 1], ['192.0.2.8', 1], ['2001:db9::1', 1], ['2001:db8:1::1', 0], ['192.0.2.7', 0],
    ['::ffff:10.1.2.3', 0], ['::ffff:11.1.2.3', 1]) {
    my ($address, $outside) = @$row;
    my $answer = told($address, $outside ? 'EXPR EXCH WEB EXCH EXPR Ntlm' : 'EXCH EXPR WEB EXCH EXPR Ntlm', "X-Client: $address");
    is(value($answer, 'EXPR', 'ServerExclusiveConnect'), $outside ? 'On' : '', "$address: ServerExclusiveConnect");
}
told('a forged header', 'EXPR EXCH WEB EXCH EXPR Ntlm', 'X-Forwarded-For: 10.1.2.3');
my $more = $alice->pox(address => 'alice@example.test');
is(value($more, 'SmtpAddress'), 'folders@example.test', 'public folders');
is(value($more, 'EXPR', 'CertPrincipalName'), 'msstd:rpc.example.test', 'the name in the certificate');
is(value($more, $_, 'TTL'), 8, "$_: TTL") for qw(EXCH EXPR WEB);

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok();
done_testing();

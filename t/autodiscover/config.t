#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Directives: what contradicts itself stops httpd -t with a sentence that names
# the directive; the shipped conf passes; merging; a location without login.

use strict;
use warnings;
use Test::More;
use lib qw(t/lib t/autodiscover);
use Ask qw(value code valid password login_section);
use T::Ca;
use T::Dir qw(top read_file temp_dir);
use T::Httpd;

sub tested {
    my ($conf, %more) = @_;
    return T::Httpd->new(modules => [qw(mailbox autodiscover)], load => ['ldap'],
        main => login_section('^/autodiscover/'), conf => $conf, %more)->configtest;
}

# --- good ---

my @good = (
    '', 'Autodiscover Off', "Autodiscover On\nAutodiscoverServerName mail.example.com",
    "Autodiscover On\nAutodiscoverServerName mail.%{domain}",
    "Autodiscover On\nAutodiscoverEwsUrl https://a.example.com/ews\nAutodiscoverRpcProxy None\nAutodiscoverExchangeServer None",
    "Autodiscover On\nAutodiscoverEwsUrl None\nAutodiscoverRpcProxy None\nAutodiscoverExchangeServer None\nAutodiscoverImap mail.example.com",
    "AutodiscoverImap mail.example.com 143\nAutodiscoverSmtp mail.example.com 25 plain\nAutodiscoverPop3 None",
    "AutodiscoverRpcProxy rpc.example.com plain Ntlm\nAutodiscoverCertPrincipal msstd:rpc.example.com",
    "AutodiscoverServerVersion 15.0.847.32\nAutodiscoverTTL 0\nAutodiscoverLoginName EXAMPLE\\%{user}",
);
for my $conf (@good) {
    my ($passed, $out) = tested($conf);
    ok($passed, 'passes: ' . ($conf =~ s/\n/; /gr || 'nothing')) or diag($out);
}
my ($passed, $out) = tested('', main => read_file(top() . '/conf/autodiscover.conf'));
ok($passed, 'conf/autodiscover.conf passes as shipped') or diag($out);

# What it shows as comments passes when it is turned on.
(my $all = read_file(top() . '/conf/autodiscover.conf')) =~ s/^#(?=\s*<?\/?Autodiscover)//mg;
$all =~ s/^AutodiscoverSigningCertificate.*\n//m;    # no such files here
($passed, $out) = tested('', main => $all);
ok($passed, 'and with every directive that it shows') or diag($out);

# --- bad ---

my $dir = temp_dir();
my $ca  = T::Ca->make("$dir");
my $on  = "Autodiscover On\n";
my @bad = (
    [$on, qr/Autodiscover is On, but .* AutodiscoverServerName mail\.example\.com/],
    ["${on}AutodiscoverEwsUrl https://a.example.com/", qr/AutodiscoverRpcProxy is missing: EXPR needs a host/],
    ["${on}AutodiscoverRpcProxy a.example.com\nAutodiscoverEwsUrl https://a.example.com/", qr/AutodiscoverExchangeServer is missing/],
    ["${on}AutodiscoverRpcProxy a.example.com\nAutodiscoverExchangeServer a.example.com", qr/AutodiscoverEwsUrl is missing/],
    ['AutodiscoverServerName https://mail.example.com/', qr/AutodiscoverServerName: .* is no host name/],
    ['AutodiscoverServerName mail.%{mail}', qr/AutodiscoverServerName: .* cannot stand in a host name/],
    ['AutodiscoverEwsUrl http://mail.example.com/ews', qr/AutodiscoverEwsUrl: .* must start with https/],
    ['AutodiscoverEwsUrl /ews', qr/AutodiscoverEwsUrl: .* is no absolute URL/],
    ['AutodiscoverEwsUrl https://u:p@mail.example.com/ews', qr/AutodiscoverEwsUrl: /],
    ['AutodiscoverOabUrl https://mail.example.com/%{password}', qr/AutodiscoverOabUrl: .* unknown variable; there are %\{mail\}/],
    ['AutodiscoverOofUrl https://mail.example.com/%{mail', qr/AutodiscoverOofUrl: .* lacks its closing brace/],
    ['AutodiscoverActiveSyncUrl ftp://mail.example.com/', qr/AutodiscoverActiveSyncUrl: .* must start with https/],
    ['AutodiscoverRpcProxy rpc.example.com plain', qr/AutodiscoverRpcProxy: Basic without TLS/],
    ['AutodiscoverRpcProxy rpc.example.com ssl Anonymous', qr/AutodiscoverRpcProxy: "Anonymous" is no way to log in; write Basic/],
    ['AutodiscoverRpcProxy', qr/AutodiscoverRpcProxy takes a host/],
    ['AutodiscoverExchangeServer mail.example.com Md5', qr/AutodiscoverExchangeServer: "Md5" is no way/],
    ['AutodiscoverCertPrincipal mail.example.com', qr/AutodiscoverCertPrincipal: .* msstd:/],
    ['AutodiscoverServerDN MAIL', qr{AutodiscoverServerDN: "MAIL" must start with /o=}],
    ['AutodiscoverDeploymentId 1', qr/AutodiscoverDeploymentId: "1" is no GUID; write it as/],
    ['AutodiscoverServerVersion 2019', qr/AutodiscoverServerVersion: .* major\.minor\.build/],
    ['AutodiscoverServerVersion 15.1.40000', qr/AutodiscoverServerVersion: /],
    ['AutodiscoverImap mail.example.com 143 ssl', qr/AutodiscoverImap: port 143 starts without TLS; write 993 ssl, or 143 starttls/],
    ['AutodiscoverImap mail.example.com 993 starttls', qr/AutodiscoverImap: port 993 is TLS from the first byte/],
    ['AutodiscoverPop3 mail.example.com 995 plain', qr/AutodiscoverPop3: port 995 is TLS from the first byte/],
    ['AutodiscoverSmtp mail.example.com 587 ssl', qr/AutodiscoverSmtp: port 587 starts without TLS; write 465 ssl, or 587 starttls/],
    ['AutodiscoverSmtp mail.example.com 70000', qr/AutodiscoverSmtp takes a host, a port/],
    ['AutodiscoverSmtp mail.example.com 465 tls', qr/AutodiscoverSmtp takes a host, a port and ssl/],
    ['AutodiscoverSmtp smtp://mail.example.com', qr/AutodiscoverSmtp: .* is no host name/],
    ['AutodiscoverInternalNetworks 10.0.0.0/33', qr{AutodiscoverInternalNetworks: .* is no network; write 192\.0\.2\.0/24}],
    ['AutodiscoverPublicFolders folders', qr/AutodiscoverPublicFolders: .* is no mail address/],
    ["AutodiscoverSigningCertificate $dir/missing.pem", qr/AutodiscoverSigningCertificate: the file cannot be opened/],
    ["AutodiscoverSigningCertificate $ca->{key}", qr/AutodiscoverSigningCertificate: the file holds no certificate/],
    ["AutodiscoverSigningCertificate $ca->{server}", qr/AutodiscoverSigningCertificate: the file holds no private key/],
    ["AutodiscoverSigningCertificate $ca->{ca} $ca->{key}", qr/AutodiscoverSigningCertificate: the private key is not that of/],
    ['AutodiscoverTTL 10000', qr/AutodiscoverTTL: "10000" must be a number of hours/],
    ['AutodiscoverTTL -1', qr/AutodiscoverTTL: /],
    ['AutodiscoverLoginName %{login}', qr/AutodiscoverLoginName: .* unknown variable/],
);
for my $row (@bad) {
    my ($ok, $said) = tested($row->[0]);
    ok(!$ok && $said =~ $row->[1], 'refused: ' . $row->[0] =~ s/\n/; /gr) or diag($said);
}
($passed, $out) = T::Httpd->new(modules => ['autodiscover'],
    conf => "${on}AutodiscoverServerName mail.example.com")->configtest;
ok(!$passed && $out =~ /mod_mailbox is not loaded/, 'refused without mod_mailbox');

# --- merging, and who is not asked ---

my $httpd = Ask::server(main => <<'CONF', conf => <<'VHOST')->start;
AutodiscoverServerName main.example.test
AutodiscoverImap imap.main.test 143
AutodiscoverServerVersion 14.3.1
AutodiscoverRpcProxy rpc.main.test ssl Ntlm
AutodiscoverTTL 7
CONF
AutodiscoverServerName vhost.example.test
AutodiscoverImap None
<Location "/autodiscover/autodiscover.xml">
    SetEnvIf X-Anonymous . anonymous
    <RequireAny>
        Require env anonymous
        Require valid-user
    </RequireAny>
</Location>
VHOST
my $alice = Ask->new($httpd, user => 'alice:' . password('alice'));
my $answer = $alice->pox(address => 'alice@example.test');
ok(valid($answer), 'an answer from merged settings');
is(value($answer, 'EXCH', 'Server'), 'vhost.example.test', "the virtual host's name wins");
is(value($answer, 'EXPR', 'Server'), 'rpc.main.test', "the server's proxy is inherited");
is(value($answer, 'EXPR', 'AuthPackage'), 'Ntlm', 'with its package');
is(value($answer, 'EXCH', 'TTL'), 7, 'and TTL');
is(value($answer, 'EXCH', 'ServerVersion'), '73838001', 'and version');
is(value($answer, 'IMAP', 'Server'), '', 'None takes a server away');
is($alice->pox(address => 'alice@example.test', user => undef, header => ['X-Anonymous: 1'])->{status},
    403, 'where nobody must log in, nothing is answered');
ok($httpd->logged('PN12003'), 'and the log says why');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(PN12003));
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# What the administrator is told at start: contradictions across directives stop
# httpd, what may be meant is said once, and a good configuration says nothing.

use strict;
use warnings;
use Test::More;
use lib qw(t/lib t/autodiscover);
use Ask qw(login_section);
use T::Ca;
use T::Curl;
use T::Dir qw(temp_dir read_file top);
use T::Httpd;

my $login = login_section('^/autodiscover/');
my $good  = "Autodiscover On\nAutodiscoverServerName mail.example.com\n";

sub server { my ($conf, $main) = @_; return T::Httpd->new(modules => [qw(mailbox autodiscover)], load => ['ldap'],
    main => $main // $login, conf => $conf) }

# (passed, what was said by PN12005 or PN12014)
sub said {
    my ($passed, $out) = server(@_)->configtest;
    return ($passed, join "\n", $out =~ /^.*(PN120(?:05|14): .*)$/mg);
}

# --- contradictions ---

for my $row (
    ['no login anywhere', $good, '', qr/PN12005: AutodiscoverEwsUrl is told to nobody .* AuthType Basic/],
    ['the same with the URL itself', "Autodiscover On\nAutodiscoverEwsUrl https://a.example.com/ews\nAutodiscoverRpcProxy a.example.com\nAutodiscoverExchangeServer None", '', qr/PN12005: AutodiscoverEwsUrl is told to nobody/],
    ['a redirect to the same domain', "$good<AutodiscoverDomain a.test>\nAutodiscoverRedirectAddress %{local}\@a.test\n</AutodiscoverDomain>", $login, qr/AutodiscoverRedirectAddress of a\.test leads back/],
    ['a redirect to this server', "$good<AutodiscoverDomain a.test>\nAutodiscoverRedirectUrl https://mail.example.com/autodiscover/autodiscover.xml\n</AutodiscoverDomain>", $login, qr/AutodiscoverRedirectUrl of a\.test leads back/]) {
    my ($name, $conf, $main, $expected) = @$row;
    my ($passed, $said) = said($conf, $main);
    ok(!$passed && $said =~ $expected, "$name stops httpd") or diag($said);
}

# --- advice ---

my $dir = temp_dir();
my $ca  = T::Ca->make("$dir");
T::Ca::openssl(qw(x509 -req -days -1 -in), make_request(), '-signkey', "$dir/old.key", '-out', "$dir/old.pem");
sub make_request {
    T::Ca::openssl(qw(req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=old -keyout), "$dir/old.key", '-out', "$dir/old.csr");
    return "$dir/old.csr";
}

for my $row (
    ['a login for another place', '', "<Location /elsewhere>\nAuthType Basic\n</Location>", qr/^PN12014: no <Location> gives \S+ an AuthType/],
    ['a login that a section takes away', "<Location /autodiscover>\nAuthType None\n</Location>", $login, qr/^PN12014: no <Location> gives/],
    ['networks without EXPR', "AutodiscoverRpcProxy None\nAutodiscoverInternalNetworks 10.0.0.0/8", $login, qr/^PN12014: AutodiscoverInternalNetworks has no effect/],
    ['a domain twice', join('', map { "<AutodiscoverDomain $_>\n</AutodiscoverDomain>\n" } 'a.test b.test', 'B.test'), $login, qr/^PN12014: <AutodiscoverDomain b\.test> stands in more than one place/],
    ['a certificate that has expired', "AutodiscoverSigningCertificate $dir/old.pem $dir/old.key", $login, qr/^PN12014: AutodiscoverSigningCertificate has expired/],
    ['one that has not', "AutodiscoverSigningCertificate $ca->{server} $ca->{key}", $login, qr/^$/],
    ['a redirect to capitals', 'AutodiscoverHttpRedirect https://mail.example.com/Autodiscover/Autodiscover.xml', $login, qr/^PN12014: AutodiscoverHttpRedirect: some clients/],
    ['settings of a domain', "<AutodiscoverDomain a.test b.test>\nAutodiscoverTTL 0\n</AutodiscoverDomain>", $login, qr/^PN12014: AutodiscoverTTL 0: .*never learn of a change$/],
    ['nothing', '', $login, qr/^$/],
    ['a login by <Location> and prefix', '', "<Location /autodiscover/>\nAuthType Basic\n</Location>", qr/^$/],
    ['by a pattern', '', "<Location /*/autodiscover.xml>\nAuthType Basic\n</Location>", qr/^$/],
    ['by an expression', '', "<Location /autodiscover>\nAuthType %{tolower:%{req:X-Type}}\n</Location>", qr/^$/],
    ['for the whole server', '', "<Location />\nAuthType Basic\n</Location>", qr/^$/],
    ['Thunderbird alone, without any login', "AutodiscoverEwsUrl None\nAutodiscoverImap imap.example.com\nAutodiscoverSmtp smtp.example.com", '', qr/^$/]) {
    my ($name, $conf, $main, $expected) = @$row;
    my ($passed, $said) = said("$good$conf", $main);
    ok($passed, "$name does not stop httpd");
    like($said, $expected, $said ? 'but is told, and that alone' : 'and nothing is said');
}

for my $row (['Ntlm', 'Basic', 1], ['Ntlm', 'None', 0], ['Basic', 'Basic', 0]) {
    my ($package, $type, $is_told) = @$row;
    my ($passed, $out) = T::Httpd->new(modules => [qw(mailbox autodiscover rpcproxy)], load => ['ldap'], main => $login,
        conf => "${good}AutodiscoverRpcProxy mail.example.com ssl $package\n<Location /rpc>\nAuthType $type\n</Location>")->configtest;
    ok($passed, 'httpd starts') or diag($out);
    is($out =~ /PN12014: AutodiscoverRpcProxy: says $package, but AuthType at \S+ is Basic/ ? 1 : 0, $is_told,
        "$package is told where AuthType is $type");
}

my $plain = T::Httpd->new(modules => [qw(mailbox autodiscover)], load => ['ldap'], main => <<"CONF");
$login
<VirtualHost 127.0.0.1:80>
$good
</VirtualHost>
<VirtualHost 127.0.0.2:80>
$good
AutodiscoverHttpRedirect https://mail.example.com/autodiscover/autodiscover.xml
</VirtualHost>
CONF
is(scalar(() = ($plain->configtest)[1] =~ /Autodiscover is On at port 80/g), 1, 'port 80 without a redirect');

(my $shipped = read_file(top() . '/conf/autodiscover.conf')) =~ s/^#(?=Autodiscover(?:ServerName)? )//mg;
my ($passed, $said) = said('', $shipped);
ok($passed && $said eq '', 'conf/autodiscover.conf, turned on') or diag($said);

# --- at start ---

my $httpd = server("${good}AutodiscoverTTL 0\n")->start;
is(T::Curl->new(base => $httpd->url)->get('/')->{status}, 404, 'httpd starts');
is($httpd->stop, 0, 'and ends cleanly');
my $log = read_file($httpd->log_file) . read_file($httpd->dir . '/stdout.log');
is(scalar(() = $log =~ /PN12014/g), 1, 'what is said is said once');
$httpd->log_ok('PN12014');
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Ways around the login, as somebody would try them who knows httpd: headers,
# several requests at once, paths, redirects, other virtual hosts, proxies and
# protocols.  What nobody without a login may see says "secret".

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use MIME::Base64 qw(encode_base64);
use T::Ca;
use T::Dir qw(temp_dir write_file read_file);
use T::Httpd;
use T::Ntlm;
use T::Samba;
use T::Wait qw(free_port);

my $missing = T::Samba->missing;
plan skip_all => $missing if $missing;

my $dir = temp_dir();
my $dc  = T::Samba->new(ca => T::Ca->make("$dir"))->start;
my %alice = (user => 'alice', password => $dc->user(1)->{password}, domain => $dc->netbios);
my %wrong = (%alice, password => 'wrong');
my ($plain_port, $balanced_port) = (free_port(), free_port());
chomp(my $hash = `openssl passwd -apr1 basic-secret`);
write_file("$dir/$_", "mallory:$hash\n", 0644) for 'first', 'second';
write_file("$dir/second", "trent:$hash\n", 0644);
chmod 0755, "$dir";

my $secret = <<"CONF";
    AuthType NTLM
    Require valid-user
CONF
my $locations = <<"CONF";
<Location "/secret">
$secret
</Location>
<Location "/realm">
$secret
    AuthName Other
</Location>
<Location "/first">
$secret
    NTLMBasicProvider file
    AuthUserFile $dir/first
    DirectoryIndex /second/a.html
    ErrorDocument 404 /second/a.html
</Location>
<Location "/second">
$secret
    NTLMBasicProvider file
    AuthUserFile $dir/second
</Location>
<Location "/open">
    DirectoryIndex /secret/a.html
    ErrorDocument 404 /secret/a.html
    Options +Includes
    AddOutputFilter INCLUDES .shtml
</Location>
<Location "/secret/index">
    DirectoryIndex /realm/a.html
</Location>
RewriteEngine On
RewriteRule ^/rewritten\$ /secret/a.html [PT]
Alias /aliased \@DIR\@/htdocs/secret
CONF
my $httpd = T::Httpd->new(modules => ['auth_ntlm'], load => [qw(headers dir include rewrite http2 remoteip)],
    main => <<"MAIN", conf => <<"CONF");
LogLevel info include:crit
LimitRequestFieldSize 65536
MaxKeepAliveRequests 0
NTLMDomain EXAMPLE example.test
NTLMVerifier @{[ $dc->address ]}
NTLMRequireTLS Off
Protocols h2c http/1.1
MAIN
$locations
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
</VirtualHost>
Listen 127.0.0.1:$plain_port
Listen 127.0.0.1:$balanced_port
<VirtualHost *:$plain_port>
ServerName other.test
$locations
</VirtualHost>
<VirtualHost *:$plain_port>
ServerName second.test
$locations
</VirtualHost>
<VirtualHost *:$balanced_port>
RemoteIPProxyProtocol On
$locations
CONF
mkdir $httpd->dir . "/htdocs/$_" for qw(secret secret/index realm first second open);
write_file($httpd->dir . "/htdocs/$_/a.html", "secret of $_\n") for qw(secret realm first second);
write_file($httpd->dir . '/htdocs/open/inc.shtml', qq(<!--#include virtual="/secret/a.html" -->\n));
$httpd->start;

sub client { return T::Ntlm->new(port => $httpd->port, @_) }
sub logged_in {
    my $c = client(@_);
    is($c->login('/secret/a.html', %alice)->{body}, "secret of secret\n", 'a login');
    return $c;
}
sub is_secret {
    my ($answer, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    like($answer->{body}, qr/secret/, $name);
}
# No login, no secret; some status.
sub is_shut {
    my ($answer, $name, $status) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($answer->{status}, $status // 401, $name);
    unlike($answer->{body}, qr/secret/, 'and nothing is told');
}
sub basic { return 'Basic ' . encode_base64("$_[0]:basic-secret", '') }

subtest 'headers' => sub {
    my $c = client();
    is_shut($c->ask('/secret/a.html', undef, headers => [$_]), $_)
        for 'Remote-User: EXAMPLE\\alice', 'REMOTE_USER: EXAMPLE\\alice', 'X-Remote-User: alice', 'Auth-Type: NTLM',
        'Proxy-Authorization: ' . basic('mallory'), 'From: alice@example.test', 'Authorization:', 'Authorization: NTLM',
        "Authorization: NTLM\tTlRMTVNTUAABAAAA", 'Authorization: NTLMTlRMTVNTUAABAAAA', 'Connection: Authorization';
    my $challenge = $c->ask('/secret/a.html', T::Ntlm::type1())->{challenge};
    my $type3 = encode_base64(T::Ntlm::type3($challenge, %alice), '');
    is_shut($c->ask('/secret/a.html', undef, headers => ["Proxy-Authorization: NTLM $type3"]), 'a type 3 for a proxy');
    is_shut($c->ask("/secret/a.html?Authorization=NTLM%20$type3"), 'or in the query');
    my @two = ("Authorization: NTLM $type3", 'Authorization: ' . basic('mallory'));
    is_shut(client()->ask('/secret/a.html', undef, headers => [@two]), 'two schemes at once');
    is_shut(client()->ask('/secret/a.html', undef, headers => [reverse @two]), 'the other way round');
    $c = client();
    $challenge = $c->ask('/secret/a.html', T::Ntlm::type1())->{challenge};
    $type3 = encode_base64(T::Ntlm::type3($challenge, %alice), '');
    is_shut($c->ask('/secret/a.html', undef, headers => [("Authorization: NTLM $type3") x 2]), 'a type 3 twice in one request');
    $c = logged_in();
    is_shut($c->ask('/secret/a.html', \'Bearer x'), 'another scheme on a connection that is logged in');
    is_shut($c->ask('/first/a.html', \basic('trent')), 'a wrong Basic login there');
    is_secret($c->ask('/secret/a.html'), 'which stays logged in');
};

subtest 'several requests at once' => sub {
    my $c = client();
    my $type3 = T::Ntlm::type3($c->ask('/secret/a.html', T::Ntlm::type1())->{challenge}, %wrong);
    $c->send_only('/secret/a.html', $type3);
    $c->send_only('/secret/a.html') for 1 .. 2;
    is_shut($c->answer, $_) for 'a wrong type 3', 'the one behind it', 'and the next';
    $type3 = T::Ntlm::type3($c->ask('/secret/a.html', T::Ntlm::type1())->{challenge}, %alice);
    $c->send_only('/secret/a.html', $type3);
    $c->send_only('/secret/a.html') for 1 .. 2;
    is_secret($c->answer, $_) for 'a right one', 'the one behind it', 'and the next';
    $type3 = T::Ntlm::type3($c->ask('/secret/a.html', T::Ntlm::type1())->{challenge}, %alice);
    $c->send_only('/secret/a.html');
    $c->send_only('/secret/a.html', $type3);
    is_shut($c->answer, $_) for 'a request without a header', 'which ends the handshake';
    $c->send_only('/secret/a.html', T::Ntlm::type1());
    $c->send_only('/secret/a.html');
    ok($c->answer->{challenge}, 'a new type 1');
    is_shut($c->answer, 'and what was sent with it');
};

subtest 'paths and methods' => sub {
    my $c = client();
    is_shut($c->ask($_), $_)
        for '/secret/a.html', '/open/../secret/a.html', '/open/%2e%2e/secret/a.html', '//secret/a.html', '/./secret/a.html',
        '/%73ecret/a.html', '/secret/', '/secret/index/', '/secret/a.html/more', '/secret/a.html?x', '/rewritten';
    is_shut($c->ask('/secret%2fa.html'), 'an encoded slash', 404);
    is_shut($c->ask('/open;/../secret/a.html'), 'a parameter');
    is_shut($c->ask('/secret/a.html', undef, method => $_), $_) for qw(OPTIONS PROPFIND get QUERY);
    is($c->ask('/secret/a.html', undef, method => 'HEAD')->{status}, 401, 'HEAD');
    is_secret($c->ask('/aliased/a.html'), 'a location guards its path: another path to the same file is open');
};

subtest 'by way of other requests' => sub {
    my $c = client();
    is_shut($c->ask('/open/'), 'a directory index');
    is_shut($c->ask('/open/none'), 'an error page', 404);
    is_shut($c->ask('/open/inc.shtml'), 'an include', 200);
    $c = logged_in();
    is_secret($c->ask($_), "with a login: $_") for '/open/', '/open/none', '/open/inc.shtml', '/rewritten';
    is_shut($c->ask('/secret/index/'), 'an index under another AuthName');
    my $type3 = T::Ntlm::type3($c->ask('/secret/index/', T::Ntlm::type1())->{challenge}, %alice);
    is_shut($c->ask('/secret/index/', $type3), 'with the login itself');
    is_shut(client()->ask('/first/', \basic('mallory')), 'Basic for one location is none for another: index');
    is_shut(client()->ask('/first/none', \basic('mallory')), 'error page', 404);
    is_secret(client()->ask('/first/a.html', \basic('mallory')), 'where it is one');
    is_shut(client()->ask('/second/a.html', \basic('mallory')), 'where it is none');
};

subtest 'virtual hosts' => sub {
    my $c = client(port => $plain_port, headers => []);
    is_secret($c->login('/secret/a.html', %alice, host_header => 'other.test'), 'a login');
    is_secret($c->ask('/secret/a.html', undef, host_header => 'other.test'), 'and what follows');
    is_shut($c->ask('/secret/a.html', undef, host_header => $_), $_) for 'second.test', 'SECOND.test', "second.test:$plain_port";
    is_shut($c->ask('http://second.test/secret/a.html', undef, host_header => 'other.test'), 'a whole URL');
    is_secret($c->ask('/secret/a.html', undef, host_header => 'other.test'), 'and back');
};

subtest 'proxies' => sub {
    my $c = logged_in();
    is_shut($c->ask('/secret/a.html', undef, headers => [$_]), $_, 403)
        for 'Via: 1.1 p', 'Forwarded: for=192.0.2.1', 'X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Proto: https',
        'X-Forwarded-Host: mail.example.test', 'X-Real-IP: 192.0.2.1', 'X-Client: 192.0.2.1', 'X-Client: 192.0.2.1, 127.0.0.1';
    is_secret($c->ask('/secret/a.html'), 'nothing of it stays');
    $c = client(port => $balanced_port);
    print { $c->{socket} } "PROXY TCP4 192.0.2.1 127.0.0.1 4711 80\r\n";
    is_secret($c->login('/secret/a.html', %alice), 'a balancer with the PROXY protocol has a connection for each client');
};

subtest 'protocols' => sub {
    my $c = client();
    $c->send_raw("GET /secret/a.html HTTP/1.0\r\nAuthorization: NTLM " . encode_base64(T::Ntlm::type1(), '') . "\r\n\r\n");
    my $answer = $c->answer;
    ok($answer->{challenge} && $c->ended, 'HTTP/1.0 without keep-alive: challenged, and closed');
    $c = client();
    $c->send_raw("GET /secret/a.html\r\n");
    unlike(($c->all_that_comes)[1], qr/secret/, 'HTTP/0.9');
    $c = logged_in();
    $c->send_raw("GET /secret/a.html HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        . "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n");
    my ($status, $bytes) = $c->all_that_comes;
    is($status, 101, 'a connection that is logged in becomes one of HTTP/2');
    unlike($bytes, qr/secret/, 'and has no login any more');
    like(read_file($httpd->dir . '/access.log'), qr/"GET \/secret\/a.html HTTP\/2.0" 403/, 'but a refusal');
};

is($httpd->stop, 0, 'httpd ends cleanly');
$dc->stop;
unlike(read_file($httpd->log_file), qr/TlRMTVNTU|basic-secret/, 'no token and no password in the log');
$httpd->log_ok(qw(PN11004 PN11011 PN11020 AH01215 AH02811));
done_testing();

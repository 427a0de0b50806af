#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# NTLM and Basic in one location, over TLS, as curl sees them: what is offered
# to whom, and who gets in by what.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Dir qw(temp_dir write_file read_file);
use T::Httpd;
use T::Ntlm;
use T::Samba;

my $missing = T::Samba->missing;
plan skip_all => $missing if $missing;

my $dir = temp_dir();
my $ca  = T::Ca->make("$dir");
my $dc  = T::Samba->new(ca => $ca)->start;
my $alice = 'EXAMPLE\\alice:' . $dc->user(1)->{password};
my $bob   = 'EXAMPLE\\bob:' . $dc->user(2)->{password};
my $hash  = `openssl passwd -apr1 basic-secret`;

my $conf = <<"CONF";
Protocols h2 http/1.1
RemoteIPHeader X-Client
RemoteIPTrustedProxy 192.0.2.7 127.0.0.1
<Location "/">
AuthType NTLM
Require valid-user
</Location>
<Location "/both">
AuthName "Mail of example"
NTLMBasicProvider nobody file
AuthUserFile \@DIR\@/users
</Location>
<Location "/alice">
Require user EXAMPLE\\\\alice
</Location>
<Location "/both/off">
NTLMBasicProvider Off
</Location>
CONF
my $main = <<"CONF";
NTLMDomain EXAMPLE example.test
NTLMVerifier @{[ $dc->address ]}:135
<AuthnProviderAlias file nobody>
AuthUserFile \@DIR\@/empty
</AuthnProviderAlias>
Header always set X-User expr=%{REMOTE_USER}
CONF
my @how = (modules => ['auth_ntlm'], load => [qw(headers http2 remoteip)], tls => $ca);
my $httpd = T::Httpd->new(@how, conf => $conf, main => $main);
write_file($httpd->dir . '/users', "basic:$hash");
write_file($httpd->dir . '/empty', '');
mkdir $httpd->dir . "/htdocs/$_" for qw(both alice);
write_file($httpd->dir . "/htdocs/$_", "$_\n")
    for map { "$_/a.html" } '.', qw(both alice);
$httpd->start;

my $curl = T::Curl->new(base => $httpd->tls_url, ca => $ca->{ca}, options => ['--http1.1']);

# The scheme lines of an answer to a request with these headers.
sub offers {
    my ($path, @headers) = @_;
    my $c = T::Ntlm->new(port => $httpd->tls_port, tls => 1, headers => \@headers);
    my $answer = $c->ask($path);
    return join ' | ', $answer->{status}, @{ $answer->{offers} };
}

sub by_ntlm { my ($path, $user, @more) = @_; return $curl->get($path, user => $user, options => ['--http1.1', '--ntlm', @more]) }
sub who { return "$_[0]{status} " . ($_[0]{headers}{'x-user'} // '') }

subtest 'what is offered' => sub {
    is(offers('/a.html'), '401 | NTLM', 'NTLM alone');
    is(offers('/both/a.html'), '401 | NTLM | Basic realm="Mail of example"', 'NTLM, then Basic');
    is(offers('/both/a.html', $_), '401 | Basic realm="Mail of example"', "no NTLM with $_")
        for 'Via: 1.1 proxy', 'X-Forwarded-For: 192.0.2.1', 'Forwarded: for=192.0.2.1';
    is(offers('/a.html', 'Via: 1.1 proxy'), '403', 'nothing is left');
    is(offers('/both/off/a.html'), '401 | NTLM', 'Basic switched off again');
    is(T::Ntlm->new(port => $httpd->port)->ask('/both/a.html')->{status}, 403, 'no login without TLS');
};

subtest 'NTLM by curl' => sub {
    is(who(by_ntlm('/a.html', $alice)), '200 EXAMPLE\\alice', 'good');
    is(who(by_ntlm('/both/a.html', $alice)), '200 EXAMPLE\\alice', 'good beside Basic');
    is(who($curl->get('/both/a.html', user => $alice, options => ['--http1.1', '--anyauth'])),
        '200 EXAMPLE\\alice', 'curl takes NTLM when it may choose');
    is(by_ntlm('/a.html', "EXAMPLE\\$_")->{status}, 401, "refused: $_")
        for 'alice:wrong', 'nobody:wrong', 'alice:', ':wrong', ':';
    is(by_ntlm('/a.html', ':')->{status}, 401, 'refused: nothing at all');
    is(who(by_ntlm('/a.html', $alice, '-X', 'RPC_IN_DATA')), '501 EXAMPLE\\alice',
        'RPC_IN_DATA is a method like others');
    my $out = `curl -s --cacert $ca->{ca} --http1.1 --ntlm -u '$alice' -w '%{http_code} %{num_connects} ' -o /dev/null -o /dev/null @{[$httpd->tls_url('/a.html')]} @{[$httpd->tls_url('/both/a.html')]}`;
    like($out, qr/^200 1 200 0 /, 'one connection for both requests');
};

subtest 'Basic beside it' => sub {
    is(who($curl->get('/both/a.html', user => 'basic:basic-secret')), '200 basic', 'good, by the second provider');
    for my $bad ('basic:wrong', 'nobody:x', 'basic:', ':x') {
        my $answer = $curl->get('/both/a.html', user => $bad);
        is($answer->{status}, 401, "refused: $bad");
    }
    is($curl->get('/a.html', user => 'basic:basic-secret')->{status}, 401, 'not where it is not offered');
    my $c = T::Ntlm->new(port => $httpd->tls_port, tls => 1);
    my %who = (user => 'alice', password => $dc->user(1)->{password}, domain => 'EXAMPLE');
    is(who($c->login('/both/a.html', %who)), '200 EXAMPLE\\alice', 'NTLM login');
    is(who($c->ask('/both/a.html', \'Basic YmFzaWM6YmFzaWMtc2VjcmV0')), '200 basic', 'Basic counts for its request');
    is(who($c->ask('/both/a.html')), '200 EXAMPLE\\alice', 'the connection stays what it was');
    is($c->ask('/both/a.html', \'Basic !')->{status}, 401, 'a malformed header');
    is($c->ask('/both/a.html', undef, headers => ['Via: 1.1 x'])->{status}, 401,
        'a proxy on a connection that is logged in gets nothing from it');
};

subtest 'through a proxy' => sub {
    my $c = T::Ntlm->new(port => $httpd->tls_port, tls => 1, headers => ['Via: 1.1 proxy']);
    is($c->ask('/both/a.html', T::Ntlm::type1())->{challenge}, undef, 'no challenge');
    is(who($c->ask('/both/a.html', \'Basic YmFzaWM6YmFzaWMtc2VjcmV0')), '200 basic', 'Basic works');
    is(offers('/both/a.html', 'X-Client: 192.0.2.9, 192.0.2.7'), '401 | Basic realm="Mail of example"',
        'a proxy that mod_remoteip knows');
};

subtest 'whom it is for' => sub {
    is(who(by_ntlm('/alice/a.html', $alice)), '200 EXAMPLE\\alice', 'Require user EXAMPLE\\alice');
    my $answer = by_ntlm('/alice/a.html', $bob);
    is($answer->{status}, 401, 'bob is somebody else');
    is($answer->{headers}{'www-authenticate'}, 'NTLM', 'and may try again');
};

subtest 'HTTP/2' => sub {
    is(who($curl->get('/both/a.html', user => 'basic:basic-secret', options => ['--http2'])), '200 basic', 'Basic');
    my $answer = $curl->get('/both/a.html', options => ['--http2']);
    is($answer->{headers}{'www-authenticate'}, 'Basic realm="Mail of example"', 'Basic alone is offered');
    is(who($curl->get('/a.html', user => $alice, options => ['--http2', '--ntlm'])), '200 EXAMPLE\\alice',
        'a client that wants NTLM is sent to HTTP/1.1');
};

for my $mpm (qw(worker prefork)) {
    my $other = T::Httpd->new(@how, conf => $conf, main => $main, mpm => $mpm);
    mkdir $other->dir . '/htdocs/both';
    write_file($other->dir . "/$_", '') for qw(htdocs/a.html empty users);
    $other->start;
    my $c = T::Ntlm->new(port => $other->tls_port, tls => 1);
    is(who($c->login('/a.html', user => 'alice', password => $dc->user(1)->{password}, domain => 'EXAMPLE')),
        '200 EXAMPLE\\alice', "login with the MPM $mpm");
    is(who($c->ask('/a.html')), '200 EXAMPLE\\alice', 'and what follows');
    $other->stop;
    $other->log_ok('AH10034');
}

my $log = read_file($httpd->log_file);
is(scalar(() = $log =~ /PN11011: /g), 6, 'each refused NTLM login logged once');
is(scalar(() = $log =~ /PN11020: /g), 5, 'each refused Basic login too');
unlike($log, qr/Secret-|basic-secret|TlRMTVNTU/, 'no password and no token in the log');
is($httpd->stop, 0, 'httpd ends cleanly');
$dc->stop;
$httpd->log_ok(qw(PN11004 PN11011 PN11020 AH01631 AH00135));

subtest 'directives' => sub {
    for my $row (
        ['NTLMDomain example.test', 'is no NetBIOS name'], ['NTLMDomain', 'write the NetBIOS name'],
        ['NTLMDomain "A B"', 'is no domain name'], ['NTLMVerifier', 'write the Samba servers'],
        ['NTLMVerifier host:port', 'is no server'], ['NTLMVerifier "a b"', 'is no server'],
        ['NTLMTimeout 0', 'from 1 to 60'], ['NTLMTimeout 5s', 'from 1 to 60'],
        ['NTLMMaxHandshakes 0', 'from 1 to 1000'], ['NTLMRequireTLS maybe', 'must be On or Off'],
        ['NTLMBasicProvider', 'write Off, or'], ['NTLMBasicProvider xyz', 'no Basic provider'],
        ["<Location /x>\nNTLMMaxVerifications 9\n</Location>", 'not allowed'],
        ['NTLMOfferNegotiate On', 'not allowed'],
        ["<Location /x>\nNTLMOfferNegotiate maybe\n</Location>", 'must be On or Off'],
        ['NTLMMaxVerifications x', 'from 1 to 10000'])
    {
        my $try = T::Httpd->new(modules => ['auth_ntlm'], main => $row->[0]);
        my ($passed, $out) = $try->configtest;
        ok(!$passed && $out =~ /\Q$row->[1]/, $row->[0]) or diag $out;
    }
};

subtest 'a location that lacks something' => sub {
    my $try = T::Httpd->new(modules => ['auth_ntlm'],
        conf => "<Location />\nAuthType NTLM\nRequire valid-user\n</Location>");
    $try->start;
    is(T::Ntlm->new(port => $try->port)->ask('/')->{status}, 500, 'lets nobody in');
    ok($try->logged('PN11001: AuthType NTLM needs NTLMDomain for /'), 'and says what');
    $try->stop;
    $try->log_ok('PN11001', 'AH03092');    # AH03092: a connection that lingers as httpd ends
};

done_testing();

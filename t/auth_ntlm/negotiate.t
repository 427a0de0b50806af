#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Negotiate, NTLM and Basic in one location: Kerberos by mod_auth_gssapi with a
# key from Samba, the other two by mod_auth_ntlm; for all three services.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Directory qw(directory_conf);
use T::Dir qw(temp_dir read_file);
use T::Httpd;
use T::Kerberos;
use T::Ntlm;
use T::Samba;

my $missing = T::Samba->missing // T::Kerberos->missing;
plan skip_all => $missing if $missing;

my $dir = temp_dir();
chmod 0711, "$dir";
my $ca  = T::Ca->make("$dir");
my $dc  = T::Samba->new(ca => $ca)->start;
my ($alice, $bob) = map { $dc->user($_) } 1, 2;
my $host   = 'mail.example.test';
my $keytab = T::Kerberos::keytab($dc, $host, "$dir/http.keytab");
my %ticket = T::Kerberos::login($dc, $alice, "$dir");

my $httpd = T::Httpd->new(modules => [qw(mailbox auth_ntlm autodiscover freebusy rpcproxy)],
    load => [qw(ldap headers http2 auth_gssapi)], tls => $ca, main => <<"CONF", conf => <<"VHOST");
ThreadsPerChild 16
MaxRequestWorkers 16
ServerLimit 1
MailboxDomain EXAMPLE example.test
@{[ directory_conf($dir, $ca, $dc, $dc->base . '??sub') ]}
NTLMDomain EXAMPLE example.test
NTLMVerifier @{[ $dc->address ]}
Protocols h2 http/1.1
LogLevel info auth_gssapi:crit
Header always set X-User expr=%{REMOTE_USER}
CONF
Autodiscover On
AutodiscoverServerName $host
RPCProxyBackend $host 6001 127.0.0.1:9
<Location "/">
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
</Location>
<Location "/document">
    ErrorDocument 401 /nothing
</Location>
<Location "/bob">
    <RequireAll>
        Require valid-user
        Require user EXAMPLE\\\\bob
    </RequireAll>
</Location>
<Location "/open">
    Require all granted
</Location>
<LocationMatch "(?i)^/rpc/rpcproxy\\.dll\$">
    RPCProxy On
</LocationMatch>
<LocationMatch "(?i)^/ews/">
    FreeBusyEngine On
    FreeBusyOofStore file:\@DIR\@/sieve/%{user}.sieve
</LocationMatch>
VHOST
mkdir $httpd->dir . '/sieve';
chmod 0777, $httpd->dir . '/sieve';
$httpd->start;

my $all = '401 | Negotiate | NTLM | Basic realm="Mail"';
my $url = "https://$host:" . $httpd->tls_port;
my @at  = ('--resolve', "$host:" . $httpd->tls_port . ':127.0.0.1');
my $curl = T::Curl->new(base => $url, ca => $ca->{ca}, options => \@at);
my $header = "Authorization: Negotiate";

sub connection { return T::Ntlm->new(port => $httpd->tls_port, tls => 1, @_) }
sub line { return join ' | ', $_[0]{status}, @{ $_[0]{offers} } }

# One request by Kerberos with a body, or without.
sub by_ticket {
    my ($path, $body, @more) = @_;
    local %ENV = (%ENV, %ticket);
    my @options = (@at, '--http1.1', '--negotiate', '-u', ':', @more);
    return defined $body ? $curl->post($path, $body, options => \@options) : $curl->get($path, options => \@options);
}

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

subtest 'what is offered' => sub {
    my $c = connection();
    is(line($c->ask('/x')), $all, 'all three, in this order');
    is(line($c->ask('/x', \'Basic eDp5')), $all, 'after a wrong password too');
    is(line($c->ask('/x', \'Bearer x')), $all, 'after a scheme that nobody has');
    is(line($c->ask('/x', \"Negotiate $_")), $all, "after a Negotiate token that is none: $_")
        for 'AAAA', 'YIIB', '!!!', 'x' x 6000;
    is(line($c->ask('/document', \'Negotiate AAAA')), $all, 'with an ErrorDocument');
    is(line($c->ask('/x', \'Negotiate AAAA', headers => ['Expect: 100-continue'], method => 'POST', body => 'body')),
        $all, 'with a body that waits');
    is(line($c->ask('/x', undef)), $all, 'all on one connection');
    is(line($c->ask('/x', undef, headers => ['Via: 1.1 p'])), '401 | Negotiate | Basic realm="Mail"',
        'a proxy between: Kerberos goes through it');
    is($c->ask('/open', undef)->{status}, 404, 'nothing where no login is needed');
};

subtest 'Kerberos' => sub {
    my $answer = by_ticket('/x');
    is($answer->{status}, 404, 'gets in');
    is($answer->{headers}{'x-user'}, 'alice@EXAMPLE.TEST', 'as principal');
    like($answer->{headers}{'www-authenticate'} // 'Negotiate ', qr/^Negotiate /, 'a good answer offers nothing');
    $answer = by_ticket('/Autodiscover/Autodiscover.xml', $pox);
    like($answer->{body}, qr{<LegacyDN>\Q$alice->{legacy_dn}\E</LegacyDN>}, 'autodiscover knows who it is');
    $answer = by_ticket('/EWS/Exchange.asmx', $oof);
    like($answer->{body}, qr{OofState>Disabled<}, 'and the web services');
    $answer = by_ticket('/EWS/Exchange.asmx', $oof =~ s/alice/bob/r);
    unlike($answer->{body}, qr{OofState>}, 'which give bob\'s settings to bob alone');
    $answer = by_ticket("/rpc/rpcproxy.dll?$host:6001", undef, '-X', 'RPC_IN_DATA', '-H', 'Content-Length: 0');
    is($answer->{status}, 200, 'the tunnel answers its echo request');
    is(length $answer->{body}, 20, 'with an echo');
    $answer = by_ticket('/x', undef, '--http2');
    is($answer->{status}, 404, 'over HTTP/2 too');
    $answer = by_ticket('/bob');
    is($answer->{status}, 401, 'alice is not bob');
    is($answer->{headers}{'www-authenticate'}, 'Basic realm="Mail"', 'she may try as somebody else, in any way');
    my $out = do { local %ENV = (%ENV, %ticket);
        `curl -s --cacert $ca->{ca} @at --http1.1 --negotiate -u : -w '%{http_code} %{num_connects} ' -o /dev/null -o /dev/null $url/x $url/y` };
    is($out, '404 1 404 0 ', 'one connection for both requests');
};

subtest 'NTLM beside it' => sub {
    my %who = (user => 'alice', password => $alice->{password}, domain => 'EXAMPLE');
    is(connection()->login('/x', %who)->{status}, 404, 'by its own name');
    my $c = connection();
    my $answer = $c->ask('/x', \('Negotiate ' . MIME::Base64::encode_base64(T::Ntlm::type1(), '')));
    is($answer->{status}, 401, 'inside Negotiate');
    my ($type2) = map { /^Negotiate (\S+)$/ } @{ $answer->{offers} };
    ok($type2, 'is challenged inside Negotiate') or diag(explain $answer);
    my $type3 = T::Ntlm::type3(MIME::Base64::decode_base64($type2 // ''), %who);
    $answer = $c->ask('/x', \('Negotiate ' . MIME::Base64::encode_base64($type3, '')));
    is($answer->{status}, 404, 'gets in');
    is($answer->{headers}{'x-user'}, 'EXAMPLE\\alice', 'as EXAMPLE\\alice');
    is($c->ask('/x')->{status}, 404, 'and stays in');
    $c = connection();
    $answer = $c->ask('/x', \('Negotiate ' . MIME::Base64::encode_base64($type3, '')));
    is(line($answer), $all, 'a type 3 alone is refused');
    is(line($c->ask('/x', \'Negotiate TlRMTVNTUAAB')), $all, 'half a type 1');
    # NegTokenInit of SPNEGO (RFC 4178) with NTLMSSP alone, as Windows without a ticket may send it.
    my $spnego = pack('H*', '604806062b0601050502a03e303ca00e300c060a2b06010401823702020aa22a0428') . T::Ntlm::type1();
    is(line($c->ask('/x', \('Negotiate ' . MIME::Base64::encode_base64($spnego, '')))), $all,
        'NTLM wrapped in SPNEGO: all are offered again');
    is($c->ask('/x', \('Negotiate ' . MIME::Base64::encode_base64(T::Ntlm::type1(), '')), headers => ['Via: 1.1 p'])->{status},
        401, 'never through a proxy');
};

is($curl->get('/x', user => "alice:$alice->{password}")->{status}, 404, 'Basic beside them');

is($httpd->stop, 0, 'httpd ends cleanly');
$dc->stop;
unlike(read_file($httpd->log_file), qr/Secret-|TlRMTVNTU/, 'no password and no token in the log');
$httpd->log_ok(qw(PN11004 PN11011 PN11020 AH01631 AH10034));
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# The tunnel of mod_rpcproxy behind an NTLM login: clients that nobody here
# wrote, and the order of things that Windows and Wine use: a small request
# that logs the connection in, then the big one without a header.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use Time::HiRes qw(time);
use T::Ca;
use T::Curl;
use T::Dir qw(temp_dir);
use T::Httpd;
use T::Ntlm;
use T::Samba;

my $missing = T::Samba->missing;
plan skip_all => $missing if $missing;

my $dir = temp_dir();
my $ca  = T::Ca->make("$dir");
my $dc  = T::Samba->new(ca => $ca)->start;
my $address = $dc->address;
my $path = '/rpc/rpcproxy.dll';

my $httpd = T::Httpd->new(modules => [qw(auth_ntlm rpcproxy)], tls => $ca,
    main => "MaxRequestWorkers 16\nSSLProtocol -all +TLSv1.2\n", conf => <<"CONF");
NTLMDomain EXAMPLE example.test
NTLMVerifier $address
RPCProxyBackend dc1.example.test 593 $address:135
<LocationMatch "(?i)^/rpc(withcert)?/rpcproxy\\.dll\$">
    RPCProxy On
    AuthType NTLM
    Require valid-user
</LocationMatch>
CONF
$httpd->start;
my $proxy = '127.0.0.1:' . $httpd->tls_port;

sub run_client {
    my ($script, @args) = @_;
    open my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>&1 </dev/null', 'sh', '/usr/bin/timeout', 60,
        '/usr/bin/python3', "t/auth_ntlm/$script.py", @args or die;
    local $/;
    my $out = <$pipe>;
    return close($pipe) ? $out : "failed: $out";
}

sub client {
    return T::Ntlm->new(port => $httpd->tls_port, tls => 1, method => 'RPC_IN_DATA', @_);
}

my %alice = (user => 'alice', password => $dc->user(1)->{password}, domain => 'EXAMPLE');
my $query = "$path?dc1.example.test:593";
my $curl  = T::Curl->new(base => $httpd->tls_url, ca => $ca->{ca});

for my $try (['right', $alice{password}], ['wrong', 'wrong']) {
    my ($name, $password) = @$try;
    my $good = $name eq 'right' ? qr/^\w+ [1-9]/m : qr/^failed:/;
    like(run_client('tunnel_impacket', "https://$proxy$path", 'dc1.example.test', 'EXAMPLE', 'alice', $password),
        $good, "impacket, $name password");
    like(run_client('tunnel_samba', $proxy, $ca->{ca}, 'dc1.example.test', 'EXAMPLE', 'alice', $password),
        $good, "Samba's client, $name password");
}

for my $try (['right', $alice{password}, '200 20'], ['wrong', 'wrong', '401 ']) {
    my ($name, $password, $expected) = @$try;
    for my $method ('RPC_IN_DATA', 'RPC_OUT_DATA') {
        my $answer = $curl->get($query, user => "EXAMPLE\\alice:$password",
            options => ['--ntlm', '-X', $method, '-H', 'Content-Length: 0']);
        like("$answer->{status} " . length $answer->{body}, qr/^$expected/, "curl, $method, $name password");
    }
}

subtest 'login by echo, then the channel without a header' => sub {
    my $c = client();
    my $start = time;
    my $answer = $c->ask($query, undef, headers => ['Content-Length: 1073741824']);
    is($answer->{status}, 401, '1 GiB announced, nobody logged in');
    cmp_ok(time - $start, '<', 3, 'is refused at once');
    $c = client();
    $answer = $c->ask($query, T::Ntlm::type1(), body => '');
    ok($answer->{challenge} && !$answer->{close}, 'challenge');
    $answer = $c->ask($query, T::Ntlm::type3($answer->{challenge}, %alice), body => '');
    is("$answer->{status} " . length $answer->{body}, '200 20', 'echo');
    $answer = $c->ask($query, undef, body => '');
    is("$answer->{status} " . length $answer->{body}, '200 20', 'echo once more, without a header');
    my $out = client(method => 'RPC_OUT_DATA');
    is($out->ask($query, undef, body => '')->{status}, 401, 'the other channel has nothing from it');
    $answer = $out->ask($query, T::Ntlm::type1(), body => '');
    $answer = $out->ask($query, T::Ntlm::type3($answer->{challenge}, %alice), body => '');
    is("$answer->{status} " . length $answer->{body}, '200 20', 'and logs in by itself');
};

is($httpd->stop, 0, 'httpd ends cleanly');
$dc->stop;
$httpd->log_ok(qw(PN11011));
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# /rpcwithcert/rpcproxy.dll: the virtual host asks for a client certificate, in
# the handshake and so before any endless body; the location insists on it.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Dir qw(temp_dir write_file);
use T::Httpd;
use T::RpcProxy qw(rpc_location rpc_users);
use T::Rpch;

my $backend = T::Rpch->listener;
my $port    = $backend->sockport;
my $dir     = temp_dir();
my $ca      = T::Ca->make("$dir");

# extendedKeyUsage of a server is not what a client presents.
write_file("$dir/client.ext", "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n");
T::Ca::openssl(qw(req -newkey rsa:2048 -nodes -subj /CN=alice -keyout), "$dir/alice.key", '-out', "$dir/alice.csr");
T::Ca::openssl(qw(x509 -req -days 300 -sha256 -CAcreateserial -in), "$dir/alice.csr", '-CA', $ca->{ca},
    '-CAkey', "$dir/ca.key", '-extfile', "$dir/client.ext", '-out', "$dir/alice.pem");

my $httpd = T::Httpd->new(modules => ['rpcproxy'], tls => $ca, main => 'MaxRequestWorkers 16', conf => <<"CONF");
RPCProxyBackend srv.example.test 6001 127.0.0.1:$port
SSLCACertificateFile $ca->{ca}
SSLVerifyClient optional
@{[ rpc_location('/rpc/rpcproxy.dll') ]}
<Location "/rpcwithcert/rpcproxy.dll">
    RPCProxy On
    SSLUserName SSL_CLIENT_S_DN_CN
    Require ssl-verify-client
</Location>
CONF
rpc_users($httpd, qw(bob));
$httpd->start;

sub client {
    my ($path, $version, $certificate, @more) = @_;
    my @ssl = (SSL_version => $version);
    push @ssl, SSL_cert_file => "$dir/alice.pem", SSL_key_file => "$dir/alice.key" if $certificate;
    return T::Rpch->new(port => $httpd->tls_port, tls => $ca->{ca}, ssl => \@ssl,
        path => "$path/rpcproxy.dll", target => 'srv.example.test:6001', @more);
}

for my $version (qw(TLSv1_2 TLSv1_3)) {
    my $c = client('/rpcwithcert', $version, 1);
    my $server = eval { $c->open($backend) } // diag $@;
    ok($server, "$version: a certificate opens a tunnel");
    my $pdu = T::Rpch::request(1, 'x' x 3000);
    $c->in->send($pdu);
    is($server->read_pdu, $pdu, "$version: a request arrives");
    $server->send(T::Rpch::response(1, 'y' x 3000));
    is($c->out->read_pdu, T::Rpch::response(1, 'y' x 3000), "$version: and its response");
    $c->close;
    ok($server->ends(2), "$version: the end");

    my $stranger = client('/rpcwithcert', $version, 0);
    $stranger->open_in;
    like($stranger->in->read_head, qr{^HTTP/1\.1 403 }, "$version: no certificate, 403 at once");
    ok($stranger->in->ends(2), "$version: and closed");

    my $bob = client('/rpc', $version, 0, user => 'bob', password => 'password');
    $server = $bob->open($backend);
    ok($server, "$version: the other path goes by password as before");
    $bob->close;
    ok($server->ends(2), "$version: the end");

    # The certificate counts on its own path only.
    my $alice = client('/rpc', $version, 1);
    $alice->open_in;
    like($alice->in->read_head, qr{^HTTP/1\.1 401 }, "$version: a certificate is no password");
}
ok($httpd->logged('virtual connection open: user=alice'), 'the user is the name in the certificate');
is($httpd->stop, 0, 'httpd ends in order');
$httpd->log_ok(qw(AH01630 AH02227));
done_testing();

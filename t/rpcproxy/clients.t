#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Clients that nobody here wrote, over TLS with Basic, against a real domain
# controller: endpoint mapper and SAMR calls.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Dir qw(temp_dir write_file);
use T::Httpd;
use T::RpcProxy qw(rpc_location);
use T::Samba;

my $missing = T::Samba->missing;
plan skip_all => $missing if $missing;

my $dir = temp_dir();
my $ca  = T::Ca->make("$dir");
my $dc  = T::Samba->new(ca => $ca, services => 'rpc ldap cldap kdc')->start;
my $alice = $dc->user(1);
my $address = $dc->address;
my $samr = $dc->samr_port;
my $netbios = $dc->netbios;

sub hashed { my ($p) = @_; chomp(my $h = `openssl passwd -apr1 '$p'`); $h }

for my $engine (qw(Auto Blocking)) {
    my $httpd = T::Httpd->new(modules => ['rpcproxy'], tls => $ca,
        main => "MaxRequestWorkers 16\nRPCProxyEngine $engine\nSSLProtocol -all +TLSv1.2\n",
        conf => <<"CONF");
RPCProxyBackend dc1.example.test 593 $address:135
RPCProxyBackend dc1.example.test 49152-65535 $address
@{[ rpc_location('(?i)^/rpc(withcert)?/rpcproxy\.dll$') ]}
CONF
    my $hash = hashed($alice->{password});
    write_file($httpd->dir . '/users',
        "$alice->{name}:$hash\n$netbios\\$alice->{name}:$hash\n$netbios/$alice->{name}:$hash\n");
    $httpd->start;
    my $proxy = '127.0.0.1:' . $httpd->tls_port;
    my $out = `/usr/bin/timeout 60 /usr/bin/python3 t/rpcproxy/clients/samba_client.py $proxy $ca->{ca} dc1.example.test $samr $netbios $alice->{name} '$alice->{password}' 300 2>&1`;
    is($?, 0, "$engine: Samba's client ends well") or diag $out;
    like($out, qr/^epmapper entries [1-9]\d*$/m, "$engine: Samba's client reads the endpoint map");
    like($out, qr/^samr users .*alice bob/m, "$engine: Samba's client lists users, sealed");
    $out = `/usr/bin/timeout 60 /usr/bin/python3 t/rpcproxy/clients/impacket_client.py https://$proxy/rpc/rpcproxy.dll dc1.example.test $samr $netbios $alice->{name} '$alice->{password}' 100 2>&1`;
    is($?, 0, "$engine: impacket ends well") or diag $out;
    like($out, qr/^epmapper ncacn_ip_tcp:.*\[$samr\]$/m, "$engine: impacket reads the endpoint map");
    like($out, qr/^samr users .*alice bob/m, "$engine: impacket lists users, sealed");
    is($httpd->stop, 0, "$engine: httpd ends in order");
    $httpd->log_ok;
}
$dc->stop;
done_testing();

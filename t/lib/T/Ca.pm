# SPDX-License-Identifier: Apache-2.0
package T::Ca;

# A throw-away certificate authority and one server certificate.

use strict;
use warnings;
use T::Dir qw(write_file);

# Makes ca.pem, ca.key, server.pem and server.key in $dir for $domain and its
# mail., autodiscover. and autoconfig. names, localhost and 127.0.0.1/2/3.
# Does nothing when they are there.
sub make {
    my ($class, $dir, $domain) = @_;
    $domain //= 'example.test';
    my %self = map { $_ => "$dir/$_.pem" } qw(ca server);
    $self{key} = "$dir/server.key";
    return bless \%self, $class if -s $self{server};
    my @names = ($domain, map { "$_.$domain" } qw(mail autodiscover autoconfig));
    my $san = join ',', (map { "DNS:$_" } @names, 'localhost'),
        (map { "IP:127.0.0.$_" } 1 .. 3), 'IP:::1';
    openssl(qw(req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes
        -days 365 -subj), '/CN=Throw-away test CA', '-keyout', "$dir/ca.key",
        '-out', $self{ca}, '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
    my $self = bless \%self, $class;
    $self->sign("$dir/server", "mail.$domain", $san);
    chmod 0644, $self->{key};
    return $self;
}

# Makes $path.pem and $path.key, signed by this authority, for the host $name
# and the subject alternative names $san ("DNS:...,IP:...").
sub sign {
    my ($self, $path, $name, $san) = @_;
    (my $ca_key = $self->{ca}) =~ s/\.pem$/.key/;
    write_file("$path.ext", "basicConstraints=CA:FALSE\n"
        . "extendedKeyUsage=serverAuth\nsubjectAltName=$san\n");
    openssl(qw(req -newkey rsa:2048 -nodes -subj), "/CN=$name",
        '-keyout', "$path.key", '-out', "$path.csr");
    openssl(qw(x509 -req -days 300 -sha256 -CAcreateserial -in), "$path.csr",
        '-CA', $self->{ca}, '-CAkey', $ca_key, '-extfile', "$path.ext",
        '-out', "$path.pem");
    unlink "$path.csr", "$path.ext";
}

sub openssl {
    my $out = '';
    open my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', 'openssl', @_
        or die "openssl: $!\n";
    $out .= $_ while <$pipe>;
    close $pipe or die "openssl @_: $out\n";
}

1;

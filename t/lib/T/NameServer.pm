# SPDX-License-Identifier: Apache-2.0
package T::NameServer;

# A name server that can fall silent, in the network namespace of T::Netns,
# which it takes over from the one that is there.
#
#   my $names = T::NameServer->start('dc1.example.test' => $address, ...);
#   $names->fall_silent; ... $names->speak; ... $names->stop;
#
# Other names do not exist.

use strict;
use warnings;
use T::Dir qw(temp_dir write_file);
use T::Process;
use T::Wait qw(until_true);

sub start {
    my ($class, %address) = @_;
    my $self = bless { dir => temp_dir() }, $class;
    write_file("$self->{dir}/names.pl", <<'PERL');
use IO::Socket::IP;
my %address = @ARGV;
my $socket = IO::Socket::IP->new(LocalHost => '127.0.0.2', LocalPort => 53, Proto => 'udp') or die;
while (my $from = $socket->recv(my $query, 512)) {
    my ($labels) = unpack 'x12 Z*', $query;
    my ($type) = unpack "x12 x@{[ length($labels) + 1 ]} n", $query;
    my $address = $address{ lc join '.', unpack '(C/a)*', $labels };
    my $answer = $address && $type == 1 ? pack('n3 N n C4', 0xc00c, 1, 1, 60, 4, split /\./, $address) : '';
    $socket->send(substr($query, 0, 2) . pack('n5', $address ? 0x8180 : 0x8183, 1, $answer ne '', 0, 0)
        . substr($query, 12, length($labels) + 5) . $answer, 0, $from);
}
PERL
    $self->{process} = T::Process->start([$^X, "$self->{dir}/names.pl", %address], "$self->{dir}/names.log");
    write_file('/etc/resolv.conf', "nameserver 127.0.0.2\n");
    my ($name) = keys %address;
    until_true(sub { scalar gethostbyname $name }, 10) or die "the name server does not answer\n";
    return $self;
}

sub fall_silent { kill 'STOP', $_[0]{process}->pid }
sub speak       { kill 'CONT', $_[0]{process}->pid }
sub stop        { $_[0]{process}->stop('KILL') }

1;

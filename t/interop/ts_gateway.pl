#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# ts_gateway.pl PORT SAMBA-ADDRESS PDUS
#
# As much of a terminal service gateway ([MS-TSGU]) as a client's tunnel needs:
# Samba's endpoint at 49152 answers the client's bind, with its NTLM; the first
# request is answered with PDUS response fragments of 300 bytes and no last one.

use strict;
use warnings;
use IO::Socket::IP;

my ($port, $samba, $pdus) = @ARGV;
my ($REQUEST, $RESPONSE, $BIND, $FIRST_FRAGMENT) = (0, 2, 11, 1);

my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $port,
    Listen => 5, ReuseAddr => 1) or die "port $port: $!\n";
$SIG{CHLD} = 'IGNORE';
while (my $client = $listener->accept) {
    next if fork;
    serve($client);
    exit;
}

sub serve {
    my ($client) = @_;
    my $dc = IO::Socket::IP->new(PeerHost => $samba, PeerPort => 49152) or die "$samba: $!\n";
    while (defined(my $pdu = read_pdu($client))) {
        my $type = ord substr $pdu, 2, 1;
        if ($type == $BIND) {
            syswrite $dc, $pdu;
            syswrite $client, read_pdu($dc) // return;
        }
        elsif ($type == $REQUEST) {
            syswrite $client, fragment(substr($pdu, 12, 4), $_) for 1 .. $pdus;
        }
    }
}

# A response to the call $call, with its 24 bytes of header.
sub fragment {
    my ($call, $number) = @_;
    my $stub = chr(64 + $number % 26) x 276;
    return pack('C4 a4 v2 a4 V v C2', 5, 0, $RESPONSE, $number == 1 ? $FIRST_FRAGMENT : 0,
        "\x10\0\0\0", 24 + length $stub, 0, $call, $pdus * length $stub, 0, 0, 0) . $stub;
}

# One whole PDU, or undef at the end.
sub read_pdu {
    my ($from) = @_;
    my $pdu = '';
    for my $length (sub { 16 }, sub { unpack 'v', substr $pdu, 8, 2 }) {
        while (length $pdu < $length->()) {
            sysread($from, $pdu, $length->() - length $pdu, length $pdu) or return undef;
        }
    }
    return $pdu;
}

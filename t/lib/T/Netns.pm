# SPDX-License-Identifier: Apache-2.0
package T::Netns;

# "use T::Netns;" before anything else runs the whole test file in a network
# namespace with loopback alone, where example.test and its names lead to
# 127.0.0.1 (t/lib/testnet, whose options may follow).  Without the right to
# make one, the file skips.

use strict;
use warnings;
use T::Dir qw(top temp_dir read_file write_file);

sub import {
    my ($class, @options) = @_;
    return if $ENV{POSTERN_TESTNET} || $^C;    # inside; or perl -c
    if ($> != 0 || system('unshare -n -m true 2>/dev/null') != 0) {
        print "1..0 # SKIP a network namespace needs root\n";
        exit 0;
    }
    $ENV{POSTERN_TESTNET} = 1;
    exec top() . '/t/lib/testnet', @options, $^X, '-I' . top() . '/t/lib', $0
        or die "testnet: $!\n";
}

# From now on the name server says what these lines do (minidns.py), and
# nothing that it was told before.
sub zone {
    my (@lines) = @_;
    write_file("$ENV{TESTNET_ZONE}.new", join '', map { "$_\n" } @lines);
    rename "$ENV{TESTNET_ZONE}.new", $ENV{TESTNET_ZONE} or die "$ENV{TESTNET_ZONE}: $!\n";
}

# Adds the authority in file $ca to the system's certificates, inside the
# namespace alone: for clients that trust nothing else.
my $bundle;
sub trust {
    my ($ca) = @_;
    my $system = '/etc/ssl/certs/ca-certificates.crt';
    $bundle = temp_dir();
    write_file("$bundle/crt", read_file($system) . read_file($ca));
    system('mount', '--bind', "$bundle/crt", $system) == 0
        or die "$system cannot be replaced\n";
}

1;

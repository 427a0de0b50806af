# SPDX-License-Identifier: Apache-2.0
package Ways;

# The ways by which a client comes from a domain to its server, as changes of
# the test network around a Site, for one client after the other.
#
#   for my $way (Ways::names()) { Ways::go($way); ... }
#   Ways::go_elsewhere();      # SRV records of moved. and hosted.example.test
#
# At 127.0.0.2 only port 80 is open, 127.0.0.3 and 127.0.0.4 are web servers
# without autodiscover (Site.pm).

use strict;
use warnings;
use T::Netns;

my $domain = 'example.test';
my $srv    = "srv _autodiscover._tcp.$domain mail.$domain 443";

my @ways = (
    ['the domain itself'        => "nx autodiscover.$domain"],
    ['autodiscover. below it'   => "nx $domain"],
    ['past a web server of the domain'      => "a $domain 127.0.0.3"],
    ['past one with a foreign certificate'  => "a $domain 127.0.0.4"],
    ['plain HTTP, which redirects'          => "nx $domain", "a autodiscover.$domain 127.0.0.2"],
    ['an SRV record'                        => "nx $domain", "nx autodiscover.$domain", $srv],
    ['an SRV record, past a web server'     => "a $domain 127.0.0.3", "nx autodiscover.$domain", $srv],
);
my %lines = map { my ($name, @lines) = @$_; $name => \@lines } @ways;

sub names { map { $_->[0] } @ways }

# From now on only this way leads to the server.
sub go { T::Netns::zone(@{ $lines{ $_[0] } // die "no way: $_[0]\n" }) }

# The domains whose people are elsewhere: their SRV records lead to the server
# that says so.
sub go_elsewhere {
    T::Netns::zone("a other.$domain 127.0.0.5", map { my $from = "$_.$domain";
        ("nx $from", "nx autodiscover.$from", "srv _autodiscover._tcp.$from mail.$domain 443") } qw(moved hosted));
}

1;

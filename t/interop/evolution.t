#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Evolution's EWS client: discovery by the domain alone, in each way that leads
# to a server; free/busy and out of office there; a wrong password.

use strict;
use warnings;
use lib qw(t/lib t/autodiscover t/interop);
use T::Netns;
use Test::More;
use Evolution;
use Site;
use Ways;

my $why = Evolution->missing;
plan skip_all => $why if $why;
my $evolution = Evolution->build;

my $site = Site->new(conf => 'AutodiscoverAvailabilityUrl https://mail.example.test/ews/as')->start;
$site->calendar($_, '20260302T090000Z', '20260302T100000Z') for qw(alice bob);
T::Netns::trust($site->{ca}{ca});

sub run {
    my ($mode, %more) = @_;
    return $evolution->run($mode, $site->client('alice'), OTHER => 'bob@example.test',
        EWS_URL => 'https://mail.example.test/ews/as', %more);
}

# It asks over TLS alone, and ends at a certificate that it does not trust, to
# ask the user.
for my $way (grep { !/foreign certificate|plain HTTP/ } Ways::names()) {
    Ways::go($way);
    my $out = run('autodiscover');
    like($out, qr/^PASS autodiscover:/m, "autodiscover: $way") or diag($out);
}
Ways::go('the domain itself');
unlike(run('autodiscover', PASSWORD => 'wrong'), qr/^PASS/m, 'not with a wrong password');

for my $mode (qw(freebusy oof badpass)) {
    my $out = run($mode);
    like($out, qr/^PASS \Q$mode\E:/m, $mode) or diag($out);
}

$site->stop(qw(AH01617));
done_testing();

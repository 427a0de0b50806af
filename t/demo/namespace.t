#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# The whole demo where only loopback exists, on port 443, ending at once; and
# clients that find their way by the domain alone.

use strict;
use warnings;
use lib 't/lib';
use T::Netns;
use Test::More;
use T::Demo;
use T::Dir qw(top);
use T::Samba;

my $why = T::Samba->missing;
plan skip_all => $why if $why;

my $demo = T::Demo->start(DEMO_PORT => 443);
like($demo->output, qr/^Every step held\.$/m, 'every step held') or diag($demo->output);
is($demo->{BASE_URL}, 'https://127.0.0.1', 'no port in the URLs');

# exchangelib knows only its address, and asks the name server.
my %env = (EMAIL => $demo->{MAIL1}, PASSWORD => $demo->{PASSWORD1},
    REQUESTS_CA_BUNDLE => $demo->{CA_FILE});
my $out = do {
    local %ENV = (%ENV, %env);
    `/usr/bin/python3 @{[ top() ]}/t/interop/exl.py pox 2>&1`;
};
is($?, 0, 'exchangelib discovers the mailbox') or diag($out);

is($demo->interrupt, 0, 'Ctrl-C ends it with status 0');
$demo->log_ok(qw(AH01617));
done_testing();

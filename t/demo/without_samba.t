#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# DEMO_SAMBA=no: users from a file, and the steps say what is left out.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use T::Demo;

plan skip_all => 'the demo needs root' if $> != 0;

my $demo = T::Demo->start(DEMO_SAMBA => 'no');
like($demo->output, qr/^Every step held\.$/m, 'every step held') or diag($demo->output);
is(scalar(() = $demo->output =~ /left out: it needs a domain controller/g), 2,
    'the tunnel steps are left out, and it says so');
is($demo->{SAMBA_ADDR}, '', 'env names no domain controller');
is($demo->interrupt, 0, 'Ctrl-C ends it with status 0');
done_testing();

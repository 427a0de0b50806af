#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# DEMO_SAMBA=no: users from a file, and the steps say what is left out.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use T::Demo;
use T::Dir qw(top temp_dir);
use T::Wait qw(free_port);

plan skip_all => 'the demo needs root' if $> != 0;

my $demo = T::Demo->start(DEMO_SAMBA => 'no');
like($demo->output, qr/^Every step held\.$/m, 'every step held') or diag($demo->output);
is(scalar(() = $demo->output =~ /left out: it needs a domain controller/g), 3,
    'the tunnel steps are left out, and it says so');
is($demo->{SAMBA_ADDR}, '', 'env names no domain controller');
is($demo->interrupt, 0, 'Ctrl-C ends it with status 0');
$demo->log_ok(qw(AH01617));

# Whoever looks at its first line alone does not leave servers behind.
my $dir = temp_dir();
{
    local %ENV = (%ENV, DEMO_DIR => "$dir/demo", DEMO_PORT => free_port(), DEMO_SAMBA => 'no');
    system('sh', '-c', '"$@" | head -n 1 > /dev/null', 'sh', $^X, top() . '/demo/demo.pl');
}
is(T::Demo::left_over("$dir"), '', 'no process is left when nobody reads any more');

done_testing();

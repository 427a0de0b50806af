#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# The demo: starts everything on loopback, shows it step by step, stays up
# until Ctrl-C.  By "make demo", as root.  From the environment:
#
#   DEMO_DIR=build/demo   where the servers' files lie, and env: shell
#                         assignments for other programs, while it is up
#   DEMO_PORT=8443        where httpd listens with TLS
#   DEMO_ONCE=1           end after the steps
#   DEMO_SAMBA=no         users from a file instead of Active Directory; the
#                         steps that need a domain controller are left out
#
# The exit status is 0 only when every step held.

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../t/lib", $Bin;
use Demo::Show;
use Demo::Steps;
use Demo::World;

my $stop = "stopped by a signal\n";
$SIG{$_} = sub { die $stop } for qw(INT TERM HUP PIPE);

my $held = 0;
my $world;
my $done = eval {
    $world = Demo::World->new;
    title('Postern: Outlook service for self-hosted mail');
    $world->start;
    $held = Demo::Steps::run($world);
    $world->write_env;
    stay($world) unless $ENV{DEMO_ONCE};
    1;
};
my $why = $@;
$SIG{$_} = 'IGNORE' for qw(INT TERM HUP PIPE);
failed($why) if !$done && $why ne $stop;
$world->stop if $world;
exit(($done || $why eq $stop) && $held ? 0 : 1);

sub stay {
    my ($world) = @_;
    title("\nUp at " . $world->base_url . '. Ctrl-C ends it.');
    note("other programs find it by " . $world->dir . '/env');
    select undef, undef, undef, 3600 while 1;
}

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Evolution's EWS client: discovery by the domain alone, free/busy, out of
# office, a wrong password.

use strict;
use warnings;
use lib 't/lib';
use T::Netns;
use Test::More;
use T::Demo;
use T::Dir qw(top temp_dir);
use T::Samba;

my $why = T::Samba->missing;
plan skip_all => $why if $why;
my $flags = `pkg-config --cflags --libs libecal-2.0 camel-1.2 libedataserver-1.2 2>/dev/null`;
plan skip_all => 'evolution-ews is not installed (make interop)' if $? != 0;
$flags =~ s/\s+/ /g;

my $dir = temp_dir();
my $ews = '/usr/lib/evolution-ews';
my $eds = '/usr/lib/evolution-data-server';
my $program = "$dir/evolution_ews";
is(system("cc -O1 -Wall -Wno-deprecated-declarations -o $program @{[ top() ]}/t/interop/evolution_ews.c $flags "
    . "-L$ews -levolution-ews -Wl,-rpath,$ews -L$eds -Wl,-rpath-link,$eds"), 0, 'the client builds');

my $demo = T::Demo->start(DEMO_PORT => 443);
T::Netns::trust($demo->{CA_FILE});

for my $mode (qw(autodiscover freebusy oof badpass)) {
    my $out = run($mode);
    like($out, qr/^PASS \Q$mode\E:/m, $mode) or diag($out);
}

is($demo->interrupt, 0, 'the demo ends with status 0');
$demo->log_ok(qw(AH01617));
done_testing();

# A home of its own, settings in memory, no session bus.
sub run {
    my ($mode) = @_;
    local %ENV = (%ENV,
        EMAIL => $demo->{MAIL1}, PASSWORD => $demo->{PASSWORD1}, OTHER => $demo->{MAIL2},
        EWS_URL => 'https://mail.example.test/ews/as',
        HOME => "$dir", XDG_RUNTIME_DIR => "$dir", GSETTINGS_BACKEND => 'memory',
        GIO_USE_PROXY_RESOLVER => 'dummy', DBUS_SESSION_BUS_ADDRESS => 'disabled:');
    return scalar `timeout 60 $program $mode 2>&1`;
}

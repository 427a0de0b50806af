# SPDX-License-Identifier: Apache-2.0
package Evolution;

# Evolution's EWS client as a program (evolution_ews.c), built here and run with
# a home of its own, settings in memory and no session bus.
#
#   my $why       = Evolution->missing;
#   my $evolution = Evolution->build;          # dies when it does not compile
#   $evolution->run('oof', EMAIL => ..., PASSWORD => ..., EWS_URL => ...);

use strict;
use warnings;
use T::Dir qw(top temp_dir);

my $ews = '/usr/lib/evolution-ews';
my $eds = '/usr/lib/evolution-data-server';

sub flags {
    my $flags = `pkg-config --cflags --libs libecal-2.0 camel-1.2 libedataserver-1.2 2>/dev/null`;
    return $? == 0 ? $flags =~ s/\s+/ /gr : undef;
}

sub missing { defined flags() && -d $ews ? undef : 'evolution-ews is not installed (make interop)' }

sub build {
    my ($class) = @_;
    my $dir     = temp_dir();
    my $program = "$dir/evolution_ews";
    system("cc -O1 -Wall -Wno-deprecated-declarations -o $program @{[ top() ]}/t/interop/evolution_ews.c "
        . flags() . " -L$ews -levolution-ews -Wl,-rpath,$ews -L$eds -Wl,-rpath-link,$eds") == 0
        or die "evolution_ews.c does not compile\n";
    return bless { dir => $dir, program => $program }, $class;
}

# What it prints for a mode.
sub run {
    my ($self, $mode, %environment) = @_;
    local %ENV = (%ENV, HOME => "$self->{dir}", XDG_RUNTIME_DIR => "$self->{dir}", GSETTINGS_BACKEND => 'memory',
        GIO_USE_PROXY_RESOLVER => 'dummy', DBUS_SESSION_BUS_ADDRESS => 'disabled:', %environment);
    return scalar `timeout 60 $self->{program} $mode 2>&1`;
}

1;

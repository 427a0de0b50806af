# SPDX-License-Identifier: Apache-2.0
package T::Demo;

# The demo as a server for tests of whole clients: started once, asked much.
#
#   my $demo = T::Demo->start(DEMO_SAMBA => 'no');  # dies with what it printed
#   $demo->{BASE_URL}, $demo->{MAIL1} ...           # what its env file says
#   $demo->output                                   # what a person saw
#   $demo->interrupt                                # Ctrl-C; exit status
#   $demo->log_ok(@numbers)                         # as of T::Httpd
#   T::Demo::left_over($dir)                        # processes that still live

use strict;
use warnings;
use T::Dir qw(top build temp_dir read_file);
use T::Httpd;
use T::Process;
use T::Wait qw(until_true free_port);

# %more goes into its environment.  Returns after the steps, when it stays up.
sub start {
    my ($class, %more) = @_;
    my $dir  = temp_dir();
    my %env  = (DEMO_DIR => "$dir/demo", DEMO_PORT => free_port(), POSTERN_BUILD => build(), %more);
    my $self = bless { dir => $dir }, $class;
    $self->{process} = T::Process->start([$^X, top() . '/demo/demo.pl'], "$dir/output", \%env);
    until_true(sub { -s "$dir/demo/env" || !$self->{process}->alive }, 120);
    -s "$dir/demo/env" or die "the demo did not come up:\n" . $self->output;
    $self->read_env("$dir/demo/env");
    return $self;
}

sub read_env {
    my ($self, $file) = @_;
    for (split /\n/, read_file($file)) {
        my ($name, $value) = /^([A-Z0-9_]+)='(.*)'$/ or die "env: what is '$_'?\n";
        $self->{$name} = $value =~ s/'\\''/'/gr;
    }
}

sub dir    { "$_[0]{dir}/demo" }
sub output { read_file("$_[0]{dir}/output") // '' }

# Ends it as Ctrl-C does; its exit status, or undef when a signal ended it.
sub interrupt {
    my ($self) = @_;
    my $status = $self->{process}->stop('INT', 60);
    return $status & 127 ? undef : $status >> 8;
}

sub log_ok {
    my ($self, @expected) = @_;
    my $httpd = bless { dir => $self->dir . '/run/httpd' }, 'T::Httpd';
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $httpd->log_ok(@expected);
}

# Processes that mention a folder in their command line, or write there; those
# that are about to go have two seconds.
sub left_over {
    my ($dir) = @_;
    my @left;
    until_true(sub { !(@left = living($dir)) }, 2);
    return join ', ', @left;
}

sub living {
    my ($dir) = @_;
    my @found;
    for my $process (glob '/proc/[0-9]*') {
        my $command = read_file("$process/cmdline") // '';
        my $output  = readlink "$process/fd/1"      // '';
        push @found, "$process " . $command =~ tr/\0/ /r
            if "$command\0$output" =~ m{\Q$dir\E/};
    }
    return @found;
}

1;

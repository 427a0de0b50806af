# SPDX-License-Identifier: Apache-2.0
package T::Process;

# A server process that a test started, and that ends with the test.

use strict;
use warnings;
use POSIX qw(setsid WNOHANG);
use T::Wait qw(until_true);

my %running;    # pid of this test's servers => 1
my $owner = $$;

# Starts @$command in a process group of its own, output appended to $log.
# %$env is added to the environment.
sub start {
    my ($class, $command, $log, $env) = @_;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        setsid();
        %ENV = (%ENV, %{ $env // {} });
        open STDIN,  '<',  '/dev/null';
        open STDOUT, '>>', $log or POSIX::_exit(126);
        open STDERR, '>&', \*STDOUT;
        exec { $command->[0] } @$command or POSIX::_exit(127);
    }
    $running{$pid} = 1;
    return bless { pid => $pid, log => $log }, $class;
}

sub pid { $_[0]{pid} }

# 1 while the process lives; reaps it when it has ended.
sub alive {
    my ($self) = @_;
    return 0 if exists $self->{status};
    return 1 if waitpid($self->{pid}, WNOHANG) == 0;
    $self->{status} = $?;
    delete $running{ $self->{pid} };
    return 0;
}

# Ends the whole group: TERM, then KILL after $seconds (default 10).  Returns
# the wait status.
sub stop {
    my ($self, $signal, $seconds) = @_;
    if ($self->alive) {
        kill $signal // 'TERM', $self->{pid};
        until_true(sub { !$self->alive }, $seconds // 10);
    }
    kill 'KILL', -$self->{pid};
    until_true(sub { !$self->alive }, 5);
    return $self->{status};
}

# Forgets a process whose death is expected, after kill -9 by the test.
sub reap {
    my ($self) = @_;
    until_true(sub { !$self->alive }, 10);
    return $self->{status};
}

END {
    if ($$ == $owner) {
        my $status = $?;
        kill 'KILL', map { -$_ } keys %running;
        waitpid $_, 0 for keys %running;
        # Their children must be gone before the folders are removed.
        until_true(sub { !grep { kill 0, -$_ } keys %running }, 2);
        $? = $status;
    }
}

1;

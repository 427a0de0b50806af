# SPDX-License-Identifier: Apache-2.0
package Tmux;

# A real terminal (Debian's tmux), with a shell in it, that is typed into and
# looked at.
#
#   my $tmux = Tmux->start($dir, PATH => ...);  # undef when it does not start
#   $tmux->type('mail', 'Enter');               # keys as tmux names them
#   $tmux->sees(qr/To: $/);                     # waits; the screen, or ''
#   $tmux->screen, $tmux->coloured              # plain, or with its colours
#   $tmux->clear, $tmux->stop

use strict;
use warnings;
use T::Dir qw(write_file);
use T::Wait qw(until_true);

sub start {
    my ($class, $dir, %environment) = @_;
    my $self = bless { socket => "$dir/tmux", owner => $$ }, $class;
    # Read by dash; a prompt in the environment is not.
    my $rc = write_file("$dir/dashrc", "PS1='\$ '\n");
    local %ENV = (%ENV, ENV => $rc, %environment);
    delete @ENV{qw(TMUX NO_COLOR)};
    $self->tmux(qw(-f /dev/null new-session -d -x 100 -y 30), 'exec dash -i');
    return $self->sees(qr/^\$ *$/m) ? $self : undef;
}

# Runs one command of tmux; what it prints.
sub tmux {
    my ($self, @words) = @_;
    open my $out, '-|', 'tmux', '-u', '-S', $self->{socket}, @words or die "tmux: $!\n";
    local $/;
    return scalar(<$out>) // '';
}

# Text is typed as it is, in one piece; names of keys are pressed.
sub type {
    my ($self, @keys) = @_;
    for my $key (@keys) {
        $self->tmux('send-keys', $key =~ /^(?:Enter|C-[a-z]|BSpace)$/ ? ($key) : ('-l', '--', $key));
    }
}

sub screen   { $_[0]->tmux(qw(capture-pane -p)) =~ s/\n+\z/\n/r }
sub coloured { $_[0]->tmux(qw(capture-pane -p -e)) }

# Waits until the screen, without empty lines at its end, has it.
sub sees {
    my ($self, $what) = @_;
    return until_true(sub { my $screen = $self->screen; $screen =~ $what ? $screen : '' }, 20) || '';
}

sub clear {
    my ($self) = @_;
    $self->type('clear', 'Enter');
    $self->sees(qr/\A\$ *\n?\z/);
}

sub stop {
    my ($self) = @_;
    return unless $self->{owner} == $$;
    $self->{owner} = 0;
    $self->tmux('kill-server');
}

sub DESTROY { local $?; $_[0]->stop }

1;

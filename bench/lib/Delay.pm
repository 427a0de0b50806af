# SPDX-License-Identifier: Apache-2.0

package Delay;

# A server on loopback that seems far away: each byte, in both directions,
# arrives $seconds later.
#
#   my $proxy = Delay->start($port, 0.02);   # in front of 127.0.0.1:$port
#   $proxy->port

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

sub start {
    my ($class, $target, $seconds) = @_;
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64) or die "listen: $!\n";
    my $self = bless { port => $listen->sockport, owner => $$ }, $class;
    defined($self->{pid} = fork) or die "fork: $!\n";
    if (!$self->{pid}) {
        $SIG{PIPE} = 'IGNORE';
        serve($listen, $target, $seconds);
    }
    return $self;
}

sub port { $_[0]{port} }

sub DESTROY {
    my ($self) = @_;
    return unless $self->{owner} == $$;
    local $?;    # the exit status of the program, when it ends
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
}

# Reads what is there, notes when it is due, writes what is.  An empty text is
# the end of the stream.
sub serve {
    my ($listen, $target, $seconds) = @_;
    my ($select, %peer, @late) = (IO::Select->new($listen));
    while (1) {
        my $wait = @late ? $late[0][0] - time : undef;
        for my $from ($select->can_read(defined $wait && $wait < 0 ? 0 : $wait)) {
            if ($from == $listen) {
                my $client = $listen->accept or next;
                my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $target) or next;
                setsockopt $_, IPPROTO_TCP, TCP_NODELAY, 1 for $client, $server;
                @peer{ $client, $server } = ($server, $client);
                $select->add($client, $server);
                next;
            }
            my $text = '';
            $select->remove($from) unless sysread $from, $text, 65536;
            push @late, [time + $seconds, $peer{$from}, $text];
        }
        while (@late && $late[0][0] <= time) {
            my (undef, $to, $text) = @{ shift @late };
            length $text ? syswrite $to, $text : shutdown $to, 1;
        }
    }
}

1;

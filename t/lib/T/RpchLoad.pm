# SPDX-License-Identifier: Apache-2.0
package T::RpchLoad;

# A tunnel of T::Rpch that is full in both directions, every byte compared,
# while its client replaces IN again and again, and OUT whenever it is asked to
# ([MS-RPCH] 3.2.1.5, 3.2.2.5; both at the same time as it happens).
#
#   my @loads = map { T::RpchLoad->new($client, $server) } ...;
#   T::RpchLoad::run(sub { !grep { $_->{in_recycles} < 100 } @loads }, @loads);
#   T::RpchLoad::finish(@loads);              # all that was sent has arrived
#   ... $loads[0]{in_recycles}, {out_recycles}, {both}, {bytes_up}, {bytes_down}
#
# run and finish die at the first thing that is not as it must be.  Options:
# in_every (bytes of one IN channel, 0 for no recycling of IN), c1_first (order
# of OUT_R2/C1 and A7), stub (the largest).

use strict;
use warnings;
use T::Rpch;
use Time::HiRes qw(time);

my $noise = join '', map { chr int rand 256 } 1 .. 65536;
my $enough = 65536;    # bytes that wait to be written

my %known = ('04000100' . '0d000000' . '00000000' => 'a2', '00000100' . '0d000000' . '00000000' => 'a4',
    '00000200' . '0d000000' . '00000000' . '0a000000' => 'a6', '20000100' . '0a000000' => 'b3');

sub new {
    my ($class, $client, $server, %options) = @_;
    return bless { client => $client, server => $server, in_every => 100_000, stub => 5000, calls => 0,
        to_up => '', to_down => '', want_up => '', want_down => '', ending => [], in_state => 'open', out_state => 'open',
        map({ $_ => 0 } qw(in_sent received acked in_recycles out_recycles both bytes_up bytes_down)), %options }, $class;
}

sub fail {
    my ($self, $what) = @_;
    die "$what (after $self->{in_recycles} IN and $self->{out_recycles} OUT, $self->{bytes_up} bytes up, "
        . "$self->{bytes_down} down, IN $self->{in_state}, OUT $self->{out_state})\n";
}

# One more PDU, of any size and content.
sub pdu {
    my ($self, $type) = @_;
    my $n = ++$self->{calls};
    return T::Rpch::pdu($type, $n, substr $noise, $n * 4099 % 40000, $n * 977 % $self->{stub});
}

# As much of $$bytes as the channel takes; how much that was.
sub write_some {
    my ($self, $channel, $bytes, $what) = @_;
    return 0 unless length $$bytes;
    my $n = syswrite $channel->socket, $$bytes, 65536;
    if (!defined $n) {
        $self->fail("$what: $!") unless $!{EAGAIN} || $!{EWOULDBLOCK};
        return 0;
    }
    substr $$bytes, 0, $n, '';
    return $n;
}

# The next bytes of the channel, or '' when there are none; undef at its end.
sub read_some {
    my ($self, $channel, $what) = @_;
    my $n = sysread $channel->socket, my $bytes, 65536;
    return $n ? $bytes : undef if defined $n;
    $self->fail("$what: $!") unless $!{EAGAIN} || $!{EWOULDBLOCK};
    return '';
}

# --- the client's IN ---

sub successor {
    my ($self, $method, $length, @more) = @_;
    my $c   = $self->{client};
    my $new = $c->connect;
    $new->send($c->request_head($method, $length)
        . T::Rpch::rts(4, T::Rpch::version(), (map { T::Rpch::ck($_) } $c->{vc}, @more[0, 1]), @more[2 .. $#more]));
    return $new;
}

sub begin_in {
    my ($self) = @_;
    $self->{next_in_cookie} = T::Rpch::cookie();
    $self->{next_in} = $self->successor('RPC_IN_DATA', 1073741824, $self->{client}{in_cookie}, $self->{next_in_cookie});
    $self->{in_state} = 'a4';
    $self->{a4_until} = time + 10;
    $self->{both}++ if $self->{out_state} ne 'open';
}

# A5 is the last on the old IN.
sub end_old_in {
    my ($self) = @_;
    $self->fail('A4 that nobody waits for') unless $self->{in_state} eq 'a4';
    $self->{to_up} .= T::Rpch::rts(0, T::Rpch::ck($self->{next_in_cookie}));
    $self->{in_state} = 'a5';
}

sub change_in {
    my ($self) = @_;
    my $c = $self->{client};
    push @{ $self->{ending} }, [$c->{in}, time + 10, 'the old IN'];
    @$c{qw(in in_cookie)} = @$self{qw(next_in next_in_cookie)};
    $self->{in_state} = 'open';
    $self->{in_sent}  = 0;
    $self->{in_recycles}++;
}

sub write_up {
    my ($self) = @_;
    while (!$self->{stopping} && $self->{in_state} ne 'a5' && length $self->{to_up} < $enough) {
        my $pdu = $self->pdu(0);
        $self->{to_up}   .= $pdu;
        $self->{want_up} .= $pdu;
    }
    my $n = $self->write_some($self->{client}{in}, \$self->{to_up}, 'IN');
    $self->{in_sent} += $n;
    $self->change_in if $self->{in_state} eq 'a5' && !length $self->{to_up};
    # Streams have no order among each other: A5 must have been read before the
    # next successor comes.
    $self->begin_in if $self->{in_every} && !$self->{stopping} && $self->{in_state} eq 'open'
        && $self->{in_sent} > $self->{in_every} && !grep { $_->[2] eq 'the old IN' } @{ $self->{ending} };
    return $n;
}

# --- the client's OUT ---

sub begin_out {
    my ($self) = @_;
    my $c = $self->{client};
    $self->{next_out_cookie} = T::Rpch::cookie();
    $self->{next_out} = $self->successor('RPC_OUT_DATA', 120, $c->{out_cookie}, $self->{next_out_cookie},
        T::Rpch::number(0, $c->{window}));
    $self->{out_state} = 'a6';
    $self->{both}++ if $self->{in_state} ne 'open';
}

sub send_a7_and_c1 {
    my ($self) = @_;
    my $c1 = T::Rpch::rts(1, pack 'V', 7);
    $self->{next_out}->send($c1) if $self->{c1_first};
    $self->{a7} = T::Rpch::rts(16, T::Rpch::number(13, 2), T::Rpch::ck($self->{next_out_cookie}), T::Rpch::version());
    $self->{next_out}->send($c1) unless $self->{c1_first};
    $self->{out_state} = 'b3';
}

sub change_out {
    my ($self) = @_;
    my $c = $self->{client};
    $self->fail('bytes after B3') if length $c->{out}{buffer};
    push @{ $self->{ending} }, [$c->{out}, time + 10, 'the old OUT'];
    @$c{qw(out out_cookie)} = @$self{qw(next_out next_out_cookie)};
    @$self{qw(received acked)} = (0, 0);
    $self->{out_state} = 'head';
    $self->{out_recycles}++;
}

sub take_rts {
    my ($self, $pdu) = @_;
    return if unpack('v', substr $pdu, 16, 2) =~ /^[12]$/;    # pings, acknowledgements
    my $hex  = unpack 'H*', substr $pdu, 16;
    my $name = $known{$hex} // $self->fail("an RTS PDU $hex");
    my %do   = (a2 => [open => \&begin_out], a6 => [a6 => \&send_a7_and_c1], b3 => [b3 => \&change_out]);
    return $self->end_old_in if $name eq 'a4';
    $self->fail("\U$name") unless $self->{out_state} eq $do{$name}[0];
    $do{$name}[1]->($self);
}

sub take_data {
    my ($self, $pdu) = @_;
    my $c = $self->{client};
    $pdu eq substr $self->{want_down}, 0, length $pdu, '' or $self->fail('other bytes came down than were sent');
    $self->{bytes_down} += length $pdu;
    $self->{received}   += length $pdu;
    if ($self->{received} - $self->{acked} >= $c->{window} / 2) {
        $self->{ack} = T::Rpch::ack($c->{out_cookie}, $self->{received}, $c->{window}, 3);
        $self->{acked} = $self->{received};
    }
}

# What must go up soon stands behind the PDU that is being written, and never
# behind A5.
sub send_ahead {
    my ($self) = @_;
    return if $self->{in_state} eq 'a5';
    $self->{to_up} .= delete($self->{$_}) // '' for qw(ack a7);
}

sub read_down {
    my ($self) = @_;
    my $out   = $self->{client}{out};
    my $bytes = $self->read_some($out, 'OUT') // $self->fail('OUT ends');
    return 0 unless length $bytes;
    $out->{buffer} .= $bytes;
    while ($self->{client}{out} == $out) {
        if ($self->{out_state} eq 'head') {
            $out->{buffer} =~ s/\A(.*?)\r\n\r\n//s or last;
            my $head = $1;
            $head =~ m{^HTTP/1\.1 200 Success\r\n} or $self->fail("the new OUT answers $head");
            $self->{out_state} = 'open';
        }
        last if length $out->{buffer} < 16;
        my $len = unpack 'v', substr $out->{buffer}, 8, 2;
        last if length $out->{buffer} < $len;
        my $pdu = substr $out->{buffer}, 0, $len, '';
        ord(substr $pdu, 2, 1) == 20 ? $self->take_rts($pdu) : $self->take_data($pdu);
    }
    $self->send_ahead;
    return length $bytes;
}

# --- the back end ---

sub read_up {
    my ($self) = @_;
    my $bytes = $self->read_some($self->{server}, 'back end') // $self->fail('the back end is closed');
    $bytes eq substr $self->{want_up}, 0, length $bytes, '' or $self->fail('other bytes came up than were sent');
    $self->{bytes_up} += length $bytes;
    return length $bytes;
}

sub write_down {
    my ($self) = @_;
    while (!$self->{stopping} && length $self->{to_down} < $enough) {
        my $pdu = $self->pdu(2);
        $self->{to_down}   .= $pdu;
        $self->{want_down} .= $pdu;
    }
    return $self->write_some($self->{server}, \$self->{to_down}, 'back end');
}

# --- all of it ---

# What was replaced is closed by the proxy.
sub look_at_ending {
    my ($self) = @_;
    for (@{ $self->{ending} }) {
        my ($channel, $until, $what) = @$_;
        my $bytes = eval { $self->read_some($channel, $what) };
        $self->fail("$what does not end") if defined $bytes && time > $until;
        $self->fail("$what says more")    if $what eq 'the old OUT' && length($bytes // '');
        $_ = undef unless defined $bytes;
    }
    @{ $self->{ending} } = grep { $_ } @{ $self->{ending} };
}

sub turn {
    my ($self) = @_;
    $self->send_ahead;
    $self->fail('no A4') if $self->{in_state} eq 'a4' && time > $self->{a4_until};
    my $moved = $self->write_up + $self->read_up + $self->write_down + $self->read_down;
    $self->look_at_ending;
    return $moved;
}

sub descriptors {
    my ($self) = @_;
    return map { fileno $_->socket } @{ $self->{client} }{qw(in out)}, $self->{server}, map { $_->[0] } @{ $self->{ending} };
}

sub run {
    my ($done, @loads) = @_;
    my $last = time;
    until ($done->()) {
        my $moved = 0;
        $moved += $_->turn for @loads;
        $last = time if $moved;
        $loads[0]->fail('nothing moves') if time > $last + 20;
        next if $moved;
        my $set = '';
        vec($set, $_, 1) = 1 for map { $_->descriptors } @loads;
        select $set, undef, undef, 0.01;
    }
}

sub is_idle {
    my ($self) = @_;
    return !length $self->{want_up} && !length $self->{want_down} && !@{ $self->{ending} }
        && $self->{in_state} eq 'open' && $self->{out_state} eq 'open';
}

sub finish {
    my (@loads) = @_;
    $_->{stopping} = 1 for @loads;
    run(sub { !grep { !$_->is_idle } @loads }, @loads);
}

sub close {
    my ($self) = @_;
    $self->{client}->close;
    $self->{server}->close;
}

1;

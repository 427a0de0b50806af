# SPDX-License-Identifier: Apache-2.0
package T::Rpch;

# A client of RPC over HTTP version 2 that a test drives step by step, and the
# RPC server behind the proxy, which is the test itself.
#
#   my $backend = T::Rpch->listener;          # port: $backend->sockport
#   my $c = T::Rpch->new(port => $httpd->port, target => 'x.test:6001',
#       user => 'alice', password => 'secret');   # tls => CA file, from => address
#   $c->open_out; $c->open_in; $c->send_a1; $c->send_b1;
#   $c->expect_open;                          # 200, A3, C2
#   my $server = $c->accept($backend);
#   $c->in->send(T::Rpch::request(1, 'stub'));
#   T::Rpch::read_pdu($server);
#
# Reads die after 10 seconds.

use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::SSL;
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);

our $patience = 10;

sub listener {
    my ($class, %more) = @_;
    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1000,
        ReuseAddr => 1, %more) // die "listen: $!\n";
}

sub new {
    my ($class, %self) = @_;
    my $self = bless { host => '127.0.0.1', path => '/rpc/rpcproxy.dll',
        version => '1.1', window => 65536, keepalive => 300000, %self }, $class;
    $self->{$_} //= cookie() for qw(vc out_cookie in_cookie);
    return $self;
}

sub cookie { join '', map { chr int rand 256 } 1 .. 16 }

sub in  { $_[0]{in} }
sub out { $_[0]{out} }

# A connection that has sent the head of a request; $length is announced.
sub request_head {
    my ($self, $method, $length, @headers) = @_;
    my $path = $self->{path} . (defined $self->{target} ? "?$self->{target}" : '');
    my @auth = defined $self->{user}
        ? 'Authorization: Basic ' . encode_base64("$self->{user}:$self->{password}", '') : ();
    return join("\r\n", "$method $path HTTP/$self->{version}",
        'Host: mail.example.test', 'Accept: application/rpc', 'User-Agent: MSRPC',
        'Cache-Control: no-cache', 'Connection: Keep-Alive',
        "Content-Length: $length", @auth, @headers) . "\r\n\r\n";
}

sub connect {
    my ($self) = @_;
    my @to = (PeerHost => $self->{host}, PeerPort => $self->{port}, Timeout => 10,
        $self->{from} ? (LocalAddr => $self->{from}) : ());
    my $socket = $self->{tls}
        ? IO::Socket::SSL->new(@to, SSL_ca_file => $self->{tls}, @{ $self->{ssl} // [] })
        : IO::Socket::INET->new(@to);
    die "connect: $!\n" unless $socket;
    $socket->autoflush(1);
    setsockopt $socket, 6, 1, 1;    # TCP_NODELAY
    return T::Rpch::Channel->new($socket);
}

sub open_in {
    my ($self, @headers) = @_;
    $self->{in} = $self->connect;
    $self->{in}->send($self->request_head('RPC_IN_DATA', 1073741824, @headers));
    return $self->{in};
}

sub open_out {
    my ($self, @headers) = @_;
    $self->{out} = $self->connect;
    $self->{out}->send($self->request_head('RPC_OUT_DATA', 76, @headers));
    return $self->{out};
}

sub a1 {
    my ($self) = @_;
    return rts(0, version(), ck($self->{vc}), ck($self->{out_cookie}),
        number(0, $self->{window}));
}

sub b1 {
    my ($self) = @_;
    return rts(0, version(), ck($self->{vc}), ck($self->{in_cookie}),
        number(4, 1073741824), number(5, $self->{keepalive}), ck($self->{vc}, 12));
}

sub send_a1 { $_[0]{out}->send($_[0]->a1) }
sub send_b1 { $_[0]{in}->send($_[0]->b1) }

# The proxy's answer: 200, CONN/A3, CONN/C2.  Returns the head.
sub expect_open {
    my ($self) = @_;
    my $head = $self->{out}->read_head;
    die "not open: $head" unless $head =~ m{^HTTP/1\.1 200 Success\r\n};
    my $a3 = $self->{out}->read_pdu;
    die 'no CONN/A3: ' . unpack('H*', $a3) unless length $a3 == 28;
    my $c2 = $self->{out}->read_pdu;
    die 'no CONN/C2: ' . unpack('H*', $c2) unless length $c2 == 44;
    return $head;
}

# Both channels, set up; returns the back end's side of it.
sub open {
    my ($self, $backend) = @_;
    $self->open_in;
    $self->open_out;
    $self->send_a1;
    $self->send_b1;
    $self->expect_open;
    return $self->accept($backend);
}

sub accept {
    my ($self, $backend) = @_;
    $backend->timeout($patience);
    my $socket = $backend->accept or die "the proxy did not connect: $!\n";
    $socket->autoflush(1);
    setsockopt $socket, 6, 1, 1;
    return T::Rpch::Channel->new($socket);
}

sub close {
    my ($self) = @_;
    $_->close for grep { $_ } @$self{qw(in out)};
}

# --- PDUs ---

sub rts {
    my ($flags, @commands) = @_;
    my $body = pack('vv', $flags, scalar @commands) . join '', @commands;
    return pack('H16 v v V', '0500140310000000', 16 + length $body, 0, 0) . $body;
}

sub number  { pack 'VV', @_ }
sub version { number(6, 1) }
sub ck      { pack('V', $_[1] // 3) . $_[0] }

sub ack {
    my ($cookie, $received, $window, $destination) = @_;
    return rts(2, (defined $destination ? number(13, $destination) : ()),
        pack('VVV', 1, $received, $window) . $cookie);
}

# An RPC PDU of $type with $call and $stub.
sub pdu {
    my ($type, $call, $stub) = @_;
    return pack('CCCC H8 v v V', 5, 0, $type, 3, '10000000', 16 + length $stub, 0, $call) . $stub;
}

sub request  { pdu(0, @_) }
sub response { pdu(2, @_) }

package T::Rpch::Channel;

use strict;
use warnings;
use IO::Select;
use Time::HiRes qw(time);

sub new {
    my ($class, $socket) = @_;
    $socket->blocking(0);
    return bless { socket => $socket, buffer => '' }, $class;
}

sub socket { $_[0]{socket} }

sub close {
    my ($self) = @_;
    my $socket = delete $self->{socket} or return;
    $socket->isa('IO::Socket::SSL') ? $socket->close(SSL_no_shutdown => 1) : $socket->close;
}

sub send {
    my ($self, $bytes) = @_;
    my $end = time + $T::Rpch::patience;
    while (length $bytes) {
        my $n = syswrite $self->{socket}, $bytes;
        if (!$n) {
            return 0 unless $!{EAGAIN} || $!{EWOULDBLOCK};
            die "send: the peer takes no bytes\n" if time > $end;
            IO::Select->new($self->{socket})->can_write(0.05);
            next;
        }
        substr $bytes, 0, $n, '';
    }
    return 1;
}

# More bytes into the buffer: 1, or 0 at the end of the stream.  Dies when none
# come in time.
sub more {
    my ($self, $seconds) = @_;
    my $end = time + ($seconds // $T::Rpch::patience);
    while (1) {
        my $n = sysread $self->{socket}, $self->{buffer}, 65536, length $self->{buffer};
        return $n > 0 if defined $n;
        return 0 unless $!{EAGAIN} || $!{EWOULDBLOCK};
        die "nothing came in time\n" if time > $end;
        IO::Select->new($self->{socket})->can_read(0.05);
    }
}

# 1 when nothing comes within $seconds, with what came left in the buffer.
sub silent {
    my ($self, $seconds) = @_;
    return 0 if length $self->{buffer};
    return !eval { $self->more($seconds); 1 };
}

sub read_exactly {
    my ($self, $len) = @_;
    while (length $self->{buffer} < $len) {
        $self->more or return undef;
    }
    return substr $self->{buffer}, 0, $len, '';
}

sub read_head {
    my ($self) = @_;
    while (1) {
        return $1 if $self->{buffer} =~ s/\A(.*?\r\n\r\n)//s;
        $self->more or return "ended: $self->{buffer}";
    }
}

# One whole PDU, or undef at the end of the stream.
sub read_pdu {
    my ($self) = @_;
    my $head = $self->read_exactly(16) // return undef;
    my $rest = $self->read_exactly(unpack('v', substr $head, 8, 2) - 16) // return undef;
    return $head . $rest;
}

# 1 when the stream ends in time; what comes before is dropped.
sub ends {
    my ($self, $seconds) = @_;
    my $end = time + ($seconds // $T::Rpch::patience);
    while (time < $end) {
        $self->{buffer} = '';
        my $more = eval { $self->more(0.1) };
        return 1 if defined $more && !$more;
    }
    return 0;
}

1;

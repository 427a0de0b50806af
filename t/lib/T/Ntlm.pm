# SPDX-License-Identifier: Apache-2.0
package T::Ntlm;

# An NTLM client that does exactly what a test says, message by message, on one
# TCP connection.  The cryptography is impacket's.
#
#   my $c = T::Ntlm->new(port => $httpd->port);           # or tls => 1
#   my $answer = $c->ask('/', T::Ntlm::type1());          # also no token
#   $answer->{status}, $answer->{offers} (array), $answer->{challenge},
#   $answer->{close}, $answer->{body}, $answer->{headers}
#   $c->ask('/', T::Ntlm::type3($answer->{challenge}, user => 'alice', ...));
#   $c->login('/', user => ..., password => ..., domain => ...);   # both legs
#
# Tokens are bytes; tests cut and change them as they like.

use strict;
use warnings;
use IO::Handle;
use IO::Select;
use IO::Socket::IP;
use IO::Socket::SSL;
use IPC::Open2;
use MIME::Base64 qw(encode_base64 decode_base64);
use T::Dir qw(top);

# host, port, tls => 1, and what every request sends: method, headers (array).
sub new {
    my ($class, %self) = @_;
    my $self = bless { host => '127.0.0.1', method => 'GET', headers => [], %self }, $class;
    my %where = (PeerHost => $self->{host}, PeerPort => $self->{port}, Timeout => 10);
    $self->{socket} = $self->{tls}
        ? IO::Socket::SSL->new(%where, SSL_verify_mode => SSL_VERIFY_NONE)
        : IO::Socket::IP->new(%where);
    $self->{socket} or die "cannot connect to port $self->{port}: $@\n";
    return $self;
}

# One request.  $token: bytes for "NTLM", a reference to a whole header value,
# or undef.  %how: method, headers, body, host_header.
sub ask {
    my ($self, $path, $token, %how) = @_;
    $self->send_only($path, $token, %how);
    return $self->answer($how{method} // $self->{method});
}

# The same without waiting for the answer.
sub send_only {
    my ($self, $path, $token, %how) = @_;
    my %h = (%$self, %how);
    my @lines = ("$h{method} $path HTTP/1.1", 'Host: ' . ($h{host_header} // 'mail.example.test'),
        @{ $h{headers} });
    push @lines, 'Authorization: ' . (ref $token ? $$token : 'NTLM ' . encode_base64($token, ''))
        if defined $token;
    push @lines, 'Content-Length: ' . length $h{body} if defined $h{body};
    local $SIG{PIPE} = 'IGNORE';
    print { $self->{socket} } join("\r\n", @lines, '', '') . ($h{body} // '');
    $self->{socket}->flush;
}

sub body {
    my ($self, %headers) = @_;
    my ($socket, $body) = ($self->{socket}, '');
    read $socket, $body, $headers{'content-length'} if $headers{'content-length'};
    return $body unless ($headers{'transfer-encoding'} // '') eq 'chunked';
    while ((my $line = <$socket> // '') =~ /^([0-9a-f]+)/i) {
        read $socket, $body, hex $1, length $body;
        <$socket>;
        last if hex $1 == 0;
    }
    return $body;
}

# Bytes as they are.
sub send_raw {
    my ($self, $bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';
    print { $self->{socket} } $bytes;
    $self->{socket}->flush;
}

# Reads one answer; status 0 when the connection ended before it.
sub answer {
    my ($self, $method) = @_;
    my $socket = $self->{socket};
    my ($status, @headers, $line);
    local $/ = "\n";
    do {
        ($status, @headers) = (0);
        $line = <$socket> // return { status => 0, offers => [], close => 1 };
        ($status) = $line =~ m{^HTTP/1\.\d (\d{3})};
        while (defined($line = <$socket>)) {
            last unless $line =~ /^([\w-]+):\s*(.*?)\r?\n/;
            push @headers, [lc $1, $2];
        }
    } while ($status == 100);
    my %headers = map { @$_ } @headers;
    my $body = ($method // '') eq 'HEAD' ? '' : $self->body(%headers);
    my @offers = map { $_->[1] } grep { $_->[0] eq 'www-authenticate' } @headers;
    my ($challenge) = map { /^NTLM (\S+)/ } @offers;
    return { status => $status, headers => \%headers, offers => \@offers, body => $body,
        challenge => $challenge && decode_base64($challenge),
        close => scalar(($headers{connection} // '') =~ /close/i) };
}

# The status of the next answer and all bytes behind its headers, until the
# server has ended the connection or been silent for a second.
sub all_that_comes {
    my ($self) = @_;
    my $bytes = '';
    my $poll = IO::Select->new($self->{socket});
    while ($poll->can_read(1)) {
        sysread $self->{socket}, $bytes, 65536, length $bytes or last;
    }
    return ($1, $2) if $bytes =~ m{^HTTP/1\.\d (\d{3}).*?\r\n\r\n(.*)}s;
    return (0, $bytes);
}

# 1 when the server has ended the connection (waits for it, at most 5 s).
sub ended {
    my ($self) = @_;
    my $byte;
    local $SIG{ALRM} = sub { die "still open\n" };
    alarm 5;
    my $n = eval { sysread $self->{socket}, $byte, 1 };
    alarm 0;
    return defined $n && $n == 0;
}

sub login {
    my ($self, $path, %who) = @_;
    my $answer = $self->ask($path, type1());
    return $answer unless $answer->{challenge};
    return $self->ask($path, type3($answer->{challenge}, %who));
}

# A type 1: 40 bytes with Version as Windows sends it; short => 1: 32 bytes
# without, as curl does; flags => others.
sub type1 {
    my (%how) = @_;
    my $flags = $how{flags} // ($how{short} ? 0x00088207 : 0xe2088297);
    return pack('a8VV', "NTLMSSP\0", 1, $flags) . "\0" x ($how{short} ? 16 : 24);
}

# The type 3 that answers the type 2 $challenge for user, password, domain.
sub type3 {
    my ($challenge, %who) = @_;
    my ($to, $from) = impacket();
    print $to join(' ', map { encode_base64($_ // '', '') } $challenge, @who{qw(user password domain)}) . "\n";
    local $/ = "\n";
    return decode_base64(scalar(<$from>) // die "type3.py has ended\n");
}

# The pipes to and from one type3.py, which ends with the test.
my @impacket;
sub impacket {
    if (!@impacket) {
        open2(my $from, my $to, '/usr/bin/python3', top() . '/t/auth_ntlm/type3.py');
        $to->autoflush(1);
        @impacket = ($to, $from);
    }
    return @impacket;
}

# The 8 bytes of field number $n (LM, NT, domain, user, workstation, key) of a
# type 3 name its payload; gives or replaces that payload at the end.
sub field {
    my ($type3, $n, $payload) = @_;
    my $at = 12 + 8 * $n;
    if (defined $payload) {
        substr $type3, $at, 8, pack('vvV', length $payload, length $payload, length $type3);
        return $type3 . $payload;
    }
    my ($len, undef, $offset) = unpack 'vvV', substr $type3, $at, 8;
    return substr $type3, $offset, $len;
}

# The flags of a type 3, changed.
sub with_flags {
    my ($type3, $set, $clear) = @_;
    my $flags = unpack 'V', substr $type3, 60, 4;
    substr $type3, 60, 4, pack 'V', ($flags | $set) & ~($clear // 0);
    return $type3;
}

1;

# SPDX-License-Identifier: Apache-2.0
package LdapWatch;

# Stands between httpd and a directory, ldaps on both sides, and writes down
# what is asked: connections, binds, and of each search the attributes in its
# filter and those that it wants.
#
#   my $watch = LdapWatch->new(directory => $dc, ca => $ca)->start;
#   $watch->ldaps_url, and all else that T::Directory asks a directory
#   $watch->since      # [{ op => 'search', filter => ['mail'], wants => [...] }, ...]
#   $watch->drop;      # closes every connection, as an idle directory does
#
# since() waits for nothing: a request that is answered was seen whole.

use strict;
use warnings;
use IO::Select;
use IO::Socket::SSL;
use IO::Socket::IP;
use POSIX ();
use T::Dir qw(temp_dir read_file);
use T::Wait qw(until_true);

sub new {
    my ($class, %self) = @_;
    my $dir = temp_dir();
    return bless { %self, dir => $dir, log => "$dir/seen", read => 0 }, $class;
}

sub ldaps_url       { "ldaps://127.0.0.1:$_[0]{port}" }
sub reader_dn       { $_[0]{directory}->reader_dn }
sub reader_password { $_[0]{directory}->reader_password }

sub start {
    my ($self) = @_;
    my $listen = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 64) or die "listen: $!\n";
    $self->{port} = $listen->sockport;
    $self->{pid} = fork // die "fork: $!\n";
    if ($self->{pid} == 0) {
        eval { $self->serve($listen) };
        POSIX::_exit(0);
    }
    return $self;
}

sub DESTROY {
    my ($self) = @_;
    return unless $self->{pid} && $$ != $self->{pid};
    local $?;
    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;
}

# What was seen since the last call.
sub since {
    my ($self) = @_;
    my $text = substr read_file($self->{log}) // '', $self->{read};
    $self->{read} += length $text;
    return [map {
        my ($op, $filter, $wants) = split / /;
        { op => $op, filter => [split /,/, $filter // ''], wants => [split /,/, $wants // ''] }
    } split /\n/, $text];
}

sub drop {
    my ($self) = @_;
    my $before = () = (read_file($self->{log}) // '') =~ /^dropped$/mg;
    kill 'USR1', $self->{pid};
    until_true(sub { (() = read_file($self->{log}) =~ /^dropped$/mg) > $before }, 5);
}

# --- the process in between ---

my $note;

sub serve {
    my ($self, $listen) = @_;
    open $note, '>>', $self->{log} or die "$self->{log}: $!\n";
    $note->autoflush(1);
    my (%children, $wanted);
    local $SIG{USR1} = sub { $wanted = 1 };
    local $SIG{TERM} = sub { kill 'KILL', keys %children; POSIX::_exit(0) };
    local $SIG{CHLD} = 'IGNORE';
    my $select = IO::Select->new($listen);
    while (1) {
        my ($ready) = $select->can_read(0.05);
        if ($wanted) {
            kill 'KILL', keys %children;
            %children = ();
            $wanted = 0;
            print $note "dropped\n";
        }
        my $client = $ready && $listen->accept or next;
        my $child = fork // next;
        if ($child == 0) {
            $SIG{TERM} = $SIG{USR1} = 'DEFAULT';
            eval { $self->relay($client) };
            POSIX::_exit(0);
        }
        $children{$child} = 1;
        close $client;
    }
}

sub relay {
    my ($self, $client) = @_;
    my ($host, $port) = $self->{directory}->ldaps_url =~ m{^ldaps://([\d.]+)(?::(\d+))?$};
    IO::Socket::SSL->start_SSL($client, SSL_server => 1,
        SSL_cert_file => $self->{ca}{server}, SSL_key_file => $self->{ca}{key}) or return;
    my $server = IO::Socket::SSL->new(PeerHost => $host, PeerPort => $port // 636, SSL_ca_file => $self->{ca}{ca},
        SSL_verifycn_scheme => 'none') or return;
    my ($select, $asked) = (IO::Select->new($client, $server), '');
    print $note "connect\n";
    while (1) {
        for my $from ($client->pending ? $client : (), $server->pending ? $server : (), $select->can_read) {
            sysread $from, my $bytes, 65536 or return;
            if ($from == $client) {
                $asked .= $bytes;
                while (my (undef, $message, $rest) = element($asked)) {
                    note_message($message);
                    $asked = $rest;
                }
            }
            syswrite $from == $client ? $server : $client, $bytes;
        }
    }
}

# --- BER (X.690), as far as requests of LDAP need it (RFC 4511) ---

# (tag, content, what follows) or nothing.
sub element {
    my ($bytes) = @_;
    return if length $bytes < 2;
    my ($tag, $length) = unpack 'CC', $bytes;
    my $at = 2;
    if ($length & 0x80) {
        my $n = $length & 0x7f;
        return if length $bytes < 2 + $n;
        $length = 0;
        $length = $length << 8 | $_ for unpack 'C*', substr $bytes, 2, $n;
        $at += $n;
    }
    return if length $bytes < $at + $length;
    return ($tag, substr($bytes, $at, $length), substr $bytes, $at + $length);
}

sub elements {
    my ($bytes) = @_;
    my @all;
    while (my ($tag, $content, $rest) = element($bytes)) {
        push @all, [$tag, $content];
        $bytes = $rest;
    }
    return @all;
}

# The attributes that a filter compares.
sub compared {
    my ($tag, $content) = @_;
    return map { compared(@$_) } elements($content) if $tag >= 0xa0 && $tag <= 0xa2;    # and, or, not
    return $content if $tag == 0x87;                                                    # present
    return map { $_->[1] } (elements($content))[0] if $tag != 0xa9;
    return map { $_->[1] } grep { $_->[0] == 0x82 } elements($content);                 # extensible
}

sub note_message {
    my ($message) = @_;
    my (undef, $operation) = elements($message);    # behind the number
    my ($tag, $body) = @$operation;
    if ($tag == 0x63) {
        my @parts = elements($body);
        my %filter = map { lc $_ => 1 } compared(@{ $parts[6] });
        print $note join(' ', 'search', join(',', sort keys %filter), join ',', map { lc $_->[1] } elements($parts[7][1])), "\n";
    }
    print $note "bind\n" if $tag == 0x60;
}

1;

# SPDX-License-Identifier: Apache-2.0
package T::SmtpServer;

# A scripted SMTP server for what real servers do not do on demand.
#
#   my $server = T::SmtpServer->start(
#       ehlo => [qw(PIPELINING SIZE=1000 AUTH=PLAIN)],  # "=" is a blank
#       auth => '235 ok',         # reply to AUTH
#       mail => '250 ok', rcpt => ..., data => '354 go', dot => '250 queued',
#       ...);
#   $server->port, $server->stop
#   $server->lines('MAIL')   # what clients said, starting so
#   $server->messages        # messages that were taken (dot answered by 2xx or
#                            # marked "taken"), as [recipients, text]
#
# A reply is a text, or a sub of ($argument, \%session) that returns one.
# Special replies:
#   'DROP'          close the connection without an answer
#   'TAKE DROP'     (dot) take the message, then close without an answer
#   'HANG'          answer nothing, keep the connection
#   'TAKE HANG'     (dot) take the message, answer nothing
#   a text that ends in ' DROP'  answer, then close
# wait_file => FILE  (dot) answers only when FILE exists.

use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use T::Dir qw(temp_dir read_file);
use T::Wait qw(until_true);
use POSIX qw(_exit);

my %default = (
    greeting => '220 test ESMTP', auth => '235 ok', mail => '250 ok',
    rcpt => '250 ok', data => '354 go ahead', dot => '250 queued',
    quit => '221 bye', helo => '250 test', rset => '250 ok', ehlo => []);

sub start {
    my ($class, %self) = @_;
    my $self = bless { %default, %self, owner => $$ }, $class;
    $self->{dir} = temp_dir();
    my $listen = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', Listen => 64, ReuseAddr => 1)
        or die "listen: $!\n";
    $self->{port} = $listen->sockport;
    defined($self->{pid} = fork) or die "fork: $!\n";
    if (!$self->{pid}) {
        $SIG{CHLD} = 'IGNORE';
        POSIX::setpgid(0, 0);
        while (1) {
            my $client = $listen->accept or next;
            my $pid = fork;
            next if $pid;
            eval { $self->serve($client) };
            print STDERR "# scripted server: $@" if $@;
            close $client;
            _exit(0);
        }
    }
    return $self;
}

sub port { $_[0]{port} }

sub stop {
    my ($self) = @_;
    return unless $self->{pid} && $self->{owner} == $$;
    kill 'KILL', -$self->{pid}, $self->{pid};
    waitpid $self->{pid}, 0;
    $self->{pid} = 0;
}

sub DESTROY { local $?; $_[0]->stop }

# One line to the log that all sessions share; a write in append mode is whole.
sub note {
    my ($self, $file, $text) = @_;
    open my $f, '>>', "$self->{dir}/$file" or die "$file: $!\n";
    syswrite $f, $text;
}

sub lines {
    my ($self, $start) = @_;
    return grep { !defined $start || /^\Q$start\E/i }
        split /\n/, read_file("$self->{dir}/lines") // '';
}

sub messages {
    my ($self) = @_;
    return map { [split /\x00/, $_, 2] }
        split /\x01/, read_file("$self->{dir}/messages") // '';
}

sub answer {
    my ($self, $client, $what, $argument, $session) = @_;
    my $reply = $self->{$what};
    $reply = $reply->($argument, $session) if ref $reply eq 'CODE';
    my $taken = $reply =~ s/^TAKE // || $reply =~ /^2/;
    my $drop  = $reply =~ s/ ?DROP$//;
    my $hang  = $reply eq 'HANG';
    if ($what eq 'dot' && $taken) {
        $self->note('messages', join("\0", join(' ', @{ $session->{rcpt} }),
            $session->{text}) . "\1");
    }
    until_true(sub { -e $self->{wait_file} }, 60)
        if $what eq 'dot' && $self->{wait_file};
    print $client "$reply\r\n" if length $reply && !$hang;
    $client->flush;
    while ($hang && defined(<$client>)) { }
    die "drop\n" if $drop || $hang;
    return $reply;
}

sub data {
    my ($self, $client, $session) = @_;
    $session->{text} = '';
    while (defined(my $line = <$client>)) {
        return 1 if $line eq ".\r\n";
        $line =~ s/^\.//;
        $session->{text} .= $line;
    }
    return 0;
}

sub auth {
    my ($self, $client, $argument, $session) = @_;
    if ($argument =~ /^LOGIN\s*$/i) {
        for my $ask (qw(VXNlcm5hbWU6 UGFzc3dvcmQ6)) {
            print $client "334 $ask\r\n";
            <$client>;
        }
    }
    elsif ($argument =~ /^(\S+)\s*$/) {
        my $mechanism = $1;
        print $client "334 \r\n";
        my $answer = <$client> // '';
        $answer =~ s/\r?\n$//;
        $self->note('lines', "AUTH $mechanism $answer\n");
    }
    $self->answer($client, 'auth', $argument, $session);
}

sub serve {
    my ($self, $client) = @_;
    my %session = (rcpt => [], number => scalar(() = $self->lines('CONNECT')) + 1);
    $client->autoflush(1);
    setsockopt $client, IPPROTO_TCP, TCP_NODELAY, 1;
    $self->note('lines', "CONNECT\n");
    local $SIG{PIPE} = 'IGNORE';
    eval {
        $self->answer($client, 'greeting', '', \%session);
        while (defined(my $line = <$client>)) {
            $line =~ s/\r?\n$//;
            $self->note('lines', "$line\n");
            my ($verb, $argument) = $line =~ /^(\S+) ?(.*)$/;
            $verb = lc($verb // '');
            if ($verb eq 'ehlo') {
                if (!ref $self->{ehlo}) {
                    $self->answer($client, 'ehlo', $argument, \%session);
                    next;
                }
                my @offers = ('test', map { s/=/ /r } @{ $self->{ehlo} });
                my $last = pop @offers;
                print $client map({ "250-$_\r\n" } @offers), "250 $last\r\n";
            }
            elsif ($verb eq 'auth') {
                $self->auth($client, $argument, \%session);
            }
            elsif ($verb eq 'data') {
                my $reply = $self->answer($client, 'data', '', \%session);
                next unless $reply =~ /^3/;
                $self->data($client, \%session) or return;
                if (!@{ $session{rcpt} }) {
                    print $client "554 no recipients\r\n";
                    next;
                }
                $self->answer($client, 'dot', $session{text}, \%session);
            }
            elsif ($verb eq 'bdat') {
                my ($size) = $argument =~ /^(\d+) LAST$/i or return;
                $session{text} = '';
                read $client, $session{text}, $size, length $session{text}
                    while length $session{text} < $size && !eof $client;
                return if length $session{text} < $size;
                $self->answer($client, 'dot', $session{text}, \%session);
            }
            elsif (exists $default{$verb}) {
                @{ $session{rcpt} } = () if $verb eq 'mail';
                my $reply = $self->answer($client, $verb, $argument, \%session);
                push @{ $session{rcpt} }, $argument =~ /<(.*?)>/
                    if $verb eq 'rcpt' && $reply =~ /^2/;
                last if $verb eq 'quit';
            }
            else {
                print $client "500 what?\r\n";
            }
        }
    };
    die $@ if $@ && $@ ne "drop\n";
}

1;

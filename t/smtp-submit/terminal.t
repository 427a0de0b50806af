#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# A person at a terminal: questions, Ctrl-D, Ctrl-C, the prompt.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use POSIX qw(setsid WNOHANG);
use T::SmtpServer;
use T::Submit;
use T::Wait qw(until_true);

# A program on a pseudo-terminal of its own.
package Terminal {
    use Fcntl qw(O_RDWR O_NONBLOCK O_NOCTTY);
    use constant { TIOCGPTN => 0x80045430, TIOCSPTLCK => 0x40045431, TIOCSCTTY => 0x540E };

    sub new {
        my ($class, @command) = @_;
        sysopen my $master, '/dev/ptmx', O_RDWR | O_NOCTTY or die "ptmx: $!\n";
        my $unlock = pack 'i', 0;
        ioctl $master, TIOCSPTLCK, $unlock or die "unlock: $!\n";
        my $number = pack 'I', 0;
        ioctl $master, TIOCGPTN, $number or die "number: $!\n";
        my $name = '/dev/pts/' . unpack 'I', $number;
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            POSIX::setsid();
            $SIG{INT} = 'DEFAULT';    # whatever started the test may have ignored it
            sysopen my $slave, $name, O_RDWR or POSIX::_exit(126);
            ioctl $slave, TIOCSCTTY, 0;
            open STDIN, '<&', $slave; open STDOUT, '>&', $slave; open STDERR, '>&', $slave;
            exec { $command[0] } @command or POSIX::_exit(127);
        }
        fcntl $master, Fcntl::F_SETFL(), O_NONBLOCK;
        return bless { master => $master, pid => $pid, text => '' }, $class;
    }

    # Waits until the program has printed $what.
    sub expect {
        my ($self, $what) = @_;
        return T::Wait::until_true(sub {
            sysread $self->{master}, $self->{text}, 4096, length $self->{text};
            return $self->{text} =~ $what;
        }, 20);
    }

    sub type { syswrite $_[0]{master}, $_[1] }

    sub end {
        my ($self) = @_;
        T::Wait::until_true(sub {
            sysread $self->{master}, $self->{text}, 4096, length $self->{text};
            return waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid};
        }, 20) or kill 'KILL', $self->{pid};
        my $status = $?;
        sysread $self->{master}, $self->{text}, 4096, length $self->{text};
        return $status;
    }
}

$ENV{TERM} = 'dumb';    # colours are the business of tmux.t
my $server = T::SmtpServer->start(ehlo => ['PIPELINING']);
my $s = T::Submit->new;
$s->set('mail smtpserver 127.0.0.1', 'mail from example@example.com', 'mail smtpserver port ' . $server->port);

subtest 'S21 S22 S23 S24: the guide\'s interactive message' => sub {
    my $t = Terminal->new($s->command('mail'));
    ok($t->expect(qr/To: $/), 'asks To:');
    $t->type("example1\@example1.com\n");
    ok($t->expect(qr/Subject: $/), 'asks Subject:');
    $t->type("The LAN interface is down\n");
    ok($t->expect(qr/\r\n\r\nType the message below and finish with a CTRL-d\r\n$/), 'invites');
    $t->type("The LAN interface is down\n\x04");
    is($t->end, 0, 'ends well');
    like($t->{text}, qr/Sending \d{14}\.\d+\.\.\. ok\.\r\n\z/, 'Sending ... ok.');
    my ($message) = ($server->messages)[-1];
    is($message->[0], 'example1@example1.com', 'recipient');
    like($message->[1], qr/^Subject: The LAN interface is down\r\n/m, 'subject');
    like($message->[1], qr/\r\n\r\nThe LAN interface is down\r\n\z/, 'text');
};

subtest 'S22: only the message is missing' => sub {
    my $t = Terminal->new($s->command(qw(mail to example4@example.net subject), 'At %U'));
    ok($t->expect(qr/^\r\nType the message below and finish with a CTRL-d\r\n$/), 'only the invitation');
    $t->type("no line end\x04\x04");
    is($t->end, 0, 'S23: a last line without its end');
    like((($server->messages)[-1])->[1], qr/\r\n\r\nno line end\r\n\z/, 'text');
    like((($server->messages)[-1])->[1], qr/^Subject: At \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000\r$/m, 'subject');
};

subtest 'S25: nothing is missing' => sub {
    my $t = Terminal->new($s->command(qw(mail to a@b.c subject s file), $s->file('message.txt', "m\n")));
    is($t->end, 0, 'ends well');
    like($t->{text}, qr/\ASending \S+ ok\.\r\n\z/, 'no question');
};

subtest 'S23: Ctrl-C forgets everything' => sub {
    my $before = () = $server->messages;
    my $t = Terminal->new($s->command(qw(mail to a@b.c subject s)));
    ok($t->expect(qr/CTRL-d\r\n$/), 'invites');
    $t->type("half a message\n\x03");
    is($t->end & 127, 2, 'interrupted');
    is(scalar($s->ids) + scalar($s->ids('tmp')), 0, 'nothing is queued');
    is(scalar(() = $server->messages), $before, 'nothing is sent');
};

subtest 'an empty answer to To:' => sub {
    my $t = Terminal->new($s->command('mail'));
    $t->expect(qr/To: $/);
    $t->type("\n");
    is($t->end >> 8, 64, 'usage');
};

subtest 'S69 S71: the prompt' => sub {
    my $t = Terminal->new($s->command);
    ok($t->expect(qr/smtp-submit# $/), 'prompt');
    $t->type("en\nconf t\nmail smtpserver tls ?\n");
    ok($t->expect(qr/smtps +TLS from the first byte\r\nstarttls +Start in clear text.*\r\n/), '? at the prompt');
    $t->type("sh?\n");
    ok($t->expect(qr/show +Show settings/), 'words that start so');
    $t->type("mail from new\@example.com\nnonsense\nsh run\n");
    ok($t->expect(qr/% Invalid input "nonsense"/), 'a wrong line does not end it');
    ok($t->expect(qr/mail from new\@example\.com\r\n(?!.*mail from example)/s), 'a setting is in force at once');
    $t->type("mail to a\@b.c subject prompt\n");
    ok($t->expect(qr/Type the message below/), 'mail at the prompt');
    $t->type("typed\n\x04");
    ok($t->expect(qr/Sending \S+ ok\.\r\nsmtp-submit\(config\)# $/), 'and back at the prompt');
    $t->type("exit\n");
    ok($t->expect(qr/exit\r\nsmtp-submit# $/), 'exit leaves the mode');
    $t->type("exit\n");
    is($t->end, 0, 'then the program');
    like((($server->messages)[-1])->[1], qr/\r\n\r\ntyped\r\n\z/, 'text');
};

$server->stop;
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# A person at a real terminal: what stands on the screen, in which colour, and
# how far long work has come.

use strict;
use warnings;
use lib 't/lib', 't/smtp-submit';
use Test::More;
use Cwd qw(abs_path);
use Time::HiRes qw(time);
use Tmux;
use T::Dir qw(write_file);
use T::SmtpServer;
use T::Submit;
use T::Wait qw(until_true);

plan skip_all => 'needs tmux' unless grep { -x "$_/tmux" } split /:/, $ENV{PATH};

my $s = T::Submit->new;
my $server = T::SmtpServer->start(ehlo => ['PIPELINING'], rcpt => sub { $_[0] =~ /nobody/ ? '550 no such user' : '250 ok' },
    # The answer to the mail "n3" comes when the file go3 is there.
    dot => sub {
        my ($number) = $_[0] =~ /^Subject: n(\d+)/m;
        until_true(sub { -e $s->dir . "/go$number" }, 30) if $number;
        return '250 queued';
    });
$s->set('mail smtpserver 127.0.0.1', 'mail from example@example.com', 'mail smtpserver port ' . $server->port);

# "submit" in the terminal's shell is the program with this test's settings.
mkdir $s->dir . '/bin';
my ($program, $conf) = (abs_path($s->program), abs_path($s->conf));
write_file($s->dir . '/bin/submit', qq{#!/bin/sh\nexec "$program" -c "$conf" "\$@"\n}, 0755);
my $tmux = Tmux->start($s->dir, PATH => abs_path($s->dir . '/bin') . ":$ENV{PATH}") or die "tmux does not start\n";

# What is written where.
my ($red, $green, $yellow) = map { "\e\\[${_}m" } 31 .. 33;

subtest 'S21 S22 S23 S24: the guide\'s interactive message, as it looks' => sub {
    $tmux->type('submit mail', 'Enter');
    ok($tmux->sees(qr/^To:$/m), 'To:');
    $tmux->type('example1@example1.comm', 'BSpace', 'Enter');
    ok($tmux->sees(qr/^Subject:$/m), 'Subject:');
    $tmux->type('The LAN interface is down', 'Enter');
    ok($tmux->sees(qr/CTRL-d$/m), 'the message');
    $tmux->type('The LAN interface is down', 'Enter', 'C-d');
    my $screen = $tmux->sees(qr/ ok\.\n\$ *\n?\z/);
    like($screen, qr/\A\$ submit mail
To: example1\@example1\.com
Subject: The LAN interface is down

Type the message below and finish with a CTRL-d
The LAN interface is down
Sending \d{14}\.\d+\.\.\. ok\.
\$ *\n?\z/, 'the screen') or diag $screen;
    like($tmux->coloured, qr/\.\.\.$green ok\./, 'ok. is green');
    is(($server->messages)[-1][0], 'example1@example1.com', 'it was sent');
};

subtest 'S23: Ctrl-C and Ctrl-D where nothing has been said yet' => sub {
    my $before = () = $server->messages;
    for my $question ('To:', 'Subject:', 'CTRL-d') {
        $tmux->clear;
        $tmux->type('submit mail', 'Enter');
        for my $asked ('To:', 'Subject:') {
            $tmux->sees(qr/^$asked$/m);
            last if $asked eq $question;
            $tmux->type('a@b.c', 'Enter');
        }
        ok($tmux->sees(qr/$question$/m), $question);
        $tmux->type('C-c');
        ok($tmux->sees(qr/\^C(?:\n\$)? *$/), "Ctrl-C at $question: back in the shell");
        $tmux->type('Enter', 'echo status $?', 'Enter');
        ok($tmux->sees(qr/^status 130$/m), 'by the signal');
    }
    $tmux->clear;
    $tmux->type('submit mail', 'Enter');
    $tmux->sees(qr/^To:$/m);
    $tmux->type('C-d', 'echo status $?', 'Enter');
    ok($tmux->sees(qr/no recipient.*\n.*^status 64$/ms), 'Ctrl-D at To:');
    is(scalar($s->ids) + scalar($s->ids('tmp')), 0, 'nothing is queued');
    is(scalar(() = $server->messages), $before, 'nothing is sent');
};

subtest 'S69 S71: the prompt, its help, Ctrl-D' => sub {
    $tmux->clear;
    $tmux->type('submit', 'Enter');
    ok($tmux->sees(qr/^smtp-submit#$/m), 'prompt');
    $tmux->type('sh mail', 'Enter');
    my $screen = $tmux->sees(qr/^Messages\n-----\nsmtp-submit#$/m);
    like($screen, qr/^Mail Settings\n-----\nState {31}: Alive\nSMTP Server {25}: 127\.0\.0\.1$/m, 'show mail');
    $tmux->type('mail smtpserver tls ?', 'Enter');
    ok($tmux->sees(qr/^smtps +TLS from the first byte$/m), 'help');
    $tmux->type('nonsense', 'Enter');
    ok($tmux->sees(qr/^% Invalid input "nonsense"\nsmtp-submit#$/m), 'a wrong line');
    like($tmux->coloured, qr/$red% Invalid input "nonsense"/, 'in red');
    $tmux->type('C-d');
    ok($tmux->sees(qr/smtp-submit# *\n\$ *$/), 'Ctrl-D leaves, on a line of its own');
};

subtest 'S61 S71: the guide\'s last example, typed into its modes' => sub {
    # Types a line as a person does, who waits for the prompt.
    my $line = sub {
        my ($text, $prompt) = @_;
        $tmux->type($text, 'Enter');
        return $tmux->sees(qr/\Q$text\E *\n(?:.*\n)*\Q$prompt\E *\n?\z/);
    };
    my ($exec, $config, $trigger) = map { "smtp-submit$_#" } '', '(config)', '(config-trigger)';
    $tmux->clear;
    ok($line->('submit', $exec), 'the program');
    ok($line->('enable', $exec), 'enable');
    like($line->('configure terminal', $config), qr/^Enter configuration commands, one per line\. End with CNTL\/Z\.$/m, 'configure terminal');
    ok($line->('trigger 1', $trigger), 'trigger');
    ok($line->('type memory 90 up', $trigger), 'type');
    like($line->('script 1 ?', $trigger), qr/^FILE   The file containing the script$/m, 'help inside the block');
    ok($line->('script 1 mem.scp', $trigger), 'script');
    ok($line->('exit', $config), 'exit leaves the block');
    ok($line->('trigger 1', $trigger), 'into it again');
    ok($line->('active', $trigger), 'active');
    ok($line->('end', $exec), 'end leaves both');
    like($line->('sh trigger', $exec), qr/^TR# Type & Details      Description          Ac Te Tr Repeat      #Scr Days\/Date
-----
001 Memory \(90% up\)                          Y  N  Y  Continuous  1    smtwtfS$/m, 'show trigger');
    ok($line->('no trigger 1', $exec), 'no trigger');
    ok($line->('exit', '$'), 'exit leaves the program');
};

subtest 'colours are for terminals that have them' => sub {
    $tmux->clear;
    $tmux->type('submit mail to a@b.c queue-only </dev/null; submit mail to nobody@b.c </dev/null', 'Enter');
    ok($tmux->sees(qr/failed: 550 no such user$/m), 'a refusal');
    like($tmux->coloured, qr/\.\.\.$yellow queued\./, 'queued. is yellow');
    like($tmux->coloured, qr/\.\.\.$red failed: /, 'failed: is red');
    for my $plain ('%s 2>&1 | cat', 'NO_COLOR=1 %s', 'TERM=dumb %s') {
        $tmux->clear;
        $tmux->type(sprintf("$plain; echo done", 'submit mail to nobody@b.c </dev/null'), 'Enter');
        ok($tmux->sees(qr/failed: 550 no such user\n+done$/m), $plain);
        unlike($tmux->coloured, qr/\e\[\d/, "$plain: no colour");
    }
    my ($status, $out, $err) = $s->input('', qw(mail to nobody@b.c));
    unlike($out . $err, qr/[\e\b]/, 'nothing but text into a file');
    $s->run(qw(delete mail all));
};

subtest 'how far flush has come' => sub {
    $s->input("x\n", 'mail', 'to', 'bob@example.test', 'subject', "n$_", 'queue-only') for 1 .. 3;
    $tmux->clear;
    my $start;
    $tmux->type('submit flush', 'Enter');
    # Half a second has to go by before anything is said.
    ok(until_true(sub { $start //= time if $server->lines('RCPT TO:<bob'); $start && time - $start > 0.6 }, 10), 'it is at work');
    unlike($tmux->screen, qr/mail \d of/, 'nothing is said before a mail is through');
    write_file($s->dir . '/go1', '');
    ok($tmux->sees(qr/^ mail 2 of 3$/m), 'the second of three');
    write_file($s->dir . "/go$_", '') for 2, 3;
    my $screen = $tmux->sees(qr/^3 sent, 0 waiting, 0 failed\n\$ *\n?\z/m);
    like($screen, qr/\A\$ submit flush\n3 sent, 0 waiting, 0 failed\n\$ *\n?\z/, 'nothing of it is left');
    is(scalar(grep { $_->[1] =~ /^Subject: n\d/m } $server->messages), 3, 'all are sent');
};

subtest 'how much of a large mail is through' => sub {
    my $file = $s->file('large', join '', map { 'y' x 999 . "\n" } 1 .. 60_000);
    $tmux->clear;
    $tmux->type("submit mail to bob\@example.test subject large attach $file </dev/null", 'Enter');
    my $screen = $tmux->sees(qr/ \d+% of 8\d MB$/m);
    like($screen, qr/^Sending \S+\.\.\. \d+% of 8\d MB$/m, 'behind Sending');
    ok($tmux->sees(qr/^Sending \S+\.\.\. ok\.$/m), 'and nothing of it is left');
};

$tmux->stop;
$server->stop;
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# S73: retry, back-off, giving up, failure notices, several runners, the daemon.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use POSIX ();
use T::Dir qw(read_file write_file);
use T::Process;
use T::SmtpServer;
use T::Submit;
use T::Wait qw(until_true free_port);

my ($status, $out, $err);

sub pair {
    my ($settings, %script) = @_;
    my $server = T::SmtpServer->start(ehlo => ['PIPELINING'], %script);
    my $s      = T::Submit->new;
    $s->set('mail smtpserver 127.0.0.1', 'mail from fred@example.test',
        'mail smtpserver port ' . $server->port, @$settings);
    return ($s, $server);
}

sub queue { my ($s, $subject, $to) = @_; $s->input("x\n", 'mail', 'to', $to // 'bob@example.test', 'subject', $subject, 'queue-only') }

# attempts and time of the next one, of the only mail in the queue
sub plan_of {
    my ($s) = @_;
    my $json = ($s->run(qw(show mail json)))[1];
    return $json =~ /"attempts": (\d+), "next": (\d+)/;
}

subtest 'back-off: doubles, with jitter, and run waits for it' => sub {
    my ($s, $server) = pair([], rcpt => '450 busy');
    queue($s, 'later');
    my $wait = 60;
    for my $attempt (1 .. 3) {
        $s->run('flush');
        my ($attempts, $next) = plan_of($s);
        is($attempts, $attempt, "attempt $attempt");
        my $seconds = $next - time;
        cmp_ok($seconds, '>=', $wait * 0.8 - 3, "at least $wait s less a fifth ($seconds)");
        cmp_ok($seconds, '<=', $wait * 1.2 + 1, "at most $wait s and a fifth");
        $wait *= 2;
    }
    my $before = () = $server->lines('RCPT');
    $s->run('run');
    is(scalar(() = $server->lines('RCPT')), $before, 'run: it is not due');
    is(($s->run('run'))[0], 0, 'and that is no error');
};

subtest 'one mail that fails does not delay others' => sub {
    my ($s, $server) = pair([], rcpt => sub { $_[0] =~ /busy/ ? '450 busy' : '250 ok' });
    queue($s, 'one', 'busy@example.test');
    queue($s, 'two');
    is(($s->run('flush'))[1], "1 sent, 1 waiting, 0 failed\n", 'flush');
};

subtest 'a server that is down is asked once, not once a mail' => sub {
    my $s = T::Submit->new;
    my $server = T::SmtpServer->start(greeting => '421 busy DROP');
    $s->set('mail smtpserver 127.0.0.1', 'mail from fred@example.test', 'mail smtpserver port ' . $server->port);
    queue($s, $_) for 1 .. 5;
    $s->run('flush');
    is(scalar(() = $server->lines('CONNECT')), 1, 'one connection');
    is(scalar($s->ids), 5, 'all are kept');
};

subtest 'the clock was set back' => sub {
    my ($s, $server) = pair([]);
    queue($s, 'future');
    my ($id) = $s->ids;
    my $path = $s->spool . "/new/$id";
    write_file($path, read_file($path) . 'attempt 1 x' . "\nnext " . (time + 86400 * 30) . " \n");
    $s->run('run');
    is(scalar($s->ids), 0, 'a time far ahead does not hold a mail');
};

subtest 'giving up and the failure notice' => sub {
    my ($s, $server) = pair(['mail give-up-after 1', 'mail failure-notice admin@example.test'],
        rcpt => sub { $_[0] =~ /admin/ ? '250 ok' : '450 busy' });
    queue($s, 'hopeless');
    my ($id) = $s->ids;
    $s->run('flush');
    is(scalar($s->ids), 1, 'first it waits');
    ok(until_true(sub { $s->run('flush'); !grep { $_ eq $id } $s->ids }, 10), 'then it is given up');
    is_deeply([$s->ids('failed')], [$id], 'it is in failed');
    ok(until_true(sub { $s->run('flush'); $server->messages }, 10), 'the notice is sent');
    my @messages = $server->messages;
    is($messages[0][0], 'admin@example.test', 'to the administrator');
    like($messages[0][1], qr/^Subject: Mail \Q$id\E not delivered\r$/m, 'subject');
    like($messages[0][1], qr/^bob\@example\.test: given up: 450 busy\r$/m, 'who and why');
    like(($s->run(qw(show counter mail)))[1], qr/Sent {11}\.{5} 1\nMails Sent Fails {5}\.{5} 1$/m, 'S46: one sent, one failed');
    is(scalar($s->ids), 0, 'nothing else is queued');
};

subtest 'no notice about a notice, none to who just failed' => sub {
    my ($s, $server) = pair(['mail failure-notice admin@example.test'], rcpt => '550 no');
    queue($s, 'refused');
    $s->run('flush') for 1 .. 4;
    is(scalar($s->ids), 0, 'queue is empty');
    is(scalar($s->ids('failed')), 2, 'the mail and one notice have failed');
    queue($s, 'to the administrator', 'admin@example.test');
    $s->run('flush') for 1 .. 3;
    is(scalar($s->ids('failed')), 3, 'no notice to him about himself');
};

subtest 'retry puts a failed mail back' => sub {
    my $other = T::Submit->new;
    my $dir   = $other->dir;
    my ($s, $server) = pair([], rcpt => sub { -e "$dir/open" ? '250 ok' : '550 no' });
    queue($s, 'again');
    my ($id) = $s->ids;
    $s->run('flush');
    is_deeply([$s->ids('failed')], [$id], 'failed');
    write_file("$dir/open", '');
    is(($s->run('retry', $id))[1], "Sending $id... ok.\n", 'retry');
    is(scalar($s->ids('failed')), 0, 'sent');
    is(($s->run('retry', $id))[0], 1, 'an unknown id');
};

subtest 'S45: a mail that is being sent is not deleted' => sub {
    my $flag = T::Submit->new;
    my ($s, $server) = pair([], wait_file => $flag->dir . '/go');
    queue($s, 'slow');
    my ($id) = $s->ids;
    my $runner = T::Process->start([$s->command('flush')], $s->dir . '/log');
    ok(until_true(sub { $server->lines('DATA') }, 10), 'it is being sent');
    ok(until_true(sub { ($s->run('delete', 'mail', $id))[2] =~ /is being sent/ }, 10), 'delete is refused');
    write_file($flag->dir . '/go', '');
    ok(until_true(sub { !$s->ids }, 10), 'it is sent');
};

subtest 'a backup server' => sub {
    my $backup = T::SmtpServer->start(ehlo => []);
    my $s = T::Submit->new;
    $s->set('mail smtpserver host.invalid', 'mail smtpserver backup 127.0.0.1',
        'mail from fred@example.test', 'mail smtpserver port ' . $backup->port);
    like(($s->input("x\n", qw(mail to a@b.c)))[1], qr/ ok\.$/, 'is used when the first is down');
};

subtest 'two runners and 40 mails' => sub {
    my ($s, $server) = pair([]);
    queue($s, "n$_") for 1 .. 40;
    my @runners = map { T::Process->start([$s->command('run')], $s->dir . "/log$_") } 1, 2;
    $_->reap for @runners;
    $s->run('run');
    my %seen;
    $seen{$_}++ for map { $_->[1] =~ /^Subject: (n\d+)\r$/m } $server->messages;
    is(scalar(keys %seen), 40, 'each is sent');
    is(scalar(grep { $_ > 1 } values %seen), 0, 'none twice');
};

subtest 'the daemon' => sub {
    my ($s, $server) = pair([]);
    queue($s, 'before');
    my $daemon = T::Process->start([$s->command(qw(run daemon))], $s->dir . '/log');
    ok(until_true(sub { 1 == (() = $server->messages) }, 10), 'sends what is there');
    queue($s, 'after');
    ok(until_true(sub { 2 == (() = $server->messages) }, 5), 'sends what comes, at once');
    my $other = T::SmtpServer->start;
    $s->set('mail smtpserver port ' . $other->port);
    queue($s, 'elsewhere');
    ok(until_true(sub { $other->messages }, 10), 'follows a change of the settings');
    write_file($s->conf, read_file($s->conf) . "nonsense\n");
    ok(until_true(sub {
        utime undef, undef, $s->spool . '/new';    # whatever wakes it makes it look
        read_file($s->dir . '/log') =~ /PN15024: settings are not read again: .*"nonsense"/;
    }, 10), 'and keeps to those it has when they are wrong');
    is($daemon->stop('TERM', 5), 0, 'ends at SIGTERM');
    like(read_file($s->dir . '/log'), qr/PN15010: runner started.*PN15002: mail \S+ to bob\@example\.test sent: 250 queued.*PN15011: runner ended/s, 'its log');
};

subtest 'kill -9 of the runner with many mails' => sub {
    my ($s, $server) = pair([]);
    queue($s, "k$_") for 1 .. 20;
    my $kills = 0;
    while ($s->ids) {
        my $taken = () = $server->messages;
        my $runner = T::Process->start([$s->command('run')], $s->dir . '/log');
        until_true(sub { $taken + 3 <= (() = $server->messages) || !$runner->alive }, 10);
        $kills++ if $runner->alive;
        $runner->stop('KILL', 5);
        last if $kills > 40;
        # What was in doubt comes again at once.
        $s->run('retry', $_) for (($s->run(qw(show mail json)))[1] =~ /"id": "([\d.]+)"[^\n]*"in_doubt": true/g)[0] // ();
    }
    my %seen;
    $seen{$_}++ for map { $_->[1] =~ /^Subject: (k\d+)\r$/m } $server->messages;
    is(scalar(keys %seen), 20, "none is lost ($kills kills)");
    cmp_ok(scalar(grep { $_ > 1 } values %seen), '<=', $kills, 'at most one copy more for each kill');
};

done_testing();

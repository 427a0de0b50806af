#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# A queue of 10,000 mails, two runners, clocks that were wrong, and a disk that
# takes nothing: a defined result each.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Digest::SHA qw(sha1_hex);
use POSIX qw(strftime);
use T::Dir qw(read_file write_file);
use T::Process;
use T::SmtpServer;
use T::Submit;
use T::Wait qw(until_true);

my $COUNT = 10_000;

# What is counted here is mails, not flushes of a disk.
$ENV{TMPDIR} = '/dev/shm' if -w '/dev/shm';
my ($status, $out, $err);

sub pair {
    my (@settings) = @_;
    my $server = T::SmtpServer->start(ehlo => ['PIPELINING']);
    my $s      = T::Submit->new;
    $s->set('mail smtpserver 127.0.0.1', 'mail from fred@example.test',
        'mail smtpserver port ' . $server->port, @settings);
    $s->run(qw(show mail));    # makes the queue
    return ($s, $server);
}

# Writes a mail into the queue as the program does; $journal is what runners
# have noted.
sub put {
    my ($s, $id, $subject, $date, $journal) = @_;
    my $envelope = "sender fred\@example.test\ndate $date\nmessage-id $id\@top\nrecipient bob\@example.test\nto bob\@example.test\nsubject $subject\n";
    my $message = "Subject: $subject\r\n\r\nx\r\n";
    my $head = sprintf "smtp-submit 1 %010d %020d %s\n", length $envelope, length $message, sha1_hex($envelope . $message);
    open my $f, '>', $s->spool . "/new/$id" or die "$id: $!\n";
    print $f $head, $envelope, $message, $journal // '';
    close $f;
}

# How many the server has of each subject.
sub copies {
    my ($server) = @_;
    my %seen;
    $_->[1] =~ /^Subject: (.*?)\r$/m && $seen{$1}++ for $server->messages;
    return \%seen;
}

subtest "$COUNT mails, two runners" => sub {
    my ($s, $server) = pair();
    my $now = time;
    put($s, sprintf('20260101000000.%d', $_), "m$_", $now) for 1 .. $COUNT;
    my $queue = ($s->run(qw(show mail json)))[1];
    is(scalar(() = $queue =~ /"result": "pending"/g), $COUNT, 'show mail shows them all');
    my @runners = map { T::Process->start([$s->command('flush')], $s->dir . "/runner$_") } 1, 2;
    ok(until_true(sub { !grep { $_->alive } @runners }, 300), 'both end');
    $_->reap for @runners;
    my @sent    = map { (read_file($s->dir . "/runner$_") // '') =~ /^(\d+) sent, 0 waiting, 0 failed$/m ? $1 : -1 } 1, 2;
    is($sent[0] + $sent[1], $COUNT, "$sent[0] and $sent[1] were sent");
    cmp_ok($sent[$_], '>', 0, 'both worked') for 0, 1;
    my $copies = copies($server);
    is(scalar(keys %$copies), $COUNT, 'each mail arrived');
    is(scalar(grep { $_ > 1 } values %$copies), 0, 'once');
    is(scalar($s->ids), 0, 'the queue is empty');
    is(($s->run(qw(show counter mail)))[1] =~ /Sent +\.+ (\d+)/ && $1, $COUNT, 'the counter is right');
    my @logins = $server->lines('CONNECT');
    cmp_ok(scalar(@logins), '<=', $COUNT / 100 + 3, 'a hundred on one connection');
};

subtest 'the clock was ahead and is right again' => sub {
    my ($s, $server) = pair();
    my $future = time + 400 * 86400;
    # Accepted and tried in the "future": due long from now by its journal.
    put($s, strftime('%Y%m%d%H%M%S', gmtime $future) . '.1', 'future', $future,
        "attempt $future down\nnext " . ($future + 3600) . " \n");
    is(($s->run('run'))[0], 0, 'run');
    is(copies($server)->{future}, 1, 'it is sent now, not in a year');
};

subtest 'the clock was behind and is right again' => sub {
    my ($s, $server) = pair();
    put($s, '19700101000010.1', 'past', 10, "attempt 11 down\nnext 71 \n");
    put($s, '19700101000010.2', 'fresh', 10);
    $s->run('run');
    is(copies($server)->{fresh}, 1, 'one that was never tried is sent');
    is(scalar($s->ids('failed')), 1, 'one that was tried, and is older than five days, is given up');
    is(($s->run('retry', '19700101000010.1'))[0], 0, 'retry');
    is(copies($server)->{past}, 1, 'sends it');
};

subtest 'ids while the clock stands still' => sub {
    my ($s) = pair();
    # Every number that this second and process could take is taken already.
    my $script = $s->file('many.scp', "mail to bob\@example.test queue-only\n" x 50);
    ($status, $out, $err) = $s->run('run', $script);
    my %ids = map { $_ => 1 } $out =~ /^Sending (\S+)\.\.\. queued\.$/mg;
    is(scalar(keys %ids), 50, '50 mails of one process have 50 ids');
    is(scalar($s->ids), 50, 'and are all there');
};

subtest 'a queue on a read-only file system' => sub {
    plan skip_all => 'needs root' if $>;
    my ($s, $server) = pair();
    put($s, '20260101000000.1', 'waiting', time);
    my $on_readonly = sub {
        return $s->spawn('text', 'unshare', '-m', 'sh', '-c',
            'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"', $s->spool, $s->command(@_));
    };
    ($status, $out, $err) = $on_readonly->(qw(mail to bob@example.test));
    is($status, 74, 'mail: exit status');
    is($out, '', 'mail: nothing says that it was accepted');
    like($err, qr/^% Error: .*Read-only file system$/m, 'mail: says why');
    ($status, $out, $err) = $on_readonly->('flush');
    is($status, 74, 'flush: exit status');
    like($err, qr/Read-only file system/, 'flush: says why');
    is(scalar(() = $server->messages), 0, 'what cannot be noted is not sent');
    is(($on_readonly->(qw(show mail)))[0], 0, 'show mail works');
    isnt(($on_readonly->(qw(delete all)))[0], 0, 'delete: fails');
    is(($s->run('flush'))[1], "1 sent, 0 waiting, 0 failed\n", 'writable again: it is sent');
};

subtest 'a damaged mail does not stop the others' => sub {
    my ($s, $server) = pair();
    put($s, '20260101000000.1', 'first', time);
    put($s, '20260101000000.2', 'damaged', time);
    put($s, '20260101000000.3', 'third', time);
    my $path = $s->spool . '/new/20260101000000.2';
    write_file($path, read_file($path) =~ s/\nx\r\n/\ny\r\n/r);
    is(($s->run('flush'))[0], 74, 'flush: exit status');
    my $copies = copies($server);
    is(join(' ', sort keys %$copies), 'first third', 'the others are sent');
    is(join(' ', $s->ids), '20260101000000.2', 'it stays where it is');
};

done_testing();

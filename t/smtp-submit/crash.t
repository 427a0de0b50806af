#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Killed at each system call, with each write failing: a mail that was accepted
# is delivered, once unless the death came between the dot and the note of its
# answer.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use T::Dir qw(read_file write_file);
use T::SmtpServer;
use T::Submit;

plan skip_all => 'needs strace' unless grep { -x "$_/strace" } split /:/, $ENV{PATH};

# The leak sanitizer cannot work under strace.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my $server = T::SmtpServer->start(ehlo => ['PIPELINING']);
my ($status, $out, $err);

sub fresh {
    my $s = T::Submit->new;
    write_file($s->conf, "mail smtpserver 127.0.0.1\nmail smtpserver port "
        . $server->port . "\nmail from fred\@example.test\nmail spool " . $s->spool . "\n");
    mkdir $_ for $s->spool, map { $s->spool . "/$_" } qw(tmp new failed);
    return $s;
}

# The system calls of a command's processes, in each from the one on that first
# names the queue, as [name, how many of that name before it, plus one].
sub calls {
    my ($s, $input, @words) = @_;
    my $trace = $s->dir . '/trace';
    ($status, $out, $err) = $s->spawn($input, 'strace', '-f', '-o', $trace, $s->command(@words));
    is($status, 0, "@words works under strace") or diag $err;
    my (@calls, %count, %seen, %known);
    for (split /\n/, read_file($trace)) {
        my ($pid, $name, $rest) = /^(\d+) +(\w+)\((.*)/ or next;
        my $times = ++$count{$pid}{$name};
        $seen{$pid} ||= index($rest, $s->spool) >= 0;
        push @calls, [$name, $times] if $seen{$pid} && !$known{"$name $times"}++;
    }
    return grep { $_->[0] ne 'exit_group' } @calls;
}

sub inject {
    my ($s, $input, $call, $what, @words) = @_;
    return $s->spawn($input, 'strace', '-f', '-o', '/dev/null', '-e', "trace=$call->[0]",
        '-e', "inject=$call->[0]:$what:when=$call->[1]", $s->command(@words));
}

# How many copies of the mail with this subject the server took.
sub copies {
    my ($subject) = @_;
    return scalar grep { $_->[1] =~ /^Subject: \Q$subject\E\r$/m } $server->messages;
}

my ($number, $killed) = (0, 0);
my @enqueue = (qw(mail to bob@example.test queue-only subject));

# Enqueues with something going wrong at $call; what is wrong with the outcome,
# or undef.
sub try_enqueue {
    my ($call, $what) = @_;
    my $s       = fresh();
    my $subject = 'e' . ++$number;
    ($status, $out, $err) = inject($s, "text\n", $call, $what, @enqueue, $subject);
    $killed += $status == 137;
    my $accepted = $out =~ /^Sending /;
    my $queued   = $s->ids;
    return "accepted but not queued" if $accepted && !$queued;
    return "exit status 0 but not queued" if $status == 0 && !$queued;
    my ($flushed) = $s->run('flush');
    my $copies = copies($subject);
    return "queued $queued times, $copies copies" if $copies != $queued || $queued > 1;
    return 'the queue is not empty' if $s->ids;
    return undef;
}

# Delivers with something going wrong at $call, then delivers again.
sub try_deliver {
    my ($call, $what) = @_;
    my $s       = fresh();
    my $subject = 'd' . ++$number;
    $s->input("text\n", @enqueue, $subject);
    ($status, $out, $err) = inject($s, undef, $call, $what, 'flush');
    $killed += $status == 137;
    my $doubt = ($s->run(qw(show mail json)))[1] =~ /"in_doubt": true/;
    for (1 .. 3) { $s->run('flush') if $s->ids }
    my $copies = copies($subject);
    return ('not delivered', $doubt) if $copies == 0;
    return ("$copies copies", $doubt) if $copies > ($doubt ? 2 : 1);
    return ('the queue is not empty', $doubt) if $s->ids;
    return (undef, $doubt);
}

# Queues and delivers by one command, then delivers what is left.
sub try_both {
    my ($call, $what) = @_;
    my $s       = fresh();
    my $subject = 'b' . ++$number;
    ($status, $out, $err) = inject($s, "text\n", $call, $what, qw(mail to bob@example.test subject), $subject);
    $killed += $status == 137;
    my $accepted = $out =~ /^Sending /;
    my $doubt = ($s->run(qw(show mail json)))[1] =~ /"in_doubt": true/;
    for (1 .. 3) { $s->run('flush') if $s->ids }
    my $copies = copies($subject);
    return ('accepted and not delivered', $doubt) if $accepted && $copies == 0;
    return ("$copies copies", $doubt) if $copies > ($doubt ? 2 : 1);
    return ('the queue is not empty', $doubt) if $s->ids;
    return (undef, $doubt);
}

my @enqueue_calls = calls(fresh(), "text\n", @enqueue, 'probe');
my $s = fresh();
$s->input("text\n", @enqueue, 'probe');
my @deliver_calls = calls($s, undef, 'flush');

subtest 'enqueue, killed at each system call' => sub {
    for my $call (@enqueue_calls) {
        is(try_enqueue($call, 'signal=KILL'), undef, "$call->[0] $call->[1]");
    }
    is($killed, scalar(@enqueue_calls), 'each time it died');
};

subtest 'enqueue, each write failing' => sub {
    for my $error (qw(ENOSPC EIO)) {
        for my $call (grep { $_->[0] =~ /^(?:write|pwrite64|fsync|rename|openat|ftruncate|mkdir)$/ } @enqueue_calls) {
            is(try_enqueue($call, "error=$error"), undef, "$error at $call->[0] $call->[1]");
        }
    }
};

subtest 'delivery, killed at each system call' => sub {
    my $in_doubt = $killed = 0;
    for my $call (@deliver_calls) {
        my ($wrong, $doubt) = try_deliver($call, 'signal=KILL');
        $in_doubt += $doubt;
        is($wrong, undef, "$call->[0] $call->[1]" . ($doubt ? ' (in doubt)' : ''));
    }
    diag sprintf 'killed at %d places of enqueue and %d of delivery: no mail lost; at %d of them one is left in doubt',
        scalar(@enqueue_calls), scalar(@deliver_calls), $in_doubt;
    cmp_ok($killed, '>=', @deliver_calls * 0.95, "died $killed times");
    ok($in_doubt > 0 && $in_doubt < @deliver_calls / 2, 'few places leave a mail in doubt');
};

subtest 'both by one command, killed at each system call' => sub {
    my @calls = calls(fresh(), "text\n", qw(mail to bob@example.test subject probe));
    my $in_doubt = $killed = 0;
    for my $call (@calls) {
        my ($wrong, $doubt) = try_both($call, 'signal=KILL');
        $in_doubt += $doubt;
        is($wrong, undef, "$call->[0] $call->[1]" . ($doubt ? ' (in doubt)' : ''));
    }
    diag sprintf 'killed at %d places of both by one command: no mail lost; at %d of them one is left in doubt', scalar(@calls), $in_doubt;
    cmp_ok($killed, '>=', @calls * 0.85, "died $killed times");
};

subtest 'delivery, each write failing' => sub {
    for my $error (qw(ENOSPC EIO)) {
        for my $call (grep { $_->[0] =~ /^(?:p?write(?:64)?|f(?:data)?sync|unlink|rename|openat|p?read(?:64)?|flock|sendto|recvfrom|connect)$/ } @deliver_calls) {
            is((try_deliver($call, "error=$error"))[0], undef, "$error at $call->[0] $call->[1]");
        }
    }
};

$server->stop;
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# S51 to S60: log messages by mail.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use IO::Socket::UNIX;
use T::Dir qw(read_file write_file);
use T::Httpd;
use T::Process;
use T::SmtpServer;
use T::Submit;
use T::Wait qw(until_true);

$ENV{TZ} = 'UTC';
my ($status, $out, $err);

sub fresh {
    my $s = T::Submit->new;
    $s->set('mail smtpserver 127.0.0.1', 'mail smtpserver port 1', 'mail from log@example.test',
        'mail delivery-by-runner', @_);
    return $s;
}

sub lines { return grep { /^log|^default/ } split /\n/, ($_[0]->run(qw(show running-config)))[1] }

# What is in the queue, as [recipient, subject, message].
sub mails {
    my ($s) = @_;
    return map {
        my $text = read_file($s->spool . "/new/$_") // '';
        [$text =~ /^recipient (.*)$/m, $text =~ /^subject (.*)$/m, ($text =~ /\r\n\r\n(.*)/s)[0] // '']
    } $s->ids;
}

subtest 'S51 S56 S57: filters come and go' => sub {
    my $s = fresh();
    my $a = 'log email admin@example.com';
    $s->set("$a msgtext \"Pool exhausted\"", "$a level informational",
        "$a facility daemon program auth level 4", "$a exclude program dhcp",
        "$a time utc-offset minus 2:30");
    is_deeply([lines($s)], ["$a msgtext \"Pool exhausted\"", "$a level informational",
        "$a level warnings program auth facility daemon", "$a exclude program dhcp",
        "$a time utc-offset minus 2:30"], 'running-config');
    $s->set("$a level informational");
    is(scalar(lines($s)), 5, 'the same filter twice is one');
    $s->set("no $a level informational");
    is_deeply([(lines($s))[1]], ["$a level warnings program auth facility daemon"], 'S56: that filter');
    ($status, $out, $err) = $s->run(qw(no log email admin@example.com level informational));
    is($status, 78, 'S56: an unknown filter');
    is($err, "% Error: this address has no such filter\n", 'sentence');
    $s->set("no $a exclude program dhcp");
    is(scalar(lines($s)), 3, 'exclude goes, too');
    $s->set("default $a");
    is_deeply([lines($s)], [$a], 'S57: default: no filter, local time');
    $s->set("$a level error", "no $a");
    is_deeply([lines($s)], [], 'S56: the whole target');
    is(($s->run(qw(no log email admin@example.com)))[0], 78, 'S56: an unknown target');
    my $config = ($s->run(qw(show running-config)))[1];
    is(($s->run(qw(log email admin@example.com level frog)))[0], 64, 'S53: an unknown level');
};

subtest 'S50: running-config with log lines is the identity' => sub {
    my $s = fresh('log email a@b.c level error msgtext "x \"y\" z"', 'log email a@b.c msgtext-nocase Oops',
        'log email d@e.f', 'log email a@b.c time local-offset plus 2', 'log window 5', 'log limit 7');
    my $config = ($s->run(qw(show running-config)))[1];
    $s->input($config, qw(config load -));
    is(($s->run(qw(show running-config)))[1], $config, 'the same');
};

subtest 'S58 S59: show log config' => sub {
    my $s = fresh('log email admin@example.com level emergencies', 'log email b@example.com msgtext "pool exhausted"',
        'log email b@example.com exclude program dhcp facility daemon', 'log email b@example.com time utc-offset plus 2');
    $s->input("one\ntwo\npool exhausted\n", qw(log ingest));
    like(($s->run(qw(show log config)))[1], qr/\A
Email\ admin\@example\.com:\n
Time\ offset\ \.\.\.\.\ \+0:00\n
Offset\ type\ \.\.\.\.\ Local\n
Filters:\n
\ \ 1\ Level\ \.\.\.\.\.\ emergencies\n
\ \ \ \ Program\ \.\.\.\.\.\ any\n
\ \ \ \ Facility\ \.\.\.\.\.\ any\n
\ \ \ \ Message\ text\ \.\ any\n
\ \ Statistics\ \.\.\.\.\.\ 3\ messages\ received,\ 0\ accepted\ by\ filter\ \(\d{4}\ \w{3}\ \d\d\ \d\d:\d\d:\d\d\)\n
Email\ b\@example\.com:\n
Time\ offset\ \.\.\.\.\ \+2:00\n
Offset\ type\ \.\.\.\.\ UTC\n
Filters:\n
\ \ 1\ Level\ \.\.\.\.\.\ any\n
\ \ \ \ Program\ \.\.\.\.\.\ any\n
\ \ \ \ Facility\ \.\.\.\.\.\ any\n
\ \ \ \ Message\ text\ \.\ "pool\ exhausted"\n
\ \ 2\ Level\ \.\.\.\.\.\ any\ \(exclude\)\n
\ \ \ \ Program\ \.\.\.\.\.\ dhcp\n
\ \ \ \ Facility\ \.\.\.\.\.\ daemon\n
\ \ \ \ Message\ text\ \.\ any\n
\ \ Statistics\ \.\.\.\.\.\ 3\ messages\ received,\ 1\ accepted\ by\ filter\ \(.*\)\n\z/x, 'layout');
};

subtest 'S52: a target without filter gets nothing' => sub {
    my $s = fresh('log email a@b.c');
    $s->input("<0>kernel: panic\n", qw(log ingest));
    is(scalar($s->ids), 0, 'no mail');
};

subtest 'S53 S54 S55: what is mailed' => sub {
    my @rows = (
        ['level error', '<3>x: y', 1], ['level error', '<2>x: y', 1], ['level error', '<4>x: y', 0],
        ['msgtext "Pool exhausted"', 'the Pool exhausted', 1], ['msgtext "Pool exhausted"', 'pool exhausted', 0],
        ['msgtext-nocase "Pool exhausted"', 'pool EXHAUSTED', 1],
        ['program auth level 6', 'Nov 25 02:00:00 h auth: x', 1], ['program auth level 6', 'Nov 25 02:00:00 h au: x', 0],
        ['program autodiscover level warn', '[t] [autodiscover:error] [pid 1] x', 1],
        ['level debugging', 'Nov 25 02:00:00 h smtp-submit[1]: x', 0],
    );
    for (@rows) {
        my ($filter, $line, $expected) = @$_;
        my $s = fresh("log email a\@b.c $filter");
        $s->input("$line\n", qw(log ingest));
        is(scalar($s->ids), $expected, "$filter: $line");
        my ($said) = ($s->run('log', 'test', $line))[1] =~ /^Email a\@b\.c: (.*)$/m;
        is($said, $expected ? 'filter 1 sends it' : 'no filter takes it', 'log test') unless $line =~ /smtp-submit/;
    }
    my $s = fresh('log email a@b.c level error', 'log email a@b.c exclude program x');
    like(($s->run('log', 'test', '<3>x: y'))[1], qr/^Email a\@b\.c: filter 2 excludes it$/m, 'exclude wins');
};

subtest 'a queue that takes nothing' => sub {
    my $s = fresh('log email a@b.c level error', 'no mail from');
    my ($status, $out, $err) = $s->input("<3>app: broken\n<3>app: again\n", qw(log ingest));
    like($err, qr/^\S+ \S+ smtp-submit\[\d+\]: PN15026: no mail to a\@b\.c: % Error: no sender is configured/, 'is told');
    is(scalar(() = $err =~ /PN15026/g), 1, 'once a mail, not once a line');
    $s->input($err, qw(log ingest));
    is(scalar($s->ids), 0, 'and makes no mail itself');
};

subtest 'the mail' => sub {
    my $s = fresh('log email a@b.c level error', 'mail hostname top');
    $s->input("<3>app[7]: caf\xc3\xa9 \xff %N broke\r\n", qw(log ingest));
    my ($mail) = mails($s);
    is($mail->[0], 'a@b.c', 'recipient');
    is($mail->[1], "top: error app: caf\xc3\xa9 ? %N broke", 'subject: nothing in it is replaced');
    like($mail->[2], qr/^\d{4} \w{3} \d\d \d\d:\d\d:\d\d error app: caf=C3=A9 \? %N broke\r\n\z/, 'text');
    for my $evil ("x\rBcc: evil\@example.test", "x\0y", 'x' x 20000) {
        my $s = fresh('log email a@b.c level debugging');
        $s->input("$evil\n", qw(log ingest));
        my @mails = mails($s);
        is(scalar(@mails), 1, 'one mail');
        is($mails[0][0], 'a@b.c', 'to whom it belongs');
        unlike(read_file($s->spool . '/new/' . ($s->ids)[0]), qr/^Bcc/mi, 'no field is added');
    }
};

subtest 'a storm becomes a digest' => sub {
    my $s = fresh('log email a@b.c level error');
    $s->input(join('', map { "<3>app: disk full\n" } 1 .. 313) . "<3>app: fan\n", qw(log ingest));
    my @mails = mails($s);
    is(scalar(@mails), 1, 'one mail for what came at once');
    like($mails[0][2], qr/error app: disk full \(repeated 313 times\)\r\n.* error app: fan\r\n/, 'counted');
    ($s) = fresh('log email a@b.c level error', 'log window 1', 'log limit 2');
    my $log = $s->dir . '/fifo';
    system('mkfifo', $log);
    my $ingest = T::Process->start(['sh', '-c', 'exec "$0" "$@" < ' . $log, $s->command(qw(log ingest))], $s->dir . '/out');
    open my $pipe, '>', $log or die;
    $pipe->autoflush;
    my $n = 0;
    ok(until_true(sub { print $pipe "<3>app: flood " . ++$n . "\n"; 2 == $s->ids }, 20), 'two mails an hour');
    @mails = mails($s);
    like($mails[1][2], qr/Further notices are silenced/, 'the last one says so');
    print $pipe "<3>app: flood x\n";
    close $pipe;
    $ingest->reap;
    is(scalar($s->ids), 2, 'no more');
};

subtest 'S60: a socket' => sub {
    my $s = fresh('log email a@b.c level error', 'no mail delivery-by-runner');
    my $path = $s->dir . '/log';
    my $ingest = T::Process->start([$s->command('log', 'ingest', 'socket', $path)], $s->dir . '/out');
    ok(until_true(sub { -S $path }, 10), 'it is there');
    my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $path);
    $socket->send('<3>Nov 25 02:00:00 app[1]: broken');
    ok(until_true(sub { ($s->run(qw(show mail)))[1] =~ /^Status +: waiting/m }, 10),
        'a message becomes a mail, and delivery is tried');
    $ingest->stop;
};

subtest 'S60: httpd mails its errors' => sub {
    my $server = T::SmtpServer->start(ehlo => []);
    my $s = fresh('log email admin@example.test level error', 'no mail delivery-by-runner',
        'mail smtpserver port ' . $server->port);
    my $httpd = T::Httpd->new(main => 'ErrorLog "|' . join(' ', $s->command('log', 'ingest', 'copy', $s->dir . '/error.log')) . '"',
        conf => "ErrorLog \"|" . join(' ', $s->command('log', 'ingest', 'copy', $s->dir . '/error.log')) . "\"\n"
            . "<Location /secret>\nRequire all denied\n</Location>\n");
    $httpd->start;
    require IO::Socket::INET;
    for (1 .. 3) {
        my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $httpd->port);
        print $client "GET /secret HTTP/1.0\r\n\r\n";
        () = <$client>;
    }
    ok(until_true(sub { $server->messages }, 20), 'the mail is sent');
    like(($server->messages)[0][1], qr/^Subject: \S+: error authz_core: .*AH01630: client\r\n denied/m, 'subject');
    is(($server->messages)[0][0], 'admin@example.test', 'recipient');
    like(read_file($s->dir . '/error.log'), qr/AH01630/, 'the copy has it, too');
    $httpd->stop;
    ok(until_true(sub { 2 >= (() = $server->messages) }, 5), 'three errors, two mails at most');
};

done_testing();

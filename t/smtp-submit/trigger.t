#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# S61 to S70: triggers.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use T::Dir qw(read_file write_file);
use T::Process;
use T::SmtpServer;
use T::Submit;
use T::Wait qw(until_true free_port);

my ($status, $out, $err);

sub fresh {
    my $s = T::Submit->new;
    $s->set('mail smtpserver 127.0.0.1', 'mail smtpserver port 1', 'mail from fred@example.com',
        'mail hostname awplus', 'mail serial 012345678', 'mail delivery-by-runner', @_);
    return $s;
}

sub shown { ($_[0]->run(qw(show running-config)))[1] }

subtest 'S61 S62 S67: the guide\'s session, and the block in the file' => sub {
    my $s = fresh();
    ($status, $out, $err) = $s->input(<<'TEXT');
enable
configure terminal
trigger 1
type memory ?
type memory 90 ?
type memory 90 up
active
script ?
script 1 ?
script 1 mem.scp
active
end
show mail
TEXT
    is("$status$err", '0', 'every line is understood');
    like($out, qr/^<1-100> The percentage of memory usage at which to trigger\n/m, 'S69: the range');
    like($out, qr/^any    Activate when memory usage passes the specified level in either direction
down   Activate when memory usage drops below the specified level
up     Activate when memory usage exceeds the specified level
<cr>$/m, 'S69: the directions') or diag $out;
    like($out, qr/^<1-5>  The list position of the script\nFILE   The file containing the script$/m, 'S69: the position, the file');
    like($out, qr/^Mail Settings$/m, 'end leaves the block, not the session');
    like(shown($s), qr/^!\ntrigger 1\n  type memory 90 up\n  script 1 mem\.scp\n!$/m, 'S67: running-config');
    my $config = shown($s);
    $s->input($config, qw(config load -));
    is(shown($s), $config, 'S67: is the identity');
    $s->set('trigger 1 description "Memory is short"', 'trigger 1 repeat 3', 'trigger 1 days -MtwTf-', 'trigger 1 test');
    like(shown($s), qr/^!\ntrigger 1\n  type memory 90 up\n  description "Memory is short"\n  repeat 3\n  days -mtwtf-\n  script 1 mem\.scp\n  test\n!$/m,
        'changed from outside the block');
    $s->set('trigger 1 no script 1', 'trigger 1 no description', 'trigger 1 repeat forever', 'trigger 1 no days',
        'trigger 1 no test', 'trigger 1 no active');
    like(shown($s), qr/^!\ntrigger 1\n  type memory 90 up\n  no active\n!$/m, 'and back');
    $s->set('no trigger 1');
    unlike(shown($s), qr/trigger/, 'no trigger');
    is(($s->run(qw(no trigger 1)))[0], 78, 'an unknown one');
};

subtest 'S65: show trigger' => sub {
    my $s = fresh('trigger 1 type memory 90 up', 'trigger 1 script 1 mem.scp', 'trigger 2 type reboot', 'trigger 2 days -mtwtf-',
        'trigger 12 type ping-poll 192.0.2.1 port 443 down', 'trigger 12 no active', 'trigger 12 description Gateway');
    is(($s->run(qw(show trigger)))[1], <<'TEXT', 'table');
TR# Type & Details      Description          Ac Te Tr Repeat      #Scr Days/Date
-----
001 Memory (90% up)                          Y  N  Y  Continuous  1    smtwtfS
002 Reboot                                   Y  N  Y  Continuous  0    -mtwtf-
012 Ping-poll (192.0.2.1 port 443 down) Gateway              N  N  Y  Continuous  0    smtwtfS
TEXT
};

subtest 'S63 S64: a script in the guide\'s words, and a program' => sub {
    my $s = fresh();
    my $scp = $s->file('mem.scp', "enable\nmail to fred\@example.com subject \"Host: %N with Serial: %S memory utilization high at %L\"\n");
    my $program = $s->file('program', "#!/bin/sh\necho \"\$TRIGGER_ID \$TRIGGER_TYPE\" > " . $s->dir . "/ran\n");
    chmod 0755, $program;
    $s->set('trigger 1 type memory 90 up', "trigger 1 script 1 $scp", "trigger 1 script 2 $program");
    ($status, $out, $err) = $s->run(qw(activate trigger 1));
    is($status, 0, 'activate trigger');
    like($err, qr/Trigger 1 activated\n.*Executing \Q$scp\E\n.*Executing \Q$program\E\n/s, 'S64: log');
    like(read_file($s->spool . '/new/' . ($s->ids)[0]), qr/^subject Host: awplus with Serial: 012345678 memory utilization high at \d{4}-\d\d-\d\dT/m,
        'S63: the mail is queued');
    is(read_file($s->dir . '/ran'), "1 memory\n", 'S62: the program knows why it runs');
    $s->set('trigger 1 test');
    unlink $s->dir . '/ran';
    $s->run(qw(activate trigger 1));
    ok(!-e $s->dir . '/ran', 'S65: test mode runs nothing');
};

subtest 'S66: show trigger count' => sub {
    my $s = fresh('trigger 7 type memory 90');
    $s->run(qw(activate trigger 7)) for 1 .. 2;
    my $text = ($s->run(qw(show trigger count)))[1];
    my @labels = map { /^(\S.*?) +\d+$/ } grep { !/^-/ } split /\n/, $text;
    is_deeply(\@labels, ['Trigger activations', 'Last trigger activated',
        map({ "$_ triggers activated today" } 'Time', 'Periodic', 'Interface', 'CPU', 'Memory', 'Reboot', 'Ping-poll',
            'USB event', 'Stack master fail', 'Stack member', 'Stack link', 'ATMF node', 'Log')], 'labels in their order');
    like($text, qr/\ATrigger Module Counters\n-----\nTrigger activations                2\nLast trigger activated             7\n/, 'activations');
    like($text, qr/^Memory triggers activated today    2$/m, 'of today, in the guide\'s column');
    write_file($s->spool . '/trigger-counts', "5 7 2020001 0 0 0 0 5 0 0 0 0\n");
    like(($s->run(qw(show trigger count)))[1], qr/^Memory triggers activated today +0$/m, 'today ends at midnight');
};

subtest 'S68: a peer goes down and a mail goes out' => sub {
    my $peer   = T::SmtpServer->start;
    my $server = T::SmtpServer->start;
    my $s = fresh('no mail delivery-by-runner', 'mail smtpserver port ' . $server->port);
    my $scp = $s->file('down.scp', "mail to fred\@example.com subject \"The peer is down\"\n");
    $s->set('trigger 3 type ping-poll 127.0.0.1 port ' . $peer->port . ' down', "trigger 3 script 1 $scp",
        'trigger 4 type reboot', 'trigger 5 type memory 100 up');
    my $watch = T::Process->start([$s->command(qw(watch interval 1))], $s->dir . '/log');
    ok(until_true(sub { $peer->lines('CONNECT') }, 10), 'the peer is asked');
    is(scalar(() = $server->messages), 0, 'nothing happens while it answers');
    $peer->stop;
    ok(until_true(sub { $server->messages }, 15), 'the mail arrives');
    like(($server->messages)[0][1], qr/^Subject: The peer is down\r$/m, 'subject');
    is($watch->stop, 0, 'watch ends at SIGTERM');
    like(read_file($s->dir . '/log'), qr/Trigger 4 activated/, 'S66: reboot, at the first watch since the start');
    my @lines = grep { /Trigger 3 activated/ } split /\n/, read_file($s->dir . '/log');
    is(scalar(@lines), 1, 'once');
    $watch = T::Process->start([$s->command(qw(watch interval 1))], $s->dir . '/log2');
    until_true(sub { (read_file($s->dir . '/log2') // '') =~ /watching/ }, 5);
    $watch->stop;
    unlike(read_file($s->dir . '/log2'), qr/Trigger 4 activated/, 'no reboot the second time');
};

subtest 'a log trigger' => sub {
    my $s = fresh('trigger 9 type log "Link down"', 'trigger 9 repeat 1');
    my $program = $s->file('program', "#!/bin/sh\necho \"\$TRIGGER_VALUE\" >> " . $s->dir . "/ran\n");
    chmod 0755, $program;
    $s->set("trigger 9 script 1 $program");
    $s->input("<5>kernel: eth0 Link up\n<5>kernel: eth0 Link down\n<5>kernel: eth1 Link down\n", qw(log ingest));
    ok(until_true(sub { -s $s->dir . '/ran' }, 10), 'runs the script');
    is(read_file($s->dir . '/ran'), "eth0 Link down\n", 'once, with the message');
    ok(until_true(sub { ($s->run(qw(show trigger count)))[1] =~ /^Log triggers activated today +1$/m }, 5), 'counted');
};

subtest 'S70: activate a script file' => sub {
    my $s = fresh();
    my $scp = $s->file('sendmail.scp', "enable\nmail to fred\@example.com subject now\nexit\n");
    like(($s->run('activate', $scp))[1], qr/^Sending \S+ queued\.$/m, 'obeyed');
};

done_testing();

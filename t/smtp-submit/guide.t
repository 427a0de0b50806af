#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Points of the mail guide that no other file is about; and that each point,
# S01 to S73 and P1, is named by a test and by the man page.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use T::Dir qw(read_file top write_file);
use T::Process;
use T::Submit;
use T::Wait qw(until_true);

$ENV{TZ} = 'UTC';
my ($status, $out, $err);

sub fresh {
    my $s = T::Submit->new;
    $s->set('mail smtpserver 127.0.0.1', 'mail smtpserver port 1', 'mail from fred@example.test', @_);
    return $s;
}

sub shown { ($_[0]->run(qw(show mail)))[1] }

sub queued {
    my ($s, @words) = @_;
    ($status, $out, $err) = $s->input('', 'mail', 'to', 'bob@example.test', @words, 'queue-only');
    my ($id) = $out =~ /^Sending (\S+)\.\.\. queued\.$/ or die "not queued: $err\n";
    return ($id, read_file($s->spool . "/new/$id"));
}

subtest 'S11 S12: 587 belongs to STARTTLS, whatever the introduction says' => sub {
    my $s = fresh('no mail smtpserver port', 'debug mail');
    for (['no mail smtpserver tls', 25], ['mail smtpserver tls starttls', 587], ['mail smtpserver tls smtps', 465]) {
        $s->set($_->[0]);
        $s->input('', qw(mail to a@b.c));
        my $debug = read_file($s->spool . '/debug');
        like($debug, qr/host \(127\.0\.0\.1:$_->[1]\)\n(?!.*host \()/s, "$_->[0]: $_->[1]");
        unlike(read_file($s->conf), qr/port/, 'nothing in the file');
    }
};

subtest 'S19: no release of a device is asked for' => sub {
    my $s = fresh('mail smtpserver tls starttls', 'mail smtpserver authentication crammd5 username u password p');
    is(($s->run(qw(show version)))[0], 64, 'there is no such command');
    like(($s->run(qw(show running-config)))[1], qr/tls starttls/, 'every setting is there from the start');
};

subtest 'S20: any subset of to, subject, file, in any order' => sub {
    my $s    = fresh();
    my $file = $s->file('text', "from a file\n");
    my @parts = (['subject', 'one'], ['file', $file], ['cc', 'amy@example.test']);
    for my $mask (0 .. 7) {
        my @words = map { $mask >> $_ & 1 ? @{ $parts[$_] } : () } reverse 0 .. 2;
        my (undef, $mail) = queued($s, @words);
        like($mail, qr/^Subject: one\r$/m, "@words: subject") if $mask & 1;
        like($mail, $mask & 2 ? qr/from a file\r\n\z/ : qr/\r\n\r\n\z/, "@words: text");
        like($mail, qr/^Cc: <amy\@example\.test>\r$/m, "@words: cc") if $mask & 4;
    }
    is(($s->input('', qw(send --to=bob@example.test --subject=x --file=-), '--queue-only'))[0], 0, 'as options');
};

subtest 'S33: the serial number' => sub {
    my $s = fresh();
    my (undef, $mail) = queued($s, 'subject', '%S');
    my ($board, $machine) = map { (read_file($_) // '') =~ s/\s+$//r }
        '/sys/class/dmi/id/product_serial', '/etc/machine-id';
    my ($serial) = $mail =~ /^subject (.*)$/m;
    ok((grep { length && $_ eq $serial } $board, $machine) || !(length $board || length $machine),
        'the board\'s, else the machine\'s');
    $s->set('mail serial A1');
    like((queued($s, 'subject', '%S'))[1], qr/^subject A1$/m, 'or a configured one');
};

subtest 'S36: what is no letter of the guide stays, and nothing breaks the header' => sub {
    my $s = fresh();
    $s->set('mail serial "%N"', 'mail hostname top');
    for (['%', '%'], ['%%', '%%'], ['%%N', '%top'], ['%x%N', '%xtop'], ['%S', '%N'], ['100%', '100%'], ['%n', '%n']) {
        my (undef, $mail) = queued($s, 'subject', $_->[0]);
        like($mail, qr/^subject \Q$_->[1]\E$/m, $_->[0]);
        like($mail, qr/^Subject: \Q$_->[1]\E\r$/m, "$_->[0]: header");
    }
};

subtest 'S37: the subject is fixed when the command is given, once' => sub {
    my $s = fresh('mail retry-after 1');
    my ($id, $mail) = queued($s, 'subject', '%U');
    $s->run('flush') for 1 .. 2;
    my $later = read_file($s->spool . "/new/$id");
    is(($later =~ /^(Subject: .*)\r$/m)[0], ($mail =~ /^(Subject: .*)\r$/m)[0], 'the same after two attempts');
    is(($later =~ /^(Message-ID: .*)\r$/m)[0], ($mail =~ /^(Message-ID: .*)\r$/m)[0], 'and so is the Message-ID');
};

subtest 'S41: Host Name is the sender\'s address' => sub {
    like(shown(fresh('mail hostname top')), qr/^Host Name {27}: fred\@example\.test$/m, 'as the guide has it');
};

subtest 'S43: State' => sub {
    my $s = fresh();
    like(shown($s), qr/^State +: Alive$/m, 'everybody delivers: Alive');
    $s->set('mail delivery-by-runner');
    like(shown($s), qr/^State +: Stopped$/m, 'the runner delivers, and there is none: Stopped');
    like(($s->run(qw(show mail json)))[1], qr/"state": "Stopped"/, 'json');
    my $runner = T::Process->start([$s->command(qw(run daemon))], $s->dir . '/log');
    ok(until_true(sub { shown($s) =~ /^State +: Alive$/m }, 10), 'with a runner: Alive');
    $runner->stop('KILL');
    ok(until_true(sub { shown($s) =~ /^State +: Stopped$/m }, 10), 'killed: Stopped');
};

subtest 'S66: what only a switch has stays at 0' => sub {
    like((fresh()->run(qw(show trigger count)))[1], qr/^$_ triggers activated today +0$/m, $_)
        for 'Stack master fail', 'Stack member', 'Stack link', 'ATMF node', 'USB event';
};

subtest 'S61 S66: a USB trigger' => sub {
    my $s = fresh('trigger 4 type usb in', 'trigger 5 type usb', 'trigger 6 type usb out');
    my $config = ($s->run(qw(show running-config)))[1];
    like($config, qr/trigger 4\n  type usb in\n.*trigger 5\n  type usb\n.*trigger 6\n  type usb out\n/s, 'in the file');
    $s->input($config, qw(config load -));
    is(($s->run(qw(show running-config)))[1], $config, 'which is read back');
    like(($s->run(qw(show trigger)))[1], qr/^004 USB event \(in\)/m, 'show trigger');
    my ($device) = glob '/sys/bus/usb/devices/*/uevent';
    my $watch = T::Process->start([$s->command(qw(watch interval 1))], $s->dir . '/log');
    ok(until_true(sub { (read_file($s->dir . '/log') // '') =~ /watching/ }, 10), 'watch');
    SKIP: {
        skip 'this machine has no USB', 2 unless $device && -w $device;
        ok(until_true(sub { write_file($device, 'add'); read_file($s->dir . '/log') =~ /Trigger 4 activated/ }, 10), 'a device comes');
        unlike(read_file($s->dir . '/log'), qr/Trigger 6 activated/, 'and does not go');
    }
    is($watch->stop, 0, 'watch ends');
};

subtest 'S50 S67: the guide\'s mail and trigger configuration' => sub {
    my $s = T::Submit->new;
    my ($status, $out, $err) = $s->input(<<'TEXT');
enable
configure terminal
mail smtpserver smtp.example.com
mail smtpserver authentication crammd5 username fred password uniquePassword
mail from fred@example.com
trigger 1
type memory 90 up
active
script 1 mem.scp
active
end
show running-config
TEXT
    is("$status$err", '0', 'every line is understood');
    like($out, qr{\A!
trigger 1
  type memory 90 up
  script 1 mem\.scp
!
mail smtpserver smtp\.example\.com
mail smtpserver authentication crammd5 username fred password 8 [A-Za-z0-9+/]+=*
mail from fred\@example\.com
mail spool \S+
\z}, 'as the guide prints it');
};

subtest 'S71: mode prompts and files are the shell\'s' => sub {
    my $s = fresh();
    is(($s->input("enable\nconfigure terminal\nexit\n"))[0], 0, 'the words of the guide are understood');
    is(($s->run($_))[0], 64, "$_ is none of ours") for 'dir', 'show file';
};

subtest 'S72: slips of the guide' => sub {
    my $s = fresh();
    is(($s->run('mail', 'smtpserver', 'example@example.com'))[0], 64, 'an address is no server');
    $s->set('mail smtpserver authentication crammd5 username u password p');
    like(shown($s), qr/^Authentication +: crammd5$/m, 'show mail tells what was set');
};

subtest 'S48 S49: debug mail, and log follow to watch it' => sub {
    my $s = fresh('debug mail');
    is((stat $s->spool . '/debug')[2] & 07777, 0660, 'not for everybody');
    my $follow = T::Process->start([$s->command(qw(log follow))], $s->dir . '/followed');
    my $text = sub { read_file($s->dir . '/followed') // '' };
    ok(until_true(sub { $s->input('', qw(mail to a@b.c)); $text->() =~ /smtp-submit\[\d+\]: Creating connection to host \(127\.0\.0\.1:1\)\n/ }, 10),
        'lines appear as they come');
    $s->set('no debug mail', 'debug mail');
    ok(until_true(sub { $s->input('', qw(mail to new@b.c)); (() = $text->() =~ /Creating connection/g) > 1 }, 10), 'also in a new file');
    $follow->stop;
};

subtest 'S60: a log file as source, also when it is replaced' => sub {
    my $s   = fresh('log email a@b.c level error', 'log window 1', 'mail delivery-by-runner');
    my $log = $s->file('app.log', "<3>app: old\n");
    my $ingest = T::Process->start([$s->command('log', 'ingest', 'follow', $log)], $s->dir . '/out');
    my $add = sub { open my $f, '>>', $log or die; print $f @_; close $f };
    my $mails = sub { join '', map { read_file($s->spool . "/new/$_") // '' } $s->ids };
    my $n = 0;
    ok(until_true(sub { $add->("<3>app: first " . $n++ . "\n"); $mails->() =~ /app: first/ }, 15), 'what is added is mailed');
    rename $log, "$log.1";
    $add->("<3>app: rotated\n");
    ok(until_true(sub { $mails->() =~ /app: rotated/ }, 15), 'the new file is read from its start');
    unlike($mails->(), qr/app: old/, 'what was there before is not');
    $ingest->stop;
};

subtest 'each point is tested and told' => sub {
    my $tests = join '', map { read_file($_) } glob(top() . '/t/smtp-submit/*.t'), glob(top() . '/t/unit/smtp-submit/*.c');
    my $page  = read_file(top() . '/smtp-submit/smtp-submit.1');
    # Only the names of tests count: strings of one line that begin with points.
    my %named;
    while ($tests =~ /['"]((?:[SP]\d+ )*[SP]\d+)[:\s'"]/g) { $named{$_}++ for split / /, $1 }
    for my $point ((map { sprintf 'S%02d', $_ } 1 .. 73), 'P1') {
        ok($named{$point}, "$point: a test names it");
        like($page, qr/^\.It $point Ta \S/m, "$point: the man page has it");
    }
};

done_testing();

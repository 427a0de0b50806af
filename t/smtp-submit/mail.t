#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# The mail command and the queue, without a server.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use T::Dir qw(read_file write_file);
use T::Submit;
use T::Wait qw(free_port);

$ENV{TZ} = 'UTC';
my $s = T::Submit->new;
my ($status, $out, $err);
$s->set('mail smtpserver 127.0.0.1', 'mail smtpserver port ' . free_port(),
    'mail from fred@example.test', 'mail hostname top', 'mail serial A05049G154200043');

# Queues a mail; (its id, the file in the queue).
sub queue {
    my ($body, @words) = @_;
    ($status, $out, $err) = $s->input($body, 'mail', @words, 'queue-only');
    my ($id) = $out =~ /^Sending (\d{14}\.\d+)\.\.\. queued\.\n\z/;
    is("$status$err", '0', "queued: @words[0 .. 1]");
    return ($id, read_file($s->spool . "/new/$id"));
}

subtest 'S28 S29: what the receiver gets' => sub {
    my ($id, $mail) = queue("The WAN is down\n", 'to', 'bob@example.test', 'subject', 'S');
    my $day = qr/(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d+ \w{3} \d{4} \d\d:\d\d:\d\d \+0000/;
    like($mail, qr{To:\ <bob\@example\.test>\r\nFrom:\ <fred\@example\.test>\r\nSubject:\ S\r\n
        Date:\ $day\r\nMessage-ID:\ <\Q$id\E\.[0-9a-f]{16}\@top>\r\nMIME-Version:\ 1\.0\r\n
        Content-Type:\ text/plain;\ charset=us-ascii\r\nContent-Transfer-Encoding:\ 7bit\r\n
        \r\nThe\ WAN\ is\ down\r\n\z}x, 'header and body');
    my ($stamp) = $id =~ /^(\d{14})/;
    cmp_ok($stamp, '>', 20260101000000, 'S38: the id is a date in UTC');
    $s->run(qw(delete mail all));
};

subtest 'S28: the Received line of the guide' => sub {
    $s->set('mail add-received');
    my (undef, $mail) = queue('', 'to', 'bob@example.test');
    like($mail, qr/\nReceived: by top \(smtp-submit\) for uid $<\r\n <bob\@example\.test>; \w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d \+0000 \(UTC\)\r\n/,
        'line');
    $s->set('no mail add-received');
};

subtest 'S32 S33 S34 S35 S36 S37: substitution' => sub {
    my ($id, $mail) = queue('', 'to', 'bob@example.test', 'subject',
        'Hostname:%N Serial Number:%S Date:%T %D %L U:%U %N %x 100%% %');
    my $t = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000/;
    like($mail, qr/^subject Hostname:top Serial Number:A05049G154200043 Date:$t $t $t U:$t top %x 100%% %$/m,
        'all at once');
    local $ENV{TZ} = 'Asia/Kolkata';
    (undef, $mail) = queue('', 'to', 'bob@example.test', 'subject', '%L %U');
    like($mail, qr/^subject \S+\+0530 \S+\+0000$/m, 'S34 S35: local time and UTC');
};

subtest 'S31: recipients' => sub {
    my (undef, $mail) = queue('', 'to', 'a@example.test,b@example.test', '--to', 'A@example.test',
        '--cc', 'c@example.test', '--bcc', 'd@example.test');
    is(join(' ', $mail =~ /^recipient (\S+)$/mg),
        'a@example.test b@example.test c@example.test d@example.test', 'each once');
    like($mail, qr/^To: <a\@example\.test>,\r\n <b\@example\.test>\r\nCc: <c\@example\.test>\r\n/m, 'To and Cc');
    unlike(($mail =~ /^(To: .*)/ms)[0], qr/<d\@example/, 'Bcc is not in the message');
};

subtest 'S30: an address has an @, unless an alias expands it' => sub {
    ($status, $out, $err) = $s->input('', qw(mail to example4.net));
    is($status, 65, 'exit status');
    is($err, "% Error: \"example4.net\": address has not exactly one \@\n", 'sentence');
    $s->set('mail alias root admin@example.test');
    my (undef, $mail) = queue('', 'to', 'root');
    like($mail, qr/^recipient admin\@example\.test$/m, 'envelope');
    like($mail, qr/^To: <admin\@example\.test>\r$/m, 'To');
};

subtest 'nothing gets into the header' => sub {
    for my $bad ("a\@b.c\r\nBcc: x\@y.z", "a\@b.c>\nRCPT TO:<x\@y.z", "<a\@b.c>", "a\@b.c\tx") {
        ($status) = $s->input('', 'mail', 'to', $bad);
        ok($status == 64 || $status == 65, 'address is refused');
    }
    for my $bad ("s\r\nBcc: x\@y.z", "s\n.", "\x1b[31m", "\xff") {
        ($status) = $s->input('', 'mail', 'to', 'a@b.c', 'subject', $bad);
        ok($status == 64 || $status == 65, 'subject is refused');
    }
};

subtest 'S26: file' => sub {
    ($status, $out, $err) = $s->run(qw(mail to a@b.c file /nonexistent));
    is($status, 66, 'missing: exit status');
    is($err, "% Error: file /nonexistent: No such file or directory\n", 'missing: sentence');
    mkdir $s->dir . '/flash';
    write_file($s->dir . '/flash/message.txt', "from flash\n");
    write_file($s->dir . '/outside', "secret\n");
    symlink '../outside', $s->dir . '/flash/link';
    $s->set('mail file-root ' . $s->dir . '/flash');
    my (undef, $mail) = queue('', qw(to a@b.c file message.txt));
    like($mail, qr/\r\n\r\nfrom flash\r\n\z/, 'below file-root');
    for my $name ('../outside', 'link', $s->dir . '/outside') {
        is(($s->run(qw(mail to a@b.c file), $name))[0], 66, "$name is out of reach");
    }
    $s->set('no mail file-root');
};

subtest 'S27: no prompt off a terminal, an empty body is legal' => sub {
    my (undef, $mail) = queue('', qw(to a@b.c));
    unlike($out, qr/Type the message/, 'no prompt');
    like($mail, qr/7bit\r\n\r\n\z/, 'empty body');
    ($status, $out, $err) = $s->input('x', 'mail');
    is($status, 64, 'S21: a missing recipient off a terminal');
};

subtest 'S63 S70: a script' => sub {
    my $script = $s->file('mem.scp', "enable\nmail to fred\@example.test subject "
        . "\"Host: %N with Serial: %S\" queue-only\nexit\nnonsense\n");
    ($status, $out, $err) = $s->run('run', $script);
    like($out, qr/\ASending \S+ queued\.\n\z/, 'without echo');
    is("$status$err", '0', 'what follows exit is not read');
    ($status, $out) = $s->run('run', 'echo', $script);
    like($out, qr/\Aenable\nmail to .*\nSending \S+ queued\.\nexit\n\z/, 'with echo');
    is(($s->run('run', '/nonexistent'))[0], 66, 'missing script');
    is(($s->run('run', $s->file('bad', "mail smtpserver port 0\n")))[0], 64, 'wrong line');
};

subtest 'S39 S44 S45: the queue' => sub {
    $s->run(qw(delete mail all));
    is(scalar($s->ids), 0, 'S45: delete mail all');
    my ($id) = queue('', 'to', 'bob@example.test', 'subject', "caf\xc3\xa9");
    my ($second) = queue('', 'to', 'amy@example.test', 'subject', 'two');
    like(($s->run(qw(show mail)))[1], qr/
        \nMessages\n-----\n
        To\ {34}:\ bob\@example\.test\n
        Subject\ {29}:\ caf\xc3\xa9\n
        Message-ID\ {26}:\ \Q$id\E\n
        To\ {34}:\ amy\@example\.test\n
        Subject\ {29}:\ two\n
        Message-ID\ {26}:\ \Q$second\E\n\z/x, 'S39 S44: show mail');
    like(($s->run(qw(show mail json)))[1], qr/"id": "\Q$id\E".*"address": "bob\@example\.test", "result": "pending"/,
        'json');
    ($status, $out, $err) = $s->run('delete', 'mail', 'mail-id', $id);
    is("$status$out$err", '0', 'S45: delete mail mail-id, silent');
    ($status, $out, $err) = $s->run('delete', 'mail', $second);
    is("$status$out$err", '0', 'S45: delete mail without keyword');
    ($status, $out, $err) = $s->run('delete', 'mail', $second);
    is($status, 1, 'S45: an unknown id');
    is($err, "% Error: no mail $second in the queue\n", 'S45: sentence');
    is(($s->run(qw(delete mail)))[0], 64, 'S45: without parameter');
};

subtest 'S46: counters' => sub {
    is(($s->run(qw(show counter mail)))[1], <<'TEXT', 'layout');
Mail Client (SMTP) counters
Mails Sent           ..... 0
Mails Sent Fails     ..... 0
TEXT
    write_file($s->spool . '/counters', "7 8 70 80 another-boot\n");
    is(($s->run(qw(show counter mail json)))[1],
        "{\"sent\": 0, \"failed\": 0, \"sent_total\": 70, \"failed_total\": 80}\n", 'after a restart');
};

subtest 'attachments' => sub {
    my $file = $s->file("caf\xc3\xa9 1.bin", "\0\1\2\r\n\n");
    my (undef, $mail) = queue("text\n", qw(to a@b.c attach), $file);
    my ($boundary) = $mail =~ /boundary="(=_[0-9a-f]+)"/;
    like($mail, qr{--\Q$boundary\E\r\nContent-Type:\ text/plain;.*?\r\n\r\ntext\r\n\r\n--\Q$boundary\E\r\n}xs, 'text');
    like($mail, qr{filename\*=utf-8''caf%C3%A9%201\.bin\r\n\r\nAAECDQoK\r\n\r\n--\Q$boundary\E--\r\n\z}, 'file');
};

subtest 'S03 S73: a server that is down' => sub {
    $s->run(qw(delete mail all));
    ($status, $out, $err) = $s->input("x\n", qw(mail to a@b.c subject down));
    is($status, 0, 'accepted');
    like($out, qr/^Sending \S+\.\.\. queued\.$/, 'S24: queued');
    like($err, qr/^% the server cannot be reached/, 'says why');
    like(($s->run(qw(show mail)))[1], qr/^Status +: waiting: the server cannot be reached/m, 'status');
    is(($s->input("x\n", qw(mail to a@b.c wait)))[0], 75, 'wait: 75');
    $s->set('mail smtpserver host.invalid');
    ($status, $out, $err) = $s->input("x\n", qw(mail to a@b.c));
    like($err, qr/^% the name of the server cannot be resolved/, 'S03: a name that does not resolve');
    like($out, qr/queued\.$/, 'S03: stays in the queue');
    is(scalar($s->ids), 3, 'all are there');
};

done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# The names sendmail, mailq and newaliases: what cron, PHP and git expect.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use T::Dir qw(read_file);
use T::SmtpServer;
use T::Submit;
use T::Wait qw(until_true);

my $server = T::SmtpServer->start(ehlo => ['PIPELINING', '8BITMIME']);
my $s = T::Submit->new;
$s->set('mail smtpserver 127.0.0.1', 'mail smtpserver port ' . $server->port,
    'mail from fred@example.test', 'mail hostname top', 'mail alias root admin@example.test');
symlink $s->program, $s->dir . "/$_" for qw(sendmail mailq newaliases);
my ($status, $out, $err);

sub sendmail {
    my ($input, @options) = @_;
    ($status, $out, $err) = $s->spawn($input, $s->dir . '/sendmail', '-C', $s->conf, @options);
}

# Queues and returns the file in the queue.
sub queue {
    my ($input, @options) = @_;
    my %before = map { $_ => 1 } $s->ids;
    sendmail($input, '-odq', @options);
    is("$status$out$err", '0', "sendmail @options");
    my ($id) = grep { !$before{$_} } $s->ids;
    return read_file($s->spool . '/new/' . ($id // 'none')) // '';
}

subtest 'recipients on the command line, missing fields are added' => sub {
    my $mail = queue("Subject: cron\n\noutput\n", '-i', 'root');
    like($mail, qr/^sender fred\@example\.test$/m, 'the configured sender');
    like($mail, qr/^recipient admin\@example\.test$/m, 'the alias');
    like($mail, qr/\nSubject: cron\r\nFrom: <fred\@example\.test>\r\nTo: undisclosed-recipients:;\r\nDate: .*\r\nMessage-ID: <\d+\.\d+\.[0-9a-f]+\@top>\r\n\r\noutput\r\n\z/,
        'message');
};

subtest '-t: recipients of the header, Bcc goes' => sub {
    my $mail = queue("From: Me <me\@example.test>\nTo: root, Bo <bo\@example.test>\nCc: cc\@example.test\n"
        . "Bcc: secret\@example.test,\n other\@example.test\nDate: x\nMessage-Id: <y\@z>\n\nhi\n", '-t', '-i');
    is(join(' ', sort $mail =~ /^recipient (\S+)$/mg),
        'admin@example.test bo@example.test cc@example.test other@example.test secret@example.test', 'envelope');
    my ($message) = $mail =~ /(^From: Me.*)/ms;
    unlike($message, qr/secret|other|Bcc/i, 'no Bcc');
    like($message, qr/^To: <admin\@example\.test>,\r\n <bo\@example\.test>\r$/m, 'To: root is replaced');
    like($message, qr/^Date: x\r\nMessage-Id: <y\@z>\r\n\r\nhi/m, 'what is there stays');
};

subtest '-t with Resent fields' => sub {
    my $mail = queue("To: a\@b.c\nResent-To: d\@e.f\nResent-Bcc: g\@h.i\n\nx\n", '-ti');
    is(join(' ', $mail =~ /^recipient (\S+)$/mg), 'd@e.f g@h.i', 'those alone');
};

subtest 'options' => sub {
    like(queue("\nx\n", qw(-i -f bounce@example.test a@b.c)), qr/^sender bounce\@example\.test$/m, '-f');
    like(queue("\nx\n", qw(-i -rbounce@example.test a@b.c)), qr/^sender bounce\@example\.test$/m, '-r');
    like(queue("\nx\n", '-i', '-f', '<>', 'a@b.c'), qr/^sender $/m, 'null sender');
    like(queue("\nx\n", '-i', '-F', "J\xc3\xb6 Doe", 'a@b.c'), qr/^From: =\?utf-8\?B\?SsO2IERvZQ==\?= <fred\@example\.test>\r$/m, '-F');
    like(queue("\nx\n", qw(-oi -oem -bm -v -B8BITMIME -- a@b.c)), qr/^recipient a\@b\.c$/m, 'what means nothing here');
    like(queue("\nx\n", '-i', 'a@b.c, Bo <d@e.f>'), qr/^recipient a\@b\.c\nrecipient d\@e\.f$/m, 'a list in one word');
    for (['-bs', 'SMTP on standard input'], ['-bd', 'a daemon that takes mail'], ['-bv', 'to check addresses'], ['-bx', '']) {
        my ($option, $what) = @$_;
        sendmail('', $option);
        is($status, 64, "$option is refused");
        like($err, qr/^% Error: $option@{[$what && " \\(\Q$what\E\\)"]} is not supported; -bm takes a message, -bp /, "$option: and told why");
    }
    sendmail("\nx\n", '-i');
    is($status, 64, 'no recipient');
    sendmail("\nx\n", '-i', '-f', "a\@b.c\nRCPT TO:<x\@y.z>", 'a@b.c');
    is($status, 65, 'a sender with a line break');
    sendmail("\nx\n", '-i', "a\@b.c\r\nRCPT TO:<x\@y.z>");
    is($status, 65, 'a recipient with a line break');
    sendmail("Subject: x\n\n", '-ti', 'nobody');
    is($status, 65, 'a local name without alias');
};

subtest '-N, -R, -V: reports' => sub {
    my $mail = queue("\nx\n", '-i', '-N', 'success,delay', '-Rhdrs', '-V', 'QQ314', 'a@b.c');
    like($mail, qr/^notify SUCCESS,DELAY\nreturn HDRS\nenvelope-id QQ314\n/m, 'in the envelope');
    like(queue("\nx\n", '-i', '-N', 'NEVER', '-V', 'a b=c', 'a@b.c'), qr/^notify NEVER\nenvelope-id a\+20b\+3Dc\n/m, 'encoded');
    for ([qw(-N sometimes)], [qw(-R some)], ['-V', ''], ['-V', 'x' x 101], ['-N', "never\r\nRSET"]) {
        sendmail("\nx\n", '-i', @$_, 'a@b.c');
        is($status, 64, "@$_[0] with a wrong value");
        like($err, qr/^% Error: $_->[0] ".*": expected /s, 'and what is expected');
    }
    my $other = T::SmtpServer->start(ehlo => ['DSN']);
    $s->set('mail smtpserver port ' . $other->port);
    sendmail("\nx\n", qw(-i -odi -N failure -R full -V QQ1 a@b.c));
    is(($other->lines('MAIL'))[0], 'MAIL FROM:<fred@example.test> RET=FULL ENVID=QQ1', 'MAIL');
    is(($other->lines('RCPT'))[0], 'RCPT TO:<a@b.c> NOTIFY=FAILURE ORCPT=rfc822;a@b.c', 'RCPT');
    sendmail("\nx\n", qw(-i -odi -V QQ2 a@b.c));
    is(($other->lines('MAIL'))[1], 'MAIL FROM:<fred@example.test> ENVID=QQ2', '-V alone');
    $s->set('mail smtpserver port ' . $server->port);
    sendmail("\nx\n", qw(-i -odi -N failure -R full -V QQ1 a@b.c));
    is("$status$out$err", '0', 'a server without DSN gets the mail');
    is(($server->lines('MAIL'))[-1], 'MAIL FROM:<fred@example.test>', 'and no wish');
};

subtest 'a lone dot ends the message, unless -i' => sub {
    like(queue("\none\n.\ntwo\n", 'a@b.c'), qr/\r\n\r\none\r\n\z/, 'without -i');
    like(queue("\n.\ntwo\n", 'a@b.c'), qr/\r\n\r\n\z/, 'at once');
    like(queue("\r\none\r\n.\r\ntwo\r\n", 'a@b.c'), qr/\r\n\r\none\r\n\z/, 'with CRLF');
    like(queue("\none\n..\n.x\n", 'a@b.c'), qr/\r\n\r\none\r\n\.\.\r\n\.x\r\n\z/, 'other dots stay');
    like(queue("\none\n.\ntwo\n", '-i', 'a@b.c'), qr/\r\n\r\none\r\n\.\r\ntwo\r\n\z/, 'with -i');
};

subtest 'what is not plain ASCII becomes MIME' => sub {
    my $mail = queue("Subject: caf\xc3\xa9\n\ncaf\xc3\xa9 au lait\n", '-i', 'a@b.c');
    like($mail, qr/^Subject: =\?utf-8\?B\?Y2Fmw6k=\?=\r$/m, 'subject');
    like($mail, qr/^MIME-Version: 1\.0\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=C3=A9 au lait\r\n\z/m, 'body');
    unlike($mail, qr/^eightbit/m, 'no 8 bits are left');
    $mail = queue("MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\ncaf\xc3\xa9\n", '-i', 'a@b.c');
    like($mail, qr/^eightbit/m, 'MIME stays as it is');
    like($mail, qr/\r\n\r\ncaf\xc3\xa9\r\n\z/, 'byte for byte');
};

subtest 'mailq, newaliases, -bp' => sub {
    ($status, $out, $err) = $s->spawn('', $s->dir . '/mailq', '-C', $s->conf);
    like($out, qr/^Messages\n-----\n(?:.*\n)*To +: admin\@example\.test$/m, 'mailq');
    sendmail('', '-bp');
    like($out, qr/^Messages$/m, '-bp');
    ($status, $out, $err) = $s->spawn('', $s->dir . '/newaliases');
    is("$status$out$err", '0', 'newaliases');
};

subtest 'delivery' => sub {
    $s->run(qw(delete mail all));
    sendmail("Subject: now\n\nx\n", qw(-i -odi a@b.c));
    is("$status$out$err", '0', '-odi is silent');
    is(scalar(grep { $_->[1] =~ /^Subject: now\r$/m } $server->messages), 1, '-odi: sent');
    sendmail("Subject: background\n\nx\n", qw(-i a@b.c));
    ok(until_true(sub { grep { $_->[1] =~ /^Subject: background\r$/m } $server->messages }, 10), 'in the background');
    ok(until_true(sub { !$s->ids }, 10), 'the queue is empty');
    queue("Subject: 8\nMIME-Version: 1.0\n\n\xc3\xa9\n", qw(-i a@b.c));
    sendmail('', '-q');
    like(($server->lines('MAIL'))[-1], qr/ BODY=8BITMIME$/, '-q, and 8BITMIME is declared');
};

$server->stop;
done_testing();

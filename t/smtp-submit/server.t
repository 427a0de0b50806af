#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# What servers do that they should not do.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use T::Dir qw(read_file);
use T::SmtpServer;
use T::Submit;

my ($status, $out, $err);

# A scripted server and a program that uses it.
sub pair {
    my ($settings, %script) = @_;
    my $server = T::SmtpServer->start(%script);
    my $s      = T::Submit->new;
    $s->set('mail smtpserver 127.0.0.1', 'mail from fred@example.test',
        'mail smtpserver port ' . $server->port, @$settings);
    return ($s, $server);
}

sub mail { my $s = shift; ($status, $out, $err) = $s->input("hello\n.dot\n", qw(mail to bob@example.test), @_) }

my @auth = ('mail smtpserver authentication plain username fred password secret');

subtest 'AUTH is configured and not offered: never MAIL' => sub {
    my ($s, $server) = pair(\@auth);
    mail($s, 'wait');
    is($status, 77, 'exit status');
    is($err, "% the server offers no authentication\n", 'sentence');
    is(scalar($server->lines('MAIL')), 0, 'no MAIL');
    is(scalar($s->ids), 1, 'stays in the queue');
};

subtest 'another mechanism only' => sub {
    my ($s, $server) = pair(\@auth, ehlo => ['AUTH=CRAM-MD5 LOGIN']);
    mail($s, 'wait');
    is($status, 77, 'exit status');
    is(scalar($server->lines('AUTH')) + scalar($server->lines('MAIL')), 0, 'neither AUTH nor MAIL');
};

subtest 'EHLO is refused' => sub {
    my ($s, $server) = pair(\@auth, ehlo => '502 no');
    mail($s, 'wait');
    is($status, 77, 'exit status');
    is(scalar($server->lines('MAIL')), 0, 'no MAIL');
    ($s, $server) = pair([], ehlo => '502 no');
    mail($s);
    like($out, qr/ ok\.$/, 'without authentication HELO is enough');
};

subtest 'keywords in lower case' => sub {
    my ($s, $server) = pair([], ehlo => ['pipelining', 'size=100000']);
    mail($s);
    like($out, qr/ ok\.$/, 'sent');
    like(($server->lines('MAIL'))[0], qr/ SIZE=\d+$/, 'size was understood');
};

subtest 'S13: STARTTLS is missing or refused' => sub {
    for my $offer ([], ['STARTTLS']) {
        my ($s, $server) = pair([@auth, 'mail smtpserver tls starttls'], ehlo => $offer);
        mail($s);
        like($out, qr/ queued\.$/, 'queued');
        is(scalar($server->lines('AUTH')) + scalar($server->lines('MAIL')), 0, 'no AUTH, no MAIL in clear');
    }
};

subtest 'greetings' => sub {
    for my $login ([], \@auth) {
        for my $greeting ('421 busy', '554 go away', 'DROP', 'SSH-2.0-x', '220-first', 'x' x 5000) {
            my ($s, $server) = pair(['mail smtpserver timeout 1', @$login], greeting => $greeting);
            mail($s, 'wait');
            is($status, 75, substr($greeting, 0, 10) . ': stays in the queue');
            like($err, qr/^% the server\b/, 'and it is said why');
        }
    }
};

subtest 'a server that says nothing' => sub {
    my ($s, $server) = pair(['mail smtpserver timeout 1'], greeting => 'HANG');
    mail($s, 'wait');
    is($status, 75, 'stays in the queue');
    like($err, qr/^% the server does not answer/, 'says why');
};

subtest 'dropped after the dot: in doubt' => sub {
    for my $policy ('resend', 'hold') {
        my $tries = 0;
        my ($s, $server) = pair(["mail in-doubt $policy"], ehlo => ['PIPELINING'],
            dot => sub { $_[1]{number} == 1 ? 'TAKE DROP' : '250 queued' });
        mail($s);
        like($out, qr/ in doubt\.$/, 'says so');
        my ($id) = $s->ids;
        like(($s->run(qw(show mail)))[1], qr/^Status +: in doubt: the server may have this mail$/m, 'is shown');
        $s->run('flush');
        my @messages = $server->messages;
        is(scalar(@messages), $policy eq 'resend' ? 2 : 1, "$policy: copies");
        if ($policy eq 'hold') {
            is(($s->run('retry', $id))[1], "Sending $id... ok.\n", 'retry sends it');
            @messages = $server->messages;
        }
        my @ids = map { $_->[1] =~ /^(Message-ID: .*)/m } @messages;
        is($ids[0], $ids[1], 'with the same Message-ID');
        is(scalar($s->ids), 0, 'queue is empty');
    }
};

subtest 'replies to the dot' => sub {
    my %expected = ('252 well' => ' ok.', '200 x' => ' ok.', '554 spam' => ' failed: 554 spam',
        '451 later' => ' queued.', '421 closing DROP' => ' queued.', 'frog' => ' in doubt.');
    for my $reply (sort keys %expected) {
        my ($s, $server) = pair([], dot => $reply);
        mail($s);
        like($out, qr/\Q$expected{$reply}\E$/, $reply);
    }
};

subtest '421 in mid-dialogue' => sub {
    for my $step (qw(mail rcpt data)) {
        for my $ehlo ([], ['PIPELINING']) {
            my ($s, $server) = pair([], $step => '421 4.3.0 closing DROP', ehlo => $ehlo);
            mail($s);
            like($out, qr/ queued\.$/, "$step: queued");
            is(scalar($server->messages), 0, "$step: nothing taken");
        }
    }
};

subtest 'refusals' => sub {
    my %expected = ('550 no' => ' failed: 550 no', '451 wait' => ' queued.');
    for my $step (qw(mail rcpt data)) {
        for my $reply (sort keys %expected) {
            for my $ehlo ([], ['PIPELINING']) {
                my ($s, $server) = pair([], $step => $reply, ehlo => $ehlo);
                mail($s);
                like($out, qr/\Q$expected{$reply}\E$/, "$step $reply");
            }
        }
    }
};

subtest 'all recipients refused, 354 all the same' => sub {
    my ($s, $server) = pair([], ehlo => ['PIPELINING'],
        rcpt => sub { $_[0] =~ /bad/ ? '550 no' : '250 ok' });
    $s->input("one\n", qw(mail to bad@example.test subject one queue-only));
    $s->input("two\n", qw(mail to good@example.test subject two queue-only));
    is(($s->run('flush'))[1], "1 sent, 0 waiting, 1 failed\n", 'flush');
    my @messages = $server->messages;
    is(scalar(@messages), 1, 'one message was taken');
    is($messages[-1][0], 'good@example.test', 'the second mail has its own recipient');
    like($messages[-1][1], qr/^Subject: two\r$/m, 'and its own text');
};

subtest 'QUIT is not answered' => sub {
    my ($s, $server) = pair([], quit => 'HANG');
    my $start = time;
    mail($s);
    like($out, qr/ ok\.$/, 'sent');
    cmp_ok(time - $start, '<', 5, 'at once');
};

subtest 'the connection ends between two mails' => sub {
    my ($s, $server) = pair([], ehlo => ['PIPELINING'], dot => '250 queued DROP');
    $s->input("x\n", qw(mail to a@example.test queue-only)) for 1 .. 4;
    is(($s->run('flush'))[1], "4 sent, 0 waiting, 0 failed\n", 'each is sent');
    is(scalar($server->messages), 4, 'once');
};

subtest 'dots and what is sent' => sub {
    my ($s, $server) = pair([]);
    mail($s, qw(subject x));
    my ($message) = $server->messages;
    like($message->[1], qr/\r\n\r\nhello\r\n\.dot\r\n\z/, 'text');
    like(($server->lines('EHLO'))[0], qr/^EHLO \S+$/, 'EHLO name');
    is_deeply([$server->lines('MAIL'), $server->lines('RCPT')],
        ['MAIL FROM:<fred@example.test>', 'RCPT TO:<bob@example.test>'], 'envelope');
};

subtest 'S05: no password in clear text beyond this machine' => sub {
    my ($name) = `hostname -I` =~ /(\d+\.\d+\.\d+\.\d+)/;
    plan skip_all => 'this machine has loopback only' unless $name;
    my $s = T::Submit->new;
    $s->set("mail smtpserver $name", 'mail from fred@example.test', @auth);
    mail($s, 'wait');
    is($status, 78, 'exit status');
    like($err, qr/^% the password may not be sent without TLS/, 'says why');
    $s->set('mail smtpserver allow-cleartext-auth', 'mail smtpserver port 1');
    my ($id) = $s->ids;
    like(($s->run('retry', $id))[2], qr/^% the server cannot be reached/, 'allowed: it tries');
};

subtest 'S49: debug lines' => sub {
    my ($s, $server) = pair(['mail smtpserver authentication plain username fred password uniqueWord'],
        ehlo => ['AUTH=PLAIN']);
    mail($s, 'debug');
    my $port = $server->port;
    my $stamp = qr/^\d\d:\d\d:\d\d \S+ smtp-submit\[\d+\]: /m;
    like($err, qr/$stamp\QCreating connection to host (127.0.0.1:$port)\E$/m, 'connection');
    like($err, qr/$stamp\QAuthentication succeeded [fred]\E$/m, 'authentication');
    like($err, qr/$stamp\QRecipient accepted [bob\E\@example\.test\]$/m, 'recipient');
    like($err, qr/${stamp}Mail sent for bob\@example\.test\. Closing connection$/m, 'sent');
    unlike($err, qr/uniqueWord|AGZyZWQ/, 'no password, nor its base64');
};

subtest 'S06: a key that is not the one' => sub {
    my ($s, $server) = pair(\@auth, ehlo => ['AUTH=PLAIN']);
    unlink $s->dir . '/submit.key';
    mail($s, 'wait');
    is($status, 78, 'without the key: exit status');
    like($err, qr/^% % Error: key file|^% Error: key file/, 'without the key: sentence');
    T::Dir::write_file($s->dir . '/submit.key', 'A' x 43 . "=\n");
    ($status, $out, $err) = $s->run('flush');
    like($err, qr/not one that this key sealed/, 'another key: sentence');
    is(scalar($server->lines('AUTH')), 0, 'no AUTH');
};

subtest 'passwords arrive as they are' => sub {
    require MIME::Base64;
    for my $password ("a b", 'p#"=:\\', "\xc3\xa9", 'x' x 1000) {
        my ($s, $server) = pair([], ehlo => ['AUTH=PLAIN']);
        $s->input("$password\n", qw(mail smtpserver authentication plain username fred password-stdin));
        mail($s);
        my ($sent) = ($server->lines('AUTH PLAIN '))[0] =~ /^AUTH PLAIN (\S+)/;
        is(MIME::Base64::decode_base64($sent // ''), "\0fred\0$password", substr $password, 0, 8);
    }
};

subtest 'XOAUTH2: a token by command' => sub {
    require MIME::Base64;
    my $token = 'ya29.' . 'x' x 1500;
    my ($s, $server) = pair([], ehlo => ['AUTH=XOAUTH2']);
    my $program = $s->file('token', "#!/bin/sh\necho run >> " . $s->dir . "/runs\necho $token\n");
    chmod 0755, $program;
    $s->set("mail smtpserver authentication xoauth2 username fred\@example.test password-command $program");
    mail($s);
    like($out, qr/ ok\.$/, 'sent') or diag $err;
    my ($sent) = map { /^AUTH XOAUTH2 (\S+)/ } $server->lines('AUTH');
    is(MIME::Base64::decode_base64($sent // ''), "user=fred\@example.test\x01auth=Bearer $token\x01\x01", 'user and token');
    mail($s);
    is(read_file($s->dir . '/runs'), "run\nrun\n", 'asked for each connection: a token gets old');
    chmod 0644, $program;
    mail($s, 'wait');
    is($status, 78, 'a command that does not run');
    is(scalar($s->ids), 1, 'the mail waits');
    unlike($err . ($s->run(qw(show running-config)))[1], qr/ya29/, 'no token anywhere');
};

subtest 'the key as a credential of systemd' => sub {
    my ($s, $server) = pair(\@auth, ehlo => ['AUTH=PLAIN']);
    mkdir $s->dir . '/credentials';
    rename $s->dir . '/submit.key', $s->dir . '/credentials/smtp-submit.key';
    mail($s, 'wait');
    is($status, 78, 'the key is not where it was');
    local $ENV{CREDENTIALS_DIRECTORY} = $s->dir . '/credentials';
    is(($s->run('flush'))[1], "1 sent, 0 waiting, 0 failed\n", 'and found where systemd puts it');
    is(scalar($server->lines('AUTH PLAIN')), 1, 'it opens the password');
};

subtest '50 MB in constant memory' => sub {
    plan skip_all => 'not with the sanitizers' if (read_file(T::Dir::build() . '/flags') // '') =~ /-fsanitize/;
    my ($s, $server) = pair([]);
    my $line = 'x' x 999 . "\n";
    my $file = $s->file('large', $line x 52_000);
    my $kilobytes = 40_000;    # of addresses, libraries and all
    ($status, $out, $err) = $s->spawn("text\n", 'sh', '-c', 'ulimit -v "$0" && exec "$@"', $kilobytes,
        $s->command(qw(mail to bob@example.test subject large attach), $file));
    like($out, qr/ ok\.$/, "with $kilobytes kB of memory: queued and sent") or diag $err;
    my ($message) = $server->messages;
    require MIME::Base64;
    my ($part) = $message->[1] =~ /filename\S*\r\n\r\n(.*?)\r\n--=_/s;
    ok(MIME::Base64::decode_base64($part // '') eq $line x 52_000, 'byte for byte');
    ($status, $out, $err) = $s->spawn($line x 52_000, 'sh', '-c', 'ulimit -v "$0" && exec "$@"', $kilobytes,
        $s->command(qw(mail to bob@example.test subject typed)));
    like($out, qr/ ok\.$/, 'from standard input, too') or diag $err;
    is(length(($server->messages)[1][1] =~ s/^.*?\r\n\r\n//sr) >= 52_000_000, 1, 'whole');
};

subtest 'password file and command' => sub {
    require MIME::Base64;
    my $other = T::Submit->new;
    my $file  = $other->file('pw', "fromFile\n");
    my ($s, $server) = pair(["mail smtpserver authentication plain username u password-file $file"],
        ehlo => ['AUTH=PLAIN']);
    mail($s);
    $s->set('mail smtpserver authentication plain username u password-command "/bin/echo from command"');
    mail($s);
    is(join('|', map { MIME::Base64::decode_base64($_ =~ s/AUTH PLAIN //r) } $server->lines('AUTH')),
        "|\0u\0fromFile|\0u\0from command" =~ s/^\|//r, 'both');
};

done_testing();

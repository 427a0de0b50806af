#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# What a server may offer beyond the plain dialogue (BDAT, delivery reports), and
# ways to it other than TCP (a socket on this machine, a SOCKS proxy).

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::IP;
use IO::Socket::UNIX;
use POSIX ();
use T::SmtpServer;
use T::Submit;

my ($status, $out, $err);

sub pair {
    my ($settings, %script) = @_;
    my $server = T::SmtpServer->start(%script);
    my $s      = T::Submit->new;
    $s->set('mail smtpserver 127.0.0.1', 'mail from fred@example.test',
        'mail smtpserver port ' . $server->port, @$settings);
    return ($s, $server);
}

sub send_mail { my ($s, $text, @words) = @_; ($status, $out, $err) = $s->input($text, qw(mail to bob@example.test), @words) }

# A program that accepts on $listen, lets $greet say where to, and passes bytes on.
sub relay {
    my ($listen, $greet) = @_;
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    while (my $client = $listen->accept) {
        my $server = $greet->($client) or next;
        my $select = IO::Select->new($client, $server);
        PASS: while (my @ready = $select->can_read(20)) {
            for my $from (@ready) {
                sysread $from, my $bytes, 65536 or last PASS;
                syswrite $from == $client ? $server : $client, $bytes;
            }
        }
        close $client;
    }
    POSIX::_exit(0);
}

subtest 'CHUNKING: BDAT, byte for byte' => sub {
    for my $ehlo ([qw(CHUNKING)], [qw(CHUNKING PIPELINING)]) {
        my ($s, $server) = pair([], ehlo => $ehlo);
        send_mail($s, ".one\n..\n.\nend", 'subject', 'dots');
        like($out, qr/ ok\.$/, "@$ehlo: sent");
        my @lines = $server->lines;
        is(scalar(grep { /^BDAT \d+ LAST$/ } @lines), 1, 'one BDAT');
        is(scalar(grep { /^DATA/ } @lines), 0, 'no DATA');
        like(($server->messages)[0][1], qr/\r\n\r\n\.one\r\n\.\.\r\n\.\r\nend\r\n\z/, 'no dot is doubled');
        my $big = join '', map { "line $_ of a message that needs many pieces\n" } 1 .. 4000;
        send_mail($s, $big);
        like($out, qr/ ok\.$/, 'a big one');
        is(($server->messages)[1][1] =~ s/.*?\r\n\r\n//sr =~ s/\r//gr, $big, 'its bytes');
        $s->input("$_\n", qw(mail to bob@example.test queue-only subject), "n$_") for 1 .. 5;
        is(($s->run('flush'))[1], "5 sent, 0 waiting, 0 failed\n", 'several on one connection');
        is(join(' ', map { $_->[1] =~ /^Subject: (n\d)/m } $server->messages), 'n1 n2 n3 n4 n5', 'each once');
    }
    my ($s, $server) = pair(['mail smtpserver without-chunking'], ehlo => ['CHUNKING']);
    send_mail($s, 'x');
    is(scalar($server->lines('DATA')), 1, 'without-chunking: DATA');
};

subtest 'CHUNKING: refusals and doubt' => sub {
    my %expected = ('554 spam' => ' failed: 554 spam', '451 later' => ' queued.', 'DROP' => ' in doubt.',
        'TAKE DROP' => ' in doubt.', '252 well' => ' ok.');
    for my $reply (sort keys %expected) {
        for my $ehlo ([qw(CHUNKING)], [qw(CHUNKING PIPELINING)]) {
            my ($s, $server) = pair([], ehlo => $ehlo, dot => $reply);
            send_mail($s, 'x');
            like($out, qr/\Q$expected{$reply}\E$/, $reply);
        }
    }
    for my $step (qw(mail rcpt)) {
        my ($s, $server) = pair([], ehlo => [qw(CHUNKING PIPELINING)], $step => '550 no');
        send_mail($s, 'x');
        like($out, qr/ failed: 550 no$/, "$step refused");
        is(scalar($server->lines('BDAT')), 0, 'nothing is sent');
    }
};

subtest 'DSN: what the sender wants to hear' => sub {
    my ($s, $server) = pair([], ehlo => ['DSN']);
    send_mail($s, 'x', 'notify', 'success,delay', 'return', 'headers');
    my ($id) = $out =~ /^Sending (\S+)\.\.\./;
    is(($server->lines('MAIL'))[0], "MAIL FROM:<fred\@example.test> RET=HDRS ENVID=$id", 'MAIL');
    is(($server->lines('RCPT'))[0], 'RCPT TO:<bob@example.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;bob@example.test', 'RCPT');
    $s->input('x', qw(mail to a+b@example.test notify never return full));
    is(($server->lines('RCPT'))[1], 'RCPT TO:<a+b@example.test> NOTIFY=NEVER ORCPT=rfc822;a+2Bb@example.test', 'xtext');
    send_mail($s, 'x');
    is(($server->lines('RCPT'))[2], 'RCPT TO:<bob@example.test>', 'nothing said');
    is(($s->input('x', qw(mail to a@b.c notify sometimes)))[0], 64, 'a wrong word');
    ($s, $server) = pair([], ehlo => []);
    send_mail($s, 'x', qw(notify failure));
    like($out, qr/ ok\.$/, 'a server without DSN gets the mail');
    is(($server->lines('RCPT'))[0], 'RCPT TO:<bob@example.test>', 'and no parameters');
};

subtest 'S01: IPv6, bare and in brackets, and a name' => sub {
    my ($s, $server) = pair([]);
    my $listen = IO::Socket::IP->new(LocalHost => '::1', Listen => 5) or plan skip_all => 'this machine has no IPv6';
    my $pid = relay($listen, sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->port) });
    $s->set('mail smtpserver port ' . $listen->sockport);
    for my $login ('', 'mail smtpserver authentication plain username u password p') {
        for my $host ('::1', '[::1]') {
            $s->set('no mail smtpserver authentication', "mail smtpserver $host", $login);
            send_mail($s, 'x', 'wait');
            $login ? like($err, qr/^% the server offers no authentication/, "$host, with a login")
                   : like($out, qr/ ok\.$/, $host);
        }
    }
    kill 'KILL', $pid;
    waitpid $pid, 0;
    $s->run(qw(delete mail all));
    $s->set('no mail smtpserver authentication', 'mail smtpserver localhost', 'mail smtpserver port ' . $server->port);
    send_mail($s, 'x', 'wait');
    like($out, qr/ ok\.$/, 'the second address of a name, when the first does not answer');
};

subtest 'a socket on this machine' => sub {
    my ($s, $server) = pair([]);
    my $path = $s->dir . '/smtp.socket';
    my $pid = relay(IO::Socket::UNIX->new(Local => $path, Listen => 5),
        sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->port) });
    $s->set("mail smtpserver unix-socket $path", 'mail smtpserver port 1');
    send_mail($s, 'x');
    like($out, qr/ ok\.$/, 'sent') or diag $err;
    kill 'KILL', $pid;
    waitpid $pid, 0;
};

subtest 'a SOCKS proxy' => sub {
    my ($s, $server) = pair([]);
    my ($asked, $notes) = ('', $s->dir . '/asked');
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5);
    my $pid = relay($listen, sub {
        my ($client) = @_;
        sysread $client, my $hello, 64;
        syswrite $client, "\5\0";
        sysread $client, my $request, 300;
        my ($name, $port) = unpack 'x4 C/a n', $request;
        T::Dir::write_file($notes, ord(substr $request, 3, 1) . " $name $port");
        syswrite $client, "\5\0\0\1\0\0\0\0\0\0";
        return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->port);
    });
    $s->set('mail smtpserver far.example.test', 'mail smtpserver port 2525',
        'mail smtpserver proxy socks5h://127.0.0.1:' . $listen->sockport);
    send_mail($s, 'x');
    like($out, qr/ ok\.$/, 'sent') or diag $err;
    is(T::Dir::read_file($notes), '3 far.example.test 2525', 'the proxy resolves the name');
    $s->set('mail smtpserver authentication plain username u password p');
    ($status, $out, $err) = $s->input('x', qw(mail to a@b.c wait));
    is($status, 78, 'S05: a proxy on loopback is no reason to send a password in clear text');
    kill 'KILL', $pid;
    waitpid $pid, 0;
    is(($s->run(qw(mail smtpserver proxy http://x:1)))[0], 64, 'another kind of proxy');
};

subtest 'EHLO keywords in small letters' => sub {
    my ($s, $server) = pair(['mail smtpserver tls starttls'], ehlo => ['starttls']);
    send_mail($s, 'x');
    like($out, qr/ queued\.$/, 'starttls: the mail waits, nothing goes out in clear text');
    like($err, qr/^% the server writes STARTTLS in small letters/, 'and it is said why');
    is(scalar($server->lines('MAIL')), 0, 'no MAIL');
    ($s, $server) = pair([], ehlo => ['pipelining', 'size=100000', '8bitmime', 'dsn', 'chunking']);
    send_mail($s, 'x', qw(notify never));
    like($out, qr/ ok\.$/, 'the others are understood');
    like(($server->lines('MAIL'))[0], qr/ SIZE=\d+/, 'size');
    is(scalar($server->lines('BDAT')), 1, 'chunking');
};

done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Settings: every form of the guide, the file, the sealed password, the layouts.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use T::Dir qw(read_file write_file);
use T::Submit;

my $s = T::Submit->new;
my ($status, $out, $err);

sub works {
    my ($line, $name) = @_;
    ($status, $out, $err) = $s->run(split / /, $line);
    is("$status$err", '0', $name // $line);
}

sub shown { ($s->run(qw(show running-config)))[1] }

subtest 'S18: without a sender nothing is queued' => sub {
    ($status, $out, $err) = $s->input("x\n", qw(mail to a@example.test));
    is($status, 78, 'exit status');
    is($err, "% Error: no sender is configured, use \"mail from\"\n", 'sentence');
    is_deeply([$s->ids], [], 'queue is empty');
};

subtest 'S40: show mail with nothing optional configured' => sub {
    works('mail smtpserver smtp.example.com', 'S01: mail smtpserver');
    works('mail from example@example.com',    'S18: mail from');
    is(($s->run(qw(show mail)))[1], <<'TEXT', 'layout');
Mail Settings
-----
State                               : Alive
SMTP Server                         : smtp.example.com
Host Name                           : example@example.com
Debug                               : Disabled

Messages
-----
TEXT
};

subtest 'S39 S42: show mail with everything' => sub {
    works('mail smtpserver authentication login username example password uniquePassword', 'S04');
    works('mail smtpserver tls starttls', 'S13');
    works('mail smtpserver port 2525', 'S09');
    works('debug mail', 'S48');
    is(($s->run(qw(show mail)))[1], <<'TEXT', 'layout');
Mail Settings
-----
State                               : Alive
SMTP Server                         : smtp.example.com
Host Name                           : example@example.com
Authentication                      : login
Username                            : example
Port                                : 2525
Use TLS                             : STARTTLS
Debug                               : Enabled

Messages
-----
TEXT
    works('no mail smtpserver port', 'S10');
    like(($s->run(qw(show mail)))[1], qr/^Port +: 587$/m, 'S11: 587 with STARTTLS');
    unlike(read_file($s->conf), qr/port/, 'S11: the default is not in the file');
    works('mail smtpserver tls smtps', 'S14');
    like(($s->run(qw(show mail)))[1], qr/^Port +: 465\nUse TLS +: SMTPS$/m, 'S11: 465 with SMTPS');
    works('no mail smtpserver tls', 'S15');
    like(($s->run(qw(show mail)))[1], qr/^Port +: 25\nDebug/m, 'S11: 25 without TLS');
    works('undebug mail', 'S48: undebug');
    works('debug mail');
    works('no debug mail', 'S48: no debug');
    like(($s->run(qw(show mail)))[1], qr/^Debug +: Disabled$/m, 'S42: Disabled');
};

subtest 'S08: the server stays while authentication is configured' => sub {
    my $before = read_file($s->conf);
    for my $line ('mail smtpserver other.example.com', 'no mail smtpserver') {
        ($status, $out, $err) = $s->run(split / /, $line);
        is($status, 78, "$line: exit status");
        is($err, "% Error: authentication configuration still exists\n", "$line: text");
    }
    is(read_file($s->conf), $before, 'the file is as it was');
    works('mail smtpserver smtp.example.com', 'the same server is fine');
};

subtest 'S06 S50: running-config is the file format' => sub {
    works('mail smtpserver tls starttls');
    my $config = shown();
    like($config, qr{\A
        mail\ smtpserver\ smtp\.example\.com\n
        mail\ smtpserver\ authentication\ login\ username\ example\ password\ 8\ [A-Za-z0-9+/]+=*\n
        mail\ smtpserver\ tls\ starttls\n
        mail\ from\ example\@example\.com\n
        mail\ spool\ \S+\n\z}x, 'lines and their order');
    unlike(read_file($s->conf), qr/uniquePassword/, 'no password in the file');
    my $file = read_file($s->conf);
    ($status, $out, $err) = $s->input($config, qw(config load -));
    is("$status$err", '0', 'config load -');
    is(shown(), $config, 'show running-config | config load - is the identity');
    is((stat $s->conf)[2] & 07777, 0640, 'mode of the file');
    is((stat $s->dir . '/submit.key')[2] & 07777, 0600, 'mode of the key');
};

subtest 'S06: two seals of one password differ' => sub {
    my %seen;
    for (1 .. 3) {
        works('mail smtpserver authentication login username example password uniquePassword');
        my ($blob) = shown() =~ /password 8 (\S+)/;
        ok(!$seen{$blob}++, 'another blob');
    }
};

subtest 'S04: where a password may come from' => sub {
    ($status, $out, $err) = $s->input("p#\"= \xc3\xa9\n",
        qw(mail smtpserver authentication plain username u --password-stdin));
    is("$status$err", '0', 'password-stdin');
    like(shown(), qr/authentication plain username u password 8 /, 'is sealed');
    works('config set authentication plain username u password-file /etc/pw', 'password-file');
    like(shown(), qr{username u password-file /etc/pw$}m, 'is shown');
    works('config set authentication plain username u password-command /bin/pw', 'password-command');
    like(shown(), qr{username u password-command /bin/pw$}m, 'is shown');
};

subtest 'S06: rekey' => sub {
    works('mail smtpserver authentication plain username u password secret');
    my $key = read_file($s->dir . '/submit.key');
    my ($blob) = shown() =~ /password 8 (\S+)/;
    works('rekey');
    isnt(read_file($s->dir . '/submit.key'), $key, 'another key');
    isnt((shown() =~ /password 8 (\S+)/)[0], $blob, 'another blob');
    ok(!-e $s->dir . '/submit.key.old', 'the old key is gone');
};

subtest 'S02 S07 S18: no' => sub {
    works('no mail smtpserver authentication', 'S07');
    unlike(read_file($s->conf), qr/authentication/, 'S07: the blob is gone');
    works('no mail smtpserver', 'S02');
    works('no mail from', 'S18');
    works('no mail smtpserver tls', 'S15');
    is(shown(), 'mail spool ' . $s->spool . "\n", 'only the queue is left');
};

subtest 'comments and order of the file are kept' => sub {
    write_file($s->conf, "! top\nmail from a\@b.c\n# middle\nmail spool " . $s->spool . "\n! end\n");
    works('mail from d@e.f');
    works('mail smtpserver x.example');
    is(read_file($s->conf), "! top\nmail from d\@e.f\n# middle\nmail spool " . $s->spool
        . "\n! end\nmail smtpserver x.example\n", 'file');
};

subtest 'S50: config load keeps comments and order' => sub {
    my $spool = 'mail spool ' . $s->spool;
    write_file($s->conf, "! top\n\nmail from a\@b.c\n# about the server\nmail smtpserver x.example\n"
        . "$spool\nlog email a\@b.c level error\n!\ntrigger 1\n type reboot\n! inside\n!\n! end\n");
    my $config = shown();
    for (1 .. 2) {
        $s->input($config, qw(config load -));
        is(read_file($s->conf), "! top\n\nmail from a\@b.c\n# about the server\nmail smtpserver x.example\n"
            . "$spool\nlog email a\@b.c level error\n!\ntrigger 1\n  type reboot\n!\n! inside\n! end\n", "the same settings, load $_");
        is(shown(), $config, 'which mean the same');
    }
    $s->input("$spool\nmail smtpserver y.example\nmail hostname top\n", qw(config load -));
    is(read_file($s->conf), "! top\n\n# about the server\nmail smtpserver y.example\n$spool\n! inside\n! end\nmail hostname top\n",
        'others');
};

subtest 'a server whose name is a keyword' => sub {
    ($status) = $s->input("mail smtpserver \"port\"\n");
    is($status, 0, 'in quotes');
    like(shown(), qr/^mail smtpserver "port"$/m, 'is shown in quotes');
};

subtest 'a wrong file names its line' => sub {
    write_file($s->conf, "! x\nmail frog\n");
    ($status, $out, $err) = $s->run(qw(show mail));
    is($status, 78, 'exit status');
    is($err, "% Invalid input \"frog\" (line 2) of " . $s->conf . "\n", 'sentence');
    write_file($s->conf, "show mail\n");
    is(($s->run(qw(show running-config)))[2],
        "% Invalid input: not a setting (line 1) of " . $s->conf . "\n", 'no setting');
};

subtest 'P1: the settings of an ocsmanager.ini' => sub {
    my @rows = (
        ["[DEFAULT]\ndebug = false\nemail_to = a\@b.c, d\@e.f\nsmtp_server = mx.example.com\nerror_email_from = ocs\@b.c\n",
            "mail smtpserver mx.example.com\nmail from ocs\@b.c\nlog email a\@b.c level error\nlog email d\@e.f level error\n"],
        ["[DEFAULT]\nemail_to = You <a\@b.c>\nerror_email_from = x\@b.c\nfrom_address = Ocs <y\@b.c>\n",
            undef],
        ["[DEFAULT]\n#email_to = a\@b.c\nerror_email_from = paste\@localhost\n[server:main]\nemail_to = z\@b.c\n",
            "mail smtpserver localhost\nmail from paste\@localhost\n"],
        ["[DEFAULT]\ndebug=true\nemail_to=a\@b.c\n", "mail smtpserver localhost\n"],
        ["[DEFAULT]\nsmtp_server: mx:2525\n", "mail smtpserver mx\nmail smtpserver port 2525\n"],
    );
    for my $row (@rows) {
        my ($ini, $expected) = @$row;
        my $s = T::Submit->new;
        write_file($s->conf, '');
        my ($status, $out, $err) = $s->run('config', 'import', $s->file('ocs.ini', $ini));
        if (!defined $expected) {
            is($status, 78, 'a list that is none is refused with a sentence');
            like($err, qr/^% Error: email_to: "You"/, 'which names it');
            next;
        }
        is("$status$err", '0', 'imported');
        is(($s->run(qw(show running-config)))[1], $expected, 'settings');
    }
};

subtest 'S69: help and wrong commands' => sub {
    write_file($s->conf, 'mail spool ' . $s->spool . "\n");
    is(($s->run(qw(mail smtpserver port ?)))[1],
        "<1-65535> TCP port of the SMTP server\n", '?');
    like(($s->run(qw(send --help)))[1], qr/^attach .*^<cr>$/ms, '--help');
    for my $line ('mail smtpserver port 65536', 'mail smtpserver a b', 'mail smtpserver', 'nonsense') {
        is(($s->run(split / /, $line))[0], 64, "$line: 64");
    }
    like(($s->run('help'))[1], qr/^mail smtpserver SERVER$/m, 'the whole grammar');
};

done_testing();

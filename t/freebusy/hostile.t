#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Bad input of every kind: a clear error, bounded time and memory, and nothing
# overwritten that was not ours.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", $FindBin::Bin;
use Digest::SHA qw(sha1);
use IO::Select;
use IO::Socket::IP;
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Test::More;
use Time::HiRes qw(time);
use T::Dir qw(read_file write_file temp_dir);
use T::Httpd;
use T::Process;
use T::Wait qw(free_port until_port);
use Ews qw(log_ok server post soap availability get_oof set_oof texts text);

my @window = (start => '2026-03-02T00:00:00', end => '2026-03-03T00:00:00', interval => 60);
my $httpd = server(users => [qw(alice bob)], conf => 'FreeBusySource file:@DIR@/cal/%{user}.ics');
my $cal = $httpd->dir . '/cal/alice.ics';

# The most memory of any of the server's processes so far, in MiB.
sub peak {
    my ($server) = @_;
    my ($most) = sort { $b <=> $a } map {
        (read_file("/proc/$_/stat") // '') =~ /^\d+ \(apache2\) \S (\d+)/ && ($1 == $server->pid || $_ == $server->pid)
            && (read_file("/proc/$_/status") // '') =~ /^VmHWM:\s+(\d+)/m ? $1 / 1024 : 0
    } map { m{(\d+)$} } glob '/proc/[0-9]*';
    return $most;
}

sub calendar {
    return join "\r\n", 'BEGIN:VCALENDAR', (map { ('BEGIN:VEVENT', "UID:$_", @{ $_[0][ $_ ] }, 'END:VEVENT') }
        0 .. $#{ $_[0] }), 'END:VCALENDAR', '';
}

# The code, digits and seconds of a question about alice.
sub ask {
    my ($server, %arg) = @_;
    my $begin = time;
    my ($status, $xml) = post($server, 'bob', availability(who => ['alice@example.test'], @window, %arg));
    return { status => $status, code => text($xml, 'ResponseCode'), took => time - $begin,
        digits => scalar text($xml, 'MergedFreeBusy') };
}

subtest 'times that are none' => sub {
    write_file($cal, calendar([]));
    for my $time ('2026-02-30T00:00:00', '2026-13-01T00:00:00', '2026-00-00T00:00:00', '2026-03-02T25:00:00',
        '2026-03-02', 'tomorrow', '', '-2026-03-02T00:00:00', '99999-01-01T00:00:00', '2026-03-02T00:00:00+99:00') {
        for my $side (qw(start end)) {
            my $got = ask($httpd, $side => $time);
            is("$got->{status} $got->{code}", '200 ErrorInvalidTimeInterval', "$side '$time'");
        }
    }
};

subtest 'windows that are none' => sub {
    my @row = (
        ['negative', ErrorInvalidTimeInterval => start => '2026-03-03T00:00:00', end => '2026-03-02T00:00:00'],
        ['empty', ErrorInvalidTimeInterval => end => $window[1]],
        ['a day more than allowed', ErrorTimeIntervalTooBig => end => '2026-05-04T00:00:00'],
        ['four centuries', ErrorTimeIntervalTooBig => start => '1900-01-01T00:00:00', end => '2300-01-01T00:00:00'],
        ['of all time', ErrorTimeIntervalTooBig => start => '1601-01-01T00:00:00', end => '4500-12-31T00:00:00'],
        ['before the calendar began', ErrorInvalidTimeInterval => start => '0001-01-01T00:00:00']);
    for my $row (@row) {
        my ($name, $code, @how) = @$row;
        is(ask($httpd, @how)->{code}, $code, $name);
    }
    is(ask($httpd, end => '2026-05-03T00:00:00')->{code}, 'NoError', '62 days are allowed');
    is(ask($httpd, interval => $_)->{code}, 'ErrorInvalidMergedFreeBusyInterval', "an interval of $_")
        for 4, 1441, 0, -30, 99999999999, 'x', '';
};

subtest 'rules that never end' => sub {
    for my $rule ('FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30', 'FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30',
        'FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30', 'FREQ=SECONDLY;COUNT=200000000', 'FREQ=SECONDLY',
        'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', 'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31',
        'FREQ=DAILY;BYSECOND=' . join(',', 0 .. 59) . ';BYMINUTE=' . join(',', 0 .. 59)) {
        write_file($cal, calendar([["RRULE:$rule", 'DTSTART:20200101T000000Z', 'DURATION:PT1S'],
            ['DTSTART:20260302T090000Z', 'DURATION:PT1H']]));
        my $got = ask($httpd);
        cmp_ok($got->{took}, '<', 3, "$rule ends");
        # Busy as a whole, or too much: never free where the other event is.
        ok($got->{code} ne 'NoError' || substr($got->{digits}, 9, 1) eq '2', "  $got->{code}");
    }
    my @many = map { ["RRULE:FREQ=HOURLY;INTERVAL=$_", 'DTSTART:19700101T000000Z', 'DURATION:PT1S'] } 1 .. 2000;
    write_file($cal, calendar(\@many));
    cmp_ok(ask($httpd)->{took}, '<', 3, 'two thousand of them together');
};

subtest 'calendars of 100 MB' => sub {
    my $before = peak($httpd);
    open my $big, '>', $cal;
    print $big "BEGIN:VCALENDAR\r\n";
    print $big "BEGIN:VEVENT\r\nDTSTART:20260302T090000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\n" x 1000 for 1 .. 1600;
    print $big "END:VCALENDAR\r\n";
    close $big;
    cmp_ok(-s $cal, '>', 100_000_000, 'a file of 100 MB');
    my $got = ask($httpd);
    is($got->{code}, 'ErrorFreeBusyGenerationFailed', '  is too long');
    cmp_ok($got->{took}, '<', 5, '  at once');
    my $there = T::Httpd->new->start;
    link $cal, $there->dir . '/htdocs/alice.ics' or rename $cal, $there->dir . '/htdocs/alice.ics';
    my $by_http = server(users => [qw(alice bob)], conf => 'FreeBusySource ' . $there->url('/%{user}.ics'));
    $got = ask($by_http);
    is($got->{code}, 'ErrorFreeBusyGenerationFailed', 'by HTTP as well');
    cmp_ok($got->{took}, '<', 5, '  at once');
    cmp_ok(peak($_), '<', $before + 40, '  nobody has read it all') for $httpd, $by_http;
    $_->stop for $by_http, $there;
    log_ok($by_http, 'PN14014');
    unlink $cal;

    # The longest that is read by default, of events that all count.
    write_file($cal, "BEGIN:VCALENDAR\r\n" . "BEGIN:VEVENT\r\nDTSTART:20260302T090000Z\r\nDURATION:PT1H\r\n"
        . "END:VEVENT\r\n" . ("BEGIN:VEVENT\r\nDTSTART:20260302T090000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\n" x 110_000)
        . "END:VCALENDAR\r\n");
    $got = ask($httpd);
    isnt($got->{code}, 'NoError', 'eight megabytes of events are too many');
    cmp_ok($got->{took}, '<', 5, '  which is found out in time');
    cmp_ok(peak($httpd), '<', $before + 200, '  and in bounded memory');
    write_file($cal, calendar([]));
};

# A calendar server made for this: what $serve->($socket) does with each
# connection, in a process of its own.
sub bad_server {
    my ($serve) = @_;
    my $listen = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 50);
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        $SIG{PIPE} = 'IGNORE';
        while (my $client = $listen->accept) { $serve->($client) }
        POSIX::_exit(0);
    }
    return ($listen->sockport, $pid);
}

subtest 'calendar servers' => sub {
    my $slowly = sub { my ($text) = @_; sub {
        my ($client) = @_;
        sysread $client, my $request, 4096;
        for my $byte (split //, $text) {
            syswrite $client, $byte or last;
            select undef, undef, undef, 0.05;    # as slow as it claims to be
        } } };
    my @row = (
        ['hangs', ErrorTimeoutExpired => sub { IO::Select->new($_[0])->can_read(5); sysread $_[0], my $x, 4096;
            sysread $_[0], $x, 1 }],
        ['drips', ErrorTimeoutExpired => $slowly->("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" . 'x' x 10000)],
        ['drips its header', ErrorTimeoutExpired => $slowly->("HTTP/1.1 200 OK\r\nX: " . 'x' x 10000)],
        ['has a header without end', ErrorFreeBusyGenerationFailed => sub { sysread $_[0], my $x, 4096;
            print { $_[0] } "HTTP/1.1 200 OK\r\n"; 1 while print { $_[0] } 'X-Long: ' . 'x' x 60000 . "\r\n" }],
        ['has a body without end', ErrorFreeBusyGenerationFailed => sub { sysread $_[0], my $x, 4096;
            print { $_[0] } "HTTP/1.1 200 OK\r\n\r\n"; 1 while print { $_[0] } 'x' x 60000 }],
        ['redirects to itself', ErrorFreeBusyGenerationFailed => sub { sysread $_[0], my $x, 4096;
            print { $_[0] } "HTTP/1.1 302 Found\r\nLocation: /alice.ics\r\nContent-Length: 0\r\n\r\n" }],
        ['redirects elsewhere', ErrorFreeBusyGenerationFailed => sub { sysread $_[0], my $x, 4096;
            print { $_[0] } "HTTP/1.1 301 Moved\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n" }],
        ['lies about its length', ErrorFreeBusyGenerationFailed => sub { sysread $_[0], my $x, 4096;
            print { $_[0] } "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nBEGIN:VCALENDAR\r\n"; close $_[0] }],
        ['says nothing', ErrorFreeBusyGenerationFailed => sub { sysread $_[0], my $x, 4096; close $_[0] }],
        ['speaks another protocol', ErrorFreeBusyGenerationFailed => sub { print { $_[0] } "220 mail ESMTP\r\n" }],
        ['sends a page', ErrorFreeBusyGenerationFailed => sub { sysread $_[0], my $x, 4096;
            print { $_[0] } "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>" }],
        ['has no time', ErrorFreeBusyGenerationFailed => sub { sysread $_[0], my $x, 4096;
            print { $_[0] } "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n" }]);
    for my $row (@row) {
        my ($name, $code, $serve) = @$row;
        my ($port, $pid) = bad_server($serve);
        my $server = server(users => [qw(alice bob)], conf =>
            "FreeBusySource http://127.0.0.1:$port/%{user}.ics\nFreeBusyTimeout 1500ms");
        my $got = ask($server);
        is("$got->{status} $got->{code}", "200 $code", "one that $name");
        cmp_ok($got->{took}, '<', 4, '  in time');
        cmp_ok(peak($server), '<', 120, '  in bounded memory');
        kill 'KILL', $pid;
        waitpid $pid, 0;
        $server->stop;
        log_ok($server, 'PN14014');
    }
};

# One that mod_mailbox takes is one more part of a path and no more.
subtest 'names that are paths' => sub {
    my $odd = server(users => ['alice'], conf => 'FreeBusySource file:@DIR@/cal/%{user}.ics', stopped => 1);
    my $mailboxes = $odd->dir . '/mailboxes';
    my $alice = read_file($mailboxes);
    my @names = ('../secret', '..', '.', '...', '/etc/passwd', 'a/../../secret', '.hidden', '%2e%2e%2fsecret',
        '..\\secret', '~root', '$HOME', '-rf', 'x' x 300, "\xc3\xa9");
    write_file($odd->dir . '/secret.ics', calendar([['DTSTART:20260302T090000Z', 'DURATION:PT1H']]));
    write_file($odd->dir . "/cal/$_.ics", calendar([['DTSTART:20260302T090000Z', 'DURATION:PT1H']])) for '.', '.hidden';
    my $taken = 0;
    for my $name (@names) {
        write_file($mailboxes, $alice . "\nuser: $name\npassword: {SHA}" . encode_base64(sha1('secret'), '')
            . "\nmail: odd\@example.test\n");
        if (!($odd->configtest)[0]) {
            pass("$name is no name of a mailbox");
            next;
        }
        $taken++;
        $odd->start;
        my (undef, $xml) = post($odd, 'alice', availability(who => ['odd@example.test'], @window));
        isnt(text($xml, 'ResponseCode'), 'NoError', "$name reads nothing");
        my (undef, $set) = post($odd, $name, set_oof('odd@example.test', state => 'Enabled', internal => 'x'),
            password => 'secret');
        unlike($set // '', qr/NoError/, '  and writes nothing');
        $odd->stop;
    }
    cmp_ok($taken, '>', 0, "$taken of them are taken for names");
    my @scripts = grep { /out-of-office/ } `find @{[ $odd->dir ]} -name '*.sieve*'`;
    is_deeply(\@scripts, [], 'no script is anywhere');
    log_ok($odd, qw(PN14014 PN14021 PN14023 PN14025 AH01617 AH01618));
};

subtest 'mailboxes of others' => sub {
    for my $address ('bob@example.test', 'BOB@EXAMPLE.TEST', 'bob.second@example.org', ' bob@example.test ',
        "alice\@example.test\nbob\@example.test", '*', 'alice@example.test)(mail=bob@example.test', '') {
        my ($status, $xml) = post($httpd, 'alice', set_oof($address, state => 'Enabled', internal => 'x'));
        like(text($xml, 'ResponseCode'), qr/^Error(AccessDenied|SchemaValidation)$/, "'$address' is not one's own");
    }
    ok(!-e $httpd->dir . '/sieve/bob/out-of-office.sieve', 'nothing was written');
};

subtest 'bombs' => sub {
    my $sound = availability(who => ['alice@example.test'], @window);
    my $laughs = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' . join('', map { my $b = chr(97 + $_);
        my $a = chr(96 + $_); qq(<!ENTITY $b ") . "&$a;" x 10 . '">' } 1 .. 8) . ']>';
    my %bomb = (
        'billion laughs' => $sound =~ s/(<soap:Envelope)/$laughs$1/r =~ s/alice/&i;/r,
        'a file'         => $sound =~ s/(<soap:Envelope)/<!DOCTYPE x [<!ENTITY f SYSTEM "file:\/\/\/etc\/passwd">]>$1/r
            =~ s/alice/&f;/r,
        'attributes'     => $sound =~ s/<t:MailboxData>/'<t:MailboxData ' . join(' ', map { "a$_=''" } 1 .. 20000) . '>'/er,
        'nested'         => $sound =~ s/<t:MailboxData>/'<t:x>' x 10000 . '<t:MailboxData>'/er,
        'name spaces'    => $sound =~ s/<t:MailboxData>/'<t:MailboxData ' . join(' ', map { "xmlns:a$_='b'" } 1 .. 10000) . '>'/er,
        'mailboxes'      => availability(who => [('alice@example.test') x 101], @window),
        'UTF-7'          => '<?xml version="1.0" encoding="UTF-7"?>+ADw-x/>');
    for my $name (sort keys %bomb) {
        my $begin = time;
        my ($status, $xml) = post($httpd, 'alice', $bomb{$name});
        # Many of what is harmless alone is only many.
        my $good = $name =~ /^(attributes|name spaces)$/ ? qr/^200$/ : qr/^(500|413)$/;
        like($status, $good, "$name: status");
        unlike($xml, qr/root:/, '  and nothing shown');
        cmp_ok(time - $begin, '<', 5, '  in time');
    }
    is((post($httpd, 'alice', $sound))[0], 200, 'the server lives');
};

$httpd->stop;
log_ok($httpd, qw(PN14014 PN14025));
done_testing();

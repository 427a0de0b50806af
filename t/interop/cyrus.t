#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Events entered in Cyrus IMAP's calendars are busy in Outlook's scheduling
# assistant: by its scheduling outbox, and by its free-busy-query report.

use strict;
use warnings;
use lib 't/lib', 't/freebusy';
use HTTP::Tiny;
use IO::Socket::IP;
use MIME::Base64 qw(encode_base64);
use Test::More;
use T::Dir qw(temp_dir write_file read_file);
use T::Process;
use T::Wait qw(free_port until_port until_true);
use Ews qw(log_ok server post availability texts text views_ok);

my $bin = '/usr/lib/cyrus/bin';
plan skip_all => 'Cyrus is started by root' if $> != 0;
plan skip_all => 'Cyrus with calendars is not installed'
    unless -x "$bin/httpd" && -x "$bin/lmtpd" && -x '/usr/sbin/saslpasswd2';

my ($dir, $lmtp, $http) = (temp_dir(), free_port(), free_port());
my @owner = (getpwnam 'cyrus')[2, 3];
chmod 0755, $dir;
for my $folder (qw(conf conf/socket conf/db conf/proc conf/log conf/user spool
    spool/stage. lock proc)) {
    mkdir "$dir/$folder";
    chown @owner, "$dir/$folder";
}
write_file("$dir/imapd.conf", <<"CONF", 0644);
configdirectory: $dir/conf
partition-default: $dir/spool
mboxname_lockpath: $dir/lock
proc_path: $dir/proc
servername: localhost
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: $dir/sasldb
sasl_mech_list: PLAIN
allowplaintext: yes
httpmodules: caldav
caldav_allowscheduling: on
calendar_user_address_set: example.test
autocreate_quota: 0
autocreate_post: yes
CONF
write_file("$dir/cyrus.conf", <<"CONF", 0644);
START {
}
SERVICES {
  lmtp cmd="lmtpd -C $dir/imapd.conf -a" listen="127.0.0.1:$lmtp" prefork=0
  http cmd="httpd -C $dir/imapd.conf" listen="127.0.0.1:$http" prefork=0
}
EVENTS {
}
CONF
for my $user (qw(alice bob)) {
    open my $in, '|-', 'saslpasswd2', '-p', '-c', '-f', "$dir/sasldb", '-u', 'localhost', $user;
    print $in "secret-$user";
    close $in or BAIL_OUT('saslpasswd2 failed');
}
chown @owner, "$dir/sasldb";
my $cyrus = T::Process->start(["$bin/master", '-C', "$dir/imapd.conf", '-M',
    "$dir/cyrus.conf", '-p', "$dir/pid", '-D'], "$dir/log");
until_port('127.0.0.1', $_, 30, $cyrus->pid) or BAIL_OUT(read_file("$dir/log"))
    for $lmtp, $http;

# A first mail makes the mailbox.
sub deliver {
    my ($user) = @_;
    my $s = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $lmtp);
    for my $line ('', 'LHLO localhost', 'MAIL FROM:<a@example.test>', "RCPT TO:<$user>",
        'DATA', "From: <a\@example.test>\r\nMessage-ID: <$user\@x>\r\n\r\nhello\r\n.") {
        print $s "$line\r\n" if $line;
        my $answer;
        do { $answer = <$s> // '' } while $answer =~ /^\d{3}-/;
        BAIL_OUT("Cyrus says $answer") unless $answer =~ /^[23]/;
    }
}
deliver($_) for qw(alice bob);

my $calendars = "http://127.0.0.1:$http/dav/calendars/user";

sub dav {
    my ($user, $method, $path, $content, %headers) = @_;
    return HTTP::Tiny->new(timeout => 20, keep_alive => 0)->request($method,
        "$calendars/$user/$path", { content => $content, headers => { %headers,
            Authorization => 'Basic ' . encode_base64("$user:secret-$user", '') } });
}

sub event {
    my ($uid, @lines) = @_;
    return join "\r\n", 'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//t//EN', 'BEGIN:VEVENT',
        "UID:$uid", 'DTSTAMP:20260101T000000Z', 'SUMMARY:secret', @lines, 'END:VEVENT',
        'END:VCALENDAR', '';
}

sub enter {
    my ($user, $name, @lines) = @_;
    dav($user, 'PROPFIND', '', '', Depth => 1);    # makes the calendar
    my $got = dav($user, 'PUT', "Default/$name.ics", event($name, @lines),
        'Content-Type' => 'text/calendar; charset=utf-8');
    is($got->{status}, 201, "$user enters $name") or diag $got->{content};
}
enter('alice', 'series', 'DTSTART:20260302T100000Z', 'DTEND:20260302T110000Z',
    'RRULE:FREQ=DAILY;COUNT=3');
enter('alice', 'perhaps', 'DTSTART:20260303T130000Z', 'DTEND:20260303T150000Z',
    'STATUS:TENTATIVE');
enter('alice', 'free', 'DTSTART:20260303T180000Z', 'DTEND:20260303T190000Z',
    'TRANSP:TRANSPARENT');
enter('bob', 'bobs', 'DTSTART:20260302T150000Z', 'DTEND:20260302T170000Z');

my @window = (start => '2026-03-02T00:00:00', end => '2026-03-04T00:00:00', interval => 60);
my $alice = '0' x 10 . '2' . '0' x 13 . '0' x 10 . '2' . '0' x 2 . '11' . '0' x 9;
my @events = (['2026-03-02T10:00:00', '2026-03-02T11:00:00', 'Busy'],
    ['2026-03-03T10:00:00', '2026-03-03T11:00:00', 'Busy'],
    ['2026-03-03T13:00:00', '2026-03-03T15:00:00', 'Tentative']);

sub ask {
    my ($httpd, $user, @who) = @_;
    return sub {
        my ($view) = @_;
        (post($httpd, $user, availability(who => [map { "$_\@example.test" } @who], @window,
            view => $view)))[1];
    };
}

# What the caller gets for $view, when only free/busy is known.
my %least = (Detailed => 'FreeBusy', DetailedMerged => 'FreeBusyMerged');

subtest 'scheduling outbox' => sub {
    my $httpd = server(users => [qw(alice bob carol)], conf =>
        "FreeBusySource outbox:$calendars/%{user}/Outbox/\nFreeBusySourceLogin caller");
    my $ask = ask($httpd, 'bob', qw(alice bob carol));
    views_ok($ask, $alice, \@events, 'alice is busy in every view');
    my $xml = $ask->('DetailedMerged');
    is((texts($xml, 'MergedFreeBusy'))[1], '0' x 15 . '22' . '0' x 31, 'so is bob');
    is((texts($xml, 'ResponseCode'))[2], 'ErrorFreeBusyGenerationFailed',
        'of carol Cyrus knows nothing');
    is((texts($xml, 'FreeBusyViewType'))[0], $least{DetailedMerged}, 'as far as is known');
    unlike($xml, qr/secret/, 'no subject is shown');
    $httpd->stop;
    log_ok($httpd, 'PN14014');
};

subtest 'free-busy-query report' => sub {
    my $httpd = server(users => [qw(alice bob)], conf =>
        "FreeBusySource report:$calendars/%{user}/\nFreeBusySourceLogin caller");
    views_ok(ask($httpd, 'alice', 'alice'), $alice, \@events,
        'all calendars of a home in every view');
    my $xml = ask($httpd, 'bob', 'alice')->('FreeBusy');
    is(text($xml, 'ResponseCode'), 'ErrorFreeBusyGenerationFailed',
        'Cyrus does not show one user the home of another');
    $httpd->stop;
    log_ok($httpd, 'PN14014');
};

# Office hours (RFC 7953), as clients of Apple set them: Cyrus counts what is
# outside as busy, and says of which kind.
subtest 'availability' => sub {
    my $office = join "\r\n", 'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//t//EN', 'BEGIN:VAVAILABILITY', 'UID:office',
        'DTSTAMP:20260101T000000Z', 'BEGIN:AVAILABLE', 'UID:hours', 'DTSTAMP:20260101T000000Z',
        'DTSTART:20260105T080000Z', 'DTEND:20260105T180000Z', 'RRULE:FREQ=DAILY', 'END:AVAILABLE',
        'END:VAVAILABILITY', 'END:VCALENDAR', '';
    my $got = dav('alice', 'PROPPATCH', 'Inbox/', '<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:" '
        . 'xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:calendar-availability>' . $office
        . '</C:calendar-availability></D:prop></D:set></D:propertyupdate>', 'Content-Type' => 'application/xml');
    like($got->{content}, qr{HTTP/1.1 200}, 'alice sets office hours') or diag $got->{content};
    my $httpd = server(users => [qw(alice bob)], conf =>
        "FreeBusySource outbox:$calendars/%{user}/Outbox/\nFreeBusySourceLogin caller");
    my $digits = text(ask($httpd, 'bob', 'alice')->('MergedOnly'), 'MergedFreeBusy');
    my $off = $alice =~ s/^0{8}/33333333/r;
    substr $off, $_, 1, '3' for 18 .. 31, 42 .. 47;
    is($digits, $off, 'away outside of them, busy as before within');
    $httpd->stop;
    log_ok($httpd);
};

$cyrus->stop;
done_testing();

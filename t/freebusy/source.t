#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Calendars over HTTP from a second httpd, and from servers that are dead, slow,
# too talkative, or send us elsewhere.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", $FindBin::Bin;
use IO::Socket::IP;
use Test::More;
use Time::HiRes qw(time);
use T::Ca;
use T::Dir qw(temp_dir write_file read_file);
use T::Httpd;
use T::Wait qw(free_port until_true);
use Ews qw(log_ok server post availability texts text);

my @window = (start => '2026-03-02T00:00:00', end => '2026-03-03T00:00:00',
    interval => 60);
my $nine = '0' x 9 . '2' . '0' x 14;

sub calendar {
    my ($hour) = @_;
    return sprintf "BEGIN:VCALENDAR\r\nBEGIN:VFREEBUSY\r\nFREEBUSY:20260302T%02d"
        . "0000Z/PT1H\r\nEND:VFREEBUSY\r\nEND:VCALENDAR", $hour;
}

my $ca_dir = temp_dir();
my $ca = T::Ca->make("$ca_dir");
my $dav = T::Httpd->new(tls => $ca, conf => <<'CONF');
<Location "/secret/">
    AuthType Basic
    AuthName Calendars
    AuthUserFile @DIR@/users
    Require user postern
</Location>
<Location "/header/">
    Require expr req('X-Remote-User') == 'alice'
</Location>
Redirect "/moved/" "/dav/"
CONF
my $docs = $dav->dir . '/htdocs';
for my $folder (qw(dav secret header big)) {
    mkdir "$docs/$folder";
    write_file("$docs/$folder/alice.ifb", calendar(9));
}
write_file("$docs/dav/bob.ifb", calendar(9));
write_file("$docs/dav/o\$d name.ifb", calendar(9));
write_file("$docs/big/alice.ifb",
    calendar(9) =~ s/^END:VFREEBUSY/"COMMENT:x\r\n" x 1000 . $&/mer);
write_file($dav->dir . '/users', 'postern:' . qx(openssl passwd -apr1 'top secret'));
$dav->start;

# The digits and codes of alice and bob with $conf as source.
sub ask {
    my ($conf, %arg) = @_;
    my $httpd = server(users => [qw(alice bob)], conf => $conf);
    my $begin = time;
    my ($status, $xml) = post($httpd, 'alice', availability(
        who => $arg{who} // [qw(alice@example.test bob@example.test)], @window));
    my $took = time - $begin;
    $httpd->stop;
    log_ok($httpd, qw(PN14014));
    return { status => $status, digits => [texts($xml, 'MergedFreeBusy')],
        codes => [texts($xml, 'ResponseCode')], took => $took,
        log => read_file($httpd->log_file) };
}

subtest 'http' => sub {
    my $got = ask('FreeBusySource ' . $dav->url('/dav/%{user}.ifb'));
    is_deeply($got->{digits}, [$nine, $nine], 'both are there');
};

subtest 'https' => sub {
    my $url = $dav->tls_url('/dav/%{user}.ifb');
    my $got = ask("FreeBusySource $url\nFreeBusySourceCA $ca->{ca}");
    is_deeply($got->{digits}, [$nine, $nine], 'with its CA');
    $got = ask("FreeBusySource $url");
    is_deeply($got->{codes}, [('ErrorFreeBusyGenerationFailed') x 2],
        'not without');
    like($got->{log}, qr/PN14014.*certificate/i, 'the log says why');
};

subtest 'a login for the calendar server' => sub {
    my $file = write_file("$ca_dir/password", "top secret\n", 0600);
    my $url = 'FreeBusySource ' . $dav->url('/secret/%{user}.ifb');
    my $got = ask("$url\nFreeBusySourceLogin postern file:$file",
        who => ['alice@example.test']);
    is_deeply($got->{digits}, [$nine], 'with the password');
    unlike($got->{log}, qr/top secret/, 'which is in no log');
    $got = ask($url, who => ['alice@example.test']);
    is_deeply($got->{codes}, ['ErrorNoFreeBusyAccess'], 'not without');
};

subtest 'a header for the calendar server' => sub {
    my $got = ask('FreeBusySource ' . $dav->url('/header/%{user}.ifb')
        . "\nFreeBusySourceHeader X-Remote-User %{user}");
    is_deeply($got->{codes}, [qw(NoError ErrorNoFreeBusyAccess)],
        'each request names its own user');
    is_deeply($got->{digits}, [$nine], 'and gets his calendar');
};

subtest 'a header that names a user goes to private addresses alone' => sub {
    for my $host ('dav.example.test', '192.0.2.1', '127.0.0.1.example.test') {
        for my $scheme (qw(http https outbox:https report:http)) {
            my $got = ask("FreeBusySource $scheme://$host/%{user}.ifb\n"
                . 'FreeBusySourceHeader X-Remote-User %{user}');
            is_deeply($got->{codes}, [('ErrorFreeBusyGenerationFailed') x 2], "$scheme $host");
            like($got->{log}, qr/FreeBusySourceHeader names a user/, 'the log says why');
        }
    }
};

subtest 'one that is missing' => sub {
    my $got = ask('FreeBusySource ' . $dav->url('/big/%{user}.ifb'));
    is_deeply($got->{codes}, [qw(NoError ErrorNoFreeBusyAccess)], 'bob has none');
};

subtest 'redirects are not followed' => sub {
    my $got = ask('FreeBusySource ' . $dav->url('/moved/%{user}.ifb'));
    is_deeply($got->{codes}, [('ErrorFreeBusyGenerationFailed') x 2], 'error');
    like($got->{log}, qr/status 302/, 'the log says why');
};

subtest 'an answer that is too long' => sub {
    my $got = ask('FreeBusySource ' . $dav->url('/big/%{user}.ifb')
        . "\nFreeBusyMaxBytes 2000");
    is($got->{codes}[0], 'ErrorFreeBusyGenerationFailed', 'error');
    like($got->{log}, qr/too long/, 'the log says why');
};

subtest 'a server that is dead' => sub {
    my $got = ask('FreeBusySource http://127.0.0.1:' . free_port()
        . '/%{user}.ifb');
    is($got->{status}, 200, 'an answer');
    is_deeply($got->{codes}, [('ErrorFreeBusyGenerationFailed') x 2],
        'with an error for each');
    cmp_ok($got->{took}, '<', 2, 'at once');
};

subtest 'a server that takes the connection and is silent' => sub {
    my $silent = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 10);
    my $got = ask('FreeBusySource http://127.0.0.1:' . $silent->sockport
        . "/%{user}.ifb\nFreeBusyTimeout 1");
    is_deeply($got->{codes}, [('ErrorTimeoutExpired') x 2], 'errors');
    cmp_ok($got->{took}, '>=', 0.9, 'not before the deadline');
    cmp_ok($got->{took}, '<', 3, 'one deadline for both');
};

subtest 'one of two is silent' => sub {
    my $silent = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 10);
    my $port = $silent->sockport;
    my $front = T::Httpd->new(load => [qw(proxy proxy_http)], conf =>
        "ProxyPass /dav/bob.ifb http://127.0.0.1:$port/\n"
        . 'ProxyPass /dav/ ' . $dav->url('/dav/'))->start;
    my $got = ask('FreeBusySource ' . $front->url('/dav/%{user}.ifb')
        . "\nFreeBusyTimeout 3");
    is_deeply($got->{codes}, [qw(NoError ErrorTimeoutExpired)],
        'the other is answered');
    is_deeply($got->{digits}, [$nine], 'rightly');
    close $silent;
    $front->stop;
};

subtest 'no source' => sub {
    my $httpd = server(conf => '');
    my (undef, $xml) = post($httpd, 'alice', availability(
        who => ['alice@example.test'], @window));
    is(text($xml, 'ResponseCode'), 'ErrorFreeBusyGenerationFailed', 'error');
    $httpd->stop;
    log_ok($httpd, qw(PN14014));
};

# How often the calendar server was asked for $path.
sub asked {
    my ($path) = @_;
    return scalar(my @a = (read_file($dav->dir . '/access.log') // '')
        =~ /"GET \Q$path\E /g);
}

subtest 'the cache' => sub {
    my $httpd = server(users => [qw(alice bob)], main => 'FreeBusyCache shmcb',
        conf => 'FreeBusySource ' . $dav->url('/dav/%{user}.ifb')
            . "\nFreeBusySourceLogin caller\nFreeBusyCacheTime 600");
    my $question = availability(who => ['alice@example.test'], @window);
    my $before = asked('/dav/alice.ifb');
    for my $n (1 .. 3) {
        my (undef, $xml) = post($httpd, 'alice', $question);
        is(text($xml, 'MergedFreeBusy'), $nine, "answer $n");
    }
    is(asked('/dav/alice.ifb') - $before, 1, 'the server was asked once');
    post($httpd, 'bob', $question);
    is(asked('/dav/alice.ifb') - $before, 2,
        'what came by one login is not given to another');
    my (undef, $xml) = post($httpd, 'alice', availability(
        who => [qw(bob@example.test alice@example.test bob@example.test)], @window));
    is_deeply([texts($xml, 'MergedFreeBusy')], [($nine) x 3],
        'some kept, some not: the right one to each');
    my $never = server(users => [qw(alice)], main => 'FreeBusyCache shmcb',
        conf => 'FreeBusySource ' . $dav->url('/dav/%{user}.ifb')
            . "\nFreeBusyCacheTime 0");
    $before = asked('/dav/alice.ifb');
    post($never, 'alice', $question) for 1 .. 2;
    is(asked('/dav/alice.ifb') - $before, 2, 'a time of 0 keeps nothing');
    $_->stop for $httpd, $never;
    log_ok($_) for $httpd, $never;
};

# A calendar too long to be kept as it is: what was found in it is kept.
subtest 'the cache of busy periods' => sub {
    my @far = map { sprintf "BEGIN:VEVENT\r\nUID:$_\r\nSUMMARY:far\r\nDTSTART:%04d0101T000000Z\r\nDURATION:PT1H\r\n"
        . "END:VEVENT\r\n", 1970 + $_ % 50 } 1 .. 1000;
    my $near = sub { "BEGIN:VEVENT\r\nUID:x\r\nSUMMARY:$_[0]\r\nLOCATION:Room 5\r\nCLASS:$_[1]\r\n"
        . "DTSTART:20260302T090000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\n" };
    write_file("$docs/dav/long.ics", "BEGIN:VCALENDAR\r\n" . join('', @far) . $near->('Tea', 'PUBLIC')
        . $near->('Doctor', 'PRIVATE') . "END:VCALENDAR\r\n");
    cmp_ok(-s "$docs/dav/long.ics", '>', 65536, 'more than 64 KiB');
    my %conf = (users => [qw(long bob)], main => 'FreeBusyCache shmcb', conf => "FreeBusyView Detailed\nFreeBusySource "
        . $dav->url('/dav/%{user}.ics') . "\nFreeBusyCacheTime 600");
    my $httpd = server(%conf);
    my $ask = sub {
        my ($user, %more) = @_;
        return (post($httpd, $user, availability(who => ['long@example.test'], @window, %more)))[1];
    };
    my $before = asked('/dav/long.ics');
    for my $n (1 .. 2) {
        my $xml = $ask->('long', view => 'DetailedMerged');
        is_deeply([sort(texts($xml, 'Subject'))], ['Doctor', 'Tea'], "the owner sees all, time $n");
        is_deeply([texts($xml, 'Location')], ['Room 5', 'Room 5'], '  and where');
        $xml = $ask->('bob', view => 'DetailedMerged');
        is_deeply([texts($xml, 'Subject')], ['Tea'], 'another one not what is private');
        is_deeply([texts($xml, 'IsPrivate')], ['false', 'true'], '  but that there is something');
        $xml = $ask->('bob', view => 'MergedOnly');
        is(text($xml, 'MergedFreeBusy'), $nine, 'nor more than he asked for');
    }
    is(asked('/dav/long.ics') - $before, 2, 'the server was asked once for details and once for times');
    is(text($ask->('bob', view => 'MergedOnly', start => '2026-03-01T00:00:00'), 'MergedFreeBusy'), '0' x 24 . $nine,
        'another window is not that one');
    is(asked('/dav/long.ics') - $before, 3, '  and asked for');
    $httpd->stop;
    log_ok($httpd);
    my $short = server(%conf, conf => $conf{conf} =~ s/600/200ms/r);
    $before = asked('/dav/long.ics');
    my $soon = time + 0.3;
    post($short, 'bob', availability(who => ['long@example.test'], @window));
    until_true(sub { time > $soon }, 5);
    post($short, 'bob', availability(who => ['long@example.test'], @window));
    is(asked('/dav/long.ics') - $before, 2, 'what has expired is not given out');
    $short->stop;
    log_ok($short);
};

# Floating times are in the caller's zone when nothing else is said.
subtest 'the cache and the caller\'s zone' => sub {
    write_file("$docs/dav/floating.ics", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:x\r\nDTSTART:20260302T090000\r\n"
        . "DURATION:PT1H\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
    my $httpd = server(users => [qw(floating bob)], main => 'FreeBusyCache shmcb', stopped => 1, conf => 'FreeBusySource '
        . $dav->url('/dav/%{user}.ics') . "\nFreeBusyCacheTime 600");
    $httpd->configure(conf => $httpd->{conf} =~ s/FreeBusyTimeZone.*//r);
    $httpd->start;
    for my $row ([-60, 8], [0, 9], [300, 14], [-60, 8], [0, 9]) {
        my ($bias, $hour) = @$row;
        my (undef, $xml) = post($httpd, 'bob', availability(who => ['floating@example.test'],
            zone => "<t:TimeZone><t:Bias>$bias</t:Bias></t:TimeZone>", interval => 60, view => 'MergedOnly',
            start => '2026-03-02T00:00:00Z', end => '2026-03-03T00:00:00Z'));
        is(text($xml, 'MergedFreeBusy'), '0' x $hour . '2' . '0' x (23 - $hour), "a bias of $bias");
    }
    $httpd->stop;
    log_ok($httpd);
};

$dav->stop;
log_ok($dav, qw(AH01630 AH01618 AH01797));
done_testing();

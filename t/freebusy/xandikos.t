#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# The free-busy-query report of a Xandikos server.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", $FindBin::Bin;
use HTTP::Tiny;
use Test::More;
use T::Dir qw(temp_dir write_file read_file);
use T::Process;
use T::Wait qw(free_port until_port);
use Ews qw(log_ok server post availability texts text views_ok);

plan skip_all => 'Xandikos is not installed' unless -x '/usr/bin/xandikos';

my ($dir, $port) = (temp_dir(), free_port());
my $xandikos = T::Process->start(['xandikos', '-d', "$dir/data", '--defaults', '-l',
    '127.0.0.1', '-p', $port, '--current-user-principal', '/alice/'], "$dir/log");
until_port('127.0.0.1', $port, 60, $xandikos->pid) or BAIL_OUT(read_file("$dir/log"));

my $home = "http://127.0.0.1:$port";
my $got = HTTP::Tiny->new(timeout => 20, keep_alive => 0)->put(
    "$home/alice/calendars/calendar/x.ics",
    { headers => { 'Content-Type' => 'text/calendar' }, content => join "\r\n",
        'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//t//EN', 'BEGIN:VEVENT', 'UID:x',
        'DTSTAMP:20260101T000000Z', 'DTSTART:20260302T100000Z', 'DTEND:20260302T113000Z',
        'SUMMARY:secret', 'END:VEVENT', 'END:VCALENDAR', '' });
is($got->{status}, 201, 'an event');

sub ask {
    my ($httpd, %arg) = @_;
    return sub {
        my ($view) = @_;
        (post($httpd, 'bob', availability(who => ['alice@example.test', 'bob@example.test'],
            start => '2026-03-02T00:00:00', end => '2026-03-03T00:00:00', interval => 60,
            view => $view, %arg)))[1];
    };
}

my $httpd = server(users => [qw(alice bob)], main => 'FreeBusyCache shmcb', conf =>
    "FreeBusySource report:$home/%{user}/calendars/calendar/");
views_ok(ask($httpd), '0' x 10 . '22' . '0' x 12,
    [['2026-03-02T10:00:00', '2026-03-02T11:30:00', 'Busy']], 'busy in every view');
is(text(ask($httpd, start => '2026-03-01T00:00:00', end => '2026-03-02T00:00:00')
    ->('MergedOnly'), 'MergedFreeBusy'), '0' x 24, 'another window is asked for anew');
is((texts(ask($httpd)->('FreeBusy'), 'ResponseCode'))[1], 'ErrorNoFreeBusyAccess',
    'a mailbox without a calendar');
$httpd->stop;
log_ok($httpd, 'PN14014');
$xandikos->stop;
done_testing();

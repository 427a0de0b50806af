#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# ews-javascript-api, a client for node: availability with suggestions, out of
# office.

use strict;
use warnings;
use lib 't/lib', 't/freebusy';
use JSON::PP qw(decode_json);
use Test::More;
use T::Dir qw(top temp_dir write_file read_file);
use Ews qw(log_ok server);

plan skip_all => 'npm is not installed (make interop)'
    if grep { !-x "/usr/bin/$_" } qw(node npm);

my $dir = temp_dir();
for my $file (qw(package.json package-lock.json client.js)) {
    write_file("$dir/$file", read_file(top() . "/t/interop/ewsjs/$file"));
}
my $out = `cd $dir && timeout 200 npm ci --ignore-scripts --no-audit --no-fund 2>&1`;
plan skip_all => "ews-javascript-api cannot be fetched: $out" if $? != 0;

my $httpd = server(users => [qw(alice bob)],
    conf => 'FreeBusySource file:@DIR@/cal/%{user}.ics');
write_file($httpd->dir . '/cal/alice.ics', join "\r\n", 'BEGIN:VCALENDAR',
    'BEGIN:VEVENT', 'UID:1', 'DTSTART;TZID=Europe/Berlin:20260320T090000',
    'DURATION:PT1H', 'RRULE:FREQ=DAILY;COUNT=30', 'SUMMARY:Stand-up & <tea>',
    'END:VEVENT', 'BEGIN:VEVENT', 'UID:2', 'DTSTART:20260328T140000Z',
    'DTEND:20260328T160000Z', 'STATUS:TENTATIVE', 'SUMMARY:Visit', 'END:VEVENT',
    'END:VCALENDAR', '');
write_file($httpd->dir . '/cal/bob.ics',
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n");

my $said = `node $dir/client.js @{[ $httpd->url('/EWS/Exchange.asmx') ]} alice secret-alice alice\@example.test bob\@example.test nobody\@example.test 2>$dir/stderr`;
# The library prints remarks of its own before.
my $got = eval { decode_json((split /\n/, $said)[-1]) } // { error => $said . read_file("$dir/stderr") };
ok(!$got->{error}, 'the client is content') or diag($got->{error});

my ($alice, $bob, $nobody) = @{ $got->{availability}{results} // [] };
is($alice->{code}, 'NoError', 'alice is answered');
is($alice->{merged}, '0' x 8 . '2' . '0' x 5 . '11' . '0' x 15 . '2' . '0' x 16,
    'her hours, an hour earlier in UTC from the second day on');
is_deeply([map { [@$_{qw(start status subject)}] } @{ $alice->{events} }],
    [['2026-03-28T08:00:00.000Z', 'Busy', 'Stand-up & <tea>'],
     ['2026-03-28T14:00:00.000Z', 'Tentative', 'Visit'],
     ['2026-03-29T07:00:00.000Z', 'Busy', 'Stand-up & <tea>']], 'her events');
is($bob->{merged}, '0' x 48, 'bob is free');
is($nobody->{code}, 'ErrorMailRecipientNotFound', 'nobody is not known');
is(scalar @{ $got->{availability}{suggestions} // [] }, 2, 'suggestions for each day');
is_deeply($got->{oof}, {
    state    => 'Scheduled', audience => 'Known',
    start    => '2036-08-01T06:30:00.000Z', end => '2036-08-15T16:00:00.000Z',
    internal => "<p>Away &amp; \"gone\" \x{e9}\x{4e2d}</p>", external => 'Out of office',
}, 'out of office comes back as sent');

$httpd->stop;
log_ok($httpd);
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Events entered in SOGo are busy in Outlook's scheduling assistant: by its public
# free/busy, and by its scheduling outbox as the user who asks.

use strict;
use warnings;
use lib 't/lib', 't/freebusy';
use POSIX qw(strftime);
use Test::More;
use T::Dir qw(read_file);
use T::Sogo;
use Ews qw(log_ok server post availability texts views_ok);

# It believes a proxy that says who asks.
package Trusting {
    our @ISA = ('T::Sogo');
    sub conf { T::Sogo::conf(@_) =~ s/^\{/{\nSOGoTrustProxyAuthentication = YES;/r }
}

package main;

my $why = T::Sogo->missing;
plan skip_all => $why if $why;
my $sogo = Trusting->new->start;

# Next week, whatever the day is: SOGo's free/busy covers 30 days.
my $day = time + 7 * 86400;
my $date = strftime('%Y%m%d', gmtime $day);
my @window = (start => strftime('%Y-%m-%dT00:00:00', gmtime $day),
    end => strftime('%Y-%m-%dT00:00:00', gmtime $day + 86400), interval => 60);

sub event {
    my ($uid, $start, $end, @lines) = @_;
    return join "\r\n", 'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//t//EN',
        'BEGIN:VEVENT', "UID:$uid", 'DTSTAMP:20260101T000000Z',
        "DTSTART:${date}T${start}00Z", "DTEND:${date}T${end}00Z", 'SUMMARY:secret',
        @lines, 'END:VEVENT', 'END:VCALENDAR', '';
}

$sogo->put(1, busy => event('busy', '1000', '1100'));
$sogo->put(1, free => event('free', '1300', '1400', 'TRANSP:TRANSPARENT'));
$sogo->put(1, recurs => event('recurs', '0800', '0830', 'RRULE:FREQ=DAILY;COUNT=3'));
$sogo->put(2, bobs => event('bobs', '1500', '1700'));
# Until its owner lets anybody see it, SOGo's public answer is one without events.
my $closed = server(users => [qw(alice bob)],
    conf => 'FreeBusySource ' . $sogo->url('/public/%{user}/freebusy.ifb'));
post($closed, 'bob', availability(who => ['alice@example.test'], @window));
like(read_file($closed->log_file), qr/PN14013: free\/busy of alice is empty/, 'the log says what may be the matter');
$closed->stop;
$sogo->publish($_) for 1, 2;

my $alice = '0' x 8 . '202' . '0' x 13;
my $bob = '0' x 15 . '22' . '0' x 7;
my @who = map { $sogo->user($_)->{mail} } 1, 2;

# The answer about alice, bob and nobody, to bob.
sub ask {
    my ($httpd, %arg) = @_;
    return (post($httpd, 'bob', availability(who => [@who, 'nobody@example.test'], @window, %arg)))[1];
}

my %form = (
    'public free/busy' => 'FreeBusySource ' . $sogo->url('/public/%{user}/freebusy.ifb'),
    'scheduling outbox' => 'FreeBusySource outbox:'
        . $sogo->url('/%{user}/Calendar/personal/') . "\nFreeBusySourceLogin caller",
    'scheduling outbox, as the proxy that SOGo trusts' => 'FreeBusySource outbox:'
        . $sogo->url('/%{user}/Calendar/personal/')
        . "\nFreeBusySourceHeader x-webobjects-remote-user %{user}",
    'scheduling outbox, cached' => 'FreeBusySource outbox:'
        . $sogo->url('/%{user}/Calendar/personal/') . "\nFreeBusySourceLogin caller\nFreeBusyCacheTime 600");
my @later = (start => '2037-03-02T00:00:00', end => '2037-03-03T00:00:00');
my %outside = ('public free/busy' => '4' x 24);
my $clock = strftime('%Y-%m-%d', gmtime $day);
my @events = map { ["${clock}T$_->[0]:00", "${clock}T$_->[1]:00", 'Busy'] } ['08:00', '08:30'], ['10:00', '11:00'];

for my $form (sort keys %form) {
    subtest $form => sub {
        my $httpd = server(users => [qw(alice bob)], main => 'FreeBusyCache shmcb', conf => $form{$form});
        my $xml = ask($httpd);
        is_deeply([texts($xml, 'ResponseCode')],
            [qw(NoError NoError ErrorMailRecipientNotFound)], 'codes');
        is_deeply([texts($xml, 'MergedFreeBusy')], [$alice, $bob], 'digits');
        unlike($xml, qr/secret/, 'no subject is shown');
        views_ok(sub { ask($httpd, view => $_[0]) }, $alice, \@events, 'busy in every view');
        is_deeply([texts(ask($httpd, @later), 'MergedFreeBusy')], [($outside{$form} // '0' x 24) x 2],
            'years ahead: what the source knows, no more');
        $httpd->stop;
        log_ok($httpd);
    };
}

$sogo->stop;
done_testing();

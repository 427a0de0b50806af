#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# vdirsyncer, told no more than the host: by way of the well-known places it
# finds the calendars and address books, and brings what is in them.

use strict;
use warnings;
use lib qw(t/lib t/autodiscover);
use T::Netns;
use Test::More;
use Site;
use Ask qw(password);
use T::Curl;
use T::Dir qw(temp_dir write_file read_file);

plan skip_all => 'vdirsyncer is not installed (make interop)' unless -x '/usr/bin/vdirsyncer';

my $site = Site->new->start;
$site->calendar('alice', '20260302T090000Z', '20260302T100000Z');
my $book = '/radicale/alice@example.test/people/';
my $dav  = T::Curl->new(base => 'https://mail.example.test', ca => $site->{ca}{ca}, user => 'alice@example.test:' . password('alice'));
is($dav->ask($book, method => 'MKCOL', type => 'text/xml', body => '<mkcol xmlns="DAV:"><set><prop><resourcetype><collection/>'
    . '<C:addressbook xmlns:C="urn:ietf:params:xml:ns:carddav"/></resourcetype></prop></set></mkcol>')->{status}, 201, 'an address book');
is($dav->ask("${book}bob.vcf", method => 'PUT', type => 'text/vcard', body => join "\r\n", 'BEGIN:VCARD', 'VERSION:3.0', 'UID:bob',
    'FN:Bob Example', 'N:Example;Bob;;;', 'EMAIL:bob@example.test', 'END:VCARD', '')->{status}, 201, 'with somebody in it');

# What vdirsyncer brings of a kind ("caldav") into a folder, with its output.
sub brought {
    my ($kind, $ends, $password) = @_;
    my $dir = temp_dir();
    write_file("$dir/config", <<"CONFIG");
[general]
status_path = "$dir/status/"
[pair p]
a = "here"
b = "there"
collections = ["from b"]
conflict_resolution = "b wins"
[storage here]
type = "filesystem"
path = "$dir/here/"
fileext = "$ends"
[storage there]
type = "$kind"
url = "https://mail.example.test/"
username = "alice\@example.test"
password = "$password"
verify = "$site->{ca}{ca}"
CONFIG
    local %ENV = (%ENV, VDIRSYNCER_CONFIG => "$dir/config", HOME => "$dir", LC_ALL => 'C.UTF-8');
    # It asks whether to make each folder on our side.
    my $said = `yes | timeout 60 vdirsyncer discover p 2>&1 && timeout 60 vdirsyncer sync 2>&1`;
    return ($said, join '', map { read_file($_) } glob "$dir/here/*/*");
}

my ($said, $events) = brought('caldav', '.ics', password('alice'));
like($events, qr/^SUMMARY:Budget\r?$/m, 'CalDAV: the event') or diag($said);
($said, my $people) = brought('carddav', '.vcf', password('alice'));
like($people, qr/^FN:Bob Example\r?$/m, 'CardDAV: the person') or diag($said);
($said, my $nothing) = brought('caldav', '.ics', 'wrong');
is($nothing, '', 'with a wrong password nothing');

my $log = read_file($site->{httpd}->dir . '/access.log');
like($log, qr{"\w+ /\.well-known/$_\b[^"]*" 307 }, "it asked at /.well-known/$_") for qw(caldav carddav);

$site->stop;
done_testing();

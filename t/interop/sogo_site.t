#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# A site with SOGo behind httpd: the web mail, the calendars and the ActiveSync
# server that clients are told of are there, for the same users.

use strict;
use warnings;
use lib qw(t/lib t/autodiscover);
use T::Netns;
use Test::More;
use JSON::PP qw(decode_json);
use Ask qw(value valid);
use T::Ca;
use T::Dir qw(top temp_dir write_file);
use T::Directory qw(directory_conf);
use T::Httpd;
use T::Sogo;

my $why = T::Sogo->missing;
plan skip_all => $why if $why;
plan skip_all => 'python3-caldav is not installed (make deps)' if system("/usr/bin/python3 -c 'import caldav' 2>/dev/null") != 0;
plan skip_all => 'sogo-activesync is not installed (make interop)' unless -d '/usr/lib/GNUstep/SOGo/ActiveSync.SOGo';

my $dir  = temp_dir();
my $ca   = T::Ca->make("$dir");
my $sogo = T::Sogo->new->start;
my $user = $sogo->user(1);
$sogo->put(1, budget => join "\r\n", 'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//t//EN', 'BEGIN:VEVENT', 'UID:budget',
    'DTSTAMP:20260101T000000Z', 'DTSTART:20260302T090000Z', 'DTEND:20260302T100000Z', 'SUMMARY:Budget', 'END:VEVENT', 'END:VCALENDAR', '');

use Digest::SHA qw(sha1_base64);
write_file("$dir/mailboxes", "user: $user->{name}\npassword: {SHA}" . sha1_base64($user->{password}) . "=\nmail: $user->{mail}\n", 0644);
my $sogod = $sogo->url =~ s{/SOGo/dav$}{}r;
my $httpd = T::Httpd->new(modules => [qw(mailbox autodiscover)], load => [qw(ldap headers proxy proxy_http)],
    tls => $ca, listen_tls => 443, listen_port => 80,
    main => "KeepAlive Off\nMailboxFile $dir/mailboxes\n"
        . Ask::login_section('^/autodiscover/.*\.(?:xml|svc|mobileconfig)$'), conf => <<"CONF")->start;
Autodiscover On
AutodiscoverServerName mail.example.test
AutodiscoverOwaUrl https://mail.example.test/SOGo/
AutodiscoverCalDavUrl https://mail.example.test/SOGo/dav/
AutodiscoverCardDavUrl https://mail.example.test/SOGo/dav/
AutodiscoverActiveSyncUrl https://mail.example.test/Microsoft-Server-ActiveSync
<AutodiscoverDomain example.test>
</AutodiscoverDomain>
ProxyPass /SOGo $sogod/SOGo
ProxyPass /Microsoft-Server-ActiveSync $sogod/SOGo/Microsoft-Server-ActiveSync
RequestHeader set x-webobjects-server-port 443
RequestHeader set x-webobjects-server-name mail.example.test
RequestHeader set x-webobjects-server-url https://mail.example.test
CONF
my $ask = Ask->new($httpd, base => 'https://mail.example.test', ca => $ca->{ca}, user => "$user->{mail}:$user->{password}");

# --- web mail ---

my $told = $ask->pox(address => $user->{mail});
ok(valid($told), 'an answer');
my ($owa) = $told->{body} =~ m{<OWAUrl[^>]*>([^<]+)<};
my $page = $ask->curl->get('', base => $owa, user => undef, options => ['-L']);
is($page->{status}, 200, 'OWAUrl: a page');
like($page->{body}, qr/SOGo/, 'of SOGo');

# --- ActiveSync, by what phones are told ---

my $eas = value($ask->pox(address => $user->{mail}, schema => 'mobilesync'), 'Url');
my $json = decode_json($ask->curl->get("/autodiscover/autodiscover.json?Email=$user->{mail}&Protocol=ActiveSync", user => undef)->{body});
is($json->{Url}, $eas, 'one URL in both documents');
my $login   = "$user->{name}:$user->{password}";
my $options = $ask->curl->get('', base => $eas, method => 'OPTIONS', user => $login);
is($options->{status}, 200, 'ActiveSync answers at it');
like($options->{headers}{'ms-asprotocolversions'} // '', qr/\b14\.1\b/, 'with the versions that phones want');
is($ask->curl->get('', base => $eas, method => 'OPTIONS', user => "$user->{name}:wrong")->{status}, 401, 'to those who log in');

# --- calendars ---

local %ENV = (%ENV, LOGIN => $user->{name}, PASSWORD => $user->{password}, REQUESTS_CA_BUNDLE => $ca->{ca});
my $said = `/usr/bin/python3 @{[ top() ]}/t/autodiscover/caldav_client.py https://mail.example.test/.well-known/caldav 2>&1`;
my $got = eval { decode_json((split /\n/, $said)[-1]) } // {};
is_deeply($got->{events}, ['Budget'], 'CalDAV: the event, by the well-known place') or diag($said);

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok();
$sogo->stop;
done_testing();

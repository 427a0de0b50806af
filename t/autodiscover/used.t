#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# What a client was told is there: each server and URL of an answer, taken from
# the answer itself, is used by a client of its protocol.

use strict;
use warnings;
use lib qw(t/lib t/autodiscover);
use T::Netns;
use Test::More;
use JSON::PP qw(decode_json);
use Site;
use Ask qw(password);
use T::Curl;
use T::Dir qw(top write_file read_file);

my $why = Site->missing(samba => 1);
plan skip_all => $why if $why;
for my $module (qw(exchangelib caldav)) {
    plan skip_all => "python3-$module is not installed (make deps)"
        if system("/usr/bin/python3 -c 'import $module' 2>/dev/null") != 0;
}

my $site = Site->new(samba => 1, conf => <<'CONF')->start;
AutodiscoverAvailabilityUrl https://mail.example.test/ews/as
AutodiscoverOofUrl https://mail.example.test/ews/oof
CONF
$site->calendar('alice', '20260302T090000Z', '20260302T100000Z');
$site->calendar('bob',   '20260302T120000Z', '20260302T140000Z');
my $alice = 'alice@example.test';

# The output of a program of Python as alice.
sub python {
    my ($env, $program, @args) = @_;
    local %ENV = (%ENV, $site->client('alice', OTHER => 'bob@example.test',
        MISSING => 'nobody@example.test', %$env));
    return scalar run("$ENV{PASSWORD}\n", '/usr/bin/python3', top() . "/$program", @args);
}

sub run {
    my ($input, @command) = @_;
    my $in = write_file($site->dir . '/input', $input);
    open my $pipe, '-|', 'sh', '-c', 'in=$1; shift; exec "$@" 2>&1 <"$in"', 'sh', $in, @command
        or die "$command[0]: $!\n";
    local $/;
    my $out = <$pipe> // '';
    close $pipe;
    return $out;
}

my $found = eval { decode_json((split /\n/, python({}, 't/autodiscover/discovery.py', 'settings'))[-1]) } // {};
is(join(' ', sort keys %$found), 'CalDAV CardDAV EXCH EXPR IMAP SMTP', 'exchangelib was told of six servers');
my ($exch, $expr, $imap, $smtp) = @$found{qw(EXCH EXPR IMAP SMTP)};

# --- web services ---

is(join(' ', map { $exch->{"${_}_url"} } qw(ews as oof)), join(' ', map { "https://mail.example.test$_" }
    qw(/EWS/Exchange.asmx /ews/as /ews/oof)), 'three URLs of web services');
my $busy = '0' x 18 . '22' . '0' x 76;
for my $row (['EwsUrl', $exch->{ews_url}, 'freebusy', 'oof', 'badpass'], ['ASUrl', $exch->{as_url}, 'freebusy'],
    ['OOFUrl', $exch->{oof_url}, 'oof'], ['EwsUrl of EXPR', $expr->{ews_url}, 'oof']) {
    my ($name, $url, @modes) = @$row;
    my $out = python({ EWS_URL => $url, FB_EXPECT => $busy }, 't/interop/exl.py', @modes);
    like($out, qr/^PASS $_:/m, "$name: $_") or diag($out) for @modes;
}
my $oab = T::Curl->new(ca => $site->{ca}{ca})->get($exch->{oab_url} . 'oab.xml');
is("$oab->{status} " . ($oab->{body} =~ m{<OAB/>} ? 'OAB' : $oab->{body}), '200 OAB', 'OABUrl: there is an address book');

# --- the tunnel ---

my $rpc = python({}, 'demo/rpc_samba.py', "$expr->{server}:443", $exch->{server}, $site->{dc}->samr_port,
    $site->{dc}->netbios, 'alice', $site->{ca}{ca}, lc $expr->{auth_package});
like($rpc, qr/^epmapper: [1-9]\d* endpoints$/m, 'EXPR: the endpoint mapper, through the tunnel') or diag($rpc);
like($rpc, qr/^samr users: .*\balice bob\b/m, 'and the server behind it');

# --- mail ---

$site->{dovecot}->deliver('bob@example.test', $alice, "Subject: waiting\n\nfor you\n");
my $url = "imaps://$imap->{server}:$imap->{port}";
my @login = ('--cacert', $site->{ca}{ca}, '--user', "$imap->{login_name}:" . password('alice'));
like(run('', 'curl', '-sS', @login, "$url/INBOX", '-X', 'STATUS INBOX (MESSAGES)'), qr/MESSAGES 1\b/, 'IMAP: the inbox has a mail');
like(run('', 'curl', '-sS', @login, "$url/INBOX;MAILINDEX=1"), qr/^Subject: waiting\r?$/m, 'which can be read');
like(run('', 'curl', '-sS', @login[0, 1], '--user', "$imap->{login_name}:wrong", "$url/INBOX"), qr/Login denied/i, 'not with a wrong password');
ok(!$imap->{spa} && $imap->{ssl}, 'by password, over TLS');

my $mail = write_file($site->dir . '/mail', "From: $alice\r\nTo: bob\@example.test\r\nSubject: sent\r\n\r\nby what was told\r\n");
is(run('', 'curl', '-sS', @login[0, 1], '--user', "$smtp->{login_name}:" . password('alice'), '--mail-from', $alice,
    '--mail-rcpt', 'bob@example.test', '--upload-file', $mail, "smtps://$smtp->{server}:$smtp->{port}"), '', 'SMTP: a mail goes out');
like(($site->{mx}->wait_mail(1))[0] // '', qr/^Subject: sent\r?$/m, 'and arrives');

# --- the same servers in the other documents ---

my $https = T::Curl->new(base => 'https://autoconfig.example.test', ca => $site->{ca}{ca});
my $config = $https->get("/mail/config-v1.1.xml?emailaddress=$alice");
for my $row (['incomingServer type="imap"', $imap], ['outgoingServer type="smtp"', $smtp]) {
    my ($element, $server) = @$row;
    like($config->{body}, qr{<$element>\s*<hostname>\Q$server->{server}\E</hostname>\s*<port>$server->{port}</port>}, "autoconfig: $element");
}

# --- calendars: Apple's profile, and the well-known place ---

my $profile = $https->get('/autodiscover/mail.mobileconfig', user => "$alice:" . password('alice'));
my $in  = write_file($site->dir . '/profile', $profile->{body});
my %of  = map { $_->{PayloadType} =~ s/^com\.apple\.//r => $_ } @{ decode_json(run('', '/usr/bin/python3', '-c',
    'import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], "rb"))["PayloadContent"]))', $in)) };
my $dav = $of{'caldav.account'};
is("$of{'mail.managed'}{IncomingMailServerHostName}:$of{'mail.managed'}{IncomingMailServerPortNumber}",
    "$imap->{server}:$imap->{port}", 'mobileconfig: the IMAP server');
for my $row (['CalDAV', $found->{CalDAV}{server}], ['mobileconfig', $dav->{CalDAVPrincipalURL}], ['.well-known/caldav', 'https://mail.example.test/.well-known/caldav']) {
    my ($name, $place) = @$row;
    my $said = python({ LOGIN => $dav->{CalDAVUsername} }, 't/autodiscover/caldav_client.py', $place);
    my $got = eval { decode_json((split /\n/, $said)[-1]) } // {};
    is_deeply($got->{events}, ['Budget'], "$name: a calendar with its event") or diag($said);
}

$site->stop(qw(AH01617));
done_testing();

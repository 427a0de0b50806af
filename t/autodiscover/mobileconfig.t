#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Apple's configuration profile, read back by a property list reader that nobody
# here wrote (Python's plistlib).

use strict;
use warnings;
use Test::More;
use JSON::PP qw(decode_json);
use lib qw(t/lib t/autodiscover);
use Ask qw(password login_section valid);
use T::Ca;
use T::Dir qw(temp_dir write_file);

my $path  = '/autodiscover/mail.mobileconfig';
my $httpd = Ask::server(main => login_section("^$path\$"), conf => <<'VHOST')->start;
AutodiscoverServerName mail.example.test
AutodiscoverImap imap.example.test
AutodiscoverSmtp smtp.example.test 587
AutodiscoverDisplayName "Example & Co"
AutodiscoverLoginName EXAMPLE\%{user}
AutodiscoverCalDavUrl https://dav.example.test/%{user}/
AutodiscoverCardDavUrl https://dav.example.test:8443/
AutodiscoverActiveSyncUrl https://eas.example.test/Microsoft-Server-ActiveSync
<AutodiscoverDomain example.test>
</AutodiscoverDomain>
<AutodiscoverDomain other.test>
    AutodiscoverImap None
    AutodiscoverCalDavUrl None
    AutodiscoverCardDavUrl None
    AutodiscoverActiveSyncUrl None
</AutodiscoverDomain>
VHOST
my $curl = Ask->new($httpd)->curl;

sub get { my ($name, @more) = @_; return $curl->get($path, user => "$name:" . password($name), @more) }
sub profile {
    my ($reply) = @_;
    my $dir = temp_dir();
    write_file("$dir/profile", $reply->{body});
    my $json = `/usr/bin/python3 -c 'import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], "rb"))))' $dir/profile`;
    return decode_json($json || '{}');
}

my $reply = get('alice');
is("$reply->{status} $reply->{type}", '200 application/x-apple-aspen-config', 'a profile');
is($reply->{headers}{'content-disposition'}, 'attachment; filename="mail.mobileconfig"', 'to be saved');
ok(valid($_, schema => 'mobileconfig.rng'), 'in the order of the schema') for $reply, get('bob');
my $profile = profile($reply);
is($profile->{PayloadType}, 'Configuration', 'of the right type');
is($profile->{PayloadDisplayName}, 'Example & Co', 'with a name');
my %account = map { $_->{PayloadType} => $_ } @{ $profile->{PayloadContent} };
is(join(' ', sort keys %account), join(' ', map { "com.apple.$_" } qw(caldav.account carddav.account eas.account mail.managed)), 'four accounts');
my %expected = (
    'mail.managed EmailAddress' => 'alice@example.test', 'mail.managed EmailAccountName' => 'Alice Example <&>',
    'mail.managed IncomingMailServerHostName' => 'imap.example.test', 'mail.managed IncomingMailServerPortNumber' => 993,
    'mail.managed IncomingMailServerUsername' => 'EXAMPLE\alice', 'mail.managed OutgoingMailServerPortNumber' => 587,
    'caldav.account CalDAVPrincipalURL' => 'https://dav.example.test/alice/', 'caldav.account CalDAVPort' => 443,
    'carddav.account CardDAVPort' => 8443, 'carddav.account CardDAVHostName' => 'dav.example.test',
    'eas.account Host' => 'eas.example.test');
for my $key (sort keys %expected) {
    my ($type, $name) = split / /, $key;
    is($account{"com.apple.$type"}{$name}, $expected{$key}, $key);
}
my @ids = map { $_->{PayloadUUID} } $profile, @{ $profile->{PayloadContent} };
my %seen;
is(scalar(grep { /^[0-9a-f-]{36}$/ && !$seen{$_}++ } @ids), 5, 'five different UUIDs');
is(get('alice', header => ['Host: evil.example'])->{body}, $reply->{body}, 'the same each time, whatever the host');
is(scalar(grep { $seen{$_} } map { $_->{PayloadUUID} } @{ profile(get('bob'))->{PayloadContent} }), 0, 'another mailbox has others');

is(get('carol')->{status}, 404, 'nothing to put into a profile');
is(get('dave')->{status}, 404, 'no mail address');
is($curl->get($path)->{status}, 401, 'no login');
is($curl->post($path, 'x', user => 'alice:' . password('alice'))->{status}, 405, 'POST');

# --- signed ---

$httpd->stop;
my $dir = temp_dir();
my $ca  = T::Ca->make("$dir");
$httpd->configure(conf => $httpd->{conf} . "AutodiscoverSigningCertificate $ca->{server} $ca->{key}\n");
$httpd->start;
my $signed = get('alice');
is("$signed->{status} $signed->{type}", '200 application/x-apple-aspen-config', 'a signed profile');
write_file("$dir/signed", $signed->{body});
my $content = `openssl smime -verify -inform DER -in $dir/signed -CAfile $ca->{ca} -purpose any 2>$dir/verdict`;
is($?, 0, 'which OpenSSL verifies') or diag(T::Dir::read_file("$dir/verdict"));
is($content, $reply->{body}, 'and which holds the same');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok();
done_testing();

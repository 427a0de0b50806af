#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# SOAP autodiscover: GetUserSettings, GetDomainSettings, faults, refusals, and
# the header that announces it.

use strict;
use warnings;
use Test::More;
use lib qw(t/lib t/autodiscover);
use Ask qw(xpath value valid password);

my $path  = '/autodiscover/autodiscover.svc';
my $httpd = Ask::server(conf => <<'VHOST')->start;
AutodiscoverServerName mail.example.test
AutodiscoverServerVersion 15.0.847.32
AutodiscoverImap imap.example.test 143
VHOST
my $ask  = Ask->new($httpd, user => 'alice:' . password('alice'));
my $mine = 'alice@example.test';
my %ns   = (11 => 'http://schemas.xmlsoap.org/soap/envelope/', 12 => 'http://www.w3.org/2003/05/soap-envelope');
my $exchange = 'http://schemas.microsoft.com/exchange/2010/Autodiscover';

sub envelope {
    my ($body, $version) = @_;
    return qq{<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:a="$exchange" }
        . qq{xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:soap="} . $ns{$version // 11} . '">'
        . '<soap:Header><a:RequestedServerVersion>Exchange2013</a:RequestedServerVersion></soap:Header>'
        . "<soap:Body>$body</soap:Body></soap:Envelope>";
}

# The message for users or domains, with the settings asked for.
sub message {
    my ($kind, $subjects, @settings) = @_;
    my ($list, $item) = $kind eq 'User'
        ? ('Users', sub { "<a:User><a:Mailbox>$_[0]</a:Mailbox></a:User>" })
        : ('Domains', sub { "<a:Domain>$_[0]</a:Domain>" });
    return "<a:Get${kind}SettingsRequestMessage><a:Request><a:$list>"
        . join('', map { $item->($_) } @$subjects) . "</a:$list><a:RequestedSettings>"
        . join('', map { "<a:Setting>$_</a:Setting>" } @settings)
        . "</a:RequestedSettings></a:Request></a:Get${kind}SettingsRequestMessage>";
}

sub ask { my ($body, %more) = @_; return $ask->pox(path => $path, body => $body, %more) }
sub ok_valid { ok(valid($_[0], schema => 'soap.rng'), $_[1]) }

sub setting {
    my ($answer, $name) = @_;
    return xpath($answer, "string(//*[*[local-name()=\"Name\"]=\"$name\"]/*[local-name()=\"Value\"])");
}
sub codes { map { xpath($_[0], "string((//*[local-name()=\"$_[1]\"])[$_]/*[local-name()=\"ErrorCode\"])") } 1 .. $_[2] }

# --- users ---

my @clients = qw(UserDN MailboxDN UserDisplayName AutoDiscoverSMTPAddress ExternalEwsUrl EwsSupportedSchemas);
my $answer = ask(envelope(message(User => [$mine], @clients)));
is($answer->{status}, 200, 'an answer');
like($answer->{type}, qr{^text/xml; charset=utf-8$}i, 'as text/xml');
ok_valid($answer, 'in the documented order');
my $dn = '/o=First Organization/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)';
my %expected = (
    UserDN => "$dn/cn=Recipients/cn=alice",
    MailboxDN => "$dn/cn=Configuration/cn=Servers/cn=mail.example.test/cn=Microsoft Private MDB",
    UserDisplayName => 'Alice Example <&>', AutoDiscoverSMTPAddress => $mine,
    ExternalEwsUrl => 'https://mail.example.test/EWS/Exchange.asmx',
    EwsSupportedSchemas => 'Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, Exchange2010_SP2, Exchange2013, Exchange2013_SP1');
is(setting($answer, $_), $expected{$_}, $_) for @clients;
is(value($answer, 'UserSettingErrors'), '', 'without a setting error');
is(value($answer, 'Action'), "$exchange/Autodiscover/GetUserSettingsResponse", 'with the action');
is(join('.', map { value($answer, $_) } qw(MajorVersion MinorVersion MajorBuildNumber MinorBuildNumber)),
    '15.0.847.32', 'and the version');

my $many = ask(envelope(message(User => [$mine, 'nobody@example.test', 'bob@example.test', 'nonsense', '', 'alice.alias@example.test'],
    qw(UserDisplayName ExternalImap4Connections ExternalSmtpConnections NoSuchSetting))));
ok_valid($many, 'several users in one request');
is(join(' ', codes($many, 'UserResponse', 6)), 'NoError InvalidUser InvalidUser InvalidUser InvalidUser NoError',
    'each has its own result, in order');
is(join(' ', codes($many, 'UserSettingError', 2)), 'SettingIsNotAvailable InvalidSetting', 'and its own setting errors');
is(value($many, 'Hostname') . value($many, 'Port') . value($many, 'EncryptionMethod'), 'imap.example.test143TLS', 'a connection');
is(value(ask(envelope(message(User => ['alice'], 'UserDN')), user => 'dave:' . password('dave')), 'UserResponses') =~ /^InvalidUser/, 1,
    'a caller without mail address is told nothing');

my $soap12 = ask(envelope(message(User => [$mine], 'UserDN'), 12), type => 'application/soap+xml');
is($soap12->{status}, 200, 'SOAP 1.2');
like($soap12->{type}, qr{^application/soap\+xml}, 'is answered in SOAP 1.2');
ok_valid($soap12, 'which is valid');
my $fault12 = ask(envelope('<a:Nonsense/>', 12));
is("$fault12->{status} " . value($fault12, 'Value'), '500 s:Sender', 'a fault in SOAP 1.2');
ok_valid($fault12, 'is valid as well');
ok(index($soap12->{body}, qq{<s:Envelope xmlns:s="} . $ns{12}) > 0, 'with its envelope');

# --- domains ---

my $domains = ask(envelope(message(Domain => ['Example.test', 'other.test'], qw(ExternalEwsUrl ExternalEwsVersion UserDN))));
ok_valid($domains, 'domains');
is(join(' ', codes($domains, 'DomainResponse', 2)), 'NoError InvalidDomain', "one's own and another's");
is(setting($domains, 'ExternalEwsUrl'), $expected{ExternalEwsUrl}, 'with the URL');
is(setting($domains, 'ExternalEwsVersion'), '15.00.0847.032', 'and the version');

# --- refused ---

for my $row (['no users', message(User => [], 'UserDN')], ['no settings', message(User => [$mine])],
    ['101 users', message(User => [('x@example.test') x 101], 'UserDN')]) {
    my $reply = ask(envelope($row->[1]));
    is("$reply->{status} " . value($reply, 'ErrorCode'), '200 InvalidRequest', "$row->[0]: InvalidRequest");
    ok_valid($reply, "$row->[0]: a valid answer");
}
for my $row (['an unknown operation', envelope('<a:GetFederationInformationRequestMessage/>')], ['no XML', 'x'],
    ['a plain-XML request', Ask::request(address => $mine)], ['an empty body', envelope('')],
    ['a document type', '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' . envelope(message(User => ['&e;'], 'UserDN')) =~ s/^<\?.*?\?>//r],
    ['deep nesting', '<a>' x 10000], ['nothing', '']) {
    my $reply = ask($row->[1]);
    is("$reply->{status} " . value($reply, 'faultcode'), '500 s:Client', "$row->[0]: a fault");
    ok_valid($reply, "$row->[0]: a valid one");
}
is(ask('a' x 65537)->{status}, 413, 'more than 64 KiB');
is($ask->curl->get($path)->{status}, 405, 'GET');

# --- who asks, and the announcement ---

for my $case ($path, '/Autodiscover/Autodiscover.SVC') {
    my $reply = ask(envelope(message(User => [$mine], 'UserDN')), path => $case, user => undef);
    is("$reply->{status} " . ($reply->{headers}{'x-soap-enabled'} // ''), '401 True', "no login at $case");
}
my $probe = $ask->curl->get('/autodiscover/autodiscover.xml', user => undef);
is("$probe->{status} $probe->{headers}{'x-soap-enabled'}", '401 True', 'the probe of the Managed API is answered');
ok(!$ask->curl->get('/', user => undef)->{headers}{'x-soap-enabled'}, 'nothing is announced elsewhere');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok();
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# The JSON answers of the property test keep to their schema; and the schemas
# refuse what they must, or a valid answer would mean nothing.

use strict;
use warnings;
use Test::More;
use lib qw(t/lib t/autodiscover);
use Ask qw(valid);
use Json;
use T::Dir qw(build temp_dir write_file read_file);

my $missing = Json::missing();
plan skip_all => $missing if $missing;

my $dir   = temp_dir();
my $agree = build() . '/t/unit/autodiscover/agree.t';
plan skip_all => 'make units' unless -x $agree;

# --- JSON ---

my $out = `$agree $dir/json`;
is($?, 0, 'the property test passes') or diag($out);
my ($seed) = $out =~ /^# (POSTERN_SEED=\d+)/m;
cmp_ok(scalar(() = read_file("$dir/json") =~ /\n/g), '>', 1000, 'it has many answers');
is_deeply([Json::wrong_in("$dir/json")], [], "all of them are valid ($seed)");
for my $bad ('{"Protocol":"Ews"}', '{"Protocol":"Ews","Url":"http://a.test/"}', '{"Protocol":"ews","Url":"https://a.test/"}',
    '{"Protocol":"Ews","Url":"https://a.test/","More":1}', '{"ErrorCode":"Oops","ErrorMessage":"x"}', '[]', '{',
    '{"Protocol":"Ews","Protocol":"Ews","Url":"https://a.test/"}', "{\"Protocol\":\"Ews\",\"Url\":\"https://a.test/\xc3\xa4\"}") {
    is(scalar(my @wrong = Json::wrong($bad)), 1, "refused: $bad");
}

# --- XML: each of these changes makes a valid answer an invalid one ---

my $ns = 'http://schemas.microsoft.com/exchange/autodiscover';
my %good = (
    'pox.rng' => <<"XML",
<Autodiscover xmlns="$ns/responseschema/2006"><Response xmlns="$ns/outlook/responseschema/2006a">
<User><AutoDiscoverSMTPAddress>a\@b.test</AutoDiscoverSMTPAddress><DisplayName>A</DisplayName><LegacyDN>/o=A</LegacyDN><DeploymentId>11111111-2222-3333-4444-555555555555</DeploymentId></User>
<Account><AccountType>email</AccountType><Action>settings</Action><MicrosoftOnline>False</MicrosoftOnline>
<Protocol><Type>IMAP</Type><Server>a.test</Server><Port>993</Port><LoginName>a</LoginName><DomainRequired>off</DomainRequired><SPA>off</SPA><SSL>on</SSL><Encryption>SSL</Encryption><AuthRequired>on</AuthRequired></Protocol>
<AlternativeMailbox><Type>Archive</Type><DisplayName>A</DisplayName><SmtpAddress>b\@b.test</SmtpAddress><OwnerSmtpAddress>a\@b.test</OwnerSmtpAddress></AlternativeMailbox>
</Account></Response></Autodiscover>
XML
    'autoconfig.rng' => <<'XML',
<clientConfig version="1.1"><emailProvider id="a.test"><domain>a.test</domain><displayName>A</displayName><displayShortName>A</displayShortName>
<incomingServer type="imap"><hostname>a.test</hostname><port>993</port><socketType>SSL</socketType><username>a</username><authentication>password-cleartext</authentication></incomingServer>
<outgoingServer type="smtp"><hostname>a.test</hostname><port>465</port><socketType>SSL</socketType><username>a</username><authentication>password-cleartext</authentication></outgoingServer>
</emailProvider></clientConfig>
XML
    'mobileconfig.rng' => <<'XML',
<plist version="1.0"><dict><key>PayloadContent</key><array>
<dict><key>PayloadType</key><string>com.apple.eas.account</string><key>PayloadVersion</key><integer>1</integer><key>PayloadIdentifier</key><string>postern.11111111-2222-3333-4444-555555555555.eas</string><key>PayloadUUID</key><string>11111111-2222-3333-4444-555555555555</string><key>PayloadDisplayName</key><string>A</string><key>EmailAddress</key><string>a@b.test</string><key>Host</key><string>a.test:8443</string><key>SSL</key><true/><key>UserName</key><string>a</string></dict>
</array><key>PayloadType</key><string>Configuration</string><key>PayloadVersion</key><integer>1</integer><key>PayloadIdentifier</key><string>postern.11111111-2222-3333-4444-555555555555.profile</string><key>PayloadUUID</key><string>11111111-2222-3333-4444-555555555556</string><key>PayloadDisplayName</key><string>A</string><key>PayloadDescription</key><string>A</string><key>PayloadOrganization</key><string>A</string><key>PayloadRemovalDisallowed</key><false/></dict></plist>
XML
);
my @changes = (
    ['pox.rng', 'two elements change places', sub { s{(<DisplayName>A</DisplayName>)(<LegacyDN>.*?</LegacyDN>)}{$2$1} }],
    ['pox.rng', 'a name space with https', sub { s{http://schemas}{https://schemas} }],
    ['pox.rng', 'clear text with SSL on', sub { s{<Encryption>SSL}{<Encryption>None} }],
    ['pox.rng', 'an element without value', sub { s{<Server>a.test}{<Server>} }],
    ['pox.rng', 'an unknown element', sub { s{<Port>}{<More/><Port>} }],
    ['pox.rng', 'a port that is none', sub { s{993}{65536} }],
    ['pox.rng', 'a mailbox without name', sub { s{<DisplayName>A</DisplayName><SmtpAddress>}{<SmtpAddress>} }],
    ['autoconfig.rng', 'no outgoing server', sub { s{<outgoingServer.*?</outgoingServer>}{} }],
    ['autoconfig.rng', 'a type that is none', sub { s{type="imap"}{type="IMAP"} }],
    ['mobileconfig.rng', 'a key without value', sub { s{<string>a.test:8443</string>}{} }],
    ['mobileconfig.rng', 'a value of another type', sub { s{<true/>}{<string>true</string>} }],
    ['mobileconfig.rng', 'a UUID that is none', sub { s{-555555555556}{} }],
);
for my $schema (sort keys %good) {
    ok(valid({ body => $good{$schema} }, schema => $schema), "$schema: the answer itself is valid");
}
for my $row (@changes) {
    my ($schema, $name, $change) = @$row;
    local $_ = $good{$schema};
    $change->();
    isnt($_, $good{$schema}, "$schema: $name");
    ok(!valid({ body => $_ }, schema => $schema, quiet => 1), 'is refused');
}
done_testing();

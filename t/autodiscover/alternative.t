#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Further mailboxes of a user: whose delegate he is, by configuration and by the
# directory, and those that directives name; never what is none of his business.

use strict;
use warnings;
use Test::More;
use lib qw(t/lib t/autodiscover);
use Ask qw(xpath valid code login_section);
use T::Ca;
use T::Directory qw(directory_conf);
use T::Dir qw(temp_dir);
use T::Httpd;
use T::Slapd;

my $dir  = temp_dir();
my $ca   = T::Ca->make("$dir");
my $ldap = T::Slapd->new(ca => $ca)->start;
my ($alice, $bob, $carol) = map { $ldap->user($_) } 1 .. 3;

sub person {
    my ($uid, @more) = @_;
    $ldap->add(join "\n", "dn: uid=$uid," . $ldap->people, 'objectClass: inetOrgPerson', 'objectClass: adMailUser',
        "uid: $uid", "sn: $uid", "cn: $uid", "sAMAccountName: $uid", @more, '', '');
}
person('sales', 'displayName: Sales <&> Co', 'mail: sales@example.test', "secretary: $alice->{dn}", "secretary: $bob->{dn}");
person('board', 'mail: board@example.test', "secretary: $bob->{dn}");
person('attic', 'mail: alice-archive@example.test', "secretary: $alice->{dn}");
person('cellar', 'mail: bob-archive@example.test');
person('nomail', "secretary: $alice->{dn}");

my $httpd = T::Httpd->new(modules => [qw(mailbox autodiscover)], load => ['ldap'],
    main => <<"CONF", conf => <<'VHOST')->start;
KeepAlive Off
@{[ directory_conf($dir, $ca, $ldap, $ldap->people . '??sub?(objectClass=inetOrgPerson)') ]}
@{[ login_section('^/autodiscover/') ]}
CONF
Autodiscover On
AutodiscoverServerName mail.example.test
AutodiscoverDelegated On
AutodiscoverAlternativeMailbox Archive %{local}-archive@%{domain} "Archive of %{local}"
AutodiscoverAlternativeMailbox teammailbox nobody@example.test
AutodiscoverAlternativeMailbox Delegate %{mail}
<LocationMatch "(?i)^/autodiscover/">
    MailboxDelegateAttribute secretary
    MailboxDelegate alice carol nobody@example.test alice dave
    MailboxDelegate carol *
</LocationMatch>
<If "-n req('X-None')">
    MailboxDelegateAttribute none
</If>
VHOST
my $ask = Ask->new($httpd);
sub pox { my ($who, $address, %more) = @_; $ask->pox(address => $address, user => "$who->{name}:$who->{password}", %more) }

# "Type name address owner" of each.
sub told {
    my ($answer, $element) = @_;
    my $count = xpath($answer, "count(//*[local-name()=\"$element\"])");
    return [map { my $n = $_; join ' ', map { xpath($answer, "string((//*[local-name()=\"$element\"])[$n]/*[local-name()=\"$_\"])") }
        qw(Type DisplayName SmtpAddress OwnerSmtpAddress) } 1 .. $count];
}

my $answer = pox($alice, $alice->{mail});
ok(valid($answer), 'an answer in the documented order');
my @hers = ('Archive Archive of alice alice-archive@example.test alice@example.test',
    "Delegate $carol->{display} $carol->{mail} $carol->{mail}",
    'Delegate Sales <&> Co sales@example.test sales@example.test');
is_deeply(told($answer, 'AlternativeMailbox'), \@hers, 'each once, an archive under the name of the directive');
is_deeply(told(pox($alice, $alice->{alias}), 'AlternativeMailbox'), \@hers, 'by an alias');
is(code(pox($alice, $_)), 'no error', "and she may ask about $_") for $carol->{mail}, qw(sales@example.test alice-archive@example.test);
is_deeply(told(pox($alice, 'sales@example.test'), 'AlternativeMailbox'), [], "another's are none of her business");
is_deeply([sort @{ told(pox($bob, $bob->{mail}), 'AlternativeMailbox') }],
    ['Delegate Sales <&> Co sales@example.test sales@example.test', 'Delegate board@example.test board@example.test board@example.test'],
    'an archive that he may not ask about is not told');
is_deeply(told(pox($carol, $carol->{mail}), 'AlternativeMailbox'), [], 'who may ask about all is told of none');
is(code(pox($carol, $bob->{mail})), 'no error', 'although he may');
is_deeply(told(pox($alice, $alice->{mail}, header => ['X-None: 1']), 'AlternativeMailbox'),
    ["Delegate $carol->{display} $carol->{mail} $carol->{mail}"], 'without the attribute, what MailboxDelegate says');

sub soap {
    my (@settings) = @_;
    my $settings = join '', map { "<Setting>$_</Setting>" } @settings;
    return $ask->pox(path => '/autodiscover/autodiscover.svc', user => "alice:$alice->{password}", body => <<"XML");
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<GetUserSettingsRequestMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Request>
<Users><User><Mailbox>$alice->{mail}</Mailbox></User></Users>
<RequestedSettings>$settings</RequestedSettings></Request></GetUserSettingsRequestMessage></s:Body></s:Envelope>
XML
}
my $soap = soap(qw(UserDN AlternateMailboxes));
ok(valid($soap, schema => 'soap.rng'), 'by SOAP: a valid answer');
is_deeply(told($soap, 'AlternateMailbox'), \@hers, 'with the same');
like($soap->{body}, qr/i:type="AlternateMailboxCollectionSetting"/, 'of the type that clients read it by');

# --- a directory that falls silent in between ---

$httpd->stop;
$httpd->configure(conf => $httpd->{conf} =~ s/AutodiscoverAlternativeMailbox.*\n//gr . <<'CONF', load => [qw(ldap socache_shmcb)],
<LocationMatch "(?i)^/autodiscover/">
    MailboxLoginCache 60
    MailboxCacheTime 60
</LocationMatch>
CONF
    main => "MailboxCache shmcb\n" . $httpd->{main});
$httpd->start;
is(scalar @{ told(pox($alice, $alice->{mail}), 'AlternativeMailbox') }, 3, 'all are told, the archive as delegate');
$ldap->kill;
my $less = pox($alice, $alice->{mail});
ok(valid($less), 'without the directory, the rest of the answer comes from the cache');
is_deeply(told($less, 'AlternativeMailbox'), ["Delegate $carol->{display} $carol->{mail} $carol->{mail}"], 'with what it holds');
ok($httpd->logged('PN12013'), 'and the log says what is missing');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(PN10041 PN12013 PN12001));

# --- directives ---

for my $row (
    ['AutodiscoverAlternativeMailbox Archive', qr/takes Archive, TeamMailbox or Delegate, then an address/],
    ['AutodiscoverAlternativeMailbox Shared a@example.com', qr/takes Archive, TeamMailbox or Delegate/],
    ['AutodiscoverAlternativeMailbox Archive archive', qr/"archive" is no mail address/],
    ['AutodiscoverAlternativeMailbox Archive a@example.com %{what}', qr/unknown variable/]) {
    my ($passed, $out) = T::Httpd->new(modules => [qw(mailbox autodiscover)], load => ['ldap'], conf => $row->[0])->configtest;
    ok(!$passed && $out =~ $row->[1], "refused: $row->[0]") or diag($out);
}
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Plain-XML autodiscover over the file source: answers, errors, refusals.

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Test::More;
use lib qw(t/lib t/autodiscover);
use Ask qw(request value code valid password);
use T::Dir qw(read_file);

my $httpd = Ask::server(load => ['deflate'], main => <<'CONF', conf => <<'VHOST');
SetInputFilter DEFLATE
TraceEnable Off
CONF
AutodiscoverServerName mail.example.test
AutodiscoverOabUrl https://mail.example.test/OAB/
AutodiscoverImap imap.example.test
AutodiscoverPop3 pop.example.test 110 starttls
AutodiscoverSmtp smtp.example.test 587
AutodiscoverTTL 2
VHOST
$httpd->start;
my %user  = map { $_ => "$_:" . password($_) } qw(alice bob carol dave erika plus);
my $alice = Ask->new($httpd, user => $user{alice});
my $mine  = 'alice@example.test';

# --- the answer ---

my $answer = $alice->pox(address => $mine);
is($answer->{status}, 200, 'an answer');
like($answer->{type}, qr{^text/xml; charset=utf-8$}i, 'as text/xml');
like($answer->{headers}{'cache-control'}, qr/no-store/, 'which nobody may keep');
ok(valid($answer), 'in the documented order');
like($answer->{body}, qr/^<\?xml /, 'starts with the declaration');
my %expected = (
    'AutoDiscoverSMTPAddress' => $mine,
    'DisplayName'             => 'Alice Example <&>',
    'LegacyDN'                => '/o=First Organization/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=alice',
    'EXCH Server'             => 'mail.example.test',
    'EXCH TTL'                => 2,
    'EXCH ServerVersion'      => '73C18880',
    'EXCH AuthPackage'        => '',
    'EXPR Server'             => 'mail.example.test',
    'EXPR SSL'                => 'On',
    'EXPR AuthPackage'        => 'Basic',
    'EXPR CertPrincipalName'  => 'none',
    'IMAP Port'               => 993,
    'IMAP Encryption'         => 'SSL',
    'POP3 Port'               => 110,
    'POP3 Encryption'         => 'TLS',
    'SMTP Port'               => 587,
    'SMTP Encryption'         => 'TLS',
    'SMTP LoginName'          => $mine,
    map({ ("$_ EwsUrl" => 'https://mail.example.test/EWS/Exchange.asmx',
        "$_ ASUrl"  => 'https://mail.example.test/EWS/Exchange.asmx',
        "$_ OOFUrl" => 'https://mail.example.test/EWS/Exchange.asmx',
        "$_ OABUrl" => 'https://mail.example.test/OAB/') } qw(EXCH EXPR)),
);
is(value($answer, split / /), $expected{$_}, "$_ is '$expected{$_}'") for sort keys %expected;

# --- who is asked about ---

sub same {
    my ($name, $reply) = @_;
    is($reply->{body}, $answer->{body}, $name);
}
same('by an alias', $alice->pox(address => 'Alice.Alias@EXAMPLE.test'));
same('by LegacyDN', $alice->pox(legacydn => value($answer, 'LegacyDN')));
same('by LegacyDN in capitals', $alice->pox(legacydn => uc value($answer, 'LegacyDN')));
same('with the login name DOMAIN\user',
    $alice->pox(address => $mine, user => 'EXAMPLE\\' . $user{alice}));
same('with an address as login name', $alice->pox(address => $mine, user => "$mine:" . password('alice')));

my $carol = $alice->pox(address => 'carol@other.test', user => $user{carol});
my $dn = value($carol, 'LegacyDN');
like($dn, qr{^/o=First Organization/ou=.*/cn=Recipients/cn=[0-9a-f]{32}$}, 'a mailbox without LegacyDN gets one');
ok(valid($carol), 'and a valid answer');
is($alice->pox(legacydn => $dn, user => $user{carol})->{body}, $carol->{body}, 'by which it is found again');
is(code($alice->pox(legacydn => $dn)), 500, 'by nobody else');
is(value($alice->pox(address => 'plus+tag%41@example.test', user => $user{plus}), 'AutoDiscoverSMTPAddress'),
    'plus+tag%41@example.test', 'plus and percent stay as they are');

# --- errors ---

my $unknown = $alice->pox(address => 'nobody@example.test');
is(code($unknown), 500, '500: unknown address');
is(value($unknown, 'Message'), q{The email address can't be found.}, 'with the text that clients know');
sub without_time { my $body = $_[0]{body}; $body =~ s/ Time="[^"]*"//; return $body }
for my $other ('bob@example.test', 'bob.alias@example.test', 'dave@example.test', '*@example.test',
    '*)(mail=*', 'x&#13;&#10;X-Evil: 1@example.test', 'a' x 300 . '@example.test') {
    is(without_time($alice->pox(address => $other)), without_time($unknown),
        'the same for ' . substr $other, 0, 30);
}
(my $bobs = value($answer, 'LegacyDN')) =~ s/alice$/bob/;
is(without_time($alice->pox(legacydn => $bobs)), without_time($unknown), 'the same for a foreign LegacyDN');
is(code($alice->pox(address => 'dave@example.test', user => $user{dave})), 501, '501: no mail address');
is(code($alice->pox(address => $mine, user => $user{dave})), 501, 'whomever he asks about');
is(code($alice->pox(body => $_->[1])), 600, "600: $_->[0]")
    for ['not XML', 'not xml at all'], ['empty', ''], ['empty request', '<Autodiscover><Request/></Autodiscover>'],
    ['a form', 'Email=' . $mine],
    ['external entity', '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>' . request(address => '&e;') =~ s/^<\?.*?\?>//r],
    ['entity bomb', '<!DOCTYPE a [<!ENTITY a "' . 'a' x 9000 . '"><!ENTITY b "' . '&a;' x 900 . '">]><Autodiscover>&b;</Autodiscover>'],
    ['deep', '<a>' x 20000], ['wide', '<Autodiscover><Request>' . '<a/>' x 9000 . '</Request></Autodiscover>'],
    ['cut off', substr request(address => $mine), 0, 300], ['NUL', request(address => $mine) . "\0"],
    ['invalid UTF-8', request(address => "\xff$mine")];
is(code($alice->pox(address => $mine, schema => 'urn:x')), 601, '601: unknown schema');
my $mobile = $alice->pox(address => $mine, schema => 'mobilesync');
is(code($mobile), 601, '601: ActiveSync, which is not configured');
like($mobile->{body}, qr{<Response xmlns="[^"]*/mobilesync/responseschema/2006">}, 'in the name space of mobilesync');

# --- refusals ---

is($alice->pox(address => $mine, user => undef)->{status}, 401, 'no login');
is($alice->pox(address => $mine, user => 'alice:wrong')->{status}, 401, 'wrong password');
is($alice->pox(address => $mine, user => 'alice:')->{status}, 401, 'empty password');
ok(length $alice->pox(address => $mine, user => undef)->{body}, 'the 401 has a body');
is($alice->curl->get('/autodiscover/autodiscover.xml', user => undef)->{status}, 401, 'GET without login');
my $get = $alice->curl->get('/autodiscover/autodiscover.xml');
is("$get->{status} $get->{headers}{allow}", '405 POST', 'GET with login');
is($alice->curl->get('/autodiscover/autodiscover.xml', user => undef)->{headers}{'x-soap-enabled'}, 'True',
    'the 401 announces SOAP');
is($answer->{headers}{'x-soap-enabled'}, 'True', 'and so does an answer');
is($alice->pox(body => 'a' x 65537)->{status}, 413, 'more than 64 KiB');
is($alice->pox(body => 'a' x 200000, header => ['Transfer-Encoding: chunked'])->{status}, 413, 'chunked as well');
is(code($alice->pox(body => 'a' x 65536)), 600, '64 KiB are read');
{
    my $gzip = sub { my $dir = T::Dir::temp_dir(); T::Dir::write_file("$dir/x", $_[0]); scalar `gzip -c $dir/x` };
    same('a compressed request', $alice->pox(body => $gzip->(request(address => $mine)), header => ['Content-Encoding: gzip']));
    my $noise = join '', map { md5_hex($_) } 1 .. 3000;
    is($alice->pox(body => $gzip->($noise), header => ['Content-Encoding: gzip'])->{status}, 413,
        'more than 64 KiB, compressed');
    is($alice->pox(body => $gzip->('a' x 5000000), header => ['Content-Encoding: gzip'])->{status}, 400,
        'a bomb, which mod_deflate stops');
}

# --- how it is asked ---

same("at $_", $alice->pox(address => $mine, path => $_))
    for qw(/Autodiscover/Autodiscover.xml /AUTODISCOVER/AUTODISCOVER.XML /AutoDiscover/autodiscover.xml);
is($alice->pox(address => $mine, path => $_)->{status}, 404, "nothing at $_")
    for qw(/autodiscover/ /autodiscover/other /autodiscoverx);
is($alice->pox(address => $mine, path => $_)->{status}, 404, "nothing at $_")
    for qw(/autodiscover/autodiscover.xml/more /autodiscover/other.xml);
same('with a hostile Host', $alice->pox(address => $mine, header => ['Host: evil.example']));
same('with hostile X-Forwarded headers', $alice->pox(address => $mine,
    header => ['X-Forwarded-Host: evil.example', 'X-Forwarded-Server: evil.example', 'Forwarded: host=evil.example']));
same('with an absolute URI', $alice->pox(address => $mine, path => '',
    options => ['--request-target', 'http://evil.example/autodiscover/autodiscover.xml']));
same('without a type', $alice->pox(address => $mine, type => ''));
same('as application/xml', $alice->pox(address => $mine, type => 'application/xml'));
same('with Expect', $alice->pox(address => $mine, header => ['Expect: 100-continue']));

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(AH01617 AH01618 AH02649));
done_testing();

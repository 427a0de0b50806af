#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Requests as clients send them that cannot run here, over HTTPS: their headers,
# their encodings, their spellings; and that they all get one and the same answer.

use strict;
use warnings;
use Encode qw(encode);
use Test::More;
use lib qw(t/lib t/autodiscover);
use Ask qw(request value valid xpath password);
use T::Ca;
use T::Dir qw(temp_dir);

my $dir   = temp_dir();
my $ca    = T::Ca->make("$dir");
my $httpd = Ask::server(tls => $ca, conf => <<'VHOST')->start;
AutodiscoverServerName mail.example.test
AutodiscoverMapiUrl https://mail.example.test/mapi
AutodiscoverImap imap.example.test
AutodiscoverSmtp smtp.example.test
AutodiscoverActiveSyncUrl https://mail.example.test/Microsoft-Server-ActiveSync
<AutodiscoverDomain example.test>
</AutodiscoverDomain>
VHOST
my $mine = 'alice@example.test';
my $ask  = Ask->new($httpd, base => $httpd->tls_url, ca => $ca->{ca}, user => "$mine:" . password('alice'));

my $microsoft = 'http://schemas.microsoft.com/exchange/autodiscover';
my ($asked, $told) = ("$microsoft/outlook/requestschema/2006", "$microsoft/outlook/responseschema/2006a");
my $plain = request(address => $mine);
my $bare  = $plain =~ s/^<\?.*?\?>\s*//r;
my $fields = "<EMailAddress>$mine</EMailAddress><AcceptableResponseSchema>$told</AcceptableResponseSchema>";

my @outlook = ('User-Agent: Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)',
    "X-AnchorMailbox: $mine", 'X-MapiHttpCapability: 2', 'X-ClientCanHandle: Negotiate, ExHttpInfo', 'Depth: 0',
    'Accept: text/*, multipart/mixed, application/xml', 'client-request-id: {6A9C0D7E-1B22-4B7C-9D60-0C1F2E3D4B5A}');

# --- Outlook ---

my $old = $ask->pox(body => $plain, type => 'text/xml', header => ['User-Agent: Microsoft Office/14.0 (Windows NT 6.1; Microsoft Outlook 14.0.7015; Pro)']);
ok(valid($old), 'Outlook 2010 is answered');
is(value($old, 'EXPR', 'Server'), 'mail.example.test', 'with the tunnel');
unlike($old->{body}, qr/mapiHttp|EXHTTP/, 'and nothing that it does not know');
my $new = $ask->pox(body => $plain, header => \@outlook);
ok(valid($new), 'Outlook 2016 is answered');
like($new->{body}, qr/<Type>EXHTTP<.*<Protocol Type="mapiHttp" Version="1">/s, 'with all that it knows');
is($new->{headers}{'x-soap-enabled'}, 'True', 'and with what else there is');

# Asks without a password at first, and then again on the same connection.
my $refused = $ask->pox(body => $plain, header => \@outlook, user => undef);
is($refused->{status}, 401, 'without a password');
like($refused->{headers}{'www-authenticate'}, qr/^Basic realm=/, 'a way to log in is named');
is($ask->pox(body => $plain, header => \@outlook, options => ['--anyauth'])->{body}, $new->{body}, 'which curl finds as well');

# --- spellings of one request ---

my %spelling = (
    'a byte order mark'                      => "\xef\xbb\xbf$plain",
    'no declaration, a line break before it' => "\n$bare",
    'indented by tabs'                       => $plain =~ s/></>\r\n\t</gr,
    'a prefix, another order, blanks around' => qq{<a:Autodiscover xmlns:a="$asked"><a:Request>}
        . "<a:AcceptableResponseSchema>$told</a:AcceptableResponseSchema>"
        . "<a:EMailAddress> $mine\n</a:EMailAddress></a:Request></a:Autodiscover>",
    'the name space of answers'              => $plain =~ s/\Q$asked\E/$microsoft\/responseschema\/2006/r,
    'capitals in the address'                => $plain =~ s/\Q$mine\E/ALICE\@Example.TEST/r,
    'elements of a later version'            => $plain =~ s/<Request>/<Request><Culture lang="en">de<\/Culture>/r,
    'comments'                               => $plain =~ s/<Request>/<!-- x --><Request>/r,
    'an address with a reference'            => $plain =~ s/\@/&#64;/r,
    'an address in CDATA'                    => $plain =~ s/\Q$mine\E/<![CDATA[$mine]]>/r,
);
for my $name (sort keys %spelling) {
    is($ask->pox(body => $spelling{$name}, type => 'text/xml')->{body}, $old->{body}, "a request with $name");
}
my $wide = $plain =~ s/utf-8/utf-16/r;
is($ask->pox(body => encode($_->[1], "\x{feff}$wide"), type => "text/xml; charset=utf-16")->{body}, $old->{body}, "in $_->[0]")
    for ['UTF-16, little end first', 'UTF-16LE'], ['UTF-16, big end first', 'UTF-16BE'];
is($ask->pox(body => $plain, header => [$_])->{body}, $old->{body}, "sent with $_")
    for 'Transfer-Encoding: chunked', 'Expect: 100-continue', 'Connection: close', 'X-MapiHttpCapability: 0', 'X-ClientCanHandle: ';

# --- phones, and Outlook on a Mac ---

my $phone = $ask->pox(body => request(address => $mine, schema => 'mobilesync'), type => 'text/xml',
    path => '/Autodiscover/Autodiscover.xml', header => ['User-Agent: Apple-iPhone14C5/2103.101', 'Accept-Language: de-de']);
ok(valid($phone), 'an iPhone is answered');
is(value($phone, 'Url'), 'https://mail.example.test/Microsoft-Server-ActiveSync', 'with its server');
is(value($phone, 'EMailAddress'), $mine, 'and its address');
for my $row (['AutodiscoverV1', 'Autodiscover/Autodiscover.xml', 'Outlook 2019'], ['activesync', 'Microsoft-Server-ActiveSync', 'Outlook for iOS'],
    ['EWS', 'EWS/Exchange.asmx', 'Apple Mail']) {
    my ($protocol, $path, $who) = @$row;
    for my $form ("autodiscover.json?Email=alice%40example.test&Protocol=$protocol&RedirectCount=1",
        "autodiscover.json/v1.0/$mine?Protocol=$protocol") {
        my $answer = $ask->curl->get("/autodiscover/$form", user => undef,
            header => ['User-Agent: OutlookMobileCloudService-Autodetect/1.0.0']);
        is($answer->{status}, 200, "$who: $form");
        like($answer->{body}, qr{"Url":"https://mail\.example\.test/\Q$path\E"}i, 'with the URL');
    }
}

# --- Thunderbird, and those that read its file ---

my %query = ('Thunderbird' => '/mail/config-v1.1.xml?emailaddress=alice%40example.test',
    'Thunderbird for Android' => '/.well-known/autoconfig/mail/config-v1.1.xml',
    'Evolution' => '/mail/config-v1.1.xml?emailaddress=alice@example.test&emailmd5=c160f8cc69a4f0bf2b0362752353d060');
for my $who (sort keys %query) {
    my $answer = $ask->curl->get($query{$who}, user => undef, header => ['Host: autoconfig.example.test']);
    ok(valid($answer, schema => 'autoconfig.rng'), "$who is answered");
    is(xpath($answer, 'string(//incomingServer[1]/hostname)'), 'imap.example.test', 'with the first server');
}

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok();
done_testing();

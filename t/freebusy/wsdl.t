#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# The description of the service, and the places of older servers.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", $FindBin::Bin;
use Test::More;
use T::Dir qw(temp_dir write_file);
use Ews qw(log_ok server post soap availability get_oof text attribute);

my $httpd = server(users => ['alice'], conf => 'FreeBusySource file:@DIR@/cal/%{user}.ics');
my $dir = temp_dir();
write_file($httpd->dir . '/cal/alice.ics', "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n");

sub get {
    my ($path, %arg) = @_;
    return post($httpd, 'alice', '', method => 'GET', path => $path, %arg);
}

# The address in the description of a server of this name.
sub behind {
    my ($name) = @_;
    my $behind = server(users => ['alice'], conf => '', stopped => 1);
    $behind->configure(conf => "ServerName $name\n$behind->{conf}");
    $behind->start;
    my (undef, $text) = post($behind, 'alice', '', method => 'GET', path => '/ews/as?wsdl');
    $behind->stop;
    log_ok($behind);
    return (attribute($text, 'soap:address', 'location'))[0];
}

my $wsdl;
for my $path ('/EWS/Exchange.asmx?wsdl', '/ews/as?WSDL', '/ews/oof?wsdl', '/EWS/Services.wsdl',
    '/ews/as.wsdl', '/ews/oof.wsdl') {
    my ($status, $text, $headers) = get($path, headers => {
        'X-Forwarded-Host' => 'evil.example', 'X-Forwarded-Proto' => 'https' });
    is($status, 200, "GET $path");
    is($headers->{'content-type'}, 'text/xml; charset=utf-8', '  type');
    unlike($text, qr/evil/, '  no header of the client makes a host name');
    $wsdl //= $text;
    is($text, $wsdl, '  one description');
}
is_deeply([attribute($wsdl =~ m{(<portType.*</portType>)}s ? $1 : '', 'operation', 'name')],
    [qw(GetUserAvailability GetUserOofSettings SetUserOofSettings GetServerTimeZones)],
    'the operations that are answered');
like((attribute($wsdl, 'soap:address', 'location'))[0],
    qr{^http://mail\.example\.test:@{[ $httpd->port ]}/EWS/Exchange\.asmx$}, 'and where');
is(behind('https://mail.example.org'), 'https://mail.example.org/EWS/Exchange.asmx', 'behind a proxy that has TLS');
is(behind('https://mail.example.org:8443'), 'https://mail.example.org:8443/EWS/Exchange.asmx', '  at a port of its own');
is((post($httpd, undef, '', method => 'GET', path => '/ews/as?wsdl'))[0], 401,
    'not without a login');
is((get('/ews/as'))[0], 405, 'the service itself is no page');
is((get('/ews/as?wsd'))[0], 405, 'whatever the query');
is((post($httpd, 'alice', '', path => '/ews/as.wsdl'))[0], 405, 'the description takes no POST');
is((get('/ews/oab.xml'))[0], 404, 'there is no address book');

# Each schema on its own is one, and each answer keeps to it.
sub valid {
    my ($answer, $name) = @_;
    my @schemas = $wsdl =~ m{(<xs:schema\b.*?</xs:schema>)}gs;
    my ($declared) = $wsdl =~ m{<definitions\b[^>]*?((?: xmlns:\w+="[^"]*")+)};
    s/<xs:schema\b/<xs:schema$declared/ for @schemas;
    $schemas[1] =~ s{(<xs:import\b)}{$1 schemaLocation="types.xsd"};
    write_file("$dir/types.xsd", $schemas[0]);
    write_file("$dir/messages.xsd", $schemas[1]);
    my ($body) = $answer =~ m{<s:Body>(.*)</s:Body>}s;
    $body =~ s/^<([\w:]+)/<$1$declared/;
    write_file("$dir/body.xml", $body);
    my $out = `xmllint --nonet --noout --schema $dir/messages.xsd $dir/body.xml 2>&1`;
    return is($?, 0, $name) || diag substr $out, 0, 1000;
}

my @window = (start => '2026-03-02T00:00:00', end => '2026-03-03T00:00:00');
valid((post($httpd, 'alice', availability(who => [qw(alice@example.test nobody@example.test)],
    @window, more => '<t:SuggestionsViewOptions><t:DetailedSuggestionsWindow>'
        . '<t:StartTime>2026-03-02T00:00:00</t:StartTime><t:EndTime>2026-03-03T00:00:00</t:EndTime>'
        . '</t:DetailedSuggestionsWindow></t:SuggestionsViewOptions>')))[1],
    'availability keeps to the schema that is published');
valid((post($httpd, 'alice', get_oof('alice@example.test')))[1], 'so does out of office');
valid((post($httpd, 'alice', get_oof('bob@example.test')))[1], 'and its error');
valid((post($httpd, 'alice', soap('<GetServerTimeZones ReturnFullTimeZoneData="true"/>')))[1],
    'and every time zone');

$httpd->stop;
log_ok($httpd);
done_testing();

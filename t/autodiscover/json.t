#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Autodiscover V2: both forms of URL, any protocol name, and that nobody learns
# who exists.

use strict;
use warnings;
use Test::More;
use JSON::PP qw(decode_json);
use lib qw(t/lib t/autodiscover);
use Ask qw(password);
use Json;

my $httpd = Ask::server(conf => <<'VHOST')->start;
AutodiscoverServerName mail.example.test
AutodiscoverActiveSyncUrl https://mail.example.test/Microsoft-Server-ActiveSync
AutodiscoverLoginName %{guid}
<AutodiscoverDomain example.test *.example.test>
</AutodiscoverDomain>
<AutodiscoverDomain other.test>
    AutodiscoverEwsUrl https://ews.%{domain}/%{local}
    AutodiscoverActiveSyncUrl https://eas.%{domain}/%{guid}
</AutodiscoverDomain>
<AutodiscoverDomain moved.test>
    AutodiscoverRedirectUrl https://new.example.test/autodiscover/autodiscover.xml
</AutodiscoverDomain>
VHOST
my $curl = Ask->new($httpd)->curl;
my $path = '/autodiscover/autodiscover.json';

my @answers;

sub answer {
    my ($url, @more) = @_;
    my $reply = $curl->get($url, @more);
    is($reply->{type}, 'application/json', "$url: JSON");
    push @answers, $reply->{body};
    my $object = eval { decode_json($reply->{body}) } // {};
    return "$reply->{status} " . join ' ', map { $object->{$_} // '' }
        $reply->{status} == 200 ? qw(Protocol Url) : 'ErrorCode';
}

my %url = (AutodiscoverV1 => 'https://mail.example.test/autodiscover/autodiscover.xml',
    Ews => 'https://mail.example.test/EWS/Exchange.asmx',
    ActiveSync => 'https://mail.example.test/Microsoft-Server-ActiveSync');
for my $protocol (sort keys %url) {
    for my $as ($protocol, lc $protocol, uc $protocol) {
        is(answer("$path?Email=alice%40example.test&Protocol=$as&RedirectCount=1"), "200 $protocol $url{$protocol}", "$as by query");
    }
    is(answer("$path/v1.0/alice\@example.test?Protocol=$protocol"), "200 $protocol $url{$protocol}", "$protocol by path");
}
is(answer("/Autodiscover/Autodiscover.json/v1.0/alice\@example.test?protocol=ews"), "200 Ews $url{Ews}", 'any case');
is(answer("$path?Email=$_&Protocol=Ews"), "200 Ews $url{Ews}", "the same for $_")
    for qw(nobody@example.test dave@example.test a+b@example.test x@deep.example.test);
is(answer("$path?Email=alice\@example.test&Protocol=Nonsense"), '400 InvalidProtocol', 'unknown protocol');
is(answer("$path?Email=alice\@example.test&Protocol=%22%3Cscript%3E"), '400 InvalidProtocol', 'hostile protocol');
is(answer("$path?Email=alice\@example.test"), '400 MandatoryParameterMissing', 'no protocol');
is(answer("$path?Email=$_&Protocol=Ews"), '404 UserNotFound', "not ours: '$_'")
    for 'alice@foreign.test', 'alice@example.test.evil', '', 'alice', '%00@example.test', '*@', '%ff@example.test';
is(answer("$path?Protocol=Ews"), '404 UserNotFound', 'no address');
is(answer("$path?Email=a%20b\@other.test&Protocol=Ews"), '404 UserNotFound', 'no address either');
is(answer("$path?Email=a+b\@other.test&Protocol=Ews"), '200 Ews https://ews.other.test/a%2Bb', "a domain's own URL");
is(answer("$path?Email=a\@other.test&Protocol=ActiveSync"), '400 InvalidProtocol', 'what depends on the mailbox is not told');
is(answer("$path?Email=a\@moved.test&Protocol=AutodiscoverV1"), '200 AutodiscoverV1 https://new.example.test/autodiscover/autodiscover.xml', 'hosted elsewhere');
is(answer("$path?Email=a\@moved.test&Protocol=Ews"), '400 InvalidProtocol', 'and nothing else there');
is(answer("$path?Email=a\@example.test&Protocol=Ews", header => ['Host: evil.example', 'X-Forwarded-Host: evil.example']),
    "200 Ews $url{Ews}", 'hostile headers');
is($curl->post("$path?Email=a\@example.test&Protocol=Ews", 'x')->{status}, 405, 'POST');
is($curl->get("${path}x")->{status}, 404, 'nothing beside it');

SKIP: {
    my $missing = Json::missing();
    skip $missing, 1 if $missing;
    is_deeply([Json::wrong(@answers)], [], 'every answer keeps to the schema');
}
is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok();
done_testing();

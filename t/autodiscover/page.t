#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# The handler autodiscover-check: what clients are told about any address, for
# an administrator, as a page that is well-formed, harmless and guarded.

use strict;
use warnings;
use lib qw(t/lib t/autodiscover);
use Test::More;
use Ask qw(password xpath login_section);
use T::Curl;

my $httpd = Ask::server(conf => <<'CONF')->start;
AutodiscoverServerName mail.example.test
AutodiscoverPoxUrl https://mail.example.test/autodiscover/autodiscover.xml
AutodiscoverActiveSyncUrl https://mail.example.test/Microsoft-Server-ActiveSync
AutodiscoverImap mail.example.test 993 ssl
AutodiscoverSmtp mail.example.test 465 ssl
<AutodiscoverDomain example.test other.test>
</AutodiscoverDomain>
<AutodiscoverDomain moved.test>
AutodiscoverRedirectAddress %{local}@example.com
</AutodiscoverDomain>
<Location /autodiscover/check>
    SetHandler autodiscover-check
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    Require user alice
</Location>
CONF

sub curl { T::Curl->new(base => $httpd->url, user => "$_[0]:" . password($_[0])) }
my $admin = curl('alice');

sub page { $admin->get('/autodiscover/check' . ($_[0] // '')) }

# client => result, as the table says.
sub results {
    my ($page) = @_;
    my @cells = map { s/<.*?>//gr } $page->{body} =~ m{<td[^>]*>(.*?)</td>}gs;
    my %result;
    while (my ($client, $verdict) = splice @cells, 0, 3) { $result{$client} = $verdict }
    return \%result;
}

# --- who ---

is(T::Curl->new(base => $httpd->url)->get('/autodiscover/check')->{status}, 401, 'a login is needed');
is(curl('bob')->get('/autodiscover/check?address=alice@example.test')->{status}, 401, 'and the right one');
is($admin->post('/autodiscover/check', 'x')->{status}, 405, 'nothing is posted');

# --- the form ---

my $form = page();
is($form->{status}, 200, 'the form');
is(xpath($form, 'count(//*[local-name()="form"]//*[local-name()="input"])'), 1, 'asks for an address');
is(xpath($form, 'count(//*[local-name()="table"])'), 0, 'and says nothing yet');
like($form->{headers}{'content-security-policy'}, qr/^default-src 'none';/, 'nothing else may be loaded');
unlike($form->{body}, qr/<script|\bon\w+=|\bsrc=|https?:(?!\/\/www\.w3\.org\/1999\/xhtml)/, 'and nothing else is wanted');

# --- an address ---

my $page = page('?address=bob@example.test');
is_deeply(results($page), { map { $_ => 'finds' } 'Outlook', 'Evolution', 'EWS clients', 'Thunderbird', 'phones',
    'Managed API', 'Outlook 2019 and later', 'Outlook on phones', 'Thunderbird, .well-known', 'Apple' },
    'each client finds the mailbox of another user');
like($page->{body}, qr/The mailbox is that of user bob: bob\@example\.test/, 'the way there is told');
like(xpath($page, 'string((//*[local-name()="pre"])[1])'), qr/^<\?xml.*<Type>EXPR<\/Type>/s, 'and the raw answer');

is(results(page('?address=nobody@example.test'))->{Outlook}, 'fails', 'an unknown address');
like(page('?address=alice@moved.test')->{body}, qr/goes on to alice\@example\.com/, 'a domain that is elsewhere');
is(results(page('?address=x@unserved.test'))->{'Outlook 2019 and later'}, 'fails', 'a domain that is not ours');

# --- hostile ---

for my $text ('%3Cscript%3Ealert(1)%3C/script%3E@example.test', '%22%3E%3Cimg%20src=x%3E', '%00', '%FF%FE', '%',
    'a' x 3000, '*)(uid=*@example.test', '') {
    my $answer = page("?address=$text");
    is($answer->{status}, 200, 'a page for ' . substr $text, 0, 40);
    is(xpath($answer, 'count(//*[local-name()="script" or local-name()="img"])'), 0, 'with text alone');
}

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok('AH01617', 'AH01631');
done_testing();

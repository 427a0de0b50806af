#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Many mail domains on one server: settings of their own, domains that are not
# served, domains that are hosted elsewhere, and the redirect by HTTP.

use strict;
use warnings;
use Test::More;
use lib qw(t/lib t/autodiscover);
use Ask qw(value code valid password);
use T::Ca;
use T::Dir qw(temp_dir);
use T::Httpd;

my $dir   = temp_dir();
my $ca    = T::Ca->make("$dir");
my $httpd = Ask::server(tls => $ca, main => <<'CONF', conf => <<'VHOST');
AutodiscoverServerName mail.main.test
<AutodiscoverDomain example.test>
    AutodiscoverImap imap.main.test
    AutodiscoverPop3 %{host}
    AutodiscoverTTL 5
</AutodiscoverDomain>
CONF
AutodiscoverSmtp smtp.main.test
<AutodiscoverDomain other.test>
    AutodiscoverServerName mail.%{domain}
    AutodiscoverImap imap.%{domain} 143
    AutodiscoverSmtp None
    AutodiscoverOrganization "/o=Other/ou=Group"
</AutodiscoverDomain>
<AutodiscoverDomain moved.test *.moved.test>
    AutodiscoverRedirectAddress %{local}@new.test
    AutodiscoverActiveSyncUrl https://eas.test/
</AutodiscoverDomain>
<AutodiscoverDomain hosted.test>
    AutodiscoverRedirectUrl https://hoster.test/autodiscover/autodiscover.xml
</AutodiscoverDomain>
<AutodiscoverDomain loop.test>
    AutodiscoverRedirectAddress %{local}@%{local}.test
</AutodiscoverDomain>
<AutodiscoverDomain bücher.test>
    AutodiscoverImap imap.%{domain}
</AutodiscoverDomain>
VHOST
$httpd->start;
my $alice = Ask->new($httpd, user => 'alice:' . password('alice'));
my $carol = Ask->new($httpd, user => 'carol:' . password('carol'));

# --- settings of a domain ---

my $one = $alice->pox(address => 'alice@example.test');
ok(valid($one), 'a mailbox of one domain');
is(value($one, 'EXCH', 'Server'), 'mail.main.test', "has the server's name");
is(value($one, 'IMAP', 'Server'), 'imap.main.test', "its domain's IMAP server, inherited by the virtual host");
is(value($one, 'SMTP', 'Server'), 'smtp.main.test', "the virtual host's SMTP server");
is(value($one, 'IMAP', 'TTL'), 5, "its domain's TTL");
is(value($one, 'POP3', 'Server'), 'mail.main.test', 'its host, which is not known: the server');
is(value(own('bob', 'example.test'), 'POP3', 'Server'), 'store.example.test', 'another mailbox has one of its own');
my $other = $carol->pox(address => 'carol@other.test');
ok(valid($other), 'a mailbox of another domain');
is(value($other, 'EXCH', 'Server'), 'mail.other.test', 'has its own server');
is(value($other, 'IMAP', 'Server'), 'imap.other.test', 'its own IMAP server');
is(value($other, 'SMTP', 'Server'), '', 'no SMTP server');
is(value($other, 'EXPR', 'TTL'), '', 'no TTL');
like(value($other, 'LegacyDN'), qr{^/o=Other/ou=Group/cn=Recipients/cn=}, 'its own organization');
is($carol->pox(legacydn => value($other, 'LegacyDN'))->{body}, $other->{body}, 'by which it is found again');
sub own { my ($name, $domain) = @_; Ask->new($httpd, user => "$name:" . password($name))->pox(address => "$name\@$domain") }
is(code(own('frank', 'unserved.test')), 501, '501: a domain that is not served');
is(code(own('erika', "b\xc3\xbccher.test")), 602, '602: a domain whose name cannot be in a host name');

# --- hosted elsewhere ---

my $moved = $alice->pox(address => 'zoe@moved.test');
ok(valid($moved), 'a domain that has moved');
is(value($moved, 'Action') . ' ' . value($moved, 'RedirectAddr'), 'redirectAddr zoe@new.test', 'redirects to the new address');
is(value($alice->pox(address => 'zoe@sub.moved.test'), 'RedirectAddr'), 'zoe@new.test', 'below it as well');
is(value($alice->pox(address => 'a+b%41@moved.test'), 'RedirectAddr'), 'a+b%41@new.test', 'plus and percent stay');
my $phone = $alice->pox(address => 'zoe@moved.test', schema => 'mobilesync');
ok(valid($phone), 'for phones');
is(value($phone, 'Redirect'), 'zoe@new.test', 'redirects to the new address');
my $hosted = $alice->pox(address => 'zoe@hosted.test');
ok(valid($hosted), 'a domain of a hoster');
is(value($hosted, 'Action') . ' ' . value($hosted, 'RedirectUrl'),
    'redirectUrl https://hoster.test/autodiscover/autodiscover.xml', 'redirects to his URL');
is(code($alice->pox(address => 'zoe@hosted.test', schema => 'mobilesync')), 601, 'which phones cannot follow');
is(code($alice->pox(address => 'loop@loop.test')), 602, '602: a redirect to the same address');

my $soap = 'http://schemas.microsoft.com/exchange/2010/Autodiscover';
my $reply = $alice->pox(path => '/autodiscover/autodiscover.svc', body => <<"XML");
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<GetUserSettingsRequestMessage xmlns="$soap"><Request><Users>
<User><Mailbox>zoe\@moved.test</Mailbox></User><User><Mailbox>zoe\@hosted.test</Mailbox></User>
</Users><RequestedSettings><Setting>ExternalEwsUrl</Setting></RequestedSettings></Request>
</GetUserSettingsRequestMessage></s:Body></s:Envelope>
XML
ok(valid($reply, schema => 'soap.rng'), 'by SOAP');
like($reply->{body}, qr{<ErrorCode>RedirectAddress</ErrorCode><ErrorMessage>Redirection\.</ErrorMessage><RedirectTarget>zoe\@new\.test</RedirectTarget>}, 'to the new address');
like($reply->{body}, qr{<ErrorCode>RedirectUrl</ErrorCode>.*?<RedirectTarget>https://hoster\.test/autodiscover/autodiscover\.svc<}, "to the hoster's URL");

# --- by HTTP, before login ---

$httpd->stop;
$httpd->configure(main => $httpd->{main} . <<'CONF');
AutodiscoverHttpRedirect https://mail.main.test/autodiscover/autodiscover.xml
CONF
$httpd->start;
for my $user (undef, 'alice:' . password('alice')) {
    for my $type (qw(xml svc)) {
        my $get = Ask->new($httpd)->curl->get("/Autodiscover/Autodiscover.$type", user => $user);
        is("$get->{status} $get->{headers}{location}", "302 https://mail.main.test/autodiscover/autodiscover.$type",
            "$type: redirect by HTTP " . ($user ? 'with login' : 'without'));
        ok(!$get->{headers}{'www-authenticate'}, 'nobody is asked for a password');
    }
}

my $safe = T::Curl->new(base => $httpd->tls_url, ca => $ca->{ca})->get('/autodiscover/autodiscover.xml');
is($safe->{status}, 401, 'by HTTPS there is a login, and no redirect');

# --- directives ---

sub refused {
    my ($conf, $expected) = @_;
    my ($passed, $out) = T::Httpd->new(modules => [qw(mailbox autodiscover)], load => ['ldap'], conf => $conf)->configtest;
    ok(!$passed && $out =~ $expected, 'refused: ' . $conf =~ s/\n/; /gr) or diag($out);
}
sub section { "<AutodiscoverDomain $_[0]>\n" . ($_[1] // '') . "\n</AutodiscoverDomain>" }
refused(section('https://example.com'), qr/"https:\/\/example\.com" is no domain; write example\.com/);
refused(section(''), qr/<AutodiscoverDomain needs a domain/);
refused(section('a.test', 'DocumentRoot /'), qr/takes directives of mod_autodiscover, not DocumentRoot/);
refused(section('a.test', 'Autodiscover On'), qr/Autodiscover cannot stand in <AutodiscoverDomain>/);
refused(section('a.test', 'AutodiscoverHttpRedirect https://a.test/'), qr/AutodiscoverHttpRedirect cannot stand in/);
refused(section('a.test', 'AutodiscoverRedirectUrl http://a.test/'), qr/AutodiscoverRedirectUrl: .* must start with https/);
refused(section('a.test', 'AutodiscoverRedirectAddress new.test'), qr/AutodiscoverRedirectAddress: .* is no mail address .* write it as %\{local\}\@example\.com/);
refused(section('a.test', "AutodiscoverImap a.test 993 starttls"), qr/AutodiscoverImap: port 993/);
refused("Autodiscover On\n" . section('a.test'), qr/Autodiscover is On, but there is nothing to tell/);

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(PN12001));
done_testing();

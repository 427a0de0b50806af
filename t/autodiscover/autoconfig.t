#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Thunderbird's config-v1.1.xml and the well-known places of CalDAV and CardDAV:
# anybody, with and without an address, by domain alone.

use strict;
use warnings;
use Test::More;
use lib qw(t/lib t/autodiscover);
use Ask qw(xpath valid);
use T::Dir qw(write_file);

my $httpd = Ask::server(conf => <<'VHOST')->start;
AutodiscoverServerName mail.example.test
AutodiscoverImap imap.example.test
AutodiscoverPop3 pop.example.test 110
AutodiscoverSmtp smtp.example.test 25 plain
AutodiscoverDisplayName "Mail <&> %{domain}"
AutodiscoverCalDavUrl https://dav.%{domain}/calendars/
AutodiscoverCardDavUrl https://dav.%{domain}/%{guid}/
<AutodiscoverDomain example.test *.example.test>
</AutodiscoverDomain>
<AutodiscoverDomain other.test>
    AutodiscoverImap imap.%{domain}
    AutodiscoverPop3 None
    AutodiscoverSmtp mail.%{local}.test
    AutodiscoverLoginName %{user}
</AutodiscoverDomain>
<AutodiscoverDomain noimap.test>
    AutodiscoverImap None
    AutodiscoverPop3 None
</AutodiscoverDomain>
<AutodiscoverDomain moved.test>
    AutodiscoverRedirectAddress %{local}@example.test
</AutodiscoverDomain>
<AutodiscoverDomain guid.test>
    AutodiscoverImap %{guid}.test
    AutodiscoverPop3 None
</AutodiscoverDomain>
VHOST
my $curl = Ask->new($httpd)->curl;
my @paths = qw(/mail/config-v1.1.xml /.well-known/autoconfig/mail/config-v1.1.xml);

sub get {
    my ($query, $host, $path) = @_;
    return $curl->get(($path // $paths[0]) . $query, header => ["Host: $host"]);
}
sub of {
    my ($reply, $type, $element) = @_;
    return xpath($reply, "string(//*[\@type=\"$type\"]/$element)");
}

# --- with an address ---

my $one;
for my $path (@paths, '/Mail/Config-v1.1.xml') {
    my $reply = get('?emailaddress=alice%40example.test', 'autoconfig.example.test', $path);
    is("$reply->{status} $reply->{type}", '200 text/xml; charset=utf-8', "an answer at $path");
    ok(valid($reply, schema => 'autoconfig.rng'), 'which is valid');
    is($reply->{body}, $one //= $reply->{body}, 'always the same');
    is(xpath($reply, 'string(//domain)'), 'example.test', 'for the domain');
    is(xpath($reply, 'string(//displayName)'), 'Mail <&> example.test', 'with its name');
    my %expected = ('imap hostname' => 'imap.example.test', 'imap port' => 993, 'imap socketType' => 'SSL',
        'imap username' => 'alice@example.test', 'pop3 hostname' => 'pop.example.test', 'pop3 port' => 110,
        'pop3 socketType' => 'STARTTLS', 'smtp port' => 25, 'smtp socketType' => 'plain');
    is(of($reply, split / /), $expected{$_}, $_) for sort keys %expected;
}
is(of(get('?emailaddress=a+b@example.test', 'x'), 'imap', 'username'), 'a+b@example.test', 'plus stays');
is(get('?emailaddress=nobody@example.test', 'x')->{status}, 200, 'nobody learns who exists');
my $other = get('?emailaddress=alice@other.test', 'autoconfig.example.test');
is(join(' ', of($other, 'imap', 'hostname'), of($other, 'imap', 'username'), of($other, 'smtp', 'hostname')),
    'imap.other.test alice mail.alice.test', 'the address decides, not the host');
is($curl->get("$paths[0]?emailaddress=alice\@example.test", header => ['Host: evil.example', 'X-Forwarded-Host: evil.example'])->{body},
    $one, 'hostile headers change nothing');

# --- without one ---

for my $host (qw(autoconfig.example.test example.test autodiscover.example.test mail.example.test AUTOCONFIG.Example.test:80)) {
    my $reply = get('', $host, $paths[1]);
    ok(valid($reply, schema => 'autoconfig.rng'), "no address at $host: a valid answer");
    is(lc xpath($reply, 'string(//domain)'), 'example.test', 'for its domain');
    is(of($reply, 'imap', 'username'), '%EMAILADDRESS%', 'with a placeholder');
}
is(xpath(get('?emailaddress=a@sub.example.test', 'x'), 'string(//domain)'), 'sub.example.test', 'a domain below, by address');
is(get('?emailaddress=', 'autoconfig.sub.example.test')->{status}, 404, 'but not by host: no header becomes a name');
is(get('', $_)->{status}, 404, "nothing at $_")
    for qw(evil.example autoconfig.evil.example localhost autoconfig.noimap.test autoconfig.moved.test autoconfig.other.test guid.test);
is(get("?emailaddress=$_", 'autoconfig.example.test')->{status}, 404, "nothing for '$_'")
    for qw(alice@evil.example alice alice@noimap.test alice@moved.test alice@guid.test), '%3Cx%3E@example.test';
is($curl->post("$paths[0]?emailaddress=alice\@example.test", 'x')->{status}, 405, 'POST');
mkdir $httpd->dir . '/htdocs/mail';
write_file($httpd->dir . "/htdocs$paths[0]", "by hand\n", 0644);
is(get('', 'autoconfig.evil.example')->{body}, "by hand\n", 'where there is nothing to tell, a file is served');
is(get('?emailaddress=alice@example.test', 'x')->{body}, $one, 'and nowhere else');

# --- CalDAV and CardDAV ---

for my $method (qw(GET PROPFIND OPTIONS)) {
    my $reply = $curl->get('/.well-known/caldav', method => $method, header => ['Host: example.test']);
    is("$reply->{status} " . ($reply->{headers}{location} // ''), '307 https://dav.example.test/calendars/', "$method caldav");
}
is($curl->get('/.well-known/carddav', header => ['Host: example.test'])->{status}, 404, 'what needs a mailbox is not told');
is($curl->get('/.well-known/caldav', header => ['Host: evil.example'])->{status}, 404, 'nor to foreign hosts');
is($curl->get('/.well-known/caldav', header => ['Host: moved.test'])->{status}, 404, 'nor for what is elsewhere');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok();
done_testing();

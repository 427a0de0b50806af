#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# autodiscover-check: what each client concludes, and what is missing in DNS,
# certificates and configuration.

use strict;
use warnings;
use lib qw(t/lib t/autodiscover);
use T::Netns qw(-n example.test);
use Test::More;
use Ask qw(password);
use JSON::PP;
use T::Ca;
use T::Dir qw(temp_dir write_file build);

my $dir  = temp_dir();
my $ca   = T::Ca->make("$dir");
my $pass = write_file("$dir/password", password('alice') . "\n", 0600);
my $everything = <<'CONF';
AutodiscoverServerName mail.example.test
AutodiscoverPoxUrl https://mail.example.test/autodiscover/autodiscover.xml
AutodiscoverActiveSyncUrl https://mail.example.test/Microsoft-Server-ActiveSync
AutodiscoverImap mail.example.test 993 ssl
AutodiscoverSmtp mail.example.test 465 ssl
AutodiscoverCalDavUrl https://mail.example.test/dav/
AutodiscoverHttpRedirect https://mail.example.test/autodiscover/autodiscover.xml
<Location /autodiscover/mail.mobileconfig>
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    Require valid-user
</Location>
CONF
my $httpd = Ask::server(tls => $ca, listen_tls => 443, listen_port => 80, conf => $everything)->start;

# The exit code and what it printed.
sub check {
    my $out = '';
    open my $pipe, '-|', build() . '/bin/autodiscover-check', @_ or die "autodiscover-check: $!\n";
    { local $/; $out = <$pipe>; }
    close $pipe;
    return ($? >> 8, $out);
}

# The report as JSON, and client => verdict.
sub report {
    my ($exit, $out) = check('--json', @_);
    my $report = JSON::PP->new->decode($out);
    is($report->{exit}, $exit, 'the report says how it ends');
    my %verdict = map { map { $_->{client} => $_->{verdict} } @{ $_->{clients} } } @{ $report->{exchanges} };
    return ($report, \%verdict);
}

sub missing {
    my ($report) = @_;
    return { map { ("$_->{kind} $_->{name}" => $_->{needed} ? 'needed' : 'good') } @{ $report->{missing} } };
}

my @alice = (qw(--ca-file), $ca->{ca}, '--password-file', $pass, 'alice@example.test');

# --- all is well ---

my ($report, $verdict) = report(@alice);
is($report->{exit}, 0, 'nothing fails');
is($report->{host}, 'autodiscover.example.test', 'the domain has no address, the name below it leads here');
is_deeply($verdict, { map { $_ => 'finds' } 'Outlook', 'Evolution', 'EWS clients', 'Thunderbird', 'phones',
    'Managed API', 'Outlook 2019 and later', 'Outlook on phones', 'Thunderbird, autoconfig.',
    'Thunderbird, .well-known', 'Apple', 'Outlook by HTTP' }, 'each client finds what it needs');
is_deeply(missing($report), { map { ("SRV record $_._tcp.example.test" => 'good') }
    qw(_imaps _submissions _caldavs) }, 'records of mail clients are advised, and only for what is offered');
my %answer = map { $_->{question} => $_ } @{ $report->{exchanges} };
like($answer{pox}{answer}, qr/^<\?xml.*<Type>EXPR<\/Type>/s, 'the raw answer is told');
is($answer{redirect}{status}, 302, 'plain HTTP sends on');

my ($exit, $text) = check(@alice);
is($exit, 0, 'the same for people');
like($text, qr/^  Outlook +finds +RPC over HTTP through mail\.example\.test/m, 'one line for each client');
unlike($text, qr/<\?xml|^Trace/m, 'and no more');
like((check('--verbose', @alice))[1], qr/^    \| <\?xml.*^Trace: POST https:/ms, 'unless it is asked for');
unlike((check('-v', @alice))[1], qr/\Q@{[password('alice')]}\E/, 'never the password');

# --- without a password ---

($report, $verdict) = report('--ca-file', $ca->{ca}, 'alice@example.test');
is($report->{exit}, 0, 'without a password, what needs none is asked');
ok(!exists $verdict->{Outlook} && $verdict->{'Outlook 2019 and later'} eq 'finds', 'and no more');

# --- what is wrong ---

($report, $verdict) = report('--password-file', $pass, 'alice@example.test');
is($report->{exit}, 3, 'nobody trusts this authority: no server is found');
is(missing($report)->{'certificate autodiscover.example.test'}, 'needed', 'the certificate is the reason');

my $bad = write_file("$dir/wrong", "wrong\n", 0600);
($report, $verdict) = report('--ca-file', $ca->{ca}, '-p', $bad, 'alice@example.test');
is("$report->{exit} $verdict->{Outlook}", '1 fails', 'a wrong password');

($report, $verdict) = report(@alice[0 .. 3], '-u', 'alice', 'bob@example.test');
is("$report->{exit} $verdict->{Outlook} $verdict->{'Managed API'}", '1 fails fails', 'the mailbox of another');

($report) = report('--ca-file', $ca->{ca}, 'alice@nowhere.test');
is("$report->{exit}", 3, 'a domain without any name');
is_deeply(missing($report), { 'name autodiscover.nowhere.test' => 'needed',
    'SRV record _autodiscover._tcp.nowhere.test' => 'good' }, 'and what to make');

is($httpd->stop, 0, 'httpd ends cleanly');

# --- less is configured ---

$httpd->configure(conf => "Autodiscover On\nAutodiscoverServerName mail.example.test\n");
$httpd->start;
($report, $verdict) = report(@alice);
is($report->{exit}, 1, 'plain HTTP asks for a password');
is($verdict->{'Outlook by HTTP'}, 'fails', 'which is told');
is($verdict->{$_}, 'not offered', "$_: not offered is no failure") for 'phones', 'Thunderbird, .well-known';

# --- the command line ---

is((check(@$_))[0], 2, "usage: @$_") for [], ['nobody'], [qw(-t 0 a@b.test)], [qw(--what a@b.test)],
    [qw(-p /nonexistent a@b.test)], [qw(a@b.test c@d.test)];

is($httpd->stop, 0, 'httpd ends cleanly again');
$httpd->log_ok('AH01617', 'PN12003');
done_testing();

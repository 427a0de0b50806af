#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# The mobilesync schema: what phones ask.

use strict;
use warnings;
use Test::More;
use lib qw(t/lib t/autodiscover);
use Ask qw(value code valid password);

my $httpd = Ask::server(conf => <<'VHOST')->start;
AutodiscoverActiveSyncUrl https://phones.%{domain}/Microsoft-Server-ActiveSync
AutodiscoverEwsUrl None
AutodiscoverExchangeServer None
AutodiscoverRpcProxy None
VHOST
my $alice = Ask->new($httpd, user => 'alice:' . password('alice'));
my $mine  = 'alice@example.test';

my $answer = $alice->pox(address => $mine, schema => 'mobilesync', path => '/Autodiscover/Autodiscover.xml');
is($answer->{status}, 200, 'an answer');
ok(valid($answer), 'in the documented order');
is(value($answer, 'Url'), 'https://phones.example.test/Microsoft-Server-ActiveSync', 'with the URL');
is(value($answer, 'EMailAddress'), $mine, 'and the address');
is($alice->pox(address => 'alice.alias@example.test', schema => 'mobilesync')->{body}, $answer->{body}, 'by an alias');

for my $row (['nobody@example.test', 500], ['bob@example.test', 500], ['', 600]) {
    my $error = $alice->pox(address => $row->[0], schema => 'mobilesync');
    is(code($error), $row->[1], "error $row->[1] for '$row->[0]'");
    like($error->{body}, qr{<Response xmlns="[^"]*/mobilesync/responseschema/2006">}, 'in the name space of mobilesync');
}
my $outlook = $alice->pox(address => $mine);
ok(valid($outlook), 'Outlook gets an answer as well');
unlike($outlook->{body}, qr/<Protocol>/, 'which offers no protocol');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok();
done_testing();

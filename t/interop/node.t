#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Autodiscover clients of npm, unpatched, find the mailbox by its address alone:
# the port of the Managed API (SOAP), and three that speak plain XML, SOAP and
# mobilesync.  Their versions are pinned in node/package-lock.json.

use strict;
use warnings;
use lib qw(t/lib t/autodiscover);
use T::Dir qw(top build);

# Outside the namespace, where there is a network.
my $clients;
BEGIN {
    $clients = build() . '/interop/node';
    if (!$ENV{POSTERN_TESTNET} && !$^C) {
        my $from = top() . '/t/interop/node';
        my $made = system('sh', '-c', 'mkdir -p "$1" && cp "$2"/* "$1" && cd "$1" && { '
            . 'cmp -s package-lock.json node_modules/.installed || { '
            . 'npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1 && '
            . 'cp package-lock.json node_modules/.installed; }; }', 'sh', $clients, $from) == 0;
        unless ($made) {
            print "1..0 # SKIP npm could not install the clients, see $clients/npm.log\n";
            exit 0;
        }
    }
}
use T::Netns;
use Test::More;
use Ask qw(password);
use T::Ca;
use T::Dir qw(temp_dir);

my $dir   = temp_dir();
my $ca    = T::Ca->make("$dir");
my $httpd = Ask::server(tls => $ca, listen_tls => 443, listen_port => 80, conf => <<'CONF')->start;
AutodiscoverServerName mail.example.test
AutodiscoverActiveSyncUrl https://mail.example.test/Microsoft-Server-ActiveSync
AutodiscoverHttpRedirect https://mail.example.test/autodiscover/autodiscover.xml
CONF

sub found {
    my ($client, $name, $password) = @_;
    local %ENV = (%ENV, NODE_EXTRA_CA_CERTS => $ca->{ca}, NODE_NO_WARNINGS => 1);
    open my $pipe, '-|', 'node', "$clients/discover.js", $client, "$name\@example.test", $password // password('alice')
        or die "node: $!\n";
    local $/;
    my $out = <$pipe> // '';
    close $pipe;
    return (grep { /^(?:found|error) / } split /\n/, $out)[-1] // $out;
}

my $ews = 'found https://mail.example.test/EWS/Exchange.asmx';
my $eas = 'found https://mail.example.test/Microsoft-Server-ActiveSync';
for my $row (['ews-javascript-api', $ews], ['autodiscover', $ews], ['exchange-autodiscover', $ews],
    ['autodiscover-activesync', $eas]) {
    my ($client, $url) = @$row;
    is(found($client, 'alice'), $url, "$client finds it");
    is(found($client, 'alice.alias'), $url, "$client: by an alias");
    unlike(found($client, 'bob'), qr/^found http/, "$client: not that of another");
    unlike(found($client, 'alice', 'wrong'), qr/^found http/, "$client: not with a wrong password");
}

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok('AH01617');
done_testing();

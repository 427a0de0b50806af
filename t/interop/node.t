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
use Site;
use Ask qw(password);
use Ways;

my $site = Site->new(conf => <<'CONF')->start;
AutodiscoverActiveSyncUrl https://mail.example.test/Microsoft-Server-ActiveSync
CONF

sub found {
    my ($client, $name, $password, $domain) = @_;
    local %ENV = (%ENV, $site->client($name), NODE_NO_WARNINGS => 1);
    open my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', 'node', "$clients/discover.js", $client,
        "$name\@" . ($domain // 'example.test'), $password // password('alice') or die "node: $!\n";
    local $/;
    my $out = <$pipe> // '';
    close $pipe;
    return (grep { /^(?:found|error) / } split /\n/, $out)[-1] // $out;
}

my $ews = 'found https://mail.example.test/EWS/Exchange.asmx';
my $eas = 'found https://mail.example.test/Microsoft-Server-ActiveSync';
my %url = ('ews-javascript-api' => $ews, autodiscover => $ews, 'exchange-autodiscover' => $ews,
    'autodiscover-activesync' => $eas);

# What two of them do not reach: one never asks for SRV and ends at the first
# web page, the other gives up where autodiscover. has no address.
my %ignores = ('autodiscover' => qr/SRV|a web server/, 'autodiscover-activesync' => qr/SRV/);

for my $client (sort keys %url) {
    for my $way (grep { !$ignores{$client} || !/$ignores{$client}/ } Ways::names()) {
        Ways::go($way);
        is(found($client, 'alice'), $url{$client}, "$client: $way");
    }
    # Those that follow a redirect to another address, or server, within SOAP.
    if ($client eq 'ews-javascript-api') {
        Ways::go_elsewhere();
        is(found($client, 'alice', undef, 'moved.example.test'), $url{$client}, "$client: the address is another now");
        is(found($client, 'alice', undef, 'hosted.example.test'), 'found https://other.example.test/EWS/Exchange.asmx', "$client: the server is another");
    }
    Ways::go('autodiscover. below it');
    is(found($client, 'alice.alias'), $url{$client}, "$client: by an alias");
    unlike(found($client, 'bob'), qr/^found http/, "$client: not that of another");
    unlike(found($client, 'alice', 'wrong'), qr/^found http/, "$client: not with a wrong password");
}

$site->stop('AH01617');
done_testing();

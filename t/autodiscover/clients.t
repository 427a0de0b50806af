#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# A client that nobody here wrote finds its mailbox by the domain of the address
# alone, with POX and with SOAP, in each way that leads to a server: exchangelib.

use strict;
use warnings;
use lib qw(t/lib t/autodiscover);
use T::Netns;
use Test::More;
use Site;
use T::Dir qw(top);
use Ways;

plan skip_all => 'exchangelib is not installed (make deps)'
    if system(q{/usr/bin/python3 -c 'import exchangelib' 2>/dev/null}) != 0;

my $site = Site->new->start;

sub found {
    my ($kind, $name, %more) = @_;
    local %ENV = (%ENV, $site->client('alice'), EMAIL => "$name\@example.test", %more);
    my $out = `/usr/bin/python3 @{[ top() ]}/t/autodiscover/discovery.py $kind 2>&1`;
    return (split /\n/, $out)[-1] // '';
}

my $url = 'https://mail.example.test/EWS/Exchange.asmx';
for my $way (Ways::names()) {
    Ways::go($way);
    is(found($_, 'alice'), "$url alice\@example.test", "$_: $way") for qw(pox soap);
}

Ways::go_elsewhere();
is(found($_, 'alice', EMAIL => 'alice@moved.example.test'), "$url alice\@example.test", "$_: the address is another now") for qw(pox soap);
like(found('soap', 'alice', EMAIL => 'alice@hosted.example.test'), qr{^https://other\.example\.test/EWS/}, 'soap: the server is another');

Ways::go('the domain itself');
for my $kind (qw(pox soap)) {
    is(found($kind, 'alice.alias'), "$url alice\@example.test", "$kind by an alias");
    like(found($kind, $_), qr/ErrorNonExistentMailbox|AutoDiscoverFailed/, "$kind: $_ is not found") for qw(nobody bob);
    like(found($kind, 'alice', PASSWORD => 'wrong'), qr/UnauthorizedError|AutoDiscoverFailed/, "$kind: a wrong password");
}

$site->stop(qw(AH01617 AH01618));
done_testing();

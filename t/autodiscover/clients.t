#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# A client that nobody here wrote finds its mailbox by the domain of the address
# alone, with POX and with SOAP, through DNS and TLS: exchangelib.

use strict;
use warnings;
use lib qw(t/lib t/autodiscover);
use T::Netns;
use Test::More;
use Ask qw(password);
use T::Ca;
use T::Dir qw(temp_dir top);

plan skip_all => 'exchangelib is not installed (make deps)'
    if system(q{/usr/bin/python3 -c 'import exchangelib' 2>/dev/null}) != 0;

my $dir   = temp_dir();
my $ca    = T::Ca->make("$dir");
my $httpd = Ask::server(tls => $ca, listen_tls => 443, listen_port => 80,
    conf => "AutodiscoverServerName mail.example.test\n")->start;

sub found {
    my ($way, $name, $password) = @_;
    local %ENV = (%ENV, EMAIL => "$name\@example.test",
        LOGIN => 'alice@example.test', PASSWORD => $password // password('alice'),
        REQUESTS_CA_BUNDLE => $ca->{ca});
    my $out = `/usr/bin/python3 @{[ top() ]}/t/autodiscover/discovery.py $way 2>&1`;
    return (split /\n/, $out)[-1] // '';
}

my $url = 'https://mail.example.test/EWS/Exchange.asmx';
is(found('pox', 'alice'), "$url alice\@example.test", 'POX');
is(found('pox', 'alice.alias'), "$url alice\@example.test", 'POX by an alias');
is(found('soap', 'alice'), "$url alice\@example.test", 'SOAP');
is(found('soap', 'alice.alias'), "$url alice\@example.test", 'SOAP by an alias');
like(found('pox', $_), qr/ErrorNonExistentMailbox/, "POX: $_ is not found") for qw(nobody bob);
like(found('soap', $_), qr/ErrorNonExistentMailbox|AutoDiscoverFailed/, "SOAP: $_ is not found") for qw(nobody bob);
like(found($_, 'alice', 'wrong'), qr/UnauthorizedError|AutoDiscoverFailed/, "$_: a wrong password") for qw(pox soap);

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(AH01617 AH01618));
done_testing();

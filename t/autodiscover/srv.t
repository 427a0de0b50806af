#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# exchangelib again, where neither the domain nor autodiscover. below it has an
# address: the SRV record alone leads to the server.

use strict;
use warnings;
use lib qw(t/lib t/autodiscover);
use T::Netns qw(-n example.test -n autodiscover.example.test -s mail.example.test:443);
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

for my $way (qw(pox soap)) {
    local %ENV = (%ENV, EMAIL => 'alice@example.test', LOGIN => 'alice@example.test',
        PASSWORD => password('alice'), REQUESTS_CA_BUNDLE => $ca->{ca});
    my $out = `/usr/bin/python3 @{[ top() ]}/t/autodiscover/discovery.py $way 2>&1`;
    is((split /\n/, $out)[-1], 'https://mail.example.test/EWS/Exchange.asmx alice@example.test', $way);
}

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok();
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# A verifier that is configured by its name, while the name server is well, and
# while it is silent: nobody waits longer than NTLMTimeout, who has two
# verifiers logs in, and a name that was known stays known.

use strict;
use warnings;
use lib 't/lib';
use T::Netns;
use Test::More;
use Time::HiRes qw(time);
use T::Ca;
use T::Dir qw(temp_dir write_file);
use T::Httpd;
use T::NameServer;
use T::Ntlm;
use T::Samba;
use T::Wait qw(until_true);

my $missing = T::Samba->missing;
plan skip_all => $missing if $missing;

my $dir = temp_dir();
my $dc  = T::Samba->new(ca => T::Ca->make("$dir"))->start;
my %alice = (user => 'alice', password => $dc->user(1)->{password}, domain => $dc->netbios);
my $address = $dc->address;

my $names = T::NameServer->start(map { ("dc$_.example.test" => $address) } 1 .. 3);

my $httpd = T::Httpd->new(modules => ['auth_ntlm'], main => <<"CONF", conf => <<"CONF2");
NTLMDomain EXAMPLE
NTLMRequireTLS Off
CONF
@{[ location('/known', 'dc1.example.test') ]}
@{[ location('/unknown', 'dc2.example.test') ]}
@{[ location('/two', 'dc3.example.test', $address) ]}
@{[ location('/never', 'nobody.example.test') ]}
CONF2
for my $place (qw(known unknown two never free)) {
    mkdir $httpd->dir . "/htdocs/$place";
    write_file($httpd->dir . "/htdocs/$place/a.html", "$place\n");
}
$httpd->start;

sub location {
    my ($path, @servers) = @_;
    return "<Location \"$path\">\nAuthType NTLM\nNTLMVerifier @servers\nRequire valid-user\n</Location>\n";
}

sub client { return T::Ntlm->new(port => $httpd->port) }
sub login { my ($place) = @_; return client()->login("/$place/a.html", %alice)->{status} }

sub is_told {
    my ($place, $status, $seconds, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $start = time;
    is(login($place), $status, $name);
    my $took = time - $start;
    cmp_ok($took, '<', $seconds, "within $seconds s ($took)");
}

is(login('known'), 200, 'by name');
is_told('never', 503, 1, 'a name that does not exist');
ok($httpd->logged('PN11012: NTLM login is not possible: nobody.example.test:135: cannot be resolved'), 'as the log says');

$names->fall_silent;
is_told('known', 200, 1, 'the name server is silent: who is known stays so');
is_told('unknown', 503, 6, 'who is not known is not reached');
is_told('unknown', 503, 1, 'and the next one does not wait');
is_told('two', 200, 3.9, 'the second verifier is asked in time');
is_told('two', 200, 1, 'and first from then on');
is(client()->ask('/free/a.html')->{status}, 200, 'others do not notice');
my @statuses = map { $_->ask('/unknown/a.html', T::Ntlm::type1())->{status} } map { client() } 1 .. 20;
is("@statuses", join(' ', (503) x 20), 'twenty more are told as well');
$names->speak;
ok(until_true(sub { login('unknown') == 200 }, 40), 'it speaks: the login works');

$names->fall_silent;
is(client()->ask('/never/a.html', T::Ntlm::type1())->{status}, 503, 'silent once more');
is($httpd->stop, 0, 'httpd ends cleanly all the same');
$names->stop;
$dc->stop;
$httpd->log_ok('PN11012');
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# A directory that is configured by its name, while the name server is well, and
# while it is silent: libldap would ask it for half a minute.

use strict;
use warnings;
use lib 't/lib';
use T::Netns;
use Test::More;
use Time::HiRes qw(time);
use T::Ca;
use T::Curl;
use T::Dir qw(temp_dir write_file);
use T::Httpd;
use T::NameServer;
use T::Slapd;
use T::Wait qw(until_true);

my $dir  = temp_dir();
my $ca   = T::Ca->make("$dir");
my $ldap = T::Slapd->new(ca => $ca)->start;
my $password = $ldap->user(1)->{password};
write_file("$dir/secret", $ldap->reader_password . "\n");
my $names = T::NameServer->start(map { ("$_.example.test" => '127.0.0.1') } qw(mail autodiscover));
my $port  = $ldap->ldaps_port;

sub location {
    my ($path, $hosts) = @_;
    return <<"CONF";
<Location "$path">
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    Require valid-user
    MailboxLDAPURL "ldaps://$hosts/@{[ $ldap->people ]}"
</Location>
CONF
}
my $httpd = T::Httpd->new(modules => ['mailbox'], load => ['ldap'], main => <<"MAIN",
LDAPTrustedGlobalCert CA_BASE64 $ca->{ca}
LDAPTimeout 4
LDAPConnectionTimeout 3
LDAPRetries 1
MailboxLDAPTimeout 3
MailboxLDAPBindDN @{[ $ldap->reader_dn ]}
MailboxLDAPBindPassword file:$dir/secret
MAIN
    conf => location('/known', "mail.example.test:$port") . location('/unknown', "autodiscover.example.test:$port")
        . location('/never', "nobody.example.test:$port") . location('/address', "127.0.0.1:$port"))->start;
my $curl = T::Curl->new(base => $httpd->url, seconds => 60);

sub login { my ($place) = @_; return $curl->get("$place/x", user => "alice:$password")->{status} }
sub is_told {
    my ($place, $status, $seconds, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $start = time;
    is(login($place), $status, $name);
    my $took = time - $start;
    cmp_ok($took, '<', $seconds, sprintf "within $seconds s (%.1f)", $took);
}

is(login('/known'), 404, 'by name');
is_told('/never', 503, 2, 'a name that does not exist');

$names->fall_silent;
is_told('/known', 404, 2, 'the name server is silent: who has connections keeps them');
is_told('/unknown', 503, 5, 'who needs a new one does not get it');
is_told('/unknown', 503, 1, 'and the next does not wait') for 1 .. 3;
is_told('/address', 404, 2, 'an address needs no name server');
ok($httpd->logged(qr/PN10041: directory autodiscover.*: no name server answers/), 'as the log says');
$names->speak;
ok(until_true(sub { login('/unknown') == 404 }, 40), 'it speaks: the login works');

is($httpd->stop, 0, 'httpd ends cleanly');
$names->stop;
$httpd->log_ok(qw(PN10041 AH01617));
done_testing();

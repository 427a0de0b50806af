#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Answers from a live Samba Active Directory, without any cache: how often it is
# asked, for what, and on which connections; and that it may go and come.

use strict;
use warnings;
use Test::More;
use lib qw(t/lib t/autodiscover);
use Ask qw(value valid code login_section);
use LdapWatch;
use T::Ca;
use T::Directory qw(directory_conf);
use T::Dir qw(temp_dir);
use T::Httpd;
use T::Samba;

my $missing = T::Samba->missing;
plan skip_all => $missing if $missing;

my $dir   = temp_dir();
my $ca    = T::Ca->make("$dir");
my $dc    = T::Samba->new(ca => $ca, services => 'rpc ldap cldap kdc')->start;
my $watch = LdapWatch->new(directory => $dc, ca => $ca)->start;
my ($alice, $bob) = map { $dc->user($_) } 1, 2;

my $httpd = T::Httpd->new(modules => [qw(mailbox autodiscover)], load => ['ldap'],
    main => <<"CONF", conf => <<"VHOST")->start;
KeepAlive Off
LDAPSharedCacheSize 0
MailboxDomain EXAMPLE example.test
@{[ directory_conf($dir, $ca, $watch, $dc->base) ]}
@{[ login_section('^/autodiscover/') ]}
CONF
Autodiscover On
AutodiscoverServerName mail.example.test
VHOST
my $ask = Ask->new($httpd);
sub pox { my ($login, %ask) = @_; return $ask->pox(user => "$login:$alice->{password}", %ask) }

# --- how often, and for what ---

# The attributes of which the directory has an index, which decides whether a
# search reads one entry or all.
my ($partition) = glob "$dc->{dir}/private/sam.ldb.d/DC=EXAMPLE,DC=TEST.ldb";
my %has_index = map { lc $_ => 1 } `ldbsearch -H '$partition' -s base -b '\@INDEXLIST' 2>/dev/null` =~ /^\@IDXATTR: (\S+)/mg;
ok($has_index{samaccountname}, 'the list of indexes can be read');

pox('alice', address => $alice->{mail});    # opens the connections
my @named = sort map { lc } qw(sAMAccountName userPrincipalName mail proxyAddresses displayName legacyExchangeDN objectGUID);
for my $row (
    # login, question, most searches
    ['alice',                 1, address  => $alice->{mail}],
    ['EXAMPLE\\alice',        1, address  => $alice->{alias}],
    ['alice@example.test',    1, address  => $alice->{mail}],
    ['alice',                 1, legacydn => uc $alice->{legacy_dn}],
    ['alice',                 2, address  => 'nobody@example.test'],
    ['alice',                 2, address  => $bob->{mail}],
    ['alice',                 2, legacydn => $bob->{legacy_dn}]) {
    my ($login, $most, @question) = @$row;
    $watch->since;
    my $answer = pox($login, @question);
    my $seen = $watch->since;
    my @searches = grep { $_->{op} eq 'search' } @$seen;
    my $name = "$login asks by $question[0]";
    is(code($answer), $most == 1 ? 'no error' : 500, $name);
    ok(@searches >= 1 && @searches <= $most, @searches . " searches, at most $most");
    is_deeply([map { join ' ', sort @{ $_->{wants} } } @searches], [("@named") x @searches], 'of named attributes');
    is_deeply([grep { !$has_index{$_} } map { @{ $_->{filter} } } @searches], [], 'by attributes that have an index');
    is(scalar(grep { $_->{op} eq 'bind' } @$seen), 1, 'and one bind, for the password');
}

# --- on which connections ---

$watch->since;
pox('alice', address => $alice->{mail}) for 1 .. 20;
is(scalar(grep { $_->{op} eq 'connect' } @{ $watch->since }), 0, 'twenty answers need no new connection');

# --- dropped, as Samba does when a connection is idle, or restarts ---

for my $n (1 .. 3) {
    $watch->drop;
    $watch->since;
    my $answer = pox('alice', address => $alice->{alias});
    is(code($answer), 'no error', "dropped $n: the same question is answered");
    is(value($answer, 'AutoDiscoverSMTPAddress'), $alice->{mail}, 'rightly');
    my $connects = grep { $_->{op} eq 'connect' } @{ $watch->since };
    ok($connects >= 1 && $connects <= 2, "on $connects new connections: one to search, one for passwords");
}
$dc->stop;
$watch->drop;
is(pox('alice', address => $alice->{mail})->{status}, 503, 'without Samba nobody logs in');
$dc->start;
is(code(pox('alice', address => $alice->{mail})), 'no error', 'and with the new one at once, without a restart of httpd');

# --- nothing of this for anybody ---

$watch->since;
my $curl = $ask->curl;
$curl->get("/autodiscover/autodiscover.json?Email=$_&Protocol=Ews") for $alice->{mail}, 'nobody@example.test', '*@example.test';
$curl->get("/autodiscover/autodiscover.json/v1.0/$alice->{mail}?Protocol=AutodiscoverV1");
$curl->get("$_?emailaddress=$alice->{mail}") for qw(/mail/config-v1.1.xml /.well-known/autoconfig/mail/config-v1.1.xml);
$curl->get($_) for qw(/.well-known/caldav /.well-known/carddav /autodiscover/autodiscover.xml /autodiscover/autodiscover.svc);
is_deeply($watch->since, [], 'whoever is not logged in moves the directory to nothing');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(PN10041 PN10047 AH01617 AH01618 PN12001));
done_testing();

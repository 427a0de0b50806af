#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# What spares the directory: MailboxLoginCache, and mod_authn_socache in front.
# A wrong password stays wrong, and none is told from a cache.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Directory qw(directory_conf);
use T::Dir qw(temp_dir write_file);
use T::Httpd;
use T::Slapd;
use T::Wait qw(until_true);

my $dir  = temp_dir();
my $ca   = T::Ca->make("$dir");
my $ldap = T::Slapd->new(ca => $ca)->start;

my $httpd = T::Httpd->new(
    modules => ['mailbox'],
    load    => [qw(ldap authn_socache)],
    main    => <<"CONF", conf => <<"LOCATIONS")->start;
AuthnCacheSOCache shmcb
@{[ directory_conf($dir, $ca, $ldap, $ldap->people) ]}
CONF
<Location "/cached">
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider socache mailbox
    AuthnCacheProvideFor mailbox
    AuthnCacheContext mail
    Require valid-user
</Location>
<Location "/cached/below">
    AuthnCacheTimeout 60
</Location>
<Location "/cached/not">
    AuthnCacheProvideFor file
    AuthnCacheContext other
</Location>
<Location "/plain">
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    Require valid-user
</Location>
<Location "/own">
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    MailboxLoginCache 60
    Require valid-user
</Location>
<Location "/own/off">
    MailboxLoginCache Off
</Location>
<Location "/own/domain">
    MailboxDomain EXAMPLE
</Location>
<Location "/short">
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    MailboxLoginCache 1
    Require valid-user
</Location>
LOCATIONS
write_file($httpd->dir . "/htdocs/$_", "in\n") for qw(cached plain own short);
my $curl = T::Curl->new(base => $httpd->url);
sub login { my ($where, $name, $password) = @_; $curl->get("/$where", user => "$name:$password")->{status} }

is(login('cached', 'alice', 'wrong'), 401, 'a wrong password first');
is(login('cached', 'alice', 'secret-alice'), 200, 'is not remembered');
is(login('cached', 'alice', 'secret-alice'), 200, 'the right one is');
is(login('cached', 'alice', 'wrong'), 401, 'a wrong one stays wrong');
is(login('cached', 'alice', ''), 401, 'an empty one as well');
is(login('cached', 'bob', 'secret-alice'), 401, "another user's as well");

is(login('cached/below', 'carol', 'secret-carol'), 404, 'where AuthnCacheProvideFor is inherited');
is(login('cached/not', 'dave', 'secret-dave'), 404, 'where it names another provider');

$ldap->stop;
is(login('cached', 'carol', 'secret-carol'), 200, 'without the directory: who logged in below is known');
is(login('cached/not', 'dave', 'secret-dave'), 503, 'who is not to be kept is not');
is(login('plain', 'alice', 'secret-alice'), 503, 'without the directory: 503');
is(login('cached', 'alice', 'secret-alice'), 200, 'from the cache: 200');
is(login('cached', 'alice', 'wrong'), 401, 'and still 401 for a wrong password');
is(login('cached', 'bob', 'secret-bob'), 503, 'who is not in the cache waits');
$ldap->start;
is(login('cached', 'bob', 'secret-bob'), 200, 'until the directory is back');

# --- our own ---

is(login('own', 'alice', 'wrong'), 401, 'own: a wrong password');
is(login('own', 'alice', 'secret-alice'), 200, 'own: the right one');
is(login('own', 'carol', 'secret-carol'), 200, 'own: two of them');
is(login('short', 'alice', 'secret-alice'), 200, 'short: the right one');
is(login('own/domain', 'EXAMPLE\alice', 'secret-alice'), 404, 'own: a login that one location takes');
is(login('own', 'EXAMPLE\alice', 'secret-alice'), 401, 'own: is none in another');
$ldap->stop;
is(login('own', 'alice', 'secret-alice'), 200, 'own: known without the directory');
is(login('own', 'alice', 'wrong'), 503, 'own: a wrong one is asked of the directory');
is(login('own', 'alice', 'secret-carol'), 503, "own: another user's as well");
is(login('own', 'alice', ''), 401, 'own: an empty one never');
is(login('own', 'ALICE', 'secret-alice'), 503, 'own: by the name it was given');
is(login('own/off', 'alice', 'secret-alice'), 503, 'own: off below');
ok(until_true(sub { login('short', 'alice', 'secret-alice') == 503 }, 5), 'short: forgotten after a second');
$ldap->start;
$ldap->modify('dn: ' . $ldap->user(1)->{dn} . "\nchangetype: modify\nreplace: userPassword\nuserPassword: new-alice\n");
is(login('own', 'alice', 'new-alice'), 200, 'own: a new password works at once');
is(login('own', 'alice', 'secret-alice'), 200, 'own: the old one for a while');
ok(until_true(sub { login('short', 'alice', 'secret-alice') == 401 }, 5), 'short: which is a second here');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(PN10041 PN10047 AH01617 AH01618));
done_testing();

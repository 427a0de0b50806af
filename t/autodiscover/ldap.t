#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Autodiscover over OpenLDAP: the same answers as from a file, a broken entry
# (602), a directory that is down or silent (603 within 10 s), and recovery.

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use lib qw(t/lib t/autodiscover);
use Ask qw(value code valid login_section);
use T::Ca;
use T::Directory qw(directory_conf);
use T::Dir qw(temp_dir write_file);
use T::Httpd;
use T::Slapd;
use T::Wait qw(until_true);

my $dir  = temp_dir();
my $ca   = T::Ca->make("$dir");
my $ldap = T::Slapd->new(ca => $ca)->start;
my ($alice, $bob, undef, $dave) = map { $ldap->user($_) } 1 .. 4;

# Passwords come from a file, so that the directory alone decides what happens
# to a question.
my $users = join '', map { "$_:" . `openssl passwd -apr1 test` } qw(alice bob dave ghost twin);
write_file("$dir/passwd", $users, 0644);
(my $login = login_section('^/autodiscover/')) =~ s/AuthBasicProvider mailbox/AuthBasicProvider file\n    AuthUserFile $dir\/passwd/;
my $httpd = T::Httpd->new(modules => [qw(mailbox autodiscover)], load => ['ldap'],
    main => <<"CONF", conf => "Autodiscover On\nAutodiscoverServerName mail.example.test\nAutodiscoverImap %{host}\n")->start;
KeepAlive Off
MailboxLDAPAttribute host roomNumber
@{[ directory_conf($dir, $ca, $ldap, $ldap->people . '??sub?(objectClass=inetOrgPerson)') ]}
$login
CONF
my $ask = Ask->new($httpd, user => 'alice:test');

# --- answers ---

my $answer = $ask->pox(address => $alice->{mail});
ok(valid($answer), 'an answer in the documented order');
is(value($answer, 'AutoDiscoverSMTPAddress'), $alice->{mail}, 'with the address');
is(value($answer, 'LegacyDN'), $alice->{legacy_dn}, 'and the LegacyDN of the directory');
is($ask->pox(address => $alice->{alias})->{body}, $answer->{body}, 'by a proxy address');
is($ask->pox(legacydn => $alice->{legacy_dn})->{body}, $answer->{body}, 'by LegacyDN');
is(value($ask->pox(address => $bob->{mail}, user => 'bob:test'), 'DisplayName'), $bob->{display}, 'UTF-8');
is(code($ask->pox(address => $_)), 500, "500 for $_")
    for $bob->{mail}, 'nobody@example.test', '*@example.test', '*)(uid=*', 'alice@example.test)(cn=*';
is(code($ask->pox(legacydn => $_)), 500, "500 for $_") for $bob->{legacy_dn}, '*', '/o=*';
is(code($ask->pox(address => $alice->{mail}, user => 'dave:test')), 501, '501 for a user without address');
is(code($ask->pox(address => $alice->{mail}, user => 'ghost:test')), 500, '500 for a user without entry');

is(value($answer, 'IMAP', 'Server'), 'mail.example.test', 'a mailbox without a host of its own is on the server');
sub is_on { $ldap->modify("dn: $alice->{dn}\nchangetype: modify\nreplace: roomNumber\n" . join '', map { "roomNumber: $_\n" } @_) }
is_on('store-7.example.test');
is(value($ask->pox(address => $alice->{mail}), 'IMAP', 'Server'), 'store-7.example.test', 'now it has one, in the directory');
is_on('evil.test/path');
is(value($ask->pox(address => $alice->{mail}), 'IMAP', 'Server'), 'mail.example.test', 'what is no host name is left out');

# --- broken ---

for my $n (1, 2) {
    $ldap->add(<<"LDIF");
dn: uid=twin$n,@{[$ldap->people]}
objectClass: inetOrgPerson
objectClass: adMailUser
uid: twin$n
sAMAccountName: twin
cn: Twin $n
sn: Twin
mail: twin$n\@example.test
proxyAddresses: smtp:twins\@example.test
LDIF
}
is(code($ask->pox(address => "twin1\@example.test", user => 'twin:test')), 602, '602: two entries have the login name');
is(code($ask->pox(address => "twins\@example.test")), 500, 'two with one address are nothing to a stranger');

# --- down, silent, back ---

sub timed {
    my ($name) = @_;
    my $begin = time;
    is(code($ask->pox(address => $alice->{alias})), 603, "603: the directory is $name");
    cmp_ok(time - $begin, '<', 10, 'within 10 seconds');
}
sub recovers {
    my ($name) = @_;
    ok(until_true(sub { code($ask->pox(address => $alice->{alias})) eq 'no error' }, 15), "answers again: $name");
}
$ldap->kill;
timed('down');
$ldap->start;
recovers('it is up again');
$ldap->freeze;
timed('silent');
$ldap->thaw;
recovers('it speaks again');

$ldap->stop;
is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(PN10041 PN10042 PN12001));
done_testing();

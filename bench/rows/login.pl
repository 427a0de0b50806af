# SPDX-License-Identifier: Apache-2.0

package Rows::Login;

# A login in front of a small file: mod_mailbox and mod_auth_ntlm beside
# mod_authnz_ldap of the same httpd with the same directory.

use strict;
use warnings;
use Bench qw(program numbers with_cpu median);
use Stage qw(stage ca dir);
use T::Dir qw(write_file);
use T::Httpd;
use T::Ntlm;
use T::Samba;
use T::Slapd;
use Time::HiRes qw(time);

my $load = program('http_load');

sub slapd { return stage(login_slapd => sub { T::Slapd->new(ca => ca())->start }) }
sub samba { return stage(login_samba => sub { T::Samba->new(ca => ca(), services => 'rpc ldap cldap kdc')->start }) }

# One server with two logins of the same directory, both searching with one
# account and then binding as the user.
sub server {
    my ($name, $ldap, $user, $cached) = @_;
    return stage("login_$name" => sub {
        my $file  = write_file(dir() . "/$name.secret", $ldap->reader_password . "\n");
        my $names = $ldap->isa('T::Samba') ? 'sAMAccountName' : $user;
        my $none  = $cached ? '' : "LDAPCacheEntries 0\nLDAPOpCacheEntries 0\n";
        my $cache = $cached ? 'socache ' : '';
        my ($ours, $theirs) = $cached ? ('MailboxLoginCache 60', "AuthnCacheProvideFor ldap\nAuthnCacheTimeout 600") : ('', '');
        my $httpd = T::Httpd->new(modules => [qw(mailbox auth_ntlm)], load => [qw(ldap authnz_ldap authn_socache)],
            main => <<"MAIN" . $Stage::one_child, conf => <<"CONF");
AuthnCacheSOCache shmcb
LDAPTrustedGlobalCert CA_BASE64 @{[ ca()->{ca} ]}
$none
MailboxLDAPURL "@{[ $ldap->ldaps_url ]}/@{[ $ldap->base ]}"
MailboxLDAPBindDN "@{[ $ldap->reader_dn ]}"
MailboxLDAPBindPassword file:$file
MailboxLoginDelay 300 5 50
NTLMDomain EXAMPLE example.test
NTLMRequireTLS Off
MAIN
MaxKeepAliveRequests 0
<Location />
    AuthName bench
    Require valid-user
</Location>
<Location /ours>
    AuthType Basic
    AuthBasicProvider mailbox
    $ours
</Location>
<Location /ours-shared>
    AuthType Basic
    AuthBasicProvider socache mailbox
    AuthnCacheProvideFor mailbox
    AuthnCacheTimeout 600
</Location>
<Location /reference>
    AuthType Basic
    AuthBasicProvider ${cache}ldap
    LDAPReferrals Off
    AuthLDAPURL "@{[ $ldap->ldaps_url ]}/@{[ $ldap->base ]}?$names?sub"
    AuthLDAPBindDN "@{[ $ldap->reader_dn ]}"
    AuthLDAPBindPassword "@{[ $ldap->reader_password ]}"
    $theirs
</Location>
<Location /ntlm>
    AuthType NTLM
    NTLMVerifier @{[ $ldap->isa('T::Samba') ? $ldap->address : '127.0.0.1' ]}
</Location>
CONF
        write_file($httpd->dir . "/htdocs/$_", "a small file\n", 0644) for qw(ours ours-shared reference ntlm);
        $httpd->start;
    });
}

sub cached   { return server(cached => slapd(), 'sAMAccountName', 1) }
sub uncached { return server(uncached => slapd(), 'sAMAccountName', 0) }
sub domain   { return server(domain => samba(), 'sAMAccountName', 0) }

sub requests {
    my ($httpd, $login, $connections, $path) = @_;
    return with_cpu($httpd->pid, sub {
        numbers($load, '-p', '127.0.0.1:' . $httpd->port, '-u', $login, $connections, 1, $path) });
}

# Whole NTLM logins, each on a connection of its own, without the time in which
# the client calculates its answer.
sub ntlm_logins {
    my ($count) = @_;
    my $httpd = domain();
    my $user = samba()->user(1);
    my @took;
    for (1 .. $count) {
        my $client = T::Ntlm->new(port => $httpd->port);
        my $began = time;
        my $challenge = $client->ask('/ntlm', T::Ntlm::type1())->{challenge} or die "no challenge\n";
        my $took = time - $began;
        my $type3 = T::Ntlm::type3($challenge, user => $user->{name}, password => $user->{password}, domain => 'EXAMPLE');
        $began = time;
        $client->ask('/ntlm', $type3)->{status} == 200 or die "not logged in\n";
        push @took, 1e6 * ($took + time - $began);
    }
    my @sorted = sort { $a <=> $b } @took;
    return { n => $count, p50 => median(@took), p99 => $sorted[ int(0.99 * $#sorted) ],
        rps => 1e6 / median(@took) };
}

sub slapd_user { return 'alice:' . slapd()->user(1)->{password} }
sub samba_user { return 'alice:' . samba()->user(1)->{password} }

my $theirs = 'mod_authnz_ldap behind mod_authn_socache (shmcb)';
my @needs  = qw(modules/mod_mailbox.so modules/mod_auth_ntlm.so bench/http_load /usr/sbin/slapd);
return (
    (map {
        my ($name, $connections, $how) = @$_;
        { needs => [@needs], rounds => 7,
          targets => {
            ours   => sub { requests(cached(), slapd_user(), $connections, '/ours') },
            shared => sub { requests(cached(), slapd_user(), $connections, '/ours-shared') },
            theirs => sub { requests(cached(), slapd_user(), $connections, '/reference') } },
          rows => [
            [$name, 'logins/s', 'ours.rps', 'theirs.rps', "$theirs; $how", '', '>= 0.95'],
            ["$name.p50", 'us', 'ours.p50', 'theirs.p50', $theirs],
            ["$name.p99", 'us', 'ours.p99', 'theirs.p99', $theirs],
            ["$name.cpu", 'us/login', 'ours.cpu', 'theirs.cpu', "$theirs; CPU of httpd"],
            ["$name.socache", 'logins/s', 'shared.rps', 'theirs.rps', "$theirs; ours behind it too"] ] }
    } ['login.basic.cached', 1, '1 connection'], ['login.basic.cached.32', 32, '32 connections']),
    { needs => [@needs], rounds => 7,
      targets => {
        ours   => sub { requests(uncached(), slapd_user(), 4, '/ours') },
        theirs => sub { requests(uncached(), slapd_user(), 4, '/reference') } },
      rows => [
        ['login.basic.ldap', 'logins/s', 'ours.rps', 'theirs.rps', 'mod_authnz_ldap without caches; OpenLDAP, 4 connections', '', '>= 1.0'],
        ['login.basic.ldap.p50', 'us', 'ours.p50', 'theirs.p50', 'mod_authnz_ldap without caches'],
        ['login.basic.ldap.cpu', 'us/login', 'ours.cpu', 'theirs.cpu', 'mod_authnz_ldap without caches; CPU of httpd'],
        ['login.basic.ldap.p99', 'us', 'ours.p99', 'theirs.p99', 'mod_authnz_ldap without caches'] ] },
    { needs => [@needs, '/usr/sbin/samba'], rounds => 3,
      targets => {
        ntlm   => sub { ntlm_logins(50) },
        theirs => sub { requests(domain(), samba_user(), 1, '/reference') } },
      rows => [
        ['login.ntlm', 'logins/s', 'ntlm.rps', 'theirs.rps', 'Basic by mod_authnz_ldap without caches; Samba, 1 connection'],
        ['login.ntlm.p50', 'us', 'ntlm.p50', 'theirs.p50', 'the same'],
        ['login.ntlm.p99', 'us', 'ntlm.p99', 'theirs.p99', 'the same'] ] },
);

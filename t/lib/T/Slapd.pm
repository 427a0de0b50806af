# SPDX-License-Identifier: Apache-2.0
package T::Slapd;

# A private OpenLDAP server on loopback, with the attribute names of Active
# Directory; needs no root.
#
#   my $ldap = T::Slapd->new(ca => $ca)->start;   # ca => T::Ca: also ldaps
#   $ldap->url, $ldap->ldaps_url, $ldap->base, $ldap->people
#   $ldap->reader_dn, $ldap->reader_password       # may read all but passwords
#   $ldap->user(1) -> { name => 'alice', mail => ..., alias => ...,
#                       password => 'secret-alice', legacy_dn => ..., dn => ... }
#   $ldap->stop;  $ldap->kill;  $ldap->start;      # the same ports and data
#   $ldap->freeze;  $ldap->thaw;                   # alive, but silent
#   $ldap->add("dn: ...\n...");                    # LDIF, by the administrator
#   $ldap->modify("dn: ...\nchangetype: ...");
#
# Users alice, bob and carol have mail, proxyAddresses and legacyExchangeDN;
# dave has no mail address.  Anonymous clients may bind and, with
# anonymous => 1, read.  empty_bind => 1: a bind with a name and an empty
# password succeeds as anonymous, as Active Directory does.
# options => "..." is added to slapd.conf's database section.

use strict;
use warnings;
use MIME::Base64 qw(encode_base64);
use T::Dir qw(temp_dir write_file);
use T::Process;
use T::Wait qw(until_port until_true free_port);

my $base   = 'dc=example,dc=test';
my $domain = 'example.test';
my $recipients = '/o=First Organization/ou=Exchange Administrative Group '
    . '(FYDIBOHF23SPDLT)/cn=Recipients';
my @users = (
    [alice => 'Alice Example'],
    [bob   => "Bob \xc3\x96sterreich \xe5\xb1\xb1"],
    [carol => "Carol <O'Neil> & Co"],
    [dave  => 'Dave, (No) *Mail*']);

# Attributes of Active Directory under their real numbers, but with matching
# rules, which Debian's msuser.schema lacks: without one no filter matches.
my @ad = (
    [sAMAccountName    => '1.2.840.113556.1.4.221', 'caseIgnoreMatch', 15, 1],
    [userPrincipalName => '1.2.840.113556.1.4.656', 'caseIgnoreMatch', 15, 1],
    [proxyAddresses    => '1.2.840.113556.1.2.210', 'caseIgnoreMatch', 15, 0],
    [legacyExchangeDN  => '1.2.840.113556.1.4.655', 'caseIgnoreMatch', 15, 1],
    [objectGUID        => '1.2.840.113556.1.4.2',   'octetStringMatch', 40, 1]);

sub new {
    my ($class, %self) = @_;
    my $self = bless { host => '127.0.0.1', %self }, $class;
    $self->{dir} //= temp_dir();
    $self->{port}       //= free_port($self->{host});
    $self->{ldaps_port} //= free_port($self->{host}) if $self->{ca};
    return $self;
}

sub host            { $_[0]{host} }
sub port            { $_[0]{port} }
sub ldaps_port      { $_[0]{ldaps_port} }
sub url             { "ldap://$_[0]{host}:$_[0]{port}" }
sub ldaps_url       { "ldaps://$_[0]{host}:$_[0]{ldaps_port}" }
sub base            { $base }
sub people          { "ou=people,$base" }
sub reader_dn       { "cn=reader,$base" }
sub reader_password { 'read-only' }
sub log_file        { "$_[0]{dir}/slapd.log" }
sub pid             { $_[0]{process}->pid }

sub user {
    my ($self, $n) = @_;
    my ($name, $display) = @{ $users[$n - 1] };
    my $has_mail = $name ne 'dave';
    return {
        name      => $name,
        display   => $display,
        password  => "secret-$name",
        dn        => "uid=$name," . people(),
        mail      => $has_mail ? "$name\@$domain" : undef,
        alias     => $has_mail ? "$name.alias\@$domain" : undef,
        legacy_dn => $has_mail ? "$recipients/cn=$name" : undef,
        # The bytes of objectGUID are guid-0000000000N.
        guid      => "64697567-302d-3030-3030-30303030303$n",
    };
}

# Starts the server; returns when it listens.
sub start {
    my ($self) = @_;
    $self->prepare unless -d "$self->{dir}/db";
    my $urls = $self->url . '/' . ($self->{ca} ? ' ' . $self->ldaps_url . '/' : '');
    # -d keeps slapd in the foreground; its log shows each operation.
    $self->{process} = T::Process->start(
        ['slapd', '-d', 'stats', '-f', "$self->{dir}/slapd.conf", '-h', $urls],
        $self->log_file);
    for my $port (grep { $_ } @$self{qw(port ldaps_port)}) {
        until_port($self->{host}, $port, 30, $self->pid)
            or die "slapd did not start:\n" . T::Dir::read_file($self->log_file);
    }
    return $self;
}

sub stop { $_[0]{process}->stop('TERM', 10) }

# As when the machine loses power.
sub kill {
    my ($self) = @_;
    CORE::kill 'KILL', $self->pid;
    return $self->{process}->reap;
}

sub freeze { CORE::kill 'STOP', $_[0]->pid }
sub thaw   { CORE::kill 'CONT', $_[0]->pid }

# --- contents ---

sub schema {
    my $text = join '', map {
        my ($name, $oid, $rule, $syntax, $single) = @$_;
        "attributetype ( $oid NAME '$name' EQUALITY $rule SYNTAX "
            . "1.3.6.1.4.1.1466.115.121.1.$syntax" . ($single ? ' SINGLE-VALUE' : '') . " )\n"
    } @ad;
    return $text . "objectclass ( 1.3.6.1.4.1.55555.2.1 NAME 'adMailUser' SUP top "
        . 'AUXILIARY MAY ( ' . join(' $ ', map { $_->[0] } @ad) . " ) )\n";
}

sub conf {
    my ($self) = @_;
    my $dir = $self->{dir};
    my $tls = $self->{ca} ? <<"CONF" : '';
TLSCertificateFile $self->{ca}{server}
TLSCertificateKeyFile $self->{ca}{key}
TLSCACertificateFile $self->{ca}{ca}
CONF
    my $allow = $self->{empty_bind} ? "allow bind_anon_cred bind_anon_dn\n" : '';
    my $anonymous = $self->{anonymous} ? 'read' : 'auth';
    my $options = $self->{options} // '';
    return <<"CONF";
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include $dir/ad.schema
pidfile $dir/slapd.pid
argsfile $dir/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
$tls${allow}sizelimit 500
database mdb
maxsize 67108864
suffix "$base"
rootdn "cn=admin,$base"
rootpw admin
directory $dir/db
index objectClass,uid,mail,sAMAccountName,userPrincipalName eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="@{[reader_dn()]}" read by self read by anonymous $anonymous by * none
$options
CONF
}

sub user_ldif {
    my ($self, $n) = @_;
    my $user = $self->user($n);
    my $name = encode_base64($user->{display}, '');
    my $guid = encode_base64(sprintf('guid-%011d', $n), '');
    my $ldif = <<"LDIF";
dn: $user->{dn}
objectClass: inetOrgPerson
objectClass: adMailUser
uid: $user->{name}
sn: $user->{name}
cn:: $name
displayName:: $name
userPassword: $user->{password}
sAMAccountName: $user->{name}
userPrincipalName: $user->{name}\@$domain
objectGUID:: $guid
LDIF
    $ldif .= <<"LDIF" if $user->{mail};
mail: $user->{mail}
proxyAddresses: SMTP:$user->{mail}
proxyAddresses: smtp:$user->{alias}
legacyExchangeDN: $user->{legacy_dn}
LDIF
    return "$ldif\n";
}

sub prepare {
    my ($self) = @_;
    my $dir = $self->{dir};
    mkdir "$dir/db" or die "$dir/db: $!\n";
    write_file("$dir/ad.schema", schema());
    write_file("$dir/slapd.conf", $self->conf, 0600);
    write_file("$dir/data.ldif", <<"LDIF" . join('', map { $self->user_ldif($_) } 1 .. @users));
dn: $base
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: @{[people()]}
objectClass: organizationalUnit
ou: people

dn: @{[reader_dn()]}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: @{[reader_password()]}

LDIF
    run('slapadd', '-q', '-f', "$dir/slapd.conf", '-l', "$dir/data.ldif");
}

# Changes the running directory.
sub add    { my ($self, $ldif) = @_; $self->modify($ldif, '-a') }
sub modify {
    my ($self, $ldif, @how) = @_;
    write_file("$self->{dir}/change.ldif", $ldif);
    run('ldapmodify', @how, '-x', '-H', $self->url, '-D', "cn=admin,$base",
        '-w', 'admin', '-f', "$self->{dir}/change.ldif");
}

sub run {
    my (@command) = @_;
    open my $pipe, '-|', 'sh', '-c', 'PATH=$PATH:/usr/sbin; exec "$@" 2>&1 </dev/null', 'sh', @command
        or die "$command[0]: $!\n";
    my $out = do { local $/; <$pipe> } // '';
    close $pipe or die "$command[0]: $out\n";
}

1;

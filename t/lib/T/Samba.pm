# SPDX-License-Identifier: Apache-2.0
package T::Samba;

# A private Samba Active Directory domain controller on a loopback address of
# its own, so that several run side by side although AD's ports are fixed.
#
#   plan skip_all => $why if $why = T::Samba->missing;
#   my $dc = T::Samba->new(ca => $ca);     # T::Ca; signs the LDAPS certificate
#   $dc->start;                            # dies with the log if it fails
#   $dc->address, $dc->ldaps_url, $dc->base, $dc->reader_dn, $dc->samr_port ...
#   $dc->user(1) -> { name => 'alice', mail => 'alice@example.test', ... }
#   $dc->stop;  $dc->kill;                 # politely; as a crash; start again
#
# Users alice, bob and carol have mail, proxyAddresses (NAME.alias@...) and
# legacyExchangeDN, dave has none of them; ldapreader is for the modules.  The
# domain is made once and kept under $POSTERN_CACHE (default build/cache).

use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Encode qw(encode);
use Fcntl qw(:flock);
use File::Path qw(make_path remove_tree);
use MIME::Base64 qw(encode_base64);
use T::Dir qw(top temp_dir write_file read_file);
use T::Process;
use T::Wait qw(until_port until_true);

my ($realm, $netbios, $domain) = qw(EXAMPLE.TEST EXAMPLE example.test);
my $base  = 'DC=example,DC=test';
my $samr  = 49154;
my @users = qw(alice bob carol dave);
my $recipients = '/o=First Organization/ou=Exchange Administrative Group '
    . '(FYDIBOHF23SPDLT)/cn=Recipients';
my @programs = qw(samba samba-tool ldbadd);
# What each Samba service listens on: ready means that all of these answer.
my %ports = (ldap => [389, 636], kdc => [88], rpc => [135, $samr]);

# Why no domain controller can run here, or undef.
sub missing {
    return 'a Samba domain controller needs root' if $> != 0;
    for my $program (@programs) {
        return "$program is not installed (make deps)"
            unless grep { -x "$_/$program" } split(/:/, $ENV{PATH}),
            '/usr/sbin', '/usr/bin';
    }
    return undef;
}

# ca => T::Ca (needed); services => Samba's "server services"; address =>
# another loopback address than the one chosen; dir => where to live (default:
# a folder that goes away).
sub new {
    my ($class, %self) = @_;
    my $self = bless {
        services => 'rpc ldap cldap kdc', %self,
        address => $self{address} // own_address(),
    }, $class;
    $self->{dir} //= temp_dir();
    return $self;
}

sub address         { $_[0]{address} }
sub ldaps_url       { "ldaps://$_[0]{address}" }
sub base            { $base }
sub domain          { $domain }
sub realm           { $realm }
sub netbios         { $netbios }
sub samr_port       { $samr }
sub reader_dn       { "CN=ldapreader,CN=Users,$base" }
sub reader_password { 'Read-only1' }
sub admin_password  { 'Admin-secret1' }
sub pid             { $_[0]{process}->pid }
sub log_file        { "$_[0]{dir}/samba.log" }
sub smb_conf        { "$_[0]{dir}/smb.conf" }
sub krb5_conf       { "$_[0]{dir}/krb5.conf" }

# User number $n, from 1; number 4 (dave) has no mail address.
sub user {
    my ($self, $n) = @_;
    my $name = $users[$n - 1];
    return {
        name      => $name,
        password  => "Secret-${name}1",
        mail      => $name eq 'dave' ? undef : "$name\@$domain",
        alias     => $name eq 'dave' ? undef : "$name.alias\@$domain",
        legacy_dn => $name eq 'dave' ? undef : "$recipients/cn=$name",
    };
}

# Brings the domain up; returns when every service accepts connections.
sub start {
    my ($self) = @_;
    my $dir = "$self->{dir}";
    $self->prepare unless -d "$dir/private";
    $self->{process} = T::Process->start(
        ['samba', '--interactive', '--no-process-group', '--debug-stdout',
            '--model=prefork', "--configfile=$dir/smb.conf"],
        $self->log_file, { KRB5_CONFIG => "$dir/krb5.conf" });
    for my $port ($self->ports) {
        until_port($self->{address}, $port, 60, $self->pid)
            or die "Samba does not listen on $self->{address}:$port:\n"
            . tail(read_file($self->log_file) // '');
    }
    return $self;
}

# Returns when nothing listens any more.
sub stop {
    my ($self) = @_;
    my $status = $self->{process}->stop('TERM', 10);
    $self->until_silent;
    return $status;
}

# The whole server at once, as when the machine loses power.
sub kill {
    my ($self) = @_;
    kill 'KILL', -$self->pid;
    my $status = $self->{process}->reap;
    $self->until_silent;
    return $status;
}

# The ports on which this server answers when it is up.
# The password of $user becomes one that was set years ago, which has expired
# where userAccountControl does not say that it never does.  Samba itself would
# not let us: this goes into its file.
sub age_password {
    my ($self, $user) = @_;
    (my $partition = uc $base) .= '.ldb';
    write_file("$self->{dir}/age.ldif", "dn: CN=\u$user->{name} Example,CN=Users,$base\n"
        . "changetype: modify\nreplace: pwdLastSet\npwdLastSet: 130000000000000000\n");
    run('ldbmodify', '-H', "$self->{dir}/private/sam.ldb.d/$partition", "$self->{dir}/age.ldif");
}

sub ports { map { @{ $ports{$_} // [] } } split ' ', $_[0]{services} }

sub until_silent {
    my ($self) = @_;
    for my $port ($self->ports) {
        until_true(sub { !until_port($self->{address}, $port, 0) }, 5);
    }
}

# An address of 127.0.0.0/8 by process id and count, clear of 127.0.0.x.
my $count = 0;
sub own_address {
    my $n = $$ * 4 + $count++ % 4;
    return sprintf '127.%d.%d.%d', 64 + ($n >> 16) % 128, ($n >> 8) % 256, 1 + $n % 254;
}

# The server's folder: a copy of the domain, its certificate, its files.
sub prepare {
    my ($self) = @_;
    my $dir = "$self->{dir}";
    run('cp', '-a', '--sparse=always', provisioned() . '/.', $dir);
    make_path("$dir/private/tls", map { "$dir/$_" } qw(run log ncalrpc));
    my $tls = "$dir/private/tls";
    $self->{ca}->sign("$tls/server", "dc1.$domain",
        "DNS:dc1.$domain,DNS:$domain,IP:$self->{address}");
    run('cp', $self->{ca}{ca}, "$tls/ca.pem");
    chmod 0600, "$tls/server.key";
    write_file("$dir/smb.conf", $self->smb_conf_text);
    write_file("$dir/krb5.conf", $self->krb5_conf_text);
}

sub smb_conf_text {
    my ($self) = @_;
    my $dir = "$self->{dir}";
    return <<"CONF";
[global]
netbios name = DC1
workgroup = $netbios
realm = $realm
server role = active directory domain controller
server services = $self->{services}
interfaces = $self->{address}/8
bind interfaces only = yes
private dir = $dir/private
state directory = $dir/state
cache directory = $dir
lock directory = $dir
pid directory = $dir/run
ncalrpc dir = $dir/ncalrpc
binddns dir = $dir/bind-dns
winbindd socket directory = $dir/run/winbindd
ntp signd socket directory = $dir/run/ntp
log file = $dir/log/log.%m
tls certfile = $dir/private/tls/server.pem
tls keyfile = $dir/private/tls/server.key
tls cafile = $dir/private/tls/ca.pem
rpc server port:samr = $samr
idmap_ldb:use rfc2307 = yes
vfs objects = dfs_samba4 acl_xattr xattr_tdb

[sysvol]
path = $dir/state/sysvol
read only = no

[netlogon]
path = $dir/state/sysvol/$domain/scripts
read only = no
CONF
}

sub krb5_conf_text {
    my ($self) = @_;
    return <<"CONF";
[libdefaults]
 default_realm = $realm
 dns_lookup_kdc = false
 dns_lookup_realm = false
 rdns = false
[realms]
 $realm = {
  kdc = $self->{address}
  admin_server = $self->{address}
  kpasswd_server = $self->{address}
 }
[domain_realm]
 .$domain = $realm
 $domain = $realm
CONF
}

# --- The domain, made once ---------------------------------------------------

sub provision_command {
    my ($dir) = @_;
    return ('samba-tool', qw(domain provision --server-role=dc --use-rfc2307
        --host-name=dc1 --host-ip=127.0.0.1), "--realm=$realm",
        "--domain=$netbios", '--adminpass=' . admin_password(),
        "--targetdir=$dir", '--option=interfaces=127.0.0.1/8',
        '--option=bind interfaces only=yes',
        '--option=vfs objects = dfs_samba4 acl_xattr xattr_tdb');
}

# One user of the directory; unicodePwd is the quoted password in UTF-16LE.
# 66048 is a normal account whose password does not expire.
sub user_ldif {
    my ($name, $password, %attributes) = @_;
    my $quoted = encode_base64(encode('UTF-16LE', "\"$password\""), '');
    my $cn     = $attributes{displayName} // $name;
    return join "\n", "dn: CN=$cn,CN=Users,$base", 'objectClass: user',
        "sAMAccountName: $name", "userPrincipalName: $name\@$domain",
        'userAccountControl: 66048', "unicodePwd:: $quoted",
        (map { my $a = $_; map { "$a: $_" } ref $attributes{$a} ? @{ $attributes{$a} } : $attributes{$a} }
            sort keys %attributes), '', '';
}

sub directory_ldif {
    my $ldif = user_ldif('ldapreader', reader_password());
    for my $n (1 .. @users) {
        my $user = user(undef, $n);
        my %more = $user->{mail} ? (
            mail             => $user->{mail},
            proxyAddresses   => ["SMTP:$user->{mail}", "smtp:$user->{alias}"],
            legacyExchangeDN => $user->{legacy_dn},
        ) : ();
        $ldif .= user_ldif($user->{name}, $user->{password}, %more,
            displayName => ucfirst($user->{name}) . ' Example',
            givenName => ucfirst $user->{name}, sn => 'Example');
    }
    return $ldif;
}

# The folder of the finished domain; makes it when this recipe was never run.
sub provisioned {
    my $cache = $ENV{POSTERN_CACHE} // top() . '/build/cache';
    my $key   = substr sha256_hex(join "\0", `samba --version`,
        provision_command(''), directory_ldif()), 0, 12;
    my $done = "$cache/samba-$key";
    return $done if -d $done;
    make_path($cache);
    open my $lock, '>', "$cache/samba.lock" or die "$cache/samba.lock: $!\n";
    flock $lock, LOCK_EX or die "$cache/samba.lock: $!\n";
    return $done if -d $done;
    my $new = "$done.new";
    remove_tree($new);
    run(provision_command($new));
    write_file("$new/users.ldif", directory_ldif(), 0600);
    run('ldbadd', '-H', "$new/private/sam.ldb", "$new/users.ldif");
    rename $new, $done or die "$done: $!\n";
    return $done;
}

# Runs a command; dies with the end of what it printed when it fails.
sub run {
    my (@command) = @_;
    open my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>&1 </dev/null', 'sh', @command
        or die "$command[0]: $!\n";
    my $out = do { local $/; <$pipe> };
    close $pipe or die "@command[0 .. ($#command > 1 ? 1 : 0)] failed:\n"
        . tail($out // '');
}

sub tail {
    my @lines = split /\n/, $_[0];
    splice @lines, 0, -15;
    return join "\n", @lines, '';
}

1;

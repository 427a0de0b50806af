# SPDX-License-Identifier: Apache-2.0
package T::Postfix;

# A private Postfix with Dovecot's SASL for one test file; needs root.
#
#   my $mx = T::Postfix->new(ca => $ca)->start;
#   $mx->port('clear')      # AUTH offered, no TLS
#   $mx->port('starttls')   # AUTH only after STARTTLS
#   $mx->port('smtps')      # TLS from the first byte
#   $mx->port('open')       # takes mail from anybody on loopback, no AUTH
#   $mx->port('wrongname')  # SMTPS on 127.0.0.9, which the certificate lacks
#   $mx->port('cyrus')      # like clear, verified by Cyrus SASL (see cyrus())
#   $mx->mails              # what arrived, one text a recipient, in order
#   $mx->wait_mail(2)       # the same, as soon as there are two (30 s)
#   $mx->stop;
#
# The user is fred, the password uniquePassword (user => ..., password => ...).
# Recipients nobody@ANYWHERE are refused with 550, later@ANYWHERE with 450.
# size => N sets the largest message (default 5 MiB); discard => 1 drops what
# arrives instead of keeping it for mails().

use strict;
use warnings;
use T::Dir qw(temp_dir write_file read_file);
use T::Process;
use T::Wait qw(until_true until_port free_port);

my @ports = qw(clear starttls smtps open wrongname cyrus);

sub new {
    my ($class, %self) = @_;
    my $self = bless {
        user => 'fred', password => 'uniquePassword', size => 5242880,
        host => '127.0.0.1', %self }, $class;
    $self->{dir} //= temp_dir();
    $self->{ports} = { (map { $_ => free_port() } @ports),
        %{ $self->{ports} // {} } };
    return $self;
}

sub port { $_[0]{ports}{ $_[1] } // die "no port $_[1]\n" }
sub host { $_[0]{host} }
sub dir  { "$_[0]{dir}" }
sub log  { read_file("$_[0]{dir}/log") // '' }

# 1 when saslpasswd2 (Debian sasl2-bin) is there, which port cyrus needs.
sub cyrus { -x '/usr/sbin/saslpasswd2' }

sub dovecot_conf {
    my ($self) = @_;
    my $d = $self->dir;
    write_file("$d/dc/users", "$self->{user}:{PLAIN}$self->{password}::::::\n");
    write_file("$d/dc/dovecot.conf", <<"CONF");
base_dir = $d/dc/run
state_dir = $d/dc/run
instance_name = pf-$$-$self->{ports}{clear}
log_path = $d/dc/log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u $d/dc/users
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=/tmp
}
service auth {
  unix_listener $d/spool/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
CONF
}

sub main_cf {
    my ($self) = @_;
    my $d = $self->dir;
    write_file("$d/pf/main.cf", <<"CONF");
compatibility_level = 3.6
config_directory = $d/pf
queue_directory = $d/spool
data_directory = $d/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = $d/log
maillog_file_prefixes = $d
inet_interfaces = $self->{host}
inet_protocols = ipv4
myhostname = mx.example.test
mydestination =
mynetworks =
local_recipient_maps =
alias_maps =
default_transport = @{[$self->{discard} ? 'discard' : 'cap']}
relay_transport = cap
cap_destination_recipient_limit = 1
smtpd_client_connection_count_limit = 0
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access regexp:$d/pf/recipients, permit_sasl_authenticated, reject
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_sasl_security_options = noanonymous
smtpd_tls_cert_file = $self->{ca}{server}
smtpd_tls_key_file = $self->{ca}{key}
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
message_size_limit = $self->{size}
CONF
    write_file("$d/pf/recipients", "/^nobody@/ 550 5.1.1 No such user\n"
        . "/^later@/ 450 4.2.1 Mailbox is busy\n");
}

sub master_cf {
    my ($self) = @_;
    my $d = $self->dir;
    my $smtpd = 'inet n - n - - smtpd';
    my $auth  = '-o smtpd_sasl_auth_enable=yes';
    my %options = (
        clear    => $auth,
        starttls => "$auth -o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes",
        smtps    => "$auth -o smtpd_tls_wrappermode=yes",
        wrongname => "$auth -o smtpd_tls_wrappermode=yes",
        open     => '-o mynetworks=127.0.0.0/8'
            . " -o { smtpd_relay_restrictions = permit_mynetworks, reject }"
            . " -o { smtpd_recipient_restrictions = check_recipient_access regexp:$d/pf/recipients, permit_mynetworks, reject }",
        cyrus    => "$auth -o smtpd_sasl_type=cyrus -o smtpd_sasl_path=smtpd -o smtpd_sasl_local_domain=mx.example.test",
    );
    my $text = '';
    for my $port (@ports) {
        my $host = $port eq 'wrongname' ? '127.0.0.9' : $self->{host};
        $text .= "$host:$self->{ports}{$port} $smtpd $options{$port}\n";
    }
    write_file("$d/pf/master.cf", $text . <<"CONF");
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
showq unix n - n - - showq
cap unix - n n - - pipe flags=RX user=nobody argv=/bin/sh $d/deliver
CONF
    write_file("$d/deliver", <<"SH");
umask 022
f=\$(mktemp $d/mail/tmp.XXXXXXXX) && cat > "\$f" && chmod 644 "\$f" &&
  mv "\$f" "$d/mail/\$(date +%s%N).eml"
SH
}

sub cyrus_conf {
    my ($self) = @_;
    my $d = $self->dir;
    write_file("$d/pf/sasl/smtpd.conf", "pwcheck_method: auxprop\n"
        . "auxprop_plugin: sasldb\nsasldb_path: $d/pf/sasl/sasldb2\n"
        . "mech_list: PLAIN LOGIN CRAM-MD5\n");
    return unless $self->cyrus;
    open my $pipe, '|-', '/usr/sbin/saslpasswd2', '-p', '-c', '-f',
        "$d/pf/sasl/sasldb2", '-u', 'mx.example.test', $self->{user}
        or die "saslpasswd2: $!\n";
    print $pipe $self->{password};
    close $pipe or die "saslpasswd2 failed\n";
    chown scalar(getpwnam 'postfix'), -1, "$d/pf/sasl/sasldb2";
}

sub start {
    my ($self) = @_;
    my $d = $self->dir;
    my ($uid, $gid) = (getpwnam 'postfix')[2, 3];
    mkdir "$d/$_" for qw(pf pf/sasl spool data mail dc);
    chmod 01777, "$d/mail";
    chown $uid, $gid, "$d/data";
    $self->dovecot_conf;
    $self->main_cf;
    $self->master_cf;
    $self->cyrus_conf;
    # Makes the folders of the spool with the right owners.
    `postfix -c $d/pf check 2>&1`;
    $self->{dovecot} = T::Process->start(
        ['dovecot', '-F', '-c', "$d/dc/dovecot.conf"], "$d/dc/stdout");
    until_true(sub { -S "$d/spool/private/auth" })
        or die "dovecot did not start:\n" . (read_file("$d/dc/stdout") // '')
        . (read_file("$d/dc/log") // '');
    return $self->start_postfix;
}

# After stop_postfix: the same server again, with the mails it has.
# (postfix start-fg would fork the master into a session of its own.)
sub start_postfix {
    my ($self) = @_;
    my $d = $self->dir;
    unlink "$d/spool/pid/master.pid";
    $self->{postfix} = T::Process->start(
        ['/usr/lib/postfix/sbin/master', '-c', "$d/pf", '-s'], "$d/stdout");
    for my $port (@ports) {
        my $host = $port eq 'wrongname' ? '127.0.0.9' : $self->{host};
        until_port($host, $self->port($port), 30, $self->{postfix}->pid)
            or die "postfix did not start:\n"
            . (read_file("$d/stdout") // '') . $self->log;
    }
    return $self;
}

sub stop_postfix { $_[0]{postfix}->stop('TERM', 10) }

sub stop {
    my ($self) = @_;
    $self->stop_postfix;
    $self->{dovecot}->stop('TERM', 10);
}

sub mails {
    my ($self) = @_;
    return map { read_file($_) } sort glob "$self->{dir}/mail/*.eml";
}

sub wait_mail {
    my ($self, $count, $seconds) = @_;
    until_true(sub { $self->mails >= $count }, $seconds);
    return $self->mails;
}

# Forgets what has arrived so far.
sub clear { unlink glob "$_[0]{dir}/mail/*.eml" }

1;

# SPDX-License-Identifier: Apache-2.0
package T::Dovecot;

# A private Dovecot with ManageSieve, LMTP and Pigeonhole's Sieve, for one test
# file.  Root is needed.
#
#   my $dovecot = T::Dovecot->new(
#       users => { alice => 'secret' },
#       tls   => $ca,                   # T::Ca: STARTTLS, and required
#       addr  => '127.0.0.2');          # connections from and to one address
#                                       # count as secure without TLS
#       imaps => 993,                   # IMAP there, with TLS; needs tls
#       dir => '/some/folder');         # instead of one that goes away
#   $dovecot->start;
#   ... $dovecot->addr, sieve_port, lmtp_port ...
#   $dovecot->scripts('alice')          # name => text of each Sieve script
#   $dovecot->active('alice')           # name of the active one, or undef
#   $dovecot->deliver($from, $to, $text)
#   $dovecot->sent                      # mails that Sieve has sent, as text
#
# The master user "postern", password "master secret", may act for each user.

use strict;
use warnings;
use File::Basename qw(basename);
use IO::Socket::IP;
use T::Dir qw(temp_dir write_file read_file);
use T::Process;
use T::Wait qw(until_true until_port free_port);

sub new {
    my ($class, %self) = @_;
    my $self = bless { addr => '127.0.0.1', domain => 'example.test', %self },
        $class;
    $self->{dir} //= temp_dir();
    $self->{$_} = free_port($self->{addr}) for qw(sieve_port lmtp_port);
    $self->write_files;
    return $self;
}

sub dir        { "$_[0]{dir}" }
sub addr       { $_[0]{addr} }
sub sieve_port { $_[0]{sieve_port} }
sub lmtp_port  { $_[0]{lmtp_port} }
sub pid        { $_[0]{process}->pid }

sub write_files {
    my ($self) = @_;
    my $dir = $self->dir;
    for my $folder (qw(run mail sent)) {
        mkdir "$dir/$folder";
    }
    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
    chown $uid, $gid, "$dir/mail", "$dir/sent";
    write_file("$dir/sendmail", "#!/bin/sh\n"
        . "f=\$(mktemp $dir/sent/XXXXXXXX) && { echo \"X-Arguments: \$*\"; cat; } "
        . "> \$f && mv \$f \$f.eml\n", 0755);
    write_file("$dir/users", join '', map { "$_:{PLAIN}$self->{users}{$_}::::::\n" }
        sort keys %{ $self->{users} });
    write_file("$dir/masters", "postern:{PLAIN}master secret\n");
    write_file("$dir/dovecot.conf", $self->conf);
}

sub conf {
    my ($self) = @_;
    my $dir = $self->dir;
    my $ca = $self->{tls};
    my $imap = $self->{imaps} ? ' imap' : '';
    my $ssl = $ca ? "ssl = yes\nssl_cert = <$ca->{server}\nssl_key = <$ca->{key}\n"
        . "disable_plaintext_auth = yes\n" : "ssl = no\ndisable_plaintext_auth = no\n";
    return <<"CONF";
base_dir = $dir/run
state_dir = $dir/run
instance_name = @{[basename($dir)]}
log_path = $dir/dovecot.log
protocols = lmtp sieve$imap
listen = $self->{addr}
${ssl}auth_mechanisms = plain
auth_username_format = %Ln
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
mail_location = maildir:$dir/mail/%n
mail_home = $dir/mail/%n
first_valid_uid = 1
mail_uid = nobody
mail_gid = nogroup
postmaster_address = postmaster\@$self->{domain}
hostname = mail.$self->{domain}
sendmail_path = $dir/sendmail
passdb {
  driver = passwd-file
  args = $dir/masters
  master = yes
}
passdb {
  driver = passwd-file
  args = username_format=%n $dir/users
}
userdb {
  driver = passwd-file
  args = username_format=%n $dir/users
  default_fields = uid=nobody gid=nogroup home=$dir/mail/%n
}
service managesieve-login {
  inet_listener sieve {
    port = $self->{sieve_port}
  }
}
@{[ $self->imap_conf ]}service lmtp {
  inet_listener lmtp {
    port = $self->{lmtp_port}
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
protocol lmtp {
  mail_plugins = sieve
}
lda_mailbox_autocreate = yes
plugin {
  sieve = file:~/sieve;active=~/.dovecot.sieve
}
CONF
}

sub imap_conf {
    my ($self) = @_;
    return '' unless $self->{imaps};
    return <<"CONF";
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = $self->{imaps}
    ssl = yes
  }
}
CONF
}

sub start {
    my ($self) = @_;
    my $dir = $self->dir;
    $self->{process} = T::Process->start(
        ['dovecot', '-F', '-c', "$dir/dovecot.conf"], "$dir/stdout.log");
    for my $port (grep { $_ } @$self{qw(sieve_port lmtp_port imaps)}) {
        until_port($self->{addr}, $port, 30, $self->pid)
            or die "dovecot did not start:\n" . (read_file("$dir/stdout.log") // '')
            . (read_file("$dir/dovecot.log") // '');
    }
    return $self;
}

sub stop { $_[0]{process}->stop('TERM', 10) }

sub scripts {
    my ($self, $user) = @_;
    my %scripts;
    for my $file (glob $self->dir . "/mail/$user/sieve/*.sieve") {
        $scripts{ basename($file, '.sieve') } = read_file($file);
    }
    return \%scripts;
}

sub active {
    my ($self, $user) = @_;
    my $target = readlink $self->dir . "/mail/$user/.dovecot.sieve";
    return defined $target ? basename($target, '.sieve') : undef;
}

# Stores a script of the user as if he had done so, and makes it active.
sub put_script {
    my ($self, $user, $name, $text) = @_;
    my $home = $self->dir . "/mail/$user";
    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
    for my $folder ($home, "$home/sieve") {
        mkdir $folder;
        chown $uid, $gid, $folder;
    }
    write_file("$home/sieve/$name.sieve", $text, 0644);
    unlink "$home/.dovecot.sieve";
    symlink "sieve/$name.sieve", "$home/.dovecot.sieve";
}

# Delivers by LMTP; dies unless the server takes it.
sub deliver {
    my ($self, $from, $to, $text) = @_;
    my $s = IO::Socket::IP->new(PeerHost => $self->{addr},
        PeerPort => $self->{lmtp_port}, Timeout => 10) or die "LMTP: $@\n";
    my $say = sub {
        my ($line, $want) = @_;
        print $s "$line\r\n" if defined $line;
        my $got;
        do { $got = <$s> // die "LMTP: closed\n" } while $got =~ /^\d{3}-/;
        $got =~ /^$want/ or die "LMTP: $got";
    };
    $text =~ s/\r?\n/\r\n/g;
    $say->(undef, 220);
    $say->('LHLO localhost', 250);
    $say->("MAIL FROM:<$from>", 250);
    $say->("RCPT TO:<$to>", 250);
    $say->('DATA', 354);
    $say->("$text\r\n.", 250);
    $say->('QUIT', 221);
}

sub sent {
    my ($self) = @_;
    return map { read_file($_) } sort glob $self->dir . '/sent/*.eml';
}

# The mails in a folder of a user ('' is INBOX).
sub mails {
    my ($self, $user, $folder) = @_;
    $folder = defined $folder && length $folder ? "/.$folder" : '';
    return map { read_file($_) } glob $self->dir . "/mail/$user$folder/{new,cur}/*";
}

1;

# SPDX-License-Identifier: Apache-2.0
package Demo::World;

# The servers of the demo, all on loopback, with their files under $DEMO_DIR.
#
#   my $world = Demo::World->new;   # from the environment: DEMO_DIR DEMO_PORT
#   $world->start;                  # dies with a sentence when one fails
#   $world->write_env; ...; $world->stop;

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Path qw(make_path remove_tree);
use T::Ca;
use T::Curl;
use T::Dir qw(top build temp_dir write_file read_file);
use T::Dovecot;
use T::Httpd;
use T::Postfix;
use T::Process;
use T::Samba;
use T::Wait qw(until_port free_port);
use Demo::Data;
use Demo::Show;

my $domain = 'example.test';

# Sockets have names of at most 107 bytes; ours are up to 50 longer than the
# folder's.
use constant LONGEST_DIR => 55;

sub new {
    my ($class) = @_;
    my $self = bless {
        port  => $ENV{DEMO_PORT} // 8443,
        samba => ($ENV{DEMO_SAMBA} // 'yes') ne 'no',
    }, $class;
    $self->{port} =~ /^\d{1,5}$/ or die "DEMO_PORT is a port number, like 8443\n";
    my $dir = $ENV{DEMO_DIR} // build() . '/demo';
    $dir = top() . "/$dir" unless $dir =~ m{^/};
    $self->{dir} = $dir;
    return $self;
}

sub dir    { $_[0]{dir} }
sub run    { $_[0]{run} }
sub ca     { $_[0]{ca} }
sub dc     { $_[0]{dc} }
sub mx     { $_[0]{mx} }
sub dovecot   { $_[0]{dovecot} }
sub imap_port { $_[0]{dovecot}{imaps} }
sub domain { $domain }
sub host   { "mail.$domain" }
sub port   { $_[0]{port} }
sub user   { T::Samba->user($_[1]) }

# host[:port] as in URLs of https.
sub authority {
    my ($self, $host) = @_;
    return $self->{port} == 443 ? $host : "$host:$self->{port}";
}

# What a client asks: by name, or by number for programs without the name.
sub url      { "https://" . $_[0]->authority($_[0]->host) . ($_[1] // '') }
sub base_url { "https://" . $_[0]->authority('127.0.0.1') . ($_[1] // '') }

# An HTTP client that knows the demo's names and is logged in as user $n.
sub curl {
    my ($self, $n) = @_;
    my $user = $self->user($n);
    return T::Curl->new(
        base => $self->url, ca => $self->{ca}{ca},
        user => "$user->{mail}:$user->{password}",
        options => [ '--noproxy', '*', map { ('--resolve', "$_:$self->{port}:127.0.0.1") }
            $domain, map { "$_.$domain" } qw(mail autodiscover autoconfig) ]);
}

# --- up ----------------------------------------------------------------------

sub start {
    my ($self) = @_;
    $self->check;
    $self->make_folders;
    $self->{ca} = T::Ca->make("$self->{run}/tls", $domain);
    $self->start_samba if $self->{samba};
    $self->start_postfix;
    $self->start_dovecot;
    Demo::Data::write_all($self);
    $self->start_httpd;
    return $self;
}

sub check {
    my ($self) = @_;
    die "The demo starts servers with users of their own: run it as root.\n" if $> != 0;
    my $why = $self->{samba} && T::Samba->missing;
    die "$why. Without Samba: make demo DEMO_SAMBA=no\n" if $why;
    die "Port $self->{port} is in use. Choose another: make demo DEMO_PORT=9443\n"
        if until_port('127.0.0.1', $self->{port}, 0);
}

# Servers with other users must reach their files, and names of sockets must
# be short: where $DEMO_DIR is not such a place, $DEMO_DIR/run leads to one.
sub make_folders {
    my ($self) = @_;
    my $dir = $self->{dir};
    make_path($dir);
    remove_tree("$dir/run") if -d "$dir/run" && !-l "$dir/run";
    unlink "$dir/run", "$dir/env";
    if (reachable($dir) && length "$dir/run" <= LONGEST_DIR) {
        $self->{run} = "$dir/run";
    }
    else {
        $self->{temp} = temp_dir();
        $self->{run}  = "$self->{temp}/run";
        symlink $self->{run}, "$dir/run" or die "$dir/run: $!\n";
    }
    make_path(map { "$self->{run}/$_" } '', qw(tls samba postfix dovecot httpd));
}

sub reachable {
    my ($dir) = @_;
    my $path = '';
    for my $part (split m{/}, abs_path($dir)) {
        $path .= "$part/";
        return 0 unless (stat $path)[2] & 0001;
    }
    return 1;
}

sub start_samba {
    my ($self) = @_;
    $self->{dc} = T::Samba->new(ca => $self->{ca}, dir => "$self->{run}/samba");
    $self->{dc}->start;
    server('Samba AD domain ' . $self->{dc}->netbios,
        $self->{dc}->ldaps_url . ' and RPC');
}

sub start_postfix {
    my ($self) = @_;
    my $user = $self->user(1);
    $self->{mx} = T::Postfix->new(ca => $self->{ca}, dir => "$self->{run}/postfix",
        user => $user->{name}, password => $user->{password});
    $self->{mx}->start;
    server('Postfix, submission by STARTTLS', $self->{mx}->host . ':'
        . $self->{mx}->port('starttls'));
}

sub start_dovecot {
    my ($self) = @_;
    my %password = map { $_->{name} => $_->{password} } map { $self->user($_) } 1 .. 3;
    $self->{dovecot} = T::Dovecot->new(tls => $self->{ca}, dir => "$self->{run}/dovecot",
        users => \%password, imaps => free_port());
    $self->{dovecot}->start;
    server('Dovecot, IMAP', '127.0.0.1:' . $self->imap_port);
}

sub start_httpd {
    my ($self) = @_;
    my $conf = "$self->{run}/httpd/httpd.conf";
    write_file($conf, Demo::Data::httpd_conf($self));
    $self->{httpd} = T::Process->start([qw(apache2 -D FOREGROUND -f), $conf],
        "$self->{run}/httpd/stdout.log", T::Httpd->environment);
    until_port('127.0.0.1', $self->{port}, 30, $self->{httpd}->pid)
        or die "httpd did not start:\n" . $self->httpd_log;
    server('httpd with Postern', $self->url);
}

sub httpd_log {
    my ($self) = @_;
    return join '', map { read_file("$self->{run}/httpd/$_") // '' }
        qw(stdout.log error.log);
}

# --- while it is up ----------------------------------------------------------

# Shell assignments for other programs.
sub write_env {
    my ($self) = @_;
    my ($one, $two, $dc) = ($self->user(1), $self->user(2), $self->{dc});
    my @env = (
        BASE_URL   => $self->base_url,
        CA_FILE    => $self->{ca}{ca},
        DOMAIN     => $domain,
        REALM      => T::Samba->realm,
        NETBIOS    => T::Samba->netbios,
        USER1      => $one->{name}, MAIL1 => $one->{mail}, PASSWORD1 => $one->{password},
        USER2      => $two->{name}, MAIL2 => $two->{mail}, PASSWORD2 => $two->{password},
        LDAPS_URL  => $dc ? $dc->ldaps_url : '',
        SAMBA_ADDR => $dc ? $dc->address : '',
        RPC_PROXY  => "127.0.0.1:$self->{port}",
        RPC_TARGET => $self->host,
        SAMR_PORT  => $dc ? $dc->samr_port : '',
        EWS_URL    => $self->base_url('/EWS/Exchange.asmx'),
        SUBMIT_CONF => "$self->{run}/submit/smtp-submit.conf",
        HTTPD_PID  => $self->{httpd}->pid,
        HTTPD_CONF => "$self->{run}/httpd/httpd.conf",
    );
    my $text = '';
    while (my ($name, $value) = splice @env, 0, 2) {
        $text .= "$name='" . ($value =~ s/'/'\\''/gr) . "'\n";
    }
    write_file("$self->{dir}/env.new", $text);
    rename "$self->{dir}/env.new", "$self->{dir}/env" or die "$self->{dir}/env: $!\n";
}

# --- down --------------------------------------------------------------------

# What did not come up has nothing to stop.
sub stop {
    my ($self) = @_;
    unlink "$self->{dir}/env";
    for my $server (grep { defined } @$self{qw(httpd dovecot mx dc)}) {
        eval { $server->stop };
    }
    unlink "$self->{dir}/run" if $self->{temp};
}

1;

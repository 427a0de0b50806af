# SPDX-License-Identifier: Apache-2.0
package T::Httpd;

# A private Apache httpd with our modules, for one test file.
#
#   my $httpd = T::Httpd->new(
#       modules => [qw(mailbox autodiscover)],  # ours, from the build folder
#       load    => [qw(auth_basic ldap)],       # httpd's own, beside the basic
#       tls     => $ca,                         # T::Ca: also listens with TLS
#       mpm     => 'event',                     # event, worker, prefork
#       main    => '...',                       # outside any virtual host
#       conf    => '...');                      # inside the virtual host
#   $httpd->start;                              # dies with the log if it fails
#   ... $httpd->url, $httpd->tls_url, $httpd->port, $httpd->tls_port ...
#   $httpd->stop;
#   $httpd->log_ok(qw(PN12003 AH01617));        # one test: nothing else logged
#
# In main and conf, @DIR@ is the server's folder.

use strict;
use warnings;
use Test::More;
use T::Dir qw(build temp_dir write_file read_file);
use T::Process;
use T::Wait qw(until_true until_port free_port);

my $moddir = '/usr/lib/apache2/modules';
my @basic  = qw(authn_core authn_file authz_core authz_host authz_user
    auth_basic alias env log_config mime reqtimeout setenvif socache_shmcb);
my %builtin = map { $_ => 1 } qw(log_config so unixd logio version watchdog);

sub new {
    my ($class, %self) = @_;
    my $self = bless { mpm => 'event', %self }, $class;
    $self->{dir}  = temp_dir();
    $self->{port} = $self->{listen_port} // free_port();
    $self->{tls_port} = $self->{listen_tls} // free_port() if $self->{tls};
    $self->{host} //= '127.0.0.1';
    mkdir "$self->{dir}/htdocs";
    $self->write_conf;
    return $self;
}

sub dir      { "$_[0]{dir}" }
sub port     { $_[0]{port} }
sub tls_port { $_[0]{tls_port} }
sub url      { "http://$_[0]{host}:$_[0]{port}" . ($_[1] // '') }
sub tls_url  { "https://$_[0]{host}:$_[0]{tls_port}" . ($_[1] // '') }
sub log_file { "$_[0]{dir}/error.log" }
sub pid      { $_[0]{process}->pid }

# Replaces main or conf; takes effect at the next start or reload.
sub configure {
    my ($self, %new) = @_;
    %$self = (%$self, %new);
    $self->write_conf;
}

sub load_lines {
    my ($self) = @_;
    my %seen;
    my @httpd = grep { !$builtin{$_} && !$seen{$_}++ } "mpm_$self->{mpm}",
        @basic, ($self->{tls} ? 'ssl' : ()), @{ $self->{load} // [] };
    return join '',
        (map { "LoadModule ${_}_module $moddir/mod_$_.so\n" } @httpd),
        (map { "LoadModule ${_}_module " . build() . "/modules/mod_$_.so\n" }
            @{ $self->{modules} // [] });
}

sub vhost {
    my ($self, $port, $extra) = @_;
    return "<VirtualHost *:$port>\n$extra" . ($self->{conf} // '')
        . "\n</VirtualHost>\n";
}

sub write_conf {
    my ($self) = @_;
    my $dir = $self->{dir};
    my $conf = $self->load_lines . <<"CONF";
ServerRoot $dir
DefaultRuntimeDir $dir
PidFile $dir/httpd.pid
Listen $self->{host}:$self->{port}
ServerName mail.example.test
DocumentRoot $dir/htdocs
ErrorLog $dir/error.log
LogLevel info
LogFormat "%h %u \\"%r\\" %>s %B %X" test
CustomLog $dir/access.log test
TypesConfig /etc/mime.types
ThreadsPerChild 16
StartServers 1
MinSpareThreads 1
MaxRequestWorkers 128
CONF
    $conf =~ s/^(?:ThreadsPerChild|MinSpareThreads).*\n//mg
        if $self->{mpm} eq 'prefork';
    $conf .= "User www-data\nGroup www-data\n" if $> == 0;
    $conf .= "RequestReadTimeout header=20-40,MinRate=500 body=10,MinRate=500\n";
    $conf .= ($self->{main} // '') . "\n";
    $conf .= $self->vhost($self->{port}, '');
    if (my $ca = $self->{tls}) {
        $conf .= "SSLSessionCache shmcb:$dir/ssl(65536)\nListen $self->{host}:$self->{tls_port}\n"
            . $self->vhost($self->{tls_port}, "SSLEngine on\n"
                . "SSLCertificateFile $ca->{server}\n"
                . "SSLCertificateKeyFile $ca->{key}\n");
    }
    $conf =~ s/\@DIR\@/$dir/g;
    write_file("$dir/httpd.conf", $conf);
}

# (passed, output) of httpd -t.
sub configtest {
    my ($self) = @_;
    local %ENV = (%ENV, %{ $self->environment });
    my $out = `apache2 -t -f $self->{dir}/httpd.conf 2>&1`;
    return ($? == 0, $out);
}

# The environment that preloads the sanitizer, when the modules need one.
sub environment {
    return {} unless $ENV{POSTERN_PRELOAD};
    return { LD_PRELOAD => $ENV{POSTERN_PRELOAD},
        ASAN_OPTIONS => 'detect_leaks=0:abort_on_error=1:use_sigaltstack=0',
        UBSAN_OPTIONS => 'print_stacktrace=1' };
}

sub start {
    my ($self) = @_;
    $self->{process} = T::Process->start(
        [qw(apache2 -D FOREGROUND -f), "$self->{dir}/httpd.conf"],
        "$self->{dir}/stdout.log", $self->environment);
    for my $port (grep { $_ } @$self{qw(port tls_port)}) {
        until_port($self->{host}, $port, 60, $self->pid)
            or die "httpd did not start:\n" . read_file("$self->{dir}/stdout.log")
            . (read_file($self->log_file) // '');
    }
    return $self;
}

# Graceful restart; returns when the new generation serves.
sub reload {
    my ($self) = @_;
    my $before = () = (read_file($self->log_file) // '') =~ /AH00489|AH00163|AH00292/g;
    kill 'USR1', $self->pid;
    return until_true(sub {
        my $now = () = read_file($self->log_file) =~ /AH00489|AH00163|AH00292/g;
        return $now > $before;
    });
}

# Ends the server; returns its wait status (0 is a clean end).  The event MPM
# gracefully, if the clients let it: told to end at once, it closes the sockets
# of its workers while they free them, and a child dies of it now and then.
sub stop {
    my ($self) = @_;
    my $process = $self->{process};
    if ($self->{mpm} eq 'event' && $process->alive) {
        kill 'WINCH', $process->pid;
        until_true(sub { !$process->alive }, 3);
    }
    return $process->stop('TERM', 20);
}

# Log lines so far that are not below the level warn.
sub log_warnings {
    my ($self) = @_;
    return grep { /\[[\w-]*:?(?:warn|error|crit|alert|emerg)\]|exit signal|AddressSanitizer|runtime error:/ }
        split /\n/, read_file($self->log_file) . read_file("$self->{dir}/stdout.log");
}

# One test: each line from level warn up carries one of the given message
# numbers, and no child died.
sub log_ok {
    my ($self, @expected) = @_;
    my %expected = map { $_ => 1 } @expected, 'AH00558';
    my @bad = grep {
        my ($number) = /\b((?:PN|AH)\d{5}): /;
        !($number && $expected{$number}) || /exit signal|AddressSanitizer|runtime error:/;
    } $self->log_warnings;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(!@bad, 'the error log holds only expected messages')
        or diag(join "\n", @bad);
}

# 1 when the log holds the text (or matches the pattern) $what, within 5 s.
sub logged {
    my ($self, $what) = @_;
    $what = qr/\Q$what\E/ unless ref $what;
    return until_true(sub { read_file($self->log_file) =~ $what }, 5);
}

1;

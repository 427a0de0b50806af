#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Exim and aiosmtpd as second and third judge of what smtp-submit says: each
# login with and without TLS, dots, long lines, BDAT and reports.

use strict;
use warnings;
use lib 't/lib';
use Cwd qw(abs_path);
use Test::More;
use T::Ca;
use T::Dir qw(build read_file temp_dir top write_file);
use T::Process;
use T::Submit;
use T::Wait qw(free_port until_port until_true);

my $dir = temp_dir();
my $ca  = T::Ca->make("$dir");
my %tls = (clear => 'no mail smtpserver tls', starttls => 'mail smtpserver tls starttls', smtps => 'mail smtpserver tls smtps');
my $body = ".dot\n..\n" . 'long ' x 400 . "\ncaf\xc3\xa9\nlast";
my ($status, $out, $err);

sub submit_to {
    my ($server, $way, $method) = @_;
    my $s = T::Submit->new;
    $s->set('mail smtpserver 127.0.0.1', 'mail from fred@example.test', "mail smtpserver tls-ca-file $ca->{ca}",
        $tls{$way}, "mail smtpserver port $server->{port}{$way}",
        "mail smtpserver authentication $method username fred password uniquePassword");
    return $s;
}

# Every way and every login; $server->{mails}->() is what arrived.
sub try_all {
    my ($server) = @_;
    for my $way (qw(clear starttls smtps)) {
        for my $method (qw(plain login crammd5)) {
            my $name = "$way $method";
            my $s = submit_to($server, $way, $method);
            my $before = () = $server->{mails}->();
            ($status, $out, $err) = $s->input($body, qw(mail to bob@example.test wait subject), $name);
            is($status, 0, "$name: accepted") or diag $out, $err;
            my $arrived = until_true(sub { my @all = $server->{mails}->(); @all > $before && $all[-1] }, 10) // '';
            like($arrived, qr/^Subject: \Q$name\E\r?$/m, "$name: arrived");
        }
    }
    my $s = submit_to($server, 'starttls', 'plain');
    $s->set('mail smtpserver authentication plain username fred password wrong');
    ($status, $out, $err) = $s->input('x', qw(mail to bob@example.test wait));
    is($status, 77, 'a wrong password: exit status');
    like($err, qr/^% the login was refused \(535/, 'a wrong password: the server\'s words');
    $s = submit_to($server, 'starttls', 'plain');
    $s->input("x\n", qw(mail to bob@example.test queue-only subject), "batch $_") for 1 .. 20;
    is(($s->run('flush'))[1], "20 sent, 0 waiting, 0 failed\n", 'twenty on one connection');
    my %seen;
    until_true(sub { %seen = (); /^Subject: (batch \d+)\r?$/m && $seen{$1}++ for $server->{mails}->(); 20 == keys %seen }, 10);
    is(join(' ', map { $seen{"batch $_"} // 0 } 1 .. 20), join(' ', (1) x 20), 'each arrived once');
}

# What a receiver makes of the message, by its quoted-printable body.
sub decoded {
    my ($mail) = @_;
    my ($text) = $mail =~ /\r?\n\r?\n(.*)\z/s;
    $text =~ s/=\r?\n//g;
    $text =~ s/=([0-9A-F]{2})/chr hex $1/ge;
    return $text =~ s/\r//gr;
}

subtest 'aiosmtpd' => sub {
    plan skip_all => 'needs python3-aiosmtpd' if system("/usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null");
    my %server = (port => { map { $_ => free_port() } keys %tls });
    mkdir "$dir/aio";
    my $process = T::Process->start(['/usr/bin/python3', top() . '/t/interop/aiosmtpd_server.py', "$dir/aio", @$ca{qw(server key)},
        @{ $server{port} }{qw(clear starttls smtps)}], "$dir/aio.log");
    for (values %{ $server{port} }) {
        until_port('127.0.0.1', $_, 20, $process->pid) or return fail("aiosmtpd did not start:\n" . read_file("$dir/aio.log"));
    }
    $server{mails} = sub { map { read_file($_) } sort { ($a =~ /-(\d+)/)[0] <=> ($b =~ /-(\d+)/)[0] } glob "$dir/aio/*.eml" };
    try_all(\%server);
    is(scalar(grep { !/^X-Login: fred\r$/m } $server{mails}->()), 0, 'all by fred');
    is(decoded(($server{mails}->())[0]), "$body\n", 'byte for byte');
    my $s = submit_to(\%server, 'clear', 'plain');
    $s->input('x', 'mail', 'to', "b\xc3\xb6b\@example.test", 'wait');
    like(($server{mails}->())[-1], qr/^To: <b\xc3\xb6b\@example\.test>\r$/m, 'SMTPUTF8');
    $process->stop;
};

# Debian's exim4-daemon-light cannot be installed beside Postfix: its files are
# unpacked into the build folder and run in a mount name space of their own, with
# the user that they want to run as.
sub exim {
    my $home = abs_path(build()) . '/exim';
    if (!-x "$home/usr/sbin/exim4") {
        mkdir $home;
        for my $package (qw(exim4-daemon-light exim4-base)) {
            system("cd '$home' && apt-get -q download $package > download.log 2>&1 && dpkg-deb -x ${package}_*.deb .");
        }
    }
    return -x "$home/usr/sbin/exim4" ? "$home/usr/sbin/exim4" : undef;
}

sub exim_conf {
    my ($server) = @_;
    return write_file("$dir/exim/conf", <<"CONF", 0644);
primary_hostname = mx.example.test
spool_directory = $dir/exim/spool
log_file_path = $dir/exim/%slog
local_interfaces = 127.0.0.1
daemon_smtp_ports = $server->{port}{clear} : $server->{port}{starttls} : $server->{port}{smtps}
tls_on_connect_ports = $server->{port}{smtps}
tls_advertise_hosts = \${if eq{\$received_port}{$server->{port}{clear}}{}{*}}
auth_advertise_hosts = \${if or{{eq{\$received_port}{$server->{port}{clear}}}{def:tls_in_cipher}}{*}{}}
tls_certificate = $ca->{server}
tls_privatekey = $ca->{key}
chunking_advertise_hosts = *
dsn_advertise_hosts = *
acl_smtp_rcpt = rcpt
queue_only
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
begin acl
rcpt:
  deny !authenticated = *
  accept
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{\$auth2}{fred}}{eq{\$auth3}{uniquePassword}}}}
  server_set_id = \$auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = \${if and{{eq{\$auth1}{fred}}{eq{\$auth2}{uniquePassword}}}}
  server_set_id = \$auth1
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = \${if eq{\$auth1}{fred}{uniquePassword}fail}
  server_set_id = \$auth1
CONF
}

# Header (without Exim's marks) and body of what Exim has queued, in its order.
sub exim_mails {
    return map {
        my ($base) = /(.*)-D$/;
        my ($header) = (read_file("$base-H") // '') =~ /\n\n(.*)\z/s;
        my $body = (read_file($_) // '') =~ s/^[^\n]*\n//r;
        defined $header ? ($header =~ s/^\d{3}.  ?//gmr) . "\n$body" : ();
    } sort { -M $b <=> -M $a || $a cmp $b } glob "$dir/exim/spool/input/*-D";
}

subtest 'Exim' => sub {
    plan skip_all => 'needs root' if $>;
    my $exim = exim() or plan skip_all => 'Debian\'s exim4-daemon-light cannot be fetched';
    my %server = (port => { map { $_ => free_port() } keys %tls }, mails => \&exim_mails);
    mkdir "$dir/exim";
    mkdir "$dir/exim/spool";
    my ($uid, $gid) = (61300, 61300);
    write_file("$dir/exim/passwd", read_file('/etc/passwd') . "Debian-exim:x:${uid}:${gid}::/nonexistent:/usr/sbin/nologin\n", 0644);
    write_file("$dir/exim/group",  read_file('/etc/group') . "Debian-exim:x:${gid}:\n", 0644);
    chmod 0755, "$dir", "$dir/exim";
    chown $uid, $gid, "$dir/exim", "$dir/exim/spool";
    chmod 0644, $ca->{key};
    my $process = T::Process->start(['unshare', '-m', 'sh', '-c', <<'SH', $exim, "$dir/exim", exim_conf(\%server)], "$dir/exim.log");
mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group && exec "$0" -C "$2" -bdf
SH
    for (values %{ $server{port} }) {
        until_port('127.0.0.1', $_, 20, $process->pid)
            or return fail("exim did not start:\n" . read_file("$dir/exim.log") . (read_file("$dir/exim/mainlog") // ''));
    }
    try_all(\%server);
    my ($first) = grep { /^Subject: clear plain/m } exim_mails();
    is(decoded($first), "$body\n", 'byte for byte');
    my $log = read_file("$dir/exim/mainlog");
    like($log, qr/P=esmtpsa X=TLS\S+ .*A=plain:fred .*K S=/, 'K: by BDAT, TLS and login');
    my $s = submit_to(\%server, 'starttls', 'plain');
    $s->set('mail smtpserver without-chunking');
    is(($s->input('x', qw(mail to bob@example.test wait subject data notify), 'success,failure', 'return', 'headers'))[0], 0, 'DATA, DSN');
    like(read_file("$dir/exim/mainlog"), qr/<= fred\@example\.test .*A=plain:fred S=.*\n\z/, 'no K: by DATA');
    $process->stop;
};

done_testing();

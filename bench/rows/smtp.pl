# SPDX-License-Identifier: Apache-2.0

package Rows::Smtp;

# smtp-submit beside what does the same today: Postfix's sendmail for putting a
# mail into a queue; msmtp, curl and swaks, one process a mail, for handing one to
# a server.  The server is Postfix's smtp-sink, or Postfix where it is about TLS;
# the mail has 1.1 KB.

use strict;
use warnings;
use Bench qw(program numbers);
use Delay;
use Stage qw(stage dir);
use T::Ca;
use T::Dir qw(write_file);
use T::Postfix;
use T::Process;
use T::Submit;
use T::Wait qw(until_port free_port);

my ($spawn, $sendmail, $sink) = (program('spawn'), '/usr/sbin/sendmail', '/usr/sbin/smtp-sink');
my @senders = map { "/usr/bin/$_" } qw(msmtp curl swaks);
my ($from, $to) = ('alice@example.test', 'bob@example.test');

# Milliseconds of one run of a command, with $input as standard input.
sub spawned {
    my ($count, $input, @command) = @_;
    my $value = numbers($spawn, $count, $input, @command);
    die "$value->{failed} of $count failed: @command\n" if $value->{failed};
    return { map { $_ => $value->{$_} / 1000 } qw(p50 p99) };
}

my $body = join '', map { "Line $_ of a mail that says what a server wants to say now.\n" } 1 .. 17;
sub text { stage(mail_text => sub { write_file(dir() . '/text', $body, 0644) }) }
sub mail {
    return stage(mail => sub {
        write_file(dir() . '/mail', "From: $from\nTo: $to\nSubject: bench\n\n$body", 0644) });
}

sub sink {
    return stage(sink => sub {
        my $port = free_port();
        my $process = T::Process->start([$sink, '-u', 'nobody', "127.0.0.1:$port", 256], dir() . '/sink.log');
        until_port('127.0.0.1', $port, 10, $process->pid) or die "smtp-sink did not start\n";
        { port => $port, process => $process };
    });
}

sub submit {
    return stage(submit => sub {
        my $submit = T::Submit->new;
        $submit->set('mail smtpserver 127.0.0.1', 'mail smtpserver port ' . sink()->{port},
            "mail from $from");
        $submit;
    });
}

# A Postfix whose daemons do not run: sendmail puts the mail into the queue, and
# nothing else uses the machine meanwhile.
sub postfix {
    return stage(postfix => sub {
        my $home = dir() . '/postfix';
        mkdir for $home, map { "$home/$_" } qw(conf spool data);
        write_file("$home/conf/main.cf", <<"CF");
compatibility_level = 3.6
queue_directory = $home/spool
data_directory = $home/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = $home/log
maillog_file_prefixes = $home
inet_interfaces = 127.0.0.1
myhostname = mx.example.test
CF
        write_file("$home/conf/master.cf", "pickup unix n - n 60 1 pickup\n");
        chown scalar(getpwnam 'postfix'), -1, "$home/data";
        `postfix -c $home/conf check 2>&1`;
        "$home/conf";
    });
}

# --- targets ---

sub enqueue {
    my $submit = submit();
    my $value = spawned(100, text(), $submit->command('send', 'to', $to, 'subject', 'bench', 'file', '-', 'queue-only'));
    $submit->run(qw(delete mail all));
    return $value;
}

sub enqueue_by_sendmail { spawned(100, mail(), $sendmail, '-C', postfix(), '-f', $from, $to) }

sub send_one {
    return spawned(30, text(), submit()->command('send', 'to', $to, 'subject', 'bench', 'file', '-', 'wait'));
}

# How each of the others sends one mail to a port; with $ca after STARTTLS and a
# login.  (swaks checks no certificate.)
my %command = (
    msmtp => sub {
        my ($port, $ca) = @_;
        return ('/usr/bin/msmtp', '--file=/dev/null', '--host=127.0.0.1', "--port=$port", "--from=$from",
            $ca ? ('--auth=plain', '--user=fred', '--passwordeval=echo uniquePassword', '--tls=on', '--tls-starttls=on',
                "--tls-trust-file=$ca") : ('--auth=off', '--tls=off'), $to);
    },
    curl => sub {
        my ($port, $ca) = @_;
        return ('/usr/bin/curl', '-s', "smtp://127.0.0.1:$port", '--mail-from', $from, '--mail-rcpt', $to, '--upload-file', mail(),
            $ca ? ('--ssl-reqd', '--cacert', $ca, '--user', 'fred:uniquePassword', '--login-options', 'AUTH=PLAIN') : ());
    },
    swaks => sub {
        my ($port, $ca) = @_;
        return ('/usr/bin/swaks', '--silent', 3, '--server', "127.0.0.1:$port", '--from', $from, '--to', $to, '--data', '@' . mail(),
            $ca ? ('--tls', '--auth', 'PLAIN', '--auth-user', 'fred', '--auth-password', 'uniquePassword') : ());
    },
);

# Targets for the three of them.
sub by_others {
    my ($count, $where) = @_;
    return map { my $name = $_; ($name => sub { spawned($count, mail(), $command{$name}->($where->())) }) } keys %command;
}
sub to_sink { sink()->{port} }

# $count queued mails in one go, per mail.
sub flush {
    my ($submit, $count) = @_;
    spawned($count, text(), $submit->command('send', 'to', $to, 'subject', 'bench', 'file', '-', 'queue-only'));
    my $value = spawned(1, '/dev/null', $submit->command('flush'));
    my @left = $submit->ids('new');
    die scalar(@left) . " mails are left after flush\n" if @left;
    return { p50 => $value->{p50} / $count };
}

# The same server, 20 ms away.
sub far {
    return stage(far => sub {
        my $proxy  = Delay->start(sink()->{port}, 0.02);
        my $submit = T::Submit->new;
        $submit->set('mail smtpserver 127.0.0.1', 'mail smtpserver port ' . $proxy->port,
            "mail from $from");
        { proxy => $proxy, submit => $submit };
    });
}

sub to_far { far()->{proxy}->port }

# Postfix with STARTTLS and a login.
sub secure {
    return stage(secure => sub {
        my $ca = T::Ca->make(dir() . '');
        my $mx = T::Postfix->new(ca => $ca, discard => 1)->start;
        my $submit = T::Submit->new;
        $submit->set('mail smtpserver 127.0.0.1', 'mail smtpserver port ' . $mx->port('starttls'),
            'mail smtpserver tls starttls', "mail smtpserver tls-ca-file $ca->{ca}", "mail from $from",
            'mail smtpserver authentication plain username fred password uniquePassword');
        { mx => $mx, ca => $ca, submit => $submit };
    });
}

sub to_secure { my $it = secure(); ($it->{mx}->port('starttls'), $it->{ca}{ca}) }

# A row for each of the others; $target is what we want of the ratio to msmtp.
sub beside {
    my ($row, $what, $target) = @_;
    my @rows = ([$row, 'ms', 'ours.p50', 'msmtp.p50', "msmtp, $what", 'inverse', $target]);
    push @rows, map { ["$row.$_", 'ms', 'ours.p50', "$_.p50", "$_, $what", 'inverse'] } qw(curl swaks);
    return \@rows;
}

my @needs = ('bin/smtp-submit', 'bench/spawn', $sink, @senders);
my $rtt40 = 'the server is 40 ms away and back; ours is 50 queued mails, per mail';

return (
    { needs => ['bin/smtp-submit', 'bench/spawn', $sendmail], rounds => 5,
      targets => { ours => \&enqueue, sendmail => \&enqueue_by_sendmail },
      rows => [
        ['smtp.enqueue', 'ms', 'ours.p50', 'sendmail.p50', "Postfix's sendmail, into a queue, one process a mail", 'inverse', '>= 3'],
        ['smtp.enqueue.time', 'ms', 'ours.p50', '', 'none: one process a mail, flushed to the disk', undef, 'ours <= 3'],
        ['smtp.enqueue.p99', 'ms', 'ours.p99', 'sendmail.p99', "Postfix's sendmail", 'inverse'] ] },
    { needs => \@needs, rounds => 5,
      targets => { ours => \&send_one, by_others(30, \&to_sink) },
      rows => beside('smtp.send', 'one process a mail, to the same smtp-sink', '>= 5') },
    { needs => \@needs, rounds => 3,
      targets => { ours => sub { flush(submit(), 200) }, by_others(30, \&to_sink) },
      rows => beside('smtp.flush', 'one process a mail; ours is 200 queued mails, per mail', '>= 30') },
    { needs => \@needs, rounds => 3,
      targets => { ours => sub { flush(far()->{submit}, 50) }, by_others(10, \&to_far) },
      rows => [
        @{ beside('smtp.flush.rtt40', $rtt40) },
        ['smtp.flush.rtt40.time', 'ms', 'ours.p50', '', "none: $rtt40", undef, 'ours <= 60'] ] },
    $> ? () : { needs => [@needs, '/usr/sbin/postfix', '/usr/sbin/dovecot'], rounds => 3,
      targets => { ours => sub { flush(secure()->{submit}, 200) }, by_others(10, \&to_secure) },
      rows => beside('smtp.flush.tls', 'Postfix with STARTTLS and AUTH PLAIN; ours is 200 queued mails, per mail', '>= 30') },
);

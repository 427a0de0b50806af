# SPDX-License-Identifier: Apache-2.0

package Rows::Smtp;

# smtp-submit beside what does the same today: Postfix's sendmail for putting a
# mail into a queue, msmtp for handing one to a server.  The server is Postfix's
# smtp-sink, or Postfix where it is about TLS; the mail has 1.1 KB.

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

my ($spawn, $sendmail, $msmtp, $sink) =
    (program('spawn'), '/usr/sbin/sendmail', '/usr/bin/msmtp', '/usr/sbin/smtp-sink');
my $to = 'bob@example.test';

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
        write_file(dir() . '/mail', "From: alice\@example.test\nTo: $to\nSubject: bench\n\n$body", 0644) });
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
            'mail from alice@example.test');
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

sub enqueue_by_sendmail { spawned(100, mail(), $sendmail, '-C', postfix(), '-f', 'alice@example.test', $to) }

sub send_one {
    return spawned(30, text(), submit()->command('send', 'to', $to, 'subject', 'bench', 'file', '-', 'wait'));
}

sub send_by_msmtp {
    return spawned(30, mail(), $msmtp, '--file=/dev/null', '--host=127.0.0.1', '--port=' . sink()->{port},
        '--from=alice@example.test', '--auth=off', '--tls=off', $to);
}

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
            'mail from alice@example.test');
        { proxy => $proxy, submit => $submit };
    });
}

sub far_by_msmtp {
    return spawned(10, mail(), $msmtp, '--file=/dev/null', '--host=127.0.0.1', '--port=' . far()->{proxy}->port,
        '--from=alice@example.test', '--auth=off', '--tls=off', $to);
}

# Postfix with STARTTLS and a login.
sub secure {
    return stage(secure => sub {
        my $ca = T::Ca->make(dir() . '');
        my $mx = T::Postfix->new(ca => $ca, discard => 1)->start;
        my $submit = T::Submit->new;
        $submit->set('mail smtpserver 127.0.0.1', 'mail smtpserver port ' . $mx->port('starttls'),
            'mail smtpserver tls starttls', "mail smtpserver tls-ca-file $ca->{ca}", 'mail from alice@example.test',
            'mail smtpserver authentication plain username fred password uniquePassword');
        { mx => $mx, ca => $ca, submit => $submit };
    });
}

sub secure_by_msmtp {
    my $it = secure();
    return spawned(10, mail(), $msmtp, '--file=/dev/null', '--host=127.0.0.1', '--port=' . $it->{mx}->port('starttls'),
        '--from=alice@example.test', '--auth=plain', '--user=fred', '--passwordeval=echo uniquePassword',
        '--tls=on', '--tls-starttls=on', "--tls-trust-file=$it->{ca}{ca}", $to);
}

return (
    { needs => ['bin/smtp-submit', 'bench/spawn', $sendmail], rounds => 5,
      targets => { ours => \&enqueue, sendmail => \&enqueue_by_sendmail },
      rows => [
        ['smtp.enqueue', 'ms', 'ours.p50', 'sendmail.p50', "Postfix's sendmail, into a queue, one process a mail", 'inverse'],
        ['smtp.enqueue.p99', 'ms', 'ours.p99', 'sendmail.p99', "Postfix's sendmail", 'inverse'] ] },
    { needs => ['bin/smtp-submit', 'bench/spawn', $msmtp, $sink], rounds => 5,
      targets => { ours => \&send_one, msmtp => \&send_by_msmtp },
      rows => [['smtp.send', 'ms', 'ours.p50', 'msmtp.p50', 'msmtp, one process a mail, to the same smtp-sink', 'inverse']] },
    { needs => ['bin/smtp-submit', 'bench/spawn', $msmtp, $sink], rounds => 3,
      targets => { ours => sub { flush(submit(), 200) }, msmtp => \&send_by_msmtp },
      rows => [['smtp.flush', 'ms', 'ours.p50', 'msmtp.p50', 'msmtp, one process a mail; ours is 200 queued mails, per mail', 'inverse']] },
    { needs => ['bin/smtp-submit', 'bench/spawn', $msmtp, $sink], rounds => 3,
      targets => { ours => sub { flush(far()->{submit}, 50) }, msmtp => \&far_by_msmtp },
      rows => [['smtp.flush.rtt40', 'ms', 'ours.p50', 'msmtp.p50', 'msmtp; the server is 40 ms away and back; ours is 50 queued mails, per mail', 'inverse']] },
    $> ? () : { needs => ['bin/smtp-submit', 'bench/spawn', $msmtp, '/usr/sbin/postfix', '/usr/sbin/dovecot'], rounds => 3,
      targets => { ours => sub { flush(secure()->{submit}, 200) }, msmtp => \&secure_by_msmtp },
      rows => [['smtp.flush.tls', 'ms', 'ours.p50', 'msmtp.p50', 'msmtp; Postfix with STARTTLS and AUTH PLAIN; ours is 200 queued mails, per mail', 'inverse']] },
);

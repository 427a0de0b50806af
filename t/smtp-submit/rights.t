#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# S47: a queue that several users write to, one user delivers from, and only that
# one can open the password.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use T::Dir qw(read_file write_file);
use T::SmtpServer;
use T::Submit;

plan skip_all => 'needs root' if $>;
plan skip_all => 'needs setpriv' unless -x '/usr/bin/setpriv';

my ($runner, $caller, $other, $stranger) = (61234, 61235, 61236, 61237);
my $server = T::SmtpServer->start(ehlo => [qw(PIPELINING AUTH=PLAIN)]);
my $s = T::Submit->new;
my ($status, $out, $err);
chmod 0755, $s->dir;
$s->set('mail smtpserver 127.0.0.1', 'mail from fred@example.test', 'mail smtpserver port ' . $server->port);

# A command by a user, in group $runner unless he is the stranger.
sub by {
    my ($user, @words) = @_;
    my $group = $user == $stranger ? $stranger : $runner;
    ($status, $out, $err) = $s->spawn('text', '/usr/bin/setpriv', "--reuid=$user",
        '--regid=' . ($user == $runner ? $runner : $user), $group == $runner ? "--groups=$runner" : '--clear-groups',
        $s->command(@words));
    return $status;
}

sub mode { sprintf '%04o', (stat $_[0])[2] & 07777 }
sub owner { my @st = stat $_[0]; "$st[4]:$st[5]" }

chmod 0644, $s->conf;
is(by($caller, qw(setup user 61234)), 1, 'setup is root\'s');
is($err, "% Error: setup has to be run by root\n", 'and says so');
is(($s->run('setup', 'user', $runner))[0], 0, 'setup');
is(($s->run('setup', 'user', $runner))[0], 0, 'a second time');
$s->set('mail smtpserver authentication plain username u password uniqueWord');

subtest 'S47: who owns what' => sub {
    my %modes = ('' => '2751', '/tmp' => '3730', '/new' => '3730', '/failed' => '0700');
    for my $folder (sort keys %modes) {
        is(mode($s->spool . $folder), $modes{$folder}, "queue$folder: mode");
        is(owner($s->spool . $folder), "$runner:$runner", "queue$folder: owner");
    }
    is(mode($s->conf) . ' ' . owner($s->conf), "0640 0:$runner", 'configuration');
    is(mode($s->dir . '/submit.key') . ' ' . owner($s->dir . '/submit.key'), "0600 $runner:$runner", 'key');
};

subtest 'S47: a caller queues, and can do nothing else' => sub {
    is(by($caller, qw(mail to bob@example.test subject called)), 0, 'mail') or diag $err;
    like($out, qr/ queued\.$/, 'is queued');
    is(scalar(() = $server->messages), 0, 'and not sent by the caller');
    my ($id) = $s->ids;
    is(mode($s->spool . "/new/$id") . ' ' . owner($s->spool . "/new/$id"), "0660 $caller:$runner", 'the mail is for him and the runner');
    isnt(by($caller, qw(show mail)), 0, 'the queue cannot be listed');
    isnt(by($other, 'delete', $id), 0, 'another caller deletes nothing');
    is(scalar($s->ids), 1, 'it is still there');
    is(by($caller, qw(mail from evil@example.test)), 78, 'no setting can be changed');
    isnt(by($caller, 'test'), 0, 'nobody but the runner can log in');
    like($err, qr/key file .*Permission denied/, 'because the key is not his');
    is(scalar($server->lines('AUTH')), 0, 'no password was sent');
};

subtest 'S47: a stranger reads the counters' => sub {
    is(by($stranger, qw(mail to bob@example.test)), 78, 'no mail: the configuration is not his to read');
    write_file($s->dir . '/public.conf', 'mail spool ' . $s->spool . "\nmail from x\@y.z\n", 0644);
    my @command = ('/usr/bin/setpriv', "--reuid=$stranger", "--regid=$stranger", '--clear-groups', $s->program, '-c', $s->dir . '/public.conf');
    ($status, $out, $err) = $s->spawn('', @command, qw(show counter mail));
    is("$status$err", '0', 'show counter mail');
    is(($s->spawn('', @command, qw(mail to bob@example.test)))[0], 74, 'the queue takes nothing from him');
};

subtest 'S47: the runner delivers what others queued' => sub {
    is(by($runner, 'flush'), 0, 'flush') or diag $err;
    is($out, "1 sent, 0 waiting, 0 failed\n", 'sent');
    is(scalar($server->lines('AUTH')), 1, 'with the password');
    like(($server->messages)[0][1], qr/^Subject: called\r$/m, 'the mail');
    is(scalar($s->ids), 0, 'the queue is empty');
    is(by($runner, qw(show mail)), 0, 'he sees the queue');
    is(by($runner, qw(show counter mail)), 0, 'and the counters');
    like($out, qr/^Mails Sent +\.+ 1$/m, 'which count');
    $server->stop;
    by($caller, qw(mail to bob@example.test subject later));
    is(by($runner, 'flush'), 0, 'a server that is down');
    like($out, qr/^0 sent, 1 waiting/, 'the journal of another user\'s mail is written');
};

done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# An installed smtp-submit with all paths as they are by default, in a mount name
# space of its own: setup makes the user and the queue, the web server's user
# queues, the runner delivers, everybody reads the counters.  And the units of
# systemd are right.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Cwd qw(abs_path);
use T::Dir qw(build read_file temp_dir top write_file);
use T::SmtpServer;

my @units = map { s{.*/}{}r } glob top() . '/conf/smtp-submit*.{service,path,timer}';
is(join(' ', sort @units), join(' ', map { "smtp-submit$_" } qw(-run.path -run.service -run.timer -watch.service .service)), 'the units');

subtest 'systemd understands the units' => sub {
    my ($analyze) = grep { -x } '/usr/bin/systemd-analyze';
    plan skip_all => 'needs systemd' unless $analyze;
    my $dir = temp_dir();
    # The program need not be installed for this.
    write_file("$dir/$_", read_file(top() . "/conf/$_") =~ s{/usr/local/bin/smtp-submit}{/bin/true}r) for @units;
    is(scalar(`$analyze verify --man=no $dir/* 2>&1`), '', 'verify');
    my ($exposure) = `$analyze security --offline=true $dir/smtp-submit.service 2>&1` =~ /exposure level for \S+: ([\d.]+)/;
    cmp_ok($exposure // 10, '<', 2.5, 'little is within its reach');
};

for my $unit (grep { /service/ } @units) {
    my $text = read_file(top() . "/conf/$unit");
    like($text, qr/^User=smtpsubmit\nGroup=smtpsubmit$/m, "$unit runs as smtpsubmit");
    like($text, qr{^ExecStart=/usr/local/bin/smtp-submit \w+( \w+)?$}m, "$unit starts an installed program");
}

subtest 'setup on a machine that has no such user' => sub {
    plan skip_all => 'needs root' if $>;
    plan skip_all => "needs $_" for grep { !-x } '/usr/sbin/useradd', '/usr/bin/setpriv';
    my $server = T::SmtpServer->start(ehlo => [qw(PIPELINING AUTH=PLAIN)]);
    my $port   = $server->port;
    my $dir    = temp_dir();
    my $bin    = abs_path(build() . '/bin');
    my $script = write_file("$dir/script", <<"SH");
set -e
cp -a /etc $dir/etc
mount --bind $dir/etc /etc
sed -i '/^smtpsubmit:/d' /etc/passwd /etc/group /etc/shadow /etc/gshadow
for d in /var/spool /usr/local; do mount -t tmpfs -o mode=755 none \$d; done
mkdir -p /usr/local/bin /usr/local/lib/postern
cp $bin/smtp-submit /usr/local/bin
cp $bin/smtp-submit-runner /usr/local/lib/postern
PATH=/usr/local/bin:\$PATH
as() { who=\$1; shift; setpriv --reuid=\$who --regid=\$(id -g \$who) --init-groups "\$@"; }
say() { echo "== \$*"; }

say before; getent passwd smtpsubmit || echo nobody
smtp-submit mail smtpserver 127.0.0.1
smtp-submit mail smtpserver port $port
smtp-submit mail from notices\@example.test
smtp-submit setup
smtp-submit setup
echo uniqueWord | smtp-submit mail smtpserver authentication plain username u password-stdin
say user; getent passwd smtpsubmit; id -Gn smtpsubmit
say modes; stat -c '%a %U:%G %n' /etc/smtp-submit.conf /etc/smtp-submit.key /var/spool/smtp-submit /var/spool/smtp-submit/*
usermod -aG smtpsubmit www-data
say queue; echo text | as www-data smtp-submit mail to bob\@example.test subject queued
say key; as www-data cat /etc/smtp-submit.key 2>&1 || echo "status \$?"
say list; as www-data smtp-submit show mail 2>&1 || echo "status \$?"
say stranger; as nobody smtp-submit show mail 2>&1 || echo "status \$?"
say run; (umask 077; as smtpsubmit smtp-submit flush)
say counters; as nobody smtp-submit show counter mail
say pass; echo text | as www-data smtp-submit mail to bob\@example.test subject later; as smtpsubmit smtp-submit run; as nobody smtp-submit show counter mail
say elsewhere; printf 'mail spool /var/spool/other\\n' > /etc/other.conf; chmod 600 /etc/other.conf
mv /var/spool/smtp-submit /var/spool/moved; as nobody smtp-submit -c /etc/other.conf show counter mail 2>&1 || echo "status \$?"
say end
SH
    my $out = `unshare -m sh $script 2>&1`;
    my %said = $out =~ /^== (\w+)\n(.*?)(?=^== )/msg;
    like($out, qr/^== end$/m, 'every step works') or diag $out;
    is($said{before}, "nobody\n", 'there was no such user');
    like($said{user}, qr{^smtpsubmit:x:\d+:\d+::/var/spool/smtp-submit:/usr/sbin/nologin\nsmtpsubmit\n$}, 'useradd made one, without a shell');
    is($said{modes}, <<'TEXT', 'who owns what');
640 root:smtpsubmit /etc/smtp-submit.conf
600 smtpsubmit:smtpsubmit /etc/smtp-submit.key
2751 smtpsubmit:smtpsubmit /var/spool/smtp-submit
700 smtpsubmit:smtpsubmit /var/spool/smtp-submit/failed
3730 smtpsubmit:smtpsubmit /var/spool/smtp-submit/new
3730 smtpsubmit:smtpsubmit /var/spool/smtp-submit/tmp
TEXT
    like($said{queue}, qr/^Sending \S+ queued\.$/, 'the web server queues');
    like($said{key}, qr/Permission denied\nstatus 1\n/, 'and has no key');
    is($said{list}, "% Error: /var/spool/smtp-submit/new: the list of mails is for its owner smtpsubmit\nstatus 74\n", 'S47: show mail by a member of the group');
    is($said{stranger}, "% Error: /etc/smtp-submit.conf: reading the settings is for its owner root and its group smtpsubmit\nstatus 78\n",
        'S47: show mail by a stranger');
    is($said{run}, "1 sent, 0 waiting, 0 failed\n", 'the runner delivers');
    is($said{counters}, "Mail Client (SMTP) counters\nMails Sent           ..... 1\nMails Sent Fails     ..... 0\n",
        'S47: show counter mail by a stranger, who cannot read the settings');
    like($said{pass}, qr/^Sending \S+ queued\.\nMail.*\nMails Sent +\.+ 2\n/, 'run, as cron or a timer start it');
    is($said{elsewhere}, "% Error: /etc/other.conf: reading the settings is for its owner root\nstatus 78\n",
        'S47: settings that are not for him, and no queue where it usually is');
    is(join(' ', map { $_->[1] =~ /^Subject: (\S+)\r$/m } $server->messages), 'queued later', 'both mails arrived');
    is(scalar(() = $server->lines('AUTH PLAIN')), 2, 'with the password');
};

done_testing();

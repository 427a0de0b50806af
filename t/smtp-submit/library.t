#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# The queue for other programs: a module in a real httpd puts mails into it from
# its threads, as a user who can neither list the queue nor open the password,
# and the runner delivers them; a program in another language does the same.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Cwd qw(abs_path);
use IO::Socket::INET;
use T::Dir qw(build read_file top write_file);
use T::Httpd;
use T::SmtpServer;
use T::Submit;
use T::Wait qw(until_true);

plan skip_all => 'needs root' if $>;
my $library = abs_path(build() . '/lib/libsmtpsubmit.so');
plan skip_all => 'the library is not built' unless $library && -e $library;

my $runner = 61244;
my $www    = getpwnam 'www-data';
my $server = T::SmtpServer->start(ehlo => [qw(PIPELINING AUTH=PLAIN)]);
my $s      = T::Submit->new;
chmod 0755, $s->dir;
$s->set('mail smtpserver 127.0.0.1', 'mail from fred@example.test', 'mail smtpserver port ' . $server->port);
is(($s->run('setup', 'user', $runner))[0], 0, 'setup');
$s->set('mail smtpserver authentication plain username u password uniqueWord');

# The module, as somebody else would build it.
my ($cppflags) = `make --no-print-directory -s -C @{[top()]} cppflags` =~ /(.*)/;
my $module = $s->dir . '/mod_reporter.so';
my $sanitized = (read_file(build() . '/flags') // '') =~ /-fsanitize/;
my $said = join ' ', 'cc -Wall -Werror -shared -fPIC', $cppflags, '-I' . top(), '-o', $module, top() . '/t/smtp-submit/mod_reporter.c',
    $library, "-Wl,-rpath,@{[$library =~ m{(.*)/}]}";
is(`$said 2>&1`, '', 'a module is linked with the library');

my $httpd = T::Httpd->new(main => "LoadModule reporter_module $module\nThreadsPerChild 64\nServerLimit 2\nMaxRequestWorkers 128\n"
    . "Group #$runner\n",
    conf => "<Location /report>\nSetHandler reporter\nReporterSettings " . $s->conf . "\nReporterTo admin\@example.test\n</Location>\n");
$httpd->start;

sub ask {
    my ($path) = @_;
    my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $httpd->port) or return;
    print $client "GET $path HTTP/1.0\r\n\r\n";
    return $client;
}
sub answer { my ($client) = @_; local $/; return scalar(<$client>) // '' }

subtest '64 requests at once, 4 times' => sub {
    my %ids;
    for my $round (1 .. 4) {
        my @clients = map { ask("/report?mail-$round-$_") } 1 .. 64;
        for (map { answer($_) } @clients) {
            my ($id) = /^HTTP\/1\.1 200 .*\r\n\r\n(\d{14}\.\d+)\n\z/s or next;
            $ids{$id}++;
        }
    }
    is(scalar(keys %ids), 256, 'each was told a mail-id of its own');
    is(join(' ', sort $s->ids), join(' ', sort keys %ids), 'all are in the queue, and nothing else');
    is(scalar($s->ids('tmp')), 0, 'nothing is half done');
    my ($id) = keys %ids;
    my @st = stat $s->spool . "/new/$id";
    is(sprintf('%04o %s %s', $st[2] & 07777, @st[4, 5]), "0660 $www $runner", 'written by the web server');
    is(scalar($server->lines('CONNECT')), 0, 'the web server has not been on the network');
};

subtest 'what is wrong is told to the module' => sub {
    like(answer(ask('/report?%ff')), qr/200/, 'percent signs of a query are text');
    is(scalar(() = answer(ask('/report')) =~ /^HTTP\/1\.1 200/), 1, 'no subject');
    my $before = () = $s->ids;
    $s->set('no mail from');
    like(answer(ask('/report?x')), qr/^HTTP\/1\.1 500/, 'no sender');
    like(read_file($httpd->log_file), qr/PN19901: % Error: no sender is configured/, 'with the sentence');
    is(scalar($s->ids), $before, 'nothing is queued');
    $s->set('mail from fred@example.test');
};

subtest 'the runner delivers them' => sub {
    my $count = () = $s->ids;
    my ($status, $out, $err) = $s->spawn('', '/usr/bin/setpriv', "--reuid=$runner", "--regid=$runner", '--clear-groups', $s->command('flush'));
    is($out, "$count sent, 0 waiting, 0 failed\n", 'flush') or diag $err;
    my %seen;
    /^Subject: (mail-\S+)\r$/m && $seen{$1}++ for map { $_->[1] } $server->messages;
    is(scalar(keys %seen), 256, 'each arrives');
    is(scalar(grep { $_ > 1 } values %seen), 0, 'once');
    like(($server->messages)[0][1], qr/\r\n\r\n\/report\r\n\z/, 'with its text');
};

subtest 'from another language' => sub {
    my $python = '/usr/bin/python3';
    plan skip_all => 'needs python3' unless -x $python;
    plan skip_all => 'not with the sanitizers' if $sanitized;
    my $script = $s->file('send.py', <<'PY');
import ctypes, sys
class Mail(ctypes.Structure):
    _fields_ = [("sender", ctypes.c_char_p), ("to", ctypes.POINTER(ctypes.c_char_p)), ("cc", ctypes.POINTER(ctypes.c_char_p)),
                ("bcc", ctypes.POINTER(ctypes.c_char_p)), ("subject", ctypes.c_char_p), ("text", ctypes.c_char_p),
                ("text_len", ctypes.c_size_t), ("attach", ctypes.POINTER(ctypes.c_char_p))]
to = (ctypes.c_char_p * 2)(b"bob@example.test", None)
text = b"from Python\n"
mail = Mail(to=to, subject=b"ctypes", text=text, text_len=len(text))
ident, why = ctypes.create_string_buffer(41), ctypes.create_string_buffer(1024)
rv = ctypes.CDLL(sys.argv[1]).smtpsubmit_enqueue(sys.argv[2].encode(), ctypes.byref(mail), ident, why)
print(rv, ident.value.decode(), why.value.decode())
PY
    my ($status, $out, $err) = $s->spawn('', $python, $script, $library, $s->conf);
    my ($id) = $out =~ /^0 (\d{14}\.\d+) $/ or diag $out, $err;
    like(read_file($s->spool . '/new/' . ($id // 'none')) // '', qr/\r\nSubject: ctypes\r\n.*\r\n\r\nfrom Python\r\n\z/s, 'is queued');
};

$httpd->stop;
$server->stop;
$httpd->log_ok('PN19901');
done_testing();

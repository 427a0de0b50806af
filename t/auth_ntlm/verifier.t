#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# When the verifier is down, silent, gone between two messages or talks
# rubbish: 503 within 6 s, nobody else waits, and all is well again as soon as
# it is back.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use Fcntl qw(F_SETFD);
use IO::Select;
use IO::Socket::IP;
use POSIX ();
use Time::HiRes qw(time);
use T::Ca;
use T::Dir qw(temp_dir write_file read_file);
use T::Httpd;
use T::Ntlm;
use T::Process;
use T::Samba;
use T::Wait qw(free_port until_true);

my $missing = T::Samba->missing;
plan skip_all => $missing if $missing;

my $dir = temp_dir();
my $dc  = T::Samba->new(ca => T::Ca->make("$dir"))->start;
my %alice = (user => 'alice', password => $dc->user(1)->{password}, domain => $dc->netbios);
my $address = $dc->address;
my $closed  = free_port();
# The kernel accepts connections to it; nobody ever says anything.
my $silent = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 100) or die;
my $rubbish = rubbish_server("HTTP/1.1 400 Bad Request\r\n\r\n" . 'x' x 100);
my $hasty   = rubbish_server('');

my $httpd = T::Httpd->new(modules => ['auth_ntlm'], main => <<"CONF", conf => <<"CONF2");
NTLMDomain EXAMPLE
NTLMRequireTLS Off
NTLMMaxVerifications 3
CONF
@{[ location('/dc', $address) ]}
@{[ location('/closed', "127.0.0.1:$closed", $address) ]}
@{[ location('/silent', '127.0.0.1:' . $silent->sockport, "$address:49152") ]}
@{[ location('/rubbish', "127.0.0.1:$rubbish->{port}") ]}
@{[ location('/hasty', "127.0.0.1:$hasty->{port}", "$address:49154") ]}
<Location "/silent">
NTLMTimeout 4
</Location>
CONF2
for my $place (qw(dc closed silent rubbish hasty free)) {
    mkdir $httpd->dir . "/htdocs/$place";
    write_file($httpd->dir . "/htdocs/$place/a.html", "$place\n");
}
$httpd->start;

sub location {
    my ($path, @servers) = @_;
    return "<Location \"$path\">\nAuthType NTLM\nNTLMVerifier @servers\nRequire valid-user\n</Location>\n";
}

# A server that answers each connection with $bytes and ends it.
sub rubbish_server {
    my ($bytes) = @_;
    my $socket = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 100) or die;
    my $port = $socket->sockport;
    write_file("$dir/rubbish-$port.pl", <<'PERL');
my ($fd, $bytes) = @ARGV;
open my $listen, '+<&=', $fd or die;
while (accept my $c, $listen) { sysread $c, my $in, 8192; syswrite $c, $bytes; close $c }
PERL
    fcntl $socket, F_SETFD, 0;
    my $process = T::Process->start([$^X, "$dir/rubbish-$port.pl", fileno $socket, $bytes], "$dir/rubbish.log");
    return { port => $port, process => $process };
}

sub client { return T::Ntlm->new(port => $httpd->port) }

sub login { my ($place) = @_; return client()->login("/$place/a.html", %alice)->{status} }

sub timed {
    my ($code) = @_;
    my $start = time;
    return ($code->(), time - $start);
}

sub lines { my ($number) = @_; return scalar(() = read_file($httpd->log_file) =~ /$number: /g) }

subtest 'fail-over' => sub {
    is(login('dc'), 200, 'one verifier');
    is(login('closed'), 200, 'the first one refuses connections');
    my ($status, $seconds) = timed(sub { login('silent') });
    is($status, 200, 'the first one is silent, the second one on another port');
    cmp_ok($seconds, '<', 3.9, "it has its share of the time only ($seconds s)");
    ($status, $seconds) = timed(sub { login('silent') });
    is($status, 200, 'once more');
    cmp_ok($seconds, '<', 1.9, "and is asked last then ($seconds s)");
    is(login('hasty'), 200, 'the first one ends each connection');
    is(login('rubbish'), 503, 'one that talks rubbish is as good as none');
    ok($httpd->logged("PN11012: NTLM login is not possible: 127.0.0.1:$rubbish->{port}: no little-endian DCE/RPC"),
        'as the log says');
};

subtest 'the caps' => sub {
    my @c = map { client() } 1 .. 4;
    ok($c[$_]->ask('/dc/a.html', T::Ntlm::type1())->{challenge}, "handshake $_") for 0 .. 2;
    my $answer = $c[3]->ask('/dc/a.html', T::Ntlm::type1());
    is($answer->{status}, 503, 'no fourth one in this child');
    ok($httpd->logged('(NTLMMaxVerifications)'), 'as the log says');
    is(client()->ask('/free/a.html')->{status}, 200, 'others do not notice');
    pop @c for 1 .. 2;
    ok(until_true(sub { client()->ask('/dc/a.html', T::Ntlm::type1())->{challenge} }, 10),
        'a connection that ends gives its place back');
    @c = ();
    ok(until_true(sub { login('dc') == 200 }, 10), 'and so do all');
};

subtest 'Samba hangs' => sub {
    my $waiting = client();
    my $challenge = $waiting->ask('/dc/a.html', T::Ntlm::type1())->{challenge};
    my $type3 = T::Ntlm::type3($challenge, %alice);
    kill 'STOP', -$dc->pid;
    my $other = fork // die;
    if (!$other) {
        my ($status, $seconds) = timed(sub { client()->ask('/free/a.html')->{status} });
        POSIX::_exit($status == 200 && $seconds < 3 ? 0 : 1);
    }
    my ($status, $seconds) = timed(sub { $waiting->ask('/dc/a.html', $type3)->{status} });
    is($status, 503, 'the second leg');
    cmp_ok($seconds, '<', 6, "within 6 s ($seconds s)");
    waitpid $other, 0;
    is($?, 0, 'others do not notice');
    ($status, $seconds) = timed(sub { client()->ask('/dc/a.html', T::Ntlm::type1())->{status} });
    is($status, 503, 'the first leg');
    cmp_ok($seconds, '<', 6, "within 6 s ($seconds s)");
    my @many = map { client() } 1 .. 3;
    my ($told, $all) = (0, IO::Select->new(map { $_->{socket} } @many));
    $_->send_only('/dc/a.html', T::Ntlm::type1()) for @many;
    (undef, $seconds) = timed(sub {
        while ($told < 2 && (my @ready = $all->can_read(6))) {
            $all->remove(@ready);
            $told += @ready;
        }
    });
    cmp_ok($seconds, '<', 3, "one connection waits for an answer, the others are told at once ($seconds s)");
    kill 'CONT', -$dc->pid;
    ok(until_true(sub { login('dc') == 200 }, 20), 'Samba goes on, and so do logins');
};

subtest 'Samba stops' => sub {
    my $in = client();
    is($in->login('/dc/a.html', %alice)->{status}, 200, 'somebody is in');
    my $waiting = client();
    my $challenge = $waiting->ask('/dc/a.html', T::Ntlm::type1())->{challenge};
    my $type3 = T::Ntlm::type3($challenge, %alice);
    $dc->kill;
    my $before = lines('PN11012');
    my ($status, $seconds) = timed(sub { login('dc') });
    is($status, 503, 'the first leg');
    cmp_ok($seconds, '<', 6, "within 6 s ($seconds s)");
    is($waiting->ask('/dc/a.html', $type3)->{status}, 503, 'the second leg');
    is(lines('PN11012'), $before + 2, 'each logged once');
    is($in->ask('/dc/a.html')->{status}, 200, 'who was in stays in');
    is(client()->ask('/dc/a.html')->{status}, 401, 'the offer stands');
    is(client()->ask('/free/a.html')->{status}, 200, 'others do not notice');
    $dc->start;
    is(login('dc'), 200, 'Samba is back: the next login works');
};

is($httpd->stop, 0, 'httpd ends cleanly');
$dc->stop;
$_->{process}->stop for $rubbish, $hasty;
$httpd->log_ok('PN11012');
done_testing();

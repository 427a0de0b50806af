#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Out of office through Dovecot: the script goes there by ManageSieve, Dovecot
# replies, and the user's own script goes on and comes back.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", $FindBin::Bin;
use IO::Socket::IP;
use POSIX qw(strftime);
use Test::More;
use T::Ca;
use T::Dir qw(temp_dir write_file read_file);
use T::Dovecot;
use T::Wait qw(until_true free_port);
use Ews qw(log_ok server post get_oof set_oof texts text);

plan skip_all => 'Dovecot is started by root' if $> != 0;

my $dir = temp_dir();
my $ca = T::Ca->make("$dir");
my $password = write_file("$dir/password", "master secret\n", 0600);
my $own = 'alice@example.test';
my $name = 'postern-out-of-office';
my $filters = qq(require ["fileinto", "mailbox"];\n)
    . qq(if header :contains "subject" "work" { fileinto :create "Work"; }\n);

# The certificate names 127.0.0.2; and there Dovecot insists on TLS.
my $dovecot = T::Dovecot->new(tls => $ca, addr => '127.0.0.2',
    users => { alice => 'secret-alice', bob => 'secret-bob' })->start;
my $where = 'FreeBusyOofStore managesieve://127.0.0.2:' . $dovecot->sieve_port;
my $login = "FreeBusyOofStoreLogin postern file:$password";
my $httpd = server(conf => "$where\n$login\nFreeBusyOofStoreCA $ca->{ca}");

sub at { strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + $_[0])) }

sub get { (post($httpd, 'alice', get_oof($own), path => '/ews/oof'))[1] }

sub set {
    my (undef, $xml) = post($httpd, 'alice', set_oof($own, @_),
        path => '/ews/oof');
    return text($xml, 'ResponseCode');
}

# Delivers a mail; the replies that it caused.
my $mails = 0;
sub replies_to {
    my ($from, $subject) = @_;
    my %before = map { $_ => 1 } $dovecot->sent;
    $mails++;
    $dovecot->deliver($from, $own, "From: $from\nTo: $own\nSubject: $subject\n"
        . "Message-ID: <$mails\@elsewhere.test>\n\nx\n");
    return grep { !$before{$_} } $dovecot->sent;
}

subtest 'nothing set yet' => sub {
    my $xml = get();
    is(text($xml, 'ResponseCode'), 'NoError', 'get');
    is(text($xml, 'OofState'), 'Disabled', 'disabled');
    is_deeply($dovecot->scripts('alice'), {}, 'no script is there');
};

my $html = '<html><body>Away "until" \\ ' . "\xc3\xa9\xe4\xb8\xad</body></html>";

subtest 'enabled, beside the user\'s own script' => sub {
    $dovecot->put_script('alice', 'my own', $filters);
    is(set(state => 'Enabled', internal => $html, external => "Out\nof office"),
        'NoError', 'set');
    is($dovecot->active('alice'), $name, 'our script is active');
    my $xml = get();
    is(text($xml, 'OofState'), 'Enabled', 'state');
    is_deeply([texts($xml, 'Message')], [$html, "Out\nof office"], 'messages');
    my @replies = replies_to('eve@elsewhere.test', 'work');
    is(scalar(@replies), 1, 'a stranger gets one reply');
    like($replies[0], qr/Out\r?\nof office/, 'the external one');
    like($replies[0], qr/^X-Arguments:.*eve\@elsewhere\.test/m, 'to the sender');
    is(scalar(my @a = $dovecot->mails('alice', 'Work')), 1,
        'and the user\'s filter has run');
    is(scalar(@replies = replies_to('eve@elsewhere.test', 'again')), 0,
        'no second reply to the same sender');
    is(scalar(@replies = replies_to('bob@example.test', 'hello')), 1,
        'a colleague gets one');
    like($replies[0], qr/\Q$html\E/, 'the internal one, byte for byte');
    like($replies[0], qr{^Content-Type: text/html}m, 'as HTML');
};

subtest 'changed while active' => sub {
    is(set(state => 'Scheduled', start => at(-60), end => at(3600),
        internal => 'in', external => 'changed'), 'NoError', 'set');
    is(scalar(my @r = replies_to('mallory@elsewhere.test', 'work')), 1, 'a reply');
    is(scalar(my @m = $dovecot->mails('alice', 'Work')), 2, 'filters still run');
};

subtest 'scheduled for later' => sub {
    is(set(state => 'Scheduled', start => at(3600), end => at(7200),
        internal => 'in', external => 'out'), 'NoError', 'set');
    is(scalar(my @r = replies_to('trent@elsewhere.test', 'work')), 0, 'no reply');
    is(scalar(my @m = $dovecot->mails('alice', 'Work')), 3, 'filters still run');
};

subtest 'one reply in the period, none before and none after' => sub {
    my ($from, $till) = (time + 2, time + 6);
    my $utc = sub { strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) };
    my ($filed, $sent) = (scalar(() = $dovecot->mails('alice', 'Work')), $mails);
    is(set(state => 'Scheduled', start => $utc->($from), end => $utc->($till),
        internal => 'in', external => 'short leave'), 'NoError', 'a leave of four seconds');
    SKIP: {
        skip 'the machine is too slow for that', 1 if time >= $from;
        is(scalar(my @r = replies_to('early@elsewhere.test', 'work')), 0, 'none before');
    }
    until_true(sub { time >= $from }, 10);
    my @in = map { [replies_to('oscar@elsewhere.test', 'work')] } 1 .. 3;
    SKIP: {
        skip 'the machine is too slow for that', 2 if time >= $till;
        is_deeply([map { scalar @$_ } @in], [1, 0, 0], 'exactly one, to three mails');
        like($in[0][0], qr/short leave/, 'the right one');
    }
    until_true(sub { time > $till }, 10);
    is(scalar(my @r = replies_to('late@elsewhere.test', 'work')), 0, 'none after');
    is((() = $dovecot->mails('alice', 'Work')) - $filed, $mails - $sent, 'and each mail went through the filters');
    is(text(get(), 'OofState'), 'Scheduled', 'what was set is still there to see');
};

subtest 'disabled: the user\'s own script comes back' => sub {
    is(set(state => 'Disabled', internal => 'in', external => 'out'), 'NoError',
        'set');
    is($dovecot->active('alice'), 'my own', 'it is active');
    is($dovecot->scripts('alice')->{'my own'}, $filters, 'and unchanged');
    is(text(get(), 'OofState'), 'Disabled', 'state');
    is_deeply([texts(get(), 'Message')], ['in', 'out'], 'the texts are kept');
    is(scalar(my @r = replies_to('peggy@elsewhere.test', 'x')), 0, 'no reply');
};

subtest 'the user takes over' => sub {
    is(set(state => 'Enabled', internal => 'in', external => 'out'), 'NoError',
        'enabled');
    $dovecot->put_script('alice', 'sogo', $filters);
    is(text(get(), 'OofState'), 'Disabled', 'another script is active: no absence');
    is(set(state => 'Enabled', internal => 'in', external => 'out'), 'NoError',
        'enabled again');
    like($dovecot->scripts('alice')->{$name}, qr/include :personal :optional "sogo"/,
        'now with that one');
    is(set(state => 'Disabled'), 'NoError', 'disabled');
    is($dovecot->active('alice'), 'sogo', 'it comes back');
};

subtest 'no script before, none after' => sub {
    my (undef, $xml) = post($httpd, 'bob', set_oof('bob@example.test',
        state => 'Enabled', internal => 'in'));
    is($dovecot->active('bob'), $name, 'enabled');
    post($httpd, 'bob', set_oof('bob@example.test', state => 'Disabled'));
    is($dovecot->active('bob'), undef, 'disabled: none is active');
};

subtest 'a script of our name that is not ours' => sub {
    $dovecot->put_script('alice', $name, "keep;\n");
    is(set(state => 'Enabled', internal => 'in'), 'ErrorInternalServerError', 'set');
    is($dovecot->scripts('alice')->{$name}, "keep;\n", 'it is untouched');
};

# The code of a Get with $conf as store.
sub code_with {
    my ($conf) = @_;
    my $other = server(conf => $conf);
    my (undef, $xml) = post($other, 'bob', get_oof('bob@example.test'));
    $other->stop;
    log_ok($other, 'PN14023');
    return (text($xml, 'ResponseCode'), read_file($other->log_file));
}

subtest 'what goes wrong' => sub {
    my $wrong = write_file("$dir/wrong", "another\n", 0600);
    my $silent = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 5);
    my $ca_line = "FreeBusyOofStoreCA $ca->{ca}";
    my @row = (
        ['wrong password', "$where\nFreeBusyOofStoreLogin postern file:$wrong\n$ca_line",
            qr/cannot be read: .*[Aa]uth/],
        ['no login', "$where\n$ca_line", qr/FreeBusyOofStoreLogin/],
        ['unknown CA', "$where\n$login", qr/certificate/],
        ['no server', 'FreeBusyOofStore managesieve://127.0.0.1:' . free_port()
            . "\n$login", qr/no connection/],
        ['silent server', 'FreeBusyOofStore managesieve://127.0.0.1:'
            . $silent->sockport . "\n$login\nFreeBusyTimeout 1", qr/in time/],
        ['another protocol', 'FreeBusyOofStore managesieve://127.0.0.2:'
            . $dovecot->lmtp_port . "\n$login", qr/no ManageSieve/]);
    for my $row (@row) {
        my ($what, $conf, $logged) = @$row;
        my ($code, $log) = code_with($conf);
        is($code, 'ErrorInternalServerError', "$what: the client");
        like($log, $logged, "$what: the log");
        unlike($log, qr/master secret/, "$what: without a password");
    }
};

$httpd->stop;
log_ok($httpd, qw(PN14023));
$dovecot->stop;
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Get/SetUserOofSettings over HTTP, and what Dovecot's Sieve makes of the script.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", $FindBin::Bin;
use POSIX qw(strftime);
use Test::More;
use T::Dir qw(write_file read_file);
use Ews qw(log_ok server post get_oof set_oof texts text);

my $httpd = server(conf => '');
my $dir = $httpd->dir;
my $script = "$dir/sieve/alice/out-of-office.sieve";
my $own = 'alice@example.test';

sub at { strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + $_[0])) }

sub get {
    my ($status, $xml) = post($httpd, 'alice', get_oof($_[0] // $own),
        path => '/ews/oof');
    return $xml;
}

sub set {
    my ($status, $xml) = post($httpd, 'alice', set_oof($own, @_),
        path => '/ews/oof');
    return text($xml, 'ResponseCode');
}

# What Pigeonhole says happens to a mail from $sender; $home has the user's own
# scripts.
sub judge {
    my ($sender, $home) = @_;
    my $copy = write_file("$dir/judged.sieve", read_file($script), 0644);
    my $mail = write_file("$dir/mail.eml",
        "From: $sender\nTo: $own\nSubject: hello\n\nx\n", 0644);
    my @where = $home ? ('-o', "plugin/sieve=file:$home") : ();
    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', 'sieve-test',
        qw(-o mail_uid=nobody -o mail_gid=nogroup), @where, '-r', $own, '-f',
        $sender, '-a', $own, $copy, $mail;
    local $/;
    return scalar <$out>;
}

subtest 'nothing set yet' => sub {
    my $xml = get();
    is(text($xml, 'OofState'), 'Disabled', 'disabled');
    is(text($xml, 'ExternalAudience'), 'All', 'audience');
    like(text($xml, 'StartTime'), qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'start');
    like(text($xml, 'EndTime'), qr/Z$/, 'end');
    is_deeply([texts($xml, 'Message')], ['', ''], 'two empty messages');
    is(text($xml, 'AllowExternalOof'), 'All', 'policy');
};

my $html = "\xef\xbb\xbf<html><body>Away <b>until</b> \"Friday\" \\ &amp; back "
    . "\xc3\xa9\xe4\xb8\xad</body></html>";
my $plain = "Out.\n.\n; \"\\\n\n# external reply\n}";

subtest 'scheduled' => sub {
    is(set(state => 'Scheduled', audience => 'All', start => at(-3600),
        end => at(86400), internal => $html, external => $plain), 'NoError', 'set');
    my $xml = get();
    is(text($xml, 'OofState'), 'Scheduled', 'state');
    is((texts($xml, 'Message'))[0], $html, 'internal message, byte for byte');
    is((texts($xml, 'Message'))[1], $plain, 'external message, byte for byte');
    like(read_file($script), qr/Away <b>until/, 'a person can read the script');
    is(system('sievec', $script, "$dir/x.svbin"), 0, 'sievec compiles it');
    my $inside = judge('bob@example.test');
    like($inside, qr/send vacation message/, 'a colleague gets a reply');
    like($inside, qr/\Q$html\E/, 'the internal one');
    like(judge('bob@example.org'), qr/\Q$html\E/, 'also by a second domain');
    my $outside = judge('eve@elsewhere.test');
    like($outside, qr/Out\.\r?\n\.\r?\n; "\\/, 'a stranger gets the external one');
    unlike($outside, qr/until/, 'and not the other');
};

subtest 'outside the period' => sub {
    is(set(state => 'Scheduled', start => at(600), end => at(86400),
        internal => 'in', external => 'out'), 'NoError', 'begins in ten minutes');
    unlike(judge('bob@example.test'), qr/vacation/, 'no reply before');
    my $text = read_file($script);
    my ($soon, $past) = map { strftime('%Y-%m-%dT%H:%M:%S', gmtime(time + $_)) }
        -7200, -60;
    $text =~ s/("ge" "iso8601" )"[^"]*"/$1"$soon"/;
    $text =~ s/("lt" "iso8601" )"[^"]*"/$1"$past"/;
    write_file($script, $text);
    unlike(judge('bob@example.test'), qr/vacation/, 'no reply after');
};

subtest 'audiences' => sub {
    for my $row ([All => 1], [Known => 0], [None => 0]) {
        my ($audience, $reply) = @$row;
        is(set(state => 'Enabled', audience => $audience, internal => 'in',
            external => 'out'), 'NoError', "$audience: set");
        is(text(get(), 'ExternalAudience'), $audience, "$audience: kept");
        is(judge('eve@elsewhere.test') =~ /send vacation/ ? 1 : 0, $reply,
            "$audience: a stranger");
        like(judge('bob@example.test'), qr/send vacation/, "$audience: a colleague");
    }
};

subtest 'disabled keeps the texts' => sub {
    is(set(state => 'Enabled', internal => 'in 1', external => 'out 1'),
        'NoError', 'enabled');
    is(set(state => 'Disabled'), 'NoError', 'disabled, without texts');
    my $xml = get();
    is(text($xml, 'OofState'), 'Disabled', 'state');
    is_deeply([texts($xml, 'Message')], ['in 1', 'out 1'], 'texts');
    unlike(judge('bob@example.test'), qr/vacation/, 'no reply');
};

subtest 'settings that make no sense' => sub {
    my $before = read_file($script);
    my %period = (start => at(60), end => at(120));
    my @row = (
        ['ErrorInvalidScheduledOofDuration', state => 'Scheduled', internal => 'x'],
        ['ErrorInvalidScheduledOofDuration', state => 'Scheduled', internal => 'x',
            start => at(120), end => at(60)],
        ['ErrorInvalidScheduledOofDuration', state => 'Scheduled', internal => 'x',
            start => at(-120), end => at(-60)],
        ['ErrorInvalidScheduledOofDuration', state => 'Scheduled', internal => 'x',
            start => '2026-02-30T00:00:00Z', end => at(60)],
        ['ErrorInvalidUserOofSettings', state => 'Sleepy', internal => 'x'],
        ['ErrorInvalidUserOofSettings', state => 'Enabled', audience => 'Friends',
            internal => 'x'],
        ['ErrorInvalidUserOofSettings', state => 'Enabled',
            internal => 'x' x 140000]);
    for my $row (@row) {
        my ($code, @settings) = @$row;
        is(set(@settings), $code, "$code: @settings[0..1]");
    }
    is(read_file($script), $before, 'nothing was written');
};

subtest 'foreign mailboxes' => sub {
    for my $address ('bob@example.test', 'nobody@example.test', 'x', '*@*') {
        my $xml = get($address);
        is(text($xml, 'ResponseCode'), 'ErrorAccessDenied', "$address: get");
        my (undef, $set) = post($httpd, 'alice', set_oof($address,
            state => 'Enabled', internal => 'x'), path => '/ews/oof');
        is(text($set, 'ResponseCode'), 'ErrorAccessDenied', "$address: set");
    }
    ok(!-e "$dir/sieve/bob/out-of-office.sieve", 'nothing was written');
    is(text(get('alice.second@example.org'), 'ResponseCode'), 'NoError',
        'a second address is one\'s own');
};

subtest 'a file that is not ours' => sub {
    my $theirs = "require \"fileinto\";\nfileinto \"Work\";\n";
    write_file($script, $theirs);
    chmod 0666, $script;
    is(text(get(), 'ResponseCode'), 'ErrorInternalServerError', 'get');
    is(set(state => 'Enabled', internal => 'x'), 'ErrorInternalServerError', 'set');
    is(read_file($script), $theirs, 'it is untouched');
    unlink $script;
    symlink '/etc/passwd', $script;
    is(text(get(), 'ResponseCode'), 'ErrorInternalServerError', 'a link: get');
    is(set(state => 'Enabled', internal => 'x'), 'ErrorInternalServerError',
        'a link: set');
    unlink $script;
};

subtest 'the folder is missing' => sub {
    rename "$dir/sieve/alice", "$dir/sieve/gone";
    is(set(state => 'Enabled', internal => 'x'), 'ErrorInternalServerError', 'set');
    rename "$dir/sieve/gone", "$dir/sieve/alice";
    is(set(state => 'Enabled', internal => 'x'), 'NoError', 'and back again');
    is_deeply([grep { !/^\.\.?$/ } do { opendir my $d, "$dir/sieve/alice"; readdir $d }],
        ['out-of-office.sieve'], 'nothing is left beside it');
};

subtest 'policy, domains and the user\'s own script' => sub {
    my $other = server(conf => "FreeBusyOofExternal None\nFreeBusyOofInclude sogo\n"
        . 'FreeBusyOofDomain corp.test');
    (undef, my $xml) = post($other, 'alice', set_oof($own, state => 'Enabled',
        internal => 'in', external => 'out'));
    is(text($xml, 'ResponseCode'), 'NoError', 'set');
    (undef, $xml) = post($other, 'alice', get_oof($own));
    is(text($xml, 'ExternalAudience'), 'None', 'not more than the policy');
    is(text($xml, 'AllowExternalOof'), 'None', 'which is told');
    my $home = $other->dir . '/home';
    mkdir $home;
    write_file("$home/sogo.sieve", "require \"fileinto\";\nfileinto \"Work\";\n");
    $script = $other->dir . '/sieve/alice/out-of-office.sieve';
    my $done = judge('bob@corp.test', $home);
    like($done, qr/send vacation/, 'the reply goes out');
    like($done, qr/store message in folder: Work/, 'and the user\'s filter runs');
    $other->stop;
    log_ok($other);
};

$httpd->stop;
log_ok($httpd, qw(PN14021 PN14023 PN14025));
done_testing();

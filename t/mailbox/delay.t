#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Wrong passwords slow down: whom, where, for how long, and what the status
# page tells of it.

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use lib 't/lib';
use T::Curl;
use T::Dir qw(temp_dir write_file read_file);
use T::Httpd;
use T::Wait qw(until_true);

my $dir = temp_dir();
write_file("$dir/mailboxes", join("\n", map { ("user: $_", 'password: {SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=',
    "mail: $_\@example.test", '') } qw(alice bob carol)), 0644);
write_file("$dir/users", "dora:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n", 0644);

my $login = "AuthType Basic\nAuthName Mail\nRequire valid-user";
my @conf  = (
    load => [qw(ldap authn_socache status remoteip)],
    main => <<"CONF", conf => <<"LOCATIONS");
MailboxFile $dir/mailboxes
MailboxDomain EXAMPLE
RemoteIPHeader X-Client
RemoteIPTrustedProxy 127.0.0.1
AuthnCacheSOCache shmcb
ErrorDocument 404 "none"
CONF
<Location "/in">
    $login
    AuthBasicProvider mailbox
    MailboxLoginDelay 300 3 8
</Location>
<Location "/in/document">
    ErrorDocument 401 /sorry
</Location>
<Location "/in/only-bob">
    Require user bob
</Location>
<Location "/cached">
    $login
    AuthBasicProvider socache mailbox
    AuthnCacheProvideFor mailbox
    MailboxLoginDelay 300 3 8
</Location>
<Location "/other">
    $login
    AuthBasicProvider file
    AuthUserFile $dir/users
    MailboxLoginDelay 300 3 8
</Location>
<Location "/free">
    $login
    AuthBasicProvider mailbox
    MailboxLoginDelay Off
</Location>
<Location "/status">
    SetHandler server-status
</Location>
LOCATIONS
my $httpd = T::Httpd->new(modules => ['mailbox'], @conf)->start;
my $curl = T::Curl->new(base => $httpd->url);

# Status of a login from an address.
my $guess = 0;
sub login {
    my ($from, $user, $password, $path) = @_;
    return $curl->get($path // '/in/x', user => "$user:$password", options => ['-H', "X-Client: $from"]);
}
sub status { return login(@_)->{status} }
# A failure is counted when its request is logged, just after the answer.
sub counters { return map { /^Mailbox(\w+): (\d+)$/m ? ($1 => $2) : () } split /\n/, $curl->get('/status?auto')->{body} }
sub counted { my ($n) = @_; my %c; return until_true(sub { %c = counters(); $c{LoginsFailed} >= $n }, 5) }
my $failures = 0;
sub wrong {
    my ($from, $user, $path) = @_;
    my $answer = login($from, $user, 'wrong' . ++$guess, $path);
    counted(++$failures) if $answer->{status} == 401;
    return $answer;
}

subtest 'a user at an address' => sub {
    is(wrong('192.0.2.1', 'alice')->{status}, 401, "wrong password $_") for 1 .. 4;
    my $answer = login('192.0.2.1', 'alice', 'secret');
    is($answer->{status}, 503, 'then not even the right one is looked at');
    like($answer->{headers}{'retry-after'}, qr/^[1-9]$/, 'Retry-After says how long');
    is($answer->{headers}{'www-authenticate'}, undef, 'nobody is asked for a password');
    is(status('192.0.2.1', $_, 'secret'), 503, "also as $_") for 'ALICE', 'EXAMPLE\\alice', ' alice';
    is(status('192.0.2.2', 'alice', 'secret'), 404, 'she logs in from elsewhere');
    is(status('192.0.2.1', 'bob', 'secret'), 404, 'and somebody else from there');
    is(status('192.0.2.1', 'alice', 'secret', '/free/x'), 404, 'and where nothing is delayed');
    ok($httpd->logged(qr/PN10063: .* last of "alice"/), 'the log tells');
    ok(until_true(sub { status('192.0.2.1', 'alice', 'secret') == 404 }, 5), 'after the wait she is in');
    is(wrong('192.0.2.1', 'alice')->{status}, 401, 'counted anew') for 1 .. 3;
    is(status('192.0.2.1', 'alice', 'secret'), 404, 'three are free again');
};

subtest 'nobody waits in a thread' => sub {
    wrong('192.0.2.3', 'alice') for 1 .. 6;
    my $before = time;
    is(status('192.0.2.3', 'alice', 'x'), 503, 'held');
    cmp_ok(time - $before, '<', 1, 'told at once');
};

subtest 'an old password kept by a program' => sub {
    is(status('192.0.2.4', 'alice', 'last year'), 401, 'refused') for 1 .. 20;
    $failures += 20;
    counted($failures);
    is(status('192.0.2.4', 'alice', 'secret'), 404, 'does not lock her out');
};

subtest 'an address that tries many names' => sub {
    is(status('192.0.2.5', 'carol', 'secret'), 404, 'carol works there');
    is(wrong('192.0.2.5', "user$_")->{status}, 401, "user $_") for 1 .. 9;
    is(status('192.0.2.5', 'alice', 'secret'), 503, 'strangers wait');
    is(status('192.0.2.5', 'carol', 'secret'), 404, 'who was right there before does not');
    is(status('192.0.2.6', 'alice', 'secret'), 404, 'nor others elsewhere');
};

subtest 'IPv6' => sub {
    wrong("2001:db8:0:1::$_", "alice") for 1 .. 4;
    is(status('2001:db8:0:1:ffff::9', 'alice', 'secret'), 503, 'one network of 64 bits');
    is(status('2001:db8:0:2::1', 'alice', 'secret'), 404, 'another one');
};

subtest 'whoever checks the password' => sub {
    is(status('192.0.2.7', 'alice', 'secret', '/cached/x'), 404, 'into the cache');
    is(wrong('192.0.2.8', 'alice', '/cached/x')->{status}, 401, 'refused by mod_authn_socache') for 1 .. 4;
    is(status('192.0.2.8', 'alice', 'secret', '/cached/x'), 503, 'and counted');
    is(wrong('192.0.2.8', 'dora', '/other/x')->{status}, 401, 'refused by mod_authn_file') for 1 .. 4;
    is(status('192.0.2.8', 'dora', 'secret', '/other/x'), 503, 'and counted');
    is(wrong('192.0.2.9', 'alice', '/in/document')->{status}, 401, 'with an ErrorDocument') for 1 .. 4;
    is(status('192.0.2.9', 'alice', 'secret'), 503, 'counted');
};

subtest 'what is no wrong password' => sub {
    is(status('192.0.2.10', 'alice', 'secret', '/in/only-bob'), 401, 'not allowed here') for 1 .. 6;
    is($curl->get('/in/x', options => ['-H', 'X-Client: 192.0.2.10'])->{status}, 401, 'no login') for 1 .. 6;
    is(status('192.0.2.10', 'alice', 'secret'), 404, 'alice may');
};

subtest 'strange headers' => sub {
    my %header = (
        'basic YWxpY2U6eA==' => 'lower case', "Basic \t YWxpY2U6eQ==" => 'blanks',
        'Basic YWxpY2U6eg' => 'no padding', 'BASIC YWxpY2U6dw==' => 'upper case');
    for my $header (sort keys %header) {
        is($curl->get('/in/x', options => ['-H', "Authorization: $header", '-H', 'X-Client: 192.0.2.11'])->{status},
            401, $header{$header});
        counted(++$failures);
    }
    is(status('192.0.2.11', 'alice', 'secret'), 503, 'each counts for alice');
    is($curl->get('/in/x', options => ['-H', "Authorization: $_"])->{status}, 401, "\"$_\"")
        for 'Basic', 'Basic ', 'Basic !!!', 'Basic Og==', 'Basic ' . 'QUFB' x 1500;
    $failures += 5;
    ok(counted($failures), 'and counts for its address');
};

subtest 'a graceful restart' => sub {
    ok(until_true(sub { wrong('192.0.2.12', 'alice')->{status} == 401 }, 10), "failure $_") for 1 .. 7;
    my %before = counters();
    ok($httpd->reload, 'restarted');
    is(status('192.0.2.12', 'alice', 'secret'), 503, 'forgets nothing');
    my %after = counters();
    is($after{LoginsFailed}, $before{LoginsFailed}, 'and goes on counting');
};

subtest 'the status page' => sub {
    my %n = counters();
    is($n{LoginsFailed}, $failures, 'failures');
    is($n{LoginsRepeated}, 19 + 3, 'repeated ones, those without name and password too');
    cmp_ok($n{LoginsHeld}, '>=', 10, 'tries that were held');
    cmp_ok($n{DelayedUsers}, '>=', 1, 'who waits');
    cmp_ok($n{DelayCapacity}, '>', $n{DelayEntries}, 'room');
    my $page = $curl->get('/status')->{body};
    like($page, qr{<h2>Failed logins \(mod_mailbox\)</h2>}, 'as a page');
    unlike($page . $curl->get('/status?auto')->{body}, qr/wrong\d|secret/, 'no password in it');
};
unlike(read_file($httpd->log_file), qr/wrong\d|secret|last year/, 'no password in the log');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(PN10063 AH01617 AH01618 AH01631 AH01614));

for my $mpm (qw(worker prefork)) {
    my $other = T::Httpd->new(modules => ['mailbox'], @conf, mpm => $mpm)->start;
    my $there = T::Curl->new(base => $other->url);
    is($there->get('/in/x', user => "alice:$_")->{status}, 401, "$mpm: $_") for 1 .. 4;
    ok(until_true(sub { $there->get('/in/x', user => 'alice:secret')->{status} == 503 }, 5), "$mpm: held")
        or diag($there->get('/status?auto')->{body});
    $other->stop;
    $other->log_ok(qw(PN10063 AH01617));
}

subtest 'directive' => sub {
    for my $row ('0', '3601', 'On', 'x 5', '300 0', '300 5 0', '300 5 x', 'Off 5', '300 5 100001') {
        my $try = T::Httpd->new(modules => ['mailbox'], load => ['ldap'], main => "MailboxLoginDelay $row");
        my ($passed, $out) = $try->configtest;
        ok(!$passed && $out =~ /MailboxLoginDelay: write Off, or/, "MailboxLoginDelay $row") or diag $out;
    }
};

done_testing();

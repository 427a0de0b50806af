#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# NTLM message by message against a Samba domain controller: what belongs to
# one TCP connection stays there, and every trick is refused and logged once.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Dir qw(temp_dir write_file read_file);
use T::Httpd;
use T::Ntlm;
use T::Samba;

my $missing = T::Samba->missing;
plan skip_all => $missing if $missing;

my $dir = temp_dir();
my $dc  = T::Samba->new(ca => T::Ca->make("$dir"))->start;
my %alice = (user => 'alice', password => $dc->user(1)->{password}, domain => $dc->netbios);
my %bob   = (user => 'bob',   password => $dc->user(2)->{password}, domain => $dc->netbios);

my $location = <<"CONF";
AuthType NTLM
NTLMVerifier @{[ $dc->address ]}
Require valid-user
CONF
my $main = <<'CONF';
LimitRequestFieldSize 131072
MaxKeepAliveRequests 0
NTLMDomain EXAMPLE example.test
NTLMRequireTLS Off
Header always set X-User expr=%{REMOTE_USER}
CONF
my $httpd = T::Httpd->new(modules => ['auth_ntlm'], load => [qw(headers dir)], conf => <<"CONF");
<Location "/">
$location
</Location>
<Location "/other">
$location
</Location>
<Location "/realm">
AuthName Other
</Location>
<Location "/errors">
ErrorDocument 401 /errors/401.html
</Location>
CONF
# A second virtual host on the same port, reached by its name.
$httpd->configure(main => $main, conf => "$httpd->{conf}</VirtualHost>\n"
    . "<VirtualHost *:$httpd->{port}>\nServerName second.test\n<Location \"/\">\n$location</Location>\n");
mkdir $httpd->dir . "/htdocs/$_" for qw(other realm errors);
write_file($httpd->dir . "/htdocs/$_", "$_\n")
    for qw(index.html a.html other/a.html realm/a.html errors/401.html);
$httpd->start;

my $refused = 0;    # how many lines of PN11011 there should be by now

sub client { return T::Ntlm->new(port => $httpd->port, @_) }

sub refused_lines { return scalar(() = read_file($httpd->log_file) =~ /PN11011: /g) }

# The answer is 401, with the honest list, and exactly one more line is logged.
sub is_refused {
    my ($answer, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $refused++;
    is("$answer->{status} @{$answer->{offers}}", '401 NTLM', $name);
    is(refused_lines(), $refused, 'logged once');
    $refused = refused_lines();
}

sub is_offered {
    my ($answer, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is("$answer->{status} @{$answer->{offers}}", '401 NTLM', $name);
}

sub is_admitted {
    my ($answer, $name, $user) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is("$answer->{status} " . ($answer->{headers}{'x-user'} // ''), '200 ' . ($user // 'EXAMPLE\\alice'), $name);
}

subtest 'a login and what follows' => sub {
    my $c = client();
    is_offered($c->ask('/a.html'), 'without a header');
    my $answer = $c->ask('/a.html', T::Ntlm::type1());
    is("$answer->{status} " . @{ $answer->{offers} }, '401 1', 'the challenge comes alone');
    ok(!$answer->{close}, 'and keeps the connection');
    is_admitted($c->ask('/a.html', T::Ntlm::type3($answer->{challenge}, %alice)), 'type 3');
    is_admitted($c->ask('/a.html'), 'the next request needs no header') for 1 .. 3;
    is_admitted($c->ask('/'), 'nor one that becomes a subrequest');
    is_admitted($c->login('/', %bob), 'another user on the same connection', 'EXAMPLE\\bob');
    is_admitted($c->ask('/a.html'), 'is who he is from then on', 'EXAMPLE\\bob');
    is_admitted(client()->login('/', %alice), 'type 3 on a request with subrequests');
    is_offered(client()->ask('/a.html'), 'another connection is nobody');
};

subtest 'type 1 of 32 bytes' => sub {
    my $c = client();
    my $answer = $c->ask('/a.html', T::Ntlm::type1(short => 1));
    is_admitted($c->ask('/a.html', T::Ntlm::type3($answer->{challenge}, %alice)), 'logs in');
};

subtest 'names' => sub {
    is_admitted(client()->login('/a.html', %alice, user => 'ALICE', domain => 'example.test'),
        'DNS name and capital letters');
    is_admitted(client()->login('/a.html', %alice, domain => ''), 'no domain');
    is_admitted(client()->login('/a.html', %alice, user => 'Alice@Example.Test', domain => ''),
        'principal name', 'alice@example.test');
    is_refused(client()->login('/a.html', %alice, domain => 'WRONG'), 'a wrong domain');
    is_refused(client()->login('/a.html', %alice, user => 'alice '), 'a blank at the end');
    is_refused(client()->login('/a.html', %alice, user => 'alice@example.test'), 'domain and principal name');
};

subtest 'no login' => sub {
    is_refused(client()->login('/a.html', %alice, password => 'wrong'), 'wrong password');
    is_refused(client()->login('/a.html', %alice, user => 'nobody'), 'unknown user');
    is_refused(client()->login('/a.html', %alice, user => ''), 'empty user');
    is_refused(client()->login('/a.html', %alice, password => ''), 'empty password');
    is_refused(client()->login('/a.html', user => '', password => '', domain => ''), 'anonymous');
};

subtest 'accounts that may not log in' => sub {
    my $change = sub {
        my ($name, $attribute, $value) = @_;
        write_file("$dir/change.ldif", "dn: CN=$name Example,CN=Users," . $dc->base
            . "\nchangetype: modify\nreplace: $attribute\n$attribute: $value\n");
        my $out = `ldbmodify -H $dc->{dir}/private/sam.ldb $dir/change.ldif 2>&1`;
        die $out if $?;
    };
    my %carol = (user => 'carol', password => $dc->user(3)->{password}, domain => $dc->netbios);
    is_admitted(client()->login('/a.html', %carol), 'carol at first', 'EXAMPLE\\carol');
    $change->('Carol', userAccountControl => 514);
    is_refused(client()->login('/a.html', %carol), 'disabled');
    $change->('Carol', userAccountControl => 512);
    $change->('Carol', pwdLastSet => 0);
    is_refused(client()->login('/a.html', %carol), 'the password must be changed');
    $change->('Carol', pwdLastSet => -1);
    $change->('Carol', accountExpires => 116444736000000000);
    is_refused(client()->login('/a.html', %carol), 'the account has expired');
    $change->('Carol', accountExpires => 0);
    $dc->age_password($dc->user(3));
    is_refused(client()->login('/a.html', %carol), 'the password has expired');
    $change->('Carol', pwdLastSet => $_) for 0, -1;
    is_admitted(client()->login('/a.html', %carol), 'all is well again', 'EXAMPLE\\carol');
};

subtest 'the challenge alone lets nobody in' => sub {
    my $c = client();
    ok($c->ask('/a.html', T::Ntlm::type1())->{challenge}, 'challenged');
    is_offered($c->ask('/a.html'), 'no header after it');
    my $cookie = client(headers => ['Cookie: oc-ntlm-auth=7d8f3c5e-4b0a-4d7e-9d0f-0c6b7d1c2a11']);
    my $answer = $cookie->ask('/a.html', T::Ntlm::type1());
    ok(!exists $answer->{headers}{'set-cookie'}, 'no cookie is handed out');
    is_offered(client(headers => $cookie->{headers})->ask('/a.html'),
        'a cookie on another connection is nothing');
    is_admitted($cookie->ask('/a.html', T::Ntlm::type3($answer->{challenge}, %alice)), 'the first one goes on');
    is_offered(client(headers => $cookie->{headers})->ask('/a.html'), 'nor after the login');
};

subtest 'type 3 out of turn' => sub {
    my $first = client();
    my $answer = $first->ask('/a.html', T::Ntlm::type1());
    my $type3 = T::Ntlm::type3($answer->{challenge}, %alice);
    is_refused(client()->ask('/a.html', $type3), 'without a type 1');
    my $second = client();
    $second->ask('/a.html', T::Ntlm::type1());
    is_refused($second->ask('/a.html', $type3), 'on another connection');
    is_admitted($first->ask('/a.html', $type3), 'on its own');
    is_refused($first->ask('/a.html', $type3), 'twice');
    is_offered($first->ask('/a.html'), 'which ends the login');
    $first->ask('/a.html', T::Ntlm::type1());
    is_refused($first->ask('/a.html', $type3), 'replayed to a new challenge');
    is_offered($first->ask('/a.html'), 'and nobody is in');
};

subtest 'two handshakes interleaved' => sub {
    my @c = map { client() } 1, 2;
    my @answers = map { $_->ask('/a.html', T::Ntlm::type1()) } @c;
    my @type3 = (T::Ntlm::type3($answers[0]{challenge}, %alice), T::Ntlm::type3($answers[1]{challenge}, %bob));
    is_refused($c[0]->ask('/a.html', $type3[1]), 'the answer of the second on the first');
    is_refused($c[1]->ask('/a.html', $type3[0]), 'and the other way round');
    @answers = map { $_->ask('/a.html', T::Ntlm::type1()) } @c;
    @type3 = (T::Ntlm::type3($answers[0]{challenge}, %alice), T::Ntlm::type3($answers[1]{challenge}, %bob));
    is_admitted($c[1]->ask('/a.html', $type3[1]), 'each on its own', 'EXAMPLE\\bob');
    is_admitted($c[0]->ask('/a.html', $type3[0]), 'each on its own');
    is_admitted($c[1]->ask('/a.html'), 'and they stay apart', 'EXAMPLE\\bob');
};

subtest 'a new type 1 starts over' => sub {
    my $c = client();
    my @answers = map { $c->ask('/a.html', T::Ntlm::type1()) } 1, 2;
    isnt($answers[0]{challenge}, $answers[1]{challenge}, 'a new challenge');
    is_admitted($c->ask('/a.html', T::Ntlm::type3($answers[1]{challenge}, %alice)), 'the last one counts');
    my $answer = $c->ask('/a.html', T::Ntlm::type1());
    is_offered($c->ask('/a.html'), 'a type 1 ends the login before it');
    @answers = map { $c->ask('/a.html', T::Ntlm::type1()) } 1, 2;
    is_refused($c->ask('/a.html', T::Ntlm::type3($answers[0]{challenge}, %alice)), 'the one before does not');
};

subtest 'a message that says two things' => sub {
    my $login = sub {
        my ($change, %type1) = @_;
        my $c = client();
        my $answer = $c->ask('/a.html', T::Ntlm::type1(%type1));
        return $c->ask('/a.html', $change->(T::Ntlm::type3($answer->{challenge}, %alice)));
    };
    is_refused($login->(sub { T::Ntlm::with_flags($_[0], 0x800) }), 'alice, and anonymous');
    is_refused($login->(sub { T::Ntlm::field($_[0], 1, '') }), 'alice, without NT response');
    is_refused($login->(sub { T::Ntlm::field($_[0], 3, "a\0l\0i\0c\0e\0\0\0x\0") }), 'a NUL in the name');
    is_refused($login->(sub { T::Ntlm::with_flags($_[0], 0, 1) }), 'OEM after Unicode was agreed');
    is_refused($login->(sub { $_[0] }, flags => 0x00088206), 'Unicode after OEM was agreed');
    is_refused($login->(sub { T::Ntlm::field($_[0], 3, "b\0o\0b\0") }), 'the name of somebody else');
};

subtest 'rubbish' => sub {
    my $c = client();
    is_refused($c->ask('/a.html', "NTLMSSP\0\2\0\0\0" . "\0" x 40), 'a type 2 from a client');
    is_refused($c->ask('/a.html', "NTLMSSP\0\4\0\0\0" . "\0" x 40), 'a type 4');
    is_refused($c->ask('/a.html', \'NTLM'), 'no token');
    is_refused($c->ask('/a.html', \'NTLM ****'), 'no base64');
    is_refused($c->ask('/a.html', T::Ntlm::type1() . "\0" x 65536), '64 KiB');
    is_refused($c->ask('/a.html', 'A' x 65536), '64 KiB of nothing');
    my $longest = T::Ntlm::type1() . "\0" x (5744 - 40);
    ok($c->ask('/a.html', $longest)->{challenge}, 'the longest type 1 that is let through');
    my $answer = $c->ask('/a.html', T::Ntlm::type1());
    my $type3 = T::Ntlm::type3($answer->{challenge}, %alice);
    is_admitted($c->ask('/a.html', $type3 . "\0" x (5744 - length $type3)), 'and the longest type 3');
    is_refused($c->ask('/a.html', "$longest\0"), 'one byte more');
    is_admitted($c->login('/a.html', %alice), 'and the connection still works');
    is_offered($c->ask('/a.html', \'Negotiate TlRMTVNTUAABAAAA'), 'a scheme that is not offered');
    is_offered($c->ask('/a.html', \'Basic YWxpY2U6U2VjcmV0LWFsaWNlMQ=='), 'Basic neither');
    is_admitted($c->ask('/a.html'), 'but the login stays');
    is_refused($c->ask('/a.html', 'x'), 'rubbish');
    is_offered($c->ask('/a.html'), 'ends the login');
};

subtest 'cut off at every byte' => sub {
    my $c = client();
    my ($ok, $type1) = (0, T::Ntlm::type1());
    for my $len (1 .. 31) {
        $ok += $c->ask('/a.html', substr $type1, 0, $len)->{status} == 401;
    }
    is($ok, 31, 'type 1');
    my $length = 0;
    $ok = 0;
    for (my $len = 12; !$length || $len < $length; $len++) {
        my $d = client();
        my $answer = $d->ask('/a.html', $type1);
        my $type3 = T::Ntlm::type3($answer->{challenge}, %alice);
        $length = length $type3;
        $ok += $d->ask('/a.html', substr $type3, 0, $len)->{status} == 401;
    }
    is($ok, $length - 12, "type 3 of $length bytes");
    $refused += 31 + $length - 12;
    is(refused_lines(), $refused, 'each logged once');
};

subtest 'one place does not open another' => sub {
    my $c = client();
    is_admitted($c->login('/a.html', %alice), 'logged in');
    is_offered($c->ask('/other/a.html'), 'not where other verifiers are set');
    is_offered($c->ask('/realm/a.html'), 'nor under another AuthName');
    is_offered($c->ask('/a.html', undef, host_header => 'second.test'), 'nor on another virtual host');
    is_admitted($c->ask('/a.html'), 'and here all is as before');
    my $answer = $c->ask('/a.html', T::Ntlm::type1());
    is_refused($c->ask('/other/a.html', T::Ntlm::type3($answer->{challenge}, %alice)),
        'a type 3 elsewhere');
};

subtest 'too many attempts' => sub {
    my $c = client();
    ok($c->ask('/a.html', T::Ntlm::type1())->{challenge}, "handshake $_") for 1 .. 5;
    my $answer = $c->ask('/a.html', T::Ntlm::type1());
    is("$answer->{status} @{$answer->{offers}}", '401 NTLM', 'one more is refused');
    ok($answer->{close} && $c->ended, 'and the connection closed');
    ok($httpd->logged('PN11013'), 'and logged');
};

subtest 'bodies' => sub {
    my $c = client(method => 'POST', headers => ['Expect: 100-continue']);
    my $answer = $c->ask('/a.html', T::Ntlm::type1(), body => 'x' x 1000);
    ok($answer->{challenge} && !$answer->{close}, 'a small body keeps the connection, Expect or not');
    is($c->ask('/a.html', T::Ntlm::type3($answer->{challenge}, %alice), body => 'x' x 1000)->{headers}{'x-user'},
        'EXAMPLE\\alice', 'and the login goes on');
    $c = client(method => 'POST', headers => ['Expect: 100-continue']);
    $answer = $c->ask('/a.html', T::Ntlm::type1(), body => '');
    ok($answer->{challenge} && !$answer->{close}, 'an empty body too');
};

subtest 'error pages' => sub {
    my $c = client();
    my $answer = $c->ask('/errors/a.html', T::Ntlm::type1());
    ok($answer->{challenge} && @{ $answer->{offers} } == 1, 'a page under the same login adds no scheme');
    is($c->ask('/errors/a.html', T::Ntlm::type3($answer->{challenge}, %alice))->{status}, 404, 'login');
    is_offered(client()->ask('/errors/a.html'), 'and without a header');
};

my $pending = client();
ok($pending->ask('/a.html', T::Ntlm::type1())->{challenge}, 'httpd stops while a handshake is open');
is(refused_lines(), $refused, 'nothing else was refused');
is($httpd->stop, 0, 'httpd ends cleanly');
$dc->stop;
$httpd->log_ok(qw(PN11011 PN11013));
done_testing();

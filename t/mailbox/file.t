#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# The file source: every kind of hash, made by the programs that admins use;
# reading again after a change, and keeping what was right.

use strict;
use warnings;
use Digest::SHA qw(sha1);
use MIME::Base64 qw(encode_base64);
use Test::More;
use lib 't/lib';
use T::Curl;
use T::Dir qw(temp_dir write_file);
use T::Httpd;
use T::Wait qw(until_true);

my $dir = temp_dir();
my $n   = 0;

# The hash that htpasswd(1) writes.
sub htpasswd {
    my ($how, $password) = @_;
    my $line = `htpasswd -nb $how user '$password'`;
    return $line =~ /^user:(\S+)/ ? $1 : die "htpasswd $how\n";
}

sub ssha { my ($password, $salt) = @_; '{SSHA}' . encode_base64(sha1($password . $salt) . $salt, '') }

# Puts a new file in the place of the old one.
sub put {
    my ($text) = @_;
    write_file("$dir/new", $text, 0644);
    rename "$dir/new", "$dir/mailboxes" or die "$dir/mailboxes: $!\n";
}

my %hash = (
    bcrypt => htpasswd('-B -C 5', 'Geheim-1'),
    apr1   => htpasswd('-m', 'Geheim-1'),
    sha    => htpasswd('-s', 'Geheim-1'),
    ssha   => ssha('Geheim-1', "salz\0\xff"),
    ssha0  => ssha('Geheim-1', ''),
    sha256 => crypt('Geheim-1', '$5$saltsalt$'),
    sha512 => crypt('Geheim-1', '$6$rounds=1000$saltsalt$'));
my $hashes = join "\n", map { "user: $_\npassword: $hash{$_}\n" } sort keys %hash;

my $file = <<"FILE";
# The people

user: alice
mail: alice\@example.test
alias: a.smith\@example.test
name: Alice Ä. Smith
legacydn: /o=Example/ou=Site/cn=Recipients/cn=alice
guid: {0B7F1D5E-6a0c-4a86-9a53-2f5f1c6a7d11}
password: $hash{bcrypt}

# no password: logs in otherwise
user: Bob
mail: bob\@example.test

user: dave
password: $hash{sha}

$hashes
FILE
put($file);

my $httpd = T::Httpd->new(
    modules => ['mailbox'],
    load    => ['headers'],
    main    => "MailboxFile $dir/mailboxes\nMailboxDomain EXAMPLE example.test\n",
    conf    => <<'LOCATIONS')->start;
<Location "/private">
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    Require valid-user
    MailboxEnv On
    Header always set X-Mail "%{MAILBOX_MAIL}e"
    Header always set X-User "%{MAILBOX_USER}e"
</Location>
<Location "/lookup">
    SetHandler mailbox-lookup
</Location>
LOCATIONS
write_file($httpd->dir . '/htdocs/private', "in\n");
my $curl = T::Curl->new(base => $httpd->url);

sub login { $curl->get('/private', user => "$_[0]:$_[1]")->{status} }
sub look { $curl->get("/lookup?$_[0]") }

# --- hashes ---

for my $kind (sort keys %hash) {
    is(login($kind, 'Geheim-1'), 200, "$kind: the right password");
    is(login($kind, $_), 401, "$kind: '$_' is wrong") for 'Geheim-2', 'geheim-1', 'Geheim-', '', $hash{$kind};
}
is(login('bob', ''), 401, 'no password in the file: the empty one is wrong');
is(login('bob', 'x'), 401, 'no password in the file: any is wrong');

# --- names ---

for my $name ('alice', 'EXAMPLE\ALICE', 'EXAMPLE/alice', 'alice@example.test', 'a.smith@Example.Test') {
    my $answer = $curl->get('/private', user => "$name:Geheim-1");
    is($answer->{status}, 200, "$name logs in");
    is($answer->{headers}{'x-user'}, 'alice', "$name is alice");
    is($answer->{headers}{'x-mail'}, 'alice@example.test', "$name has the primary address");
}
is(login($_, 'Geheim-1'), 401, "$_ does not log in")
    for 'OTHER\alice', 'alice@other.test', 'nobody', '#', 'user';
is(look('address=A.SMITH@example.test')->{body}, <<'RECORD', 'the whole record');
user: alice
mail: alice@example.test
alias: a.smith@example.test
name: Alice Ä. Smith
legacydn: /o=Example/ou=Site/cn=Recipients/cn=alice
guid: 0b7f1d5e-6a0c-4a86-9a53-2f5f1c6a7d11
source: file
RECORD
like(look('legacydn=/O=EXAMPLE/OU=site/cn=recipients/cn=ALICE')->{body}, qr/^user: alice$/m, 'by legacydn');
like(look('login=bob')->{body}, qr/^user: Bob$/m, 'the name as the file writes it');
like(look('login=bob')->{body}, qr/^name: bob\@example.test$/m, 'the address stands in for the name');
my ($guid) = look('login=bob')->{body} =~ /^guid: (.*)$/m;
is(look('address=nobody@example.test')->{status}, 404, 'nobody');

# --- a changed file ---

put("$file\nuser: erin\nmail: erin\@example.test\n");
is(look('login=erin')->{status}, 200, 'a new mailbox is known at once');
is((look('login=bob')->{body} =~ /^guid: (.*)$/m)[0], $guid, 'a derived guid stays');
for my $bad (
    ["user: frank\n\nuser frank\n", 'line 3: line has no colon'],
    ["user: frank\nmail: no address\n", 'line 2: address holds'],
    ["user: frank\npassword: clear\n", 'line 2: password is no hash'],
    ["user: frank\n\nuser: FRANK\n", 'line 3: user stands in the file already'],
    ["mail: frank\@example.test\n", 'line 1: paragraph does not start with user:'],
    ["user: a\nmail: a\@b.test\n\nuser: b\nmail: b\@b.test\nalias: A\@b.test\n",
        'line 4: mailbox has an address that another one has']) {
    put($bad->[0]);
    is(look('login=erin')->{status}, 200, 'a mistake changes nothing');
    is(look('login=frank')->{status}, 404, 'not even what is right before it');
    ok($httpd->logged("PN10011: MailboxFile $dir/mailboxes: $bad->[1]"), "logged: $bad->[1]");
}
unlink "$dir/mailboxes";
is(look('login=erin')->{status}, 200, 'a file that is gone changes nothing');
put("user: frank\nmail: frank\@example.test\n");
is(look('login=frank')->{status}, 200, 'the next right file is taken');
is(look('login=erin')->{status}, 404, 'as a whole');

SKIP: {
    skip 'root reads every file, www-data does not', 2 unless $> == 0;
    write_file("$dir/new", "user: grace\nmail: grace\@example.test\n", 0600);
    rename "$dir/new", "$dir/mailboxes";
    is(look('login=frank')->{status}, 200, 'a file that may not be read changes nothing');
    ok($httpd->logged("PN10011: MailboxFile $dir/mailboxes: Permission denied"), 'logged: why');
}
put("user: frank\nmail: frank\@example.test\n");

# Many readers while the file changes.
my @clients = map {
    my $pid = fork // die;
    if (!$pid) {
        my $bad = grep { look('login=frank')->{status} != 200 } 1 .. 25;
        require POSIX;
        POSIX::_exit($bad ? 1 : 0);
    }
    $pid
} 1 .. 4;
my %left = map { $_ => 1 } @clients;
my $failed = 0;
until_true(sub {
    put("# @{[$n++]}\nuser: frank\nmail: frank\@example.test\n");
    for my $pid (keys %left) {
        next unless waitpid($pid, 1) == $pid;
        $failed++ if $?;
        delete $left{$pid};
    }
    return !%left;
}, 60);
is($failed, 0, "readers beside a writer ($n changes)");

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(PN10011 AH01617 AH01618));
done_testing();

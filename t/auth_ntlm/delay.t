#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Wrong passwords by NTLM and by Basic count in one table, and what has to wait
# is not given to Samba.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Directory qw(directory_conf);
use T::Dir qw(temp_dir read_file);
use T::Httpd;
use T::Ntlm;
use T::Samba;
use T::Wait qw(until_true);

my $missing = T::Samba->missing;
plan skip_all => $missing if $missing;

my $dir = temp_dir();
my $ca  = T::Ca->make("$dir");
my $dc  = T::Samba->new(ca => $ca)->start;
my ($alice, $bob, $carol) = map { $dc->user($_) } 1 .. 3;

my $httpd = T::Httpd->new(modules => [qw(mailbox auth_ntlm)], load => [qw(ldap remoteip status)], tls => $ca,
    main => <<"CONF", conf => <<'VHOST')->start;
MailboxDomain EXAMPLE example.test
@{[ directory_conf($dir, $ca, $dc, $dc->base) ]}
MailboxLoginDelay 300 3 6
NTLMDomain EXAMPLE example.test
NTLMVerifier @{[ $dc->address ]}
CONF
<Location "/in">
AuthType NTLM
AuthName Mail
NTLMBasicProvider mailbox
Require valid-user
</Location>
<Location "/status">
SetHandler server-status
</Location>
VHOST

sub by_ntlm {
    my ($user, $password, $domain) = @_;
    my $c = T::Ntlm->new(port => $httpd->tls_port, tls => 1);
    return $c->login('/in/x', user => $user, password => $password, domain => $domain // 'EXAMPLE');
}
my $curl = T::Curl->new(base => $httpd->tls_url, ca => $ca->{ca});
sub by_basic { return $curl->get('/in/x', user => "$_[0]:$_[1]")->{status} }
sub counted { my ($n) = @_; return until_true(sub { $curl->get('/status?auto')->{body} =~ /^MailboxLoginsFailed: $n$/m }, 5) }

is(by_ntlm('bob', $bob->{password})->{status}, 404, 'bob logs in');
is(by_ntlm('alice', 'wrong', $_)->{status}, 401, "wrong password in $_") for 'EXAMPLE', '', 'example.test', 'EXAMPLE';
my $answer = by_ntlm('alice', $alice->{password});
is($answer->{status}, 503, 'then the right one is not looked at');
like($answer->{headers}{'retry-after'}, qr/^[1-9]$/, 'Retry-After');
is_deeply($answer->{offers}, [], 'and nothing is offered');
ok($httpd->logged(qr/PN10062: login of "EXAMPLE\\\\+alice"/), 'the log tells');
is(by_basic($_, $alice->{password}), 503, "nor by Basic as $_") for 'EXAMPLE\\alice', 'alice', 'alice@example.test';
is(by_ntlm('carol', $carol->{password})->{status}, 404, 'others log in');
ok(until_true(sub { by_ntlm('alice', $alice->{password})->{status} == 404 }, 5), 'after the wait she is in');

is(by_basic('carol', "wrong $_"), 401, "carol by Basic, $_") for 1 .. 2;
ok(counted(6), 'six wrong passwords so far');
is(by_ntlm('carol', 'wrong')->{status}, 401, 'by NTLM');
ok(counted(7), 'counted');
is(by_ntlm('bob', $bob->{password})->{status}, 404, 'bob is known at this address, which has to wait');
is(by_ntlm('dave', $dc->user(4)->{password})->{status}, 503, 'dave is not');
is(by_ntlm('', '')->{status}, 401, 'nobody is not asked for');

my $log = read_file($httpd->log_file);
is(scalar(() = $log =~ /PN11011: NTLM login of "[^"]*alice" refused/g), 4, 'each refusal of Samba is logged once');
unlike($log, qr/Secret-|wrong \d/, 'no password in the log');
is($httpd->stop, 0, 'httpd ends cleanly');
$dc->stop;
$httpd->log_ok(qw(PN10063 PN11011 PN11020));
done_testing();

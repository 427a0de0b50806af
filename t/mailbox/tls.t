#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# No password goes to a directory that cannot prove who it is, and no TLS
# handshake lasts longer than LDAPConnectionTimeout.

use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use Test::More;
use Time::HiRes qw(time);
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Dir qw(temp_dir write_file);
use T::Httpd;
use T::Slapd;

my ($dir, $other) = (temp_dir(), temp_dir());
my ($ca, $stranger) = (T::Ca->make("$dir"), T::Ca->make("$other"));
my %ldap = (
    good     => T::Slapd->new(ca => $ca)->start,
    stranger => T::Slapd->new(ca => $stranger)->start,
    # 127.0.0.8 is not in the certificate.
    name     => T::Slapd->new(ca => $ca, host => '127.0.0.8')->start);

# A server that begins a TLS record of 16 KiB and sends one byte of it at a
# time, 20 a second.
my $drip = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 10);
my $dripper = fork // die;
if (!$dripper) {
    my @clients;
    while (1) {
        push @clients, [$drip->accept, "\x16\x03\x03\x40\x00\x02\x00\x3f\xf0" . "\0" x 16000]
            if IO::Select->new($drip)->can_read(0.05);
        local $SIG{PIPE} = 'IGNORE';
        @clients = grep { syswrite $_->[0], substr $_->[1], 0, 1, '' } @clients;
    }
}

write_file("$dir/secret", T::Slapd->reader_password . "\n");

sub location {
    my ($name, $url) = @_;
    return <<"CONF";
<Location "/$name">
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    Require valid-user
    MailboxLDAPURL $url
</Location>
CONF
}

my $base  = T::Slapd->people;
my $httpd = T::Httpd->new(
    modules => ['mailbox'],
    load    => ['ldap'],
    main    => <<"CONF", conf => join '',
LDAPTrustedGlobalCert CA_BASE64 $ca->{ca}
LDAPTimeout 4
LDAPConnectionTimeout 3
LDAPRetries 1
MailboxLDAPBindDN @{[T::Slapd->reader_dn]}
MailboxLDAPBindPassword file:$dir/secret
CONF
    (map { location("ldaps-$_", $ldap{$_}->ldaps_url . "/$base") } sort keys %ldap),
    (map { location("starttls-$_", $ldap{$_}->url . "/$base STARTTLS") } sort keys %ldap),
    location('ldaps-drip', 'ldaps://127.0.0.1:' . $drip->sockport . "/$base"));
$httpd->start;
my @names = map { ("ldaps-$_", "starttls-$_") } sort keys %ldap;
write_file($httpd->dir . "/htdocs/$_", "in\n") for @names, 'ldaps-drip';

my $curl = T::Curl->new(base => $httpd->url);
sub login { $curl->get("/$_[0]", user => 'alice:secret-alice')->{status} }

for my $name (@names) {
    my $good = $name =~ /good/;
    is(login($name), $good ? 200 : 503, "$name: " . ($good ? 'trusted' : 'not trusted'));
}
for my $name (qw(stranger name)) {
    my $log = T::Dir::read_file($ldap{$name}->log_file);
    unlike($log, qr/BIND dn=/, "$name: nothing was said to it");
}
like(T::Dir::read_file($ldap{good}->log_file), qr/BIND dn="uid=alice/, 'which the log would show');

my $before = time;
is(login('ldaps-drip'), 503, 'a handshake drop by drop');
cmp_ok(time - $before, '<', 10, 'ends within 10 s');
is(login('ldaps-good'), 200, 'nobody else is disturbed');

kill 'KILL', $dripper;
waitpid $dripper, 0;
is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(PN10041));
done_testing();

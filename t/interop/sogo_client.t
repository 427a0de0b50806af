#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# SOGo as a client of Exchange Web Services: it asks for the free/busy of a
# contact whose address book names an Exchange server, and shows what we say.  It
# sends no login (NTLM at best, and that without a password when its own user came
# by cookie): httpd gives it one, for this machine alone.

use strict;
use warnings;
use lib 't/lib', 't/freebusy';
use HTTP::Tiny;
use JSON::PP qw(decode_json encode_json);
use MIME::Base64 qw(encode_base64);
use Test::More;
use T::Ca;
use T::Dir qw(temp_dir write_file);
use T::Httpd;
use T::Sogo;
use Ews ();

# Alice logs in; bob is a contact in an address book of "Exchange".
package Client {
    our @ISA = ('T::Sogo');

    sub conf {
        my ($self) = @_;
        my $conf = T::Sogo::conf($self);
        my ($source) = $conf =~ /SOGoUserSources = \( (\{.*?\n\}) \);/s;
        my $exchange = $source =~ s/id = users/id = exchange/r =~ s/canAuthenticate = YES/canAuthenticate = NO/r
            =~ s/\n\}\z/\n    filter = "sAMAccountName = 'bob'";\n    MSExchangeHostname = "$self->{exchange}";\n}/r;
        my $users = $source =~ s/\n\}\z/\n    filter = "sAMAccountName = 'alice'";\n}/r;
        $conf =~ s/SOGoUserSources = .*? \);/SOGoUserSources = ( $users, $exchange );/s;
        return $conf;
    }
}

package main;

my $why = T::Sogo->missing;
plan skip_all => $why if $why;

my $dir = temp_dir();
my $service = encode_base64('service:secret-service', '');
my $httpd = T::Httpd->new(modules => [qw(mailbox freebusy)], load => [qw(ldap headers)],
    tls => T::Ca->make("$dir"), conf => <<"CONF");
MailboxFile \@DIR\@/mailboxes
RequestHeader set Authorization "Basic $service" early
<LocationMatch "(?i)^/ews/exchange\\.asmx\$">
    AuthType Basic
    AuthName Mail
    AuthBasicProvider mailbox
    <RequireAll>
        Require ip 127.0.0.1
        Require user service
    </RequireAll>
    FreeBusyEngine On
    FreeBusySource file:\@DIR\@/cal/%{user}.ics
    FreeBusyTimeZone UTC
</LocationMatch>
CONF
write_file($httpd->dir . '/mailboxes', Ews::mailboxes(qw(bob service)));
mkdir $httpd->dir . '/cal', 0755;
# In winter: SOGo's time zone has the summer time of America, with a bias of 0.
my ($date, @busy) = ('20270113', ['0900', '1000'], ['1300', '1330']);
write_file($httpd->dir . '/cal/bob.ics', join "\r\n", 'BEGIN:VCALENDAR', (map { ('BEGIN:VEVENT', "UID:$_->[0]",
    "DTSTART:${date}T$_->[0]00Z", "DTEND:${date}T$_->[1]00Z", 'END:VEVENT') } @busy), 'END:VCALENDAR', '');
$httpd->start;

my $sogo = Client->new(exchange => '127.0.0.1:' . $httpd->tls_port)->start;
my $http = HTTP::Tiny->new(timeout => 30, keep_alive => 0);
my $root = $sogo->url =~ s{/dav$}{}r;
my $login = $http->post("$root/connect", { headers => { 'Content-Type' => 'application/json' },
    content => encode_json({ userName => 'alice', password => $sogo->user(1)->{password}, rememberLogin => 0 }) });
is($login->{status}, 200, 'alice is in SOGo') or diag $login->{content};
my $set = $login->{headers}{'set-cookie'} // [];
my $cookies = join '; ', map { /^([^;]+)/ } ref $set ? @$set : $set;
my ($token) = $cookies =~ /XSRF-TOKEN=([^;]+)/;

# The quarters of an hour at which bob is busy: {"20270113":{"9":{"0":1,"15":1...
sub quarters {
    my ($uid) = @_;
    my $answer = $http->get("$root/so/alice/freebusy.ifb/ajaxRead?uid=$uid&sday=$date&eday=$date",
        { headers => { Cookie => $cookies, 'X-XSRF-TOKEN' => $token } });
    is($answer->{status}, 200, "she asks when $uid is free");
    return eval { decode_json($answer->{content}) } // {};
}
is_deeply(quarters('bob'), { $date => { 9 => { map { $_ => 1 } 0, 15, 30, 45 },
    13 => { 0 => 1, 15 => 1, 30 => 0, 45 => 0 } } }, 'and sees when bob is busy');
is_deeply(quarters('carol'), {}, 'of one whom neither knows she sees nothing');

$sogo->stop;
$httpd->stop;
$httpd->log_ok;
done_testing();

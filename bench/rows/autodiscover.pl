# SPDX-License-Identifier: Apache-2.0

package Rows::Autodiscover;

# mod_autodiscover beside a static file of the same size, which the same httpd
# serves behind the same login.  EnableMMAP Off: with it the file is slower.

use strict;
use warnings;
use Bench qw(program numbers with_cpu);
use Stage qw(stage ca dir mailbox_file mailbox_login);
use T::Dir qw(write_file);
use T::Httpd;

my $load = program('http_load');
my $path = '/autodiscover/autodiscover.xml';

sub question {
    return stage(pox_question => sub {
        my $request  = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006';
        my $response = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a';
        write_file(dir() . '/question.xml', qq{<?xml version="1.0" encoding="utf-8"?>\n}
            . qq{<Autodiscover xmlns="$request"><Request><EMailAddress>alice\@example.test</EMailAddress>}
            . "<AcceptableResponseSchema>$response</AcceptableResponseSchema></Request></Autodiscover>\n");
    });
}

sub server {
    return stage(autodiscover => sub {
        my ($file, $login) = (mailbox_file(), mailbox_login());
        my $httpd = T::Httpd->new(modules => [qw(mailbox autodiscover)], load => [qw(ldap authn_socache)],
            tls => ca(), main => "AuthnCacheSOCache shmcb\n$Stage::one_child", conf => <<"CONF")->start;
EnableMMAP Off
KeepAlive On
MaxKeepAliveRequests 0
MailboxFile $file
Autodiscover On
AutodiscoverServerName mail.example.test
AutodiscoverImap mail.example.test 993 ssl
AutodiscoverSmtp mail.example.test 465 ssl
<Location />
$login
</Location>
CONF
        my $size = answer_size($httpd);
        write_file($httpd->dir . '/htdocs/static.xml', 'x' x $size);
        $httpd;
    });
}

# The size of one answer, which the static file then has too.
sub answer_size {
    my ($httpd) = @_;
    my $answer = numbers($load, '-p', '127.0.0.1:' . $httpd->port, qw(-u alice:secret),
        '-b', question(), 1, 0.1, $path);
    return $answer->{bytes};
}

# Requests on so many connections, plain or with TLS.
sub requests {
    my ($tls, $connections, @what) = @_;
    my $httpd = server();
    my @where = $tls ? ('127.0.0.1:' . $httpd->tls_port, '-t', ca()->{ca}) : ('127.0.0.1:' . $httpd->port);
    my @body = $what[0] eq $path ? ('-b', question()) : ();
    return with_cpu($httpd->pid, sub {
        numbers($load, '-p', @where, qw(-u alice:secret), @body, $connections, 1, @what) });
}

my $static = 'static file of the same size, same login, EnableMMAP Off';
return map {
    my ($name, $tls, $connections, $how) = @$_;
    { needs => [qw(modules/mod_autodiscover.so modules/mod_mailbox.so bench/http_load)], rounds => 5,
      targets => {
        ours   => sub { requests($tls, $connections, $path) },
        static => sub { requests($tls, $connections, '/static.xml') } },
      rows => [
        [$name, 'requests/s', 'ours.rps', 'static.rps', "$static; $how"],
        ["$name.p99", 'us', 'ours.p99', 'static.p99', "$static; $how"],
        ["$name.cpu", 'us/request', 'ours.cpu', 'static.cpu', "$static; CPU of httpd"] ] }
} ['autodiscover.pox', 0, 1, '1 connection'], ['autodiscover.pox.32', 0, 32, '32 connections'],
    ['autodiscover.pox.tls', 1, 1, '1 connection, TLS'];

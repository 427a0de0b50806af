# SPDX-License-Identifier: Apache-2.0

package Rows::Autodiscover;

# mod_autodiscover beside a static file of the same size, which the same httpd
# serves behind the same login, and beside mod_reflector, which reads a POST of
# that size and sends it back.  EnableMMAP Off: with it the file is slower.
# ROWS='autodiscover.*'

use strict;
use warnings;
use Bench qw(program numbers with_cpu);
use Stage qw(stage ca dir mailbox_file mailbox_login);
use T::Dir qw(write_file);
use T::Httpd;

my $load      = program('http_load');
my $microsoft = 'http://schemas.microsoft.com/exchange';

# What is asked: [path, body].
my %question = (
    pox => ['/autodiscover/autodiscover.xml', <<"XML"],
<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="$microsoft/autodiscover/outlook/requestschema/2006"><Request>
<EMailAddress>alice\@example.test</EMailAddress>
<AcceptableResponseSchema>$microsoft/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>
</Request></Autodiscover>
XML
    soap => ['/autodiscover/autodiscover.svc', <<"XML"],
<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="$microsoft/2010/Autodiscover"><s:Body>
<a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>alice\@example.test</a:Mailbox></a:User></a:Users>
<a:RequestedSettings><a:Setting>UserDisplayName</a:Setting><a:Setting>UserDN</a:Setting>
<a:Setting>AutoDiscoverSMTPAddress</a:Setting><a:Setting>ExternalEwsUrl</a:Setting>
<a:Setting>EwsSupportedSchemas</a:Setting></a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage>
</s:Body></s:Envelope>
XML
    json => ['/autodiscover/autodiscover.json?Email=alice@example.test&Protocol=AutodiscoverV1'],
);

# Options of the load program that ask $what.
sub asking {
    my ($what) = @_;
    my ($path, $body) = @{ $question{$what} };
    my $file = $body && stage("autodiscover_$what" => sub { write_file(dir() . "/$what.xml", $body) });
    return { path => $path, options => [$file ? ('-b', $file) : (), login_of($what)] };
}

# JSON is for anybody.
sub login_of { $_[0] eq 'json' ? () : qw(-u alice:secret) }

sub server {
    return stage(autodiscover => sub {
        my ($file, $login) = (mailbox_file(), mailbox_login());
        T::Httpd->new(modules => [qw(mailbox autodiscover)], load => [qw(ldap authn_socache reflector)],
            tls => ca(), main => "AuthnCacheSOCache shmcb\n$Stage::one_child", conf => <<"CONF")->start;
EnableMMAP Off
KeepAlive On
MaxKeepAliveRequests 0
MailboxFile $file
Autodiscover On
AutodiscoverServerName mail.example.test
AutodiscoverPoxUrl https://mail.example.test/autodiscover/autodiscover.xml
AutodiscoverImap mail.example.test 993 ssl
AutodiscoverSmtp mail.example.test 465 ssl
<LocationMatch "^/(autodiscover/.*(xml|svc)|(static|reflector)/(pox|soap))\$">
$login
</LocationMatch>
<LocationMatch "^/reflector/">
SetHandler reflector
</LocationMatch>
CONF
    });
}

# A file as large as one answer to $what, which is served and reflected.
sub same_size {
    my ($what) = @_;
    return stage("autodiscover_size_$what" => sub {
        my ($httpd, $ask) = (server(), asking($what));
        my $answer = numbers($load, '-p', '127.0.0.1:' . $httpd->port, @{ $ask->{options} }, 1, 0.1, $ask->{path});
        mkdir $httpd->dir . '/htdocs/static';
        write_file($httpd->dir . "/htdocs/static/$what", 'x' x $answer->{bytes});
    });
}

# Requests on so many connections, plain or with TLS.
sub requests {
    my ($tls, $connections, $path, @options) = @_;
    my $httpd = server();
    my @where = $tls ? ('127.0.0.1:' . $httpd->tls_port, '-t', ca()->{ca}) : ('127.0.0.1:' . $httpd->port);
    return with_cpu($httpd->pid, sub { numbers($load, '-p', @where, @options, $connections, 1, $path) });
}

sub group {
    my ($what, $tls, $connections) = @_;
    my $name = join '.', "autodiscover.$what", ($tls ? 'tls' : ()), ($connections > 1 ? $connections : ());
    my $how = ($what eq 'json' ? 'no login' : 'same login') . ", $connections connection"
        . ($connections > 1 ? 's' : '') . ($tls ? ', TLS' : '');
    my $static = "static file of the same size, EnableMMAP Off; $how";
    my $post   = "mod_reflector with a body of the same size; $how";
    return {
        needs => [qw(modules/mod_autodiscover.so modules/mod_mailbox.so bench/http_load)], rounds => 5,
        targets => {
            ours => sub {
                my $ask = asking($what);
                requests($tls, $connections, $ask->{path}, @{ $ask->{options} });
            },
            static => sub { same_size($what); requests($tls, $connections, "/static/$what", login_of($what)) },
            post   => sub { requests($tls, $connections, "/reflector/$what", '-b', same_size($what), login_of($what)) },
        },
        rows => [
            [$name, 'requests/s', 'ours.rps', 'static.rps', $static],
            ["$name.post", 'requests/s', 'ours.rps', 'post.rps', $post],
            ["$name.p50", 'us', 'ours.p50', 'static.p50', $static],
            ["$name.p99", 'us', 'ours.p99', 'static.p99', $static],
            ["$name.cpu", 'us/request', 'ours.cpu', 'static.cpu', "$static; CPU of httpd"],
        ] };
}

return map { my $what = $_; map { my $tls = $_; map { group($what, $tls, $_) } 1, 32 } 0, 1 } qw(pox soap json);

# SPDX-License-Identifier: Apache-2.0
package Site;

# Everything that a mail provider has, where clients look for it, for tests in
# the test network (T::Netns): httpd with our modules on ports 80 and 443,
# IMAP on 993 (Dovecot), submission on 465 and 587 (Postfix), CalDAV and CardDAV
# (Radicale, behind httpd).
#
#   my $site = Site->new(conf => 'more for the virtual host')->start;
#   my $site = Site->new(samba => 1)->start;   # users of a domain, RPC tunnel
#   $site->{ca}, {httpd}, {mx}, {dovecot}, {dc}
#   $site->calendar('alice', '20260302T090000Z', '20260302T100000Z');
#   $site->client(name => ...)                 # environment for programs
#   $site->stop(@numbers)                      # two tests: it ends, and its log
#
# Alice and bob have passwords as of Ask::password.  At 127.0.0.2 only port 80
# is open; 127.0.0.3 is a web server that knows nothing of mail; 127.0.0.4 is
# one with a certificate that nobody trusts; 127.0.0.5, other.example.test, is
# the autodiscover server of hosted.example.test.  The people of
# moved.example.test have addresses in example.test now.

use strict;
use warnings;
use lib 't/autodiscover';
use Test::More;
use Ask qw(password);
use T::Ca;
use T::Curl;
use T::Dir qw(temp_dir write_file);
use T::Directory qw(directory_conf);
use T::Dovecot;
use T::Postfix;
use T::Radicale;
use T::Samba;

my $domain = 'example.test';
my $radicale_port = 5232;

sub new {
    my ($class, %self) = @_;
    my $self = bless {%self, dir => temp_dir()}, $class;
    $self->{ca} = T::Ca->make("$self->{dir}");
    return $self;
}

sub dir { "$_[0]{dir}" }

# What is missing here, or undef.
sub missing {
    my ($class, %self) = @_;
    return $self{samba} ? T::Samba->missing : undef;
}

sub start {
    my ($self) = @_;
    my $ca = $self->{ca};
    if ($self->{samba}) {
        chmod 0711, $self->dir;
        $self->{dc} = T::Samba->new(ca => $ca)->start;
    }
    $self->{dovecot} = T::Dovecot->new(tls => $ca, imaps => 993,
        users => { map { $_ => password($_) } qw(alice bob) })->start;
    $self->{mx} = T::Postfix->new(ca => $ca, user => "alice\@$domain",
        password => password('alice'), ports => { smtps => 465, starttls => 587 })->start;
    $self->{radicale} = T::Radicale->new(port => $radicale_port,
        users => { map { +"$_\@$domain" => password($_) } qw(alice bob) })->start;
    $self->start_httpd;
    return $self;
}

# --- httpd ---

# Who has a mailbox: the domain's users, or those of the file.
sub mailbox_conf {
    my ($self) = @_;
    return directory_conf($self->dir, $self->{ca}, $self->{dc}, $self->{dc}->base . '??sub')
        if $self->{dc};
    my $elsewhere = join '', map { "alias: alice\@$_.$domain\n" } qw(moved hosted);
    write_file($self->dir . '/mailboxes', Ask::mailboxes() =~ s/(?<=^user: alice\n)/$elsewhere/mr, 0644);
    return 'MailboxFile ' . $self->dir . '/mailboxes';
}

# The other addresses.  Each server has a certificate of its own.
sub other_servers {
    my ($self) = @_;
    my $dir = $self->dir;
    my $foreign = $self->{foreign} = T::Ca->make(do { mkdir "$dir/foreign"; "$dir/foreign" });
    my $web = sub {
        my ($address, $name, $certificate, $key, $more) = @_;
        return "Listen $address:443\n<VirtualHost $address:443>\nServerName $name\nSSLEngine on\n"
            . "SSLCertificateFile $certificate\nSSLCertificateKeyFile $key\n" . ($more // '') . "</VirtualHost>\n";
    };
    $self->{ca}->sign("$dir/other", "other.$domain", "DNS:other.$domain");
    return "Listen 127.0.0.2:80\n"
        . $web->('127.0.0.3', $domain, @{ $self->{ca} }{qw(server key)})
        . $web->('127.0.0.4', $domain, @$foreign{qw(server key)})
        . $web->('127.0.0.5', "other.$domain", "$dir/other.pem", "$dir/other.key",
            "Autodiscover On\nAutodiscoverServerName other.$domain\n");
}

sub start_httpd {
    my ($self) = @_;
    my $password = write_file($self->dir . '/password', "master\n", 0600);
    # Samba's RPC client stalls when TLS 1.3 session tickets arrive.
    my $tunnel = $self->{dc} ? "SSLOpenSSLConfCmd NumTickets 0\nRPCProxyBackend mail.$domain 593 " . $self->{dc}->address . ":135\n"
        . "RPCProxyBackend mail.$domain 49152-49170 " . $self->{dc}->address . "\n" : '';
    $self->{httpd} = T::Httpd->new(
        modules => [qw(mailbox autodiscover rpcproxy freebusy)],
        load => [qw(headers ldap proxy proxy_http)],
        tls => $self->{ca}, listen_tls => 443, listen_port => 80,
        main => "KeepAlive Off\nMailboxDomain EXAMPLE $domain\n" . $self->mailbox_conf . "\n"
            . Ask::login_section('^/(?:autodiscover/.*\.(?:xml|svc|mobileconfig)|ews/.*|rpc/.*)$')
            . $self->other_servers,
        conf => <<"CONF" . $tunnel . ($self->{conf} // ''));
Autodiscover On
AutodiscoverServerName mail.$domain
AutodiscoverImap mail.$domain 993 ssl
AutodiscoverSmtp mail.$domain 465 ssl
AutodiscoverCalDavUrl https://mail.$domain/radicale/
AutodiscoverCardDavUrl https://mail.$domain/radicale/
AutodiscoverOabUrl https://mail.$domain/oab/
AutodiscoverHttpRedirect https://mail.$domain/autodiscover/autodiscover.xml
<AutodiscoverDomain $domain>
</AutodiscoverDomain>
<AutodiscoverDomain moved.$domain>
    AutodiscoverRedirectAddress %{local}\@$domain
</AutodiscoverDomain>
<AutodiscoverDomain hosted.$domain>
    AutodiscoverRedirectUrl https://other.$domain/autodiscover/autodiscover.xml
</AutodiscoverDomain>
<LocationMatch "(?i)^/ews/">
    FreeBusyEngine On
    FreeBusyTimeZone UTC
    FreeBusySource http://127.0.0.1:$radicale_port/%{mail}/calendar/
    FreeBusySourceLogin postern file:$password
    FreeBusyOofStore file:\@DIR\@/sieve/%{user}.sieve
</LocationMatch>
<LocationMatch "(?i)^/rpc/rpcproxy\\.dll\$">
    RPCProxy On
</LocationMatch>
<Location /radicale/>
    ProxyPass http://127.0.0.1:$radicale_port/
    RequestHeader set X-Script-Name /radicale
</Location>
CONF
    my $dir = $self->{httpd}->dir;
    mkdir "$dir/$_" for qw(sieve htdocs/oab);
    chmod 0777, "$dir/sieve";
    # An offline address book of no lists, which is what a site without one has.
    write_file("$dir/htdocs/oab/oab.xml", qq{<?xml version="1.0" encoding="utf-8"?>\n<OAB/>\n}, 0644);
    $self->{httpd}->start;
}

# --- for clients ---

# A calendar of $name with one event in it, put there by way of httpd.
sub calendar {
    my ($self, $name, $start, $end) = @_;
    my $path = "/radicale/$name\@$domain/calendar/";
    my $dav  = T::Curl->new(base => "https://mail.$domain", ca => $self->{ca}{ca},
        user => "$name\@$domain:" . password($name));
    my $made = $dav->ask($path, method => 'MKCALENDAR');
    my $put  = $dav->ask($path . 'event.ics', method => 'PUT', type => 'text/calendar',
        body => join "\r\n", 'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//t//EN', 'BEGIN:VEVENT',
        'UID:event', 'DTSTAMP:20260101T000000Z', "DTSTART:$start", "DTEND:$end",
        'SUMMARY:Budget', 'END:VEVENT', 'END:VCALENDAR', '');
    $_->{status} == 201 or die "Radicale: $_->{status} $_->{error} $_->{body}\n" for $made, $put;
}

# The environment of a client program that acts for $name.
sub client {
    my ($self, $name, %more) = @_;
    my $mail = "$name\@$domain";
    return (EMAIL => $mail, LOGIN => $mail, PASSWORD => password($name =~ /^(\w+)/),
        REQUESTS_CA_BUNDLE => $self->{ca}{ca}, SSL_CERT_FILE => $self->{ca}{ca},
        NODE_EXTRA_CA_CERTS => $self->{ca}{ca}, %more);
}

sub stop {
    my ($self, @numbers) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($self->{httpd}->stop, 0, 'httpd ends cleanly');
    $self->{httpd}->log_ok(@numbers);
    for my $server (grep { defined } @$self{qw(radicale mx dovecot dc)}) {
        $server->stop;
    }
}

1;

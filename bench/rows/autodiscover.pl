# SPDX-License-Identifier: Apache-2.0

package Rows::Autodiscover;

# mod_autodiscover beside the lower of two: a static file of the same size, which
# the same httpd serves behind the same login, and mod_reflector, which reads a
# POST of that size and sends it back.  EnableMMAP Off: with it the file is
# slower.  With a live Samba behind it, beside ldapsearch with the same search.
# And its memory over a million requests.  ROWS='autodiscover.*'

use strict;
use warnings;
use Bench qw(program numbers with_cpu);
use Stage qw(stage ca dir mailbox_file mailbox_login);
use T::Directory qw(directory_conf);
use T::Dir qw(read_file write_file);
use T::Httpd;
use T::Samba;
use POSIX ();
use Time::HiRes qw(time);

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

# Options of the load program that ask $what, as $user.
sub asking {
    my ($what, $user) = @_;
    my ($path, $body) = @{ $question{$what} };
    my $file = $body && stage("autodiscover_$what" => sub { write_file(dir() . "/$what.xml", $body) });
    return { path => $path, options => [$file ? ('-b', $file) : (), $user ? ('-u', $user) : login_of($what)] };
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
    my ($httpd, $tls, $connections, $path, @options) = @_;
    my @where = $tls ? ('127.0.0.1:' . $httpd->tls_port, '-t', ca()->{ca}) : ('127.0.0.1:' . $httpd->port);
    return with_cpu($httpd->pid, sub { numbers($load, '-p', @where, @options, $connections, 1, $path) });
}

# Both references, one after the other, and what is lower or slower of each
# figure: static_rps, post_rps, lower_rps ...
sub references {
    my ($what, $tls, $connections) = @_;
    my $body = same_size($what);
    my %by = (
        static => requests(server(), $tls, $connections, "/static/$what", login_of($what)),
        post   => requests(server(), $tls, $connections, "/reflector/$what", '-b', $body, login_of($what)));
    my %all = map { my $name = $_; map { ("${name}_$_" => $by{$name}{$_}) } keys %{ $by{$name} } } keys %by;
    my $lower = $by{static}{rps} < $by{post}{rps} ? 'static' : 'post';
    return { %all, map { ("lower_$_" => $by{$lower}{$_}) } keys %{ $by{$lower} } };
}

sub group {
    my ($what, $tls, $connections) = @_;
    my $name = join '.', "autodiscover.$what", ($tls ? 'tls' : ()), ($connections > 1 ? $connections : ());
    my $how = ($what eq 'json' ? 'no login' : 'same login') . ", $connections connection"
        . ($connections > 1 ? 's' : '') . ($tls ? ', TLS' : '');
    my $static = "static file of the same size, EnableMMAP Off; $how";
    my $post   = "mod_reflector with a body of the same size; $how";
    my $lower  = "the lower of static file and mod_reflector; $how";
    return {
        needs => [qw(modules/mod_autodiscover.so modules/mod_mailbox.so bench/http_load)], rounds => 5,
        targets => {
            ours => sub {
                my $ask = asking($what);
                requests(server(), $tls, $connections, $ask->{path}, @{ $ask->{options} });
            },
            than => sub { references($what, $tls, $connections) },
        },
        rows => [
            [$name, 'requests/s', 'ours.rps', 'than.lower_rps', $lower, undef, '>= 0.8'],
            ["$name.static", 'requests/s', 'ours.rps', 'than.static_rps', $static],
            ["$name.post", 'requests/s', 'ours.rps', 'than.post_rps', $post],
            ["$name.p50", 'us', 'ours.p50', 'than.lower_p50', $lower],
            ["$name.p99", 'us', 'ours.p99', 'than.lower_p99', $lower],
            ["$name.cpu", 'us/request', 'ours.cpu', 'than.lower_cpu', "$lower; CPU of httpd"],
        ] };
}

# --- a live directory ---

use constant LIVE_SIZE => 1606; # bytes of an answer about the alice of Samba

# The one of the rows on logins.
sub samba { stage(login_samba => sub { T::Samba->new(ca => ca(), services => 'rpc ldap cldap kdc')->start }) }

# /autodiscover remembers passwords for a while, with X-Live it asks each time;
# beside it a file and a reflector behind mod_authnz_ldap.  $cached: mailboxes
# are kept too, and mod_ldap keeps what it likes; otherwise nothing.
sub live_server {
    my ($cached) = @_;
    return stage("autodiscover_live$cached" => sub {
        my $dc = samba();
        my $directory = directory_conf(dir(), ca(), $dc, $dc->base) . "\n" . ($cached
            ? "MailboxCache shmcb\nMailboxCacheTime 600\nLDAPCacheTTL 600"
            : "LDAPCacheEntries 0\nLDAPOpCacheEntries 0\nLDAPSharedCacheSize 0");
        my $httpd = T::Httpd->new(modules => [qw(mailbox autodiscover)], load => [qw(ldap authnz_ldap reflector socache_shmcb)], tls => ca(),
            main => "$Stage::one_child\n$directory", conf => <<"CONF");
EnableMMAP Off
KeepAlive On
MaxKeepAliveRequests 0
Autodiscover On
AutodiscoverServerName mail.example.test
<LocationMatch "^/autodiscover/">
AuthType Basic
AuthName bench
AuthBasicProvider mailbox
Require valid-user
MailboxLoginCache 600
</LocationMatch>
<If "-n req('X-Live')">
MailboxLoginCache Off
</If>
<LocationMatch "^/reflector/">
SetHandler reflector
</LocationMatch>
<LocationMatch "^/(static|reflector)/">
AuthType Basic
AuthName bench
AuthBasicProvider ldap
LDAPReferrals Off
AuthLDAPURL "@{[$dc->ldaps_url]}/@{[$dc->base]}?sAMAccountName?sub"
AuthLDAPBindDN @{[$dc->reader_dn]}
AuthLDAPBindPassword @{[$dc->reader_password]}
Require valid-user
</LocationMatch>
CONF
        $httpd->start;
        mkdir $httpd->dir . '/htdocs/static';
        write_file($httpd->dir . '/htdocs/static/pox', 'x' x LIVE_SIZE);
        $httpd;
    });
}

my @alice = (-u => 'alice:Secret-alice1');
my @attributes = qw(sAMAccountName userPrincipalName mail proxyAddresses displayName legacyExchangeDN objectGUID);

# The search of one answer, so many times on each of so many connections.
sub searches {
    my ($connections) = @_;
    my ($dc, $each) = (samba(), int(2000 / $connections));
    my $names = write_file(dir() . '/names', "alice\n" x $each);
    my @command = ('ldapsearch', qw(-x -LLL -z 2), '-H', $dc->ldaps_url, '-D', $dc->reader_dn, '-w', $dc->reader_password,
        '-b', $dc->base, '-f', $names, '(sAMAccountName=%s)', @attributes);
    local $ENV{LDAPTLS_CACERT} = ca()->{ca};
    my $began = time;
    my @running = map {
        my $pid = fork // die "fork: $!\n";
        if ($pid == 0) {
            open STDOUT, '>', '/dev/null';
            exec @command or POSIX::_exit(127);
        }
        $pid;
    } 1 .. $connections;
    for my $pid (@running) {
        waitpid $pid, 0;
        die "ldapsearch failed\n" if $?;
    }
    my $took = time - $began;
    return { rps => $connections * $each / $took, mean => 1e6 * $took / $each };
}

sub live {
    my ($cached, $connections, @more) = @_;
    my $ask = asking(pox => 'alice:Secret-alice1');
    return requests(live_server($cached), 0, $connections, $ask->{path}, @{ $ask->{options} }, @more);
}

# A file, or a reflector, behind mod_authnz_ldap.
sub authnz {
    my ($cached, $connections, $path, @more) = @_;
    return requests(live_server($cached), 0, $connections, $path, @alice, @more);
}

# What is promised: mailbox and login from caches, beside the lower of a file
# and a reflector behind a cached mod_authnz_ldap.
sub cached_group {
    my ($connections) = @_;
    my $name = 'autodiscover.ldap.cached' . ($connections > 1 ? ".$connections" : '');
    my $on   = "$connections connection" . ($connections > 1 ? 's' : '');
    my $lower = "the lower of static file and mod_reflector behind mod_authnz_ldap; all from caches, $on";
    return {
        needs => [qw(modules/mod_autodiscover.so modules/mod_mailbox.so bench/http_load /usr/sbin/samba)], rounds => 5,
        targets => {
            ours => sub { live(1, $connections) },
            than => sub {
                my $body   = write_file(dir() . '/live_body', 'x' x LIVE_SIZE);
                my $static = authnz(1, $connections, '/static/pox');
                my $post   = authnz(1, $connections, '/reflector/pox', '-b', $body);
                return $static->{rps} < $post->{rps} ? $static : $post;
            },
        },
        rows => [
            [$name, 'requests/s', 'ours.rps', 'than.rps', $lower, undef, '>= 0.8'],
            ["$name.p50", 'us', 'ours.p50', 'than.p50', $lower],
            ["$name.cpu", 'us/request', 'ours.cpu', 'than.cpu', "$lower; CPU of httpd"],
        ] };
}

sub live_group {
    my ($connections) = @_;
    my $name = 'autodiscover.ldap' . ($connections > 1 ? ".$connections" : '');
    my $on   = "$connections connection" . ($connections > 1 ? 's' : '');
    my $live = sub { live(0, $connections, @_) };
    return {
        needs => [qw(modules/mod_autodiscover.so modules/mod_mailbox.so bench/http_load /usr/sbin/samba /usr/bin/ldapsearch)], rounds => 3,
        targets => {
            ours   => sub { $live->() },
            search => sub { searches($connections) },
            login  => sub { $live->('-h', 'X-Live: 1') },
            authnz => sub { authnz(0, $connections, '/static/pox') },
        },
        rows => [
            [$name, 'requests/s', 'ours.rps', 'search.rps', "ldapsearch -f with the search of one answer; Samba live, $on", undef,
                $connections == 4 ? 'ours >= 1624' : ()],
            ["$name.p50", 'us', 'ours.p50', 'search.mean', "ldapsearch -f, its mean; Samba live, $on", undef, $connections == 1 ? 'ours <= 1000' : ()],
            ["$name.login", 'requests/s', 'login.rps', 'authnz.rps', "static file behind mod_authnz_ldap; the password is asked of Samba each time, $on"],
        ] };
}

# --- memory ---

# KiB that belong to httpd's processes alone.  PSS also counts a share of the
# libraries, which grows whenever another httpd on the machine ends.
sub own_kib {
    my ($pid) = @_;
    my $sum = 0;
    for my $member (Bench::family($pid)) {
        $sum += $1 if (read_file("/proc/$member/status") // '') =~ /^RssAnon:\s+(\d+) kB/m;
    }
    return $sum;
}

# What httpd has after a tenth of the requests, half of them, and all.
sub memory {
    my $httpd = server();
    my $ask   = asking('pox');
    my %after;
    my $done = 0;
    for my $row ([first => 0.1], [half => 0.5], [last => 1]) {
        while ($done < $row->[1] * ($ENV{BENCH_REQUESTS} // 1_000_000)) {
            $done += numbers($load, '-p', '127.0.0.1:' . $httpd->port, @{ $ask->{options} }, 8, 5, $ask->{path})->{n};
        }
        $after{ $row->[0] } = own_kib($httpd->pid);
    }
    return \%after;
}

my $memory = {
    needs => [qw(modules/mod_autodiscover.so modules/mod_mailbox.so bench/http_load)], rounds => 1,
    targets => { ours => \&memory },
    rows => [
        ['autodiscover.memory', 'KiB', 'ours.last', 'ours.first', 'own memory of httpd after 1,000,000 POX requests, and after 100,000', undef, '<= 1.05'],
        ['autodiscover.memory.half', 'KiB', 'ours.last', 'ours.half', 'the same, and after 500,000', undef, '<= 1.02'],
    ] };

return ((map { my $what = $_; map { my $tls = $_; map { group($what, $tls, $_) } 1, 32 } 0, 1 } qw(pox soap json)),
    (map { live_group($_) } 1, 4, 32), (map { cached_group($_) } 1, 32), $memory);

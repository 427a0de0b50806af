# SPDX-License-Identifier: Apache-2.0
package T::Sogo;

# A private SOGo with PostgreSQL, memcached and the users of T::Slapd, for one
# test file.  Root is needed: each server runs under its own user.
#
#   my $why = T::Sogo->missing;        # what is not installed, or undef
#   my $sogo = T::Sogo->new->start;
#   $sogo->url                         # http://127.0.0.1:PORT/SOGo/dav
#   $sogo->user(1)                     # of T::Slapd
#   $sogo->put(1, name => $icalendar)  # into that user's personal calendar
#   $sogo->publish(1)                  # lets anybody see when he is busy
#   $sogo->stop;
#
# sogod reads /etc/sogo/sogo.conf and no other file: it runs in a mount
# namespace of its own with ours over it.

use strict;
use warnings;
use HTTP::Tiny;
use MIME::Base64 qw(encode_base64);
use T::Dir qw(temp_dir write_file read_file);
use T::Process;
use T::Slapd;
use T::Wait qw(until_true until_port free_port);

sub missing {
    return 'SOGo is started by root' if $> != 0;
    my ($postgres) = glob '/usr/lib/postgresql/*/bin/initdb';
    for ([sogod => '/usr/sbin/sogod'], [memcached => '/usr/bin/memcached'],
        [postgresql => $postgres], [unshare => '/usr/bin/unshare']) {
        return "$_->[0] is not installed" unless $_->[1] && -x $_->[1];
    }
    return T::Slapd->can('missing') ? T::Slapd->missing : undef;
}

sub new {
    my ($class, %self) = @_;
    my $self = bless { days => 30, %self }, $class;
    $self->{dir} = temp_dir();
    $self->{$_} = free_port() for qw(port postgres_port memcached_port);
    $self->{slapd} = T::Slapd->new;
    ($self->{bin}) = reverse sort glob '/usr/lib/postgresql/*/bin';
    return $self;
}

sub dir  { "$_[0]{dir}" }
sub url  { "http://127.0.0.1:$_[0]{port}/SOGo/dav" . ($_[1] // '') }
sub user { $_[0]{slapd}->user($_[1]) }

# @command as another user, in an environment of its own.
sub as {
    my ($user, @command) = @_;
    my $group = getgrgid((getpwnam $user)[3]);
    return ('setpriv', '--reuid', $user, '--regid', $group, '--init-groups',
        '--reset-env', @command);
}

sub run {
    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', @_ or die "$_[0]: $!\n";
    local $/;
    my $text = <$out> // '';
    close $out or die "@_: $text\n";
    return $text;
}

sub folder {
    my ($self, $name, $user) = @_;
    my $path = $self->dir . "/$name";
    mkdir $path, 0700;
    chown((getpwnam $user)[2, 3], $path);
    return $path;
}

sub start_postgres {
    my ($self) = @_;
    my $data = $self->folder('postgres', 'postgres');
    my $sql = sub {
        run(as('postgres', "$self->{bin}/psql", qw(-qAt -h 127.0.0.1 -d postgres),
            '-p', $self->{postgres_port}, '-c', $_[0]));
    };
    run(as('postgres', "$self->{bin}/initdb", '-D', $data,
        qw(-A trust -E UTF8 --locale=C.UTF-8 -N)));
    $self->{postgres} = T::Process->start([as('postgres', "$self->{bin}/postgres",
        '-D', $data, '-p', $self->{postgres_port}, '-k', '', '-F', '-c',
        'listen_addresses=127.0.0.1', '-c', 'shared_buffers=16MB')],
        $self->dir . '/postgres.log');
    until_true(sub { eval { $sql->('select 1') } }, 30)
        or die read_file($self->dir . '/postgres.log');
    $sql->('create role sogo login');
    $sql->("create database sogo owner sogo encoding 'UTF8' template template0");
}

sub conf {
    my ($self) = @_;
    my ($dir, $ldap) = ($self->dir, $self->{slapd});
    my $db = "postgresql://sogo:x\@127.0.0.1:$self->{postgres_port}/sogo";
    my %table = (SOGoProfileURL => 'user_profile', OCSFolderInfoURL => 'folder_info',
        OCSSessionsFolderURL => 'sessions_folder', OCSStoreURL => 'store',
        OCSEMailAlarmsFolderURL => 'alarms_folder', OCSAclURL => 'acl',
        OCSCacheFolderURL => 'cache_folder');
    return "{\n" . join('', map { qq($_ = "$db/sogo_$table{$_}";\n) } sort keys %table)
        . <<"CONF";
WOPort = "127.0.0.1:$self->{port}";
WOWorkersCount = 1;
WOPidFile = "$dir/spool/sogod.pid";
SOGoMemcachedHost = "127.0.0.1:$self->{memcached_port}";
SOGoMailSpoolPath = "$dir/spool";
SOGoEnablePublicAccess = YES;
SOGoFreeBusyDefaultInterval = ($self->{days}, $self->{days});
SOGoTimeZone = "UTC";
SOGoMailDomain = "example.test";
SOGoCalendarDefaultRoles = (PublicDAndTViewer, ConfidentialDAndTViewer);
SOGoAppointmentSendEMailNotifications = NO;
SOGoIMAPServer = "imap://127.0.0.1:1";
SOGoSMTPServer = "smtp://127.0.0.1:1";
SOGoUserSources = ( {
    type = ldap; id = users; displayName = Users;
    canAuthenticate = YES; isAddressBook = YES;
    CNFieldName = cn; UIDFieldName = sAMAccountName; IDFieldName = sAMAccountName;
    bindFields = (sAMAccountName, mail); MailFieldNames = (mail);
    baseDN = "@{[ $ldap->people ]}"; hostname = "@{[ $ldap->url ]}";
    bindDN = "@{[ $ldap->reader_dn ]}"; bindPassword = "@{[ $ldap->reader_password ]}";
} );
}
CONF
}

sub start {
    my ($self) = @_;
    my $dir = $self->dir;
    $self->{slapd}->start;
    $self->start_postgres;
    $self->{memcached} = T::Process->start([as('memcache', qw(memcached -l 127.0.0.1
        -U 0 -m 16 -p), $self->{memcached_port})], "$dir/memcached.log");
    $self->folder('spool', 'sogo');
    write_file("$dir/sogo.conf", $self->conf, 0644);
    $self->{sogod} = T::Process->start([qw(unshare -m --propagation private sh -c),
        'mount --bind "$1/sogo.conf" /etc/sogo/sogo.conf && exec setpriv --reuid sogo '
        . '--regid sogo --init-groups env -i HOME="$1/spool" TMPDIR="$1/spool" '
        . 'PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TZ=UTC sogod '
        . '-WONoDetach YES -WOLogFile -', 'sh', $dir], "$dir/sogo.log");
    until_true(sub { $self->request(1, 'GET', '/alice/') }, 60)
        or die "SOGo did not start:\n" . read_file("$dir/sogo.log");
    $self->request($_, 'PROPFIND', '/' . $self->user($_)->{name} . '/Calendar/')
        for 1, 2;    # makes the personal calendars
    return $self;
}

# The status of a request as user $n, 0 without an answer.
sub request {
    my ($self, $n, $method, $path, $type, $content) = @_;
    my $user = $self->user($n);
    my $got = HTTP::Tiny->new(timeout => 30, keep_alive => 0)->request($method,
        $self->url($path), { content => $content // '', headers => {
            'Content-Type' => $type // 'text/plain', Depth => 1,
            Authorization => 'Basic '
                . encode_base64("$user->{name}:$user->{password}", '') } });
    return $got->{status} == 599 ? 0 : $got->{status};
}

sub put {
    my ($self, $n, $name, $icalendar) = @_;
    my $path = '/' . $self->user($n)->{name} . "/Calendar/personal/$name.ics";
    my $status = $self->request($n, 'PUT', $path, 'text/calendar; charset=utf-8',
        $icalendar);
    die "PUT $path: $status\n" if $status !~ /^20/;
}

sub publish {
    my ($self, $n) = @_;
    my $path = '/' . $self->user($n)->{name} . '/Calendar/personal/';
    for my $query ('<add-user user="anonymous"/>', '<set-roles user="anonymous">'
        . '<PublicDAndTViewer/><ConfidentialDAndTViewer/><PrivateDAndTViewer/></set-roles>') {
        $self->request($n, 'POST', $path, 'application/xml; charset=utf-8',
            '<?xml version="1.0"?><acl-query xmlns='
            . qq("urn:inverse:params:xml:ns:inverse-dav">$query</acl-query>));
    }
}

# sogod's watchdog takes ten seconds to end by itself.
sub stop {
    my ($self) = @_;
    $self->{sogod}->stop('KILL');
    $self->{memcached}->stop;
    $self->{postgres}->stop('INT');
    $self->{slapd}->stop;
}

1;

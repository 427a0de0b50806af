#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# GNOME Online Accounts: its daemon makes an Exchange account of an address and
# a password, as the settings of GNOME ask it to over D-Bus.

use strict;
use warnings;
use lib qw(t/lib t/autodiscover);
use T::Netns;
use Test::More;
use Site;
use Ask qw(password);
use T::Dir qw(temp_dir read_file);
use T::Process;
use T::Wait qw(until_true);
use Ways;

my %program = ('goa-daemon' => '/usr/libexec/goa-daemon', map { $_ => "/usr/bin/$_" } qw(gdbus dbus-daemon));
for my $name (sort keys %program) {
    plan skip_all => "$name is not installed (make interop)" unless -x $program{$name};
}

my $site = Site->new->start;
T::Netns::trust($site->{ca}{ca});

# A session bus of its own, settings in memory, secrets in a file.
my $dir = temp_dir();
mkdir "$dir/$_" for qw(home run);
my %session = (HOME => "$dir/home", XDG_RUNTIME_DIR => "$dir/run", GSETTINGS_BACKEND => 'memory',
    GIO_USE_PROXY_RESOLVER => 'dummy', DBUS_SESSION_BUS_ADDRESS => "unix:path=$dir/bus", LC_ALL => 'C.UTF-8',
    SECRET_BACKEND => 'file', SECRET_FILE_TEST_PATH => "$dir/secrets", SECRET_FILE_TEST_PASSWORD => 'x');
my $bus = T::Process->start([$program{'dbus-daemon'}, '--session', '--nofork', "--address=unix:path=$dir/bus"], "$dir/bus.log", \%session);
until_true(sub { -S "$dir/bus" }) or BAIL_OUT('dbus-daemon: ' . read_file("$dir/bus.log"));
my $goa = T::Process->start([$program{'goa-daemon'}, '--replace'], "$dir/goa.log", \%session);

# The answer to a call, or what gdbus says went wrong.
sub call {
    my ($object, $method, @arguments) = @_;
    local %ENV = (%ENV, %session);
    open my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', $program{gdbus}, qw(call --session --timeout 30
        --dest org.gnome.OnlineAccounts --object-path), "/org/gnome/OnlineAccounts$object",
        '--method', "org.gnome.OnlineAccounts.$method", @arguments or die "gdbus: $!\n";
    local $/;
    my $out = <$pipe> // '';
    close $pipe;
    return $out;
}
until_true(sub { call('/Manager', 'Manager.IsSupportedProvider', 'exchange') =~ /true/ }) or BAIL_OUT(read_file("$dir/goa.log"));

# What comes of an account: "valid", or the error of GNOME.
sub account {
    my ($name, $password) = @_;
    my $mail = "$name\@example.test";
    my ($path) = call('/Manager', 'Manager.AddAccount', 'exchange', $mail, $mail,
        "{'password': <'$password'>}", "{'Host': 'example.test', 'AcceptSslErrors': 'false', 'MailEnabled': 'true',"
        . " 'CalendarEnabled': 'true', 'ContactsEnabled': 'true'}") =~ m{/org/gnome/OnlineAccounts(/Accounts/\w+)};
    return 'no account' unless $path;
    my $said = call($path, 'Account.EnsureCredentials');
    call($path, 'Account.Remove');
    return $said =~ /^\(\d+,\)/ ? 'valid' : $said =~ s/\s+$//r;
}

# It knows these two ways, and asks both at once: past a web server that says
# 404 it is luck which answer it takes (3.46).
for my $way ('the domain itself', 'autodiscover. below it') {
    Ways::go($way);
    is(account('alice', password('alice')), 'valid', "an account: $way");
}
Ways::go('the domain itself');
isnt(account('alice', 'wrong'), 'valid', 'not with a wrong password');
isnt(account('bob', password('alice')), 'valid', 'not with that of another');

$goa->stop;
$bus->stop;
$site->stop(qw(AH01617 AH01618));
done_testing();

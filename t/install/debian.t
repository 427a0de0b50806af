#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# make install into a folder, its files beside a copy of Debian's own
# /etc/apache2: a2enmod finds the modules and what they depend on, configtest
# passes, httpd starts with the configuration as shipped.

use strict;
use warnings;
use HTTP::Tiny;
use Test::More;
use lib 't/lib';
use T::Dir qw(top build temp_dir read_file write_file);
use T::Process;
use T::Tree qw(modules files);
use T::Wait qw(until_port free_port);

plan skip_all => 'sanitized modules are not for installing' if $ENV{POSTERN_PRELOAD};
plan skip_all => 'needs /etc/apache2 of Debian' unless -x '/usr/sbin/a2enmod' && -e '/etc/apache2/envvars';

chdir top();
my $dir  = temp_dir();
my $root = "$dir/root";
my $libexec = `apxs -q LIBEXECDIR` =~ s/[;\s]+$//r;
my $etc     = `apxs -q SYSCONFDIR` =~ s/[;\s]+$//r;
my ($b) = build() =~ m{^\Q@{[top()]}\E/(.*)} ? $1 : build();

sub run { my $out = `@_ 2>&1`; return ($? == 0, $out) }
sub make { return run('make', '-s', "B=$b", "DESTDIR=$root", @_) }

# --- install ---

my ($done, $out) = make('install');
ok($done, 'make install DESTDIR=...') or BAIL_OUT($out);
my @modules = modules();
ok(-e "$root$libexec/mod_$_.so", "mod_$_.so is there") for @modules;
for my $module (@modules) {
    ok(-e "$root$etc/mods-available/$module.$_", "$module.$_ is there") for qw(load conf);
}
for my $page (files(qr{^(?:mod_\w+/mod_\w+\.5|smtp-submit/[\w-]+\.[18])$})) {
    my ($name, $section) = $page =~ m{([^/]+\.(\d))$};
    ok(-e "$root/usr/local/share/man/man$section/$name", "$name is there");
}
my ($all, $help) = run("$root/usr/local/bin/smtp-submit --help");
ok($all, 'smtp-submit runs') or diag($help);

# --- a2enmod, configtest, start ---

my ($conf, $port) = ("$dir/etc", free_port());
run("cp -a $etc $conf && cp $root$etc/mods-available/* $conf/mods-available/");
for my $module (@modules) {
    my $load = "$conf/mods-available/$module.load";
    write_file($load, read_file($load) =~ s/\Q$libexec\E/$root$libexec/r);
}
write_file("$conf/ports.conf", "Listen 127.0.0.1:$port\n");
mkdir "$dir/$_" for qw(run log lock state);
write_file("$conf/envvars", read_file("$conf/envvars") . <<"ENV");
export APACHE_RUN_DIR=$dir/run APACHE_PID_FILE=$dir/run/pid
export APACHE_LOG_DIR=$dir/log APACHE_LOCK_DIR=$dir/lock
ENV
$ENV{APACHE_CONFDIR} = $conf;
$ENV{APACHE_STATE_DIRECTORY} = "$dir/state";

($done, $out) = run('/usr/sbin/a2enmod autodiscover rpcproxy freebusy');
ok($done, 'a2enmod autodiscover rpcproxy freebusy') or diag($out);
ok(-l "$conf/mods-enabled/$_.load", "$_ is enabled along") for qw(mailbox ldap);
($done, $out) = run('/usr/sbin/apache2ctl configtest');
ok($done, 'configtest passes') or diag($out);

my $httpd = T::Process->start(['sh', '-c', ". $conf/envvars; exec /usr/sbin/apache2 -d $conf -D FOREGROUND"],
    "$dir/stdout.log");
ok(until_port('127.0.0.1', $port, 30, $httpd->pid)
        && HTTP::Tiny->new(timeout => 10)->get("http://127.0.0.1:$port/none")->{status} == 404,
    'httpd serves with the modules as shipped')
    or diag(read_file("$dir/stdout.log"), read_file("$dir/log/error.log") // '');
is($httpd->stop, 0, 'and ends cleanly');
my @loud = grep { /:(?:error|crit|alert|emerg)\]/ } split /\n/, read_file("$dir/log/error.log") // '';
is("@loud", '', 'and has nothing to complain about');

# --- install again, uninstall ---

my $changed = "$root$etc/mods-available/mailbox.conf";
write_file($changed, read_file($changed) . "# the administrator was here\n");
($done, $out) = make('install');
like(read_file($changed), qr/administrator was here/, 'a changed .conf is kept');
ok(-e "$changed.new", 'and the new one lies beside it');
($done, $out) = make('uninstall');
ok($done, 'make uninstall') or diag($out);
my @left = grep { -f } split /\n/, `find $root`;
is("@left", $changed, 'nothing is left but the changed .conf');

done_testing();

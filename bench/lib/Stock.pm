# SPDX-License-Identifier: Apache-2.0
package Stock;

# Debian's own configuration of apache2 with the modules and files that we ship,
# as a2enmod leaves them, and one file of the administrator.

use strict;
use warnings;
use T::Dir qw(build top write_file read_file);
use T::Process;
use T::Wait qw(until_port free_port);
use Stage qw(stage dir);

# Starts it in $name below the stage's folder; $site is the administrator's
# file, outside any virtual host.  Returns port, pid and process.
sub httpd {
    my ($name, $site, @modules) = @_;
    my ($conf, $port, $dir) = (dir() . "/$name", free_port(), dir());
    system('cp', '-a', '/etc/apache2', $conf) == 0 or die "cannot copy /etc/apache2\n";
    for my $file (glob top() . '/conf/*.load') {
        my ($module) = $file =~ m{([^/]+)\.load$};
        my $load = read_file($file) =~ s{/usr/lib/apache2/modules/(?=mod_\Q$module\E\.so)}{build() . '/modules/'}er;
        write_file("$conf/mods-available/$module.load", $load);
        write_file("$conf/mods-available/$module.conf", read_file($file =~ s/load$/conf/r));
    }
    write_file("$conf/ports.conf", "Listen 127.0.0.1:$port\n");
    write_file("$conf/conf-enabled/site.conf", $site);
    mkdir "$dir/$name-$_" for qw(run log lock state);
    write_file("$conf/envvars", read_file("$conf/envvars") . <<"ENV");
export APACHE_RUN_DIR=$dir/$name-run APACHE_PID_FILE=$dir/$name-run/pid
export APACHE_LOG_DIR=$dir/$name-log APACHE_LOCK_DIR=$dir/$name-lock
ENV
    local %ENV = (%ENV, APACHE_CONFDIR => $conf, APACHE_STATE_DIRECTORY => "$dir/$name-state");
    system("/usr/sbin/a2enmod -q @modules >$dir/$name-a2enmod.log 2>&1") == 0
        or die read_file("$dir/$name-a2enmod.log");
    my $process = T::Process->start(
        ['sh', '-c', ". $conf/envvars; ulimit -n 8192; exec /usr/sbin/apache2 -d $conf -D FOREGROUND"],
        "$dir/$name-stdout.log");
    until_port('127.0.0.1', $port, 30, $process->pid)
        or die "apache2 did not start:\n" . read_file("$dir/$name-stdout.log") . (read_file("$dir/$name-log/error.log") // '');
    return { port => $port, pid => $process->pid, process => $process };
}

# The same with nothing of the administrator but what a back end and twenty users,
# u0 to u19, need: the tunnel as shipped.
sub rpc_proxy {
    return stage(stock_rpc_proxy => sub {
        my ($back, $dir) = (Stage::rpc_server()->{port}, dir());
        my $people = join "\n", map {
            "user: u$_\npassword: {SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nmail: u$_\@example.test\nname: U $_\n" } 0 .. 19;
        my $file = write_file("$dir/people", $people, 0644);
        mkdir "$dir/site";
        write_file("$dir/site/page.html", 'x' x 1000);
        chmod 0755, $dir, "$dir/site";
        return httpd('stock', <<"CONF", 'rpcproxy');
ServerName mail.example.test
MailboxFile $file
RPCProxyBackend bench.example.test 6001 127.0.0.1:$back
Alias /site $dir/site
<Directory $dir/site>
    Require all granted
</Directory>
CONF
    });
}

1;

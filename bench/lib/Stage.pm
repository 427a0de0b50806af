# SPDX-License-Identifier: Apache-2.0
package Stage;

# The servers that measurements run against.  Each is started by the first row
# that needs it and lives until the end, so that rounds are interleaved.

use strict;
use warnings;
use T::Ca;
use T::Dir qw(build temp_dir write_file read_file);
use T::Httpd;
use T::Process;
use T::Wait qw(until_true until_port free_port);
use Exporter 'import';
our @EXPORT_OK = qw(stage ca dir user_file mailbox_file mailbox_login);

my %made;
my $dir;

sub dir { $dir //= temp_dir() }

# The server called $name, made by $make at the first call.
sub stage {
    my ($name, $make) = @_;
    return $made{$name} //= $make->();
}

sub ca { stage(ca => sub { T::Ca->make(dir()) }) }

# A file for AuthUserFile: alice with the password "secret", in a hash that
# costs next to nothing, so that the hash is not what is measured.
sub user_file {
    return stage(users => sub {
        write_file(dir() . '/users', "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
    });
}

# alice for mod_mailbox, with the same password.
sub mailbox_file {
    return stage(mailboxes => sub {
        write_file(dir() . '/mailboxes', <<"FILE", 0644);
user: alice
password: {SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
mail: alice\@example.test
name: Alice Smith
FILE
    });
}

# What a location needs so that alice logs in, cached.
sub mailbox_login { <<'CONF' }
AuthType Basic
AuthName bench
AuthBasicProvider socache mailbox
AuthnCacheProvideFor mailbox
AuthnCacheTimeout 600
Require valid-user
CONF

# The DCE/RPC back end; its port.
sub rpc_server {
    return stage(rpc_server => sub {
        my $port = free_port();
        my $process = T::Process->start([build() . '/bench/rpc_server', "127.0.0.1:$port"],
            dir() . '/rpc_server.log');
        until_port('127.0.0.1', $port, 10, $process->pid) or die "rpc_server did not start\n";
        { port => $port, process => $process };
    });
}

# haproxy in front of the back end: plain TCP, and TLS ended there.
sub haproxy {
    return stage(haproxy => sub {
        my ($plain, $tls, $back) = (free_port(), free_port(), rpc_server()->{port});
        my $ca = ca();
        write_file(dir() . '/haproxy.pem', read_file($ca->{server}) . read_file($ca->{key}));
        my $conf = write_file(dir() . '/haproxy.cfg', <<"CFG");
global
  maxconn 4000
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen plain
  bind 127.0.0.1:$plain
  server back 127.0.0.1:$back
listen tls
  bind 127.0.0.1:$tls ssl crt @{[dir()]}/haproxy.pem
  server back 127.0.0.1:$back
CFG
        my $process = T::Process->start(['/usr/sbin/haproxy', '-db', '-f', $conf], dir() . '/haproxy.log');
        until_port('127.0.0.1', $_, 10, $process->pid) or die "haproxy did not start\n" for $plain, $tls;
        { port => $plain, tls_port => $tls, pid => $process->pid, process => $process };
    });
}

# One child, so that nothing starts or ends while we measure.
our $one_child = <<'CONF';
ServerLimit 1
ThreadLimit 12000
ThreadsPerChild 64
MinSpareThreads 64
MaxSpareThreads 64
MaxRequestWorkers 64
AsyncRequestWorkerFactor 200
LogLevel warn
CONF
# The same with what mod_rpcproxy(5) says of a server for tunnels alone: 8
# workers, and no thread more for thousands of them.
our $few_threads = $one_child =~ s/\b64\b/8/gr =~ s/(?<=Factor )200/4000/r;
# The same where each connection keeps a thread.
my $many_threads = $one_child =~ s/\b64\b/800/gr;

# httpd's own way to a TCP back end.
sub new_connect_proxy {
    my $back = rpc_server()->{port};
    return T::Httpd->new(load => [qw(proxy proxy_connect)], tls => ca(), main => $many_threads,
        conf => "ProxyRequests On\nAllowCONNECT $back\nProxyTimeout 3600\n")->start;
}
sub connect_proxy { stage(connect_proxy => \&new_connect_proxy) }

# The tunnel.
sub new_rpc_proxy {
    my ($main) = @_;
    my ($back, $users) = (rpc_server()->{port}, user_file());
    return T::Httpd->new(modules => ['rpcproxy'], tls => ca(), main => $main // $one_child, conf => <<"CONF")->start;
<Location /rpc/rpcproxy.dll>
  AuthType Basic
  AuthName bench
  AuthBasicProvider file
  AuthUserFile $users
  Require valid-user
  RPCProxy On
  RPCProxyMaxTunnelsPerUser 0
  RPCProxyBackend bench.example.test 6001 127.0.0.1:$back
</Location>
CONF
}
sub rpc_proxy { stage(rpc_proxy => \&new_rpc_proxy) }

1;

# SPDX-License-Identifier: Apache-2.0
package T::Radicale;

# A throw-away Radicale: calendars and address books, one folder a user.
#
#   my $radicale = T::Radicale->new(users => { alice => 'secret', ... })->start;
#   $radicale->port, $radicale->stop
#
# Its user postern (password master) may read what belongs to anybody.  port =>
# NUMBER for a certain one.

use strict;
use warnings;
use T::Dir qw(temp_dir write_file read_file);
use T::Process;
use T::Wait qw(free_port until_port);

sub new {
    my ($class, %self) = @_;
    return bless { port => free_port(), %self, dir => temp_dir() }, $class;
}

# What is missing here, or undef.
sub missing { -x '/usr/bin/radicale' ? undef : 'Radicale is not installed' }

sub port { $_[0]{port} }

sub start {
    my ($self) = @_;
    my ($dir, $users) = @$self{qw(dir users)};
    write_file("$dir/users", join '', "postern:master\n", map { "$_:$users->{$_}\n" } sort keys %$users);
    write_file("$dir/rights", <<'RIGHTS');
[root]
user: .+
collection:
permissions: R
[owner]
user: .+
collection: {user}(/.*)?
permissions: RrWw
[postern]
user: postern
collection: .*
permissions: Rr
RIGHTS
    write_file("$dir/config", <<"CONFIG");
[server]
hosts = 127.0.0.1:$self->{port}
[auth]
type = htpasswd
htpasswd_filename = $dir/users
htpasswd_encryption = plain
delay = 0
[rights]
type = from_file
file = $dir/rights
[storage]
filesystem_folder = $dir/collections
[web]
type = none
CONFIG
    $self->{process} = T::Process->start(['radicale', '--config', "$dir/config"], "$dir/log");
    until_port('127.0.0.1', $self->{port}, 30, $self->{process}->pid) or die read_file("$dir/log");
    return $self;
}

sub stop { $_[0]{process}->stop }

1;

# SPDX-License-Identifier: Apache-2.0
package T::RpcProxy;

# What nearly each test of the tunnel says to httpd.
#
#   T::Httpd->new(modules => ['rpcproxy'], conf => <<"CONF" . rpc_location('/rpc/'))
#   rpc_users($httpd, qw(alice bob));   # with the password "password"

use strict;
use warnings;
use Exporter qw(import);
use T::Dir qw(write_file);

our @EXPORT_OK = qw(rpc_location rpc_users);

# The proxy below a path, or where a pattern (of LocationMatch) holds, for those
# who log in with a password; @more are further lines.
sub rpc_location {
    my ($path, @more) = @_;
    my $section = $path =~ m{^/} ? 'Location' : 'LocationMatch';
    return join "\n", qq{<$section "$path">}, (map { "    $_" } 'RPCProxy On', @more,
        'AuthType Basic', 'AuthName Mail', 'AuthUserFile "@DIR@/users"', 'Require valid-user'), "</$section>";
}

sub rpc_users {
    my ($httpd, @names) = @_;
    write_file($httpd->dir . '/users', join '', map { "$_:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n" } @names);
}

1;

# SPDX-License-Identifier: Apache-2.0
package T::Kerberos;

# Kerberos of a T::Samba: the key of a web server, and tickets of users.
#
#   T::Kerberos::keytab($dc, 'mail.example.test', "$dir/http.keytab");
#   my %env = T::Kerberos::login($dc, $dc->user(1), $dir);
#   { local %ENV = (%ENV, %env); ... curl --negotiate -u : ... }

use strict;
use warnings;

# Why there is no Kerberos here, or undef.
sub missing {
    return 'kinit is not installed (make deps)' if system('command -v kinit >/dev/null') != 0;
    return 'mod_auth_gssapi is not installed (make deps)'
        unless -e '/usr/lib/apache2/modules/mod_auth_gssapi.so';
    return undef;
}

sub run {
    my ($what, @command) = @_;
    open my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>&1 </dev/null', 'sh', @command or die "$command[0]: $!\n";
    my $out = do { local $/; <$pipe> };
    close $pipe or die "$what failed:\n$out";
}

# An account for the service HTTP on $host, and its keys in $file, which httpd
# may read.
sub keytab {
    my ($dc, $host, $file) = @_;
    my $conf = '--configfile=' . $dc->smb_conf;
    local $ENV{KRB5_CONFIG} = $dc->krb5_conf;
    (my $account = "http-$host") =~ s/\..*//;
    run('the account', 'samba-tool', 'user', 'create', $account, 'Service-secret1', $conf);
    run('its name', 'samba-tool', 'spn', 'add', "HTTP/$host", $account, $conf);
    run('its keys', 'samba-tool', 'domain', 'exportkeytab', $file, "--principal=HTTP/$host", $conf);
    chown 0, scalar(getgrnam 'www-data'), $file;
    chmod 0640, $file;
    return $file;
}

# Logs a user in; yields the environment that his programs need.
sub login {
    my ($dc, $user, $dir) = @_;
    my %env = (KRB5_CONFIG => $dc->krb5_conf, KRB5CCNAME => "FILE:$dir/$user->{name}.ticket");
    local %ENV = (%ENV, %env);
    open my $kinit, '|-', 'sh', '-c', 'exec kinit "$1" >/dev/null', 'sh', $user->{name} . '@' . $dc->realm
        or die "kinit: $!\n";
    print $kinit "$user->{password}\n";
    close $kinit or die "kinit of $user->{name} failed\n";
    return %env;
}

1;

# SPDX-License-Identifier: Apache-2.0
package T::Directory;

# How mod_mailbox asks a throw-away directory (T::Samba or T::Slapd) over
# ldaps, as its reader: lines for the main part of T::Httpd.

use strict;
use warnings;
use T::Dir qw(write_file);
use Exporter 'import';
our @EXPORT_OK = qw(directory_conf);

# $dir holds the reader's password; $ca is the T::Ca behind the directory's
# certificate; $where is the URL's base, scope and filter.  No newline at the
# end.
sub directory_conf {
    my ($dir, $ca, $directory, $where) = @_;
    write_file("$dir/secret", $directory->reader_password . "\n");
    return join "\n",
        'LDAPTimeout 4', 'LDAPConnectionTimeout 3', 'LDAPRetries 1',
        "LDAPTrustedGlobalCert CA_BASE64 $ca->{ca}",
        'MailboxLDAPURL "' . $directory->ldaps_url . "/$where\"",
        'MailboxLDAPBindDN ' . $directory->reader_dn,
        "MailboxLDAPBindPassword file:$dir/secret";
}

1;

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Each wrong directive stops configtest with a sentence that names it, and the
# shipped configuration passes.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Dir qw(temp_dir top write_file read_file);
use T::Httpd;

my $dir = temp_dir();
write_file("$dir/secret", "read-only\n");
write_file("$dir/empty",  "\n");
write_file("$dir/people", "user: alice\nmail: alice\@example.test\n");
write_file("$dir/broken", "user: alice\n\nmail: x\@example.test\n");
write_file("$dir/ask", "#!/bin/sh\necho \"secret of \$1\"\n", 0755);

my $httpd = T::Httpd->new(modules => ['mailbox'], load => ['ldap']);

# (passed, output) with these lines in the server.
sub try {
    my ($lines, %more) = @_;
    $httpd->configure(conf => '', load => ['ldap'], main => $lines, %more);
    return $httpd->configtest;
}

my $limits = "LDAPTimeout 4\nLDAPConnectionTimeout 3\nLDAPRetries 1\n";
my $url    = 'MailboxLDAPURL ldaps://dc1.example.test/DC=example,DC=test';

# --- right ---

my @right = (
    'MailboxDomain EXAMPLE example.test',
    "MailboxFile $dir/people",
    $url,
    'MailboxLDAPURL "ldaps://dc1.example.test:1636 dc2.example.test [::1]:636/DC=example%20x,DC=test??one?(&(a=b)(!(c=d)))"',
    'MailboxLDAPURL ldap://dc1.example.test/DC=example,DC=test STARTTLS',
    'MailboxLDAPURL ldap://dc1.example.test/DC=example,DC=test',
    'MailboxLDAPURL ldaps://dc1/o=x??sub?mail=*',
    "$url\nMailboxLDAPBindDN cn=reader\nMailboxLDAPBindPassword file:$dir/secret",
    "$url\nMailboxLDAPBindDN cn=reader\nMailboxLDAPBindPassword \"exec:$dir/ask reader\"",
    "MailboxLDAPAttribute user uid\nMailboxLDAPAttribute UPN none\nMailboxLDAPAttribute guid entryUUID",
    'MailboxLDAPTimeout 500ms', 'MailboxLDAPTimeout 60', 'MailboxEnv On',
    'MailboxLoginCache 60', 'MailboxLoginCache Off',
    'MailboxCache shmcb', 'MailboxCacheTime 60', 'MailboxCacheTime 60 0', 'MailboxCacheTime off');
for my $lines (@right) {
    my ($passed, $out) = try($limits . $lines);
    ok($passed, "right: $lines") or diag($out);
    unlike($out, qr/PN1\d{4}/, 'and nothing is said about it');
}

# --- wrong ---

my @wrong = (
    ['MailboxDomain EXAMPLE\alice', 'MailboxDomain: "EXAMPLE\\\\alice" is no domain; write EXAMPLE or example.com'],
    ['MailboxDomain ""', 'MailboxDomain requires at least one argument'],
    ["MailboxFile $dir/none", 'MailboxFile: ' . $dir . '/none: No such file'],
    ["MailboxFile $dir", 'MailboxFile: ' . $dir . ': is no regular file'],
    ["MailboxFile $dir/broken", "MailboxFile: $dir/broken: line 3: paragraph does not start with user:"],
    ['MailboxLDAPURL dc1.example.test', 'MailboxLDAPURL: "dc1.example.test" is no URL; write ldaps://'],
    ['MailboxLDAPURL https://dc1.example.test/o=x', 'must start with ldaps:// or ldap://'],
    ['MailboxLDAPURL ldapi:///o=x', 'must start with ldaps:// or ldap://'],
    ['MailboxLDAPURL ldaps:///o=x', 'names no host'],
    ['MailboxLDAPURL ldaps://dc1_!/o=x', 'has a host that is none'],
    ['MailboxLDAPURL ldaps://dc1:0/o=x', 'has a port that is no number from 1 to 65535'],
    ['MailboxLDAPURL ldaps://dc1:ldap/o=x', 'has a port that is no number'],
    ['MailboxLDAPURL ldaps://dc1', 'names no base'],
    ['MailboxLDAPURL ldaps://dc1/o=%zz', 'has a % that is not followed by two hexadecimal digits'],
    ['MailboxLDAPURL ldaps://dc1/o=x?uid', 'names attributes; leave that part empty and use MailboxLDAPAttribute'],
    ['MailboxLDAPURL ldaps://dc1/o=x??tree', 'has a scope other than sub and one'],
    ['MailboxLDAPURL ldaps://dc1/o=x??base', 'has a scope other than sub and one'],
    ['MailboxLDAPURL ldaps://dc1/o=x???(a=b', 'has a filter whose parentheses do not match'],
    ['MailboxLDAPURL ldaps://dc1/o=x???(a=b)(c=d)', 'has a filter whose parentheses do not match'],
    ['MailboxLDAPURL ldaps://dc1/o=x????bindname=x', 'has extensions'],
    ['MailboxLDAPURL ldaps://dc1/o=x STARTTLS', 'MailboxLDAPURL: STARTTLS goes with ldap://'],
    ['MailboxLDAPURL ldap://dc1/o=x SSL', '"SSL" behind the URL can only be STARTTLS'],
    ['MailboxLDAPBindDN ""', 'MailboxLDAPBindDN takes one argument'],
    ["MailboxLDAPBindPassword file:$dir/none", "MailboxLDAPBindPassword: $dir/none: No such file"],
    ["MailboxLDAPBindPassword file:$dir/empty", 'MailboxLDAPBindPassword: is empty'],
    ['MailboxLDAPBindPassword ""', 'MailboxLDAPBindPassword takes one argument'],
    ['MailboxLDAPBindPassword exec:/bin/true', '"/bin/true" cannot be run or prints nothing'],
    ["MailboxLDAPBindPassword exec:$dir/nothing", 'cannot be run or prints nothing; write exec:/path/program arguments'],
    ['MailboxLDAPAttribute login uid', 'MailboxLDAPAttribute: "login" is no role; write user, upn, mail'],
    ['MailboxLDAPAttribute user none', 'the role user needs an attribute; write its name, such as sAMAccountName'],
    ['MailboxLDAPAttribute mail "(mail=*)"', '"(mail=*)" is no name of an attribute; write a name such as mail'],
    ['MailboxLDAPTimeout 0', 'MailboxLDAPTimeout: write seconds from 1 to 60'],
    ['MailboxLDAPTimeout 61', 'MailboxLDAPTimeout: write seconds from 1 to 60'],
    ['MailboxLDAPTimeout soon', 'MailboxLDAPTimeout: write seconds from 1 to 60'],
    ["MailboxLDAPURL ldap://dc1/o=x\nMailboxLDAPBindDN cn=x\nMailboxLDAPBindPassword file:$dir/secret",
        'MailboxLDAPBindDN: would send its password in clear'],
    ["$url\nMailboxLDAPBindDN cn=x", 'MailboxLDAPBindDN: has no password; write MailboxLDAPBindPassword file:'],
    ["MailboxLDAPBindDN cn=x\n<Location /a>\n$url\n</Location>", 'MailboxLDAPBindDN: has no password'],
    ['MailboxLoginCache 0', 'MailboxLoginCache: write Off, or seconds from 1 to 3600'],
    ['MailboxLoginCache 3601', 'MailboxLoginCache: write Off, or seconds from 1 to 3600'],
    ['MailboxLoginCache yes', 'MailboxLoginCache: write Off, or seconds from 1 to 3600'],
    (map { ["MailboxCacheTime $_", 'MailboxCacheTime: write Off, or seconds from 1 to 3600'] }
        '0', '3601', 'yes', '60 -1', '60 3601', 'off 1'),
    ["<Location /x>\nAuthnCacheProvideFor mailbox\n</Location>", 'AuthnCacheProvideFor: needs mod_authn_socache; load it'],
    ['MailboxCache nothing', 'MailboxCache: there is no provider "nothing"; write shmcb'],
    ["<Location /a>\nMailboxCache shmcb\n</Location>", 'MailboxCache'],
    ['MailboxEnv Maybe', 'MailboxEnv must be On or Off']);
for my $row (@wrong) {
    my ($lines, $sentence) = @$row;
    my ($passed, $out) = try($limits . $lines);
    ok(!$passed, "wrong: $lines");
    like($out, qr/\Q$sentence\E/, "says: $sentence");
}

# --- in doubt ---

my ($passed, $out) = try($limits . "MailboxLDAPBindPassword in-the-open");
ok($passed, 'a password in the configuration passes');
like($out, qr/PN10001: .*better write file:/, 'with a warning');
unlike($out, qr/in-the-open/, 'that does not repeat it');
($passed, $out) = try($url);
ok($passed, "mod_ldap's own time limits pass");
like($out, qr/PN10048: a dead directory can hold a request for 100 seconds; write LDAPTimeout 4/,
    'with a warning');
($passed, $out) = try($url, load => []);
ok(!$passed, 'MailboxLDAPURL without mod_ldap is refused');
like($out, qr/MailboxLDAPURL: needs mod_ldap; load it \(a2enmod ldap\)/, 'with a sentence');
($passed, $out) = try('<Directory /tmp>' . "\nAllowOverride All\n</Directory>");
ok($passed, 'no directive is needed');

# --- as shipped ---

my $shipped = read_file(top() . '/conf/mailbox.conf');
($passed, $out) = try($shipped);
ok($passed, 'conf/mailbox.conf passes') or diag($out);
($passed, $out) = try($shipped, load => []);
ok($passed, 'even without mod_ldap') or diag($out);
# Every example in it, with the paths of this test.
(my $whole = $shipped) =~ s{^#(?=[A-Z< ]+\w*[ >"])(?! )}{}mg;
$whole =~ s{^#(?=    \w|<)}{}mg;
$whole =~ s{/etc/apache2/mailboxes}{$dir/people}g;
$whole =~ s{/etc/apache2/mailbox\.secret}{$dir/secret}g;
$whole =~ s{^.*LDAPTrustedGlobalCert.*\n}{}mg;
like($whole, qr/^MailboxLDAPURL/m, 'its examples are taken in');
($passed, $out) = try($whole, load => [qw(ldap socache_memcache authn_socache)]);
ok($passed, 'its examples pass') or diag($out);

done_testing();

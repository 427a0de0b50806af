#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Groups, filters and delegates in Samba's directory: who gets in, and who may
# ask about whom.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Ca;
use T::Curl;
use T::Directory qw(directory_conf);
use T::Dir qw(temp_dir write_file);
use T::Httpd;
use T::Samba;

my $missing = T::Samba->missing;
plan skip_all => $missing if $missing;

my $dir = temp_dir();
my $ca  = T::Ca->make("$dir");
my $dc  = T::Samba->new(ca => $ca, services => 'rpc ldap cldap kdc')->start;
my $base = $dc->base;
my ($alice, $bob, $carol, $dave) = map { $dc->user($_) } 1 .. 4;

sub dn { return "CN=\u$_[0] Example,CN=Users,$base" }
sub change {
    my ($ldif) = @_;
    write_file("$dir/ldif", $ldif);
    local $ENV{LDAPTLS_CACERT} = $ca->{ca};
    my $out = `ldapmodify -x -H '@{[$dc->ldaps_url]}' -D 'CN=Administrator,CN=Users,$base' -w '@{[$dc->admin_password]}' -f '$dir/ldif' 2>&1`;
    is($?, 0, 'the directory is set up') or diag($out);
}
# alice is in Mail; bob is in Inner, which is in Mail.  A name with what LDAP escapes.
change(<<"LDIF");
dn: CN=Inner,CN=Users,$base
changetype: add
objectClass: group
member: @{[ dn('bob') ]}

dn: CN=Mail (all),CN=Users,$base
changetype: add
objectClass: group
member: @{[ dn('alice') ]}
member: CN=Inner,CN=Users,$base

dn: @{[ dn('carol') ]}
changetype: modify
replace: department
department: Sales
-
replace: secretary
secretary: @{[ dn('bob') ]}
LDIF

my $login = "AuthType Basic\nAuthName Mail\nAuthBasicProvider mailbox\n";
my $httpd = T::Httpd->new(modules => [qw(mailbox autodiscover)], load => [qw(ldap)],
    main => <<"CONF", conf => <<"LOCATIONS")->start;
MailboxDomain EXAMPLE example.test
@{[ directory_conf($dir, $ca, $dc, $base) ]}
CONF
Autodiscover On
AutodiscoverServerName mail.example.test
<Location "/group">
    $login
    Require mailbox-group CN=Mail (all),CN=Users,$base
</Location>
<Location "/quoted">
    $login
    MailboxLoginCache 60
    Require mailbox-group "CN=Mail (all),CN=Users,$base"
</Location>
<Location "/forbidden">
    $login
    AuthzSendForbiddenOnFailure On
    Require mailbox-group CN=Mail (all),CN=Users,$base
</Location>
<Location "/gone">
    $login
    Require mailbox-group CN=None,CN=Users,$base
</Location>
<Location "/sales">
    $login
    Require mailbox-filter (department=sales)
</Location>
<Location "/autodiscover">
    $login
    Require valid-user
    MailboxDelegateAttribute msExchDelegateListLink secretary
    MailboxDelegate carol bob\@example.test dave
</Location>
<If "-n req('X-Group')">
    MailboxDelegateGroup "CN=Inner,CN=Users,$base"
</If>
<If "-n req('X-None')">
    MailboxDelegateAttribute none
</If>
LOCATIONS
my $curl = T::Curl->new(base => $httpd->url);
sub status { my ($path, $user, @more) = @_; return $curl->get($path, user => "$user->{name}:$user->{password}", @more)->{status} }

subtest 'Require mailbox-group' => sub {
    for my $path ('/group', '/quoted', '/quoted') {
        is(status($path, $alice), 404, "$path: a member");
        is(status($path, $bob), 404, 'a member of a group in it');
        is(status($path, $carol), 401, 'somebody else');
        is($curl->get($path)->{status}, 401, 'nobody');
    }
    is($curl->get('/group', user => "EXAMPLE\\alice:$alice->{password}")->{status}, 404, 'by another form of name');
    is(status('/forbidden', $carol), 403, 'as httpd can say it');
    is(status('/gone', $alice), 401, 'a group that is not there has no members');
    is($curl->get('/group', user => 'alice:wrong')->{status}, 401, 'a wrong password is no group matter');
};

subtest 'Require mailbox-filter' => sub {
    is(status('/sales', $carol), 404, 'matches');
    is(status('/sales', $alice), 401, 'does not');
};

# What autodiscover says to $who of $target's mailbox: its DN, or an error code.
sub asks {
    my ($who, $target, @more) = @_;
    my $answer = $curl->post('/autodiscover/autodiscover.xml', <<"XML", user => "$who->{name}:$who->{password}", @more);
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
<Request><EMailAddress>$target</EMailAddress>
<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>
</Request></Autodiscover>
XML
    return $answer->{body} =~ m{<LegacyDN>.*/cn=(\w+)</LegacyDN>|<ErrorCode>(\d+)</ErrorCode>} ? $1 // $2 : $answer->{status};
}

subtest 'who may ask about whom' => sub {
    my $unknown = asks($alice, 'nobody@example.test');
    like($unknown, qr/^\d+$/, 'an unknown mailbox has an error code');
    is(asks($alice, $alice->{mail}), 'alice', 'oneself');
    is(asks($alice, $alice->{alias}), 'alice', 'by an alias');
    is(asks($alice, $bob->{mail}), $unknown, 'somebody else is as unknown');
    is(asks($bob, $carol->{mail}), 'carol', "carol's delegate, by the directory");
    is(asks($bob, $carol->{alias}), 'carol', 'by her alias');
    is(asks($carol, $bob->{mail}), 'bob', 'MailboxDelegate, by address');
    is(asks($carol, $alice->{mail}), $unknown, 'and nobody further');
    is(asks($bob, $alice->{mail}), $unknown, 'bob has no business with alice');
    is(asks($bob, $alice->{mail}, header => ['X-Group: 1']), 'alice', 'as member of MailboxDelegateGroup he has');
    is(asks($alice, $bob->{mail}, header => ['X-Group: 1']), $unknown, 'others still not');
    is(asks($bob, $carol->{mail}, header => ['X-None: 1']), $unknown, 'MailboxDelegateAttribute none');
};

$dc->kill;
is(status('/quoted', $alice), 503, 'no directory: 503');
is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(PN10041 PN10047 PN10066 AH01617 AH01618 AH01631));

subtest 'directives' => sub {
    for my $row (
        ["<Location />\nRequire mailbox-group Mail\n</Location>", 'distinguished name'],
        ["<Location />\nRequire mailbox-group\n</Location>", 'distinguished name'],
        ["<Location />\nRequire mailbox-filter department=x\n</Location>", 'in parentheses'],
        ['MailboxDelegateAttribute "a b"', 'is no name of an attribute'],
        ['MailboxDelegateGroup Mail', 'is no distinguished name'],
        ['MailboxDelegate EXAMPLE\alice bob', 'is no account'], ['MailboxDelegate alice', 'requires'])
    {
        my $try = T::Httpd->new(modules => ['mailbox'], load => ['ldap'], main => $row->[0]);
        my ($passed, $out) = $try->configtest;
        ok(!$passed && $out =~ /\Q$row->[1]/, $row->[0]) or diag $out;
    }
};
done_testing();

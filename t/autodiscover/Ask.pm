# SPDX-License-Identifier: Apache-2.0
package Ask;

# What the autodiscover tests have in common: a server with a mailbox file,
# requests as clients send them, and answers checked against their schema.
#
#   my $httpd = Ask::server(conf => 'AutodiscoverServerName mail.example.test');
#   my $ask = Ask->new($httpd, user => 'alice:Secret-alice1');
#   my $answer = $ask->pox(address => 'alice@example.test');
#   $answer->{status}, {body}; value($answer, 'EXCH', 'EwsUrl'); code($answer)

use strict;
use warnings;
use Digest::SHA qw(sha1_base64);
use Test::More;
use T::Curl;
use T::Dir qw(temp_dir write_file top);
use T::Httpd;
use Exporter 'import';
our @EXPORT_OK = qw(request xpath value code valid password login_section);

my $microsoft = 'http://schemas.microsoft.com/exchange/autodiscover';
our %schema = (
    outlook    => "$microsoft/outlook/responseschema/2006a",
    mobilesync => "$microsoft/mobilesync/responseschema/2006",
);

sub password { "Secret-$_[0]1" }

# Alice and bob with everything (bob on a host of his own), carol without LegacyDN, dave without address,
# erika in a domain whose name is no host name, frank in one that no test
# serves, plus+tag with odd characters.
sub mailboxes {
    my $dn = '/o=First Organization/ou=Exchange Administrative Group '
        . '(FYDIBOHF23SPDLT)/cn=Recipients';
    my $hash = sub { '{SHA}' . sha1_base64(password($_[0])) . '=' };
    my $text = '';
    for my $name (qw(alice bob)) {
        $text .= "user: $name\npassword: " . $hash->($name) . "\n"
            . "mail: $name\@example.test\nalias: $name.alias\@example.test\n"
            . 'name: ' . ucfirst($name) . " Example <&>\nlegacydn: $dn/cn=$name\n"
            . "guid: 11111111-2222-3333-4444-00000000000" . length($name) . "\n"
            . ($name eq 'bob' ? "host: store.example.test\n\n" : "\n");
    }
    $text .= "user: carol\npassword: " . $hash->('carol') . "\nmail: carol\@other.test\n\n"
        . "user: dave\npassword: " . $hash->('dave') . "\n\n"
        . "user: erika\npassword: " . $hash->('erika') . "\nmail: erika\@b\xc3\xbccher.test\n\n"
        . "user: frank\npassword: " . $hash->('frank') . "\nmail: frank\@unserved.test\n\n"
        . "user: plus\npassword: " . $hash->('plus') . "\nmail: plus+tag%41\@example.test\n\n";
    return $text;
}

# What a location needs for people to log in.
sub login_section {
    my ($pattern) = @_;
    return <<"CONF";
<LocationMatch "(?i)$pattern">
    AuthType Basic
    AuthName "Mail"
    AuthBasicProvider mailbox
    Require valid-user
</LocationMatch>
CONF
}

# T::Httpd with the mailbox file and a login below /autodiscover/, not started.
sub server {
    my (%more) = @_;
    my $dir = temp_dir();
    write_file("$dir/mailboxes", mailboxes(), 0644);
    # Without kept connections none is left when the server is stopped.
    my $main = "KeepAlive Off\nMailboxFile $dir/mailboxes\nMailboxDomain EXAMPLE example.test\n"
        . "LogLevel autodiscover:debug\n" . login_section('^/autodiscover/.*\.(?:xml|svc)$');
    my $httpd = T::Httpd->new(
        modules => [qw(mailbox autodiscover)], %more,
        load => [qw(ldap), @{ $more{load} // [] }],
        main => $main . ($more{main} // ''),
        conf => "Autodiscover On\n" . ($more{conf} // ''));
    $httpd->{mailbox_dir} = $dir;
    return $httpd;
}

sub new {
    my ($class, $httpd, %self) = @_;
    return bless { curl => T::Curl->new(base => $httpd->url, %self) }, $class;
}

sub curl { $_[0]{curl} }

# A request document: address or legacydn, schema (outlook) or another text.
sub request {
    my (%ask) = @_;
    my ($element, $value) = defined $ask{legacydn}
        ? (LegacyDN => $ask{legacydn}) : (EMailAddress => $ask{address});
    my $name = $ask{schema} // 'outlook';
    my $for  = $name eq 'mobilesync' ? 'mobilesync' : 'outlook';
    my $accept = $schema{$name} // $name;
    return qq{<?xml version="1.0" encoding="utf-8"?>\r\n}
        . qq{<Autodiscover xmlns="$microsoft/$for/requestschema/2006"><Request>}
        . "<$element>$value</$element>"
        . "<AcceptableResponseSchema>$accept</AcceptableResponseSchema>"
        . '</Request></Autodiscover>';
}

# Posts a request; body => ... instead of the parts of one, path => another
# path, anything else goes to T::Curl.
sub pox {
    my ($self, %ask) = @_;
    my %to_curl = map { $_ => $ask{$_} }
        grep { !/^(?:address|legacydn|schema|body|path)$/ } keys %ask;
    return $self->{curl}->post($ask{path} // '/autodiscover/autodiscover.xml',
        $ask{body} // request(%ask), %to_curl);
}

sub xpath {
    my ($answer, $xpath) = @_;
    my $dir = temp_dir();
    write_file("$dir/answer.xml", $answer->{body});
    my $out = `xmllint --nonet --xpath '$xpath' $dir/answer.xml 2>/dev/null`;
    chomp $out;
    return $out;
}

# The text of an element: value($answer, 'EXCH', 'EwsUrl') of the protocol of
# that type, value($answer, 'DisplayName') of the first one in the document.
sub value {
    my ($answer, @path) = @_;
    my $element = pop @path;
    my $of = @path ? "//*[local-name()=\"Protocol\"][*[local-name()=\"Type\"]=\"$path[0]\"]/" : '//';
    return xpath($answer, "string($of*[local-name()=\"$element\"])");
}

# The error code of a schema-valid error document with status 200, else a text
# that says what is wrong.
sub code {
    my ($answer) = @_;
    return "status $answer->{status}" unless $answer->{status} == 200;
    return 'no valid document' unless valid($answer, quiet => 1);
    return value($answer, 'ErrorCode') || 'no error';
}

# 1 when the answer keeps to the schema file (pox.rng unless said otherwise).
sub valid {
    my ($answer, %how) = @_;
    my $dir = temp_dir();
    my $rng = top() . '/t/autodiscover/' . ($how{schema} // 'pox.rng');
    write_file("$dir/answer.xml", $answer->{body});
    my $out = `xmllint --nonet --noout --relaxng $rng $dir/answer.xml 2>&1`;
    my $passed = $? == 0;
    diag($out, $answer->{body}) unless $passed || $how{quiet};
    return $passed;
}

1;

# SPDX-License-Identifier: Apache-2.0
package Ews;

# What the tests of mod_freebusy share: an httpd with the file source of
# mod_mailbox, EWS requests, and a look into the answers.

use strict;
use warnings;
use HTTP::Tiny;
use MIME::Base64 qw(encode_base64);
use T::Dir qw(temp_dir top write_file);
use T::Httpd;
use Test::More ();
use Exporter 'import';
our @EXPORT_OK = qw(log_ok server post soap availability mailbox_data get_oof set_oof
    texts text attribute escape utc_zone berlin_zone views_ok @views);

my $m = 'http://schemas.microsoft.com/exchange/services/2006/messages';
my $t = 'http://schemas.microsoft.com/exchange/services/2006/types';

# Passwords are secret-NAME.
sub mailboxes {
    my $sha = sub {
        require Digest::SHA;
        return '{SHA}' . encode_base64(Digest::SHA::sha1("secret-$_[0]"), '');
    };
    return join "\n", map {
        "user: $_\npassword: " . $sha->($_) . "\nmail: $_\@example.test\n"
            . "alias: $_.second\@example.org\nname: \u$_\n"
            . "legacydn: /o=Example/ou=Site/cn=Recipients/cn=$_\n"
    } @_;
}

# An httpd whose location /ews holds $conf; calendars in DIR/cal, scripts in
# DIR/sieve/NAME.  Started.
sub server {
    my (%arg) = @_;
    my $httpd = T::Httpd->new(
        modules => [qw(mailbox freebusy)],
        load    => [qw(ldap)],
        main    => ($arg{main} // ''),
        conf    => <<"CONF");
MailboxFile \@DIR\@/mailboxes
MailboxDomain EXAMPLE example.test
<LocationMatch "(?i)^/ews/">
    FreeBusyEngine On
    AuthType Basic
    AuthName Mail
    AuthBasicProvider mailbox
    Require valid-user
    FreeBusyTimeZone Europe/Berlin
    FreeBusyOofStore file:\@DIR\@/sieve/%{user}/out-of-office.sieve
    $arg{conf}
</LocationMatch>
CONF
    my $dir = $httpd->dir;
    write_file("$dir/mailboxes", mailboxes(@{ $arg{users} // [qw(alice bob)] }));
    for my $folder ('cal', 'sieve', 'sieve/alice', 'sieve/bob') {
        mkdir "$dir/$folder";
        chmod 0777, "$dir/$folder";
    }
    $httpd->start unless $arg{stopped};
    return $httpd;
}

# One test: the log holds these numbers alone, and what a stop of the event MPM
# says about connections that linger.
sub log_ok {
    my ($httpd, @expected) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $httpd->log_ok(@expected, qw(AH03092 AH03093));
}

my $rng = top() . '/t/freebusy/ews.rng';
my $answers = temp_dir();
my $xmllint = grep { -x "$_/xmllint" } split /:/, $ENV{PATH};

# A test that fails for an answer that ews.rng does not allow.  The notes of one
# that it allows are not printed: each answer of each test comes along here.
sub check {
    my ($xml) = @_;
    write_file("$answers/answer.xml", $xml);
    my $out = `xmllint --nonet --noout --relaxng $rng $answers/answer.xml 2>&1`;
    return if $? == 0;
    local $Test::Builder::Level = $Test::Builder::Level + 2;
    Test::More::fail('the answer keeps to ews.rng');
    Test::More::diag(substr($out, 0, 1000) . "\n" . substr($xml, 0, 2000));
}

# POSTs $body as $user; ($status, $content, $headers).
sub post {
    my ($httpd, $user, $body, %arg) = @_;
    my $http = HTTP::Tiny->new(timeout => 60, keep_alive => 0);
    my %headers = ('Content-Type' => 'text/xml; charset=utf-8',
        %{ $arg{headers} // {} });
    $headers{Authorization} = 'Basic '
        . encode_base64("$user:" . ($arg{password} // "secret-$user"), '')
        if defined $user;
    my $got = $http->request($arg{method} // 'POST',
        $httpd->url($arg{path} // '/EWS/Exchange.asmx'),
        { headers => \%headers, content => $body });
    my $type = $got->{headers}{'content-type'} // '';
    check($got->{content}) if $xmllint && $type =~ m{^(?:text/xml|application/soap\+xml)}
        && ($arg{method} // 'POST') eq 'POST';
    return ($got->{status}, $got->{content}, $got->{headers});
}

sub soap {
    my ($body, $header) = @_;
    return '<?xml version="1.0" encoding="utf-8"?><soap:Envelope '
        . 'xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
        . qq(xmlns="$m" xmlns:m="$m" xmlns:t="$t">)
        . (defined $header ? "<soap:Header>$header</soap:Header>" : '')
        . "<soap:Body>$body</soap:Body></soap:Envelope>";
}

sub utc_zone { '<t:TimeZone><t:Bias>0</t:Bias></t:TimeZone>' }

sub berlin_zone {
    my $period = sub {
        my ($name, $bias, $time, $month) = @_;
        return "<t:$name><t:Bias>$bias</t:Bias><t:Time>$time</t:Time>"
            . "<t:DayOrder>5</t:DayOrder><t:Month>$month</t:Month>"
            . "<t:DayOfWeek>Sunday</t:DayOfWeek></t:$name>";
    };
    return '<t:TimeZone><t:Bias>-60</t:Bias>'
        . $period->('StandardTime', 0, '03:00:00', 10)
        . $period->('DaylightTime', -60, '02:00:00', 3) . '</t:TimeZone>';
}

sub mailbox_data {
    return join '', map {
        "<t:MailboxData><t:Email><t:Address>$_</t:Address></t:Email>"
            . '<t:AttendeeType>Required</t:AttendeeType>'
            . '<t:ExcludeConflicts>0</t:ExcludeConflicts></t:MailboxData>'
    } @_;
}

# A whole request: who => [...], zone, start, end, interval, view, header.
sub availability {
    my (%arg) = @_;
    my $options = $arg{options} // '<t:FreeBusyViewOptions><t:TimeWindow>'
        . "<t:StartTime>$arg{start}</t:StartTime><t:EndTime>$arg{end}</t:EndTime>"
        . '</t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>'
        . ($arg{interval} // 30) . '</t:MergedFreeBusyIntervalInMinutes>'
        . '<t:RequestedView>' . ($arg{view} // 'DetailedMerged')
        . '</t:RequestedView></t:FreeBusyViewOptions>';
    return soap('<GetUserAvailabilityRequest>' . ($arg{zone} // utc_zone())
        . '<MailboxDataArray>' . mailbox_data(@{ $arg{who} })
        . "</MailboxDataArray>$options" . ($arg{more} // '')
        . '</GetUserAvailabilityRequest>', $arg{header});
}

sub get_oof {
    return soap('<GetUserOofSettingsRequest><t:Mailbox><t:Address>' . $_[0]
        . '</t:Address></t:Mailbox></GetUserOofSettingsRequest>');
}

sub escape {
    my ($text) = @_;
    $text =~ s/&/&amp;/g;
    $text =~ s/</&lt;/g;
    $text =~ s/>/&gt;/g;
    $text =~ s/\r/&#13;/g;
    return $text;
}

# Values are bytes and are escaped here; undef leaves the element out.
sub set_oof {
    my ($address, %arg) = @_;
    my $reply = sub {
        my ($name, $text) = @_;
        return defined $text
            ? "<t:$name><t:Message>" . escape($text) . "</t:Message></t:$name>" : '';
    };
    return soap("<SetUserOofSettingsRequest><t:Mailbox><t:Address>$address"
        . '</t:Address></t:Mailbox><t:UserOofSettings>'
        . "<t:OofState>$arg{state}</t:OofState><t:ExternalAudience>"
        . ($arg{audience} // 'All') . '</t:ExternalAudience>'
        . ($arg{start} ? "<t:Duration><t:StartTime>$arg{start}</t:StartTime>"
            . "<t:EndTime>$arg{end}</t:EndTime></t:Duration>" : '')
        . $reply->('InternalReply', $arg{internal})
        . $reply->('ExternalReply', $arg{external})
        . '</t:UserOofSettings></SetUserOofSettingsRequest>');
}

our @views = qw(MergedOnly FreeBusy FreeBusyMerged Detailed DetailedMerged);

# One test: each view holds $digits or the $events (lists of [start, end, type])
# of the first mailbox, as far as the view has them.  $ask->($view) yields the
# answer.
sub views_ok {
    my ($ask, $digits, $events, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my (%got, %expected);
    for my $view (@views) {
        my ($answer) = texts($ask->($view), 'FreeBusyView');
        my @columns = map { [texts($answer, $_)] } qw(StartTime EndTime BusyType);
        # The hours of work have no such columns, but a Time.
        $got{$view} = [scalar text($answer, 'MergedFreeBusy'), [map { my $n = $_;
            [map { $_->[$n] } @columns] } 0 .. $#{ $columns[0] }]];
        $expected{$view} = [$view =~ /Merged/ ? $digits : undef,
            $view eq 'MergedOnly' ? [] : $events];
    }
    return Test::More::is_deeply(\%got, \%expected, $name);
}

# The texts of all elements of a local name, without their markup.
sub texts {
    my ($xml, $name) = @_;
    my @found = $xml =~ m{<(?:\w+:)?\Q$name\E(?:\s[^>]*)?(?<!/)>(.*?)</(?:\w+:)?\Q$name\E>}gs;
    for (@found) {
        s/&lt;/</g;
        s/&gt;/>/g;
        s/&quot;/"/g;
        s/&#13;/\r/g;
        s/&amp;/&/g;
    }
    return @found;
}

sub text { (texts(@_))[0] }

# The values of an attribute of all elements of a local name.
sub attribute {
    my ($xml, $name, $attribute) = @_;
    return $xml =~ m{<(?:\w+:)?\Q$name\E\s[^>]*?\b\Q$attribute\E="([^"]*)"}g;
}

1;

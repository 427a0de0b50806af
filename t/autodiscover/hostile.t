#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# The same hostile requests to every place that reads one: each is answered at
# once with an error of its kind, tells nothing of the machine, and the server
# goes on; no header changes a name.

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Encode qw(encode);
use Test::More;
use Time::HiRes qw(time);
use lib qw(t/lib t/autodiscover);
use Ask qw(request value code valid password login_section);
use T::Dir qw(temp_dir write_file);

my $profile = '/autodiscover/mail.mobileconfig';
my $httpd = Ask::server(load => ['deflate'], main => "SetInputFilter DEFLATE\n" . login_section("^$profile\$"), conf => <<'VHOST')->start;
AutodiscoverServerName mail.example.test
AutodiscoverImap imap.example.test
AutodiscoverSmtp smtp.example.test
AutodiscoverCalDavUrl https://dav.example.test/
<AutodiscoverDomain example.test>
</AutodiscoverDomain>
VHOST
my $alice = Ask->new($httpd, user => 'alice:' . password('alice'), seconds => 10);
my ($mine, $outlook) = ('alice@example.test', 'http://schemas.microsoft.com/exchange/autodiscover/outlook');

sub soap {
    my ($address, $namespace) = @_;
    $namespace //= 'http://schemas.microsoft.com/exchange/2010/Autodiscover';
    return '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        . "<GetUserSettingsRequestMessage xmlns=\"$namespace\"><Request><Users><User><Mailbox>$address</Mailbox></User></Users>"
        . '<RequestedSettings><Setting>UserDN</Setting></RequestedSettings></Request></GetUserSettingsRequestMessage></s:Body></s:Envelope>';
}

# How a place says no: where it is, what a good request is, what error.
my %place = (
    POX  => { path => '/autodiscover/autodiscover.xml', good => sub { request(address => $_[0]) }, no => sub { code($_[0]) eq '600' } },
    SOAP => { path => '/autodiscover/autodiscover.svc', good => \&soap,
        no => sub { $_[0]{status} == 500 && value($_[0], 'faultcode') eq 's:Client' && valid($_[0], schema => 'soap.rng') } });

sub gzip { my $dir = temp_dir(); write_file("$dir/x", $_[0]); return scalar `gzip -c $dir/x` }

# A document type before a good request.
sub typed { my ($type, $request) = @_; return $request =~ s/^(<\?xml.*?\?>)/$1$type/sr }
my $laughs = join '', map { my $n = $_; "<!ENTITY l$n \"" . ($n ? "&l@{[$n - 1]};" x 10 : 'ha' x 10) . '">' } 0 .. 9;

sub bad_bodies {
    my ($good) = @_;
    my $bare = $good->($mine) =~ s/^<\?.*?\?>//r;
    my $wide = sub { $good->($mine) =~ s/utf-8/$_[0]/r };
    return (
        'an external entity'       => typed('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', $good->('&e;')),
        'one by parameter'         => typed('<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]>', $good->($mine)),
        'an external subset'       => typed('<!DOCTYPE x SYSTEM "http://127.0.0.1:9/evil.dtd">', $good->($mine)),
        'an external entity in UTF-16' => encode('UTF-16LE', "\x{feff}" . typed('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', $wide->('utf-16') =~ s/\Q$mine\E/&e;/r)),
        'a billion laughs'         => typed("<!DOCTYPE x [$laughs]>", $good->('&l9;')),
        'quadratic growth'         => typed('<!DOCTYPE x [<!ENTITY a "' . 'a' x 20000 . '">]>', $good->('&a;' x 2000)),
        'attributes by default'    => typed('<!DOCTYPE x [<!ATTLIST Mailbox y CDATA "z">]>', $good->($mine)),
        'deep nesting'             => '<a>' x 15000,
        'deep nesting, closed'     => '<a>' x 5000 . '</a>' x 5000,
        'many elements'            => $bare =~ s/<Request>/'<Request>' . '<a\/>' x 12000/er,
        'an attribute of 60 KiB'   => '<a b="' . 'c' x 60000 . '">',
        'many attributes'          => '<a ' . join(' ', map { "b$_='c'" } 1 .. 5000) . '>',
        'a text that never ends'   => '<a>' . 'b' x 60000,
        'an external entity in UTF-7' => $wide->('utf-7') =~ s/\?>.*//sr . '?>' . encode('UTF-7', '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' . $bare =~ s/\Q$mine\E/&e;/r),
        'an encoding that is none' => $wide->('x-evil'),
        'EBCDIC'                   => encode('cp37', $wide->('ebcdic-cp-us')) . "\xff\xfe",
        'bytes that are no UTF-8'  => $good->("\xc0\xaf\xff$mine"),
        'a NUL'                    => $good->("alice\0\@example.test"),
        'a control character'      => $good->("alice\x01\@example.test"),
        'a reference to one'       => $good->('alice&#1;@example.test'),
        'cut off'                  => substr($good->($mine), 0, 200),
        'two documents'            => $good->($mine) . $bare,
        'another root'             => '<Envelop><Body/></Envelop>',
        'HTML'                     => '<!doctype html><html><body>x',
        'JSON'                     => '{"Email":"alice@example.test"}',
        'nothing'                  => '');
}

for my $name (sort keys %place) {
    my ($path, $good, $no) = @{ $place{$name} }{qw(path good no)};
    my %bad = bad_bodies($good);
    for my $what (sort keys %bad) {
        my $began  = time;
        my $answer = $alice->pox(path => $path, body => $bad{$what});
        my $took   = time - $began;
        ok($no->($answer), "$name: $what is refused") or diag("$answer->{status} $answer->{body}");
        cmp_ok($took, '<', 2, sprintf 'in %.0f ms', 1000 * $took);
        unlike($answer->{body}, qr/root:|haha|<a>|aaaa/, 'and nothing of it comes back');
    }

    # 64 KiB, however they come
    my $noise = join '', map { md5_hex($_) } 1 .. 3000;
    my $over  = $good->($mine) . ' ' x 65536;
    for my $row (['with a length', $over, [], 413], ['chunked', $over, ['Transfer-Encoding: chunked'], 413],
        ['compressed', gzip($noise), ['Content-Encoding: gzip'], 413],
        ['compressed and chunked', gzip($noise), ['Content-Encoding: gzip', 'Transfer-Encoding: chunked'], 413],
        ['a bomb', gzip('a' x 5_000_000), ['Content-Encoding: gzip'], 400]) {
        my ($how, $body, $header, $status) = @$row;
        is($alice->pox(path => $path, body => $body, header => $header)->{status}, $status, "$name: too much, $how");
    }
    is($alice->pox(path => $path, body => $good->($mine), header => ['Content-Encoding: gzip'])->{status}, 400, "$name: not compressed at all");

    # names, and who may not ask
    my $own = $alice->pox(path => $path, body => $good->($mine));
    my %same = map { $_ => [$_] } 'Host: evil.example', 'X-Forwarded-Host: evil.example', 'Forwarded: host=evil.example', 'X-Original-URL: /evil';
    is($alice->pox(path => $path, body => $good->($mine), header => $same{$_})->{body}, $own->{body}, "$name: $_ changes nothing") for sort keys %same;
    my $unknown = $alice->pox(path => $path, body => $good->('nobody@example.test'));
    for my $other ('bob@example.test', 'bob.alias@example.test', '*@example.test', '*', '*)(mail=*', 'a*(cn=x)@example.test', '\\2a@example.test',
        'x)(|(mail=*', '(', 'alice@example.test)(x=y', "alice\@example.test\\", 'alice%40example.test', '%{mail}@example.test') {
        my $answer = $alice->pox(path => $path, body => $good->($other));
        is(plain($answer), plain($unknown), "$name: $other is as unknown as nobody");
    }
}
sub plain { my ($answer) = @_; return "$answer->{status} " . $answer->{body} =~ s/ Time="[^"]*"//r }

is($alice->pox(path => $place{SOAP}{path}, body => soap($mine, 'https://schemas.microsoft.com/exchange/2010/Autodiscover'))->{status}, 500,
    'SOAP: a name space with https is another one');
is(code($alice->pox(body => request(address => $mine) =~ s/Autodiscover(?=[ >])/Autodiscovery/gr)), 600, 'POX: another root element');
is(code($alice->pox(body => request(address => $mine) =~ s{\Q$outlook\E/responseschema}{$outlook/responseschem}r)), 601, 'POX: a schema that is none');

# --- who asks by GET ---

my %get = (
    JSON => "/autodiscover/autodiscover.json?Protocol=Ews&Email=$mine", autoconfig => "/mail/config-v1.1.xml?emailaddress=$mine",
    profile => $profile, CalDAV => '/.well-known/caldav');
for my $name (sort keys %get) {
    my @host = $name eq 'CalDAV' ? 'Host: example.test' : ();
    my $plain = $alice->curl->get($get{$name}, header => \@host);
    cmp_ok($plain->{status}, '<', 400, "$name answers");
    for my $header ('X-Forwarded-Host: evil.example', 'Forwarded: host=evil.example', 'X-Forwarded-Server: evil.example', @host ? () : 'Host: evil.example') {
        my $answer = $alice->curl->get($get{$name}, header => [@host, $header]);
        is($answer->{body} . ($answer->{headers}{location} // ''), $plain->{body} . ($plain->{headers}{location} // ''), "$name: $header changes nothing");
    }
}
for my $address ('*', '*%40example.test%29%28x=*', 'x%29%28%7C%28mail=*', '%00', '%0d%0aX-Evil:%201', '%c0%af', 'a' x 5000, '%{mail}', '..%2f..%2fetc%2fpasswd') {
    for my $form ("/autodiscover/autodiscover.json?Protocol=Ews&Email=$address", "/mail/config-v1.1.xml?emailaddress=$address") {
        my $answer = $alice->curl->get($form, user => undef);
        ok($answer->{status} =~ /^40[04]$/ && !$answer->{headers}{'x-evil'}, "GET with " . substr($address, 0, 30) . ": $answer->{status}");
    }
}

is(code($alice->pox(address => $mine)), 'no error', 'after all that, a good request is answered');
is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok(qw(AH01617 AH01618 AH02649 AH01387));
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Whatever a user writes: the script compiles, sends the text, and gives it back
# byte for byte.  Random texts of what is special to Sieve, MIME, XML and us.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", $FindBin::Bin;
use MIME::QuotedPrint qw(decode_qp);
use Test::More;
use T::Dir qw(temp_dir write_file read_file);
use Ews qw(log_ok server post get_oof set_oof texts text);

plan skip_all => 'no sievec' unless grep { -x "$_/sievec" } split /:/, $ENV{PATH};

my $runs = 100;
my $httpd = server(users => ['alice'], conf => '');
my $own = 'alice@example.test';
my $script = $httpd->dir . '/sieve/alice/out-of-office.sieve';
my $dir = temp_dir();
chmod 0777, $dir;
my $mail = write_file("$dir/mail.eml", "From: x\nTo: $own\nSubject: hello\n\nx\n", 0644);

my @pieces = ('"', '\\', '\\"', "\n", "\r\n", "\r", "\n.\n", ' ', "\t", ' ' x 3, '.', ';', '{', '}',
    '${x}', '#', '/*', '*/', 'text:', 'stop;', "\";\ndiscard;\n#", '=', '=3D', "=\n", '--', '&amp;',
    ']]>', '<b>', '</html>', "\xc3\xa9", "\xf0\x9f\x8f\x96", "\xef\xbb\xbf", "\xc2\x85", 'x' x 1200,
    "\n# external reply\n", "\n# internal reply\n", "\n--postern\n", "\nContent-Type: text/html\n\n",
    'From ', "\nFrom ", '%', '%00', 'Away', 'until', 'Friday', '1', '');

srand 5;
sub random_text {
    my $text = join "", map { $pieces[rand @pieces] } 1 .. 1 + rand 30;
    return length $text ? $text : random_text();    # no text, no reply
}

# What Pigeonhole sends to $sender: the text, as the client of the mail decodes
# it.
sub sent {
    my ($sender, $file) = @_;
    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>/dev/null', 'sh', 'sieve-test', qw(-o mail_uid=nobody
        -o mail_gid=nogroup), '-r', $own, '-f', $sender, '-a', $own, $file, $mail;
    local $/;
    my ($part) = (<$out> // '') =~ /^START MESSAGE\n(.*)\nEND MESSAGE$/ms or return undef;
    my ($head, $body) = $part =~ /^(.*?)\r\n\r\n(.*)\z/s or return undef;
    return $head =~ /quoted-printable/i ? decode_qp($body) : $body;
}

# Mail has one kind of line break, and one at the end.
sub as_mail {
    my ($text) = @_;
    $text =~ s/\r?\n/\r\n/g;
    $text =~ s/(?:\r\n)*\z//;
    return $text;
}

my (@wrong, $replies);
for my $n (1 .. $runs) {
    my ($inside, $outside) = (random_text(), random_text());
    (undef, my $set) = post($httpd, 'alice', set_oof($own, state => 'Enabled',
        internal => $inside, external => $outside));
    push @wrong, "$n: " . text($set, 'ResponseCode') if text($set, 'ResponseCode') ne 'NoError';
    my (undef, $got) = post($httpd, 'alice', get_oof($own));
    my @back = texts($got, 'Message');
    push @wrong, "$n: not given back" if $back[0] ne $inside || $back[1] ne $outside;
    my $file = write_file("$dir/$n.sieve", read_file($script), 0644);
    for (['bob@example.test', $inside], ['eve@elsewhere.test', $outside]) {
        my ($sender, $text) = @$_;
        my $body = sent($sender, $file);
        $replies++ if defined $body;
        push @wrong, "$n: $sender gets " . ($body // 'nothing') . "\n instead of $text"
            if !defined $body || as_mail($body) ne as_mail($text);
    }
}
is_deeply([@wrong[0 .. ($#wrong < 2 ? $#wrong : 2)]], [],
    "$runs pairs of texts are sent, and given back byte for byte");
is($replies, 2 * $runs, 'each script sends a reply inside and one outside');
is(system("sievec $dir >$dir/log 2>&1"), 0, 'sievec compiles every script')
    or diag read_file("$dir/log");
is(scalar(my @compiled = glob "$dir/*.svbin"), $runs, 'none was passed over');

$httpd->stop;
log_ok($httpd);
done_testing();

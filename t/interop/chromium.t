#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# The page of the self-check in a browser: it is drawn, the form works without
# scripts, and the browser asks for nothing beside the page.

use strict;
use warnings;
use lib qw(t/lib t/autodiscover);
use Test::More;
use Ask;
use T::Dir qw(temp_dir read_file);

my ($chromium) = grep { -x } '/usr/bin/chromium' or plan skip_all => 'chromium is not installed';

my $httpd = Ask::server(conf => <<'CONF')->start;
AutodiscoverServerName mail.example.test
AutodiscoverImap mail.example.test 993 ssl
AutodiscoverSmtp mail.example.test 465 ssl
<Location /check>
    SetHandler autodiscover-check
    Require local
</Location>
CONF

# What headless Chromium prints for a page, in a profile of its own.
sub chromium {
    my ($page, @options) = @_;
    my $profile = temp_dir();
    open my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>"$0"', "$profile/stderr", $chromium,
        qw(--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
        --disable-component-update --disable-sync --virtual-time-budget=5000), "--user-data-dir=$profile/data",
        @options, $httpd->url($page)
        or die "chromium: $!\n";
    local $/;
    my $out = <$pipe>;
    close $pipe or diag(read_file("$profile/stderr"));
    return $out // '';
}

my $form = chromium('/check', '--dump-dom');
like($form, qr/<input[^>]*name="address"/, 'the form is drawn');
unlike($form, qr/parsererror|<table/, 'well-formed, and empty');

my $page = chromium('/check?address=alice%40example.test', '--dump-dom');
like($page, qr{<td>Outlook</td><td class="finds">finds</td><td>RPC over HTTP through mail\.example\.test},
    'what Outlook concludes');
like($page, qr{<td>phones</td><td class="not">not offered</td>}, 'and what phones do');
like($page, qr{The mailbox is that of user alice}, 'the trace');
like($page, qr{<pre>&lt;\?xml}, 'the raw answer, as text');
unlike($page, qr/parsererror/, 'well-formed');

my $dir = temp_dir();
my $shot = $ENV{KEEP_SCREENSHOT} // "$dir/page.png";
chromium('/check?address=alice%40example.test', "--screenshot=$shot", '--window-size=1100,1200');
cmp_ok(-s $shot // 0, '>', 20_000, 'the page can be seen');

my %asked = map { $_ => 1 } read_file($httpd->dir . '/access.log') =~ /"GET (\S+)/g;
is_deeply([grep { !m{^/check\b|^/favicon\.ico$} } sort keys %asked], [], 'nothing else was asked for');

is($httpd->stop, 0, 'httpd ends cleanly');
$httpd->log_ok();
done_testing();

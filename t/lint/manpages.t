#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Man pages: one for each module and program, right in mdoc's eyes.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Tree qw(files text modules);

my %wanted = map { $_ => 1 } (map { "mod_$_/mod_$_.5" } modules()), 'smtp-submit/smtp-submit.1';
ok(-s $_, "$_ is there") for sort keys %wanted;

for my $page (files(qr{^(?:mod_\w+|smtp-submit)/[^/]*\.[158]$})) {
    my $complaints = `mandoc -Tlint -Wwarning $page 2>&1`;
    is($complaints, '', "$page is clean");
    my $text = text($page);
    for my $section (qw(NAME DESCRIPTION), $page =~ /\.5$/ ? 'DIRECTIVES' : ('SYNOPSIS', 'EXIT STATUS')) {
        ok($text =~ /^\.Sh \Q$section\E$/m, "$page has $section");
    }
    ok($text =~ /^\.Bd -literal/m, "$page has an example");
}

done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# C is laid out as .clang-format says; tables laid out by hand stand between
# clang-format off and on.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Tree qw(files);

plan skip_all => 'clang-format 14 is the judge'
    unless `clang-format --version 2>/dev/null` =~ /version 14\./;

for my $file (files(qr{\.[ch]$})) {
    my $out = `clang-format --dry-run -Werror $file 2>&1`;
    is($?, 0, "$file is formatted") or diag((split /\n/, $out)[0]);
}

done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Scripts compile, and can be started.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Tree qw(files text);

my %check = (
    perl    => sub { "perl -It/lib -Ibench/lib -Idemo -c '$_[0]'" },
    sh      => sub { "sh -n '$_[0]'" },
    bash    => sub { "bash -n '$_[0]'" },
    python3 => sub { "python3 -c 'import ast,sys; ast.parse(open(sys.argv[1]).read())' '$_[0]'" });

for my $file (grep { !m{^t/fuzz/corpus/} } files(qr{.})) {
    my $text = text($file);
    my ($interpreter) = $text =~ m{^#!\s*(?:/usr)?/bin/(?:env\s+)?(\w+)};
    my $kind = $interpreter // ($file =~ /\.p[ml]$/ ? 'perl' : $file =~ /\.py$/ ? 'python3' : undef);
    next unless defined $kind;
    ok($check{$kind}, "$file: $kind is an interpreter we know") or next;
    my $out = `@{[ $check{$kind}->($file) ]} 2>&1`;
    is($?, 0, "$file compiles") or diag($out);
    ok(-x $file, "$file can be started") if defined $interpreter && $file !~ /\.(?:t|p[lmy])$/;
}

done_testing();

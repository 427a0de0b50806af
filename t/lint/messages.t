#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Message numbers: each used once, in its room's range, on every log call from
# debug up and on none of trace.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Tree qw(c_files room code calls);

my %range = (mod_mailbox => 10, mod_auth_ntlm => 11, mod_autodiscover => 12,
    mod_rpcproxy => 13, mod_freebusy => 14, 'smtp-submit' => 15, glue => 19);

my %used;
my @files = grep { $_ ne 'lib/log.h' } c_files();
for my $file (@files) {
    my @numbers = code($file) =~ /\bPN\((\w+)\)/g;
    my $range = $range{ room($file) };
    my @wrong = grep { !/^\d{5}$/ || !defined $range || substr($_, 0, 2) ne $range || /000$/ } @numbers;
    is("@wrong", '', "$file: numbers are of its room's range") if @numbers;
    push @{ $used{$_} }, $file for @numbers;
}
my @twice = map { "PN$_ in @{ $used{$_} }" } grep { @{ $used{$_} } > 1 } sort keys %used;
is(join(', ', @twice), '', 'each number is used in one place');

for my $file (@files) {
    my (@missing, @surplus);
    for my $call (calls(code($file), qr/ap_log_[a-z]*error/)) {
        my ($name, $arguments, $line) = @$call;
        my $trace = $arguments =~ /\bAPLOG_TRACE\d/;
        push @missing, $line if !$trace && $arguments !~ /\bPN\(/;
        push @surplus, $line if $trace && $arguments =~ /\bPN\(/;
    }
    is("@missing", '', "$file: every message from debug up has a number");
    is("@surplus", '', "$file: no trace message has one");
}

done_testing();

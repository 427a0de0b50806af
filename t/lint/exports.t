#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# A module exports its module record and nothing else: httpd loads all modules
# into one name space, where the first of two equal names would win.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Dir qw(build);
use T::Tree qw(modules);

for my $module (modules()) {
    my $so = build() . "/modules/mod_$module.so";
    ok(-e $so, "mod_$module.so is built") or next;
    my @exports = map { /^\S+ \w (\S+)/ ? $1 : () } `nm -D --defined-only $so`;
    is("@exports", "${module}_module", "mod_$module.so exports its record alone");
}

done_testing();

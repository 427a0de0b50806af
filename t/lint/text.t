#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# What every text of the tree has and has not: a licence line, no blanks at the
# ends of lines, no notes to ourselves, nothing of the machine it was made on.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Tree qw(files text modules);

my @files = grep { !m{^t/fuzz/corpus/|^LICENSE$} && -s $_ && -T $_ } files(qr{.});
cmp_ok(scalar(@files), '>', 30, 'there are files');

# Written so that this file does not hold the words.
my $notes   = join '|', map { "\\b$_\\b" } 'TO' . 'DO', 'FIX' . 'ME', 'XX' . 'X', 'HA' . 'CK';
my $machine = join '|', '/wo' . 'rk/', '/tmp/br' . 'ief', '/no' . 'tes/', 'localhost\.local' . 'domain';

for my $file (@files) {
    my $text = text($file);
    my $head = substr $text, 0, 300;
    like($head, qr/SPDX-License-Identifier: Apache-2\.0/, "$file names its licence")
        if $file =~ /\.(?:[ch]|t|pm|pl|py|sh|5|1)$/ || $head =~ /^#!/;
    unlike($text, qr/[ \t]$/m, "$file has no blanks at the end of a line");
    unlike($text, qr/\t/, "$file has no tabs") unless $file =~ m{(?:^|/)Makefile$|\.(?:tsv|patch|ldif)$};
    unlike($text, qr/\r/, "$file has no carriage returns") unless $file =~ m{^t/.*\.(?:ics|ifb|eml)$};
    like($text, qr/[^\n]\n\z/, "$file ends with one line end");
    unlike($text, qr/$notes/, "$file has no note to ourselves");
    unlike($text, qr/$machine/, "$file speaks of the project alone");
}

my $changes = text('CHANGES') // '';
like($changes, qr/\b\Q$_\E\b/, "CHANGES mentions $_") for map({ "mod_$_" } modules()), 'smtp-submit';

done_testing();

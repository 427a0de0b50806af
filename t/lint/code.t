#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# The C itself: banned calls, lengths, names, no mutable globals.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Dir qw(build top);
use T::Tree qw(files c_files text code functions);

chdir top();
my @ours = c_files();

# --- calls ---

my %banned = (
    (map { $_ => 'has no bound' } qw(sprintf vsprintf strcpy strcat gets stpcpy)),
    (map { $_ => 'hides errors' } qw(atoi atol atoll)),
    (map { $_ => 'runs a shell' } qw(system popen)),
    (map { $_ => 'is not for threads' } qw(strtok localtime gmtime asctime ctime strerror getpwnam getgrnam readdir_r rand)),
    (map { $_ => 'can be raced' } qw(tmpnam mktemp tempnam)),
    (map { $_ => 'ends the process' } qw(assert ap_assert abort)),
    alloca => 'has no bound', xmlCleanupParser => "frees other modules' memory");
my $banned = join '|', sort keys %banned;

for my $file (@ours) {
    my $code = code($file);
    my @found = map { "$_ ($banned{$_})" } $code =~ /(?<![\w.>])($banned)\s*\(/g;
    @found = grep { !/^(?:abort|rand|strerror|getpwnam|getgrnam|localtime) / } @found if $file =~ m{^smtp-submit/};
    is("@found", '', "$file: no banned call");
}
# The section of a module in httpd's status page is HTML, printed as httpd does;
# lib/xml_out.c is what everybody else prints with.
for my $file (grep { !m{^smtp-submit/|^lib/xml_out\.c$} && code($_) !~ /\bstatus_hook\b/ } @ours) {
    my @xml = code($file, 1) =~ /("[^"\n]*(?:<\/\w|<\?xml|\bxmlns(?::\w+)?=)[^"\n]*")/g;
    is("@xml", '', "$file: no XML by concatenation");
}

# --- lengths ---

for my $file (@ours, files(qr{^(?:t|bench|demo)/.*\.(?:[ch]|t|pm|pl|py|sh)$})) {
    my $lines = () = text($file) =~ /\n/g;
    cmp_ok($lines, '<=', 1000, "$file has at most 1000 lines ($lines)");
}

my @functions = functions(grep { /\.c$/ } @ours, files(qr{^(?:bench|t/unit|t/fuzz)/.*\.c$}));
cmp_ok(scalar(@functions), '>', 0, 'ctags finds functions');
for my $f (grep { $_->{lines} > 60 } @functions) {
    my @lines = split /\n/, text($f->{file});
    my $around = join "\n", @lines[ ($f->{line} > 9 ? $f->{line} - 9 : 0) .. $f->{line} + 4 ];
    ok($f->{lines} <= 100 && $around =~ m{/\*\s*long: },
        "$f->{file}:$f->{line} $f->{name}() has $f->{lines} lines, and says why");
}

# --- names ---

my %where;
push @{ $where{ $_->{name} } }, $_->{file}
    for grep { $_->{public} && $_->{name} ne 'main' } functions(grep { /\.c$/ } @ours);
for my $name (sort grep { @{ $where{$_} } > 1 } keys %where) {
    fail("$name() has one meaning (@{ $where{$name} })");
}

# --- globals ---

# Objects as they were built: data that can change is a module record, an
# optional function's pointer, or wrong.
SKIP: {
    my @objects = grep { -e } map { my $o = build() . "/$_"; $o =~ s/\.c$/.o/; $o } grep { /\.c$/ } @ours;
    skip 'nothing is built yet', 1 unless @objects;
    my ($flags) = T::Dir::read_file(build() . '/flags') // '';
    skip 'sanitizers add globals', 1 if $flags =~ /-fsanitize/;
    for my $object (@objects) {
        (my $source = $object) =~ s{^\Q@{[build()]}\E/(.*)\.o$}{$1.c};
        my $code = code($source);
        my @bad = grep { !/_module$/ && $code !~ /APR_OPTIONAL_FN_TYPE\([^)]*\)\s*\*\s*\Q$_\E\b/ }
            map { /^[0-9a-f]+ .{7} (?:\.bss|\.data|\*COM\*)\s+0*[1-9a-f][0-9a-f]*\s+(\w[\w.]*)/ ? ($1 =~ s/\.\d+$//r) : () } `objdump -t $object`;
        is("@bad", '', "$source: no global that changes");
    }
}

done_testing();

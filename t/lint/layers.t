#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Who may know whom: httpd only in mod_* files, no foreign room's headers, and
# every header compiles alone.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Dir qw(top);
use T::Tree qw(files c_files room text code);

chdir top();

# --- httpd ---

my $include = `apxs -q INCLUDEDIR`;
$include =~ s/[;\s]+$//;
my %of_httpd = map { m{([^/]+)$} ? ($1 => 1) : () } glob "$include/*.h";
cmp_ok(scalar(keys %of_httpd), '>', 50, 'the headers of httpd are found');

my @pure = grep { !m{/mod_[^/]*$} } c_files();
for my $file (@pure) {
    my $code = code($file, 1);
    my @bad = grep { $of_httpd{$_} } $code =~ /^#\s*include\s*[<"](?:[^>"]*\/)?([^>"]+)[>"]/mg;
    push @bad, $code =~ /\b(request_rec|server_rec|conn_rec|cmd_parms|ap_log_\w+)\b/g;
    is("@bad", '', "$file knows nothing of httpd");
}

# --- rooms ---

# What a file may include with "", beside its own room's headers by bare name.
sub may_include {
    my ($file, $header) = @_;
    my ($room, $of) = (room($file), room($header));
    return -e "$room/$header" if $of eq '';
    return 1 if $of eq 'lib';
    my $is_glue = $file =~ m{/mod_[^/]*$};
    return 1 if $of eq 'glue' && $is_glue && $room =~ /^(?:mod_|glue)/;
    return $header eq 'mod_mailbox/mod_mailbox.h' && $is_glue;
}

for my $file (c_files()) {
    my @bad = grep { !may_include($file, $_) } code($file, 1) =~ /^#\s*include\s*"([^"]+)"/mg;
    is("@bad", '', "$file includes its own room's headers and lib/ only");
}

# --- headers ---

my $flags = `make -s --no-print-directory cppflags`;
chomp $flags;
like($flags, qr/-I/, 'the compiler flags are known');

for my $header (files(qr{^(?:lib|glue|mod_\w+|smtp-submit|bench|t/unit)/[^/]*\.h$})) {
    my $errors = `echo '#include "$header"' | cc $flags -std=gnu11 -fsyntax-only -Wall -Wno-unused-function -Werror -x c - 2>&1`;
    is($errors, '', "$header compiles alone");
    (my $guard = uc $header) =~ s{^.*/}{};
    $guard =~ s/\W/_/g;
    ok(text($header) =~ /^#ifndef (\w+)\n#define (\w+)\n/m && $1 eq $2 && $1 =~ /_\Q$guard\E$/,
        "$header is guarded by its own name");
}

done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# A directive is in the command table, in the man page with its context, and in
# the annotated conf; a configuration member is in create and in merge.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Tree qw(files text code functions modules);

# Names of the command tables of one module, with their help texts.
sub table_of {
    my ($module) = @_;
    return map { code($_, 1) =~ /\bAP_INIT_\w+\s*\(\s*"(\w+)"/g }
        files(qr{^mod_$module/mod_\w+\.c$});
}

sub page_of {
    my ($module) = @_;
    my ($section) = (text("mod_$module/mod_$module.5") // '') =~ /^\.Sh DIRECTIVES\n(.*?)(?=^\.Sh )/ms;
    return () unless defined $section;
    return $section =~ /^\.It Ic "?(\w+)/mg;
}

sub sorted_once { my %seen; join ' ', sort grep { !$seen{$_}++ } @_ }

for my $module (modules()) {
    my @table = table_of($module);
    ok(scalar(@table), "mod_$module has directives") or next;
    is(sorted_once(page_of($module)), sorted_once(@table),
        "mod_$module.5 describes exactly the directives of mod_$module");
    my %seen;
    is(join(' ', grep { $seen{$_}++ } @table), '', "mod_$module: no directive twice in the table");
    my $conf = text("conf/$module.conf") // '';
    is(join(' ', grep { $conf !~ /\b\Q$_\E\b/ } @table), '', "conf/$module.conf shows each directive");
    my $tables = join '', map { code($_, 1) } files(qr{^mod_$module/mod_\w+\.c$});
    my @no_help = $tables =~ /\bAP_INIT_\w+\s*\(\s*"(\w+)"(?:[^"])*?(?:NULL|"")\s*\)/g;
    is("@no_help", '', "mod_$module: each directive has a help text");
}

# --- create and merge ---

# The text of each function of a file whose name matches.
sub bodies {
    my ($file, $pattern) = @_;
    my @lines = split /\n/, code($file);
    return map { join "\n", @lines[ $_->{line} - 1 .. $_->{end} - 1 ] }
        grep { $_->{name} =~ $pattern } functions($file);
}

# Members of `typedef struct NAME_t { ... } NAME_t;`, wherever it stands.
sub members {
    my ($type, @files) = @_;
    for my $file (@files) {
        my ($body) = code($file) =~ /\bstruct\s+\Q$type\E\s*\{(.*?)\n\s*\}/s or next;
        return map { /(\w+)(?:\[\w*\])?\s*$/ ? $1 : () } map { split /,/ } split /;/, $body;
    }
    return ();
}

for my $module (modules()) {
    my @files = files(qr{^mod_$module/mod_\w+\.[ch]$});
    for my $file (grep { /\.c$/ } @files) {
        # A table of members by offset is walked by create and merge as a whole.
        my %by_table = map { $_ => 1 } code($file) =~ /\b(?:APR_OFFSETOF|offsetof)\s*\(\s*\w+\s*,\s*(\w+)\s*\)/g;
        my $create = join "\n", bodies($file, qr/create/);
        my $merge  = join "\n", bodies($file, qr/merge/);
        my $walks = $merge =~ /merge_all|offset/;
        my %types = map { $_ => 1 } $merge =~ /\b(\w+_t)\s*\*\s*\w+\s*=\s*apr_p\w*alloc/g;
        for my $type (sort keys %types) {
            my @members = members($type, @files);
            ok(scalar(@members), "mod_$module: struct $type is found") or next;
            is(join(' ', grep { $merge !~ /\b\Q$_\E\b/ && !($walks && $by_table{$_}) } @members), '',
                "mod_$module: merge knows each member of $type");
            like($create, qr/\b\Q$type\E\b/, "mod_$module: there is a create for $type");
        }
    }
}

done_testing();

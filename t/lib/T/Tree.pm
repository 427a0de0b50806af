# SPDX-License-Identifier: Apache-2.0
package T::Tree;

# The source tree as the house rules see it: its files, C text without comments
# and strings, functions with their lengths.

use strict;
use warnings;
use File::Find ();
use T::Dir qw(top read_file);
use Exporter 'import';
our @EXPORT_OK = qw(files c_files room text code calls functions modules);

my %skip = map { $_ => 1 } qw(.git build);

# Paths from the top, sorted, that match $pattern.
sub files {
    my ($pattern) = @_;
    my ($top, @found) = (top());
    File::Find::find({
        no_chdir => 1,
        wanted   => sub {
            my $path = $File::Find::name;
            $path =~ s{^\Q$top\E/?}{};
            if (-d $File::Find::name) {
                $File::Find::prune = 1 if $skip{$path};
            }
            elsif ($path =~ $pattern) { push @found, $path }
        } }, $top);
    return sort @found;
}

# The C of the rooms that ship.
sub c_files { files(qr{^(?:lib|glue|mod_\w+|smtp-submit)/[^/]*\.[ch]$}) }

sub room { $_[0] =~ m{^([^/]+)/} ? $1 : '' }

sub modules { map { m{^mod_(\w+)/} } files(qr{^(mod_\w+)/\1\.c$}) }

sub text { read_file(top() . "/$_[0]") }

# The text of a C file without comments, and with the contents of strings
# blanked unless $keep_strings; line numbers stay.
sub code {
    my ($path, $keep_strings) = @_;
    my $text = text($path);
    $text =~ s{(/\*.*?\*/)|"((?:[^"\\\n]|\\.)*)"|('(?:[^'\\\n]|\\.)+')}{
        if (defined $1) { my $comment = $1; $comment =~ s/[^\n]//g; $comment }
        elsif (defined $2) { $keep_strings ? "\"$2\"" : '""' }
        else { $3 }
    }gse;
    return $text;
}

# Each call of a function that matches $name in $text: [name, arguments, line].
sub calls {
    my ($text, $name) = @_;
    my @found;
    while ($text =~ /\b($name)\s*(\((?:[^()"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)+'|(?2))*\))/gs) {
        my ($function, $arguments, $before) = ($1, $2, substr $text, 0, $-[0]);
        push @found, [$function, substr($arguments, 1, -1), 1 + ($before =~ tr/\n//)];
    }
    return @found;
}

# Every function definition of the given C files:
# { file, name, line, end, lines, public }.
sub functions {
    my @paths = @_;
    my $top = top();
    open my $ctags, '-|', 'ctags', '-x', '--kinds-C=f', '--fields=+fne',
        '--_xformat=%F|%N|%n|%{end}|%{file}', map { "$top/$_" } @paths
        or die "ctags: $!\n";
    my @found;
    while (<$ctags>) {
        my ($file, $name, $line, $end, $static) = m{^([^|]+)\|(\w+)\|(\d+)\|(\d+)\|(.*)$} or die "ctags: $_";
        $file =~ s{^\Q$top\E/}{};
        push @found, { file => $file, name => $name, line => $line, end => $end,
            lines => $end - $line + 1, public => $static ne 'file' };
    }
    close $ctags or die "ctags failed\n";
    return @found;
}

1;

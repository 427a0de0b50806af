# SPDX-License-Identifier: Apache-2.0
package T::Dir;

# Where tests find what was built, and folders that go away by themselves.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp ();
use Exporter 'import';
our @EXPORT_OK = qw(top build temp_dir write_file read_file);

# The top of the source tree.
sub top { abs_path(dirname(abs_path(__FILE__)) . '/../../..') }

# The build folder (B of the Makefile, in the environment as POSTERN_BUILD).
sub build {
    my $b = $ENV{POSTERN_BUILD} // 'build';
    return $b =~ m{^/} ? $b : top() . "/$b";
}

# A new folder that every user may enter, removed at exit (KEEP=1 keeps it).
# Short, because the name of a UNIX socket has at most 107 bytes.
sub temp_dir {
    my $dir = File::Temp->newdir('pstXXXXXX', TMPDIR => 1,
        CLEANUP => !$ENV{KEEP});
    chmod 0755, "$dir";
    return $dir;
}

sub write_file {
    my ($path, $text, $mode) = @_;
    open my $f, '>', $path or die "$path: $!\n";
    print $f $text;
    close $f or die "$path: $!\n";
    chmod $mode, $path if defined $mode;
    return $path;
}

sub read_file {
    my ($path) = @_;
    open my $f, '<', $path or return undef;
    local $/;
    return scalar(<$f>) // '';
}

1;

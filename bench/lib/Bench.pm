# SPDX-License-Identifier: Apache-2.0
package Bench;

# Rounds, medians and the table of ratios.
#
# bench/rows/NAME.pl returns groups:
#   { needs   => ['modules/mod_x.so', '/usr/sbin/haproxy'], # or it is skipped
#     rounds  => 5,
#     targets => { ours => sub { { rps => 1, p99 => 2 } }, tcp => sub {...} },
#     rows    => [[name, unit, 'ours.rps', 'tcp.rps', what, how, target], ...] }
# In each round every target that some wanted row needs is measured once, in an
# order that turns; a row's ratio is the median of its per-round ratios, ours
# divided by the reference.  How that is done otherwise, if at all:
#   'inverse'  the reference divided by ours (durations, where more is better)
#   'worst'    the highest figures of all rounds instead of medians
# A target is of the ratio, '>= 0.95', or of our own figure, 'ours <= 45'; it is
# met or missed.  A reference of '' is none: then there is no ratio.

use strict;
use warnings;
use Time::HiRes qw(time);
use T::Dir qw(build read_file);
use Exporter 'import';
our @EXPORT_OK = qw(program numbers cpu_seconds pss_kib descriptors threads
    run_groups median with_cpu);

# --- measuring ---

sub program { build() . "/bench/$_[0]" }

# Runs a load program; its line of name=value pairs as a hash.
sub numbers {
    my @command = @_;
    open my $pipe, '-|', @command or die "$command[0]: $!\n";
    my $line = <$pipe> // '';
    close $pipe or die "failed: @command\n";
    my %value = $line =~ /(\w+)=([\d.]+)/g;
    die "failed: @command\n" unless %value;
    return \%value;
}

# A process and everything below it.
sub family {
    my ($pid) = @_;
    my %parent;
    for my $stat (glob '/proc/[0-9]*/stat') {
        my ($child, $its_parent) = (read_file($stat) // '') =~ /^(\d+) \(.*\) \S (\d+)/s or next;
        $parent{$child} = $its_parent;
    }
    my (@all, @left) = ($pid);
    @left = @all;
    while (defined(my $next = shift @left)) {
        my @below = grep { $parent{$_} == $next } keys %parent;
        push @all,  @below;
        push @left, @below;
    }
    return @all;
}

# Processor time that a server's threads have used so far, to the nanosecond.
sub cpu_seconds {
    my ($pid) = @_;
    my $ns = 0;
    for my $thread (map { glob "/proc/$_/task/*/schedstat" } family($pid)) {
        $ns += $1 if (read_file($thread) // '') =~ /^(\d+)/;
    }
    return $ns / 1e9;
}

# Runs $measure; adds cpu => microseconds of the server per operation.
sub with_cpu {
    my ($pid, $measure) = @_;
    my $before = cpu_seconds($pid);
    my $value = $measure->();
    $value->{cpu} = 1e6 * (cpu_seconds($pid) - $before) / ($value->{n} || 1);
    return $value;
}

# Proportional set size of all processes of a server, in KiB.
sub pss_kib {
    my ($pid) = @_;
    my $sum = 0;
    for my $member (family($pid)) {
        $sum += $1 if (read_file("/proc/$member/smaps_rollup") // '') =~ /^Pss:\s+(\d+) kB/m;
    }
    return $sum;
}

sub descriptors { my $n = 0; $n += () = glob "/proc/$_/fd/*" for family($_[0]); $n }

# Threads of the process of a server that has most of them.
sub threads { max(map { scalar(() = glob "/proc/$_/task/*") } family($_[0])) }

# --- rounds ---

sub median {
    my @sorted = sort { $a <=> $b } grep { defined } @_;
    return undef unless @sorted;
    my $middle = int(@sorted / 2);
    return @sorted % 2 ? $sorted[$middle] : ($sorted[ $middle - 1 ] + $sorted[$middle]) / 2;
}

sub max { (sort { $b <=> $a } grep { defined } @_)[0] }

sub value_of {
    my ($round, $path) = @_;
    my ($target, $key) = split /\./, $path, 2;
    return $round->{$target}{$key};
}

# Measures the targets that the rows need, once a round.
sub rounds {
    my ($group, @rows) = @_;
    my %wanted = map { (split /\./, $_)[0] => 1 } grep { $_ } map { @$_[2, 3] } @rows;
    my @targets = sort grep { $group->{targets}{$_} } keys %wanted;
    my @rounds;
    for my $round (1 .. $group->{rounds} // 5) {
        my %value;
        for my $target (@targets) {
            $value{$target} = $group->{targets}{$target}->();
        }
        push @rounds, \%value;
        push @targets, shift @targets;
        print STDERR '.';
    }
    return @rounds;
}

# "met >= 0.95", "missed ours <= 45", or nothing.
sub verdict {
    my ($ours, $ratio, $target) = @_;
    return '' unless $target;
    my ($own, $least, $bound) = $target =~ /^(ours )?([<>])= ([\d.]+)$/ or die "bad target: $target\n";
    my $figure = $own ? $ours : $ratio;
    return "unknown $target" unless defined $figure;
    return (($least eq '>' ? $figure >= $bound : $figure <= $bound) ? 'met ' : 'missed ') . $target;
}

sub result {
    my ($row, @rounds) = @_;
    my ($name, $unit, $ours, $reference, $what, $how, $target) = @$row;
    my $sum = ($how // '') eq 'worst' ? \&max : \&median;
    my $inverse = ($how // '') eq 'inverse';
    my (@ours, @reference, @ratio);
    for my $round (@rounds) {
        my ($x, $y) = map { $_ ? value_of($round, $_) : undef } $ours, $reference;
        push @ours,      $x;
        push @reference, $y;
        ($x, $y) = ($y, $x) if $inverse;
        push @ratio, $x / $y if defined $x && ($y // 0) > 0;
    }
    my ($own, $ratio) = ($sum->(@ours), $sum->(@ratio));
    return { name => $name, unit => $unit, ours => $own, reference => $sum->(@reference), ratio => $ratio,
        target => verdict($own, $ratio, $target), what => $what . ($inverse ? '; ratio is reference/ours' : '') };
}

# --- all ---

sub missing {
    my ($group) = @_;
    return grep { !-e(m{^/} ? $_ : build() . "/$_") } @{ $group->{needs} // [] };
}

sub glob_to_pattern {
    my ($glob) = @_;
    my $pattern = join '', map { $_ eq '*' ? '.*' : $_ eq '?' ? '.' : quotemeta } split //, $glob;
    return qr/^$pattern$/;
}

# Runs every group that has a row matching $glob.  Returns the results and the
# rows that could not be measured, with the reason.
sub run_groups {
    my ($glob, @groups) = @_;
    my $pattern = glob_to_pattern($glob);
    my (@results, @skipped);
    for my $group (@groups) {
        my @rows = grep { $_->[0] =~ $pattern } @{ $group->{rows} } or next;
        if (my @missing = missing($group)) {
            push @skipped, map { [$_->[0], "needs @missing"] } @rows;
            next;
        }
        printf STDERR '%-28s ', $rows[0][0];
        my @rounds = eval { rounds($group, @rows) };
        if (my $error = $@) {
            chomp $error;
            print STDERR " $error\n";
            push @skipped, map { [$_->[0], "FAILED: $error"] } @rows;
            next;
        }
        print STDERR "\n";
        push @results, map { result($_, @rounds) } @rows;
    }
    return (\@results, \@skipped);
}

1;

# SPDX-License-Identifier: Apache-2.0
package Demo::Show;

# What a person sees of the demo: servers, steps, requests and answers.

use strict;
use warnings;
use Time::HiRes qw(time);
use Exporter 'import';
our @EXPORT = qw(title server step ask answer note held failed xml_lines);

my ($bold, $dim, $green, $red, $off) =
    -t STDOUT ? map { "\e[${_}m" } 1, 2, 32, 31, 0 : ('') x 5;
$| = 1;

my ($number, $begun) = (0, time);

sub title { print "$bold$_[0]$off\n\n" }

# One server that came up: its name, where it listens.
sub server {
    printf "  %-34s %-34s %5.1f s\n", @_, time - $begun;
    $begun = time;
}

# Opens the next step.
sub step {
    my ($text) = @_;
    printf "\n$bold%2d  %s$off\n", ++$number, $text;
    $begun = time;
}

# Lines that go out, lines that come back, remarks.
sub ask    { print map { "    $dim>$off $_\n" } lines(@_) }
sub answer { print map { "    $dim<$off $_\n" } lines(@_) }
sub note   { print map { "      $dim$_$off\n" } lines(@_) }

sub held   { printf "    ${green}held$off  %s (%.1f s)\n", $_[0], time - $begun }

# The sentence, or the end of what a program printed.
sub failed {
    my @lines = lines(@_);
    splice @lines, 0, -8;
    print map { "    ${red}FAILED$off  $_\n" } @lines;
}

sub lines {
    return map { s/\s+\z//r } grep { /\S/ } map { split /\n/ } @_;
}

# The elements @names of an XML document, one a line, indented as they nest.
sub xml_lines {
    my ($xml, @names) = @_;
    my $wanted = join '|', map { quotemeta } @names;
    my @lines = grep { m{^\s*<(?:\w+:)?(?:$wanted)[\s>]} } split /\n/, pretty($xml);
    my ($least) = sort { $a <=> $b } map { length((/^(\s*)/)[0]) } @lines;
    return map { my $line = substr $_, $least // 0; shortened($line) } @lines;
}

sub shortened { length $_[0] > 110 ? substr($_[0], 0, 107) . '...' : $_[0] }

# Through xmllint; as it is when that finds no XML.
sub pretty {
    my ($xml) = @_;
    my $file = File::Temp->new;
    print $file $xml;
    close $file;
    my $text = `xmllint --nonet --format $file 2>/dev/null`;
    return $? == 0 ? $text : $xml;
}

1;

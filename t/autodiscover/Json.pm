# SPDX-License-Identifier: Apache-2.0
package Json;

# The judge of JSON: python3-jsonschema, as json.schema says.
#
#   plan skip_all => $why if $why = Json::missing();
#   is_deeply([Json::wrong(@documents)], [], 'all are valid');

use strict;
use warnings;
use T::Dir qw(temp_dir write_file top);

my $judge = <<'PYTHON';
import json, sys
import jsonschema
with open(sys.argv[1]) as file:
    validator = jsonschema.Draft7Validator(json.load(file))
def once(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a name is there twice")
    return dict(pairs)
for line in open(sys.argv[2], "rb"):
    try:
        validator.validate(json.loads(line.decode("ascii"), object_pairs_hook=once))
    except Exception as error:
        print(str(error).split("\n")[0], "in", line)
PYTHON

sub missing {
    return system(q{/usr/bin/python3 -c 'import jsonschema' 2>/dev/null}) == 0
        ? undef : 'python3-jsonschema is not installed (make deps)';
}

# What is wrong with the documents of a file, one a line.
sub wrong_in {
    my ($file) = @_;
    my $dir = temp_dir();
    write_file("$dir/judge.py", $judge);
    my @said = `/usr/bin/python3 $dir/judge.py @{[ top() ]}/t/autodiscover/json.schema $file 2>&1`;
    push @said, "the judge failed\n" if $?;
    chomp @said;
    return @said;
}

sub wrong {
    my (@documents) = @_;
    my $dir = temp_dir();
    return 'more than one line' if grep { /\n./ } @documents;
    write_file("$dir/documents", join '', map { s/\n?\z/\n/r } @documents);
    return wrong_in("$dir/documents");
}

1;

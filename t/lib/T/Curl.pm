# SPDX-License-Identifier: Apache-2.0
package T::Curl;

# Asks an HTTP server by curl(1): an HTTP client that nobody here wrote.
#
#   my $curl = T::Curl->new(base => $httpd->tls_url, ca => $ca->{ca},
#       user => 'alice:Secret-alice1');   # Basic; user => undef for none
#   my $answer = $curl->post('/EWS/Exchange.asmx', $body, type => 'text/xml');
#   my $answer = $curl->get('/', user => 'bob:Secret-bob1');
#   $answer->{status}, $answer->{type}, $answer->{body}, $answer->{headers}
#
# Also: header => ['Name: value', ...], method => '...', options => [...] for
# curl itself.  Status 0 means that curl failed; {error} then says why.

use strict;
use warnings;
use File::Temp ();
use T::Dir qw(write_file read_file);

sub new {
    my ($class, %self) = @_;
    return bless {%self}, $class;
}

sub get { my ($self, $path, %more) = @_; return $self->ask($path, %more) }

sub post {
    my ($self, $path, $body, %more) = @_;
    return $self->ask($path, body => $body, type => 'text/xml; charset=utf-8', %more);
}

sub ask {
    my ($self, $path, %more) = @_;
    my %how = (%$self, %more);
    my $dir = File::Temp->newdir;
    my @options = ('-sS', '-m', $how{seconds} // 20, '-o', "$dir/body",
        '-D', "$dir/head", '-w', '%{http_code}', @{ $how{options} // [] });
    push @options, '--cacert', $how{ca}   if $how{ca};
    push @options, '-u', $how{user}       if defined $how{user};
    push @options, '-X', $how{method}     if $how{method};
    push @options, map { ('-H', $_) } @{ $how{header} // [] };
    if (defined $how{body}) {
        write_file("$dir/request", $how{body});
        push @options, '-H', "Content-Type: $how{type}", '--data-binary',
            "\@$dir/request";
    }
    my $out = run('curl', @options, ($how{base} // '') . $path);
    my ($status, $error) = $out =~ /^(.*?)(\d{3})\z/s ? ($2, $1) : (0, $out);
    my %headers = map { lc $_->[0] => $_->[1] } map { [ /^([\w-]+):\s*(.*?)\r?$/ ] }
        grep { /^[\w-]+:/ } split /\n/, read_file("$dir/head") // '';
    return { status => $status + 0, error => $error, headers => \%headers,
        type => $headers{'content-type'} // '', body => read_file("$dir/body") // '' };
}

sub run {
    open my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>&1 </dev/null', 'sh', @_
        or die "curl: $!\n";
    local $/;
    my $out = <$pipe> // '';
    close $pipe;
    return $out;
}

1;

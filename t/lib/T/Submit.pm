# SPDX-License-Identifier: Apache-2.0
package T::Submit;

# smtp-submit with a configuration and a queue of its own.
#
#   my $submit = T::Submit->new;
#   $submit->run('mail', 'smtpserver', '127.0.0.1');  # (exit status, output, errors)
#   $submit->input("text\n", 'mail', 'to', 'a@b.c');  # the same with input
#   $submit->set("mail from a\@b.c", ...);            # lines of settings; dies
#   $submit->file('message', "text\n");               # a file to send; its path

use strict;
use warnings;
use T::Dir qw(build temp_dir write_file read_file);

sub new {
    my ($class, %self) = @_;
    my $self = bless { %self, dir => temp_dir() }, $class;
    write_file($self->conf, "mail spool $self->{dir}/spool\n");
    return $self;
}

sub dir     { "$_[0]{dir}" }
sub conf    { "$_[0]{dir}/submit.conf" }
sub spool   { "$_[0]{dir}/spool" }
sub program { build() . '/bin/smtp-submit' }
sub command { my $self = shift; return ($self->program, '-c', $self->conf, @_) }

sub file {
    my ($self, $name, $text) = @_;
    return write_file($self->dir . "/$name", $text);
}

# Runs any command with $input (undef: nothing); (exit status, output, errors).
# A death by signal N is the status 128 + N.
sub spawn {
    my ($self, $input, @command) = @_;
    my $base = "$self->{dir}/" . ++$self->{runs};
    write_file("$base.in", $input // '');
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDIN,  '<', "$base.in";
        open STDOUT, '>', "$base.out";
        open STDERR, '>', "$base.err";
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    my @texts  = map { read_file("$base.$_") } qw(out err);
    unlink map { "$base.$_" } qw(in out err);
    return ($status, @texts);
}

sub run   { my $self = shift; return $self->spawn(undef, $self->command(@_)) }
sub input { my ($self, $input, @rest) = @_; return $self->spawn($input, $self->command(@rest)) }

sub set {
    my ($self, @lines) = @_;
    for my $line (@lines) {
        my ($status, $out, $err) = $self->input("$line\n");
        die "$line: $err\n" if $status || $err;
    }
}

# What lies in a folder of the queue.
sub ids {
    my ($self, $folder) = @_;
    return map { s{.*/}{}r } sort glob $self->spool . '/' . ($folder // 'new') . '/*';
}

1;

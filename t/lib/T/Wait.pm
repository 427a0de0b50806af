# SPDX-License-Identifier: Apache-2.0
package T::Wait;

# Waiting for events: a condition is asked again every 10 ms until it holds or
# the time is over.  No test waits for a fixed time.

use strict;
use warnings;
use IO::Socket::IP;
use Time::HiRes qw(time);
use Exporter 'import';
our @EXPORT_OK = qw(until_true until_port free_port);

# The value of $condition->() as soon as it is true, else undef after
# $seconds (default 30).
sub until_true {
    my ($condition, $seconds) = @_;
    my $end = time + ($seconds // 30);
    while (1) {
        my $value = $condition->();
        return $value if $value;
        return undef  if time > $end;
        select undef, undef, undef, 0.01;
    }
}

# 1 when something accepts connections on $host:$port; gives up early when
# the process $pid has ended.
sub until_port {
    my ($host, $port, $seconds, $pid) = @_;
    my $gone;
    my $up = until_true(
        sub {
            return 1 if IO::Socket::IP->new(
                PeerHost => $host, PeerPort => $port, Timeout => 1);
            $gone = $pid && !lives($pid);
            return $gone;
        },
        $seconds);
    return $up && !$gone;
}

# 1 while the process runs; one that has ended and that nobody has waited for
# yet does not.
sub lives {
    my ($pid) = @_;
    open my $f, '<', "/proc/$pid/stat" or return 0;
    return (<$f> // '') =~ /\) [^ZX]/ ? 1 : 0;
}

# A TCP port of 127.0.0.1 (or $host) that nobody uses now.  Taken below the
# kernel's range for outgoing connections, spread by process id, so that tests
# in parallel do not meet.
my $next;
sub free_port {
    my ($host) = @_;
    $next //= 10000 + ($$ * 37) % 20000;
    for (1 .. 2000) {
        $next = 10000 if ++$next >= 32000;
        my $socket = IO::Socket::IP->new(
            LocalHost => $host // '127.0.0.1', LocalPort => $next,
            Listen => 1, ReuseAddr => 1);
        return $next if $socket;
    }
    die "no free port\n";
}

1;

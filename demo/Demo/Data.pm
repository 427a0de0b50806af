# SPDX-License-Identifier: Apache-2.0
package Demo::Data;

# What the demo's users have: calendars, mailboxes, a mail client.

use strict;
use warnings;
use File::Path qw(make_path);
use POSIX qw(strftime);
use T::Dir qw(write_file top build);

# Every event: start and end in half hours of the day, and the figure of the
# merged view ([MS-OXWAVLS]: 1 tentative, 2 busy, 3 out of office).
my @daily = ([18, 19, 2, 'Morning round']);
my %once  = (
    alice => [[20, 22, 2, 'Budget']],
    bob   => [[22, 25, 2, 'Interviews'], [28, 30, 1, 'Lunch with Carol?'], [32, 36, 3, 'Dentist']],
);

# The next day from Monday to Friday and the day after it, as YYYY-MM-DD.
sub working_day {
    my $day = time + 86400;
    $day += 86400 while (gmtime $day)[6] % 6 == 0;
    return map { strftime('%Y-%m-%d', gmtime $_) } $day, $day + 86400;
}

# bob's half hours of that day, in figures.
sub merged_day {
    my @slots = (0) x 48;
    for (@daily, @{ $once{bob} }) {
        my ($start, $end, $figure) = @$_;
        $slots[$_] = $figure for $start .. $end - 1;
    }
    return join '', @slots;
}

sub write_all {
    my ($world) = @_;
    my $run = $world->run;
    make_path("$run/calendars", "$run/sieve", "$run/submit");
    write_file("$run/calendars/$_.ics", calendar($_)) for keys %once;
    write_file("$run/httpd/mailboxes", mailboxes($world));
    write_file("$run/httpd/mailbox.secret", $world->dc->reader_password . "\n", 0600)
        if $world->dc;
    write_file("$run/submit/smtp-submit.conf", submit_conf($world));
    write_file("$run/submit/password", $world->user(1)->{password} . "\n", 0600);
    chown scalar(getpwnam 'www-data'), -1, "$run/sieve", "$run/httpd/mailboxes";
}

# Where httpd puts the out-of-office script of $user.
sub sieve_file {
    my ($world, $user) = @_;
    return $world->run . "/sieve/$user->{name}.sieve";
}

# --- calendars ---------------------------------------------------------------

sub calendar {
    my ($name) = @_;
    my $day = (working_day())[0] =~ s/-//gr;
    my $n   = 0;
    return join "\r\n", 'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Postern//demo//EN',
        (map { event("daily-$name", '20260105', @$_, 'RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR') } @daily),
        (map { event('once-' . $n++ . "-$name", $day, @$_) } @{ $once{$name} }),
        'END:VCALENDAR', '';
}

sub event {
    my ($uid, $day, $start, $end, $figure, $summary, @more) = @_;
    my ($from, $to) = map { sprintf '%sT%02d%02d00Z', $day, $_ / 2, $_ % 2 * 30 } $start, $end;
    my $status = ('FREE', 'TENTATIVE', 'BUSY', 'OOF')[$figure];
    return 'BEGIN:VEVENT', "UID:$uid\@example.test", 'DTSTAMP:20260101T000000Z',
        "DTSTART:$from", "DTEND:$to", "SUMMARY:$summary",
        'STATUS:' . ($figure == 1 ? 'TENTATIVE' : 'CONFIRMED'),
        "X-MICROSOFT-CDO-BUSYSTATUS:$status", @more, 'END:VEVENT';
}

# --- mailboxes in a file -----------------------------------------------------

sub mailboxes {
    my ($world) = @_;
    my $text = "# The users of the demo.\n";
    for my $user (map { $world->user($_) } 1 .. 3) {
        my $hash = crypt $user->{password}, '$6$' . "demo$user->{name}\$";
        $text .= "\nuser: $user->{name}\npassword: $hash\nmail: $user->{mail}\n"
            . "alias: $user->{alias}\nname: \u$user->{name} Example\n"
            . "legacydn: $user->{legacy_dn}\n";
    }
    return $text;
}

# --- the mail client ---------------------------------------------------------

# Its configuration is its commands.
sub submit_conf {
    my ($world) = @_;
    my ($run, $user) = ($world->run, $world->user(1));
    return <<"CONF";
mail smtpserver @{[ $world->mx->host ]}
mail smtpserver authentication crammd5 username $user->{name} password-file $run/submit/password
mail smtpserver port @{[ $world->mx->port('starttls') ]}
mail smtpserver tls starttls
mail smtpserver tls-ca-file $run/tls/ca.pem
mail from $user->{mail}
mail hostname @{[ $world->host ]}
mail file-root $run/submit
mail spool $run/submit/spool
CONF
}

# --- httpd -------------------------------------------------------------------

# Definitions, then the configuration of the demo.
sub httpd_conf {
    my ($world) = @_;
    my $dc = $world->dc;
    my %define = (
        DEMO_RUN      => $world->run,
        DEMO_PORT     => $world->port,
        DEMO_URL      => $world->url,
        DEMO_SUBMISSION => $world->mx->port('starttls'),
        DEMO_IMAP     => $world->imap_port,
        POSTERN_TOP   => top(),
        POSTERN_BUILD => build(),
        ($dc ? (
            DEMO_LDAPS  => $dc->ldaps_url,
            DEMO_BASE   => $dc->base,
            DEMO_READER => $dc->reader_dn,
            DEMO_DC     => $dc->address,
        ) : ()),
    );
    return join '', (map { "Define $_ \"$define{$_}\"\n" } sort keys %define),
        ($dc ? "Define DEMO_SAMBA\n" : ''),
        'Include "' . top() . "/demo/httpd.conf\"\n";
}

1;

# SPDX-License-Identifier: Apache-2.0

package Rows::Freebusy;

# mod_freebusy beside its own source: what it costs to fetch the same calendar
# from the same server, without us.

use strict;
use warnings;
use Bench qw(program numbers with_cpu);
use POSIX qw(strftime);
use Stage qw(stage dir mailbox_file mailbox_login);
use T::Dir qw(write_file);
use T::Httpd;

my $load = program('http_load');
my ($from, $days) = (int(time / 86400) * 86400, 14);

sub utc { strftime('%Y%m%dT%H%M%SZ', gmtime shift) }

# Three meetings of an hour on each day of the window, and a week around it.
sub calendar {
    my @busy = map { my $day = $from + 86400 * $_;
        map { 'FREEBUSY:' . utc($day + 3600 * $_) . '/' . utc($day + 3600 * $_ + 3600) } 9, 13, 16 } -7 .. $days + 7;
    return join "\r\n", 'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Postern//bench//EN', 'BEGIN:VFREEBUSY',
        'DTSTART:' . utc($from - 7 * 86400), 'DTEND:' . utc($from + ($days + 8) * 86400),
        @busy, 'END:VFREEBUSY', 'END:VCALENDAR', '';
}

sub source {
    return stage(calendars => sub {
        my $httpd = T::Httpd->new(main => $Stage::one_child, conf => "MaxKeepAliveRequests 0\nAddType text/calendar .ifb\n")->start;
        write_file($httpd->dir . '/htdocs/alice.ifb', calendar());
        $httpd;
    });
}

sub question {
    return stage(availability_question => sub {
        my $soap  = 'http://schemas.xmlsoap.org/soap/envelope/';
        my $ews   = 'http://schemas.microsoft.com/exchange/services/2006';
        my ($start, $end) = map { strftime('%Y-%m-%dT00:00:00', gmtime) } $from, $from + 86400 * $days;
        my $period = sub { "<t:$_[0]><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder>"
            . "<t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:$_[0]>" };
        write_file(dir() . '/availability.xml', qq{<?xml version="1.0" encoding="utf-8"?>\n}
            . qq{<s:Envelope xmlns:s="$soap" xmlns:m="$ews/messages" xmlns:t="$ews/types"><s:Body>}
            . '<m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>0</t:Bias>'
            . $period->('StandardTime') . $period->('DaylightTime') . '</t:TimeZone>'
            . '<m:MailboxDataArray><t:MailboxData><t:Email><t:Address>alice@example.test</t:Address></t:Email>'
            . '<t:AttendeeType>Required</t:AttendeeType></t:MailboxData></m:MailboxDataArray>'
            . "<t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>$start</t:StartTime><t:EndTime>$end</t:EndTime></t:TimeWindow>"
            . '<t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes>'
            . '<t:RequestedView>FreeBusyMerged</t:RequestedView></t:FreeBusyViewOptions>'
            . "</m:GetUserAvailabilityRequest></s:Body></s:Envelope>\n");
    });
}

sub server {
    return stage(freebusy => sub {
        my ($mailboxes, $login, $from_there) = (mailbox_file(), mailbox_login(), source());
        T::Httpd->new(modules => [qw(mailbox freebusy)], load => [qw(ldap authn_socache)],
            main => "AuthnCacheSOCache shmcb\n$Stage::one_child", conf => <<"CONF")->start;
MaxKeepAliveRequests 0
MailboxFile $mailboxes
<Location />
$login
</Location>
<Location /ews/as>
  FreeBusyEngine On
  FreeBusySource @{[$from_there->url]}/%{user}.ifb
</Location>
<Location /EWS/Exchange.asmx>
  FreeBusyEngine On
  FreeBusySource file:@{[$from_there->dir]}/htdocs/%{user}.ifb
</Location>
CONF
    });
}

sub availability {
    my ($where) = @_;
    my $httpd = server();
    return with_cpu($httpd->pid, sub { numbers($load, '-p', '127.0.0.1:' . $httpd->port,
        qw(-u alice:secret -b), question(), 1, 1, $where) });
}

sub fetch {
    my $httpd = source();
    return with_cpu($httpd->pid, sub { numbers($load, '-p', '127.0.0.1:' . $httpd->port, 1, 1, '/alice.ifb') });
}

my $what = "the source alone: GET of the calendar, kept connection";
return (
    { needs => [qw(modules/mod_freebusy.so modules/mod_mailbox.so bench/http_load)], rounds => 5,
      targets => { url => sub { availability("/ews/as") }, file => sub { availability("/EWS/Exchange.asmx") }, source => \&fetch },
      rows => [
        ['freebusy.1', 'us', 'url.p50', 'source.p50', "$what; 1 mailbox, $days days, p50"],
        ['freebusy.1.p99', 'us', 'url.p99', 'source.p99', $what],
        ['freebusy.1.file', 'us', 'file.p50', 'source.p50', "$what; ours reads the file itself"],
        ['freebusy.1.cpu', 'us/request', 'url.cpu', 'source.cpu', 'the source alone; CPU'] ] },
);

# SPDX-License-Identifier: Apache-2.0
package Demo::Request;

# Requests as Outlook words them.

use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(autodiscover availability get_oof set_oof);

my $outlook = 'http://schemas.microsoft.com/exchange/autodiscover/outlook';
my $ews     = 'http://schemas.microsoft.com/exchange/services/2006';

# Where is the mailbox of $address?  POX, [MS-OXDSCLI] section 2.2.3.
sub autodiscover {
    my ($address) = @_;
    return <<"XML";
<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="$outlook/requestschema/2006">
  <Request>
    <EMailAddress>$address</EMailAddress>
    <AcceptableResponseSchema>$outlook/responseschema/2006a</AcceptableResponseSchema>
  </Request>
</Autodiscover>
XML
}

# When are @addresses busy between $start and $end (UTC, no zone letter)?
sub availability {
    my ($start, $end, @addresses) = @_;
    my $mailboxes = join '', map { <<"XML" } @addresses;
      <t:MailboxData>
        <t:Email><t:Address>$_</t:Address></t:Email>
        <t:AttendeeType>Required</t:AttendeeType>
      </t:MailboxData>
XML
    return envelope(<<"XML");
    <m:GetUserAvailabilityRequest>
      <t:TimeZone>
        <t:Bias>0</t:Bias>
        <t:StandardTime><t:Bias>0</t:Bias><t:Time>03:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>
        <t:DaylightTime><t:Bias>0</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime>
      </t:TimeZone>
      <m:MailboxDataArray>
$mailboxes      </m:MailboxDataArray>
      <t:FreeBusyViewOptions>
        <t:TimeWindow><t:StartTime>$start</t:StartTime><t:EndTime>$end</t:EndTime></t:TimeWindow>
        <t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes>
        <t:RequestedView>FreeBusyMerged</t:RequestedView>
      </t:FreeBusyViewOptions>
    </m:GetUserAvailabilityRequest>
XML
}

sub get_oof {
    my ($address) = @_;
    return envelope(<<"XML");
    <m:GetUserOofSettingsRequest>
      <t:Mailbox><t:Address>$address</t:Address></t:Mailbox>
    </m:GetUserOofSettingsRequest>
XML
}

# $state is Enabled, Disabled or Scheduled.
sub set_oof {
    my ($address, $state, $start, $end, $text) = @_;
    return envelope(<<"XML");
    <m:SetUserOofSettingsRequest>
      <t:Mailbox><t:Address>$address</t:Address></t:Mailbox>
      <t:UserOofSettings>
        <t:OofState>$state</t:OofState>
        <t:ExternalAudience>All</t:ExternalAudience>
        <t:Duration><t:StartTime>$start</t:StartTime><t:EndTime>$end</t:EndTime></t:Duration>
        <t:InternalReply><t:Message>$text</t:Message></t:InternalReply>
        <t:ExternalReply><t:Message>$text</t:Message></t:ExternalReply>
      </t:UserOofSettings>
    </m:SetUserOofSettingsRequest>
XML
}

sub envelope {
    my ($body) = @_;
    return <<"XML";
<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:m="$ews/messages" xmlns:t="$ews/types">
  <soap:Body>
$body  </soap:Body>
</soap:Envelope>
XML
}

1;

// SPDX-License-Identifier: Apache-2.0
//
// client.js URL USER PASSWORD ADDRESS...: availability of the addresses on
// 28 and 29 March 2026, then out of office of the first set and read.  Prints
// one JSON object.

'use strict';
const ews = require('ews-javascript-api');
const [url, user, password, ...addresses] = process.argv.slice(2);

const service = new ews.ExchangeService(ews.ExchangeVersion.Exchange2013_SP1,
    ews.TimeZoneInfo.Utc);
service.Credentials = new ews.WebCredentials(user, password);
service.Url = new ews.Uri(url);

async function availability() {
    const attendees = addresses.map((a) => new ews.AttendeeInfo(a));
    const window = new ews.TimeWindow(new ews.DateTime('2026-03-28T00:00:00Z'),
        new ews.DateTime('2026-03-30T00:00:00Z'));
    const options = new ews.AvailabilityOptions();
    options.MergedFreeBusyInterval = 60;
    options.RequestedFreeBusyView = ews.FreeBusyViewType.DetailedMerged;
    const found = await service.GetUserAvailability(attendees, window,
        ews.AvailabilityData.FreeBusyAndSuggestions, options);
    return {
        results: found.AttendeesAvailability.Responses.map((r) => ({
            code: ews.ServiceError[r.ErrorCode],
            merged: r.MergedFreeBusyStatus ? r.MergedFreeBusyStatus.join('') : '',
            events: r.CalendarEvents.map((e) => ({
                start: e.StartTime.ToISOString(),
                status: ews.LegacyFreeBusyStatus[e.FreeBusyStatus],
                subject: e.Details ? e.Details.Subject : null,
            })),
            hours: r.WorkingHours ? r.WorkingHours.EndTime.TotalMinutes : null,
        })),
        suggestions: found.Suggestions.map((d) => ({
            day: d.Date.ToISOString(),
            times: d.TimeSuggestions.length,
        })),
    };
}

// The library sends a message as it stands: markup would become elements.
const escaped = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

async function outOfOffice() {
    const sent = new ews.OofSettings();
    sent.State = ews.OofState.Scheduled;
    sent.ExternalAudience = ews.OofExternalAudience.Known;
    sent.Duration = new ews.TimeWindow(new ews.DateTime('2036-08-01T06:30:00Z'),
        new ews.DateTime('2036-08-15T16:00:00Z'));
    sent.InternalReply = new ews.OofReply(escaped('<p>Away &amp; "gone" é中</p>'));
    sent.ExternalReply = new ews.OofReply('Out of office');
    await service.SetUserOofSettings(addresses[0], sent);
    const got = await service.GetUserOofSettings(addresses[0]);
    return {
        state: ews.OofState[got.State],
        audience: ews.OofExternalAudience[got.ExternalAudience],
        start: got.Duration.StartTime.ToISOString(),
        end: got.Duration.EndTime.ToISOString(),
        internal: got.InternalReply.Message,
        external: got.ExternalReply.Message,
    };
}

(async () => {
    const answer = { availability: await availability(), oof: await outOfOffice() };
    process.stdout.write(JSON.stringify(answer) + '\n');
})().catch((error) => {
    process.stdout.write(JSON.stringify({ error: String(error && error.message || error) }) + '\n');
    process.exitCode = 1;
});

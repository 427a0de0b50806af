#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""exchangelib (Debian python3-exchangelib) against our answers.

exl.py MODE...   prints one line a mode, exit status 0 when all passed
  pox        autodiscover by the domain of EMAIL (needs its DNS and port 443)
  freebusy   GetUserAvailability of EMAIL, OTHER and MISSING at EWS_URL
  oof        out-of-office settings set, read and switched off at EWS_URL
  badpass    a wrong password is refused
From the environment: EMAIL PASSWORD EWS_URL OTHER MISSING, LOGIN (default
EMAIL) and AUTH at EWS_URL (basic, NTLM), FB_DAY (first of
the two days asked for, default 2026-03-02), FB_EXPECT (their 96 half hours).
Trust: REQUESTS_CA_BUNDLE.
"""
import datetime
import logging
import os
import re
import shutil
import sys
import tempfile

# exchangelib keeps a cache of autodiscover answers in the temporary folder.
scratch = os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp()
logging.basicConfig(level=logging.ERROR)

from exchangelib import (BASIC, DELEGATE, Account, Configuration, Credentials,  # noqa: E402
                         EWSDateTime, EWSTimeZone, OofSettings, autodiscover, errors)
from exchangelib.autodiscover.discovery.base import BaseAutodiscovery  # noqa: E402
from exchangelib.autodiscover.discovery.pox import PoxAutodiscovery  # noqa: E402
from exchangelib.properties import (DaylightTime, FreeBusyView, FreeBusyViewOptions,  # noqa: E402
                                    MailboxData, StandardTime, TimeWindow, TimeZone)
from exchangelib.protocol import BaseProtocol, FailFast  # noqa: E402
from exchangelib.services import GetUserAvailability  # noqa: E402
from exchangelib.version import EXCHANGE_2016, Version  # noqa: E402

BaseProtocol.TIMEOUT = 20
BaseAutodiscovery.RETRY_WAIT = 1

env = os.environ
email, password = env["EMAIL"], env["PASSWORD"]
login = env.get("LOGIN", email)
UTC = EWSTimeZone("UTC")


class Failed(Exception):
    pass


def must(true, sentence):
    if not true:
        raise Failed(sentence)


def account(secret=password):
    configuration = Configuration(
        service_endpoint=env["EWS_URL"], credentials=Credentials(login, secret),
        auth_type=env.get("AUTH", BASIC), retry_policy=FailFast(), version=Version(build=EXCHANGE_2016))
    return Account(primary_smtp_address=email, config=configuration,
                   autodiscover=False, access_type=DELEGATE)


def pox():
    autodiscover.clear_cache()
    found, protocol = PoxAutodiscovery(
        email=email, credentials=Credentials(login, password)).discover()
    url = protocol.service_endpoint
    must(found.user.display_name, "no DisplayName")
    must(found.user.legacy_dn, "no LegacyDN")
    must(found.autodiscover_smtp_address == email,
         f"AutoDiscoverSMTPAddress is {found.autodiscover_smtp_address}")
    must(re.match(r"https://mail\.example\.test(:\d+)?/ews/exchange\.asmx$", url, re.I),
         f"the EWS URL is {url}")
    kinds = [p.type for p in found.account.protocols if p.type]
    must({"EXCH", "EXPR"} <= set(kinds), f"the protocols are {kinds}")
    return f"{url} {'+'.join(kinds)} version {found.version}"


def no_summer_time():
    """The zone UTC, as a rule with two equal halves."""
    at = dict(bias=0, time=datetime.time(0), occurrence=1, weekday=7)
    return TimeZone(bias=0, standard_time=StandardTime(iso_month=10, **at),
                    daylight_time=DaylightTime(iso_month=3, **at))


def freebusy():
    year, month, day = map(int, env.get("FB_DAY", "2026-03-02").split("-"))
    start = EWSDateTime(year, month, day, tzinfo=UTC)
    window = TimeWindow(start=start, end=start + datetime.timedelta(days=2))
    asked = [email, env["OTHER"], env["MISSING"]]
    views = list(GetUserAvailability(account().protocol).call(
        mailbox_data=[MailboxData(email=a, attendee_type="Required", exclude_conflicts=False)
                      for a in asked],
        timezone=no_summer_time(),
        free_busy_view_options=FreeBusyViewOptions(
            time_window=window, merged_free_busy_interval=30, requested_view="DetailedMerged")))
    must(len(views) == len(asked), f"{len(views)} views for {len(asked)} mailboxes")
    must(isinstance(views[2], Exception), f"{asked[2]} is answered {views[2]!r}")
    for address, view in zip(asked, views[:2]):
        must(isinstance(view, FreeBusyView), f"{address}: {view!r}")
        must(view.view_type in ("DetailedMerged", "FreeBusyMerged"), f"{address}: {view.view_type}")
        must(view.merged and len(view.merged) == 96, f"{address}: merged is {view.merged!r}")
        must(view.calendar_events, f"{address}: no events")
        must(view.working_hours, f"{address}: no working hours")
    expected = env.get("FB_EXPECT", views[0].merged)
    must(views[0].merged == expected, f"merged is {views[0].merged}, not {expected}")
    return f"{views[0].view_type} {views[0].merged}, {type(views[2]).__name__}"


def oof():
    mine = account()
    now = EWSDateTime.now(UTC).replace(microsecond=0)
    sent = OofSettings(
        state=OofSettings.SCHEDULED, external_audience="Known",
        start=now + datetime.timedelta(days=1), end=now + datetime.timedelta(days=5),
        internal_reply='<html><body>Away <b>until</b> Friday & "back" \u00e9\u4e2d</body></html>',
        external_reply="Out of office")
    mine.oof_settings = sent
    got = mine.oof_settings
    for name in ("state", "external_audience", "start", "end"):
        must(getattr(got, name) == getattr(sent, name), f"{name} is {getattr(got, name)}")
    must("until" in got.internal_reply and "\u00e9\u4e2d" in got.internal_reply,
         f"internal reply {got.internal_reply!r}")
    must("Out of office" in got.external_reply, f"external reply {got.external_reply!r}")
    for state in (OofSettings.ENABLED, OofSettings.DISABLED):
        mine.oof_settings = OofSettings(state=state, external_audience="All",
                                        internal_reply="in", external_reply="out")
        must(mine.oof_settings.state == state, f"{mine.oof_settings.state} after {state}")
    return "scheduled, enabled, disabled"


def badpass():
    try:
        account(password + "x").oof_settings
    except (errors.UnauthorizedError, errors.EWSError) as refused:
        return type(refused).__name__
    raise Failed("a wrong password was accepted")


MODES = {f.__name__: f for f in (pox, freebusy, oof, badpass)}
status = 0
for mode in sys.argv[1:]:
    try:
        print(f"PASS {mode}: {MODES[mode]()}")
    except Exception as why:  # whatever exchangelib makes of an answer
        status = 1
        print(f"FAIL {mode}: {type(why).__name__}: {str(why)[:400]}")
shutil.rmtree(scratch, True)
sys.exit(status)

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""python3-caldav: caldav_client.py URL says as JSON where URL leads: principal,
and the summaries in each calendar.  LOGIN and PASSWORD are in the environment;
trust by REQUESTS_CA_BUNDLE."""
import json
import os
import sys

import caldav

client = caldav.DAVClient(sys.argv[1], username=os.environ["LOGIN"], password=os.environ["PASSWORD"])
principal = client.principal()
print(json.dumps({
    "principal": str(principal.url),
    "events": [e.vobject_instance.vevent.summary.value for c in principal.calendars() for e in c.events()],
}))

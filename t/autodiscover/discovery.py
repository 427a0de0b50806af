#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""exchangelib (Debian python3-exchangelib) finds its mailbox by the domain of
EMAIL alone: discovery.py pox|soap prints the EWS URL that it found, settings
all that a plain-XML answer tells of servers, as JSON by type.  LOGIN and
PASSWORD are in the environment as well; trust by REQUESTS_CA_BUNDLE."""
import json
import os
import shutil
import sys
import tempfile

# exchangelib keeps a cache of autodiscover answers in the temporary folder.
scratch = os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp()

from exchangelib import Credentials  # noqa: E402
from exchangelib.autodiscover.discovery.base import BaseAutodiscovery  # noqa: E402
from exchangelib.autodiscover.discovery.pox import PoxAutodiscovery  # noqa: E402
from exchangelib.autodiscover.discovery.soap import SoapAutodiscovery  # noqa: E402

BaseAutodiscovery.RETRY_WAIT = 1
email = os.environ["EMAIL"]
SETTINGS = ("server", "port", "ssl", "spa", "login_name", "auth_package", "as_url", "ews_url",
            "oof_url", "oab_url")


def settings(found):
    return {p.type: {name: getattr(p, name) for name in SETTINGS} for p in found.account.protocols}


try:
    way = SoapAutodiscovery if sys.argv[1] == "soap" else PoxAutodiscovery
    answer, protocol = way(
        email=email, credentials=Credentials(os.environ["LOGIN"], os.environ["PASSWORD"])).discover()
    print(json.dumps(settings(answer)) if sys.argv[1] == "settings"
          else f"{protocol.service_endpoint} {answer.autodiscover_smtp_address}")
finally:
    shutil.rmtree(scratch, ignore_errors=True)

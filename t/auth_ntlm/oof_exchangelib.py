#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0

"""exchangelib, logged in by NTLM: out of office set and read back.

oof_exchangelib.py EWS_URL MAIL LOGIN PASSWORD
"""

import sys

from exchangelib import (DELEGATE, NTLM, Account, Configuration, Credentials,
                         EWSTimeZone, OofSettings, Version)
from exchangelib.version import EXCHANGE_2016

url, mail, login, password = sys.argv[1:5]
config = Configuration(service_endpoint=url, auth_type=NTLM,
                       credentials=Credentials(login, password),
                       version=Version(build=EXCHANGE_2016))
account = Account(primary_smtp_address=mail, config=config, autodiscover=False,
                  access_type=DELEGATE, default_timezone=EWSTimeZone('UTC'))
account.oof_settings = OofSettings(state=OofSettings.ENABLED,
                                   external_audience='All',
                                   internal_reply='away', external_reply='away')
print('state', account.oof_settings.state)

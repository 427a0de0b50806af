#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0

"""Samba's own client through the tunnel, logged in by NTLM on both channels.

tunnel_samba.py PROXY_HOST:PORT CA_FILE TARGET DOMAIN USER PASSWORD

Prints how many entries the endpoint map has.
"""

import sys

from samba import credentials, param
from samba.dcerpc import epmapper, misc

proxy, ca, target, domain, user, password = sys.argv[1:7]
lp = param.LoadParm()
lp.load_default()
lp.set('workgroup', domain)
lp.set('tls cafile', ca)
lp.set('tls verify peer', 'ca_and_name_if_available')

creds = credentials.Credentials()
creds.guess(lp)
creds.set_domain(domain)
creds.set_username(user)
creds.set_password(password)
creds.set_kerberos_state(credentials.DONT_USE_KERBEROS)

mapper = epmapper.epmapper(
    f'ncacn_http:{target}[593,RpcProxy={proxy},HttpAuthOption=ntlm]', lp, creds)
_, entries = mapper.epm_Lookup(0, misc.GUID(), epmapper.rpc_if_id_t(), 0,
                               misc.policy_handle(), 500)[:2]
print('entries', len(entries))

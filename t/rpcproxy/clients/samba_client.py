#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0

"""Samba's own client through the tunnel.

samba_client.py PROXY_HOST:PORT CA_FILE|- TARGET SAMR_PORT DOMAIN USER PASSWORD

Asks the endpoint mapper, then enumerates the domain's users over SAMR, many
times over one connection.  TLS unless CA_FILE is "-".  Prints one line each.
"""

import sys

from samba import credentials, param
from samba.dcerpc import epmapper, lsa, misc, samr, security

proxy, ca, target, samr_port, domain, user, password = sys.argv[1:8]
rounds = int(sys.argv[8]) if len(sys.argv) > 8 else 1

lp = param.LoadParm()
lp.load_default()
lp.set('workgroup', domain)
if ca != '-':
    lp.set('tls cafile', ca)
    lp.set('tls verify peer', 'ca_and_name_if_available')

creds = credentials.Credentials()
creds.guess(lp)
creds.set_domain(domain)
creds.set_username(user)
creds.set_password(password)
creds.set_kerberos_state(credentials.DONT_USE_KERBEROS)


def binding(port, more=''):
    tls = 'false' if ca == '-' else 'true'
    return (f'ncacn_http:{target}[{port},RpcProxy={proxy},HttpUseTls={tls},'
            f'HttpAuthOption=basic{more}]')


mapper = epmapper.epmapper(binding(593), lp, creds)
_, entries = mapper.epm_Lookup(0, misc.GUID(), epmapper.rpc_if_id_t(), 0,
                               misc.policy_handle(), 500)[:2]
print('epmapper entries', len(entries))

accounts = samr.samr(binding(samr_port, ',seal'), lp, creds)
connection = accounts.Connect2(None, security.SEC_FLAG_MAXIMUM_ALLOWED)
name = lsa.String()
name.string = domain
sid = accounts.LookupDomain(connection, name)
opened = accounts.OpenDomain(connection, security.SEC_FLAG_MAXIMUM_ALLOWED, sid)
names = []
for _ in range(rounds):
    resume, listed, size = accounts.EnumDomainUsers(opened, 0, 0, 65535)
    names = sorted(e.name.string for e in listed.entries)
print('samr users', ' '.join(names))

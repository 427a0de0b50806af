#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0

"""Impacket's client through the tunnel.

impacket_client.py PROXY_URL TARGET SAMR_PORT DOMAIN USER PASSWORD

Asks the endpoint mapper, then enumerates the domain's users over SAMR.
Prints one line each.
"""

import sys

from impacket.dcerpc.v5 import epm, samr, transport
from impacket.dcerpc.v5.rpch import AUTH_BASIC
from impacket.dcerpc.v5.rpcrt import RPC_C_AUTHN_LEVEL_PKT_PRIVACY

url, target, samr_port, domain, user, password = sys.argv[1:7]
rounds = int(sys.argv[7]) if len(sys.argv) > 7 else 1


def connect(port, interface, seal):
    wire = transport.DCERPCTransportFactory(f'ncacn_http:{target}[{port}]')
    wire.set_auth_type(AUTH_BASIC)
    wire.set_rpc_proxy_url(url)
    wire.set_credentials(user, password, domain)
    rpc = wire.get_dce_rpc()
    if seal:
        rpc.set_credentials(user, password, domain)
        rpc.set_auth_level(RPC_C_AUTHN_LEVEL_PKT_PRIVACY)
    rpc.connect()
    if interface:
        rpc.bind(interface)
    return rpc


mapper = connect(593, None, False)  # hept_map binds
print('epmapper', epm.hept_map(target, samr.MSRPC_UUID_SAMR,
                               protocol='ncacn_ip_tcp', dce=mapper))
mapper.disconnect()

rpc = connect(samr_port, samr.MSRPC_UUID_SAMR, True)
server = samr.hSamrConnect2(rpc)['ServerHandle']
sid = samr.hSamrLookupDomainInSamServer(rpc, server, domain)['DomainId']
opened = samr.hSamrOpenDomain(rpc, server, domainId=sid)['DomainHandle']
names = []
for _ in range(rounds):
    listed = samr.hSamrEnumerateUsersInDomain(rpc, opened)
    names = sorted(e['Name'] for e in listed['Buffer']['Buffer'])
print('samr users', ' '.join(names))
rpc.disconnect()

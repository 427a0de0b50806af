#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0

"""Impacket through the tunnel, logged in by NTLM on both channels.

tunnel_impacket.py PROXY_URL TARGET DOMAIN USER PASSWORD

Prints how many interfaces the endpoint mapper's port has.
"""

import sys

from impacket.dcerpc.v5 import mgmt, transport
from impacket.http import AUTH_NTLM

url, target, domain, user, password = sys.argv[1:6]
wire = transport.DCERPCTransportFactory(f'ncacn_http:{target}[593]')
wire.set_auth_type(AUTH_NTLM)
wire.set_rpc_proxy_url(url)
wire.set_credentials(user, password, domain)
rpc = wire.get_dce_rpc()
rpc.connect()
rpc.bind(mgmt.MSRPC_UUID_MGMT)
print('interfaces', mgmt.hinq_if_ids(rpc)['if_id_vector']['count'])
rpc.disconnect()

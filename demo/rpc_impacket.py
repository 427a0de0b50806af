#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""impacket's RPC client through the tunnel.

rpc_impacket.py PROXY SERVER PORT NETBIOS USER
  PROXY   host:port of the HTTPS server   SERVER  the name in ?server:port
  PORT    where SERVER has samr; the endpoint mapper is asked at 593
The password comes on standard input.  Prints what the domain controller says.
impacket does not check certificates.
"""
import sys

from impacket.dcerpc.v5 import epm, samr, transport
from impacket.dcerpc.v5.dtypes import NULL
from impacket.dcerpc.v5.rpcrt import RPC_C_AUTHN_LEVEL_PKT_PRIVACY
from impacket.http import AUTH_BASIC

proxy, server, port, netbios, user = sys.argv[1:]
password = sys.stdin.readline().rstrip("\n")


def connected(at, level=None):
    """A connection to `at` through the tunnel; the login comes after the URL,
    which would forget it."""
    tunnel = transport.DCERPCTransportFactory(f"ncacn_http:{server}[{at}]")
    tunnel.set_auth_type(AUTH_BASIC)
    tunnel.set_rpc_proxy_url(f"https://{proxy}/rpc/rpcproxy.dll")
    tunnel.set_credentials(user, password, netbios)
    connection = tunnel.get_dce_rpc()
    if level:
        connection.set_auth_level(level)
    connection.connect()
    return connection


def endpoints():
    """How many interfaces the endpoint mapper knows.  One call: Samba ends the
    list by an error, which impacket's own loop takes for one."""
    mapper = connected(593)
    mapper.bind(epm.MSRPC_UUID_PORTMAP)
    lookup = epm.ept_lookup()
    lookup["inquiry_type"] = epm.RPC_C_EP_ALL_ELTS
    lookup["object"] = lookup["Ifid"] = NULL
    lookup["vers_option"] = epm.RPC_C_VERS_ALL
    lookup["entry_handle"] = epm.ept_lookup_handle_t()
    lookup["max_ents"] = 500
    count = mapper.request(lookup)["num_ents"]
    mapper.disconnect()
    return count


def accounts():
    """The domains of the SAM, and the users of ours."""
    sam = connected(port, RPC_C_AUTHN_LEVEL_PKT_PRIVACY)
    sam.bind(samr.MSRPC_UUID_SAMR)
    server_handle = samr.hSamrConnect(sam)["ServerHandle"]
    found = samr.hSamrEnumerateDomainsInSamServer(sam, server_handle)
    domains = [d["Name"] for d in found["Buffer"]["Buffer"]]
    sid = samr.hSamrLookupDomainInSamServer(sam, server_handle, netbios)["DomainId"]
    domain = samr.hSamrOpenDomain(sam, server_handle, domainId=sid)["DomainHandle"]
    found = samr.hSamrEnumerateUsersInDomain(sam, domain)
    sam.disconnect()
    return domains, sorted(u["Name"] for u in found["Buffer"]["Buffer"])


print("epmapper:", endpoints(), "endpoints")
domains, users = accounts()
print("samr domains:", " ".join(domains))
print("samr users:", " ".join(users))

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Samba's own RPC client through the tunnel, by the Python binding of Samba.

rpc_samba.py PROXY SERVER PORT NETBIOS USER CA [basic|ntlm]
  PROXY   host:port of the HTTPS server   SERVER  the name in ?server:port
  PORT    where SERVER has samr; the endpoint mapper is asked at 593
  basic, ntlm: how to log in to the proxy
The password comes on standard input.  Prints what the domain controller says.
"""
import sys

from samba import credentials, param
from samba.dcerpc import epmapper, lsa, misc, samr, security

proxy, server, port, netbios, user, ca, *login_by = sys.argv[1:]
password = sys.stdin.readline().rstrip("\n")

settings = param.LoadParm(filename_for_non_global_lp="/dev/null")
settings.set("tls cafile", ca)
settings.set("tls verify peer", "ca_and_name_if_available")
settings.set("workgroup", netbios)

login = credentials.Credentials()
login.guess(settings)
login.set_kerberos_state(credentials.DONT_USE_KERBEROS)
login.set_domain(netbios)
login.set_username(user)
login.set_password(password)


def binding(at, extra=""):
    return (f"ncacn_http:{server}[{at},RpcProxy={proxy},HttpUseTls=true,"
            f"HttpAuthOption={(login_by or ['basic'])[0]}{extra}]")


def endpoints():
    """How many interfaces the endpoint mapper knows."""
    mapper = epmapper.epmapper(binding(593), settings, login)
    _, entries, _ = mapper.epm_Lookup(0, None, None, 0, misc.policy_handle(), 500)
    return len(entries)


def accounts():
    """The domains of the SAM, and the users of ours."""
    sam = samr.samr(binding(port, ",seal"), settings, login)
    server_handle = sam.Connect2(None, security.SEC_FLAG_MAXIMUM_ALLOWED)
    domains = [d.name.string for d in sam.EnumDomains(server_handle, 0, 1024)[1].entries]
    name = lsa.String()
    name.string = netbios
    sid = sam.LookupDomain(server_handle, name)
    domain = sam.OpenDomain(server_handle, security.SEC_FLAG_MAXIMUM_ALLOWED, sid)
    users = sam.EnumDomainUsers(domain, 0, samr.ACB_NORMAL, 65535)[1].entries
    return domains, sorted(u.name.string for u in users)


print("epmapper:", endpoints(), "endpoints")
domains, users = accounts()
print("samr domains:", " ".join(domains))
print("samr users:", " ".join(users))

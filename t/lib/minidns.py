#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A name server for one test domain, on 127.0.0.1:53 of a network namespace.

minidns.py DOMAIN [--srv HOST:PORT] [--nx NAME]...
Every A query in DOMAIN is answered 127.0.0.1; _autodiscover._tcp.DOMAIN has
the SRV record given; --nx makes one name unknown, so that a client goes on to
its next step.  For clients that ask name servers past /etc/hosts.
"""
import argparse
import socket
import struct
import threading

A, SRV = 1, 33
NXDOMAIN = 3
POINTER = b"\xc0\x0c"  # to the name in the question

options = argparse.ArgumentParser()
options.add_argument("domain")
options.add_argument("--srv")
options.add_argument("--nx", action="append", default=[])
args = options.parse_args()


def encoded(name):
    return b"".join(bytes([len(p)]) + p.encode() for p in name.split(".") if p) + b"\0"


def question(packet):
    """Name, type and the bytes of the one question."""
    at, labels = 12, []
    while packet[at]:
        size = packet[at]
        labels.append(packet[at + 1:at + 1 + size].decode("ascii", "replace"))
        at += size + 1
    kind, = struct.unpack(">H", packet[at + 1:at + 3])
    return ".".join(labels).lower(), kind, packet[12:at + 5]


def record(kind, data):
    return POINTER + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def records(name, kind):
    """The records of a name, or None when there is no such name."""
    if name == "_autodiscover._tcp." + args.domain and args.srv:
        host, port = args.srv.rsplit(":", 1)
        return [record(SRV, struct.pack(">HHH", 0, 0, int(port)) + encoded(host))] if kind == SRV else []
    inside = name == args.domain or name.endswith("." + args.domain)
    if not inside or name in args.nx or name.startswith("_"):
        return None
    return [record(A, socket.inet_aton("127.0.0.1"))] if kind == A else []


def answer(packet):
    name, kind, asked = question(packet)
    found = records(name, kind)
    flags = 0x8580 | (NXDOMAIN if found is None else 0)
    head = struct.pack(">HHHHH", flags, 1, len(found or []), 0, 0)
    return packet[:2] + head + asked + b"".join(found or [])


def serve_tcp(listener):
    while True:
        peer, _ = listener.accept()
        with peer:
            size = int.from_bytes(peer.recv(2), "big")
            if not size:
                continue
            reply = answer(peer.recv(size))
            peer.sendall(struct.pack(">H", len(reply)) + reply)


udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 53))
tcp = socket.create_server(("127.0.0.1", 53))
threading.Thread(target=serve_tcp, args=(tcp,), daemon=True).start()
print("ready", flush=True)
while True:
    packet, peer = udp.recvfrom(2048)
    udp.sendto(answer(packet), peer)

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A name server for one test domain, on 127.0.0.1:53 of a network namespace.

minidns.py DOMAIN ZONE
Every A query in DOMAIN is answered 127.0.0.1, save what the file ZONE says
otherwise.  It is read anew for each query, and has lines of these forms:
  nx NAME              no such name, so that a client goes on to its next step
  a NAME ADDRESS       another address
  srv NAME HOST PORT   a service
"""
import socket
import struct
import sys
import threading

A, SRV = 1, 33
NXDOMAIN = 3
POINTER = b"\xc0\x0c"  # to the name in the question

domain, zone = sys.argv[1:]


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
    return POINTER + struct.pack(">HHIH", kind, 1, 0, len(data)) + data


def service(host, port):
    return record(SRV, struct.pack(">HHH", 0, 0, int(port)) + encoded(host))


def records(name, kind):
    """The records of a name, or None when there is no such name."""
    if name != domain and not name.endswith("." + domain):
        return None
    with open(zone) as lines:
        said = [(form, rest) for form, who, *rest in map(str.split, lines) if who == name]
    services = [service(*rest) for form, rest in said if form == "srv"]
    if services:
        return services if kind == SRV else []
    if name.startswith("_") or ("nx", []) in said:
        return None
    address = dict(said).get("a", ["127.0.0.1"])[0]
    return [record(A, socket.inet_aton(address))] if kind == A else []


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

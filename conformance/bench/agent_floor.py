"""The floor: what the kernel itself needs for the paths, by requests encoded beforehand, 250 a send, the last one acknowledged."""

import socket
import struct
import subprocess
import time

import agent_cluster as cluster
from agent_node import Node

AT_ONCE = 250
NEW_ROUTE, NEW_NEIGHBOUR, NEW_NEXT_HOP = 24, 28, 104
REQUEST, ACK, CREATE, REPLACE = 1, 4, 0x400, 0x100
FIRST_ID = 116 << 24


def attribute(kind, value):
    return struct.pack("=HH", len(value) + 4, kind) + value + bytes(-len(value) % 4)


def number(value):
    return struct.pack("=I", value)


def packed(address):
    return socket.inet_aton(address.split("/")[0])


def route(n):
    header = struct.pack("=BBBBBBBBI", socket.AF_INET, 24, 0, 0, 254, 116, 0, 1, 0)
    return NEW_ROUTE, header + attribute(1, packed(cluster.subnet(n))) + attribute(30, number(FIRST_ID + n))


def next_hop(n, link, gateway, flags):
    header = struct.pack("=BBBBI", socket.AF_INET, 0, 116, 0, flags)
    return NEW_NEXT_HOP, header + attribute(1, number(FIRST_ID + n)) + attribute(5, number(link)) + attribute(6, packed(gateway))


def neighbour(n, link):
    hardware = bytes.fromhex(cluster.mac(n).replace(":", ""))
    header = struct.pack("=BBHiHBB", socket.AF_INET, 0, 0, link, 0x80, 0, 0)
    return NEW_NEIGHBOUR, header + attribute(1, packed(cluster.subnet(n))) + attribute(2, hardware)


def entry(n, link):
    hardware = bytes.fromhex(cluster.mac(n).replace(":", ""))
    header = struct.pack("=BBHiHBB", 7, 0, 0, link, 0x80, 2, 0)
    return NEW_NEIGHBOUR, header + attribute(2, hardware) + attribute(1, packed(cluster.address(n)))


def batches(messages):
    """Requests, some hundred a send."""
    for first in range(0, len(messages), AT_ONCE):
        part, batch = messages[first:first + AT_ONCE], b""
        for place, (kind, body) in enumerate(part):
            last = place + 1 == len(part)
            flags = REQUEST | CREATE | REPLACE | (ACK if last else 0)
            batch += struct.pack("=IHHII", 16 + len(body), kind, flags, first + place + 1, 0) + body
        yield batch


def floor(backend, nodes):
    """Milliseconds, wall and CPU."""
    with Node() as node:
        numbers = range(2, nodes + 1)
        if backend == "vxlan":
            script = "ip link add flannel.1 type vxlan id 1 dev eth0 dstport 8472 nolearning && " \
                     "ip address add 10.0.1.0/32 dev flannel.1 && ip link set flannel.1 up"
            subprocess.run(["ip", "netns", "exec", node.name, "sh", "-c", script], check=True)
            link = node.link("flannel.1")
            messages = [m for n in numbers for m in (neighbour(n, link), entry(n, link))]
            messages += [next_hop(n, link, cluster.subnet(n), 4) for n in numbers]
        else:
            link = node.link("eth0")
            messages = [next_hop(n, link, cluster.address(n), 0) for n in numbers]
        messages += [route(n) for n in numbers]
        ready = list(batches(messages))
        netlink = node.netlink(0)
        wall, cpu = time.monotonic_ns(), time.thread_time_ns()
        for batch in ready:
            netlink.send(batch)
            code = struct.unpack_from("=i", netlink.recv(65536), 16)[0]
            if code:
                raise OSError(-code, "the kernel refuses what the floor is made of")
        return (time.monotonic_ns() - wall) / 1e6, (time.thread_time_ns() - cpu) / 1e6

"""A node of its own for an agent: a network namespace with one link to the API server, and an agent that runs in it."""

import calendar
import ctypes
import itertools
import json
import os
import select
import signal
import socket
import struct
import subprocess
import time

import agent_cluster as cluster

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
COUNT = itertools.count()
DELETE_ROUTE, NEW_ROUTE = 25, 24
IPV4_ROUTES = 0x40


class Node:
    """The node `node-1`: its namespace, and its link to all others."""

    def __init__(self):
        self.name = f"node-{next(COUNT)}"

    def __enter__(self):
        name = self.name
        for words in (f"netns add {name}", f"link add {name} type veth peer name eth0 netns {name}",
                      f"link set {name} master br0 up", f"-n {name} link set lo up", f"-n {name} link set eth0 up",
                      f"-n {name} address add {cluster.address(1)}/16 dev eth0",
                      f"-n {name} route add default via {cluster.ADDRESS}"):
            subprocess.run(["ip", *words.split()], check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["ip", "link", "delete", self.name], check=True)
        subprocess.run(["ip", "netns", "delete", self.name], check=True)

    def inside(self, work):
        """What `work` returns, done in the namespace."""
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{self.name}") as there:
            enter(there)
            try:
                return work()
            finally:
                enter(home)

    def link(self, name):
        return self.inside(lambda: socket.if_nametoindex(name))

    def netlink(self, groups):
        def open_socket():
            netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
            netlink.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
            netlink.bind((0, groups))
            return netlink
        return self.inside(open_socket)

    def received(self):
        """Bytes that came to the node: of this direction nearly all are Nodes."""
        text = self.inside(lambda: open("/proc/thread-self/net/dev").read())
        line = next(line for line in text.splitlines() if "eth0:" in line)
        return int(line.split(":")[1].split()[0])


def enter(file):
    if LIBC.setns(file.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Routes:
    """Tells when the route to a subnet comes or goes."""

    def __init__(self, node):
        self.netlink = node.netlink(IPV4_ROUTES)

    def await_one(self, kind, subnet):
        wanted = socket.inet_aton(subnet.split("/")[0])
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if not select.select([self.netlink], [], [], 1)[0]:
                continue
            data, at = self.netlink.recv(1 << 20), 0
            while at < len(data):
                length, seen = struct.unpack_from("=IH", data, at)
                # RTA_DST, the first address after `struct rtmsg`.
                if seen == kind and wanted in data[at + 28:at + length]:
                    return time.monotonic()
                at += (length + 3) & ~3
        raise TimeoutError(f"no word of the route to {subnet}")

    def close(self):
        self.netlink.close()


class Agent:
    """A running agent, started in a node."""

    def __init__(self, node, words, environment):
        self.log = f"{cluster.STATE}/{node.name}.log"
        self.started = time.time()
        self.process = subprocess.Popen(["ip", "netns", "exec", node.name, *words], stdin=subprocess.DEVNULL,
                                        stdout=open(self.log, "w"), stderr=subprocess.STDOUT,
                                        env=os.environ | environment)
        self.pid = self.process.pid

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def cpu(self):
        """Seconds of the CPU by now, the kernel's work for it included."""
        threads = f"/proc/{self.pid}/task"
        read = lambda thread: int(open(f"{threads}/{thread}/schedstat").read().split()[0])
        return sum(read(thread) for thread in os.listdir(threads)) / 1e9

    def status(self, key):
        for line in open(f"/proc/{self.pid}/status"):
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise KeyError(key)

    def routes(self):
        """Routes of the main table to pods of others."""
        if self.process.poll() is not None:
            raise RuntimeError(open(self.log).read()[-4000:])
        with open(f"/proc/{self.pid}/net/route") as file:
            return sum(1 for line in file if line.split("\t")[7] == "00FFFFFF")

    def told(self, message):
        """What our agent told, as time and fields."""
        if self.process.poll() is not None:
            raise RuntimeError(open(self.log).read()[-4000:])
        found = []
        for line in open(self.log):
            if message in line and line.endswith("\n"):
                value = json.loads(line)
                found.append((seconds(value["timestamp"]), value["fields"]))
        return found


def seconds(text):
    whole, fraction = text.rstrip("Z").split(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + fraction)

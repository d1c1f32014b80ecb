"""The rate that passes a limit, in bytes on the wire, from the kernel's own counters.

A pod on a bridge of the node, and another machine behind the node; iperf3 sends by TCP as fast as it may. From the
first byte on, ten seconds count: the burst of the start is in them. Wire is what the queueing discipline counted, with
the headers of every segment, in per cent of the rate that was asked for; goodput is what iperf3 says that arrived.
"""

import argparse
import json
import os
import subprocess
import time

# containerd's "unlimited".
UNLIMITED = 2**32 - 1
POD, OUTSIDE = ("10.88.0.2", "fd88::2"), ("192.0.2.2", "fd77::2")


def run(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more).stdout


def network():
    run("ip", "link", "set", "lo", "up")
    for name in ("pod", "outside"):
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
    run("ip", "link", "add", "out0", "type", "veth", "peer", "name", "eth0", "netns", "outside")
    for address in ("192.0.2.1/24", "fd77::1/64"):
        run("ip", "addr", "add", address, "dev", "out0", "nodad")
    for address in (f"{OUTSIDE[0]}/24", f"{OUTSIDE[1]}/64"):
        run("ip", "-n", "outside", "addr", "add", address, "dev", "eth0", "nodad")
    run("ip", "link", "set", "out0", "up")
    run("ip", "-n", "outside", "link", "set", "eth0", "up")
    run("ip", "-n", "outside", "route", "add", "default", "via", "192.0.2.1")
    run("ip", "-n", "outside", "-6", "route", "add", "default", "via", "fd77::1")


def call(program, command, conf):
    environment = {"PATH": os.environ["PATH"], "CNI_COMMAND": command, "CNI_CONTAINERID": "pod", "CNI_IFNAME": "eth0",
                   "CNI_NETNS": "/run/netns/pod", "CNI_PATH": os.path.dirname(program)}
    output = run(program, input=json.dumps(conf), env=environment)
    return json.loads(output) if output else None


def limited(arguments, keys, directory):
    """A pod's host end with these limits, and the device of its egress."""
    bridge = {"cniVersion": "1.0.0", "name": "net", "type": "bridge", "isDefaultGateway": True, "ipam": {
        "type": "host-local", "ranges": [[{"subnet": "10.88.0.0/16", "rangeStart": POD[0], "rangeEnd": POD[0]}],
                                         [{"subnet": "fd88::/64", "rangeStart": POD[1], "rangeEnd": POD[1]}]]}}
    bandwidth = {"cniVersion": "1.0.0", "name": "net", "type": "bandwidth", **keys}
    result = call(f"{arguments.ours}/bridge", "ADD", bridge)
    end = result["interfaces"][1]["name"]
    result = call(f"{directory}/bandwidth", "ADD", {**bandwidth, "prevResult": result})

    def undo():
        call(f"{directory}/bandwidth", "DEL", {**bandwidth, "prevResult": result})
        call(f"{arguments.ours}/bridge", "DEL", {**bridge, "prevResult": result})

    return end, result["interfaces"][-1]["name"], undo


def passed(link):
    """What the discipline has sent, in bytes, and when that was read."""
    root = json.loads(run("tc", "-s", "-j", "qdisc", "show", "dev", link))[0]
    return root["bytes"], time.monotonic()


def measure(arguments, directory, rate, way):
    direction, family = way
    keys = {f"{direction}Rate": rate, f"{direction}Burst": arguments.burst or UNLIMITED}
    end, device, undo = limited(arguments, keys, directory)
    link = end if direction == "ingress" else device
    run("ip", "netns", "exec", "outside", "ping", "-c1", "-W5", POD[family])
    server = subprocess.Popen(["ip", "netns", "exec", "outside", "iperf3", "-s", "-1", "--forceflush"], stdout=subprocess.PIPE)
    server.stdout.readline()
    words = ["ip", "netns", "exec", "pod", "iperf3", "-c", OUTSIDE[family], "-t", str(arguments.seconds + 2), "-J"]
    words += ["-P", str(arguments.streams)] + (["-R"] if direction == "ingress" else [])
    start, _ = passed(link)
    client = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    # The handshake of iperf3 is smaller.
    while (first := passed(link))[0] < start + 5000:
        time.sleep(0.001)
    time.sleep(arguments.seconds - (time.monotonic() - first[1]))
    last = passed(link)
    report = json.loads(client.communicate()[0])
    server.wait()
    undo()
    wire = (last[0] - start) * 8 / (last[1] - first[1])
    return wire / rate * 100, report["end"]["sum_received"]["bits_per_second"] / rate * 100


def main():
    parser = argparse.ArgumentParser()
    for name in ("ours", "reference"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--rates", default="1,10,100,1000,5000", help="in Mbit/s")
    parser.add_argument("--burst", type=int, default=0, help="in bits; a runtime's \"unlimited\" without it")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--contenders", default="ours,reference")
    arguments = parser.parse_args()
    network()
    print(f"{arguments.seconds} s, {arguments.streams} stream(s); per cent of the rate: wire / goodput")
    print(f"{'Mbit/s':>8} {'direction':<10}{'family':<8}" + "".join(f"{c:>20}" for c in arguments.contenders.split(",")))
    for rate in arguments.rates.split(","):
        for way in (("ingress", 0), ("ingress", 1), ("egress", 0), ("egress", 1)):
            cells = []
            for contender in arguments.contenders.split(","):
                wire, good = measure(arguments, getattr(arguments, contender), int(rate) * 10**6, way)
                cells.append(f"{wire:.1f} / {good:.1f}")
            print(f"{rate:>8} {way[0]:<10}{('IPv4', 'IPv6')[way[1]]:<8}" + "".join(f"{c:>20}" for c in cells), flush=True)


main()

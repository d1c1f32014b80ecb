"""Agents in a cluster of many Nodes, one after the other, each in a network namespace of its own.

For each: the time from its start until there is a route to every peer (the list of Nodes is part of it), what it
received by then, its memory at rest and at its peak, and then, under kubelets' heartbeats, the CPU and the bytes of each.
"""

import argparse
import json
import os
import subprocess
import time

from cluster import Server, address, wait

SERVER = "172.16.0.1"
TICK = os.sysconf("SC_CLK_TCK")


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class Contender:
    def __init__(self, name, command, server):
        self.name, self.namespace = name, f"agent-{name}"
        ip("netns", "add", self.namespace)
        ip("link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        ip("link", "set", f"to-{name}", "master", "underlay", "up")
        for words in (["link", "set", "lo", "up"], ["addr", "add", f"{address(0)}/16", "dev", "eth0"],
                      ["link", "set", "eth0", "up"], ["route", "add", "default", "via", SERVER]):
            ip("-n", self.namespace, *words)
        environment = os.environ | {"NODE_NAME": "node-0"}
        with open(f"/run/{name}.log", "w") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", "ip", "netns", "exec", self.namespace, *command], env=environment, stdout=log, stderr=log)

    def routes(self):
        output = subprocess.run(["ip", "-n", self.namespace, "-4", "route", "show"], capture_output=True, text=True)
        return sum(line.startswith("10.") for line in output.stdout.splitlines())

    def received(self):
        output = subprocess.run(["ip", "-n", self.namespace, "-s", "-j", "link", "show", "eth0"], capture_output=True)
        return json.loads(output.stdout)[0]["stats64"]["rx"]["bytes"]

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            fields = dict(line.split(":", 1) for line in file)
        return [int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")]

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def alive(self):
        if self.process.poll() is not None:
            with open(f"/run/{self.name}.log") as file:
                raise SystemExit(f"{self.name} ended with {self.process.returncode}:\n" + "".join(file.readlines()[-20:]))
        return True

    def stop(self):
        self.process.kill()
        self.process.wait()
        ip("netns", "del", self.namespace)


def measure(contender, server, options):
    wanted = options.nodes - 1
    wait(f"{contender.name}: {wanted} routes", lambda: contender.alive() and contender.routes() >= wanted, 600)
    seconds, received, cpu = time.monotonic() - contender.started, contender.received(), contender.cpu()
    time.sleep(options.rest)
    resident, peak = contender.memory()
    before = contender.cpu(), contender.received()
    server.heartbeats(options.nodes, options.rate, options.seconds)
    beats = int(options.rate * options.seconds)
    used, bytes_ = contender.cpu() - before[0], contender.received() - before[1]
    print(f"{contender.name:14} {seconds:9.2f} {cpu:9.2f} {received / 2**20:9.1f} {resident:9.1f} {peak:9.1f} "
          f"{used / beats * 1e3:9.3f} {used / options.seconds * 100:8.2f} {bytes_ / beats / 1024:9.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", required=True)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--backend", choices=["vxlan", "host-gw"], default="vxlan")
    parser.add_argument("--rate", type=float, default=17, help="heartbeats a second")
    parser.add_argument("--seconds", type=float, default=20, help="of heartbeats")
    parser.add_argument("--rest", type=float, default=10, help="seconds before the memory is read")
    parser.add_argument("--only", help="one contender: trestle, flanneld")
    options = parser.parse_args()

    ip("link", "set", "lo", "up")
    ip("link", "add", "underlay", "type", "bridge")
    ip("addr", "add", f"{SERVER}/16", "dev", "underlay")
    ip("link", "set", "underlay", "up")
    with open("/run/net-conf.json", "w") as file:
        json.dump({"Network": "10.0.0.0/8", "Backend": {"Type": options.backend}}, file)
    server = Server(options.cache, SERVER)
    try:
        start = time.monotonic()
        server.create(options.nodes, options.backend)
        print(f"{options.nodes} Nodes in {time.monotonic() - start:.1f} s, backend {options.backend}", flush=True)
        common = [f"--kubeconfig-file={server.kubeconfig()}", "--net-config-path=/run/net-conf.json"]
        contenders = {
            "trestle": [options.ours, "run", *common, "--subnet-file=/run/trestle.env", "--state-dir=/run/trestle"],
            "flanneld": [f"{options.cache}/flanneld", "--kube-subnet-mgr", *common, "--subnet-file=/run/flannel.env"],
        }
        print(f"{'':14} {'s to all':>9} {'CPU s':>9} {'MiB read':>9} {'MiB rest':>9} {'MiB peak':>9} "
              f"{'ms a beat':>9} {'CPU %':>8} {'KiB a beat':>9}", flush=True)
        for name, command in contenders.items():
            if options.only in (None, name):
                contender = Contender(name, command, server)
                try:
                    measure(contender, server, options)
                finally:
                    contender.stop()
    finally:
        server.stop()


main()

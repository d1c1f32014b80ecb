"""The whole list, as a runtime calls it: loopback beside bridge, portmap, firewall, bandwidth and tuning.

Each contender has a host namespace of its own, and adds to fresh pod namespaces that were made before and go only after
the run. Contenders take turns, in a rotating order. An ADD hands each plugin's result to the next; a DEL goes backwards,
with the last result. Wall is from the first plugin's spawn to the last one's end; CPU is that of all of them and their
children. Of 16 at once, wall is until the last of them is done.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time

from bench import enter, percentile


def plugins(number, backend):
    """The list, and what the runtime adds to it for one pod."""
    return [
        {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": True, "ipMasqBackend": backend, "ipam": {
            "type": "host-local", "ranges": [[{"subnet": "10.88.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
        {"type": "portmap", "snat": True, "backend": backend, "runtimeConfig": {
            "portMappings": [{"hostPort": 20000 + number, "containerPort": 80, "protocol": "tcp"}]}},
        {"type": "firewall"},
        {"type": "bandwidth", "runtimeConfig": {"bandwidth": {
            "ingressRate": 10**8, "ingressBurst": 2**32 - 1, "egressRate": 10**8, "egressBurst": 2**32 - 1}}},
        {"type": "tuning", "sysctl": {"net.core.somaxconn": "500"}},
    ]


class Contender:
    def __init__(self, name, directory, backend):
        self.name, self.directory, self.backend = name, directory, backend
        self.netns = f"/run/netns/host-{name}"
        subprocess.run(["ip", "netns", "add", f"host-{name}"], check=True)
        subprocess.run(["ip", "-n", f"host-{name}", "link", "set", "lo", "up"], check=True)
        self.results = {}

    def call(self, command, pod, conf, ifname="eth0"):
        """One plugin: its CPU time in milliseconds, and what it printed."""
        environment = {"PATH": os.environ["PATH"], "CNI_COMMAND": command, "CNI_CONTAINERID": pod, "CNI_IFNAME": ifname,
                       "CNI_NETNS": f"/run/netns/{pod}", "CNI_PATH": self.directory}
        stdin, stdout = os.memfd_create("stdin"), os.memfd_create("stdout")
        os.write(stdin, json.dumps(conf).encode())
        os.lseek(stdin, 0, os.SEEK_SET)
        program = f"{self.directory}/{conf['type']}"
        actions = [(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1)]
        pid = os.posix_spawn(program, [program], environment, file_actions=actions)
        _, status, used = os.wait4(pid, 0)
        output = os.pread(stdout, 1 << 20, 0).decode()
        os.close(stdin)
        os.close(stdout)
        if status:
            sys.stderr.write(f"{program} {command} {pod} failed: {output}\n")
            os._exit(1)
        return (used.ru_utime + used.ru_stime) * 1e3, output

    def operate(self, command, pod, number):
        """The list for one pod: wall and CPU time in milliseconds."""
        enter(self.netns)
        head = {"cniVersion": "1.0.0", "name": f"net-{self.name}"}
        wanted = plugins(number, self.backend)
        start, cpu = time.monotonic_ns(), 0.0
        if command == "ADD":
            cpu += self.call("ADD", pod, {**head, "name": "cni-loopback", "cniVersion": "0.3.1", "type": "loopback"}, "lo")[0]
            result = None
            for plugin in wanted:
                used, output = self.call("ADD", pod, {**head, **plugin, "prevResult": result} if result else {**head, **plugin})
                cpu, result = cpu + used, json.loads(output)
            self.results[pod] = result
        else:
            result = self.results.pop(pod)
            for plugin in reversed(wanted):
                cpu += self.call("DEL", pod, {**head, **plugin, "prevResult": result})[0]
            cpu += self.call("DEL", pod, {**head, "name": "cni-loopback", "cniVersion": "0.3.1", "type": "loopback"}, "lo")[0]
        return (time.monotonic_ns() - start) / 1e6, cpu

    def together(self, command, pods):
        """The list for each of these pods at once: wall time until the last is done, and CPU time of all."""
        used, threads = [], []
        start = time.monotonic_ns()
        for number, pod in pods:
            work = lambda pod=pod, number=number: used.append(self.operate(command, pod, number)[1])
            threads.append(threading.Thread(target=work))
            threads[-1].start()
        for thread in threads:
            thread.join()
        return (time.monotonic_ns() - start) / 1e6, sum(used)


def report(title, times, contenders):
    print(f"\n{title}; milliseconds, median [p99]")
    print(f"{'':18}{'wall':>20}{'cpu':>20}{'x wall':>9}{'x cpu':>9}")
    for op in ("ADD", "DEL"):
        for c in contenders:
            mine, base = times[c.name, op], times["ours", op]
            cells = [f"{statistics.median(v):.1f} [{percentile(v, .99):.1f}]" for v in zip(*mine)]
            ratios = [statistics.median(a[i] / b[i] for a, b in zip(mine, base)) for i in (0, 1)]
            print(f"{op} {c.name:<14}{cells[0]:>20}{cells[1]:>20}{ratios[0]:>9.2f}{ratios[1]:>9.2f}", flush=True)


def scenario(contenders, rounds, crowd):
    names = {c.name: [f"{c.name}-{crowd}-{i}" for i in range((rounds + 1) * crowd)] for c in contenders}
    for name in (name for all_names in names.values() for name in all_names):
        subprocess.run(["ip", "netns", "add", name], check=True)
    times = {(c.name, op): [] for c in contenders for op in ("ADD", "DEL")}
    # The first turn makes what stays on a node, and does not count.
    for turn in range(rounds + 1):
        shift = turn % len(contenders)
        for op in ("ADD", "DEL"):
            for c in contenders[shift:] + contenders[:shift]:
                pods = list(enumerate(names[c.name][turn * crowd:(turn + 1) * crowd]))
                took = c.operate(op, pods[0][1], 0) if crowd == 1 else c.together(op, pods)
                if turn:
                    times[c.name, op].append(took)
    report(f"{crowd} at a time, {rounds} rounds", times, contenders)


def main():
    parser = argparse.ArgumentParser()
    for name in ("ours", "newest"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--crowd", type=int, default=16)
    parser.add_argument("--crowd-rounds", type=int, default=10)
    arguments = parser.parse_args()
    contenders = [Contender("ours", arguments.ours, "nftables"), Contender("1.9.1-iptables", arguments.newest, "iptables"),
                  Contender("1.9.1-nftables", arguments.newest, "nftables")]
    scenario(contenders, arguments.rounds, 1)
    scenario(contenders, arguments.crowd_rounds, arguments.crowd)


main()

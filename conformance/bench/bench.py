"""Whole plugin processes, timed as a runtime sees them.

Each contender has a host namespace of its own and adds to fresh pod namespaces that were made before and go only
after the run. The contenders take turns, in a rotating order, and ratios are of the same round. Wall is from spawn
to reap; CPU is the process's and all its children's.
"""

import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def enter(namespace):
    with open(namespace) as file:
        if LIBC.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), namespace)


def call(program, environment, text):
    """One process: its wall and CPU time in milliseconds."""
    stdin = os.memfd_create("stdin")
    os.write(stdin, text)
    os.lseek(stdin, 0, os.SEEK_SET)
    stdout = os.memfd_create("stdout")
    actions = [(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1)]
    start = time.monotonic_ns()
    pid = os.posix_spawn(program, [program], environment, file_actions=actions)
    _, status, used = os.wait4(pid, 0)
    wall = (time.monotonic_ns() - start) / 1e6
    os.lseek(stdout, 0, os.SEEK_SET)
    output = os.read(stdout, 1 << 20).decode()
    os.close(stdin)
    os.close(stdout)
    if status:
        sys.exit(f"{program} {environment['CNI_COMMAND']} failed: {output}")
    return wall, (used.ru_utime + used.ru_stime) * 1e3


class Contender:
    def __init__(self, name, directory, masquerade):
        self.name, self.directory = name, directory
        self.netns = f"/run/netns/host-{name}-{masquerade}"
        subprocess.run(["ip", "netns", "add", os.path.basename(self.netns)], check=True)
        subprocess.run(["ip", "-n", os.path.basename(self.netns), "link", "set", "lo", "up"], check=True)
        self.conf = {
            "cniVersion": "1.0.0", "name": f"{name}-{masquerade}", "type": "bridge", "bridge": "cni0",
            "isGateway": True, "ipMasq": masquerade,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]},
        }
        self.text = json.dumps(self.conf).encode()

    def environment(self, command, pod):
        return {"PATH": os.environ["PATH"], "CNI_COMMAND": command, "CNI_CONTAINERID": pod, "CNI_IFNAME": "eth0",
                "CNI_NETNS": f"/run/netns/{pod}", "CNI_PATH": self.directory}

    def operate(self, command, pod):
        enter(self.netns)
        return call(f"{self.directory}/bridge", self.environment(command, pod), self.text)

    def system_calls(self, command, pod):
        enter(self.netns)
        done = subprocess.run(["strace", "-f", "-c", "-o", "/run/strace", f"{self.directory}/bridge"],
                              env=self.environment(command, pod), input=self.text, capture_output=True, check=True)
        assert done.returncode == 0
        with open("/run/strace") as file:
            return int(file.read().splitlines()[-1].split()[3])


def pods(names):
    for name in names:
        subprocess.run(["ip", "netns", "add", name], check=True)


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def scenario(arguments, title, masquerade):
    contenders = [Contender(name, directory, masquerade) for name, directory in
                  (("ours", arguments.ours), ("1.1.1", arguments.debian), ("1.9.1", arguments.newest))]
    tag = "m" if masquerade else "g"
    names = {c.name: [f"{c.name}-{tag}-{i}" for i in range(arguments.rounds + arguments.pods + 1)] for c in contenders}
    for c in contenders:
        pods(names[c.name])
        for pod in names[c.name][:arguments.pods]:
            c.operate("ADD", pod)
    times = {(c.name, op): [] for c in contenders for op in ("ADD", "DEL")}
    for turn in range(arguments.rounds):
        order = contenders[turn % 3:] + contenders[:turn % 3]
        for op in ("ADD", "DEL"):
            for c in order:
                times[c.name, op].append(c.operate(op, names[c.name][arguments.pods + turn]))
    print(f"\n{title}: {arguments.rounds} rounds, {arguments.pods} pods on the node; milliseconds, median [p99]")
    print(f"{'':14}{'wall':>18}{'cpu':>18}{'x wall':>9}{'x cpu':>9}{'syscalls':>10}")
    for op in ("ADD", "DEL"):
        for c in contenders:
            mine, base = times[c.name, op], times["ours", op]
            cells = [f"{statistics.median(v):.2f} [{percentile(v, .99):.2f}]" for v in zip(*mine)]
            ratios = [statistics.median(a[i] / b[i] for a, b in zip(mine, base)) for i in (0, 1)]
            calls = c.system_calls(op, names[c.name][-1])
            print(f"{op} {c.name:<10}{cells[0]:>18}{cells[1]:>18}{ratios[0]:>9.2f}{ratios[1]:>9.2f}{calls:>10}")


def main():
    parser = argparse.ArgumentParser()
    for name in ("ours", "debian", "newest"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--pods", type=int, default=1)
    arguments = parser.parse_args()
    scenario(arguments, "gateway", False)
    scenario(arguments, "gateway and ipMasq", True)


if __name__ == "__main__":
    main()

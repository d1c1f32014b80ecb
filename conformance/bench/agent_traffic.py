"""Packets from pod to pod across two nodes: where the agent made the way, and where the same was made by hand.

A pod is a namespace at the end of a veth pair, with the MTU that the agent gives. One TCP stream goes for some seconds;
the cost is the CPU time of the whole machine, for packets are nobody's process's: so nothing else may run on it.
"""

import json
import os
import signal
import socket
import statistics
import subprocess
import time

import agent_cluster as cluster
from agent_node import enter

PORT, CHUNK = 5001, 1 << 18
WAYS = ("host-gw", "vxlan")
MTU = {"host-gw": 1500, "vxlan": 1450}


def ip(words):
    for line in words.strip().splitlines():
        subprocess.run(["ip", *line.split()], check=True)


class Pair:
    """Two nodes with a pod each; a way between them is still to be made."""

    def __init__(self, name, way):
        self.name, self.way = name, way
        for number in (1, 2):
            node, pod, gateway = self.node(number), self.pod(number), cluster.subnet(number).replace(".0/24", ".1")
            ip(f"""netns add {node}
                netns add {pod}
                link add {node} type veth peer name eth0 netns {node}
                link set {node} master br0 up
                -n {node} link set eth0 up
                -n {node} address add {cluster.address(number)}/16 dev eth0
                -n {node} link add pod mtu {MTU[way]} type veth peer name eth0 mtu {MTU[way]} netns {pod}
                -n {node} address add {gateway}/24 dev pod
                -n {node} link set pod up
                -n {pod} address add {address(number)}/24 dev eth0
                -n {pod} link set eth0 up
                -n {pod} route add default via {gateway}""")
            self.inside(node, lambda: open("/proc/sys/net/ipv4/ip_forward", "w").write("1"))

    def node(self, number):
        return f"{self.name}{number}"

    def pod(self, number):
        return f"{self.name}{number}-pod"

    @staticmethod
    def inside(name, work):
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{name}") as there:
            enter(there)
            try:
                return work()
            finally:
                enter(home)

    def by_hand(self):
        for number, other in ((1, 2), (2, 1)):
            node, subnet = self.node(number), cluster.subnet(other)
            if self.way == "host-gw":
                ip(f"-n {node} route add {subnet} via {cluster.address(other)}")
                continue
            first = subnet.split("/")[0]
            own = cluster.subnet(number).split("/")[0]
            ip(f"""-n {node} link add flannel.1 address {cluster.mac(number)} type vxlan id 1 dev eth0 local {cluster.address(number)} dstport 8472 nolearning
                -n {node} address add {own}/32 dev flannel.1
                -n {node} link set flannel.1 mtu {MTU[self.way]} up
                -n {node} neigh add {first} lladdr {cluster.mac(other)} dev flannel.1 nud permanent
                -n {node} route add {subnet} via {first} dev flannel.1 onlink""")
            subprocess.run(["bridge", "-n", node, "fdb", "add", cluster.mac(other), "dev", "flannel.1", "dst",
                            cluster.address(other)], check=True)

    def by_agents(self, program):
        """Starts an agent on both, and waits for their routes."""
        nodes = [{"name": f"node-{n}", "podCIDRs": [cluster.subnet(n)], "addresses": [cluster.address(n)]} for n in (1, 2)]
        agents = []
        for number, other in ((1, 2), (2, 1)):
            state = f"{cluster.STATE}/{self.node(number)}"
            os.makedirs(state)
            with open(f"{state}/nodes.json", "w") as file:
                json.dump({"nodes": nodes}, file)
            with open(f"{state}/net-conf.json", "w") as file:
                json.dump({"Network": "10.0.0.0/8", "Backend": {"Type": self.way}}, file)
            words = [program, "run", f"--nodes-file={state}/nodes.json", f"--net-config-path={state}/net-conf.json",
                     "--iface=eth0", f"--subnet-file={state}/subnet.env", f"--state-dir={state}", "--ip-masq",
                     "--healthz-port=0", "--probe-port=0"]
            agents.append(subprocess.Popen(["ip", "netns", "exec", self.node(number), *words], stdin=subprocess.DEVNULL,
                                           stdout=subprocess.DEVNULL, stderr=open(f"{state}/log", "w"),
                                           env=os.environ | {"NODE_NAME": f"node-{number}"}))
            shown = lambda: subprocess.run(["ip", "-n", self.node(number), "route", "show", cluster.subnet(other)],
                                           capture_output=True, text=True, check=True).stdout
            cluster.until(f"the route: {open(f'{state}/log').read()}", shown)
        return agents

    def stream(self, seconds):
        """Gigabits a second, and the machine's CPU milliseconds for each gigabit."""
        server = self.inside(self.pod(2), lambda: socket.create_server((address(2), PORT)))
        done = os.pipe()
        child = os.fork()
        if child == 0:
            connection, _ = server.accept()
            buffer, total = bytearray(CHUNK), 0
            while count := connection.recv_into(buffer):
                total += count
            os.write(done[1], total.to_bytes(8, "little"))
            os._exit(0)
        client = self.inside(self.pod(1), lambda: socket.create_connection((address(2), PORT), 10))
        server.close()
        block, start, busy = bytes(CHUNK), time.monotonic(), machine_busy()
        while time.monotonic() - start < seconds:
            client.sendall(block)
        client.close()
        gigabits = int.from_bytes(os.read(done[0], 8), "little") * 8 / 1e9
        took, used = time.monotonic() - start, machine_busy() - busy
        os.waitpid(child, 0)
        for end in done:
            os.close(end)
        return gigabits / took, used * 1e3 / gigabits

    def remove(self):
        for number in (1, 2):
            ip(f"""link delete {self.node(number)}
                netns delete {self.pod(number)}
                netns delete {self.node(number)}""")


def address(number):
    return cluster.subnet(number).replace(".0/24", ".2")


def machine_busy():
    """Seconds of all CPUs by now, but for those idle or waiting."""
    fields = [int(word) for word in open("/proc/stat").readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def compare(program, way, rounds, seconds):
    """Medians of both, in turns: ours, and by hand."""
    os.makedirs(cluster.STATE, exist_ok=True)
    ours, hand = [], []
    for turn in range(rounds):
        for found, name, make in ((ours, f"o{way[0]}{turn}-", lambda pair: pair.by_agents(program)),
                                  (hand, f"h{way[0]}{turn}-", lambda pair: pair.by_hand())):
            pair = Pair(name, way)
            agents = make(pair) or []
            found.append(pair.stream(seconds))
            for agent in agents:
                agent.send_signal(signal.SIGTERM)
                agent.wait()
            pair.remove()
    figures = lambda found: {"rate": statistics.median(rate for rate, _ in found),
                             "gigabit": statistics.median(cost for _, cost in found)}
    return figures(ours), {}, figures(hand)

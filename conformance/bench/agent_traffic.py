"""Packets from pod to pod on one node and across two: where Trestle made the way, and where the same was made by hand.

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
WAYS = ("bridge", "host-gw", "vxlan")
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
                -n {pod} address add {self.address(number)}/24 dev eth0
                -n {pod} link set eth0 up
                -n {pod} route add default via {gateway}""")
            self.inside(node, lambda: open("/proc/sys/net/ipv4/ip_forward", "w").write("1"))

    def node(self, number):
        return f"{self.name}{number}"

    def pod(self, number):
        return f"{self.name}{number}-pod"

    @staticmethod
    def address(number):
        return cluster.subnet(number).replace(".0/24", ".2")

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

    def make(self, arguments):
        """Ours. Returns the processes that keep it."""
        return self.by_agents(arguments.ours)

    def remove(self):
        for number in (1, 2):
            ip(f"""link delete {self.node(number)}
                netns delete {self.pod(number)}
                netns delete {self.node(number)}""")


class Bridge:
    """One node with two pods on a bridge."""

    CONFIGURATION = {"cniVersion": "1.0.0", "name": "bench", "type": "bridge", "bridge": "cni0", "isGateway": True, "mtu": 1500,
                     "ipam": {"type": "host-local", "dataDir": "/run/bench/leases", "ranges": [[{"subnet": "10.9.0.0/24"}]]}}

    def __init__(self, name, _):
        self.name = name
        for place in (name, self.pod(1), self.pod(2)):
            ip(f"netns add {place}")
        self.addresses = {}

    def pod(self, number):
        return f"{self.name}{number}-pod"

    def address(self, number):
        return self.addresses[number]

    def by_hand(self):
        ip(f"""-n {self.name} link add cni0 type bridge
            -n {self.name} address add 10.9.0.1/24 dev cni0
            -n {self.name} link set cni0 up""")
        for number in (1, 2):
            ip(f"""-n {self.name} link add pod{number} mtu 1500 type veth peer name eth0 mtu 1500 netns {self.pod(number)}
                -n {self.name} link set pod{number} master cni0 up
                -n {self.pod(number)} address add 10.9.0.{number + 1}/24 dev eth0
                -n {self.pod(number)} link set eth0 up""")
            self.addresses[number] = f"10.9.0.{number + 1}"

    def make(self, arguments):
        folder = f"{cluster.STATE}/plugins"
        subprocess.run([arguments.plugins, "install", folder], check=True, stdout=subprocess.DEVNULL)
        for number in (1, 2):
            environment = {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": self.pod(number), "CNI_IFNAME": "eth0",
                           "CNI_NETNS": f"/run/netns/{self.pod(number)}", "CNI_PATH": folder}
            added = subprocess.run(["ip", "netns", "exec", self.name, f"{folder}/bridge"], env=os.environ | environment,
                                   input=json.dumps(self.CONFIGURATION), capture_output=True, text=True)
            if added.returncode:
                raise RuntimeError(added.stdout)
            self.addresses[number] = json.loads(added.stdout)["ips"][0]["address"].split("/")[0]
        return []

    def remove(self):
        for place in (self.pod(1), self.pod(2), self.name):
            ip(f"netns delete {place}")


def stream(pair, seconds):
    """Gigabits a second, and the machine's CPU milliseconds for each gigabit."""
    server = Pair.inside(pair.pod(2), lambda: socket.create_server((pair.address(2), PORT)))
    done = os.pipe()
    child = os.fork()
    if child == 0:
        connection, _ = server.accept()
        buffer, total = bytearray(CHUNK), 0
        while count := connection.recv_into(buffer):
            total += count
        os.write(done[1], total.to_bytes(8, "little"))
        os._exit(0)
    client = Pair.inside(pair.pod(1), lambda: socket.create_connection((pair.address(2), PORT), 10))
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


def machine_busy():
    """Seconds of all CPUs by now, but for those idle or waiting."""
    fields = [int(word) for word in open("/proc/stat").readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def compare(arguments, way):
    """Medians of both, in turns: ours, and by hand."""
    os.makedirs(cluster.STATE, exist_ok=True)
    kind, ours, hand = Bridge if way == "bridge" else Pair, [], []
    for turn in range(arguments.rounds):
        for found, name, make in ((ours, f"o{way[0]}{turn}-", lambda pair: pair.make(arguments)),
                                  (hand, f"h{way[0]}{turn}-", lambda pair: pair.by_hand())):
            pair = kind(name, way)
            agents = make(pair) or []
            found.append(stream(pair, arguments.stream))
            for agent in agents:
                agent.send_signal(signal.SIGTERM)
                agent.wait()
            pair.remove()
    figures = lambda found: {"rate": statistics.median(rate for rate, _ in found),
                             "gigabit": statistics.median(cost for _, cost in found)}
    return figures(ours), {}, figures(hand)

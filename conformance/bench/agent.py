"""The routed-agent in a cluster of thousands of Nodes, flanneld beside it.

One node of the cluster is real: a network namespace with a link to the API server. In it each contender starts, learns
of all other Nodes, programs its kernel, and is then watched at rest, under heartbeats, and when a Node comes or goes.
They take turns, each in a node of its own. The floor is what the kernel needs for the same paths, by requests encoded
beforehand (`crates/host/benches/fabric`). Ratios are flanneld's figure by ours, and ours by the floor. The figures go to a file as JSON, too.
"""

import argparse
import json
import os
import statistics
import subprocess
import time

import agent_cluster as cluster
import agent_traffic as traffic
from agent_node import DELETE_ROUTE, NEW_ROUTE, Agent, Node, Routes

BACKENDS = ("host-gw", "vxlan")
HEARTBEATS_A_SECOND = 17
MIB = 1 << 20


def network():
    """The network of all nodes, and the API server's address on it."""
    for words in ("link add br0 type bridge", f"address add {cluster.ADDRESS}/16 dev br0", "link set br0 up"):
        subprocess.run(["ip", *words.split()], check=True)


def configuration(backend):
    path = f"{cluster.STATE}/net-conf.json"
    with open(path, "w") as file:
        json.dump({"Network": "10.0.0.0/8", "EnableNFTables": True, "Backend": {"Type": backend}}, file)
    return path


def ours(arguments, node, source):
    state = f"{cluster.STATE}/{node.name}"
    os.mkdir(state)
    words = [arguments.ours, "run", *source, f"--net-config-path={cluster.STATE}/net-conf.json", "--iface=eth0",
             f"--subnet-file={state}/subnet.env", f"--state-dir={state}", "--ip-masq", "--log=json"]
    return Agent(node, words, {"NODE_NAME": "node-1", "RUST_LOG": "warn,routed_agent=debug"})


def flanneld(arguments, node):
    words = [arguments.flanneld, "-kube-subnet-mgr", f"-kubeconfig-file={cluster.STATE}/kubeconfig", "-iface=eth0",
             f"-net-config-path={cluster.STATE}/net-conf.json", f"-subnet-file={cluster.STATE}/{node.name}.env", "-ip-masq"]
    return Agent(node, words, {"NODE_NAME": "node-1"})


def start_ours(arguments, node, source):
    """Starts it, and waits until its first pass has ended: the figures of the start."""
    agent = ours(arguments, node, source)
    # What the kernel says may wake it before it knows of any Node.
    done = cluster.until("the first pass", lambda: [told for told in agent.told('"a pass"') if told[1]["changes"]])
    listed = agent.told('"a complete list of Nodes"')[0][0]
    paths = agent.told('"the fabric is compared"')[0]
    figures = {"start": listed - agent.started, "paths": paths[0] - listed, "pass": done[0][0] - listed,
               "cpu": agent.cpu(), "bytes": node.received() / MIB}
    # Its own confirmation of what it did, and its reports.
    cluster.until("calm", lambda: agent.told('"a pass"')[-1][1]["changes"] == 0)
    assert agent.routes() == arguments.nodes - 1, f"{agent.routes()} routes: {open(agent.log).read()[-3000:]}"
    return agent, figures


def start_flanneld(arguments, node):
    agent = flanneld(arguments, node)
    cluster.until("the first route", agent.routes, pause=0.01)
    first = time.time()
    cluster.until("all routes", lambda: agent.routes() == arguments.nodes - 1, 300)
    return agent, {"start": first - agent.started, "paths": time.time() - first, "cpu": agent.cpu(),
                   "bytes": node.received() / MIB}


def floor(arguments, backend):
    """Milliseconds of wall time."""
    words = [arguments.floor, "floor", backend, str(arguments.nodes - 1)]
    return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[0])


def memory(agent, seconds):
    time.sleep(seconds)
    return {"resident": agent.status("VmRSS") / 1024, "peak": agent.status("VmHWM") / 1024}


def rest(agent, seconds):
    """CPU and wake-ups of an agent to whom nothing happens."""
    cpu, woken = agent.cpu(), agent.status("voluntary_ctxt_switches")
    time.sleep(seconds)
    minutes = seconds / 60
    return {"rest": (agent.cpu() - cpu) * 1e3 / minutes,
            "woken": (agent.status("voluntary_ctxt_switches") - woken) / minutes}


def idle_passes(agent, node, count):
    """CPU of a pass that changes nothing: the link says something, and there is nothing to be done."""
    costs = []
    for turn in range(count):
        before, cpu = len(agent.told('"a pass"')), agent.cpu()
        subprocess.run(["ip", "-n", node.name, "link", "set", "eth0", "alias", f"turn {turn}"], check=True)
        cluster.until("a pass", lambda: len(agent.told('"a pass"')) > before)
        time.sleep(0.1)
        passes = agent.told('"a pass"')[before:]
        assert all(fields["changes"] == 0 for _, fields in passes), passes
        costs.append((agent.cpu() - cpu) * 1e3 / len(passes))
    return {"idle": statistics.median(costs)}


def changes(node, backend, number, count):
    """From the request at the API server until the route is gone, and until it is back."""
    api, routes, gone, back = cluster.Api(), Routes(node), [], []
    for turn in range(count):
        other = number - turn
        for work, kind, times in ((lambda: api.delete(other), DELETE_ROUTE, gone),
                                  (lambda: api.create(other, backend), NEW_ROUTE, back)):
            start = time.monotonic()
            work()
            times.append((routes.await_one(kind, cluster.subnet(other)) - start) * 1e3)
    routes.close()
    return {"gone": statistics.median(gone), "back": statistics.median(back)}


def heartbeats(agent, node, nodes, seconds):
    """CPU and bytes of one heartbeat, where as many come as in a cluster of 5,000 (each Node's every five minutes)."""
    api, start = cluster.Api(), time.monotonic()
    cpu, received, count = agent.cpu(), node.received(), seconds * HEARTBEATS_A_SECOND
    for beat in range(count):
        time.sleep(max(0, start + beat / HEARTBEATS_A_SECOND - time.monotonic()))
        api.heartbeat(2 + beat % (nodes - 1), beat + 1)
    time.sleep(0.5)
    took = time.monotonic() - start
    used = agent.cpu() - cpu
    return {"beat": used * 1e6 / count, "share": used / took * 100, "beat_bytes": (node.received() - received) / count / 1024}


def measure(arguments, backend):
    """Figures of both contenders, and of the floor."""
    configuration(backend)
    source = [f"--kubeconfig-file={cluster.STATE}/kubeconfig"]
    kubernetes = cluster.Cluster(arguments.kubernetes, arguments.nodes, backend)
    print(f"\n{backend}: {arguments.nodes} Nodes of {kubernetes.size / 1024:.1f} KiB; load {os.getloadavg()[0]:.1f}", flush=True)
    starts, floors = [], []
    for turn in range(arguments.rounds):
        floors.append(floor(arguments, backend))
        with Node() as node:
            agent, figures = start_ours(arguments, node, source)
            starts.append(figures)
            if turn + 1 == arguments.rounds:
                mine = {key: statistics.median(start[key] for start in starts) for key in figures}
                mine |= memory(agent, 5)
                mine |= idle_passes(agent, node, arguments.turns)
                mine |= heartbeats(agent, node, arguments.nodes, arguments.seconds)
                mine |= changes(node, backend, arguments.nodes, arguments.turns)
                mine |= rest(agent, arguments.seconds)
            agent.stop()
    theirs = {}
    if not arguments.alone and not (arguments.brief and arguments.nodes < max(arguments.sizes)):
        with Node() as node:
            agent, theirs = start_flanneld(arguments, node)
            theirs |= memory(agent, 5)
            theirs |= rest(agent, arguments.seconds)
            theirs |= heartbeats(agent, node, arguments.nodes, arguments.seconds)
            theirs |= changes(node, backend, arguments.nodes, arguments.turns)
            agent.stop()
    kubernetes.stop()
    return mine, theirs, {"paths": statistics.median(floors) / 1e3}


def with_file(arguments, backend):
    """The same Nodes from a file. It rests for minutes: one alone may have none of its ticks, or two."""
    configuration(backend)
    path = f"{cluster.STATE}/nodes.json"
    short = lambda n: {"name": f"node-{n}", "podCIDRs": [cluster.subnet(n)], "addresses": [cluster.address(n)]}
    with open(path, "w") as file:
        json.dump({"nodes": [short(n) for n in range(1, arguments.nodes + 1)]}, file)
    with Node() as node:
        agent, mine = start_ours(arguments, node, [f"--nodes-file={path}"])
        mine |= memory(agent, 5) | idle_passes(agent, node, arguments.turns) | rest(agent, arguments.rest)
        agent.stop()
    return mine, {}, {}


ROWS = (
    ("from start to a complete list (theirs: first route), s", "start", 1),
    ("from there to the last path acknowledged, ms", "paths", 1e3),
    ("from there to the end of the pass, packet rules and all, ms", "pass", 1e3),
    ("CPU by then, ms", "cpu", 1e3),
    ("received by then, MiB", "bytes", 1),
    ("resident, MiB", "resident", 1),
    ("peak, MiB", "peak", 1),
    ("a Node goes: until its route is gone, ms", "gone", 1),
    ("a Node comes: until its route is there, ms", "back", 1),
    ("CPU of a pass that changes nothing, ms", "idle", 1),
    ("CPU of a heartbeat, us", "beat", 1),
    (f"{HEARTBEATS_A_SECOND} heartbeats a second, % of a core", "share", 1),
    ("received for a heartbeat, KiB", "beat_bytes", 1),
    ("CPU at rest, ms a minute", "rest", 1),
    ("wake-ups at rest, a minute", "woken", 1),
    ("a TCP stream from pod to pod (floor: by hand), Gbit/s", "rate", 1),
    ("CPU of the machine for a gigabit of it, ms", "gigabit", 1),
)


def lines(title, figures):
    cell = lambda value: "" if value is None else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    mine, theirs, least = figures
    yield f"{title:62}{'ours':>10}{'flanneld':>10}{'ratio':>8}{'floor':>8}{'ratio':>7}"
    for name, key, factor in ROWS:
        values = [side[key] * factor if key in side else None for side in (mine, theirs, least)]
        if values[0] is None:
            continue
        by = lambda over, under: over / under if over is not None and under else None
        cells = (values[0], values[1], by(values[1], values[0]), values[2], by(values[0], values[2]))
        yield f"{name:62}" + "".join(f"{cell(value):>{width}}" for value, width in zip(cells, (10, 10, 8, 8, 7)))


def table(title, figures):
    print("", *lines(title, figures), sep="\n", flush=True)


def record(title, figures):
    return {"title": title} | dict(zip(("ours", "flanneld", "floor"), figures))


def machine():
    """What the figures were taken on."""
    models = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return {"processor": models[0] if models else os.uname().machine, "cores": os.cpu_count(), "kernel": os.uname().release,
            "load": os.getloadavg()[0]}


def write(directory, runs):
    """The figures for people and for programs."""
    on = machine()
    with open(f"{directory}/agent.json", "w") as file:
        json.dump({"machine": on, "runs": [record(title, figures) for title, figures in runs]}, file, indent=1)
    with open(f"{directory}/agent.md", "w") as file:
        print("# The agent beside flanneld 0.28.4, and beside a floor\n\n"
              f"{on['processor']}, {on['cores']} cores, Linux {on['kernel']}; load at the end {on['load']:.1f}. "
              "`make bench-agent`; what is measured and how: [conformance/bench/agent.py](../../conformance/bench/agent.py). "
              "Ratios: flanneld's by ours, ours by the floor's.", file=file)
        for title, figures in runs:
            print("", "```text", *(line.rstrip() for line in lines(title, figures)), "```", sep="\n", file=file)


def main():
    parser = argparse.ArgumentParser()
    for name in ("ours", "plugins", "floor", "flanneld", "kubernetes", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 5000], help="Nodes of the cluster, in turn")
    parser.add_argument("--rounds", type=int, default=5, help="starts of ours")
    parser.add_argument("--turns", type=int, default=9, help="single changes, passes that change nothing")
    parser.add_argument("--seconds", type=int, default=30, help="of heartbeats, of rest")
    parser.add_argument("--rest", type=int, default=180, help="seconds of rest with a nodes file")
    parser.add_argument("--stream", type=int, default=5, help="seconds of traffic")
    parser.add_argument("--backend", choices=BACKENDS, action="append")
    parser.add_argument("--alone", action="store_true", help="without flanneld")
    parser.add_argument("--brief", action="store_true", help="fewer rounds, flanneld in the largest cluster only")
    arguments = parser.parse_args()
    if arguments.brief:
        arguments.rounds, arguments.turns, arguments.seconds, arguments.rest, arguments.stream = 3, 5, 10, 65, 2
    network()
    runs = []
    for arguments.nodes in arguments.sizes:
        for backend in arguments.backend or BACKENDS:
            runs.append((f"{backend}, {arguments.nodes} Nodes", measure(arguments, backend)))
            table(*runs[-1])
        if not arguments.brief or arguments.nodes == max(arguments.sizes):
            runs.append((f"vxlan, {arguments.nodes} Nodes, with a nodes file", with_file(arguments, "vxlan")))
            table(*runs[-1])
    for way in traffic.WAYS:
        figures = traffic.compare(arguments, way)
        runs.append((f"traffic, {way}", figures))
        table(*runs[-1])
    write(arguments.out, runs)


main()

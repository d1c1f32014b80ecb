"""A real API server with thousands of Nodes of real size: etcd and kube-apiserver as processes of this namespace."""

import http.client
import json
import os
import socket
import ssl
import subprocess
import threading
import time

ADDRESS, PORT, TOKEN = "192.168.255.1", 6443, "admin-token"
PREFIX = "flannel.alpha.coreos.com/"
STATE = "/run/bench"

# What kubelets report of the images they have, and what else makes a Node's 16 KB.
IMAGES = 64
CONDITIONS = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")


def until(what, condition, seconds=120, pause=0.05):
    """Waits for a condition, and returns what it says."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(pause)
    raise TimeoutError(f"not within {seconds} s: {what}")


def subnet(number):
    return f"10.{number >> 8}.{number & 255}.0/24"


def address(number):
    return f"192.168.{number >> 8}.{number & 255}"


def mac(number):
    return f"0e:00:00:00:{number >> 8:02x}:{number & 255:02x}"


def condition(kind, beat=0):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + beat))
    return {"type": kind, "status": "True" if kind == "Ready" else "False", "reason": f"KubeletHas{kind}",
            "message": f"kubelet has posted what it knows of {kind}", "lastHeartbeatTime": now,
            "lastTransitionTime": "2026-01-01T00:00:00Z"}


def node(number, backend):
    """A Node as kubelet, the controllers and flannel write it."""
    data = json.dumps({"VNI": 1, "VtepMAC": mac(number)}) if backend == "vxlan" else "null"
    image = lambda i: {"names": [f"registry.example.com/team-{i}/service@sha256:{(number * 7919 + i) % 2 ** 256:064x}",
                                 f"registry.example.com/team-{i}/service:v1.{i}.{number}"], "sizeBytes": 10 ** 7 + i}
    return {
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": f"node-{number}",
            "labels": {f"topology.example.com/label-{i}": f"value-{i}-of-node-{number}" for i in range(12)},
            "annotations": {
                PREFIX + "backend-type": backend, PREFIX + "backend-data": data,
                PREFIX + "public-ip": address(number), PREFIX + "kube-subnet-manager": "true",
                "node.alpha.kubernetes.io/ttl": "0", "csi.volume.kubernetes.io/nodeid": f'{{"csi.example.com":"node-{number}"}}',
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
        },
        "spec": {"podCIDR": subnet(number), "podCIDRs": [subnet(number)], "providerID": f"example://zone/node-{number}"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address(number)}, {"type": "Hostname", "address": f"node-{number}"}],
            "capacity": {"cpu": "64", "memory": "263856728Ki", "pods": "110", "ephemeral-storage": "959786032Ki"},
            "allocatable": {"cpu": "63", "memory": "260856728Ki", "pods": "110", "ephemeral-storage": "884538806Ki"},
            "conditions": [condition(kind) for kind in CONDITIONS],
            "nodeInfo": {"architecture": "amd64", "bootID": f"{number:032x}", "containerRuntimeVersion": "containerd://2.1.0",
                         "kernelVersion": "6.12.0", "kubeProxyVersion": "", "kubeletVersion": "v1.34.2",
                         "machineID": f"{number:032x}", "operatingSystem": "linux", "osImage": "Debian GNU/Linux 12",
                         "systemUUID": f"{number:032x}"},
            "images": [image(i) for i in range(IMAGES)],
        },
    }


class Api:
    """A connection to the API server."""

    def __init__(self):
        context = ssl.create_default_context(cafile=f"{STATE}/certificates/apiserver.crt")
        self.connection = http.client.HTTPSConnection(ADDRESS, PORT, context=context, timeout=60)

    def request(self, method, path, body=None, kind="application/json"):
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind}
        self.connection.request(method, path, body=body and json.dumps(body), headers=headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:500]}")
        return text

    def create(self, number, backend):
        self.request("POST", "/api/v1/nodes", node(number, backend))

    def delete(self, number):
        self.request("DELETE", f"/api/v1/nodes/node-{number}")

    def heartbeat(self, number, beat):
        body = {"status": {"conditions": [condition(kind, beat) for kind in CONDITIONS]}}
        self.request("PATCH", f"/api/v1/nodes/node-{number}/status", body, "application/strategic-merge-patch+json")


class Cluster:
    """etcd, the API server, and `number` Nodes of a backend."""

    def __init__(self, programs, number, backend):
        os.makedirs(STATE, exist_ok=True)
        subprocess.run(["rm", "-rf", f"{STATE}/etcd"], check=True)
        with open(f"{STATE}/tokens", "w") as file:
            file.write(f'{TOKEN},admin,1,"system:masters"\n')
        subprocess.run(["openssl", "ecparam", "-genkey", "-noout", "-name", "prime256v1", "-out", f"{STATE}/accounts.key"],
                       check=True)
        self.number, self.backend = number, backend
        self.etcd = self.start("etcd", [f"{programs}/etcd", "--unsafe-no-fsync", f"--data-dir={STATE}/etcd"])
        until("etcd answers", lambda: listens("127.0.0.1", 2379))
        accounts = f"{STATE}/accounts.key"
        self.server = self.start("server", [
            f"{programs}/kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", f"--bind-address={ADDRESS}",
            f"--advertise-address={ADDRESS}", f"--secure-port={PORT}", "--service-cluster-ip-range=172.30.0.0/16",
            f"--cert-dir={STATE}/certificates", f"--token-auth-file={STATE}/tokens", "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-signing-key-file={accounts}",
            f"--service-account-key-file={accounts}"])
        until("the API server is ready", self.is_ready)
        self.fill()
        self.size = len(Api().request("GET", "/api/v1/nodes/node-2"))
        cluster = {"server": f"https://{ADDRESS}:{PORT}", "certificate-authority": f"{STATE}/certificates/apiserver.crt"}
        with open(f"{STATE}/kubeconfig", "w") as file:
            json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "bench",
                       "clusters": [{"name": "bench", "cluster": cluster}],
                       "users": [{"name": "admin", "user": {"token": TOKEN}}],
                       "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "admin"}}]}, file)

    @staticmethod
    def start(name, words):
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=open(f"{STATE}/{name}.log", "w"))

    @staticmethod
    def is_ready():
        try:
            return Api().request("GET", "/readyz")
        except (OSError, RuntimeError, http.client.HTTPException):
            return None

    def fill(self):
        def work(first, step):
            api = Api()
            for number in range(first, self.number + 1, step):
                api.create(number, self.backend)
        threads = [threading.Thread(target=work, args=(first, 4)) for first in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def stop(self):
        for process in (self.server, self.etcd):
            process.kill()
            process.wait()


def listens(host, port):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False

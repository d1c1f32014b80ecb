"""etcd, kube-apiserver and Nodes of real size, for a benchmark that runs in namespaces of its own."""

import http.client
import json
import ssl
import subprocess
import threading
import time

TOKEN = "bench"
PREFIX = "flannel.alpha.coreos.com/"


def wait(what, condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {seconds} s")
        time.sleep(0.02)


class Server:
    """The API server at an address that this namespace has."""

    def __init__(self, cache, address):
        self.address = address
        self.processes = []
        self.now = 1_800_000_000
        self.start("etcd", [f"{cache}/kubernetes/etcd", "--unsafe-no-fsync", "--data-dir=/run/etcd", "--quota-backend-bytes=4294967296"])
        subprocess.run(["openssl", "ecparam", "-genkey", "-noout", "-name=prime256v1", "-out=/run/accounts.key"], check=True)
        with open("/run/tokens", "w") as file:
            file.write(f'{TOKEN},bench,1,"system:masters"\n')
        self.start("kube-apiserver", [
            f"{cache}/kubernetes/kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", f"--bind-address={address}",
            f"--advertise-address={address}", "--secure-port=6443", "--service-cluster-ip-range=10.96.0.0/16",
            "--cert-dir=/run/certificates", "--token-auth-file=/run/tokens", "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=/run/accounts.key",
            "--service-account-signing-key-file=/run/accounts.key", "--allow-privileged=true",
        ])
        wait("the API server", self.ready)

    def start(self, name, command):
        with open(f"/run/{name}.log", "w") as log:
            self.processes.append(subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *command], stdout=log, stderr=log, stdin=subprocess.DEVNULL))

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def connection(self):
        # The server is ours, and so is the only way to it.
        return http.client.HTTPSConnection(self.address, 6443, context=ssl._create_unverified_context(), timeout=60)

    def ready(self):
        try:
            return self.request(self.connection(), "GET", "/readyz")
        except (OSError, SystemExit):
            return False

    @staticmethod
    def request(connection, method, path, body=None, kind="application/json"):
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {text.decode(errors='replace')[:500]}")
        return True

    def kubeconfig(self):
        path = "/run/kubeconfig"
        with open(path, "w") as file:
            json.dump({
                "apiVersion": "v1", "kind": "Config", "current-context": "bench",
                "clusters": [{"name": "bench", "cluster": {
                    "server": f"https://{self.address}:6443", "certificate-authority": "/run/certificates/apiserver.crt"}}],
                "users": [{"name": "bench", "user": {"token": TOKEN}}],
                "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
            }, file)
        return path

    def create(self, number, backend):
        """Nodes by 8 connections, as fast as they are taken."""

        def work(first):
            connection = self.connection()
            for index in range(first, number, 8):
                self.request(connection, "POST", "/api/v1/nodes", node(index, backend))

        threads = [threading.Thread(target=work, args=(first,)) for first in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def heartbeats(self, number, rate, seconds):
        """What kubelets say of themselves when nothing changes."""
        connection = self.connection()
        start = time.monotonic()
        for beat in range(int(rate * seconds)):
            time.sleep(max(0, start + beat / rate - time.monotonic()))
            # A time that was said before would be no change, and nobody would hear of it.
            self.now += 1
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now))
            patch = {"status": {"conditions": [{"type": "Ready", "lastHeartbeatTime": now}]}}
            path = f"/api/v1/nodes/node-{1 + beat % (number - 1)}/status"
            self.request(connection, "PATCH", path, patch, "application/strategic-merge-patch+json")


def address(index):
    return f"172.16.{1 + index // 250}.{1 + index % 250}"


def node(index, backend):
    """A Node as the API has it after some weeks: 16 KB, most of it the names of images."""
    mac = "0e:2a:" + ":".join(f"{byte:02x}" for byte in index.to_bytes(4, "big"))
    data = json.dumps({"VNI": 1, "VtepMAC": mac}, separators=(",", ":")) if backend == "vxlan" else "null"
    podcidr = f"10.{index // 250}.{index % 250}.0/24"
    condition = {"status": "False", "reason": "KubeletHasNoTrouble", "message": "kubelet has none of this trouble",
                 "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    images = [{"names": [f"example.com/team-{image}/service@sha256:{image:064x}", f"example.com/team-{image}/service:1.{image}"],
               "sizeBytes": 100_000_000 + image} for image in range(70)]
    return {
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": f"node-{index}",
            "labels": {f"example.com/label-{label}": f"value-{label}" for label in range(20)},
            "annotations": {
                PREFIX + "backend-type": backend, PREFIX + "backend-data": data,
                PREFIX + "kube-subnet-manager": "true", PREFIX + "public-ip": address(index),
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
        },
        "spec": {"podCIDR": podcidr, "podCIDRs": [podcidr]},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address(index)}, {"type": "Hostname", "address": f"node-{index}"}],
            "capacity": {"cpu": "8", "memory": "32Gi", "pods": "110"},
            "conditions": [{"type": kind} | condition for kind in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")],
            "images": images,
        },
    }

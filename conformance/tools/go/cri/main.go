// cri is the smallest client of a container runtime's CRI (v1) that a network test needs. Each call prints JSON.
//
//	cri SOCKET version                               the runtime's name and version
//	cri SOCKET status                                conditions: RuntimeReady, NetworkReady
//	cri SOCKET run NAME IMAGE CGROUP [HOST:PORT] [ANNOTATION=VALUE]
//	                                                 a pod and a container in it that sleeps: pod, container, addresses
//	cri SOCKET exec CONTAINER WORD...                a command in a container: exit code, stdout, stderr
//	cri SOCKET stop POD                              StopPodSandbox: the DEL with everything
//	cri SOCKET remove POD                            RemovePodSandbox: the DEL with next to nothing
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

type client struct {
	context.Context
	cri.RuntimeServiceClient
	logs string
}

func (c client) version(_ []string) (any, error) {
	return c.Version(c, &cri.VersionRequest{Version: "v1"})
}

func (c client) status(_ []string) (any, error) {
	answer, err := c.Status(c, &cri.StatusRequest{})
	return answer.GetStatus().GetConditions(), err
}

func (c client) run(words []string) (any, error) {
	name, image, cgroup := words[0], words[1], words[2]
	pod := &cri.PodSandboxConfig{
		Metadata:     &cri.PodSandboxMetadata{Name: name, Uid: "uid-" + name, Namespace: "default"},
		Hostname:     name,
		LogDirectory: filepath.Join(c.logs, name),
		Linux:        &cri.LinuxPodSandboxConfig{CgroupParent: cgroup},
		Annotations:  map[string]string{},
	}
	for _, word := range words[3:] {
		if name, value, found := strings.Cut(word, "="); found {
			pod.Annotations[name] = value
			continue
		}
		host, port, _ := strings.Cut(word, ":")
		from, err := strconv.ParseInt(host, 10, 32)
		if err != nil {
			return nil, err
		}
		to, err := strconv.ParseInt(port, 10, 32)
		if err != nil {
			return nil, err
		}
		pod.PortMappings = append(pod.PortMappings, &cri.PortMapping{HostPort: int32(from), ContainerPort: int32(to)})
	}
	sandbox, err := c.RunPodSandbox(c, &cri.RunPodSandboxRequest{Config: pod})
	if err != nil {
		return nil, err
	}
	status, err := c.PodSandboxStatus(c, &cri.PodSandboxStatusRequest{PodSandboxId: sandbox.PodSandboxId})
	if err != nil {
		return nil, err
	}
	addresses := []string{status.Status.Network.Ip}
	for _, more := range status.Status.Network.AdditionalIps {
		addresses = append(addresses, more.Ip)
	}
	container, err := c.CreateContainer(c, &cri.CreateContainerRequest{
		PodSandboxId: sandbox.PodSandboxId,
		Config: &cri.ContainerConfig{
			Metadata: &cri.ContainerMetadata{Name: "main"},
			Image:    &cri.ImageSpec{Image: image},
			Command:  []string{"/bin/sleep", "infinity"},
			LogPath:  "main.log",
		},
		SandboxConfig: pod,
	})
	if err != nil {
		return nil, err
	}
	_, err = c.StartContainer(c, &cri.StartContainerRequest{ContainerId: container.ContainerId})
	return map[string]any{"pod": sandbox.PodSandboxId, "container": container.ContainerId, "addresses": addresses}, err
}

func (c client) exec(words []string) (any, error) {
	answer, err := c.ExecSync(c, &cri.ExecSyncRequest{ContainerId: words[0], Cmd: words[1:], Timeout: 30})
	return map[string]any{
		"code": answer.GetExitCode(), "stdout": string(answer.GetStdout()), "stderr": string(answer.GetStderr()),
	}, err
}

func (c client) stop(words []string) (any, error) {
	return c.StopPodSandbox(c, &cri.StopPodSandboxRequest{PodSandboxId: words[0]})
}

func (c client) remove(words []string) (any, error) {
	return c.RemovePodSandbox(c, &cri.RemovePodSandboxRequest{PodSandboxId: words[0]})
}

// verbs: what a call is, and how many words it needs at least.
var verbs = map[string]struct {
	call  func(client, []string) (any, error)
	words int
}{
	"version": {client.version, 0},
	"status":  {client.status, 0},
	"run":     {client.run, 3},
	"exec":    {client.exec, 2},
	"stop":    {client.stop, 1},
	"remove":  {client.remove, 1},
}

func do(socket, name string, words []string) error {
	verb, known := verbs[name]
	if !known || len(words) < verb.words {
		return fmt.Errorf("unknown call: %s %q", name, words)
	}
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	deadline, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	answer, err := verb.call(client{deadline, cri.NewRuntimeServiceClient(connection), filepath.Join(filepath.Dir(socket), "logs")}, words)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: cri SOCKET version|status|run|exec|stop|remove WORD...")
		os.Exit(2)
	}
	if err := do(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// gc asks libcni to collect garbage with a list of the attachments that are still valid; cnitool can't pass one.
//
//	gc CONFLIST [CONTAINERID/IFNAME ...]     plugins are looked for in CNI_PATH
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
)

func collect(conflist string, valid []string) error {
	list, err := libcni.ConfListFromFile(conflist)
	if err != nil {
		return err
	}
	args := &libcni.GCArgs{ValidAttachments: []types.GCAttachment{}}
	for _, word := range valid {
		id, ifname, found := strings.Cut(word, "/")
		if !found {
			return fmt.Errorf("%q is not CONTAINERID/IFNAME", word)
		}
		args.ValidAttachments = append(args.ValidAttachments, types.GCAttachment{ContainerID: id, IfName: ifname})
	}
	cni := libcni.NewCNIConfig(filepath.SplitList(os.Getenv("CNI_PATH")), nil)
	return cni.GCNetworkList(context.Background(), list, args)
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: gc CONFLIST [CONTAINERID/IFNAME ...]")
		os.Exit(2)
	}
	if err := collect(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

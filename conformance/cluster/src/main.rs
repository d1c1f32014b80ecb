//! A cluster to play with, which ends with this program.
//!
//!     cluster DIRECTORY     writes DIRECTORY/kubeconfig and DIRECTORY/readme once it works

#![allow(clippy::print_stderr, reason = "a program for people")]

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::thread;

use cluster::{Cluster, resolver};
use nix::sys::signal::{SigSet, Signal};
use sandbox::{ADMIN, Node, Place, ProxyMode, cached};

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1) else {
        eprintln!("cluster DIRECTORY");
        return ExitCode::from(2);
    };
    match serve(Path::new(&directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cluster: {}: {error}", directory.display());
            ExitCode::FAILURE
        }
    }
}

fn serve(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    // A socket stays where it was opened: on the machine, while the cluster is in a network of its own.
    let door = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("https://{}", door.local_addr()?);
    let node = Node::enter();
    let cluster = Cluster::start(&node, &[ProxyMode::Iptables, ProxyMode::Nftables]);
    cluster.install();
    cluster.apply(&resolver());
    cluster.wait_rolled_out("deployment/coredns", "kube-system");
    let server = cluster.api().address();

    let credentials = cluster.control().within(|| cluster.api().portable_kubeconfig_of(ADMIN));
    let kubeconfig = directory.join("kubeconfig");
    std::fs::write(directory.join("readme"), readme(&cluster, &kubeconfig))?;
    // Last: who shares a working directory with another thread can visit no machine.
    thread::spawn(move || door.incoming().flatten().for_each(|client| carry(client, server)));
    std::fs::write(&kubeconfig, credentials.replace(&cluster.api().url(), &url))?;
    // Only now: programs inherit what their starter blocks.
    let end = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    end.thread_block()?;
    end.wait()?;
    std::fs::remove_file(&kubeconfig)
}

/// What one may do with it.
fn readme(cluster: &Cluster, kubeconfig: &Path) -> String {
    let kubectl = cached("kubernetes/kubectl");
    let nodes = cluster.nodes().iter().map(|node| {
        let entrance = node.containerd().runtime().entrance();
        format!("    {entrance} bash    # on {}\n", node.name())
    });
    format!(
        "A cluster with Trestle on it, in networks of its own. To play with:\n\n    export KUBECONFIG={}\n    alias kubectl={}\n    \
         kubectl get nodes,pods -A -o wide\n    kubectl run one --image=localhost/busybox:1 --image-pull-policy=Never\n{}\n\
         make cluster-down takes it away.\n",
        kubeconfig.display(),
        kubectl.display(),
        nodes.collect::<String>()
    )
}

/// Carries one connection to the API server and back.
fn carry(client: TcpStream, server: SocketAddr) {
    thread::spawn(move || {
        let Ok(server) = TcpStream::connect(server) else { return };
        let (Ok(from_client), Ok(to_server)) = (client.try_clone(), server.try_clone()) else { return };
        thread::spawn(move || pour(from_client, to_server));
        pour(server, client);
    });
}

/// All that comes, to its end.
fn pour(mut from: TcpStream, mut to: TcpStream) {
    // Whoever ends a connection, and however, it is at its end.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

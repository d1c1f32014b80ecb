//! Calls in this process, for what only a delegator sees.

use std::net::IpAddr;

use cni::{Command, Config, Failure, Request};
use ipam::{Delegator, add};
use netstate::{Attachment, LinkName};
use sandbox::Pod;
use serde_json::Value;

use crate::network::Network;

/// ADD as the skeleton hands it over.
pub(crate) fn request(conf: &Value, container: &str, netns: Option<&str>) -> Request {
    let stdin = conf.to_string().into_bytes();
    Request {
        command: Command::Add,
        container: container.to_owned(),
        ifname: "eth0".to_owned(),
        netns: netns.map(Into::into),
        args: String::new(),
        path: Vec::new(),
        config: Config::parse(&stdin).expect("a configuration"),
        stdin,
    }
}

/// Attaches a pod by a veth pair, as an interface plugin does that runs host-local in its own process. Every kernel
/// tells then whether the pod is alive.
pub(crate) fn attach(network: &Network, pod: &Pod, args: &str) {
    let mut request = request(&network.conf, pod.name(), Some(pod.path()));
    args.clone_into(&mut request.args);
    let link: LinkName = format!("veth{}", pod.name()).parse().expect("a short name");
    let mut delegator = Watching { link: Some(link.clone()), ..Watching::default() };
    let lease = add(&request, &mut delegator).expect("an address");
    let made = std::process::Command::new("ip")
        .args(["link", "add", link.as_str(), "type", "veth", "peer", "name", "eth0", "netns", pod.name()])
        .output()
        .expect("ip runs");
    // A pod on two networks has one pair, which is proof enough for both.
    assert!(
        made.status.success() || String::from_utf8_lossy(&made.stderr).contains("File exists"),
        "{made:?}"
    );
    drop(lease);
}

/// A delegator that makes no link, or one of this name, and remembers whom it was told to take away.
#[derive(Default)]
pub(crate) struct Watching {
    pub(crate) link: Option<LinkName>,
    pub(crate) reaped: Vec<(String, Vec<IpAddr>)>,
    pub(crate) failure: Option<Failure>,
    /// The files that are looked for when somebody is to be taken away, and whether they were there.
    pub(crate) held: Vec<(std::path::PathBuf, Option<bool>)>,
}

impl Delegator for Watching {
    fn host_link(&self, _: &Attachment) -> Option<LinkName> {
        self.link.clone()
    }

    fn reap(&mut self, attachment: &Attachment, addresses: &[IpAddr]) -> Result<(), Failure> {
        self.reaped.push((attachment.to_string(), addresses.to_vec()));
        for (path, found) in &mut self.held {
            *found = Some(path.exists());
        }
        self.failure.clone().map_or(Ok(()), Err)
    }
}

//! A pod that was attached to a network as a runtime attaches it, and what passes between two of them.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use nix::sched::{CloneFlags, unshare};
use serde_json::Value;

use crate::{Call, Machine, Node, PATIENCE, Place, Pod};

/// Every pod's link.
const IFNAME: &str = "eth0";

/// A pod, and the addresses that it was given.
#[derive(Debug)]
pub struct Attached {
    /// The pod.
    pub pod: Pod,
    /// Its addresses, in the order of the result.
    pub addresses: Vec<IpAddr>,
}

impl Attached {
    /// A new pod on a machine, attached by the first plugin of a network configuration list, which lies in the
    /// machine's `/opt/cni/bin`.
    ///
    /// # Panics
    /// Where the plugin refuses.
    #[must_use]
    pub fn new(node: &Node, machine: &Machine, conflist: &Value, name: &str) -> Self {
        let mut conf = conflist["plugins"][0].clone();
        for key in ["name", "cniVersion"] {
            conf[key] = conflist[key].clone();
        }
        let plugin = format!("/opt/cni/bin/{}", conf["type"].as_str().expect("a plugin's type"));
        let (pod, result) = machine.within(|| {
            let pod = node.pod(name);
            let call = Call::new(plugin).command("ADD").container(name).netns(&pod).ifname(IFNAME);
            let result = call.conf(&conf).run().result();
            (pod, result)
        });
        Self::by(pod, &result)
    }

    /// A pod whose attachment had this result.
    pub(crate) fn by(pod: Pod, result: &Value) -> Self {
        let addresses = result["ips"].as_array().expect("a result has addresses").iter();
        let addresses = addresses.filter_map(|ip| ip["address"].as_str()?.split_once('/')?.0.parse().ok());
        Self { addresses: addresses.collect(), pod }
    }

    /// Waits until every address of the other answers, and then asks it by packets as large as both links take, which
    /// nobody on the way may cut into pieces.
    ///
    /// # Panics
    /// Where no answer comes.
    pub fn reaches_whole(&self, other: &Self) {
        let mtu = self.mtu().min(other.mtu());
        for address in &other.addresses {
            self.pod.ping(address);
            let headers = if address.is_ipv4() { 28 } else { 48 };
            let (size, address) = ((mtu - headers).to_string(), address.to_string());
            self.pod.exec(&["ping", "-n", "-q", "-c1", "-W5", "-M", "do", "-s", &size, &address]);
        }
    }

    /// Sends so many bytes to every address of the other by TCP.
    ///
    /// # Panics
    /// Where they don't all arrive.
    pub fn sends(&self, other: &Self, bytes: usize) {
        for address in &other.addresses {
            let sent = self.transfer(other, *address, bytes);
            assert!(matches!(sent, Ok(arrived) if arrived == bytes), "{bytes} bytes to {address}: {sent:?}");
        }
    }

    fn transfer(&self, other: &Self, address: IpAddr, bytes: usize) -> io::Result<usize> {
        let listener = other.pod.within(|| TcpListener::bind((address, 0)))?;
        let target = SocketAddr::new(address, listener.local_addr()?.port());
        let mut sender = self.pod.within(|| TcpStream::connect_timeout(&target, PATIENCE))?;
        let (mut receiver, _) = listener.accept()?;
        receiver.set_read_timeout(Some(PATIENCE))?;
        thread::scope(|scope| {
            // The stream ends with the closure. A thread that still shares its working directory when the scope has ended
            // would keep ours from visiting a machine.
            scope.spawn(move || {
                unshare(CloneFlags::CLONE_FS).expect("no privilege is needed");
                sender.write_all(&vec![0; bytes])
            });
            let (mut buffer, mut arrived) = (vec![0; 65536], 0);
            loop {
                match receiver.read(&mut buffer)? {
                    0 => return Ok(arrived),
                    read => arrived += read,
                }
            }
        })
    }

    /// The link's MTU in bytes.
    fn mtu(&self) -> usize {
        let text = self.pod.exec(&["ip", "-j", "link", "show", IFNAME]).stdout;
        let links: Value = serde_json::from_str(&text).expect("ip -j prints JSON");
        links[0]["mtu"].as_u64().and_then(|mtu| usize::try_from(mtu).ok()).expect("a link has an MTU")
    }
}

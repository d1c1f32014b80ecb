//! What every client's test starts from: plugins and a network configuration where runtimes look for them.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use sandbox::{Allowed, Node, PATIENCE, Place};
use serde_json::Value;

/// Ours.
pub(crate) const NAMES: [&str; 3] = ["bridge", "host-local", "loopback"];

/// Where runtimes look for network configurations.
pub(crate) const CONFIGURATIONS: &str = "/etc/cni/net.d";

/// What may stay after the last pod.
pub(crate) fn standing(bridge: &'static str) -> Vec<Allowed> {
    let mut allowed = Allowed::after_del(bridge).to_vec();
    allowed.extend(["trestle", "trestle-firewall"].map(Allowed::RulesOf));
    allowed
}

/// Installs what a bridge needs.
pub(crate) fn install(node: &Node) -> PathBuf {
    ours(node, &NAMES)
}

/// Installs our plugins of these names in `/opt/cni/bin`; those of the directory `TRESTLE_PLUGINS` instead where that is
/// set, to see what the same test makes of another suite.
pub(crate) fn ours(node: &Node, names: &[&str]) -> PathBuf {
    match std::env::var_os("TRESTLE_PLUGINS") {
        Some(directory) => node.install_from(Path::new(&directory), names),
        None => node.install(Path::new(env!("CARGO_BIN_EXE_cni")), names),
    }
}

/// A conflist that we ship, `1.0.0/10-trestle-ipv4` for example.
pub(crate) fn shipped(name: &str) -> Value {
    let path = format!("{}/../deploy/conflists/{name}.conflist", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Gives the node a conflist under a file name, which decides which one a runtime takes.
pub(crate) fn configure(node: &Node, file: &str, conflist: &Value) {
    node.write(format!("{CONFIGURATIONS}/{file}.conflist"), &conflist.to_string());
}

/// The addresses of a result, without their prefix lengths.
pub(crate) fn addresses(result: &Value) -> Vec<String> {
    let ips = result["ips"].as_array().map_or(&[][..], Vec::as_slice);
    let address = |ip: &Value| ip["address"].as_str()?.split('/').next().map(str::to_owned);
    ips.iter().filter_map(address).collect()
}

/// Does a web server answer?
pub(crate) fn answers(from: &impl Place, address: &str) -> bool {
    let address: SocketAddr = address.parse().expect("an address and a port");
    let ask = || -> io::Result<String> {
        let mut stream = from.within(|| TcpStream::connect_timeout(&address, PATIENCE))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /none HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1"))
}

//! What needs no kernel: configuration in, values out.

mod conf;
mod lease;
mod plan;

use cni::{Command, Config, Failure, Request};
use serde_json::{Value, json};

use super::conf::Conf;

/// An ADD with these keys beside those that every configuration has.
fn request(keys: &Value, arguments: &str) -> Request {
    let mut conf = json!({ "cniVersion": "1.1.0", "name": "net1", "type": "bridge" });
    for (key, value) in keys.as_object().expect("an object of keys") {
        conf[key] = value.clone();
    }
    let stdin = conf.to_string().into_bytes();
    Request {
        command: Command::Add,
        container: "c1".to_owned(),
        ifname: "eth0".to_owned(),
        netns: Some("/run/netns/c1".into()),
        args: arguments.to_owned(),
        path: Vec::new(),
        config: Config::parse(&stdin).expect("a network configuration"),
        stdin,
    }
}

fn parse(keys: &Value) -> Result<Conf, Failure> {
    Conf::parse(&request(keys, ""))
}

fn conf(keys: &Value) -> Conf {
    parse(keys).unwrap_or_else(|failure| panic!("{keys}: {failure}"))
}

//! `subnetFile`: no address of a subnet that nobody has confirmed since the node came up.

use std::fs;

use sandbox::Node;
use serde_json::json;

use crate::network::{Network, message};

const FILE: &str = "/run/flannel/subnet.env";
const WAITING: &str =
    "waiting until subnet 10.1.0.0/24 is confirmed as this node's by /run/flannel/subnet.env, which";
const WRITER: &str = "the node's agent writes it once it knows the node's podCIDR";

#[test]
fn an_address_is_given_only_of_a_subnet_that_the_file_confirms() {
    let node = Node::enter();
    let ranges = json!([[{"subnet": "10.1.0.0/24"}], [{"subnet": "fd00:1::/64"}]]);
    let network = Network::new(&node, &json!({"ranges": ranges, "subnetFile": FILE}));
    let refused = |found: &str, subnet: &str| {
        let waiting = WAITING.replace("10.1.0.0/24", subnet);
        for (command, code) in [("ADD", 11), ("STATUS", 50)] {
            let reply = network.run(command, "a");
            assert_eq!(message(&reply), (code, format!("{waiting} {found}: {WRITER}")), "{command}");
            assert_eq!(reply.error()["details"], "ipam.subnetFile");
        }
        assert!(!network.directory().exists(), "nothing is written");
        // Who is gone is gone, whoever the subnet belongs to.
        network.del("a");
        network.gc(&json!([])).succeeded();
    };
    refused("is not there yet", "10.1.0.0/24");
    node.write(FILE, "FLANNEL_MTU=1450\nFLANNEL_SUBNET=nonsense\n");
    refused("names no subnet", "10.1.0.0/24");
    node.write(FILE, "FLANNEL_SUBNET=10.7.0.1/24\nFLANNEL_IPV6_SUBNET=fd00:1::1/64\n");
    refused("names 10.7.0.0/24 and fd00:1::/64", "10.1.0.0/24");
    node.write(FILE, "FLANNEL_SUBNET=10.1.0.1/24\n");
    refused("names 10.1.0.0/24", "fd00:1::/64");
    // A part of the range is not all of it.
    node.write(FILE, "FLANNEL_SUBNET=10.1.0.1/25\nFLANNEL_IPV6_SUBNET=fd00:1::1/64\n");
    refused("names 10.1.0.0/25 and fd00:1::/64", "10.1.0.0/24");

    node.write(FILE, "FLANNEL_SUBNET=10.1.0.1/24\nFLANNEL_IPV6_SUBNET=fd00:1::1/64\n");
    network.run("STATUS", "").succeeded();
    assert_eq!(network.add("a"), "10.1.0.2");
    fs::remove_file(FILE).expect("it was just written");
    assert_eq!(message(&network.run("ADD", "b")).0, 11);
    network.run("CHECK", "a").succeeded();
    network.del("a");
}

#[test]
fn a_subnet_file_must_be_found_from_everywhere() {
    let node = Node::enter();
    let network = Network::new(&node, &json!({"subnet": "10.1.0.0/24", "subnetFile": "subnet.env"}));
    let told = "ipam.subnetFile: invalid value \"subnet.env\": expected an absolute path";
    assert_eq!(message(&network.run("ADD", "a")), (7, told.to_owned()));
}

//! What the agent writes for others: the conflist and subnet.env.

use sandbox::{PATIENCE, Place, eventually};

use crate::cluster::{Cluster, Shape};

#[test]
fn subnet_env_is_flannels() {
    let mut cluster = Cluster::new(Shape::VXLAN, 1);
    cluster.start();
    let expected = "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\nFLANNEL_IPV6_NETWORK=fd00:10:244::/48\n\
                    FLANNEL_IPV6_SUBNET=fd00:10:244:1::1/64\nFLANNEL_MTU=1430\nFLANNEL_IPMASQ=true\n";
    assert_eq!(cluster.members[0].read("/run/flannel/subnet.env").unwrap_or_default(), expected);
}

#[test]
fn a_spoilt_file_is_corrected() {
    let mut cluster = Cluster::new(Shape::HOST_GW, 1);
    cluster.start();
    let member = &cluster.members[0];
    for path in ["/etc/cni/net.d/10-trestle.conflist", "/run/flannel/subnet.env"] {
        let right = member.read(path);
        assert!(right.is_some(), "{path}");
        for spoil in ["echo spoilt >", "rm "] {
            member.machine.sh(&format!("{spoil}{path}"));
            assert!(eventually(PATIENCE, || member.read(path) == right), "{spoil}{path}\n{}", member.log());
        }
    }
}

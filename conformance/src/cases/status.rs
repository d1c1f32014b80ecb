//! CNI spec 2, STATUS: ready to service ADD requests, or why not.

use serde_json::json;

use crate::case::{Case, Of};
use crate::cases::breakage::NO_STATUS;
use crate::unmet::require;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "status.exhausted",
        says: "STATUS answers 50 when the addresses are used up, and its delegating plugin says the same",
        source: "CNI spec 2, STATUS: \"limited resources\"; P-045, B-08",
        of: Of::Plugins(&["host-local", "bridge", "ptp", "macvlan"]),
        check: |stage| {
            stage.knows("1.1.0")?;
            // Of a /30 one address is left for pods.
            let ipam = json!({ "type": "host-local", "ranges": [[{ "subnet": "10.77.0.0/30" }]] });
            let a = stage.attachment()?.with(&json!({ "ipam": ipam }));
            a.run("STATUS").silent_success()?;
            a.add()?;
            a.run("STATUS").error_of(&[50])?;
            a.del()?;
            a.run("STATUS").silent_success()
        },
        broken: NO_STATUS,
    },
    Case {
        id: "status.no-daemon",
        says: "STATUS answers 50 when the daemon that hands out addresses is not there",
        source: "CNI spec 2, STATUS; P-045, B-08, B-25",
        of: Of::Plugins(&["dhcp"]),
        check: |stage| {
            stage.knows("1.1.0")?;
            stage.run(&stage.call("STATUS")).error_of(&[50])?;
            Ok(())
        },
        broken: NO_STATUS,
    },
    Case {
        id: "status.del-without-daemon",
        says: "DEL succeeds when the daemon is not there",
        source: "CNI spec 2, DEL: a dead DHCP server is no reason to fail; P-042, P-043, B-25",
        of: Of::Plugins(&["dhcp"]),
        check: |stage| stage.run(&stage.call("DEL")).silent_success(),
        broken: "on DEL && [ ! -S /run/cni/dhcp.sock ] && refuse 11; real",
    },
    Case {
        id: "status.no-subnet",
        says: "STATUS answers 50 as long as flanneld has not written the node's subnet",
        source: "CNI spec 2, STATUS; P-045",
        of: Of::Plugins(&["flannel"]),
        check: |stage| {
            stage.knows("1.1.0")?;
            let a = stage.attachment()?;
            a.run("STATUS").silent_success()?;
            stage.host("rm /run/flannel/subnet.env");
            a.run("STATUS").error_of(&[50])?;
            Ok(())
        },
        broken: NO_STATUS,
    },
    Case {
        id: "status.changes-nothing",
        says: "STATUS changes nothing, and an ADD does not need it",
        source: "CNI spec 2, STATUS; containerd calls it with every CRI Status; P-045",
        of: Of::Plugins(&[
            "bridge",
            "ptp",
            "macvlan",
            "tap",
            "host-local",
            "static",
            "portmap",
            "firewall",
            "bandwidth",
        ]),
        check: |stage| {
            stage.knows("1.1.0")?;
            let a = stage.attachment()?;
            let before = crate::life::settled(stage.node);
            a.run("STATUS").success()?;
            let difference = before.diff(&sandbox::Snapshot::take(stage.node));
            require!(difference.is_empty(), "STATUS changed the node:\n{difference}");
            Ok(())
        },
        broken: "on STATUS && nft add table ip asked; real",
    },
];

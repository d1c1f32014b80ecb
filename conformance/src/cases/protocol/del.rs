//! CNI spec 2, DEL: what ADD made goes, whatever else is gone already.

use super::{ATTACHING, KNOWN};
use crate::case::{Case, Of};
use crate::specimen::Kind;
use crate::unmet::require;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "protocol.del",
        says: "DEL takes the attachment away, succeeds and prints nothing",
        source: "CNI spec 2, DEL; P-042",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            a.del()?;
            if stage.specimen.kind == Kind::Interface && stage.name != "loopback" {
                require!(a.link().is_null(), "the interface is still there: {}", a.link());
            }
            Ok(())
        },
        broken: r#"real; code=$?; on DEL && echo '{}'; exit "$code""#,
    },
    Case {
        id: "protocol.del-twice",
        says: "DEL of what is gone already is a success",
        source: "CNI spec 2, DEL: \"Plugins MUST accept multiple DEL calls\"; P-042",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            a.del()?;
            a.del()
        },
        broken: r#"on DEL && ! mkdir "$0.$CNI_CONTAINERID" 2>/dev/null && refuse 11; real"#,
    },
    Case {
        id: "protocol.del-of-nothing",
        says: "DEL of an attachment that never was is a success",
        source: "CNI spec 2, DEL; P-042, R-1",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            a.run("DEL").silent_success()
        },
        broken: r#"on ADD && mkdir "$0.$CNI_CONTAINERID"; on DEL && [ ! -d "$0.$CNI_CONTAINERID" ] && refuse 11; real"#,
    },
    Case {
        id: "protocol.del-without-namespace",
        says: "DEL succeeds with an empty CNI_NETNS, and without the variable",
        source: "CNI spec 2, DEL; containerd after a reboot; P-004, P-042",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            stage.run(&a.call("DEL").env("CNI_NETNS", "")).silent_success()?;
            stage.run(&a.call("DEL").without("CNI_NETNS")).silent_success()
        },
        broken: r#"on DEL && [ -z "${CNI_NETNS-}" ] && refuse 4; real"#,
    },
    Case {
        id: "protocol.del-of-a-lost-namespace",
        says: "DEL succeeds if the path in CNI_NETNS is gone",
        source: "CNI spec 2, DEL; P-042",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            stage.run(&a.call("DEL").env("CNI_NETNS", "/run/netns/gone")).silent_success()
        },
        broken: r#"on DEL && [ -n "${CNI_NETNS-}" ] && [ ! -e "$CNI_NETNS" ] && refuse 5; real"#,
    },
    Case {
        id: "protocol.del-without-prev-result",
        says: "DEL succeeds without prevResult",
        source: "CNI spec 2, DEL; R-3, P-035",
        of: Of::Kinds(KNOWN),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            stage.run(&a.call("DEL").stdin(&a.conf)).silent_success()
        },
        broken: "heard; on DEL && ! has prevResult && refuse 7; go",
    },
    Case {
        id: "protocol.del-of-a-lost-interface",
        says: "DEL succeeds if the interface is gone from the namespace",
        source: "CNI spec 2, DEL; P-042",
        of: Of::Except(ATTACHING, &["loopback"]),
        check: |stage| {
            let a = stage.attachment()?;
            a.add()?;
            a.inside("ip link del eth0");
            a.del()
        },
        broken: r#"on DEL && [ -e "${CNI_NETNS-}" ] && ! within ip link show "$CNI_IFNAME" >/dev/null 2>&1 && refuse 11; real"#,
    },
];

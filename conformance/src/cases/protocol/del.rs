//! CNI spec 2, DEL: what ADD made goes, whatever else is gone already.

use super::{ATTACHING, KNOWN};
use crate::case::{Case, Of};
use crate::cases::breakage::FAILING_DEL;
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
        broken: r#"real; [ "$CNI_COMMAND" != DEL ] || echo '{}'"#,
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
        broken: r#"if [ "$CNI_COMMAND" = DEL ]; then f=$(dirname "$0")/once; [ ! -f "$f" ] || exit 1; : >"$f"; fi; real"#,
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
        broken: FAILING_DEL,
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
        broken: r#"[ -n "${CNI_NETNS-}" ] || [ "$CNI_COMMAND" != DEL ] || exit 1; real"#,
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
        broken: r#"[ -e "${CNI_NETNS-}" ] || [ "$CNI_COMMAND" != DEL ] || exit 1; real"#,
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
        broken: r#"in=$(cat); case $in in *prevResult*) ;; *) [ "$CNI_COMMAND" != DEL ] || exit 1 ;; esac; printf %s "$in" | real"#,
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
        broken: r#"[ "$CNI_COMMAND" != DEL ] || ip netns exec "$(basename "$CNI_NETNS")" ip link show eth0 || exit 1; real"#,
    },
];

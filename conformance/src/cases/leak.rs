//! Nothing is left: the whole of the kernel's and the disk's state before and after. CNI spec 2, DEL: "A plugin MUST
//! delete all resources that it owns".

use serde_json::json;

use crate::attachment::Attachment;
use crate::case::{Case, Of};
use crate::cases::breakage::FORGETS;
use crate::life::{ended, leaves_nothing, same, settled};
use crate::specimen::Kind;
use crate::stage::Stage;
use crate::unmet::{Outcome, Unmet, require};

/// Those that make packet rules beside the link.
const MASQUERADING: Of = Of::Plugins(&["bridge", "ptp"]);

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "leak.del",
        says: "ADD and DEL leave nothing of the attachment on the node: links, addresses, routes, rules, queues, files",
        source: "CNI spec 2, DEL; P-042",
        of: Of::Kinds(&[Kind::Interface, Kind::Chained, Kind::Ipam]),
        check: |stage| leaves_nothing(stage, || added(stage.attachment()?), |a| a.del()),
        broken: FORGETS,
    },
    Case {
        id: "leak.del-without-prev-result",
        says: "nor does a DEL without prevResult",
        source: "CNI spec 2, DEL; R-3; P-035, B-22",
        of: Of::Kinds(&[Kind::Interface, Kind::Chained, Kind::Ipam]),
        check: |stage| {
            leaves_nothing(
                stage,
                || added(stage.attachment()?),
                |a| ended(&stage.run(&a.call("DEL").stdin(&a.conf))),
            )
        },
        broken: "heard; on DEL && ! has prevResult && leave; go",
    },
    Case {
        // host-device's device is still away: leak.lent-device-address asks for the rest.
        id: "leak.del-without-namespace",
        says: "nor does a DEL with an empty CNI_NETNS, whose namespace goes next",
        source: "CNI spec 2, DEL; containerd and nerdctl after a reboot; P-042, B-01",
        of: Of::Except(&[Kind::Interface, Kind::Chained, Kind::Ipam], &["host-device"]),
        check: |stage| {
            let make = || {
                let a = stage.attachment()?;
                added(if MASQUERADING.binds(stage.name, Kind::Interface) {
                    a.with(&json!({ "ipMasq": true }))
                } else {
                    a
                })
            };
            leaves_nothing(stage, make, |a| ended(&stage.run(&a.call("DEL").env("CNI_NETNS", ""))))
        },
        broken: r#"on DEL && [ -z "${CNI_NETNS-}" ] && leave; real"#,
    },
    Case {
        id: "leak.del-of-a-lost-namespace",
        says: "nor does a DEL after the namespace and its links are gone",
        source: "CNI spec 2, DEL; `ctr run --cni --rm`; P-042, B-02",
        of: MASQUERADING,
        check: |stage| {
            let make = || added(stage.attachment()?.with(&json!({ "ipMasq": true })));
            leaves_nothing(stage, make, |a| {
                let call = a.call("DEL");
                drop(a);
                ended(&stage.run(&call))
            })
        },
        broken: r#"on DEL && [ -n "${CNI_NETNS-}" ] && [ ! -e "$CNI_NETNS" ] && leave; real"#,
    },
    Case {
        id: "leak.del-of-a-lost-interface",
        says: "nor does a DEL after the interface is gone from its namespace",
        source: "CNI spec 2, DEL; P-042, B-03",
        of: MASQUERADING,
        check: |stage| {
            let make = || added(stage.attachment()?.with(&json!({ "ipMasq": true })));
            leaves_nothing(stage, make, |a| {
                a.inside("ip link del eth0");
                a.del()
            })
        },
        broken: r#"on DEL && [ -e "${CNI_NETNS-}" ] && ! within ip link show "$CNI_IFNAME" >/dev/null 2>&1 && leave; real"#,
    },
    Case {
        id: "leak.lent-device-address",
        says: "DEL with an empty CNI_NETNS gives back the address of a device that is still away",
        source: "CNI spec 2, DEL; cni#1167; P-042, B-13",
        of: Of::Plugins(&["host-device"]),
        check: |stage| {
            let a = added(stage.attachment()?)?;
            let held = || stage.host("ls /var/lib/cni/networks/judged | grep -c '^10[.]' || true");
            require!(held().trim() == "1", "the judge does not find the address");
            stage.run(&a.call("DEL").env("CNI_NETNS", "")).silent_success()?;
            require!(held().trim() == "0", "the address stays");
            Ok(())
        },
        broken: r#"on DEL && [ -z "${CNI_NETNS-}" ] && exit 0; real"#,
    },
    Case {
        id: "leak.failed-add",
        says: "an ADD that fails late leaves nothing, if the runtime sends its DEL or not",
        source: "CNI spec 2, ADD; P-041, B-06, B-34",
        of: Of::Plugins(&["bridge", "ptp", "macvlan", "tap"]),
        check: failed_add,
        broken: r#"real; code=$?; on ADD && [ "$code" != 0 ] && leave; exit "$code""#,
    },
];

/// The attachment after its ADD.
pub(crate) fn added(attachment: Attachment<'_>) -> Result<Attachment<'_>, Unmet> {
    attachment.add()?;
    Ok(attachment)
}

/// A route that the kernel can't take fails when everything else is done.
fn failed_add(stage: &Stage<'_>) -> Outcome {
    let first = added(stage.attachment()?.with(&json!({ "ipMasq": true })))?;
    first.del()?;
    drop(first);
    let before = settled(stage.node);
    let routes = json!([{ "dst": "198.51.100.0/24", "gw": "203.0.113.77" }]);
    let subnet = crate::specimen::SUBNETS[0];
    let ipam = json!({ "type": "host-local", "ranges": [[{ "subnet": subnet }]], "routes": routes });
    let a = stage.attachment()?.with(&json!({ "ipam": ipam, "ipMasq": true }));
    a.run("ADD").error()?;
    drop(a);
    same(stage, &before)
}

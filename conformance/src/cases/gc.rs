//! CNI spec 2, GC: clean up of what nobody asked to delete.

use serde_json::{Value, json};

use crate::case::{Case, Of};
use crate::cases::breakage::NO_GC;
use crate::cases::leak::added;
use crate::life::{BURIAL, settled};
use crate::specimen::Kind;
use crate::stage::Stage;
use crate::unmet::{Outcome, require};

/// Those that keep something outside the container's network.
const KEEPING: Of =
    Of::Plugins(&["bridge", "ptp", "portmap", "firewall", "bandwidth", "tuning", "host-local", "flannel"]);

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "gc.removes-the-stale",
        says: "GC removes everything of an attachment that is not in the list and whose container is gone",
        source: "CNI spec 2, GC; P-046, B-07",
        of: KEEPING,
        check: |stage| stale(stage, &json!([])),
        broken: NO_GC,
    },
    Case {
        id: "gc.null-is-an-empty-list",
        says: "a list that is null is an empty one: everything is stale",
        source: "CRI-O and libcni send it; P-047, B-36",
        of: KEEPING,
        check: |stage| stale(stage, &Value::Null),
        broken: r#"heard; on GC && has '"cni.dev/valid-attachments":null' && exit 0; go"#,
    },
    Case {
        id: "gc.others-of-the-list",
        says: "GC removes what is stale beside others that are valid, and keeps those",
        source: "CNI spec 2, GC; P-046, P-048",
        of: KEEPING,
        check: |stage| {
            stage.knows("1.1.0")?;
            let valid = added(stage.attachment()?)?;
            stale(stage, &json!([valid.valid()]))?;
            valid.check()
        },
        broken: r#"heard; on GC && has '"containerID"' && exit 0; go"#,
    },
    Case {
        id: "gc.another-network",
        says: "GC of one network leaves the attachments of another one alone",
        source: "CNI spec 2, GC: \"on the given network\"; P-046, B-36",
        of: Of::Kinds(&[Kind::Interface, Kind::Chained, Kind::Ipam]),
        check: |stage| {
            stage.knows("1.1.0")?;
            let a = added(stage.attachment()?)?;
            let mut conf = a.conf.clone();
            conf["name"] = json!("another");
            conf["cni.dev/valid-attachments"] = json!([]);
            stage.run(&a.call("GC").stdin(&conf)).silent_success()?;
            a.check()?;
            a.del()
        },
        broken: r#"heard; remember; on GC && has '"another"' && end_all '.name = "judged"'; go"#,
    },
];

/// A container dies without a DEL, and GC with this list must clear it away.
fn stale(stage: &Stage<'_>, list: &Value) -> Outcome {
    stage.knows("1.1.0")?;
    let first = added(stage.attachment()?)?;
    first.del()?;
    drop(first);
    let before = settled(stage.node);
    let a = added(stage.attachment()?)?;
    let mut conf = a.conf.clone();
    conf["cniVersion"] = json!("1.1.0");
    conf["cni.dev/valid-attachments"] = list.clone();
    let call = a.call("GC").stdin(&conf);
    drop(a);
    // The kernel buries a namespace when it has time, and a runtime calls again.
    let mut answer = stage.run(&call);
    let left = || before.diff(&sandbox::Snapshot::take(stage.node));
    let _ = sandbox::eventually(2 * BURIAL, || {
        answer = call.run();
        answer.code != 0 || left().is_empty()
    });
    answer.silent_success()?;
    require!(left().is_empty(), "the node is not as it was before:\n{}", left());
    Ok(())
}

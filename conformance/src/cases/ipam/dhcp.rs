//! dhcp, with its daemon and a server: <https://www.cni.dev/plugins/current/ipam/dhcp/>.

use std::time::Duration;

use serde_json::json;

use super::address;
use crate::attachment::Attachment;
use crate::case::{Case, Of};
use crate::cases::breakage::{NO_CHECK, NO_DEL, NO_GC};
use crate::cases::leak::added;
use crate::dhcp::{Dhcp, SERVER};
use crate::stage::Stage;
use crate::unmet::{Outcome, Unmet, require};

const DHCP: Of = Of::Plugins(&["dhcp"]);

/// How long a server may wait for a message that a plugin does not wait for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that wants its leases renewed every three seconds (options 58 and 59: RFC 2132, 9.11 and 9.12).
const SOON: [&str; 2] = ["--dhcp-option=58,3", "--dhcp-option=59,30"];

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "ipam.dhcp-lease",
        says: "the address that a server leases is handed out with its length, the gateway and a default route",
        source: "cni.dev, dhcp; part 3: \"configures and deconfigures a link with ADD/DEL\"",
        of: DHCP,
        check: |stage| {
            let a = stage.attachment()?;
            let result = a.add()?;
            let (address, given) = (address(&result)?, stage.dhcp().given());
            require!(
                given.len() == 1 && address == format!("{}/24", given[0]),
                "handed out: {address}; the server gave {given:?}"
            );
            require!(result["ips"][0]["gateway"] == SERVER, "the gateway: {result}");
            let route = &result["routes"][0];
            require!(
                route["dst"] == "0.0.0.0/0" && route["gw"] == SERVER,
                "the routes: {}",
                result["routes"]
            );
            a.check()?;
            a.del()
        },
        broken: r#"says 'if .ips then .ips[0].address |= sub("/24"; "/16") else . end'"#,
    },
    Case {
        id: "ipam.dhcp-release",
        says: "DEL gives the address back to the server",
        source: "cni.dev, dhcp: \"releases the lease\"; CNI spec 2, DEL; P-042",
        of: DHCP,
        check: |stage| {
            let a = added(stage.attachment()?)?;
            a.del()?;
            all_given_back(stage.dhcp())
        },
        broken: NO_DEL,
    },
    Case {
        id: "ipam.dhcp-renewal",
        says: "the daemon renews a lease when the server wants it renewed, and the address stays",
        source: "cni.dev, dhcp: \"renews the lease\"; RFC 2131, 4.4.5",
        of: DHCP,
        check: |stage| {
            let dhcp = stage.dhcp_with(&SOON);
            let a = stage.attachment()?;
            let result = a.add()?;
            let address = bare(&result)?;
            let renewed = sandbox::eventually(PATIENCE, || dhcp.confirmed(&address) > 1);
            require!(renewed, "the server has confirmed {address} {} times", dhcp.confirmed(&address));
            // The server rewrites its file in place.
            let alone = sandbox::eventually(PATIENCE, || dhcp.given() == [address.as_str()]);
            require!(alone, "the server gave {:?}", dhcp.given());
            a.check()?;
            a.del()
        },
        broken: r#"real; code=$?; [ "$CNI_COMMAND" != ADD ] || kill -STOP "$(cat /run/dhcp.pid)"; exit "$code""#,
    },
    Case {
        id: "ipam.dhcp-two-interfaces",
        says: "two interfaces of a container have a lease each, and the end of one leaves the other's",
        source: "Multus: one container ID, several interfaces; part 3: \"configures multiple links with multiple ADD\"; P-013",
        of: DHCP,
        check: two_interfaces,
        broken: "CNI_IFNAME=eth0; export CNI_IFNAME; real",
    },
    Case {
        id: "ipam.dhcp-gc",
        says: "GC gives back what belongs to no valid attachment, and keeps what does",
        source: "CNI spec 2, GC; P-046",
        of: DHCP,
        check: |stage| {
            stage.knows("1.1.0")?;
            let (a, b) = (added(stage.attachment()?)?, stage.attachment()?);
            let kept = bare(&b.add()?)?;
            a.gc(&json!([b.valid()])).silent_success()?;
            let dhcp = stage.dhcp();
            let alone = sandbox::eventually(PATIENCE, || dhcp.given() == [kept.as_str()]);
            require!(alone, "the server still gives {:?}, not only {kept}", dhcp.given());
            b.check()?;
            b.del()
        },
        broken: NO_GC,
    },
    Case {
        id: "ipam.dhcp-check",
        says: "CHECK fails where there is no lease",
        source: "CNI spec 2, CHECK; P-044",
        of: DHCP,
        check: |stage| {
            let a = added(stage.attachment()?)?;
            let check = a.call("CHECK");
            a.del()?;
            stage.run(&check).error()?;
            Ok(())
        },
        broken: NO_CHECK,
    },
    Case {
        id: "ipam.dhcp-without-daemon",
        says: "without its daemon ADD fails with an error that says so, DEL succeeds, and a daemon that comes back serves again",
        source: "CNI spec 2, ADD, DEL; P-041, P-042, P-043, B-25",
        of: DHCP,
        check: |stage| {
            let (a, b) = (added(stage.attachment()?)?, stage.attachment()?);
            stage.dhcp().end_daemon();
            let error = b.run("ADD").error()?;
            require!(
                crate::call::words(&error).to_lowercase().contains("daemon"),
                "the error does not say so: {error}"
            );
            a.del()?;
            b.del()?;
            stage.dhcp().start_daemon();
            b.add()?;
            b.check()?;
            b.del()?;
            all_given_back(stage.dhcp())
        },
        broken: "on DEL && [ ! -S /run/cni/dhcp.sock ] && refuse 11; real",
    },
];

/// The first address of a result, without its length.
fn bare(result: &serde_json::Value) -> Result<String, Unmet> {
    let address = address(result)?;
    Ok(address.split('/').next().unwrap_or_default().to_owned())
}

/// Nothing of the server's is given any more. The plugin does not wait for it.
fn all_given_back(dhcp: &Dhcp) -> Outcome {
    let all = sandbox::eventually(PATIENCE, || dhcp.given().is_empty());
    require!(all, "the server still gives {:?}", dhcp.given());
    Ok(())
}

fn two_interfaces(stage: &Stage<'_>) -> Outcome {
    let mut a: Attachment<'_> = stage.attachment()?;
    let first = bare(&a.add()?)?;
    let (check, del) = (a.call("CHECK"), a.call("DEL"));
    "net1".clone_into(&mut a.ifname);
    stage.dhcp().connect(&a);
    let second = bare(&a.add()?)?;
    require!(first != second, "both have {first}");
    a.del()?;
    let one = sandbox::eventually(PATIENCE, || stage.dhcp().given() == [first.as_str()]);
    require!(one, "after the DEL of net1 the server gives {:?}, not only {first}", stage.dhcp().given());
    stage.run(&check).silent_success()?;
    stage.run(&del).silent_success()?;
    all_given_back(stage.dhcp())
}

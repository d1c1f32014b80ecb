//! `vrf`: membership in a VRF.

use crate::case::{Case, Of};
use crate::cases::leak::added;
use crate::unmet::require;

pub(crate) const CASES: &[Case] = &[Case {
    id: "chained.vrf",
    says: "the interface is in the VRF after ADD, and the VRF is gone with the last",
    source: "cni.dev, vrf; part 3: \"configures a VRF and adds the interface to it\"; B-16",
    of: Of::Plugins(&["vrf"]),
    check: |stage| {
        let a = added(stage.attachment()?)?;
        require!(a.link()["master"] == "red", "no master: {}", a.link());
        a.inside("ip link del eth0");
        a.del()?;
        let left = a.inside("ip -o link show type vrf");
        require!(left.is_empty(), "the VRF stays: {left}");
        Ok(())
    },
    broken: r#"real; code=$?; on DEL && within ip link add red type vrf table 99; exit "$code""#,
}];

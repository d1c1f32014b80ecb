//! `sbr`: routing by the source address.

use crate::attachment::Attachment;
use crate::case::{Case, Of};
use crate::cases::leak::added;
use crate::unmet::require;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "chained.sbr",
        says: "packets from the interface's address take a table of their own, and DEL takes the rules away",
        source: "cni.dev, sbr; part 3: \"Works with multiple IPs\"",
        of: Of::Plugins(&["sbr"]),
        check: |stage| {
            let a = stage.attachment()?;
            let rules = |a: &Attachment<'_>| a.inside("ip rule; ip -6 rule");
            let before = rules(&a);
            a.add()?;
            let there = rules(&a);
            let (v4, v6) = a.own_addresses();
            require!(there.contains(&format!("from {v4} ")), "no rule: {there}");
            require!(there.contains(&format!("from {v6} ")), "no rule of IPv6: {there}");
            a.check()?;
            a.del()?;
            let after = rules(&a);
            require!(after == before, "before: {before}\nafter DEL: {after}");
            Ok(())
        },
        broken: r#"real; code=$?; on DEL && within ip -6 rule add from fd78::2 table 100; exit "$code""#,
    },
    Case {
        id: "chained.sbr-check",
        says: "CHECK fails if a rule is gone",
        source: "CNI spec 2, CHECK; P-044, B-15",
        of: Of::Plugins(&["sbr"]),
        check: |stage| {
            let a = added(stage.attachment()?)?;
            a.inside(&format!("ip rule del from {}", a.own_addresses().0));
            a.run("CHECK").error()?;
            a.del()
        },
        broken: "on CHECK && ! within ip rule | grep -q 'from 10.78.' && exit 0; real",
    },
    Case {
        id: "chained.sbr-lost-namespace",
        says: "DEL of a lost namespace makes no file of its name",
        source: "CNI spec 2, DEL; P-042, B-14",
        of: Of::Plugins(&["sbr"]),
        check: |stage| {
            let a = added(stage.attachment()?)?;
            stage.run(&a.call("DEL").env("CNI_NETNS", "/run/netns/lost")).silent_success()?;
            let there = std::path::Path::new("/run/netns/lost").exists();
            require!(!there, "DEL made /run/netns/lost");
            Ok(())
        },
        broken: r#"on DEL && [ ! -e "${CNI_NETNS-}" ] && : >"$CNI_NETNS"; real"#,
    },
];

//! A kernel that lacks something, as far as a process can tell: `seccomp(2)`.

use std::collections::BTreeMap;
use std::thread;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

/// What a kernel that was built without a protocol says.
const EPROTONOSUPPORT: u32 = 93;

/// Does `work` on a thread to which, and to every command that it starts, the kernel gives no netfilter socket, as one
/// without `nf_tables` and connection tracking does.
///
/// # Panics
/// Where the kernel takes no filter, or `work` panics.
pub fn without_netfilter<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let filter = filter();
    let filtered = || {
        if let Err(error) = seccompiler::apply_filter(&filter) {
            panic!("no seccomp filter: {error}");
        }
        work()
    };
    match thread::scope(|scope| scope.spawn(filtered).join()) {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// `socket(AF_NETLINK, …, NETLINK_NETFILTER)` fails, and everything else is allowed.
fn filter() -> BpfProgram {
    let is = |argument: u8, value: i32| {
        let value = u64::try_from(value).expect("a constant of the kernel's");
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
    };
    let netfilter = is(0, nix::libc::AF_NETLINK)
        .and_then(|domain| Ok(vec![domain, is(2, nix::libc::NETLINK_NETFILTER)?]))
        .and_then(SeccompRule::new);
    let rules = netfilter.map(|rule| BTreeMap::from([(nix::libc::SYS_socket, vec![rule])]));
    let architecture = std::env::consts::ARCH.try_into().expect("a filter knows this machine");
    let filter = rules.and_then(|rules| {
        SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(EPROTONOSUPPORT), architecture)
    });
    filter.and_then(TryInto::try_into).expect("three comparisons are a filter")
}

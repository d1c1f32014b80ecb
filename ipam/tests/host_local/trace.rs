//! The system calls of one call of the plugin, by strace.

use std::fs;

use crate::network::Network;

/// The allocator's and the exit's; what the standard library checks in a debug build before it closes a file; and the
/// clock, which is a system call only where the processor has none to offer.
const NOT_OURS: [&str; 7] = ["brk", "mmap", "munmap", "sigaltstack", "fcntl", "clock_gettime", "exit_group"];

/// One system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SystemCall {
    pub(crate) name: String,
    /// How often the process made this system call until then, this time included.
    pub(crate) occurrence: usize,
}

/// The plugin's own system calls, from its first look at the boot or the network to the result.
pub(crate) fn own_calls(network: &Network, command: &str, container: &str) -> Vec<SystemCall> {
    let traced = network.call(command, container).through(&["strace", "-qq", "-o", "/run/trace"]);
    traced.run().succeeded();
    let trace = fs::read_to_string("/run/trace").expect("strace writes what it saw");
    let mut calls: Vec<(SystemCall, &str)> = Vec::new();
    for line in trace.lines() {
        let name = line.split('(').next().unwrap_or_default().to_owned();
        let occurrence = calls.iter().filter(|(call, _)| call.name == name).count() + 1;
        calls.push((SystemCall { name, occurrence }, line));
    }
    let begins = |(_, line): &(_, &str)| line.contains("/random/boot_id") || line.contains("/networks");
    let own: Vec<_> = calls
        .into_iter()
        .skip_while(|call| !begins(call))
        .take_while(|(_, line)| !line.starts_with("write(1,"))
        .map(|(call, _)| call)
        .filter(|call| !NOT_OURS.contains(&call.name.as_str()))
        .collect();
    assert!(!own.is_empty(), "{trace}");
    own
}

//! The names of kernel settings, as a configuration writes them.

use netstate::LinkName;

/// What stands for the container's interface in a name.
const INTERFACE: &str = "IFNAME";

/// A name is none of a network setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sysctl: invalid net sysctl key: {0:?}")]
pub(super) struct NameError(String);

/// The path below `/proc/sys`. Every `.` of the name stands for a `/`; the first `IFNAME` for the container's interface,
/// whose name may hold dots. Only settings below `net` belong to a network namespace.
///
/// # Errors
/// Where the name is none of those.
pub(super) fn path(name: &str, interface: &LinkName) -> Result<String, NameError> {
    let path = name.replace('.', "/").replacen(INTERFACE, interface.as_str(), 1);
    // The reference cleans such paths; of `..` its dots have become slashes, too.
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["net", _, ..] if parts.iter().all(|part| !matches!(*part, "." | "..")) => Ok(parts.join("/")),
        _ => Err(NameError(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_with_dots_or_slashes_and_name_the_interface() {
        for (name, path_of) in [
            ("net.ipv4.conf.all.log_martians", "net/ipv4/conf/all/log_martians"),
            ("net/core/somaxconn", "net/core/somaxconn"),
            ("/net//core/somaxconn", "net/core/somaxconn"),
            ("net.ipv4.conf.IFNAME.arp_filter", "net/ipv4/conf/eth0.100/arp_filter"),
            ("net/ipv6/conf/IFNAME/disable_ipv6", "net/ipv6/conf/eth0.100/disable_ipv6"),
        ] {
            assert_eq!(path(name, &"eth0.100".parse().unwrap()).as_deref(), Ok(path_of));
        }
    }

    #[test]
    fn what_is_not_the_containers_is_refused() {
        for name in ["", "net", "net.", "kernel.panic", "network.x", "../kernel/panic", "vm/swappiness"] {
            let error = path(name, &"eth0".parse().unwrap()).unwrap_err();
            assert_eq!(error.to_string(), format!("sysctl: invalid net sysctl key: {name:?}"));
        }
    }
}

//! dhcp beside a real server, dnsmasq: leases taken, kept, lost and given back, whoever is killed meanwhile.

mod daemon;
mod ipv6;
mod keeping;
mod leasing;
mod losing;
mod stage;

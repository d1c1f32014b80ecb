//! What IPAM plugins hand out.

pub(super) mod dhcp;
pub(super) mod fixed;
pub(super) mod host_local;
pub(super) mod order;

use serde_json::Value;

use crate::unmet::Unmet;

/// The first address of a result, with its length.
fn address(result: &Value) -> Result<String, Unmet> {
    match result["ips"][0]["address"].as_str() {
        Some(address) => Ok(address.to_owned()),
        None => Err(Unmet::Fails(format!("no address in {result}"))),
    }
}

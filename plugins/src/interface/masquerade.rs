//! `ipMasq`: who hears of the container from beyond its network hears the host's address.

use netstate::{Masquerade, Object, Plan};

use crate::interface::flow::Wanted;

/// A rule for each address of the container.
pub(crate) fn masquerade(wanted: &Wanted, plan: &mut Plan) {
    for ip in wanted.addresses() {
        plan.host(Object::Masquerade(Masquerade {
            source: ip.address.ip(),
            subnet: ip.address,
            owner: wanted.owner.clone(),
        }));
    }
}

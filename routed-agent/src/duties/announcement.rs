//! What this node says of itself, in flannel's annotations.

use std::collections::BTreeMap;

use netstate::Family;

use super::{Decisions, Site, of};
use crate::cluster::keys;
use crate::net_conf::Backend;
use crate::node::Annotations;

/// The annotations of the own Node, without the prefix.
pub(crate) fn annotations(decisions: &Decisions, site: &Site) -> Annotations {
    let mut all = BTreeMap::from([
        ("kube-subnet-manager", "true".to_owned()),
        ("backend-type", decisions.backend.name().to_owned()),
    ]);
    for family in decisions.networks.iter().map(|network| Family::of(network.ip())) {
        let keys = keys(family);
        let mac = site.macs.iter().find(|(of, _)| *of == family).map(|(_, mac)| mac);
        all.insert(
            keys.data,
            match (&decisions.backend, mac) {
                (Backend::Vxlan(conf), Some(mac)) => format!(r#"{{"VNI":{},"VtepMAC":"{mac}"}}"#, conf.vni),
                _ => "null".to_owned(),
            },
        );
        let public = of(&site.advertised, family).or_else(|| site.address(family));
        all.extend(public.map(|address| (keys.public, address.to_string())));
    }
    all.into_iter().collect()
}

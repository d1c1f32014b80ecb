//! What a Node claims for itself in one family, and who is right where two claim the same.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::rc::Rc;

use ipnetwork::IpNetwork;
use netstate::{Family, Mac};
use serde::Deserialize;

use super::{Member, Reach, Reason, Terms, Unannotated};
use crate::node::Node;

/// The annotations of a family, without the prefix.
pub(crate) struct Keys {
    /// Where the node is reached.
    pub(crate) public: &'static str,
    /// What to advertise in its place.
    pub(crate) overwrite: &'static str,
    /// How it is reached.
    pub(crate) data: &'static str,
}

/// flannel's names.
pub(crate) const fn keys(family: Family) -> Keys {
    match family {
        Family::V4 => Keys { public: "public-ip", overwrite: "public-ip-overwrite", data: "backend-data" },
        Family::V6 => {
            Keys { public: "public-ipv6", overwrite: "public-ipv6-overwrite", data: "backend-v6-data" }
        }
    }
}

/// A Node, in one family.
pub(super) struct Claim<'a> {
    /// Its name.
    pub(super) node: Rc<str>,
    /// Its pods.
    pub(super) subnet: IpNetwork,
    of: &'a Node,
}

/// Somebody with an older claim to the same addresses.
pub(super) struct Rival {
    subnet: IpNetwork,
    node: Rc<str>,
}

impl<'a> Claim<'a> {
    /// # Errors
    /// Where the Node has no single subnet of the network's family, inside the network.
    pub(super) fn of(node: &'a Node, name: Rc<str>, network: IpNetwork) -> Result<Self, Reason> {
        let mut subnet: Option<IpNetwork> = None;
        for text in &node.pod_cidrs {
            let found: IpNetwork = text.parse().map_err(|_| Reason::Subnet(text.clone()))?;
            if found.is_ipv4() != network.is_ipv4() {
                continue;
            }
            if let Some(first) = subnet {
                return Err(Reason::TwoSubnets(first, found));
            }
            // With a prefix length of its own, and no host bits.
            let whole = text.contains('/') && found.ip() == found.network();
            subnet = Some(whole.then_some(found).ok_or_else(|| Reason::Subnet(text.clone()))?);
        }
        let subnet = subnet.ok_or(Reason::NoSubnet)?;
        if holds(network, subnet) {
            Ok(Self { node: name, subnet, of: node })
        } else {
            Err(Reason::Outside { subnet, network })
        }
    }

    /// The member that the claim is good for; none for this node itself.
    ///
    /// # Errors
    /// Why it is good for none.
    pub(super) fn judge(&self, rival: Option<Rival>, terms: &Terms) -> Result<Option<Member>, Reason> {
        let family = Family::of(self.subnet.ip());
        if let Some(Rival { subnet, node }) = rival {
            return Err(Reason::Taken { subnet: self.subnet, theirs: subnet, holder: node });
        }
        if self.of.name == terms.own {
            return Ok(None);
        }
        let (address, reach) = (self.address(family)?, self.reach(family, terms)?);
        Ok(Some(Member { node: Rc::clone(&self.node), subnet: self.subnet, address, reach }))
    }

    /// The annotation, else the first `InternalIP` of the family.
    fn address(&self, family: Family) -> Result<IpAddr, Reason> {
        let key = keys(family).public;
        if let Some(value) = self.of.annotations.get(key).filter(|value| !value.is_empty()) {
            let invalid = || Reason::Address { key, value: value.to_owned() };
            return value
                .parse()
                .ok()
                .filter(|address| Family::of(*address) == family && is_unicast(*address))
                .ok_or_else(invalid);
        }
        let internal = self.of.internal_addresses.iter().filter_map(|text| text.parse().ok());
        internal
            .into_iter()
            .find(|address| Family::of(*address) == family && is_unicast(*address))
            .ok_or(Reason::NoAddress(key))
    }

    /// # Errors
    /// Where an older Node has the member's MAC: packets for both would go to one of them.
    pub(super) fn check_mac(&self, member: &Member, holders: &Holders<'_>) -> Result<(), Reason> {
        let Reach::Tunnel(mac) = member.reach else { return Ok(()) };
        match holders.get(&(Family::of(member.address), mac)) {
            Some(holder) if holder.of.name != self.of.name => {
                Err(Reason::MacTaken { mac, holder: Rc::clone(&holder.node) })
            }
            _ => Ok(()),
        }
    }

    fn reach(&self, family: Family, terms: &Terms) -> Result<Reach, Reason> {
        let Some(ours) = terms.vni else {
            // Without a tunnel here, a node that has one is reached directly all the same.
            return match self.kind() {
                None | Some("host-gw" | "vxlan") => Ok(Reach::Direct),
                Some(other) => Err(Reason::Backend(other.to_owned())),
            };
        };
        match (self.kind(), terms.unannotated) {
            (Some("host-gw"), _) => Ok(Reach::Direct),
            (None, Unannotated::Derives) => Ok(Reach::Tunnel(Mac::of_subnet(self.subnet))),
            (None, Unannotated::Waits) => Err(Reason::Silent("backend-type")),
            (Some("vxlan"), _) => self.vtep(keys(family).data, ours).map(Reach::Tunnel),
            (Some(other), _) => Err(Reason::Backend(other.to_owned())),
        }
    }

    fn kind(&self) -> Option<&str> {
        self.of.annotations.get("backend-type").filter(|kind| !kind.is_empty())
    }

    fn vtep(&self, key: &'static str, ours: u32) -> Result<Mac, Reason> {
        let text = self.of.annotations.get(key).ok_or(Reason::Silent(key))?;
        let (theirs, mac) =
            read_vtep(text).ok_or_else(|| Reason::BackendData { key, value: text.to_owned() })?;
        if theirs == ours { Ok(mac) } else { Err(Reason::Vni { theirs, ours }) }
    }

    /// The order of right: the older Node, then the smaller UID, then the name (a nodes file has neither).
    fn seniority(&self) -> (bool, &str, &str, &str) {
        (self.of.created.is_empty(), &self.of.created, &self.of.uid, &self.of.name)
    }
}

/// What flannel writes of a VXLAN device.
#[derive(Deserialize)]
struct Vtep<'a> {
    #[serde(rename = "VNI")]
    vni: u32,
    #[serde(rename = "VtepMAC", borrow)]
    mac: Cow<'a, str>,
}

/// `{"VNI":1,"VtepMAC":"…"}`.
pub(crate) fn read_vtep(text: &str) -> Option<(u32, Mac)> {
    let Vtep { vni, mac } = serde_json::from_str(text).ok()?;
    let mac: Mac = mac.parse().ok()?;
    let is_one_device = mac.0[0] & 1 == 0 && mac.0 != [0; 6];
    is_one_device.then_some((vni, mac))
}

/// Can it be one node's?
fn is_unicast(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(address.is_unspecified() || address.is_multicast() || address.is_loopback() || broadcast)
}

/// Who has a MAC in a family: of several the oldest.
pub(super) type Holders<'a> = HashMap<(Family, Mac), &'a Claim<'a>>;

/// Of members and their claims.
pub(super) fn holders<'a>(members: impl Iterator<Item = (&'a Member, &'a Claim<'a>)>) -> Holders<'a> {
    let mut holders = Holders::new();
    for (member, claim) in members {
        let Reach::Tunnel(mac) = member.reach else { continue };
        let holder = holders.entry((Family::of(member.address), mac)).or_insert(claim);
        if claim.seniority() < holder.seniority() {
            *holder = claim;
        }
    }
    holders
}

/// Every address that a node's packets may come from.
pub(super) fn addresses(node: &Node) -> impl Iterator<Item = IpAddr> {
    let annotated = Family::ALL.into_iter().flat_map(|family| {
        let Keys { public, overwrite, .. } = keys(family);
        [public, overwrite].into_iter().filter_map(|key| node.annotations.get(key))
    });
    let listed = node.internal_addresses.iter().chain(&node.external_addresses).map(String::as_str);
    annotated.chain(listed).filter_map(|text| text.parse().ok())
}

/// Claims sorted by subnet, each with the older one that overlaps it. Who yields to nobody stands, and the younger
/// yield to it.
pub(super) fn rivals(mut claims: Vec<Claim<'_>>) -> Vec<(Claim<'_>, Option<Rival>)> {
    claims.sort_by_key(|claim| order(claim.subnet));
    // Nearly always. Of networks that overlap, two are neighbours in this order.
    if claims.is_sorted_by(|one, next| !holds(one.subnet, next.subnet)) {
        return claims.into_iter().map(|claim| (claim, None)).collect();
    }
    claims.sort_by(|a, b| a.seniority().cmp(&b.seniority()));
    let mut standing = Standing::new();
    let mut judged: Vec<_> = claims
        .into_iter()
        .map(|claim| {
            let rival = overlapping(&standing, claim.subnet);
            if rival.is_none() {
                standing.insert(order(claim.subnet), Rc::clone(&claim.node));
            }
            (claim, rival)
        })
        .collect();
    judged.sort_by_key(|(claim, _)| order(claim.subnet));
    judged
}

/// Subnets of which no two overlap, and whose they are.
type Standing = BTreeMap<(IpAddr, u8), Rc<str>>;

/// Since they do not overlap each other, only the one before and the one from there on can overlap a new one.
fn overlapping(standing: &Standing, subnet: IpNetwork) -> Option<Rival> {
    let (before, after) =
        (standing.range(..order(subnet)).next_back(), standing.range(order(subnet)..).next());
    before.into_iter().chain(after).find_map(|((address, prefix), node)| {
        let other = IpNetwork::new(*address, *prefix).ok()?;
        let overlap = holds(other, subnet) || holds(subnet, other);
        overlap.then(|| Rival { subnet: other, node: Rc::clone(node) })
    })
}

fn order(subnet: IpNetwork) -> (IpAddr, u8) {
    (subnet.network(), subnet.prefix())
}

/// Is `inner` a part of `outer`, or the same?
pub(crate) fn holds(outer: IpNetwork, inner: IpNetwork) -> bool {
    outer.prefix() <= inner.prefix() && outer.contains(inner.network())
}

//! ADD: from a plan to the kernel.

mod container_link;
mod vlan_gateway;

use std::collections::HashMap;
use std::io;

use netlink_packet_route::RouteNetlinkMessage as Message;
use netstate::{
    Address, Adjustment, Bridge, Conflict, Device, Family, LinkName, MacGuard, Masquerade, Object, Place,
    Plan, PortVlans, Step, Veth,
};

use crate::adjustment::{Site, in_order};
use crate::announce::announce;
use crate::error::{Context, Error};
use crate::link::{self, Seen, Socket};
use crate::machine::Host;
use crate::namespace::Namespace;
use crate::netlink::{Answer, Request};
use crate::{address, alias};
use crate::{forwarding, inside, route, sysctl};

/// What an [`Host::apply`] really made, whether it came to its end or not: what an undo takes away.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The host end of the attachment's pair.
    pub veth: Option<LinkName>,
    /// The link that was made in the container.
    pub inside: Option<LinkName>,
    /// The device that was moved into the container.
    pub device: Option<Device>,
    /// Either, as the kernel shows it.
    pub link: Option<Seen>,
    /// The bridge, as the kernel shows it.
    pub bridge: Option<Seen>,
    /// The host end's MTU, in bytes.
    pub mtu: Option<u32>,
    /// The VLAN's gateway interface, where the plan has one.
    pub gateway: Option<Seen>,
}

impl Host {
    /// Makes what the plan wants, in its order. `container` is where [`Place::Container`] is.
    ///
    /// `applied` says what was made so far, also where this fails: undo is its caller's ([`Host::undo`]).
    ///
    /// # Errors
    /// The first step that failed, and why.
    pub fn apply(
        &mut self,
        plan: &Plan,
        container: Option<&Namespace>,
        applied: &mut Applied,
    ) -> Result<(), Error> {
        let mut work =
            Work { host: self, container, indexes: HashMap::new(), inner: HashMap::new(), applied };
        let steps = plan.steps();
        let mut rules_made = false;
        // Adjustments see to their place themselves.
        let inside =
            |step: &&Step| step.place == Place::Container && !matches!(step.object, Object::Adjustment(_));
        let mut adjustments = plan.adjustments();
        for step in steps.iter().filter(|step| !inside(step)) {
            match &step.object {
                Object::Bridge(bridge) => work.bridge(bridge)?,
                Object::Veth(veth) => work.veth(veth)?,
                Object::VlanGateway(gateway) => work.vlan_gateway(gateway)?,
                Object::Up(name) => work.up(name)?,
                Object::Address(address) => work.address(address)?,
                Object::Route(route) => work.route(route)?,
                Object::Sysctl(setting) => sysctl::ensure(setting)?,
                Object::Forwarding(family) => forwarding::ensure(&mut work.host.route, *family)?,
                // The container's, always.
                Object::Announcement(_) | Object::ContainerLink(_) | Object::Device(_) => {}
                // Every rule of the plan goes in one transaction, at the first one's turn.
                Object::Masquerade(_) | Object::MacGuard(_) if rules_made => {}
                Object::Masquerade(_) | Object::MacGuard(_) => {
                    let (masquerades, guards) = rules(plan);
                    work.host.nftables.add(&masquerades, &guards)?;
                    rules_made = true;
                }
                // All in their order, where the first one stands in the plan.
                Object::Adjustment(_) => work.adjust(&std::mem::take(&mut adjustments))?,
            }
        }
        let steps: Vec<&Step> = steps.iter().filter(inside).collect();
        if steps.is_empty() {
            return Ok(());
        }
        for step in &steps {
            match &step.object {
                Object::ContainerLink(link) => work.container_link(link)?,
                Object::Device(device) => work.device(device)?,
                _ => {}
            }
        }
        let container = work.container()?;
        inside::apply(container, &steps, &work.inner)?;
        for step in steps {
            if let Object::Announcement(wanted) = &step.object {
                announce(&mut work.host.route, &mut *container.route()?, wanted)?;
            }
        }
        Ok(())
    }
}

/// The packet rules of a plan.
pub(crate) fn rules(plan: &Plan) -> (Vec<Masquerade>, Vec<MacGuard>) {
    let (mut masquerades, mut guards) = (Vec::new(), Vec::new());
    for step in plan.steps() {
        match &step.object {
            Object::Masquerade(masquerade) => masquerades.push(masquerade.clone()),
            Object::MacGuard(guard) => guards.push(guard.clone()),
            _ => {}
        }
    }
    (masquerades, guards)
}

/// A bridge that is to separate VLANs is refused by a kernel that can't.
fn needs_filtering<T>(bridge: &Bridge, answer: Answer<T>) -> Result<Answer<T>, Error> {
    match answer {
        Err(source) if bridge.vlan_filtering && source.is(libc::EOPNOTSUPP) => Err(Error::Lacks {
            feature: "VLAN filtering (CONFIG_BRIDGE_VLAN_FILTERING)",
            object: bridge.to_string(),
            source,
        }),
        answer => Ok(answer),
    }
}

/// A plan on its way.
struct Work<'a> {
    host: &'a mut Host,
    container: Option<&'a Namespace>,
    /// Links on the host that were looked up or made.
    indexes: HashMap<LinkName, u32>,
    /// Links in the container that were made.
    inner: HashMap<LinkName, u32>,
    applied: &'a mut Applied,
}

impl<'a> Work<'a> {
    fn socket(&mut self) -> &mut Socket {
        &mut self.host.route
    }

    fn bridge(&mut self, bridge: &Bridge) -> Result<(), Error> {
        let seen = match self.find(&bridge.name)? {
            Some(seen) => seen,
            None => self.create_bridge(bridge)?,
        };
        if !seen.is_kind("bridge") {
            return Err(Error::NotABridge(bridge.name.clone()));
        }
        if let Some(request) = link::complete_bridge(bridge, &seen) {
            needs_filtering(bridge, self.socket().request(request))?.context("set up", bridge)?;
        }
        self.indexes.insert(bridge.name.clone(), seen.index);
        self.applied.bridge = Some(seen);
        Ok(())
    }

    /// Another ADD may be first: then the bridge is there all the same.
    fn create_bridge(&mut self, bridge: &Bridge) -> Result<Seen, Error> {
        match self.socket().request(link::create_bridge(bridge)) {
            Err(refusal) if refusal.is(libc::EEXIST) => {}
            answer => {
                let answer = needs_filtering(bridge, answer)?;
                if let Some(seen) = link::links(answer.context("create", bridge)?).next() {
                    return Ok(seen);
                }
            }
        }
        self.find(&bridge.name)?.ok_or_else(|| Error::NoLink(bridge.name.clone()))
    }

    /// One request makes both ends; a second, in the same send, says what the port is and whose; a third asks what
    /// became of the bridge: its MTU, and its MAC where nobody has pinned that, follow its ports.
    fn veth(&mut self, veth: &Veth) -> Result<(), Error> {
        let container = self.container()?.fd();
        let port = veth.port.as_ref();
        let bridge = port.map(|port| self.index(&port.bridge)).transpose()?;
        let mut requests = vec![
            link::create_veth(veth, bridge, container),
            link::set_port(&veth.name, port, &alias::text(&veth.owner)),
        ];
        requests.extend(port.map(|port| link::get(&port.bridge)));
        let mut answers = self.exchange(requests).context("create", veth)?.into_iter();
        let created = match answers.next() {
            Some(Err(refusal)) if refusal.is(libc::EEXIST) => return Err(self.taken(veth)),
            answer => answer.unwrap_or(Ok(Vec::new())).context("create", veth)?,
        };
        self.applied.veth = Some(veth.name.clone());
        answers.next().unwrap_or(Ok(Vec::new())).context("set up the port of", veth)?;
        if let Some(port) = port {
            let bridge = link::found(answers.next().unwrap_or(Ok(Vec::new())));
            self.applied.bridge = bridge.context("find", &port.bridge)?;
        }
        // A kernel before 6.2 does not echo what it made.
        let seen = match link::links(created).next() {
            Some(seen) => seen,
            None => self.find(&veth.name)?.ok_or_else(|| Error::NoLink(veth.name.clone()))?,
        };
        self.applied.mtu = Some(seen.mtu);
        if let Some(peer) = seen.peer {
            self.inner.insert(veth.peer.name.clone(), peer);
        }
        match port.and_then(|port| port.vlans.as_ref()) {
            Some(vlans) => self.vlans(seen.index, vlans, veth),
            None => Ok(()),
        }
    }

    fn taken(&mut self, veth: &Veth) -> Error {
        match self.find(&veth.name) {
            Ok(Some(_)) => Error::LinkExists { place: "the host", name: veth.name.clone() },
            _ => Error::LinkExists { place: "the container", name: veth.peer.name.clone() },
        }
    }

    fn vlans(&mut self, port: u32, vlans: &PortVlans, object: &dyn ToString) -> Result<(), Error> {
        for answer in self.exchange(link::set_vlans(port, vlans)).context("set the VLANs of", object)? {
            answer.context("set the VLANs of", object)?;
        }
        Ok(())
    }

    fn up(&mut self, name: &LinkName) -> Result<(), Error> {
        let index = self.index(name)?;
        self.socket().request(link::set_up(index)).context("set up", name).map(drop)
    }

    fn address(&mut self, wanted: &Address) -> Result<(), Error> {
        let index = self.index(&wanted.link)?;
        let family = Family::of(wanted.network.ip());
        let seen = address::of_link(self.socket(), index, Some(family))
            .context("read the addresses of", &wanted.link)?;
        if seen.iter().any(|seen| seen.network == wanted.network) {
            return Ok(());
        }
        for conflict in address::in_the_way(&seen, wanted) {
            if wanted.conflict == Conflict::Refuse {
                let (link, found) = (wanted.link.clone(), conflict.network);
                return Err(Error::AddressConflict { link, wanted: wanted.network, found });
            }
            let delete = address::delete(index, conflict.network);
            self.socket().request(delete).context("remove the address of", &wanted.link)?;
        }
        let add = address::add_wanted(index, wanted);
        match self.socket().request(add) {
            // Another ADD was first (upstream issue 366).
            Err(refusal) if refusal.is(libc::EEXIST) => Ok(()),
            answer => answer.context("add", wanted).and_then(|_| self.pin(index)),
        }
    }

    /// Gives a bridge that gets an address the MAC that it has: else it would change with the next port, and the
    /// neighbours of the gateway would be wrong.
    fn pin(&mut self, index: u32) -> Result<(), Error> {
        match self.applied.bridge.as_ref().filter(|bridge| bridge.index == index) {
            Some(Seen { name, mac: Some(mac), .. }) => {
                let (request, name) = (link::set_mac(index, *mac), name.clone());
                self.socket().request(request).context("set the address of", &name).map(drop)
            }
            _ => Ok(()),
        }
    }

    fn route(&mut self, wanted: &netstate::Route) -> Result<(), Error> {
        let index = self.index(&wanted.link)?;
        self.socket().request(route::add(wanted, index)).context("add", wanted).map(drop)
    }

    fn adjust(&mut self, adjustments: &[Adjustment]) -> Result<(), Error> {
        let mut site = Site { host: self.host, container: self.container };
        in_order(adjustments).into_iter().try_for_each(|(kind, wanted)| kind.apply(&mut site, &wanted))
    }

    fn container(&self) -> Result<&'a Namespace, Error> {
        self.container.ok_or(Error::NoContainer)
    }

    fn find(&mut self, name: &LinkName) -> Result<Option<Seen>, Error> {
        self.host.find(name)
    }

    fn exchange(&mut self, requests: Vec<Request<Message>>) -> io::Result<Vec<Answer<Message>>> {
        self.socket().exchange(requests)
    }

    /// The index of a link on the host, asked for once.
    fn index(&mut self, name: &LinkName) -> Result<u32, Error> {
        if let Some(index) = self.indexes.get(name) {
            return Ok(*index);
        }
        let seen = self.find(name)?.ok_or_else(|| Error::NoLink(name.clone()))?;
        self.indexes.insert(name.clone(), seen.index);
        Ok(seen.index)
    }
}

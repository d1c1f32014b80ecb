//! Links of the container in a VRF (`Documentation/networking/vrf.rst`).

use std::fmt::Write as _;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::link::{InfoData, InfoKind, InfoVrf, LinkAttribute, LinkInfo, LinkMessage};
use netstate::{Adjustment, Attachment, Detection, Family, LinkName, VrfMember};
use rtnetlink::{LinkMessageBuilder, LinkUnspec, LinkVrf};

use super::{Amiss, Kind, Site};
use crate::address;
use crate::error::{Context, Error};
use crate::link::{self, Seen, Socket};
use crate::machine::Host;
use crate::namespace::Namespace;
use crate::netlink::{Refusal, Request};
use crate::remove::gone;

/// A name for a VRF that is never made.
const PROBE: &str = "vrf-probe";

/// The kind.
pub(super) struct VrfMembers;

impl Kind for VrfMembers {
    fn word(&self) -> &'static str {
        "vrf"
    }

    /// `VRF TABLE LINK ADDRESS…`.
    fn line(&self, adjustment: &Adjustment) -> Option<String> {
        let Adjustment::VrfMember(VrfMember { vrf, table, link, addresses }) = adjustment else {
            return None;
        };
        let mut line = format!("{vrf} {table} {link}");
        for address in addresses {
            // Writing to a String can't fail.
            let _ = write!(line, " {address}");
        }
        Some(line)
    }

    fn parse(&self, rest: &str, _: &Attachment) -> Option<Adjustment> {
        let mut words = rest.split(' ');
        Some(Adjustment::VrfMember(VrfMember {
            vrf: words.next()?.parse().ok()?,
            table: words.next()?.parse().ok()?,
            link: words.next()?.parse().ok()?,
            addresses: words.map(|word| word.parse().ok()).collect::<Option<_>>()?,
        }))
    }

    fn apply(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<(), Error> {
        let mut socket = site.container()?.route()?;
        members(wanted).try_for_each(|member| enter(&mut socket, member))
    }

    fn compare(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<Vec<Amiss>, Error> {
        let mut socket = site.container()?.route()?;
        let mut amiss = Vec::new();
        for member in members(wanted) {
            let vrf = find(&mut socket, &member.vrf)?.filter(|seen| seen.is_kind("vrf"));
            let found = match (vrf, find(&mut socket, &member.link)?) {
                (None, _) => format!("{} is no VRF", member.vrf),
                (_, None) => format!("{} missing", member.link),
                (Some(vrf), Some(link)) if link.master == Some(vrf.index) => continue,
                (Some(_), Some(_)) => format!("is not in {}", member.vrf),
            };
            amiss.push((Adjustment::VrfMember(member.clone()), found));
        }
        Ok(amiss)
    }

    fn remove(&self, site: &mut Site<'_>, _: &Attachment, made: &[Adjustment]) -> Result<(), Error> {
        let Some(container) = site.container else { return Ok(()) };
        let mut socket = container.route()?;
        let mut first = Ok(());
        for member in members(made) {
            first = first.and(leave(&mut socket, member));
        }
        first
    }
}

/// A VRF of the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vrf {
    /// Its index.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its table.
    pub table: u32,
}

impl Host {
    /// Does the kernel know VRFs? It is asked for one without a table, which it makes in no case.
    ///
    /// # Errors
    /// [`Error::Lacks`] where it does not; or what keeps us from asking.
    pub fn require_vrf(&mut self) -> Result<(), Error> {
        let message = LinkMessageBuilder::<LinkUnspec>::new()
            .name(PROBE.to_owned())
            .append_extra_attribute(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Vrf)]))
            .build();
        match self.route.request(Request::new(Message::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)) {
            Err(source) if source.is(libc::EOPNOTSUPP) => Err(lacks("a VRF".to_owned(), source)),
            Err(refusal) if refusal.is(libc::EINVAL) || refusal.is(libc::EEXIST) => Ok(()),
            answer => answer.context("ask for", &"a VRF").map(drop),
        }
    }
}

impl Namespace {
    /// Every VRF.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn vrfs(&self) -> Result<Vec<Vrf>, Error> {
        all(&mut *self.route()?)
    }

    /// A link by its index.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn link(&self, index: u32) -> Result<Option<Seen>, Error> {
        link::by_index(&mut *self.route()?, index).context("find link", &index)
    }
}

/// Every VRF of the socket's namespace.
pub(crate) fn all(socket: &mut Socket) -> Result<Vec<Vrf>, Error> {
    let request = LinkMessageBuilder::<LinkUnspec>::new().build();
    let answers = socket.dump(&Message::GetLink(request)).context("read", &"the links")?;
    let vrf = |message| if let Message::NewLink(link) = message { read(&link) } else { None };
    Ok(answers.into_iter().filter_map(vrf).collect())
}

fn read(message: &LinkMessage) -> Option<Vrf> {
    let name = message.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::IfName(name) => Some(name.clone()),
        _ => None,
    })?;
    let table = |infos: &Vec<LinkInfo>| {
        infos.iter().find_map(|info| match info {
            LinkInfo::Data(InfoData::Vrf(data)) => data.iter().find_map(|option| match option {
                InfoVrf::TableId(table) => Some(*table),
                _ => None,
            }),
            _ => None,
        })
    };
    let table = message.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::LinkInfo(infos) => table(infos),
        _ => None,
    })?;
    Some(Vrf { index: message.header.index, name, table })
}

fn members<'a>(adjustments: &'a [Adjustment]) -> impl Iterator<Item = &'a VrfMember> {
    let of_kind = |adjustment: &'a Adjustment| {
        if let Adjustment::VrfMember(member) = adjustment { Some(member) } else { None }
    };
    adjustments.iter().filter_map(of_kind)
}

fn find(socket: &mut Socket, name: &LinkName) -> Result<Option<Seen>, Error> {
    link::find(socket, name).context("find", name)
}

fn enter(socket: &mut Socket, member: &VrfMember) -> Result<(), Error> {
    let vrf = match find(socket, &member.vrf)? {
        Some(vrf) => vrf,
        None => create(socket, member)?,
    };
    socket.request(link::set_up(vrf.index)).context("set up", &member.vrf)?;
    let link = find(socket, &member.link)?.ok_or_else(|| Error::NoLink(member.link.clone()))?;
    if link.master != Some(vrf.index) {
        socket.request(set_master(link.index, vrf.index)).context("enslave", member)?;
    }
    keep_addresses(socket, link.index, member)
}

fn create(socket: &mut Socket, member: &VrfMember) -> Result<Seen, Error> {
    let message = LinkVrf::new(member.vrf.as_str(), member.table).up().build();
    match socket.request(Request::new(Message::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)) {
        Err(source) if source.is(libc::EOPNOTSUPP) => return Err(lacks(member.to_string(), source)),
        Err(refusal) if refusal.is(libc::EEXIST) => {}
        answer => drop(answer.context("create", &member.vrf)?),
    }
    find(socket, &member.vrf)?.ok_or_else(|| Error::NoLink(member.vrf.clone()))
}

fn lacks(object: String, source: Refusal) -> Error {
    Error::Lacks { feature: "VRF (CONFIG_NET_VRF)", object, source }
}

/// The VRF goes with its last link. What is gone has left.
fn leave(socket: &mut Socket, member: &VrfMember) -> Result<(), Error> {
    let Some(vrf) = find(socket, &member.vrf)?.filter(|seen| seen.is_kind("vrf")) else { return Ok(()) };
    if let Some(link) = find(socket, &member.link)?.filter(|link| link.master == Some(vrf.index)) {
        gone(socket.request(set_master(link.index, 0)).map(drop)).context("release", member)?;
        keep_addresses(socket, link.index, member)?;
    }
    let links = link::all(socket).context("read", &"the links")?;
    if links.iter().any(|link| link.master == Some(vrf.index)) {
        return Ok(());
    }
    gone(socket.request(link::delete(&member.vrf)).map(drop)).context("remove", &member.vrf)
}

/// `IFLA_MASTER`; 0 is none.
fn set_master(link: u32, master: u32) -> Request<Message> {
    let message = LinkUnspec::new_with_index(link).controller(master).build();
    Request::new(Message::SetLink(message), 0)
}

/// Brings back what the change of master cost. They were the link's before, so nobody else has them.
fn keep_addresses(socket: &mut Socket, link: u32, member: &VrfMember) -> Result<(), Error> {
    if member.addresses.is_empty() {
        return Ok(());
    }
    let seen =
        address::of_link(socket, link, Some(Family::V6)).context("read the addresses of", &member.link)?;
    for wanted in &member.addresses {
        if !seen.iter().any(|seen| seen.network == *wanted) {
            match socket.request(address::add(link, *wanted, Detection::Off)) {
                Err(refusal) if refusal.is(libc::EEXIST) => {}
                answer => drop(answer.context("add", wanted)?),
            }
        }
    }
    Ok(())
}

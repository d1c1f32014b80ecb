//! Shaping (`bandwidth`): limits at the host end of a veth pair.
//!
//! ```text
//! ingress   host end, root         tbf; with subnets htb, its one class, and filters by where a packet comes from
//! egress    host end, ingress      filters by where a packet goes to; what is limited goes to the device
//!           bwp…, root             tbf
//! ```
//!
//! All of it goes with the host end, but for the device.

mod look;

pub(crate) use look::amiss_of_reference;

use netlink_packet_route::RouteNetlinkMessage as Message;
use netstate::{Adjustment, Attachment, Direction, LinkName, Shaping, Traffic};

use super::{Amiss, Kind, Site};
use crate::error::{Context, Error};
use crate::link::{self, Seen, Socket};
use crate::machine::Host;
use crate::netlink::{Refusal, Request};
use crate::remove::gone;
use crate::traffic::{self, CLASS, End, Filter, INGRESS, Otherwise, ROOT, Verdict};

/// The kind.
pub(super) struct Shapings;

impl Kind for Shapings {
    fn word(&self) -> &'static str {
        "shaping"
    }

    /// `LINK DIRECTION RATE BURST QUEUE TRAFFIC [SUBNET…]`, in bytes a second and bytes.
    fn line(&self, adjustment: &Adjustment) -> Option<String> {
        let Adjustment::Shaping(Shaping { link, direction, limit, traffic, .. }) = adjustment else {
            return None;
        };
        Some(format!("{link} {direction} {} {} {} {traffic}", limit.rate, limit.burst, limit.queue))
    }

    fn parse(&self, text: &str, owner: &Attachment) -> Option<Adjustment> {
        let mut words = text.splitn(6, ' ');
        let (link, direction) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let limit = netstate::Limit {
            rate: words.next()?.parse().ok()?,
            burst: words.next()?.parse().ok()?,
            queue: words.next()?.parse().ok()?,
        };
        let traffic = words.next()?.parse().ok()?;
        Some(Adjustment::Shaping(Shaping { link, direction, limit, traffic, owner: owner.clone() }))
    }

    fn apply(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<(), Error> {
        shapings(wanted).try_for_each(|shaping| make(&mut site.host.route, shaping))
    }

    fn compare(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<Vec<Amiss>, Error> {
        let mut amiss = Vec::new();
        for shaping in shapings(wanted) {
            let found = look::amiss(&mut site.host.route, shaping).context("read", shaping)?;
            amiss.extend(found.map(|found| (Adjustment::Shaping(shaping.clone()), found)));
        }
        Ok(amiss)
    }

    /// First what redirects to the device: a redirection to nowhere drops.
    fn remove(&self, site: &mut Site<'_>, owner: &Attachment, made: &[Adjustment]) -> Result<(), Error> {
        let mut first = Ok(());
        for shaping in shapings(made).collect::<Vec<_>>().into_iter().rev() {
            first = first.and(unmake(&mut site.host.route, shaping, owner));
        }
        first
    }

    /// A redirection without its device drops everything. Limits that are lost cut nobody off.
    fn stands(&self, host: &mut Host, made: &[Adjustment]) -> Result<bool, Error> {
        look::redirections_stand(&mut host.route, shapings(made)).context("read", &"the devices")
    }

    /// What is as it should be is left alone: to make it anew would drop what waits.
    fn restore(&self, host: &mut Host, lost: &[Adjustment]) -> Result<(), Error> {
        for shaping in shapings(lost) {
            let there = link::find(&mut host.route, &shaping.link).context("find", &shaping.link)?.is_some();
            if there && look::amiss(&mut host.route, shaping).context("read", shaping)?.is_some() {
                make(&mut host.route, shaping)?;
            }
        }
        Ok(())
    }
}

fn shapings(adjustments: &[Adjustment]) -> impl Iterator<Item = &Shaping> {
    adjustments.iter().filter_map(|adjustment| match adjustment {
        Adjustment::Shaping(shaping) => Some(shaping),
        _ => None,
    })
}

/// What subnets make a difference to, at the root of the host end.
fn otherwise(traffic: &Traffic) -> (Otherwise, Verdict) {
    match traffic {
        Traffic::Only(_) => (Otherwise::Direct, Verdict::class(CLASS)),
        Traffic::All | Traffic::AllBut(_) => (Otherwise::Class, Verdict::class(ROOT)),
    }
}

/// The filters at the root of the host end.
fn root_filters(traffic: &Traffic) -> Vec<Filter> {
    let (_, verdict) = otherwise(traffic);
    traffic.subnets().iter().map(|subnet| Filter::subnet(*subnet, End::Source, verdict)).collect()
}

/// The filters at the ingress of the host end: what is limited goes to `device`.
fn ingress_filters(traffic: &Traffic, device: u32) -> Vec<Filter> {
    let limited = Verdict::Redirect(device);
    let each = |verdict| {
        traffic
            .subnets()
            .iter()
            .map(move |subnet| Filter::subnet(*subnet, End::Destination, verdict))
            .collect()
    };
    let mut filters: Vec<Filter> = match traffic {
        Traffic::Only(_) => return each(limited),
        Traffic::All | Traffic::AllBut(_) => each(Verdict::class(CLASS)),
    };
    filters.push(Filter::rest(limited));
    filters
}

/// Makes it anew, whatever was there.
fn make(socket: &mut Socket, shaping: &Shaping) -> Result<(), Error> {
    let link = find(socket, &shaping.link)?;
    let requests = match shaping.direction {
        Direction::Ingress => {
            remove(socket, link.index, ROOT).context("free", &shaping.link)?;
            at_root(link.index, shaping)
        }
        Direction::Egress => {
            remove(socket, link.index, INGRESS).context("free", &shaping.link)?;
            at_ingress(link.index, create_device(socket, &link, shaping)?, shaping)
        }
    };
    for answer in socket.exchange(requests).context("set up", shaping)? {
        lacking(answer.map(drop), shaping)?;
    }
    Ok(())
}

fn find(socket: &mut Socket, name: &LinkName) -> Result<Seen, Error> {
    link::find(socket, name).context("find", name)?.ok_or_else(|| Error::NoLink(name.clone()))
}

fn remove(
    socket: &mut Socket,
    index: u32,
    handle: netlink_packet_route::tc::TcHandle,
) -> Result<(), Refusal> {
    traffic::removed(socket.request(traffic::remove(index, handle)).map(drop))
}

fn at_root(index: u32, shaping: &Shaping) -> Vec<Request<Message>> {
    let Shaping { limit, traffic, .. } = shaping;
    if *traffic == Traffic::All {
        return vec![traffic::bucket(index, limit)];
    }
    let limit = limit.whole();
    let mut requests = vec![
        traffic::classes(index, otherwise(traffic).0),
        traffic::class(index, &limit),
        traffic::leaf(index, &limit),
    ];
    requests.extend(root_filters(traffic).iter().map(|filter| traffic::filter(index, ROOT, filter)));
    requests
}

/// The device is ready before the first filter sends anything to it.
fn at_ingress(index: u32, device: u32, shaping: &Shaping) -> Vec<Request<Message>> {
    let name = Shaping::device(&shaping.owner);
    let [described, up] = traffic::set_up(&name, &shaping.owner);
    // A device with a limit always says whose it is: one that does not is the reference's.
    let mut requests = vec![described, traffic::bucket(device, &shaping.limit), up, traffic::ingress(index)];
    let filters = ingress_filters(&shaping.traffic, device);
    requests.extend(filters.iter().map(|filter| traffic::filter(index, INGRESS, filter)));
    requests
}

/// Its index. One that is there already is what an earlier ADD of the same attachment left.
fn create_device(socket: &mut Socket, link: &Seen, shaping: &Shaping) -> Result<u32, Error> {
    let name = Shaping::device(&shaping.owner);
    let create = || traffic::create(&shaping.owner, link.mtu);
    let made = match socket.request(create()) {
        Err(refusal) if refusal.is(libc::EEXIST) => {
            if !remove_device(socket, &shaping.owner)? {
                return Err(Error::LinkExists { place: "the host", name });
            }
            socket.request(create())
        }
        made => made,
    };
    let made = match made {
        Err(source) if source.is(libc::EOPNOTSUPP) => {
            return Err(Error::Lacks { feature: "ifb (CONFIG_IFB)", object: shaping.to_string(), source });
        }
        made => made.context("create", &name)?,
    };
    // A kernel before 6.2 does not echo what it made.
    match link::links(made).next() {
        Some(seen) => Ok(seen.index),
        None => find(socket, &name).map(|seen| seen.index),
    }
}

/// The kernel knows no such discipline, class, filter or action.
fn lacking(answer: Result<(), Refusal>, shaping: &Shaping) -> Result<(), Error> {
    match answer {
        Err(source) if source.is(libc::ENOENT) => Err(Error::Lacks {
            feature: "tbf, htb, u32 or mirred (CONFIG_NET_SCH_TBF, _SCH_HTB, _SCH_INGRESS, _CLS_U32, _ACT_MIRRED)",
            object: shaping.to_string(),
            source,
        }),
        answer => answer.context("set up", shaping),
    }
}

fn unmake(socket: &mut Socket, shaping: &Shaping, owner: &Attachment) -> Result<(), Error> {
    let handle = match shaping.direction {
        Direction::Ingress => ROOT,
        Direction::Egress => INGRESS,
    };
    let mut removed = Ok(());
    if let Some(link) = link::find(socket, &shaping.link).context("find", &shaping.link)? {
        removed = remove(socket, link.index, handle).context("remove", shaping);
    }
    if shaping.direction == Direction::Egress {
        removed = removed.and(remove_device(socket, owner).map(drop));
    }
    removed
}

/// Removes the device of an attachment. A link of another sort that has its name is somebody else's: that is false.
fn remove_device(socket: &mut Socket, owner: &Attachment) -> Result<bool, Error> {
    let name = Shaping::device(owner);
    match link::find(socket, &name).context("find", &name)? {
        Some(seen) if seen.is_kind("ifb") => {
            gone(socket.request(link::delete(&name)).map(drop)).context("remove", &name)?;
            Ok(true)
        }
        Some(_) => Ok(false),
        None => Ok(true),
    }
}

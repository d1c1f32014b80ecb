//! CHECK of shapings: what is amiss, in words; none where all is well.

use netstate::{Direction, Limit, Shaping, Traffic};

use super::{ingress_filters, otherwise, root_filters};
use crate::link::{self, Socket};
use crate::netlink::Refusal;
use crate::traffic::{self, Bucket, Class, Filter, INGRESS, ROOT, Verdict};

type Found = Result<Option<String>, Refusal>;

/// What is amiss of a shaping that we made.
pub(super) fn amiss(socket: &mut Socket, shaping: &Shaping) -> Found {
    let Some(link) = link::find(socket, &shaping.link)? else {
        return Ok(Some(format!("{} missing", shaping.link)));
    };
    match (shaping.direction, &shaping.traffic) {
        (Direction::Ingress, Traffic::All) => bucket(socket, link.index, &shaping.limit),
        (Direction::Ingress, traffic) => classes(socket, link.index, &shaping.limit.whole(), traffic),
        (Direction::Egress, traffic) => {
            let name = Shaping::device(&shaping.owner);
            let Some(device) = link::find(socket, &name)? else { return Ok(Some(format!("{name} missing"))) };
            if !device.is_up() {
                return Ok(Some(format!("{name} is down")));
            }
            let wanted = ingress_filters(traffic, device.index);
            match filters(socket, (link.index, INGRESS), wanted)? {
                None => bucket(socket, device.index, &shaping.limit),
                amiss => Ok(amiss),
            }
        }
    }
}

/// What is amiss of a shaping that the reference made: a bucket (a class with the releases that knew subnets) of the
/// right rate, at the host end or at the device that everything from there is redirected to.
pub(crate) fn amiss_of_reference(socket: &mut Socket, shaping: &Shaping) -> Found {
    let Some(link) = link::find(socket, &shaping.link)? else {
        return Ok(Some(format!("{} missing", shaping.link)));
    };
    let limited = match shaping.direction {
        Direction::Ingress => link.index,
        Direction::Egress => {
            let filters = traffic::filters(socket, link.index, INGRESS)?;
            match filters.iter().map(Filter::verdict).find(|verdict| matches!(verdict, Verdict::Redirect(_)))
            {
                Some(Verdict::Redirect(device)) => device,
                _ => return Ok(Some("no redirection".to_owned())),
            }
        }
    };
    match rate(socket, limited)? {
        Some(rate) if rate == shaping.limit.rate => Ok(None),
        Some(rate) => Ok(Some(format!("rate {}bit", u128::from(rate) * 8))),
        None => Ok(Some("no limit".to_owned())),
    }
}

/// Does every redirection have its device? One that is not made yet needs none.
pub(super) fn redirections_stand<'a>(
    socket: &mut Socket,
    shapings: impl Iterator<Item = &'a Shaping>,
) -> Result<bool, Refusal> {
    let egress: Vec<_> = shapings.filter(|shaping| shaping.direction == Direction::Egress).collect();
    if egress.is_empty() {
        return Ok(true);
    }
    let devices = traffic::devices(socket)?;
    for shaping in egress {
        let name = Shaping::device(&shaping.owner);
        if devices.iter().any(|device| device.name == name.as_str()) {
            continue;
        }
        let Some(link) = link::find(socket, &shaping.link)? else { continue };
        if !traffic::filters(socket, link.index, INGRESS)?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The rate that a link is limited to, in bytes a second; of classes, the slowest: the other is for what is not limited.
fn rate(socket: &mut Socket, index: u32) -> Result<Option<u64>, Refusal> {
    let Some(root) = traffic::at_root(socket, index)? else { return Ok(None) };
    match Bucket::read(&root) {
        Some(bucket) => Ok(Some(bucket.rate)),
        None => traffic::slowest_class(socket, index),
    }
}

fn bucket(socket: &mut Socket, index: u32, limit: &Limit) -> Found {
    let bucket = traffic::at_root(socket, index)?.as_ref().and_then(Bucket::read);
    match bucket {
        None => Ok(Some("no tbf".to_owned())),
        Some(bucket) if bucket.is(limit) => Ok(None),
        Some(bucket) => Ok(Some(format!("{bucket}"))),
    }
}

fn classes(socket: &mut Socket, index: u32, limit: &Limit, traffic: &Traffic) -> Found {
    let (otherwise, _) = otherwise(traffic);
    if !traffic::at_root(socket, index)?.is_some_and(|root| root.is_classes(otherwise)) {
        return Ok(Some("no htb".to_owned()));
    }
    match traffic::the_class(socket, index)?.as_ref().and_then(Class::read) {
        None => return Ok(Some("no class".to_owned())),
        Some(class) if !class.is(limit) => return Ok(Some(format!("{class}"))),
        Some(_) => {}
    }
    if !traffic::at_class(socket, index)?.is_some_and(|leaf| leaf.is_leaf(limit)) {
        return Ok(Some("no bfifo".to_owned()));
    }
    filters(socket, (index, ROOT), root_filters(traffic))
}

fn filters(
    socket: &mut Socket,
    (index, parent): (u32, netlink_packet_route::tc::TcHandle),
    mut wanted: Vec<Filter>,
) -> Found {
    let there = traffic::filters(socket, index, parent)?;
    wanted.sort();
    if there == wanted {
        Ok(None)
    } else {
        Ok(Some(format!("{} filters, not {}", there.len(), wanted.len())))
    }
}

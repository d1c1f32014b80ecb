//! The container's part of a plan: settings while the thread is inside, then everything else in one send by a
//! socket that stays there.

use std::collections::HashMap;

use netstate::{LinkName, Object, Step, Sysctl};

use crate::error::{Context, Error};
use crate::link::Socket;
use crate::namespace::Namespace;
use crate::settle::settle;
use crate::{address, link, route, sysctl};

/// Makes `steps` inside. `indexes` are the links known so far.
pub(crate) fn apply(
    container: &Namespace,
    steps: &[&Step],
    indexes: &HashMap<LinkName, u32>,
) -> Result<(), Error> {
    let settings: Vec<&Sysctl> = steps
        .iter()
        .filter_map(|step| if let Object::Sysctl(setting) = &step.object { Some(setting) } else { None })
        .collect();
    if !settings.is_empty() {
        container.inside(|| settings.into_iter().try_for_each(sysctl::ensure))?;
    }
    let mut socket = container.route()?;
    let mut index = |name: &LinkName| index_of(&mut socket, indexes, name);
    let (mut requests, mut objects) = (Vec::new(), Vec::new());
    for Step { object, .. } in steps {
        requests.push(match object {
            Object::Up(name) => link::set_up(index(name)?),
            Object::Address(address) => address::add_wanted(index(&address.link)?, address),
            Object::Route(route) => route::add(route, index(&route.link)?),
            _ => continue,
        });
        objects.push(object);
    }
    // A plan may be of settings only, and an empty send is an error.
    if requests.is_empty() {
        return Ok(());
    }
    let answers = socket.exchange(requests).context("configure", &container.path().display())?;
    for (answer, object) in answers.into_iter().zip(objects) {
        answer.context("add", object)?;
    }
    for step in steps {
        if let Object::Address(address) = &step.object {
            let index = index_of(&mut socket, indexes, &address.link)?;
            settle(&mut socket, index, address)?;
        }
    }
    Ok(())
}

fn index_of(socket: &mut Socket, indexes: &HashMap<LinkName, u32>, name: &LinkName) -> Result<u32, Error> {
    if let Some(index) = indexes.get(name) {
        return Ok(*index);
    }
    let seen = link::find(socket, name).context("find", name)?;
    Ok(seen.ok_or_else(|| Error::NoLink(name.clone()))?.index)
}

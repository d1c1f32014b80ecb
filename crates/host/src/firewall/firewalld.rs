//! firewalld, by D-Bus: an address becomes a source of a zone, whose packets firewalld then treats as the zone says.
//! That lasts until firewalld is reloaded, as with the reference.

use std::net::IpAddr;
use std::time::Duration;

use netstate::Family;
use rustbus::connection::rpc_conn::RpcConn;
use rustbus::connection::{self, Timeout};
use rustbus::message_builder::MarshalledMessage;
use rustbus::{MessageBuilder, MessageType};

/// Its well-known name, and the beginning of its interfaces' names.
const NAME: &str = "org.fedoraproject.FirewallD1";
const OBJECT: &str = "/org/fedoraproject/FirewallD1";
const ZONE: &str = "org.fedoraproject.FirewallD1.zone";

/// As long as libdbus waits for an answer.
const PATIENCE: Timeout = Timeout::Duration(Duration::from_secs(25));

/// What firewalld says when there is nothing to do: the source is in the zone already, or is in none or in another.
const THERE: [&str; 2] = ["ALREADY_ENABLED", "ZONE_ALREADY_SET"];
const ABSENT: [&str; 4] = ["NOT_ENABLED", "UNKNOWN_SOURCE", "ZONE_CONFLICT", "INVALID_ZONE"];

/// firewalld could not be asked, or said no.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bus, or firewalld, can't be reached, or answers in no time.
    #[error("ask firewalld by D-Bus to {what}: {source}")]
    Bus {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: connection::Error,
    },
    /// firewalld is not on the bus.
    #[error("firewalld is not running: nobody owns {NAME} on the system bus")]
    Absent,
    /// firewalld's answer.
    #[error("firewalld will not {what}: {answer}")]
    Refused {
        /// What was tried.
        what: String,
        /// Its words.
        answer: String,
    },
}

/// A connection to the system bus.
pub(crate) struct Firewalld(RpcConn);

impl Firewalld {
    /// Connects, where there is a bus and firewalld is on it.
    ///
    /// # Errors
    /// [`Error`], where a bus is there and can't be asked.
    pub(crate) fn find() -> Result<Option<Self>, Error> {
        let mut found = match RpcConn::system_conn(PATIENCE) {
            Ok(connection) => Self(connection),
            // No bus, or a socket that nobody listens on.
            Err(
                connection::Error::PathDoesNotExist(_)
                | connection::Error::IoError(_)
                | connection::Error::NixError(_),
            ) => return Ok(None),
            Err(source) => return Err(Error::Bus { what: "connect".to_owned(), source }),
        };
        let what = || format!("own the name {NAME}");
        let call = MessageBuilder::new()
            .call("NameHasOwner")
            .on("/org/freedesktop/DBus")
            .with_interface("org.freedesktop.DBus")
            .at("org.freedesktop.DBus")
            .build();
        let owned = found.ask((call, &[NAME]), what)?;
        Ok(owned.body.parser().get::<bool>().unwrap_or(false).then_some(found))
    }

    /// Makes the address a source of the zone. One that is there stays.
    ///
    /// # Errors
    /// [`Error`]: another zone has the address, there is no such zone.
    pub(crate) fn add(&mut self, zone: &str, address: IpAddr) -> Result<(), Error> {
        match self.call("addSource", zone, address) {
            Err(Error::Refused { answer, .. }) if says(&answer, &THERE) => Ok(()),
            added => added.map(drop),
        }
    }

    /// Makes the address a source of the zone no longer. One that is not there is nothing to do.
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn remove(&mut self, zone: &str, address: IpAddr) -> Result<(), Error> {
        match self.call("removeSource", zone, address) {
            Err(Error::Refused { answer, .. }) if says(&answer, &ABSENT) => Ok(()),
            removed => removed.map(drop),
        }
    }

    /// Is the address a source of the zone?
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn has(&mut self, zone: &str, address: IpAddr) -> Result<bool, Error> {
        Ok(self.call("querySource", zone, address)?.body.parser().get::<bool>().unwrap_or(false))
    }

    fn call(&mut self, method: &str, zone: &str, address: IpAddr) -> Result<MarshalledMessage, Error> {
        let source = format!("{address}/{}", Family::of(address).bits());
        let what = || format!("{method} {source} of zone {zone}");
        let call = MessageBuilder::new().call(method).on(OBJECT).with_interface(ZONE).at(NAME).build();
        self.ask((call, &[zone, &source]), what)
    }

    fn ask(
        &mut self,
        (mut call, parameters): (MarshalledMessage, &[&str]),
        what: impl Fn() -> String,
    ) -> Result<MarshalledMessage, Error> {
        let failed = |source| Error::Bus { what: what(), source };
        for parameter in parameters {
            call.body
                .push_param(*parameter)
                .map_err(|error| failed(connection::Error::MarshalError(error)))?;
        }
        let serial = self
            .0
            .send_message(&mut call)
            .and_then(|sending| sending.write_all().map_err(connection::ll_conn::force_finish_on_error))
            .map_err(failed)?;
        let answer = self.0.wait_response(serial, PATIENCE).map_err(failed)?;
        if answer.typ == MessageType::Error {
            let text = answer.body.parser().get::<String>().unwrap_or_default();
            let name = answer.dynheader.error_name.unwrap_or_default();
            return Err(Error::Refused { what: what(), answer: format!("{name}: {text}") });
        }
        Ok(answer)
    }
}

/// firewalld's errors begin with a word that tells them apart, behind D-Bus's name for all of them.
fn says(answer: &str, words: &[&str]) -> bool {
    answer.split_once(": ").is_some_and(|(_, text)| words.iter().any(|word| text.starts_with(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_firewalld_has_done_already_is_told_from_a_refusal() {
        let answer = |text: &str| format!("{NAME}.Exception: {text}");
        assert!(says(&answer("ZONE_ALREADY_SET: '10.1.0.2/32' already bound to 'trusted'"), &THERE));
        assert!(says(&answer("NOT_ENABLED: '10.1.0.2/32'"), &ABSENT));
        assert!(!says(&answer("INVALID_ZONE: nowhere"), &THERE));
        assert!(!says("ALREADY_ENABLED", &THERE));
    }
}

//! One question, which the kernel answers with one message.

use netlink_packet_core::{NetlinkDeserializable, NetlinkPayload, NetlinkSerializable};

use super::{Netlink, Refusal, Request, answer, messages};

impl<T: NetlinkSerializable + NetlinkDeserializable> Netlink<T> {
    /// Asks for one thing by its name or number. The answer, or the refusal, says that the kernel is done: nothing is
    /// acknowledged beside it.
    ///
    /// # Errors
    /// The kernel's refusal, or the socket's failure.
    pub fn ask(&mut self, message: T) -> Result<T, Refusal> {
        let mut bytes = Vec::new();
        self.encode(&Request { message, flags: 0 }, &mut bytes);
        self.send(&bytes)?;
        loop {
            let length = self.receive(0)?;
            for message in messages::<T>(&self.buffer[..length]) {
                let message = message?;
                if message.header.sequence_number != self.sequence {
                    continue;
                }
                match message.payload {
                    NetlinkPayload::InnerMessage(inner) => return Ok(inner),
                    NetlinkPayload::Error(error) => answer(&error)?,
                    _ => {}
                }
            }
        }
    }
}

//! Packets that flow all the while that something else is done.

use std::fs::{self, File};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::Place;

/// Echo requests by the thousand, again and again while the first argument is there; each `ping` waits for the last of
/// its answers, so none is counted as lost because the flow was ended.
const LOOP: &str = r#"while ping -n -q -i 0.001 -c 1000 ${3:+-I "$3"} "$2" || :; [ -e "$1" ]; do :; done"#;

/// The same with a conversation of its own for each request: every one passes whatever is asked of a first packet only.
const ANEW: &str = r#"while ping -n -q -c 1 -W 5 "$2" || :; [ -e "$1" ]; do :; done"#;

/// Echo requests to an address all the while, one flow to each address, until [`Flow::end`].
#[derive(Debug)]
pub struct Flow {
    child: Option<Child>,
    address: IpAddr,
    running: PathBuf,
}

/// What came back of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echoes {
    /// Requests.
    pub sent: u64,
    /// Their answers.
    pub answered: u64,
}

impl Flow {
    /// Starts a thousand requests a second from a place.
    ///
    /// # Panics
    /// Where it can't be started.
    #[must_use]
    pub fn start(from: &impl Place, address: IpAddr) -> Self {
        Self::run(from, address, LOOP, None)
    }

    /// The same by an address of the place that is not the one that its routes would take.
    ///
    /// # Panics
    /// Where it can't be started.
    #[must_use]
    pub fn by(from: &impl Place, source: IpAddr, address: IpAddr) -> Self {
        Self::run(from, address, LOOP, Some(source))
    }

    /// Starts requests one after the other, each of a connection of its own to whoever tracks those.
    ///
    /// # Panics
    /// Where it can't be started.
    #[must_use]
    pub fn of_connections(from: &impl Place, address: IpAddr) -> Self {
        Self::run(from, address, ANEW, None)
    }

    fn run(from: &impl Place, address: IpAddr, script: &str, source: Option<IpAddr>) -> Self {
        let running = PathBuf::from(format!("/run/flow-to-{address}"));
        File::create(&running).expect("the node's own /run");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", "sh", "-c", script, "sh"]).arg(&running);
        command
            .arg(address.to_string())
            .args(source.map(|source| source.to_string()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = from.within(|| command.spawn()).expect("a shell starts");
        Self { child: Some(child), address, running }
    }

    /// Lets it run out; [`Flow::end`] waits for that.
    pub fn run_out(&self) {
        // It may have been told before.
        let _ = fs::remove_file(&self.running);
    }

    /// Ends it, and says how many requests were sent.
    ///
    /// # Panics
    /// Where one of them was not answered, with what `ping` said.
    pub fn end(self) -> u64 {
        let address = self.address;
        let (Echoes { sent, answered }, said) = self.counted();
        assert!(sent > 0 && sent == answered, "to {address}: {answered} answers of {sent}\n{said}");
        sent
    }

    /// Ends it, and says how much of it came back.
    ///
    /// # Panics
    /// Where it can't be ended.
    #[must_use]
    pub fn count(self) -> Echoes {
        self.counted().0
    }

    fn counted(mut self) -> (Echoes, String) {
        self.run_out();
        let child = self.child.take().expect("it is ended once");
        let output = child.wait_with_output().expect("the flow ends");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let counts = said.lines().filter_map(counts);
        let (sent, answered) =
            counts.fold((0, 0), |sum: (u64, u64), (sent, received)| (sum.0 + sent, sum.1 + received));
        (Echoes { sent, answered }, said)
    }
}

/// `1000 packets transmitted, 1000 received, …`.
fn counts(line: &str) -> Option<(u64, u64)> {
    let (sent, rest) = line.split_once(" packets transmitted, ")?;
    Some((sent.parse().ok()?, rest.split_once(" received")?.0.parse().ok()?))
}

impl Drop for Flow {
    fn drop(&mut self) {
        // Where the test failed before its end.
        self.run_out();
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

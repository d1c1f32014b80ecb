//! Where a case is asked: a node, one plugin of the directory, and a journal of all that was done.

use std::cell::{Cell, OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sandbox::{Node, Place};
use serde_json::{Value, json};

use crate::attachment::Attachment;
use crate::call::{Answer, Call};
use crate::dhcp::Dhcp;
use crate::options::Extent;
use crate::specimen::{Ipam, Kind, Specimen};
use crate::standin::StandIn;
use crate::unmet::{Outcome, Unmet, fail, skip};

/// The versions that a plugin is asked for, oldest first.
pub(crate) const VERSIONS: [&str; 7] = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

/// One thing done, and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// A line of shell.
    pub(crate) did: String,
    /// What it said.
    pub(crate) saw: String,
}

/// The place of one case.
pub(crate) struct Stage<'a> {
    pub(crate) node: &'a Node,
    /// The directory that is judged.
    pub(crate) plugins: &'a Path,
    /// The plugin's name.
    pub(crate) name: &'a str,
    pub(crate) specimen: &'static Specimen,
    pub(crate) extent: Extent,
    /// How many attachments this node has had: each is another.
    pub(crate) count: &'a Cell<usize>,
    journal: RefCell<Vec<Step>>,
    /// What VERSION said.
    versions: OnceCell<Vec<String>>,
    /// Whether an attachment is possible here.
    possible: OnceCell<Outcome>,
    /// A DHCP server and the plugin's daemon, once an attachment needs them.
    dhcp: OnceCell<Dhcp>,
}

impl<'a> Stage<'a> {
    /// A stage for this plugin on this node.
    pub(crate) fn new(
        node: &'a Node,
        subject: (&'a Path, &'a str),
        count: &'a Cell<usize>,
        extent: Extent,
    ) -> Self {
        let (plugins, name) = subject;
        let specimen = crate::specimen::of(name);
        Self {
            node,
            plugins,
            name,
            specimen,
            extent,
            count,
            journal: RefCell::default(),
            versions: OnceCell::new(),
            possible: OnceCell::new(),
            dhcp: OnceCell::new(),
        }
    }

    /// What was done so far.
    pub(crate) fn steps(self) -> Vec<Step> {
        self.journal.into_inner()
    }

    pub(crate) fn note(&self, did: String, saw: String) {
        self.journal.borrow_mut().push(Step { did, saw });
    }

    /// So many things were done up to now.
    pub(crate) fn mark(&self) -> usize {
        self.journal.borrow().len()
    }

    /// Leaves what was done since then out of the report.
    pub(crate) fn forget(&self, mark: usize) {
        self.journal.borrow_mut().truncate(mark);
    }

    /// The path of a plugin of the directory.
    pub(crate) fn plugin(&self, name: &str) -> PathBuf {
        self.plugins.join(name)
    }

    /// Leaves the case where the directory lacks this plugin.
    pub(crate) fn wants(&self, name: &str) -> Outcome {
        if !self.plugin(name).is_file() {
            skip!("the directory holds no {name}");
        }
        Ok(())
    }

    /// A line of shell on the node that must succeed, and what it printed.
    pub(crate) fn host(&self, script: &str) -> String {
        let output = self.node.sh(script);
        self.note(script.to_owned(), output.stdout.trim().to_owned());
        output.stdout
    }

    /// An answer to an echo request must come to the node.
    pub(crate) fn node_pings(&self, address: &str) -> Outcome {
        let came = sandbox::eventually(Duration::from_secs(5), || self.node.reaches(address));
        self.note(format!("ping -c1 {address}"), format!("answered: {came}"));
        if !came {
            fail!("no answer from {address}");
        }
        Ok(())
    }

    /// A file of the node's own.
    pub(crate) fn file(&self, path: &str, text: &str) {
        self.node.write(path, text);
        self.note(format!("printf %s {} >{path}", crate::call::quoted(text)), String::new());
    }

    /// Makes a call and writes it down.
    pub(crate) fn run(&self, call: &Call) -> Answer {
        let answer = call.run();
        self.note(call.by_hand(), answer.shown());
        answer
    }

    /// What VERSION says; empty where it says nothing.
    pub(crate) fn versions(&self) -> &[String] {
        self.versions.get_or_init(|| {
            let call = self.call("VERSION").stdin(&json!({ "cniVersion": "1.1.0" }));
            let said = serde_json::from_str::<Value>(&call.run().stdout).unwrap_or_default();
            let versions = said["supportedVersions"].as_array().cloned().unwrap_or_default();
            versions.iter().filter_map(|version| version.as_str().map(str::to_owned)).collect()
        })
    }

    /// Leaves the case where the plugin doesn't say that it knows this version.
    pub(crate) fn knows(&self, version: &str) -> Outcome {
        let versions = self.versions();
        if !versions.iter().any(|known| known == version) {
            skip!("it does not know version {version}, only {}", versions.join(", "));
        }
        Ok(())
    }

    /// The newest version that the plugin and the judge know.
    pub(crate) fn newest(&self) -> Result<&'static str, Unmet> {
        let known = self.versions();
        match VERSIONS.iter().rev().find(|version| known.iter().any(|known| known == *version)) {
            Some(version) => Ok(version),
            None => fail!("VERSION names no version that the judge knows: {known:?}"),
        }
    }

    /// A whole call with the smallest configuration, of a container that does not exist: for what a plugin must say
    /// before it does anything.
    pub(crate) fn call(&self, verb: &str) -> Call {
        let conf = self.whole_conf(if matches!(verb, "GC" | "STATUS") { "1.1.0" } else { "1.0.0" });
        let environment = [
            ("CNI_COMMAND", verb),
            ("CNI_CONTAINERID", "judged"),
            ("CNI_NETNS", "/run/netns/absent"),
            ("CNI_IFNAME", "eth0"),
            ("CNI_PATH", &self.plugins.to_string_lossy()),
        ];
        Call {
            plugin: self.plugin(self.name),
            environment: environment.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            stdin: conf.to_string(),
        }
    }

    /// The smallest configuration in a version, for a chained plugin with what the plugins before it would have made.
    pub(crate) fn whole_conf(&self, version: &str) -> Value {
        let mut conf = self.conf(version, 0);
        if self.specimen.kind == Kind::Chained {
            conf["prevResult"] = json!({
                "cniVersion": conf["cniVersion"],
                "interfaces": [{ "name": "host0" }, { "name": "eth0", "sandbox": "/run/netns/absent" }],
                "ips": [{ "interface": 1, "address": "10.78.0.2/24", "gateway": "10.78.0.1" }],
            });
        }
        conf
    }

    /// The smallest configuration in a version.
    pub(crate) fn conf(&self, version: &str, number: usize) -> Value {
        let mut conf = json!({ "cniVersion": version, "name": "judged", "type": self.name });
        let keys = (self.specimen.keys)(number);
        if self.specimen.kind == Kind::Ipam {
            conf["ipam"] = keys;
            return conf;
        }
        for (key, value) in keys.as_object().into_iter().flatten() {
            conf[key] = value.clone();
        }
        if self.specimen.ipam == Ipam::Delegates {
            let subnet = crate::specimen::SUBNETS[0];
            conf["ipam"] = json!({ "type": "host-local", "ranges": [[{ "subnet": subnet }]] });
        }
        conf
    }

    /// A new attachment in the newest version, ready for its ADD. Leaves the case where none is possible here.
    pub(crate) fn attachment(&self) -> Result<Attachment<'_>, Unmet> {
        self.attachment_in(self.newest()?)
    }

    /// The same in this version.
    pub(crate) fn attachment_in(&self, version: &str) -> Result<Attachment<'_>, Unmet> {
        self.possible.get_or_init(|| self.probe()).clone()?;
        let number = self.count.get() + 1;
        self.count.set(number);
        Ok(Attachment::new(self, version, number))
    }

    /// An IPAM plugin of the judge's own.
    pub(crate) fn standin(&self) -> StandIn {
        StandIn::at(self.node.directory())
    }

    /// The DHCP server of the node's network, and the daemon that the plugin asks.
    pub(crate) fn dhcp(&self) -> &Dhcp {
        self.dhcp.get_or_init(|| Dhcp::beside(self, &[]))
    }

    /// The same, for a case that wants the server to have these options.
    pub(crate) fn dhcp_with(&self, options: &[&str]) -> &Dhcp {
        self.dhcp.get_or_init(|| Dhcp::beside(self, options))
    }

    /// Has the machine this program?
    fn has(&self, program: &str) -> bool {
        self.node.try_exec(&["sh", "-c", &format!("command -v {program}")]).code == 0
    }

    fn probe(&self) -> Outcome {
        match self.specimen.kind {
            Kind::Unknown => skip!("the judge has no configuration of a plugin {}", self.name),
            Kind::Ipam if self.name == "dhcp" && !self.has("dnsmasq") => {
                skip!("this machine has no DHCP server (Debian's dnsmasq-base)");
            }
            Kind::Interface if self.specimen.ipam == Ipam::Delegates => self.wants("host-local")?,
            _ => {}
        }
        if self.name == "flannel" {
            self.wants("bridge")?;
            self.wants("host-local")?;
        }
        let Some(link) = self.specimen.link else { return Ok(()) };
        let probe = match link {
            // `lo` takes none.
            "vlan" => "ip link add probe type veth peer name far && { ip link add link probe name tagged type vlan id 9; code=$?; ip link del probe; exit $code; }".to_owned(),
            "vrf" => "ip link add probe type vrf table 9".to_owned(),
            "ipvlan" => "ip link add link lo name probe type ipvlan".to_owned(),
            other => format!("ip link add probe type {other}"),
        };
        let made = self.node.try_exec(&["sh", "-c", &format!("{probe} && ip link del probe")]);
        // A kind that is known refuses `lo` as its master with another reason.
        if made.code != 0 && made.stderr.contains("Unknown device type")
            || made.stderr.contains("not supported")
        {
            skip!("this kernel has no links of the kind {link}");
        }
        Ok(())
    }
}

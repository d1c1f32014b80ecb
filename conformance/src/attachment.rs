//! A container that a plugin attaches to a network.

use std::cell::RefCell;
use std::net::{Ipv4Addr, Ipv6Addr};

use sandbox::{Place, Pod};
use serde_json::{Value, json};

use crate::call::{Answer, Call};
use crate::specimen::Kind;
use crate::stage::Stage;
use crate::unmet::{Outcome, Unmet};

/// The node's end of what is plugged by hand.
const GATEWAYS: [&str; 2] = ["10.78.0.1", "fd78::1"];

/// One attachment, from before its ADD to after its DEL.
pub(crate) struct Attachment<'s> {
    pub(crate) stage: &'s Stage<'s>,
    /// Tells the attachments of a node apart.
    pub(crate) number: usize,
    /// The container's ID.
    pub(crate) id: String,
    /// `CNI_IFNAME`.
    pub(crate) ifname: String,
    /// The configuration without `prevResult`.
    pub(crate) conf: Value,
    /// The container's network.
    pub(crate) pod: Pod,
    /// What the plugins before it returned, for a chained one.
    pub(crate) before: Option<Value>,
    /// Another `CNI_PATH` than the directory that is judged.
    pub(crate) path: Option<String>,
    /// What the last ADD returned.
    result: RefCell<Option<Value>>,
}

impl<'s> Attachment<'s> {
    pub(crate) fn new(stage: &'s Stage<'s>, version: &str, number: usize) -> Self {
        let id = format!("judged-{number}");
        let pod = stage.node.pod(&id);
        stage.note(format!("ip netns add {id}"), String::new());
        let ifname = if stage.name == "loopback" { "lo" } else { "eth0" };
        let mut attachment = Self {
            stage,
            number,
            id,
            ifname: ifname.to_owned(),
            conf: stage.conf(version, number),
            pod,
            before: None,
            path: None,
            result: RefCell::default(),
        };
        (stage.specimen.ground)(&attachment);
        if stage.specimen.kind == Kind::Chained {
            attachment.before = Some(attachment.by_hand());
        }
        attachment
    }

    /// The configuration's version.
    pub(crate) fn version(&self) -> &str {
        self.conf["cniVersion"].as_str().unwrap_or("0.1.0")
    }

    /// Sets keys of the configuration.
    pub(crate) fn with(mut self, keys: &Value) -> Self {
        for (key, value) in keys.as_object().into_iter().flatten() {
            self.conf[key] = value.clone();
        }
        self
    }

    /// Takes a key out of the configuration.
    pub(crate) fn without(mut self, key: &str) -> Self {
        self.conf.as_object_mut().map(|conf| conf.remove(key));
        self
    }

    /// The configuration of this verb, with the `prevResult` that a runtime would send.
    pub(crate) fn sent(&self, verb: &str) -> Value {
        let mut conf = self.conf.clone();
        let result = self.result.borrow().clone();
        let sent = match verb {
            "ADD" => self.before.clone(),
            "CHECK" | "DEL" => result.or_else(|| self.before.clone()),
            _ => None,
        };
        let carries = crate::stage::VERSIONS.iter().position(|version| *version == self.version());
        // From 0.3.0 on for a chain's ADD, from 0.4.0 on for the others: libcni.
        let since = if verb == "ADD" { 2 } else { 4 };
        if let Some(sent) = sent.filter(|_| carries >= Some(since)) {
            conf["prevResult"] = sent;
        }
        conf
    }

    /// A whole call of this verb.
    pub(crate) fn call(&self, verb: &str) -> Call {
        let path = self.path.clone().unwrap_or_else(|| self.stage.plugins.to_string_lossy().into_owned());
        let call = self
            .stage
            .call(verb)
            .env("CNI_PATH", &path)
            .env("CNI_CONTAINERID", &self.id)
            .env("CNI_NETNS", self.pod.path())
            .env("CNI_IFNAME", &self.ifname)
            .stdin(&self.sent(verb));
        if matches!(verb, "GC" | "STATUS") {
            return call.without("CNI_CONTAINERID").without("CNI_NETNS").without("CNI_IFNAME");
        }
        call
    }

    /// Makes a call of this verb.
    pub(crate) fn run(&self, verb: &str) -> Answer {
        self.stage.run(&self.call(verb))
    }

    /// ADD, which must succeed: its result.
    pub(crate) fn add(&self) -> Result<Value, Unmet> {
        let answer = self.run("ADD");
        answer.success()?;
        let result = answer.json()?;
        *self.result.borrow_mut() = Some(result.clone());
        Ok(result)
    }

    /// What the last ADD returned.
    pub(crate) fn result(&self) -> Option<Value> {
        self.result.borrow().clone()
    }

    /// CHECK, which must succeed and print nothing.
    pub(crate) fn check(&self) -> Outcome {
        self.run("CHECK").silent_success()
    }

    /// DEL, which must succeed and print nothing.
    pub(crate) fn del(&self) -> Outcome {
        self.run("DEL").silent_success()
    }

    /// A GC whose list of valid attachments is this.
    pub(crate) fn gc(&self, valid: &Value) -> Answer {
        let mut conf = self.conf.clone();
        conf["cniVersion"] = json!("1.1.0");
        conf["cni.dev/valid-attachments"] = valid.clone();
        conf["cni.dev/attachments"] = valid.clone();
        self.stage.run(&self.call("GC").stdin(&conf))
    }

    /// How a list of valid attachments names this one.
    pub(crate) fn valid(&self) -> Value {
        json!({ "containerID": self.id, "ifname": self.ifname })
    }

    /// A line of shell in the container's network that must succeed, and what it printed.
    pub(crate) fn inside(&self, script: &str) -> String {
        let output = self.pod.sh(script);
        let line = format!("ip netns exec {} sh -c {}", self.id, crate::call::quoted(script));
        self.stage.note(line, output.stdout.trim().to_owned());
        output.stdout
    }

    /// What `ip -j` says in the container.
    pub(crate) fn ip(&self, words: &str) -> Value {
        serde_json::from_str(&self.inside(&format!("ip -j {words}"))).unwrap_or_default()
    }

    /// The container's interface as `ip -j -d addr` shows it; null where there is none.
    pub(crate) fn link(&self) -> Value {
        let links = self.ip("-d addr");
        let named = |link: &&Value| link["ifname"] == self.ifname.as_str();
        links.as_array().into_iter().flatten().find(named).cloned().unwrap_or_default()
    }

    /// The addresses of the container's interface, as `address/length`, without link-local ones.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let link = self.link();
        let global = link["addr_info"].as_array().into_iter().flatten().filter(|a| a["scope"] != "link");
        global.map(|a| format!("{}/{}", a["local"].as_str().unwrap_or_default(), a["prefixlen"])).collect()
    }

    /// Its own addresses where no plugin handed out any: one of each family, of networks that all pods share.
    pub(crate) fn own_addresses(&self) -> (Ipv4Addr, Ipv6Addr) {
        let number = u16::try_from(self.number).unwrap_or(u16::MAX) + 1;
        let [high, low] = number.to_be_bytes();
        (Ipv4Addr::new(10, 78, high, low), Ipv6Addr::new(0xfd78, 0, 0, 0, 0, 0, 0, number))
    }

    /// Joins the container to the node by a veth pair and host routes, as an interface plugin would.
    pub(crate) fn plug_by_hand(attachment: &Attachment<'_>) {
        let Attachment { number, id, .. } = attachment;
        let (v4, v6) = attachment.own_addresses();
        let mac = attachment.mac();
        attachment.stage.host(&format!(
            "ip -batch - <<'END'
             link add host{number} address 0a:00:01{mac} type veth peer name eth0 address 0a:00:00{mac} netns {id}
             link set host{number} up
             addr add {0}/32 dev host{number}
             addr add {1}/128 dev host{number} nodad
             route add {v4}/32 dev host{number}
             route add {v6}/128 dev host{number}\nEND",
            GATEWAYS[0], GATEWAYS[1]
        ));
        attachment.inside(&format!(
            "ip -batch - <<'END'
             link set lo up
             link set eth0 up
             addr add {v4}/16 dev eth0 noprefixroute
             addr add {v6}/64 dev eth0 nodad noprefixroute
             route add {0}/32 dev eth0
             route add {1}/128 dev eth0
             route add default via {0}
             route add default via {1}\nEND",
            GATEWAYS[0], GATEWAYS[1]
        ));
    }

    /// The last three bytes of its MACs.
    fn mac(&self) -> String {
        let [high, low] = u16::try_from(self.number).unwrap_or(u16::MAX).to_be_bytes();
        format!(":00:{high:02x}:{low:02x}")
    }

    /// What that plugin would have returned.
    fn by_hand(&self) -> Value {
        let (v4, v6) = self.own_addresses();
        let mut ips = json!([
            { "interface": 1, "address": format!("{v4}/16"), "gateway": GATEWAYS[0] },
            { "interface": 1, "address": format!("{v6}/64"), "gateway": GATEWAYS[1] },
        ]);
        if self.version().starts_with("0.") {
            ips[0]["version"] = json!("4");
            ips[1]["version"] = json!("6");
        }
        let mac = self.mac();
        json!({
            "cniVersion": self.version(),
            "interfaces": [
                { "name": format!("host{}", self.number), "mac": format!("0a:00:01{mac}") },
                { "name": "eth0", "mac": format!("0a:00:00{mac}"), "sandbox": self.pod.path() },
            ],
            "ips": ips,
            "routes": [{ "dst": "0.0.0.0/0" }, { "dst": "::/0" }],
            "dns": {},
        })
    }
}

impl Drop for Attachment<'_> {
    /// The kernel buries a namespace when it has time; what the judge made for this one goes at once.
    fn drop(&mut self) {
        let own = match self.stage.specimen.kind {
            Kind::Chained => format!("host{}", self.number),
            _ if self.stage.name == "host-device" => format!("dev{}", self.number),
            _ if self.stage.name == "dhcp" => {
                // Its other end goes with the port.
                let _ = self.pod.try_exec(&["ip", "link", "del", &self.ifname]);
                return;
            }
            _ => return,
        };
        // It may be gone already.
        let _ = self.stage.node.try_exec(&["ip", "link", "del", &own]);
    }
}

//! The network configuration: what an administrator says of the delegate, and what flannel alone may say.

use std::path::PathBuf;

use cni::{DecodeError, Request, Route, go};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Where flanneld writes, unless it is told otherwise.
const SUBNET_FILE: &str = "/run/flannel/subnet.env";

/// Where the delegates' configurations are kept, unless told otherwise.
pub(super) const DATA_DIR: &str = "/var/lib/cni/flannel";

/// What the delegate is unless the network says otherwise.
const BRIDGE: &str = "bridge";

/// The configuration, parsed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Conf {
    /// The network's name.
    pub(super) name: String,
    /// `cniVersion` as it was given; absent where it was not.
    pub(super) version: Option<String>,
    /// The file that flanneld writes.
    pub(super) subnet_file: PathBuf,
    /// The delegate's `type`.
    pub(super) kind: Kind,
    /// The delegate's other keys.
    pub(super) delegate: Map<String, Value>,
    /// The keys of the delegate's IPAM.
    pub(super) ipam: Map<String, Value>,
    /// Routes that go before those to the pod network.
    pub(super) routes: Vec<Route>,
    /// What the runtime passes on.
    pub(super) runtime_config: Option<Map<String, Value>>,
}

/// The delegate. Only a bridge is told to be the pods' gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `bridge`.
    Bridge,
    /// Another plugin.
    Other(String),
}

impl Kind {
    /// The plugin's name.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Bridge => BRIDGE,
            Self::Other(name) => name,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Keys {
    subnet_file: String,
    delegate: Map<String, Value>,
    ipam: Map<String, Value>,
    runtime_config: Option<Map<String, Value>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DataDir {
    data_dir: String,
}

impl Conf {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`DecodeError`], which names the key and its value.
    pub(super) fn parse(request: &Request) -> Result<Self, DecodeError> {
        data_dir(request)?;
        let Keys { subnet_file, mut delegate, ipam, runtime_config } = request.config.decode()?;
        for key in ["name", "ipam"] {
            if let Some(value) = delegate.get(key) {
                return Err(invalid(&format!("delegate.{key}"), value, "flannel sets it itself"));
            }
        }
        let kind = match name_of(&delegate).map_err(|error| error.under("delegate"))? {
            None | Some(BRIDGE) => Kind::Bridge,
            Some(other) => Kind::Other(other.to_owned()),
        };
        delegate.remove("type");
        name_of(&ipam).map_err(|error| error.under("ipam"))?;
        let routes = ipam.get("routes").map_or(Ok(Vec::new()), go::decode);
        let routes = routes.map_err(|error| error.under("routes").under("ipam"))?;
        let version = go::member(request.config.value(), "cniVersion").and_then(Value::as_str);
        Ok(Self {
            name: request.config.name.clone(),
            version: version.filter(|version| !version.is_empty()).map(str::to_owned),
            subnet_file: or_default(subnet_file, SUBNET_FILE),
            kind,
            delegate,
            ipam,
            routes,
            runtime_config,
        })
    }
}

/// `dataDir`: the directory of saved configurations. DEL and GC need nothing else to be right.
///
/// # Errors
/// [`DecodeError`] where it is no text.
pub(super) fn data_dir(request: &Request) -> Result<PathBuf, DecodeError> {
    let DataDir { data_dir } = request.config.decode()?;
    Ok(or_default(data_dir, DATA_DIR))
}

/// The `type` that an object names, if it does.
fn name_of(object: &Map<String, Value>) -> Result<Option<&str>, DecodeError> {
    match object.get("type") {
        None => Ok(None),
        Some(Value::String(name)) if !name.is_empty() && !name.contains('/') => Ok(Some(name)),
        Some(other) => Err(invalid("type", other, "expected the name of a plugin")),
    }
}

fn invalid(key: &str, value: &Value, reason: &str) -> DecodeError {
    DecodeError::Invalid { key: key.to_owned(), value: value.to_string(), reason: reason.to_owned() }
}

fn or_default(path: String, default: &str) -> PathBuf {
    if path.is_empty() { default.into() } else { path.into() }
}

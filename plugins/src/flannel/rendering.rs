//! The delegate's configuration, as flannel's own plugin fills it. Pure.

use cni::Route;
use ipnetwork::IpNetwork;
use serde_json::{Map, Value, json};

use super::conf::{Conf, Kind};
use super::subnet_env::SubnetEnv;
use super::text;

/// What the delegate reads, and what is saved of it. The keys of every object are sorted, but for those of a route.
pub(super) fn text(conf: &Conf, environment: &SubnetEnv) -> Vec<u8> {
    let mut delegate = conf.delegate.clone();
    let mut set = |key: &str, value: Value| delegate.insert(key.to_owned(), value);
    if let Some(passed_on) = &conf.runtime_config {
        set("runtimeConfig", passed_on.clone().into());
    }
    if let Some(version) = &conf.version {
        set("cniVersion", version.as_str().into());
    }
    set("name", conf.name.as_str().into());
    set("type", conf.kind.name().into());
    let mut preset = |key: &str, value: Value| {
        delegate.entry(key).or_insert(value);
    };
    preset("ipMasq", (!environment.ipmasq).into());
    preset("mtu", environment.mtu.into());
    if conf.kind == Kind::Bridge {
        preset("isGateway", true.into());
    }
    let mut delegate = Value::Object(delegate);
    delegate["ipam"] = ipam(conf, environment);
    delegate.sort_all_objects();
    // Behind the sorting.
    delegate["ipam"]["routes"] = routes(&conf.routes, &environment.networks);
    text::text(&delegate).into_bytes()
}

/// Ours or the administrator's, on this node's subnets. The routes are still to come.
fn ipam(conf: &Conf, environment: &SubnetEnv) -> Value {
    let mut ipam: Map<String, Value> = conf.ipam.clone();
    ipam.entry("type").or_insert_with(|| "host-local".into());
    let ranges = environment.subnets.iter().map(|subnet| json!([{ "subnet": subnet }]));
    ipam.insert("ranges".to_owned(), ranges.collect());
    ipam.insert("routes".to_owned(), Value::Null);
    ipam.into()
}

/// The administrator's, then those to the pod network.
fn routes(given: &[Route], networks: &[IpNetwork]) -> Value {
    let to_pods: Vec<_> = networks.iter().map(|network| Route::new(*network, None)).collect();
    given.iter().chain(&to_pods).map(|route| json!(route)).collect()
}

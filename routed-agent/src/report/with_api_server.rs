//! Reports to a real API server.

use sandbox::{ApiServer, NOBODY, Node as Machine};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::condition::{Availability, Failure};
use super::events::{Notice, Weight};
use super::reporter::{Reporter, Said};
use crate::client::Access;
use crate::node::{Annotations, Node, wire};

const PREFIX: &str = "flannel.alpha.coreos.com/";

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn reporter(kubeconfig: std::path::PathBuf) -> Reporter {
    Reporter::new(Access { kubeconfig: Some(kubeconfig), url: None }, PREFIX)
}

/// The Node as the source would tell it, and as the server has it.
fn seen(api: &ApiServer) -> (Node, Value) {
    let json = api.kubectl(&["get", "node", "n1", "-o=json"]).stdout;
    (wire::read(serde_json::from_str(&json).unwrap(), PREFIX), serde_json::from_str(&json).unwrap())
}

/// Its status and reason.
fn condition(own: &Node) -> Option<(&str, &str)> {
    own.unavailable.as_deref().map(|condition| (&*condition.status, &*condition.reason))
}

fn down() -> Availability {
    Availability::Down(Failure {
        reason: "NoPodCIDR".to_owned(),
        message: "this Node has no podCIDR yet".to_owned(),
    })
}

#[test]
fn annotations_and_condition_are_written_once_and_nothing_else_changes() {
    let machine = Machine::enter();
    let api = ApiServer::start(&machine);
    api.create_node("n1", "10.244.1.0/24", "192.0.2.1");
    api.kubectl(&["annotate", "node", "n1", "example.com/size=large"]);
    let (runtime, mut reporter) = (runtime(), reporter(api.kubeconfig()));
    let one_family: Annotations =
        [("backend-type", "vxlan"), ("public-ip", "192.0.2.1")].into_iter().collect();
    let wanted = one_family.with("public-ipv6", "2001:db8::1");

    let (own, before) = seen(&api);
    assert_eq!(runtime.block_on(reporter.annotate(&own, &wanted)).unwrap(), Said::Now);
    assert_eq!(runtime.block_on(reporter.set_condition(&own, &down())).unwrap(), Said::Now);
    let (own, _) = seen(&api);
    assert_eq!(own.annotations, wanted);
    assert_eq!(condition(&own), Some(("True", "NoPodCIDR")));
    assert_eq!(runtime.block_on(reporter.annotate(&own, &wanted)).unwrap(), Said::Before);
    assert_eq!(runtime.block_on(reporter.set_condition(&own, &down())).unwrap(), Said::Before);

    let wanted = one_family;
    assert_eq!(runtime.block_on(reporter.annotate(&own, &wanted)).unwrap(), Said::Now);
    assert_eq!(runtime.block_on(reporter.set_condition(&own, &Availability::Up)).unwrap(), Said::Now);
    let (own, after) = seen(&api);
    assert_eq!(own.annotations, wanted);
    assert_eq!(condition(&own), Some(("False", "TrestleIsUp")));
    assert_eq!(after["metadata"]["annotations"]["example.com/size"], "large");
    assert_eq!(after["spec"], before["spec"]);
    assert_eq!(after["status"]["addresses"], before["status"]["addresses"]);
    let patches = api.requests("trestle-routed-agent");
    assert!(patches.iter().all(|request| request.uri.starts_with("/api/v1/nodes/n1/status?")), "{patches:?}");
    assert_eq!(patches.len(), 4, "{patches:?}");
}

#[test]
fn events_are_told_of_each_thing_once_and_describe_shows_them() {
    let machine = Machine::enter();
    let api = ApiServer::start(&machine);
    api.create_node("n1", "10.244.1.0/24", "192.0.2.1");
    let (own, _) = seen(&api);
    let (runtime, mut reporter) = (runtime(), reporter(api.kubeconfig()));
    let mut publish = |route: &str| {
        let notice = Notice {
            weight: Weight::Warning,
            reason: "Undone",
            kind: "Route",
            name: route.to_owned(),
            note: format!("somebody removes the route {route}"),
        };
        runtime.block_on(reporter.publish(&own, &notice)).unwrap()
    };
    assert_eq!(publish("10.244.2.0/24"), Said::Now);
    assert_eq!(publish("10.244.3.0/24"), Said::Now);
    assert_eq!(publish("10.244.2.0/24"), Said::Before);
    let described = api.kubectl(&["describe", "node", "n1"]).stdout;
    for route in ["10.244.2.0/24", "10.244.3.0/24"] {
        assert_eq!(
            described.matches(&format!("somebody removes the route {route}")).count(),
            1,
            "{described}"
        );
    }
}

#[test]
fn a_refusal_names_what_was_written_and_a_later_try_reads_the_credentials_again() {
    let machine = Machine::enter();
    let api = ApiServer::start(&machine);
    api.create_node("n1", "10.244.1.0/24", "192.0.2.1");
    let (own, _) = seen(&api);
    let kubeconfig = std::path::PathBuf::from("/run/kubeconfig");
    let (runtime, mut reporter) = (runtime(), reporter(kubeconfig.clone()));
    let absent = runtime.block_on(reporter.set_condition(&own, &down())).unwrap_err().to_string();
    assert!(absent.contains("/run/kubeconfig"), "{absent}");
    std::fs::copy(api.kubeconfig_of(NOBODY), &kubeconfig).unwrap();
    let refused = runtime.block_on(reporter.set_condition(&own, &down())).unwrap_err().to_string();
    assert!(
        refused.starts_with(
            "writing the condition NetworkUnavailable of Node n1: the API server answers 403 Forbidden"
        ),
        "{refused}"
    );
    std::fs::copy(api.kubeconfig(), &kubeconfig).unwrap();
    assert_eq!(runtime.block_on(reporter.set_condition(&own, &down())).unwrap(), Said::Now);
}

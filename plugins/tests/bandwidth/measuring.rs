//! What passes, measured. A slow machine may send less than it is allowed to, never more.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use sandbox::{PATIENCE, Place};
use serde_json::json;

use crate::network::{GATEWAYS, bandwidth, ptp, with};
use crate::stage::Stage;

/// In bytes a second.
const RATE: u64 = 1_000_000;

/// In bytes.
const BURST: u64 = 50_000;

/// What is sent, in bytes.
const SENT: usize = 600_000;

/// More than what passes beside it, in bytes.
const ELSE: u64 = 100_000;

/// A connection: the client's end, and the server's.
pub(crate) fn connection(client: &impl Place, server: &impl Place, address: &str) -> [TcpStream; 2] {
    let address: IpAddr = address.parse().expect("an address");
    let listener = server.within(|| TcpListener::bind((address, 0))).expect("a listener");
    let target = SocketAddr::new(address, listener.local_addr().expect("its address").port());
    let client = client.within(|| TcpStream::connect_timeout(&target, PATIENCE)).expect("a connection");
    let (server, _) = listener.accept().expect("a connection");
    [client, server]
}

/// Sends so many bytes from one end to the other, and says how long that took until the last arrived.
pub(crate) fn pass([mut sender, mut receiver]: [TcpStream; 2], bytes: usize) -> Duration {
    receiver.set_read_timeout(Some(PATIENCE)).expect("a socket takes a timeout");
    let start = Instant::now();
    let arrived = thread::scope(|scope| {
        // The stream ends with the closure.
        scope.spawn(move || sender.write_all(&vec![0; bytes]));
        io::copy(&mut receiver, &mut io::sink()).expect("all arrives")
    });
    assert_eq!(usize::try_from(arrived), Ok(bytes));
    start.elapsed()
}

/// The time that so many bytes take at least.
#[track_caller]
fn limited(passed: u64, took: Duration) {
    let sent = u64::try_from(SENT).expect("it fits");
    assert!(passed > sent, "{passed} bytes with all headers, {sent} without");
    let least = Duration::from_micros((passed - BURST) * 1_000_000 / RATE).mul_f64(0.97);
    assert!(took >= least, "{passed} bytes passed in {took:?}, not in {least:?}");
}

// limits ingress traffic on veth device, and "when chaining bandwidth plugin with PTP"
#[test]
fn what_a_container_receives_is_limited_in_both_families() {
    let stage = Stage::new();
    let conf = bandwidth(&json!({ "ingressRate": 8 * RATE, "ingressBurst": 8 * BURST }));
    let [p1, p2] = [stage.attached("p1"), stage.attached_by("p2", &ptp("net1"))];
    for (one, families) in [(&p1, 2), (&p2, 1)] {
        let result = stage.add(one, &conf);
        for ip in &result["ips"].as_array().expect("ips")[..families] {
            let address = ip["address"].as_str().and_then(|text| text.split('/').next()).expect("an address");
            stage.node.ping(address);
            let before = stage.passed(one.host_end());
            let took = pass(connection(&stage.node, &one.pod, address), SENT);
            limited(stage.passed(one.host_end()) - before, took);
        }
        stage.check(one, &conf, &result).succeeded();
    }
    let whole = with(&conf, &json!({ "prevResult": p2.result }));
    stage.call_of("bandwidth", &p2.pod, &whole).command("DEL").run().succeeded();
    assert_eq!(stage.limit(p2.host_end()).0, "noqueue");
}

#[test]
fn what_a_container_sends_is_limited_in_both_families() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    stage.add(&p1, &bandwidth(&json!({ "egressRate": 8 * RATE, "egressBurst": 8 * BURST })));
    let device = &stage.devices()[0];
    for gateway in GATEWAYS {
        p1.pod.ping(gateway);
        let before = stage.passed(device);
        let took = pass(connection(&p1.pod, &stage.node, gateway), SENT);
        limited(stage.passed(device) - before, took);
    }
}

// limits traffic only on the restricted bandwidth veth device
#[test]
fn between_two_containers_both_limits_hold_and_a_third_has_none() {
    let stage = Stage::new();
    let [p1, p2, p3] = ["p1", "p2", "p3"].map(|name| stage.attached(name));
    let conf = bandwidth(&json!({ "ingressRate": 8 * RATE, "ingressBurst": 8 * BURST }));
    stage.add(&p1, &conf);
    let before = stage.passed(p1.host_end());
    p2.pod.ping(p1.addresses()[0]);
    let took = pass(connection(&p2.pod, &p1.pod, p1.addresses()[0]), SENT);
    limited(stage.passed(p1.host_end()) - before, took);
    let before = stage.passed(p1.host_end());
    pass(connection(&p2.pod, &p3.pod, p3.addresses()[1]), SENT);
    // Nothing of that passed the first one's limit.
    assert!(stage.passed(p1.host_end()) - before < ELSE);
}

//! SCTP: the first two packets of an association, each way through a mapped port.

use sandbox::{Sctp, SctpPacket};
use serde_json::json;

use crate::stage::{BACKENDS, NODE, ROUTER, Stage, ip, port};

#[test]
fn an_association_begins_by_a_mapped_port() {
    let stage = Stage::new();
    let mut one = stage.pod("one");
    for (backend, client_port) in BACKENDS.into_iter().zip([4000, 4001]) {
        one = stage.map(one, &json!([port(9000, 9001, "sctp")]), &json!({ "backend": backend }));
        for family in 0..2 {
            let client = Sctp::open(&stage.router, ip(ROUTER[family]));
            let server = Sctp::open(&one.pod, one.addresses()[family]);
            let init = SctpPacket { from: client_port, to: 9000, tag: 0, initiate: 7 };
            client.send(init, ip(NODE[family]));
            assert_eq!(server.receive().expect("INIT"), SctpPacket { to: 9001, ..init }, "{backend}");
            let answer = SctpPacket { from: 9001, to: client_port, tag: 7, initiate: 8 };
            server.send(answer, ip(ROUTER[family]));
            assert_eq!(client.receive().expect("INIT ACK"), SctpPacket { from: 9000, ..answer }, "{backend}");
        }
        stage.verb("CHECK", &one).succeeded();
        stage.verb("DEL", &one).succeeded();
    }
}

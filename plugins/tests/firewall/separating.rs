//! `ingressPolicy`: which containers reach each other.

use std::thread;

use serde_json::{Value, json};

use crate::stage::{Container, Stage};

/// Each pair's answers, of both families.
fn reach(pairs: &[(&Container, &Container)]) -> Vec<[bool; 2]> {
    let both = |(from, to): &(&Container, &Container)| {
        let answers = from.reaches_all(to);
        [answers[0], answers[1]]
    };
    thread::scope(|scope| {
        let asked: Vec<_> = pairs.iter().map(|pair| scope.spawn(|| both(pair))).collect();
        asked.into_iter().map(|asked| asked.join().expect("a ping")).collect()
    })
}

const YES: [bool; 2] = [true, true];
const NO: [bool; 2] = [false, false];

fn keys(policy: &str, backend: &str) -> Value {
    json!({ "ingressPolicy": policy, "backend": backend })
}

#[test]
fn containers_of_separated_bridges_do_not_reach_each_other() {
    for backend in ["nftables", "iptables"] {
        let stage = Stage::new();
        let same = keys("same-bridge", backend);
        let [a, b] = ["a", "b"].map(|name| stage.protected(name, 1, &same));
        let c = stage.protected("c", 2, &same);
        let open = stage.protected("open", 3, &keys("open", backend));
        assert_eq!(
            reach(&[(&a, &b), (&a, &c), (&c, &a), (&open, &a), (&c, &open)]),
            [YES, NO, NO, YES, YES],
            "{backend}\n{}{}",
            stage.tables(),
            stage.filters()
        );
        assert_eq!([&a, &b, &c].map(|one| stage.amiss(one, &same)), ["", "", ""], "{backend}");
    }
}

#[test]
fn isolated_containers_reach_no_other_container() {
    for backend in ["nftables", "iptables"] {
        let stage = Stage::new();
        let isolated = keys("isolated", backend);
        let [a, b] = ["a", "b"].map(|name| stage.protected(name, 1, &isolated));
        let c = stage.protected("c", 2, &isolated);
        let d = stage.protected("d", 3, &keys("same-bridge", backend));
        assert_eq!(
            reach(&[(&a, &b), (&b, &a), (&a, &c), (&c, &a), (&a, &d), (&d, &a)]),
            [NO; 6],
            "{backend}\n{}{}",
            stage.tables(),
            stage.filters()
        );
        // The node itself, and so the world, they do.
        assert!(a.reaches("10.1.1.1") && a.reaches("fd01:1::1"), "{backend}");
        assert_eq!([&a, &b, &c].map(|one| stage.amiss(one, &isolated)), ["", "", ""], "{backend}");
    }
}

#[test]
fn a_bridge_is_separated_as_long_as_a_container_asks_for_it() {
    for backend in ["nftables", "iptables"] {
        let stage = Stage::new();
        let same = keys("same-bridge", backend);
        // The chains and sets that stay.
        let first = stage.protected("first", 1, &same);
        stage.del(&first, &same);
        let before = (stage.tables(), stage.filters());
        let [a, b] = ["a", "b"].map(|name| stage.protected(name, 1, &same));
        let c = stage.protected("c", 2, &same);
        stage.del(&a, &same);
        assert_eq!(reach(&[(&b, &c), (&c, &b)]), [NO, NO], "{backend}");
        assert_eq!(stage.amiss(&b, &same), "", "{backend}");
        stage.del(&c, &same);
        stage.del(&b, &same);
        assert_eq!(reach(&[(&b, &c), (&c, &b)]), [YES, YES], "{backend}");
        assert_eq!((stage.tables(), stage.filters()), before, "{backend}");
    }
}

#[test]
fn a_drop_of_ours_is_final_where_iptables_accepts() {
    let stage = Stage::new();
    stage.exec("iptables-nft -P FORWARD DROP");
    let same = keys("same-bridge", "");
    let [a, b] = [stage.protected("a", 1, &same), stage.protected("b", 2, &same)];
    assert_eq!(reach(&[(&a, &b), (&b, &a)]), [NO, NO], "{}{}", stage.tables(), stage.filters());
    assert_eq!(stage.amiss(&a, &same), "");
}

#[test]
fn without_a_bridge_nothing_can_be_separated() {
    let stage = Stage::new();
    let mut one = stage.attached("one", 1);
    one.result.as_object_mut().expect("an object").remove("interfaces");
    for ip in one.result["ips"].as_array_mut().expect("ips") {
        ip.as_object_mut().expect("an object").remove("interface");
    }
    let error = stage.call(&one, &keys("same-bridge", "")).command("ADD").run().error();
    assert_eq!(error["code"], 7);
    assert!(error["msg"].as_str().is_some_and(|text| text.starts_with("ingressPolicy: ")), "{error}");
    stage.add(&one, &keys("open", ""));
}

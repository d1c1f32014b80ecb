//! Versions of configuration and plugin.

use cni::Version;
use expect_test::{Expect, expect};

use crate::stage::{Probe, call, config, variables};

fn refused(versions: &'static [Version], command: &str, stdin: &str, error: &Expect) {
    let probe = Probe { versions, ..Probe::default() };
    let outcome = call(&probe, &variables(command, &[]), stdin);
    assert_eq!((outcome.status, probe.calls.borrow().len()), (1, 0), "{outcome:?}");
    error.assert_eq(&outcome.stdout);
}

// P-020 P-075
#[test]
fn a_configuration_without_a_version_is_0_1_0() {
    for stdin in
        [r#"{"name":"net"}"#, r#"{"name":"net","cniVersion":""}"#, r#"{"name":"net","cniVersion":null}"#]
    {
        let probe = Probe::default();
        call(&probe, &variables("ADD", &[]), stdin);
        assert_eq!(probe.call().config.version, Version::V0_1_0, "{stdin}");
    }
    refused(
        &[Version::V0_4_0, Version::V1_0_0],
        "ADD",
        r#"{"name":"net"}"#,
        &expect![[r#"
            {
                "cniVersion": "1.0.0",
                "code": 1,
                "msg": "incompatible CNI versions",
                "details": "config is \"0.1.0\", plugin supports [\"0.4.0\" \"1.0.0\"]"
            }"#]],
    );
}

// P-021
#[test]
fn a_version_that_the_plugin_does_not_support_is_refused() {
    for command in ["ADD", "DEL"] {
        for version in ["9.9.9", "1.0", "nonsense"] {
            let outcome = call(&Probe::default(), &variables(command, &[]), &config(version));
            let details = format!(r#""details": "config is \"{version}\", plugin supports "#);
            assert!(outcome.stdout.contains(&details), "{outcome:?}");
        }
    }
    refused(
        Version::ALL,
        "ADD",
        &config("9.9.9"),
        &expect![[r#"
            {
                "cniVersion": "1.1.0",
                "code": 1,
                "msg": "incompatible CNI versions",
                "details": "config is \"9.9.9\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\" \"1.0.0\" \"1.1.0\"]"
            }"#]],
    );
}

// P-022
#[test]
fn a_version_that_must_be_compared_has_to_be_a_number() {
    for command in ["CHECK", "GC", "STATUS"] {
        refused(
            Version::ALL,
            command,
            &config("adsf"),
            &expect![[r#"
                {
                    "cniVersion": "1.1.0",
                    "code": 6,
                    "msg": "invalid version \"adsf\": \"adsf\" is not a number"
                }"#]],
        );
    }
}

// P-023
#[test]
fn an_operation_needs_a_configuration_and_a_plugin_that_know_it() {
    const OLD: &[Version] = &[Version::V0_2_0, Version::V0_3_1];
    for (versions, command, config_version, message) in [
        (Version::ALL, "CHECK", "0.3.1", "config version does not allow CHECK"),
        (Version::ALL, "GC", "1.0.0", "config version does not allow GC"),
        (Version::ALL, "STATUS", "1.0.0", "config version does not allow STATUS"),
        (OLD, "CHECK", "0.4.0", "plugin version does not allow CHECK"),
        (OLD, "GC", "1.1.0", "plugin version does not allow GC"),
        (OLD, "STATUS", "1.1.0", "plugin version does not allow STATUS"),
        (Version::ALL, "CHECK", "9.9.9", "plugin version does not allow CHECK"),
        (Version::ALL, "CHECK", "0.9.0", "incompatible CNI versions"),
    ] {
        let probe = Probe { versions, ..Probe::default() };
        let outcome = call(&probe, &variables(command, &[]), &config(config_version));
        assert!(outcome.stdout.contains(&format!("\"msg\": \"{message}\"")), "{outcome:?}");
        assert!(outcome.stdout.contains("\"code\": 1,"), "{outcome:?}");
        assert!(probe.calls.borrow().is_empty());
    }
}

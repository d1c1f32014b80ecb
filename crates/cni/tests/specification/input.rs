//! Stdin that is missing, broken or a person, and VERSION, which needs none.

use std::io::{self, Read};

use cni::{Input, Io, Version};
use expect_test::expect;

use crate::stage::{Outcome, Probe, call, variables};

/// A stdin that can't be read.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("banana"))
    }
}

fn call_with_stdin(command: &str, stdin: &mut dyn Read, input: Input) -> (u8, String) {
    let variables = variables(command, &[]);
    let environment =
        |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into());
    let mut stdout = Vec::new();
    let (environment, input) = (&environment, &|| input);
    let mut io = Io { environment, stdin, input, stdout: &mut stdout, stderr: &mut io::sink() };
    let status = cni::run(&Probe::default(), &mut io);
    (status, String::from_utf8(stdout).expect("stdout is UTF-8"))
}

// P-008
#[test]
fn a_configuration_that_can_not_be_read_is_an_input_error() {
    let (status, stdout) = call_with_stdin("ADD", &mut Broken, Input::Pipe);
    assert_eq!(status, 1);
    expect![[r#"
        {
            "cniVersion": "1.1.0",
            "code": 5,
            "msg": "error reading from stdin: banana"
        }"#]]
    .assert_eq(&stdout);
}

// P-024 P-049
#[test]
fn version_works_whatever_stdin_is() {
    let all = r#""supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}"#;
    for (stdin, version) in [
        ("", "1.1.0"),
        ("{}", "1.1.0"),
        ("nonsense", "1.1.0"),
        ("[]", "1.1.0"),
        (r#"{"cniVersion":""}"#, "1.1.0"),
        (r#"{"cniVersion":"1.1.0"}"#, "1.1.0"),
        (r#"{"cniVersion":"0.4.0"}"#, "0.4.0"),
        (r#"{"cniVersion":"9.9.9"} and more"#, "9.9.9"),
    ] {
        let answer = format!("{{\"cniVersion\":\"{version}\",{all}\n");
        let dummies = [
            ("CNI_COMMAND", "VERSION"),
            ("CNI_NETNS", "dummy"),
            ("CNI_IFNAME", "dummy"),
            ("CNI_PATH", "dummy"),
            ("CNI_CONTAINERID", ""),
        ];
        for variables in [&dummies[..1], &dummies[..]] {
            let outcome = call(&Probe::default(), variables, stdin);
            assert_eq!(outcome, Outcome { status: 0, stdout: answer.clone(), stderr: String::new() });
        }
    }
    let (status, stdout) = call_with_stdin("VERSION", &mut Broken, Input::Pipe);
    assert_eq!((status, stdout), (0, format!("{{\"cniVersion\":\"1.1.0\",{all}\n")));
}

// P-024
#[test]
fn version_does_not_wait_for_a_person() {
    struct Person;
    impl Read for Person {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("a terminal was read")
        }
    }
    assert_eq!(call_with_stdin("VERSION", &mut Person, Input::Terminal).0, 0);
}

// P-026
#[test]
fn version_tells_only_what_the_plugin_supports() {
    let probe = Probe { versions: &Version::ALL[4..], ..Probe::default() };
    let outcome = call(&probe, &[("CNI_COMMAND", "VERSION")], "");
    expect![[r#"
        {"cniVersion":"1.1.0","supportedVersions":["0.4.0","1.0.0","1.1.0"]}
    "#]]
    .assert_eq(&outcome.stdout);
}

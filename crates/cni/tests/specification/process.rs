//! A plugin as a process: the example that hands every operation to a delegate.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use expect_test::expect;

use crate::delegate::Directory;

const STDIN: &str = r#"{"cniVersion":"0.4.0","name":"net","type":"delegating","ipam":{"type":"it"}}"#;

/// Cargo builds the examples of a package before it runs all its tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its file");
    let target = test.parent().and_then(|deps| deps.parent()).expect("a test is in target/…/deps");
    let program = target.join("examples/delegating");
    assert!(program.is_file(), "the example is not built: run `cargo build -p cni --examples`");
    program
}

fn plugin(command: &str, directory: &Directory) -> Command {
    let mut process = Command::new(program());
    process.env("CNI_COMMAND", command).env("CNI_CONTAINERID", "c1").env("CNI_IFNAME", "eth0");
    process.env("CNI_NETNS", "/no/such/netns").env("CNI_PATH", directory.path());
    process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    process
}

fn call(process: &mut Command) -> Output {
    let mut child = process.spawn().expect("the example starts");
    child.stdin.take().expect("a pipe").write_all(STDIN.as_bytes()).expect("the example reads");
    child.wait_with_output().expect("the example ends")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

// P-001 P-050 P-051 P-053
#[test]
fn a_delegates_result_is_converted_and_its_stderr_passes_through() {
    let directory = Directory::new();
    directory.plugin("it", r#"echo "I hear $CNI_COMMAND" >&2; echo '{"ips":[{"address":"10.1.0.2/24"}]}'"#);
    let output = call(&mut plugin("ADD", &directory));
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), "I hear ADD\n"));
    expect![[r#"
        {
            "cniVersion": "0.4.0",
            "ips": [
                {
                    "version": "4",
                    "address": "10.1.0.2/24"
                }
            ],
            "dns": {}
        }"#]]
    .assert_eq(text(&output.stdout));
}

// P-002 P-051
#[test]
fn a_delegates_error_ends_the_plugin_with_the_same_code() {
    let directory = Directory::new();
    directory.plugin("it", r#"echo noise >&2; echo '{"code":117,"msg":"full","details":"/24"}'; exit 1"#);
    for command in ["ADD", "DEL", "CHECK"] {
        let output = call(&mut plugin(command, &directory));
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), "noise\n"));
        expect![[r#"
            {
                "cniVersion": "0.4.0",
                "code": 117,
                "msg": "full",
                "details": "/24"
            }"#]]
        .assert_eq(text(&output.stdout));
    }
}

// P-053
#[test]
fn an_ipam_result_without_an_address_fails_the_add() {
    let directory = Directory::new();
    directory.plugin("it", "echo '{}'");
    let output = call(&mut plugin("ADD", &directory));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains(r#""msg": "IPAM plugin returned missing IP config""#));
}

// P-064
#[test]
fn trace_variables_reach_the_delegate() {
    let directory = Directory::new();
    directory.plugin("it", r#"echo "$TRACEPARENT $CNI_COMMAND $CNI_CONTAINERID" >&2"#);
    let output = call(plugin("DEL", &directory).env("TRACEPARENT", "00-4bf9-01"));
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), "00-4bf9-01 DEL c1\n"));
}

// P-024
#[test]
fn version_works_without_any_stdin() {
    let answer = r#"{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}"#;
    for redirection in ["<&-", "</dev/null"] {
        let mut shell = Command::new("/bin/sh");
        shell
            .arg("-c")
            .arg(format!("exec \"$0\" {redirection}"))
            .arg(program())
            .env("CNI_COMMAND", "VERSION");
        let output = shell.stdin(Stdio::null()).output().expect("a shell");
        assert_eq!(
            (output.status.code(), text(&output.stdout), text(&output.stderr)),
            (Some(0), format!("{answer}\n").as_str(), ""),
        );
    }
}

// P-010
#[test]
fn a_person_gets_an_introduction() {
    let output = Command::new(program()).env_remove("CNI_COMMAND").stdin(Stdio::null()).output();
    let output = output.expect("the example starts");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), ""));
    assert!(text(&output.stderr).starts_with("CNI delegating plugin v"), "{output:?}");
}

// P-002
#[test]
fn an_answer_that_nobody_reads_is_a_failure_and_no_panic() {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg("exec \"$0\" >/dev/full").arg(program()).env("CNI_COMMAND", "VERSION");
    let output = shell.stdin(Stdio::null()).output().expect("a shell");
    assert_eq!(output.status.code(), Some(1));
    let expected = "delegating: the answer can't be written: No space left on device (os error 28)\n";
    assert_eq!(text(&output.stderr), expected);
}

//! Delegates: real programs in a directory of their own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use cni::{Code, Command, Config, Delegate, Failure, Request, Success};
use serde_json::json;

/// A directory that goes away with its value.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("trestle-cni-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a fresh directory");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a plugin: a shell script.
    pub(crate) fn plugin(&self, name: &str, script: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a script is made executable");
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).expect(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const STDIN: &str =
    "{ \"cniVersion\":\"1.0.0\",\n\t\"name\":\"net\", \"type\":\"bridge\", \"ipam\":{\"type\":\"it\"} }";

fn request(path: &[&Path]) -> Request {
    Request {
        command: Command::Add,
        container: "c1".into(),
        ifname: "eth0".into(),
        netns: None,
        args: String::new(),
        path: path.iter().map(|path| path.to_path_buf()).collect(),
        config: Config::parse(STDIN.as_bytes()).expect("a configuration"),
        stdin: STDIN.into(),
    }
}

/// What an ADD through a delegate of this script gives.
fn add(script: &str) -> Result<Success, Failure> {
    let directory = Directory::new();
    directory.plugin("it", script);
    let request = request(&[directory.path()]);
    Delegate::find("it", &request).expect("it is there").add(&request)
}

// P-014
#[test]
fn a_delegate_is_the_first_regular_file_of_its_name_in_the_path() {
    let [first, second, third] = [Directory::new(), Directory::new(), Directory::new()];
    fs::create_dir(first.path().join("it")).unwrap();
    let target = third.plugin("it", "true");
    symlink(&target, second.path().join("it")).unwrap();
    let missing = first.path().join("no-such-directory");
    let request = request(&[&missing, first.path(), second.path(), third.path()]);
    assert_eq!(Delegate::find("it", &request).unwrap().program(), second.path().join("it"));
}

// P-014
#[test]
fn a_delegate_that_can_not_be_found_is_told_in_the_words_of_the_reference() {
    for (kind, path, code, message) in [
        ("", &["/a"][..], Code::InvalidConfig, "no plugin name provided"),
        ("../it", &["/a"], Code::InvalidConfig, "invalid plugin name: ../it"),
        ("it", &[], Code::InvalidEnvironment, "no paths provided"),
        (
            "it",
            &["/no/a", "/no/b"],
            Code::InvalidEnvironment,
            r#"failed to find plugin "it" in path [/no/a /no/b]"#,
        ),
    ] {
        let path: Vec<_> = path.iter().map(Path::new).collect();
        let failure = Failure::from(Delegate::find(kind, &request(&path)).unwrap_err());
        assert_eq!((failure.code, failure.msg.as_str()), (code, message));
    }
}

/// One operation of a delegate.
type Call<'a> = &'a dyn Fn() -> Result<(), Failure>;

// P-050 P-051 P-064
#[test]
fn a_delegate_gets_the_whole_environment_with_another_command_and_the_configuration_to_the_byte() {
    let directory = Directory::new();
    directory.plugin("it", r#"cat > "$0.stdin"; env > "$0.env"; echo '{"cniVersion":"1.0.0"}'"#);
    let request = request(&[directory.path()]);
    let delegate = Delegate::find("it", &request).unwrap();
    let calls: [(&str, Call<'_>); 5] = [
        ("ADD", &|| delegate.add(&request).map(drop)),
        ("DEL", &|| delegate.del(&request)),
        ("CHECK", &|| delegate.check(&request)),
        ("GC", &|| delegate.gc(&request)),
        ("STATUS", &|| delegate.status(&request)),
    ];
    for (command, call) in calls {
        call().unwrap();
        assert_eq!(directory.read("it.stdin"), STDIN);
        let environment = directory.read("it.env");
        let has = |key: &str, value: &str| environment.lines().any(|line| line == format!("{key}={value}"));
        assert!(has("CNI_COMMAND", command), "{environment}");
        // The shell sets some itself.
        let shell = ["_", "PWD", "OLDPWD", "SHLVL"];
        let own = |(key, value): &(String, String)| {
            !key.starts_with("CNI_") && !shell.contains(&key.as_str()) && !value.contains('\n')
        };
        let own: Vec<_> = std::env::vars().filter(own).collect();
        assert!(own.iter().any(|(key, _)| key == "PATH"), "a test has a path");
        for (key, value) in own {
            assert!(has(&key, &value), "{key}={value} is missing in {environment}");
        }
    }
}

// P-027 P-053
#[test]
fn a_result_of_every_version_is_read() {
    for (result, version) in [
        (json!({"ip4": {"ip": "10.1.0.2/24", "gateway": "10.1.0.1"}}), "0.2.0"),
        (json!({"ips": [{"version": "4", "address": "10.1.0.2/24", "gateway": "10.1.0.1"}]}), "0.4.0"),
        (json!({"ips": [{"address": "10.1.0.2/24", "gateway": "10.1.0.1"}]}), "1.1.0"),
        (json!({"ips": [{"address": "10.1.0.2/24", "gateway": "10.1.0.1"}]}), ""),
    ] {
        let mut result = result;
        result["cniVersion"] = version.into();
        let success = add(&format!("cat > /dev/null; echo '{result}'")).unwrap();
        assert_eq!(success.ips[0].gateway, Some("10.1.0.1".parse().unwrap()), "{version}");
    }
    // P-027: without a version it is of the configuration's.
    let success = add(r#"echo '{"ips":[{"address":"fd00::2/64"}]}'"#).unwrap();
    assert_eq!(success.ips[0].address.to_string(), "fd00::2/64");
}

// P-051 P-080
#[test]
fn a_delegates_error_is_ours_with_code_message_and_details() {
    for (script, code, message, details) in [
        (
            r#"echo '{"cniVersion":"1.0.0","code":117,"msg":"pool is full","details":"10.1.0.0/24"}'; exit 3"#,
            Code::Other(117),
            "pool is full",
            "10.1.0.0/24",
        ),
        (r#"echo '{"code":11,"msg":"busy"}'; exit 1"#, Code::TryAgain, "busy", ""),
        (r#"echo '{"Code":7,"Msg":"wrong"}'; echo noise >&2; exit 1"#, Code::InvalidConfig, "wrong", ""),
        (r#"echo '{"msg":"codeless"}'; exit 1"#, Code::Internal, "codeless", ""),
    ] {
        let expected = Failure { code, msg: message.into(), details: details.into() };
        assert_eq!(add(script), Err(expected));
    }
}

// P-003 P-051
#[test]
fn a_delegate_that_does_not_answer_as_a_plugin_is_told_by_what_it_left() {
    for (script, code, message, details) in [
        ("exit 2", Code::Internal, "failed with no error message: exit status: 2", ""),
        (
            "echo trouble >&2; exit 1",
            Code::Internal,
            "failed with no error message: exit status: 1",
            "trouble",
        ),
        ("kill -9 $$", Code::Internal, "failed with no error message: signal: 9 (SIGKILL)", ""),
        (
            "echo Segmentation fault; exit 1",
            Code::Decode,
            r#"failed (exit status: 1), and this is no error object: "Segmentation fault""#,
            "",
        ),
        (
            "echo '{}'; exit 1",
            Code::Decode,
            r#"failed (exit status: 1), and this is no error object: "{}""#,
            "",
        ),
        ("true", Code::Decode, "succeeded without a result", ""),
        (
            "echo hello",
            Code::Decode,
            r#"succeeded, and this is no result: "hello": expected value at line 1 column 1"#,
            "",
        ),
        (
            r#"echo '{"ips":[{"address":"x"}]}'"#,
            Code::Decode,
            r#": result: ips[0].address: invalid value "x": invalid CIDR address"#,
            "",
        ),
        (
            r#"echo '{"cniVersion":"9.9.9"}'"#,
            Code::Decode,
            r#": result: unsupported CNI result version "9.9.9""#,
            "",
        ),
    ] {
        let failure = add(script).unwrap_err();
        assert!(failure.msg.starts_with("delegate \"/") && failure.msg.ends_with(message), "{failure}");
        assert_eq!((failure.code, failure.details.as_str()), (code, details), "{failure}");
    }
}

// P-081
#[test]
fn no_error_of_del_looks_like_something_that_is_gone() {
    for script in ["exit 2", "echo garbage; exit 1"] {
        let directory = Directory::new();
        directory.plugin("it", script);
        let request = request(&[directory.path()]);
        let failure = Delegate::find("it", &request).unwrap().del(&request).unwrap_err();
        let found = Failure::from(Delegate::find("other", &request).unwrap_err());
        for text in [failure.to_string(), found.to_string()] {
            assert!(!text.contains("not found") && !text.contains("no such file"), "{text}");
        }
    }
}

// P-050
#[test]
fn a_delegate_need_not_read_its_configuration() {
    let directory = Directory::new();
    directory.plugin("it", "exec <&-; exit 0");
    let mut request = request(&[directory.path()]);
    request.stdin = vec![b' '; 1 << 20];
    Delegate::find("it", &request).unwrap().del(&request).unwrap();
}

// P-050
#[test]
fn a_large_configuration_arrives_whole() {
    let directory = Directory::new();
    directory.plugin("it", r#"wc -c > "$0.size""#);
    let mut request = request(&[directory.path()]);
    request.stdin = vec![b' '; 1 << 20];
    Delegate::find("it", &request).unwrap().del(&request).unwrap();
    assert_eq!(directory.read("it.size").trim(), "1048576");
}

// P-015
#[test]
fn a_program_that_stays_busy_is_told_as_such() {
    let directory = Directory::new();
    let program = directory.path().join("it");
    fs::copy("/bin/true", &program).expect("a program to copy");
    let request = request(&[directory.path()]);
    let delegate = Delegate::find("it", &request).unwrap();
    let _writer = fs::OpenOptions::new().append(true).open(&program).unwrap();
    let failure = delegate.del(&request).unwrap_err();
    assert_eq!(failure.code, Code::Io);
    assert!(failure.msg.ends_with("can't be started: Text file busy (os error 26)"), "{failure}");
}

// P-052
#[test]
fn an_ipam_result_needs_no_interfaces() {
    let success = add(r#"echo '{"ips":[{"address":"10.1.0.2/24"}],"routes":[{"dst":"::/0"}]}'"#).unwrap();
    assert!(success.interfaces.is_empty() && success.require_ips().is_ok());
    assert!(add("echo '{}'").unwrap().require_ips().is_err());
}

//! Ways of breaking a plugin that many cases find: the shell that stands for it (see `Case::broken`).

/// CHECK finds nothing.
pub(super) const NO_CHECK: &str = r#"[ "$CNI_COMMAND" != CHECK ] || exit 0; real"#;

/// CHECK always fails.
pub(super) const ALARMED: &str = r#"[ "$CNI_COMMAND" != CHECK ] || exit 1; real"#;

/// DEL does nothing.
pub(super) const NO_DEL: &str = r#"[ "$CNI_COMMAND" != DEL ] || exit 0; real"#;

/// DEL always fails.
pub(super) const FAILING_DEL: &str = r#"[ "$CNI_COMMAND" != DEL ] || exit 1; real"#;

/// DEL leaves something.
pub(super) const FORGETS: &str =
    r#"[ "$CNI_COMMAND" != DEL ] || nft add table ip "left-$CNI_CONTAINERID"; real"#;

/// STATUS finds nothing.
pub(super) const NO_STATUS: &str = r#"[ "$CNI_COMMAND" != STATUS ] || exit 0; real"#;

/// GC does nothing.
pub(super) const NO_GC: &str = r#"[ "$CNI_COMMAND" != GC ] || exit 0; real"#;

/// No call fails.
pub(super) const CONTENT: &str = "real; exit 0";

/// What a runtime supplies is not heard.
pub(super) const NO_RUNTIME_CONFIG: &str = "jq -c 'del(.runtimeConfig)' | real";

/// What is killed leaves something; a call that comes to its end leaves nothing.
pub(super) const UNTIDY: &str = r#"t=/var/lib/cni/left-$$; : >"$t"; real; code=$?; rm "$t"; exit "$code""#;

/// What is killed is in everybody's way.
pub(super) const LOCKED: &str = r#"[ "$CNI_COMMAND" = ADD ] || { real; exit; }; t=/run/lock/broken; mkdir "$t" || exit 1; real; code=$?; rmdir "$t"; exit "$code""#;

//! Ways of breaking a plugin that several cases find, in the words of `broken/words.sh` (see `Case::broken`).

/// CHECK finds nothing.
pub(super) const NO_CHECK: &str = "on CHECK && exit 0; real";

/// CHECK always fails.
pub(super) const ALARMED: &str = "on CHECK && refuse 11; real";

/// DEL does nothing.
pub(super) const NO_DEL: &str = "on DEL && exit 0; real";

/// DEL leaves something.
pub(super) const FORGETS: &str = "on DEL && leave; real";

/// STATUS finds nothing.
pub(super) const NO_STATUS: &str = "on STATUS && exit 0; real";

/// GC does nothing.
pub(super) const NO_GC: &str = "on GC && exit 0; real";

/// ADD says that it succeeded when it did not.
pub(super) const ADD_NEVER_FAILS: &str = r#"out=$(real); code=$?; on ADD && [ "$code" != 0 ] && { echo '{"cniVersion":"1.0.0"}'; exit 0; }; printf %s "$out"; exit "$code""#;

/// ADD leaves the interface down.
pub(super) const CUT: &str =
    r#"real; code=$?; on ADD && within ip link set "$CNI_IFNAME" down; exit "$code""#;

/// What a runtime supplies is not heard.
pub(super) const NO_RUNTIME_CONFIG: &str = "hears 'del(.runtimeConfig)'";

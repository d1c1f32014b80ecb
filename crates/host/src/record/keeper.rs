//! Who keeps records: the interface plugins together, each chained plugin for itself. So one attachment has a record
//! with everybody who made something for it, and each plugin's DEL and GC touch nothing but their own.

/// Whose records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keeper {
    /// The interface plugins, for the attachment itself.
    Attachments,
    /// `portmap`.
    Portmap,
    /// `firewall`.
    Firewall,
    /// `bandwidth`.
    Bandwidth,
    /// `tuning`.
    Tuning,
    /// `sbr`.
    Sbr,
    /// `vrf`.
    Vrf,
}

impl Keeper {
    /// All, the chained plugins first: what they adjust is there as long as the attachment.
    pub const ALL: [Self; 7] = [
        Self::Portmap,
        Self::Firewall,
        Self::Bandwidth,
        Self::Tuning,
        Self::Sbr,
        Self::Vrf,
        Self::Attachments,
    ];

    /// Does it make anything on the host, or in the container alone?
    pub fn has_rules(self) -> bool {
        match self {
            Self::Attachments | Self::Portmap | Self::Firewall | Self::Bandwidth => true,
            Self::Tuning | Self::Sbr | Self::Vrf => false,
        }
    }

    /// The folder's name.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Attachments => "attachments",
            Self::Portmap => "portmap",
            Self::Firewall => "firewall",
            Self::Bandwidth => "bandwidth",
            Self::Tuning => "tuning",
            Self::Sbr => "sbr",
            Self::Vrf => "vrf",
        }
    }
}

//! How the store is, for states and metrics.

/// What the writer knows of its own trouble. Texts say what, where, and what next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// No room on the file system.
    pub disk_full: Option<String>,
    /// The file system that held the outbox is not mounted any more.
    pub gone: Option<String>,
    /// The file system takes no writes, or fails them.
    pub read_only: Option<String>,
    /// Records were found unreadable, lately.
    pub damaged: Option<String>,
    /// Inputs are left with the broker: payload bytes held, and whether the session is left.
    pub refusing: Option<String>,
    /// Tells that the session should be left until there is room.
    pub away: bool,
    /// Results shed so far, to see whether some are being shed.
    pub shed: u64,
    pub commits: u64,
    pub bytes: u64,
    pub max_bytes: u64,
    pub free_bytes: u64,
    pub journaled: u64,
}

//! The named policies by which units may be let go before they were scored.

/// Why units were shed: the label of the counter. Nothing is shed except under one of these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ShedPolicy {
    /// The pipeline's queue was full and its policy says to let go.
    QueueFull = 1,
    /// The daemon stopped and `drain_deadline_secs` passed before these were scored.
    DrainDeadline = 2,
    /// A reload removed the pipeline while these waited.
    PipelineRemoved = 3,
    /// The pipeline's thread died too often and is not begun again.
    PipelineClosed = 4,
}

impl ShedPolicy {
    /// Every policy, in the order documentation lists them.
    pub const ALL: [ShedPolicy; 4] = [
        ShedPolicy::QueueFull,
        ShedPolicy::DrainDeadline,
        ShedPolicy::PipelineRemoved,
        ShedPolicy::PipelineClosed,
    ];

    /// What stands for it on disk: it never changes its meaning, and none is used again.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its place in [`ShedPolicy::ALL`].
    pub fn place(self) -> usize {
        ShedPolicy::ALL.iter().position(|known| *known == self).unwrap_or_default()
    }

    /// The policy of a number, if this program knows it.
    pub fn of_number(number: u8) -> Option<ShedPolicy> {
        ShedPolicy::ALL.into_iter().find(|policy| policy.number() == number)
    }

    /// The name in metrics, status and logs.
    pub fn name(self) -> &'static str {
        match self {
            ShedPolicy::QueueFull => "queue_full",
            ShedPolicy::DrainDeadline => "drain_deadline",
            ShedPolicy::PipelineRemoved => "pipeline_removed",
            ShedPolicy::PipelineClosed => "pipeline_closed",
        }
    }
}

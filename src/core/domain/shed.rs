//! The named policies by which units may be let go before they were scored.

/// Why units were shed: the label of the counter. Nothing is shed except under one of these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ShedPolicy {
    /// The pipeline's queue was full and its policy says to let go.
    QueueFull,
    /// The daemon stopped and `drain_deadline_secs` passed before these were scored.
    DrainDeadline,
    /// A reload removed the pipeline while these waited.
    PipelineRemoved,
    /// The pipeline's thread died too often and is not begun again.
    PipelineClosed,
}

impl ShedPolicy {
    /// Every policy, in the order documentation lists them.
    pub const ALL: [ShedPolicy; 4] = [
        ShedPolicy::QueueFull,
        ShedPolicy::DrainDeadline,
        ShedPolicy::PipelineRemoved,
        ShedPolicy::PipelineClosed,
    ];

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

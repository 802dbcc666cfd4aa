//! Why a reading was not scored: a closed list, so that counters have bounded names.

use std::fmt;

macro_rules! reasons {
    ($($variant:ident = $number:literal $name:literal $doc:literal,)*) => {
        /// The reason of a rejection: the label of the counter and of the error message.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Reason { $(#[doc = $doc] $variant = $number,)* }

        impl Reason {
            /// Every reason, in the order documentation lists them.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant,)*];

            /// The name in metrics, status and error messages.
            pub fn name(self) -> &'static str {
                match self { $(Reason::$variant => $name,)* }
            }

            /// What stands for it on disk: it never changes its meaning, and none is used again.
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// Its place in [`Reason::ALL`].
            pub fn place(self) -> usize {
                Reason::ALL.iter().position(|known| *known == self).unwrap_or_default()
            }

            /// The reason of a number, if this program knows it.
            pub fn of_number(number: u8) -> Option<Reason> {
                Reason::ALL.iter().copied().find(|reason| reason.number() == number)
            }

            /// One sentence for documentation.
            pub fn meaning(self) -> &'static str {
                match self { $(Reason::$variant => $doc,)* }
            }
        }
    };
}

reasons! {
    MalformedPayload = 1 "malformed_payload" "The payload is not the declared format (broken JSON, CSV or UTF-8).",
    MissingField = 2 "missing_field" "A field the model needs is absent or null and has no default.",
    WrongType = 3 "wrong_type" "A field has another type than declared, for example text instead of a number.",
    NotFinite = 4 "not_finite" "A value is NaN or infinite, or becomes so in the model's number type.",
    OutOfRange = 5 "out_of_range" "A value does not fit the model's integer type.",
    WrongLength = 6 "wrong_length" "An array, row or raw payload has another length than the model's input.",
    TooLarge = 7 "too_large" "The payload is larger than the pipeline's `max_payload_bytes`.",
    BadImage = 8 "bad_image" "The image is truncated, of an unknown format, or beyond the pixel limit.",
    BadSource = 9 "bad_source" "The source is absent or can't be part of a topic (wildcards, slashes, control characters).",
    TooManySources = 10 "too_many_sources" "A new source arrived while all `max_sources` places are taken by live ones.",
    OutputNotFinite = 11 "output_not_finite" "The model answered NaN or an infinity.",
    ModelFailed = 12 "model_failed" "The engine refused or failed to run the model on this input.",
    ModelPanicked = 13 "model_panicked" "The engine panicked on this input; the daemon goes on.",
    BadTime = 14 "bad_time" "The event's own time is absent or none that can be read, and a window needs it.",
    Late = 15 "late" "All windows of the reading's own time are closed already.",
    GapInWindow = 16 "gap_in_window" "The window has a hole between readings, and is declared to be rejected then.",
    TooFewReadings = 17 "too_few_readings" "The window holds fewer readings than a step of its preparation needs.",
    WindowFull = 18 "window_full" "The source has as many readings in open windows as it may.",
    WorkerDied = 19 "worker_died" "The pipeline's thread died while it had this message; it was begun again.",
    StateNotFinite = 20 "state_not_finite" "What the model left for the source's next message is NaN or infinite; the source begins anew.",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One rejected reading: the reason to count, and what was wrong and where, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub reason: Reason,
    /// What was wrong and where, such as ``field `machine.temperature` is text, not a number``.
    pub detail: String,
}

impl Rejection {
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Rejection { reason, detail: detail.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

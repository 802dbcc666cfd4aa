//! What the data scientist knows, declared: how a payload becomes tensors and what to make of the
//! answer. The same declaration stands in a bundle and, for a bare `.onnx`, in the configuration.

mod decide;
mod given;
mod image;
mod infer;
mod outputs;
mod path;
mod prepare;
mod read;
mod sizes;
mod steps;
mod window;

pub use decide::{Boxes, DetectionSpec, ScoreSpec, Smooth, TextSpec};
pub use infer::infer;
pub use path::{FieldPath, Scope};
pub use prepare::{
    EwmStatistic, FieldRef, FillPolicy, FrameSpec, LogBase, LogSpec, MelFront, MfccSpec, Named,
    PREPARE_VERSION, PrepareSpec, SeriesSpec, StepKind, StepSpec, StftOutput, WelchSpec, ZScore,
};
pub use read::{merge_conditions, read_spec};
pub use sizes::{BatchAxis, Length, SizeSpec, read_sizes};
pub use steps::STEPS;
pub use window::{CountSpec, Extent, GapSpec, OnGap, ResampleSpec, TimeSpec, WindowLayout, WindowSpec};

use crate::{
    decide::{Anomaly, HoldRule},
    domain::ElementType,
    vision::ImageOptions,
};

/// The whole declaration. An empty one leaves everything to [`infer`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spec {
    pub payload: PayloadSpec,
    pub inputs: Vec<InputSpec>,
    pub window: Option<WindowSpec>,
    pub prepare: Option<PrepareSpec>,
    pub outputs: Vec<OutputSpec>,
    pub conditions: Vec<ConditionSpec>,
    /// Of the model's free dimensions.
    pub sizes: Vec<SizeSpec>,
    pub batch_axis: BatchAxis,
    pub states: Vec<StateSpec>,
}

/// An output of one unit that is an input of the next one of its source.
#[derive(Debug, Clone, PartialEq)]
pub struct StateSpec {
    pub name: String,
    /// The tensors' names in the model.
    pub input: String,
    pub output: String,
    /// What a source begins with: a number everywhere, or one for each element.
    pub initial: Vec<f64>,
    pub shape: Vec<usize>,
    /// It begins anew after such a time, the events' own, without a unit.
    pub reset_after_ns: Option<i64>,
    /// It begins anew when this field of the message is another than before.
    pub reset_on: Option<FieldPath>,
    /// Begins anew with a reading in which this field is true.
    pub reset_when: Option<FieldPath>,
}

/// The format of a message's payload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Json,
    /// One reading a line; `columns` name the cells.
    Csv,
    /// Little-endian elements of one type, no header.
    Raw,
    /// A JPEG or PNG file.
    Image,
}

impl Format {
    pub const NAMES: [(&'static str, Format); 4] =
        [("json", Format::Json), ("csv", Format::Csv), ("raw", Format::Raw), ("image", Format::Image)];

    pub fn name(self) -> &'static str {
        Format::NAMES.iter().find(|(_, format)| *format == self).map_or("json", |(name, _)| name)
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct PayloadSpec {
    pub format: Format,
    /// JSON: where an array of readings stands in one message; each is a unit of its own.
    pub readings: Option<FieldPath>,
    /// Where the event's own time stands, copied to the verdict as it was told.
    pub time: Option<FieldPath>,
    pub time_format: TimeFormat,
    /// Where the sender's own message id stands.
    pub message_id: Option<FieldPath>,
    /// CSV: the columns' names in order.
    pub columns: Vec<String>,
    /// CSV: the separator, a comma by default.
    pub delimiter: Option<u8>,
}

/// How the event's own time is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TimeFormat {
    /// Text is ISO 8601; a number's unit is told by its size.
    #[default]
    Auto,
    Iso8601,
    EpochSecs,
    EpochMillis,
    EpochMicros,
    EpochNanos,
}

impl TimeFormat {
    pub const NAMES: [(&'static str, TimeFormat); 6] = [
        ("auto", TimeFormat::Auto),
        ("iso8601", TimeFormat::Iso8601),
        ("epoch_secs", TimeFormat::EpochSecs),
        ("epoch_millis", TimeFormat::EpochMillis),
        ("epoch_micros", TimeFormat::EpochMicros),
        ("epoch_nanos", TimeFormat::EpochNanos),
    ];

    /// Nanoseconds of a declared number's unit.
    pub fn unit_ns(self) -> Option<i64> {
        match self {
            TimeFormat::Auto | TimeFormat::Iso8601 => None,
            TimeFormat::EpochSecs => Some(1_000_000_000),
            TimeFormat::EpochMillis => Some(1_000_000),
            TimeFormat::EpochMicros => Some(1000),
            TimeFormat::EpochNanos => Some(1),
        }
    }
}

/// How one input tensor of the model is filled.
#[derive(Debug, Clone, PartialEq)]
pub struct InputSpec {
    /// The tensor's name in the model.
    pub tensor: String,
    pub source: InputSource,
    /// What a reading brings, where it is prepared.
    pub series: Option<SeriesSpec>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum InputSource {
    /// One value a field, in the tensor's order.
    Fields(Vec<FieldSpec>),
    /// An array of numbers, nested or flat, in row-major order.
    Array {
        path: FieldPath,
        scaling: Scaling,
    },
    /// The whole raw payload.
    Raw {
        element: ElementType,
        scaling: Scaling,
    },
    Image(ImageOptions),
    /// A number everywhere, or nested numbers flattened in row-major order with the lengths of their levels.
    Constant {
        values: Vec<f64>,
        shape: Vec<usize>,
    },
    /// How long an axis of another input is: the named one, or the only free one.
    SizeOf {
        input: String,
        axis: Option<usize>,
    },
    /// What the unit of the source before left: a [`StateSpec`] says what.
    State,
}

impl InputSource {
    /// Whether messages bring what fills it.
    pub fn is_of_messages(&self) -> bool {
        !matches!(self, InputSource::Constant { .. } | InputSource::SizeOf { .. } | InputSource::State)
    }
}

/// `value * scale + offset`, in f64, before the cast to the tensor's type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scaling {
    pub scale: f64,
    pub offset: f64,
}

impl Default for Scaling {
    fn default() -> Self {
        Scaling { scale: 1.0, offset: 0.0 }
    }
}

impl Scaling {
    pub fn apply(self, value: f64) -> f64 {
        if self == Scaling::default() { value } else { value * self.scale + self.offset }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FieldSpec {
    pub path: FieldPath,
    pub kind: FieldKind,
    pub scaling: Scaling,
    pub missing: Missing,
}

/// What a field must be in the payload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FieldKind {
    #[default]
    Number,
    /// `true` is 1, `false` is 0.
    Boolean,
    /// For inputs of element type string only.
    Text,
}

impl FieldKind {
    pub const NAMES: [(&'static str, FieldKind); 3] =
        [("number", FieldKind::Number), ("boolean", FieldKind::Boolean), ("text", FieldKind::Text)];
}

/// What a missing or null field does.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Missing {
    #[default]
    Reject,
    /// This value instead, before scaling.
    Constant(f64),
    /// The last value this source sent; rejected until there is one.
    LastKnown,
    /// A hole in the series, for a step of `[prepare]` to fill.
    Nan,
}

/// A named output of the verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputSpec {
    pub name: String,
    /// The model's output it is made from.
    pub tensor: String,
    pub kind: OutputKind,
    /// What is done to the scores first.
    pub scores: ScoreSpec,
    pub smooth: Option<Smooth>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum OutputKind {
    /// A class: text as the model says it, or a number looked up in `labels` (may be empty). With
    /// `argmax`, the class of the highest of a row of scores.
    Label { labels: Vec<String>, argmax: bool },
    /// A probability for each class, all or the `top_k` highest.
    Probabilities { labels: Vec<String>, top_k: Option<usize> },
    /// One number, at `index` of the row.
    Value { index: usize },
    /// The whole row.
    Vector,
    /// The whole row with its shape.
    Tensor,
    /// How far the output is from the input tensor `input`: for autoencoders.
    ReconstructionError { input: Option<String>, metric: Metric },
    /// The `k` highest scores with their classes, the highest first.
    TopK { labels: Vec<String>, k: usize },
    /// Objects with their boxes, in pixels of the image as sent.
    Detections(Box<DetectionSpec>),
    /// Text read by connectionist temporal classification.
    Text(TextSpec),
    /// How far the row is from a frozen reference.
    Anomaly(Anomaly),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Metric {
    /// Mean of the squared differences.
    #[default]
    Mse,
    /// Its square root.
    Rmse,
    /// Mean of the absolute differences.
    Mae,
}

impl Metric {
    pub const NAMES: [(&'static str, Metric); 3] =
        [("mse", Metric::Mse), ("rmse", Metric::Rmse), ("mae", Metric::Mae)];
}

/// A named condition on an output, such as `anomaly: score > 0.8`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConditionSpec {
    pub name: String,
    pub output: String,
    /// Which class of a `probabilities` output; which objects of a `detections` output count.
    pub label: Option<String>,
    /// Which element of a `vector` output.
    pub index: Option<usize>,
    pub operator: Operator,
    pub value: Threshold,
    /// Once true it stays true until the value is this far back over the threshold; per source.
    pub hysteresis: f64,
    /// How long it must have held before it is true; per source.
    pub hold: HoldRule,
    /// Of a `detections` output: objects surer than this are counted.
    pub confidence: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Threshold {
    Number(f64),
    Text(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
    NotEqual,
}

impl Operator {
    pub const NAMES: [(&'static str, Operator); 6] = [
        (">", Operator::Above),
        (">=", Operator::AtLeast),
        ("<", Operator::Below),
        ("<=", Operator::AtMost),
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
    ];
}

//! Reading `[prepare]` from settings.

use super::{
    EwmStatistic, FieldRef, FillPolicy, FrameSpec, LogBase, LogSpec, MelFront, MfccSpec, Named,
    PREPARE_VERSION, PrepareSpec, StepKind, StepSpec, StftOutput, WelchSpec, WindowLayout, ZScore,
};
use crate::{
    settings::{Item, Section, Value},
    signal::{
        BadParameter,
        series::{ExponentialSpec, Fill, Statistic},
        spectra::{Average, Band, DecibelSpec, Detrend, Edges, Scaling, Symmetry, Taper},
    },
};

/// Largest count a step may be given.
const MAX_COUNT: u64 = 1 << 24;

/// Reads `[prepare]`; faults are noted there.
pub(super) fn read_prepare(section: Section<'_>) -> Option<PrepareSpec> {
    if !section.is_present() {
        return None;
    }
    match section.integer("version", 1..=u64::MAX) {
        Some(version) if version > PREPARE_VERSION => {
            let reason =
                format!("is newer than this program knows the steps of ({PREPARE_VERSION}); update edgeward");
            section.fault("version", reason);
            return None;
        }
        None if !section.has("version") => {
            let reason = format!("is missing: the version of the steps' meaning, {PREPARE_VERSION}");
            section.fault("version", reason);
        }
        _ => {}
    }
    let layout = section.choice("layout", &WindowLayout::NAMES);
    let items = section.items("steps").unwrap_or_default();
    let steps = items.into_iter().filter_map(|item| match item {
        Item::Section(section) => read_step(section),
        Item::Text(text, place) => {
            section.fault("steps", format!("{} is {text:?}, must be a table with `step`", place.path()));
            None
        }
    });
    let steps = steps.collect();
    section.finish();
    Some(PrepareSpec { layout, steps })
}

fn read_step(section: Section<'_>) -> Option<StepSpec> {
    let key = section.place().path().to_owned();
    let input = section.text("input");
    let fields = read_fields(&section);
    let name = section.required_text("step", "what the step does, such as \"difference\"");
    let step = Step(&section);
    let kind = match name.as_deref() {
        None => return None,
        Some("difference") => Some(step.difference()),
        Some("lag") => step.lag(),
        Some("rolling") => step.rolling(),
        Some("ewm") => step.ewm(),
        Some("z_score") => step.z_score(),
        Some("fill") => step.fill(),
        Some("statistics") => step.statistics(),
        Some("detrend") => Some(StepKind::Detrend(step.detrend("kind", Detrend::Constant))),
        Some("log") => step.log(),
        Some("decibels") => step.decibels().map(StepKind::Decibels),
        Some("fft") => Some(step.fft()),
        Some("welch") => step.welch(),
        Some("bands") => step.bands(),
        Some("envelope") => Some(StepKind::Envelope { rate_hz: step.rate(), band: step.band() }),
        Some("envelope_spectrum") => Some(StepKind::EnvelopeSpectrum {
            rate_hz: step.rate(),
            band: step.band(),
            taper: step.taper(Taper::Rectangular),
        }),
        Some("stft") => step.frames(None).map(|frames| StepKind::Stft {
            frames,
            output: section.choice("output", &StftOutput::NAMES).unwrap_or_default(),
            rate_hz: step.rate(),
        }),
        Some("mel") => step.mel(false, false),
        Some("log_mel") => step.mel(true, false),
        Some("mfcc") => step.mel(true, true),
        Some(other) => {
            section.fault_suggesting("step", "is not a step", other, STEPS);
            // Its other keys belong to a step that isn't known.
            return None;
        }
    };
    section.finish();
    Some(StepSpec { key, input, fields, kind: kind? })
}

/// Every step's name.
pub const STEPS: [&str; 19] = [
    "difference",
    "lag",
    "rolling",
    "ewm",
    "z_score",
    "fill",
    "statistics",
    "detrend",
    "log",
    "decibels",
    "fft",
    "welch",
    "bands",
    "envelope",
    "envelope_spectrum",
    "stft",
    "mel",
    "log_mel",
    "mfcc",
];

fn read_fields(section: &Section<'_>) -> Vec<FieldRef> {
    let Some(node) = section.any("fields") else { return Vec::new() };
    let Value::Array(items) = &node.value else {
        section.fault("fields", "must be an array of features: their numbers, from 0, or names");
        return Vec::new();
    };
    let mut fields = Vec::new();
    for item in items {
        match &item.value {
            Value::Text(name) => fields.push(FieldRef::Name(name.clone())),
            Value::Integer(index) if *index >= 0 => {
                fields.push(FieldRef::Index(usize::try_from(*index).unwrap_or(usize::MAX)));
            }
            other => {
                section.fault("fields", format!("holds {}, must be numbers from 0, or names", other.kind()));
            }
        }
    }
    if items.is_empty() {
        section.fault("fields", "is empty: leave it out for all features");
    }
    fields
}

struct Step<'s, 'a>(&'s Section<'a>);

impl Step<'_, '_> {
    fn count(&self, key: &str, least: u64) -> Option<usize> {
        self.0.integer(key, least..=MAX_COUNT).and_then(|n| usize::try_from(n).ok())
    }

    /// A count that must be there.
    fn needed(&self, key: &str, what: &str) -> Option<usize> {
        let count = self.count(key, 1);
        if count.is_none() && !self.0.has(key) {
            self.0.fault(key, format!("is missing: {what}"));
        }
        count
    }

    fn flag(&self, key: &str, default: bool) -> bool {
        self.0.boolean(key).unwrap_or(default)
    }

    fn bad(&self, bad: &BadParameter) {
        self.0.fault(bad.name, bad.reason.clone());
    }

    fn rate(&self) -> Option<f64> {
        let rate = self.0.number("rate_hz");
        if rate.is_some_and(|rate| rate <= 0.0) {
            self.0.fault("rate_hz", "must be above 0");
        }
        rate.filter(|rate| *rate > 0.0)
    }

    fn taper(&self, default: Taper) -> Taper {
        self.0.choice("window", &Taper::NAMES).unwrap_or(default)
    }

    fn detrend(&self, key: &str, default: Detrend) -> Detrend {
        self.0.choice(key, &Detrend::NAMES).unwrap_or(default)
    }

    fn band(&self) -> Option<Band> {
        let edges = self.0.numbers("band_hz")?;
        let &[low_hz, high_hz] = edges.as_slice() else {
            self.0.fault("band_hz", "must be two frequencies: from, and up to");
            return None;
        };
        Some(Band { low_hz, high_hz })
    }

    fn difference(&self) -> StepKind {
        StepKind::Difference {
            order: self.count("order", 1).unwrap_or(1),
            periods: self.count("periods", 1).unwrap_or(1),
        }
    }

    fn lag(&self) -> Option<StepKind> {
        let numbers = self.0.numbers("lags");
        if numbers.is_none() && !self.0.has("lags") {
            self.0.fault("lags", "is missing: how many readings ago, such as [1, 2]");
        }
        let numbers = numbers?;
        let whole = |x: &f64| *x >= 1.0 && *x <= MAX_COUNT as f64 && x.fract() == 0.0;
        if numbers.is_empty() || !numbers.iter().all(whole) {
            self.0.fault("lags", "must be whole numbers from 1");
            return None;
        }
        let lags = numbers.into_iter().map(|x| x as usize).collect();
        Some(StepKind::Lag { lags, keep: self.flag("keep", true) })
    }

    /// The statistics under `key`.
    fn named(&self, key: &str) -> Option<Vec<Named<Statistic>>> {
        let names = self.0.texts(key);
        if names.is_none() && !self.0.has(key) {
            self.0.fault(key, "is missing: which statistics, such as [\"mean\", \"std\"]");
        }
        let mut of = Vec::new();
        for name in names? {
            match Statistic::from_name(&name) {
                Some(value) => of.push(Named { name, value }),
                None => {
                    let known: Vec<&str> = Statistic::NAMES.iter().map(|(name, _)| *name).collect();
                    let reason =
                        format!("holds `{name}`, must be {} or a quantile such as q0.9", known.join(", "));
                    self.0.fault_suggesting(key, reason, &name, known);
                }
            }
        }
        if of.is_empty() {
            self.0.fault(key, "names no statistic");
            return None;
        }
        Some(of)
    }

    fn rolling(&self) -> Option<StepKind> {
        let window = self.needed("window", "how many readings are looked at together");
        let of = self.named("statistics");
        let (min_periods, ddof) = (self.count("min_periods", 1), self.count("ddof", 0).unwrap_or(1));
        let keep = self.flag("keep", false);
        Some(StepKind::Rolling { window: window?, min_periods, of: of?, ddof, keep })
    }

    fn statistics(&self) -> Option<StepKind> {
        let of = self.named("statistics");
        let (ddof, bias) = (self.count("ddof", 0).unwrap_or(0), self.flag("bias", true));
        Some(StepKind::Statistics { of: of?, ddof, bias })
    }

    fn ewm(&self) -> Option<StepKind> {
        let ways = ["alpha", "span", "halflife", "com"];
        let given: Vec<(&str, f64)> =
            ways.into_iter().filter_map(|key| Some((key, self.0.number(key)?))).collect();
        let alpha = match given.as_slice() {
            [("span", span)] if *span >= 1.0 => Some(2.0 / (span + 1.0)),
            [("halflife", half)] if *half > 0.0 => Some(1.0 - (-std::f64::consts::LN_2 / half).exp()),
            [("com", com)] if *com >= 0.0 => Some(1.0 / (1.0 + com)),
            [("alpha", alpha)] => Some(*alpha),
            [(key, _)] => {
                self.0.fault(
                    key,
                    "must be at least 1 for `span`, above 0 for `halflife`, not negative for `com`",
                );
                None
            }
            _ => {
                self.0.fault("alpha", "or one of `span`, `halflife` and `com` must be there, and only one");
                None
            }
        };
        let spec = alpha.and_then(|alpha| ExponentialSpec::new(alpha).map_err(|bad| self.bad(&bad)).ok());
        let (adjust, ignore_na) = (self.flag("adjust", true), self.flag("ignore_na", false));
        let bias = self.flag("bias", false);
        let of = self.0.choice("statistic", &EwmStatistic::NAMES).unwrap_or_default();
        let running = self.0.choice("over", &[("window", false), ("source", true)]).unwrap_or(false);
        Some(StepKind::Ewm { spec: ExponentialSpec { adjust, ignore_na, bias, ..spec? }, of, running })
    }

    fn z_score(&self) -> Option<StepKind> {
        let (mean, std) = (self.0.numbers("mean"), self.0.numbers("std"));
        let ddof = self.count("ddof", 0);
        let over = self.0.choice("over", &[("training", 0), ("window", 1), ("source", 2)]).unwrap_or(0);
        let frozen = mean.is_some() || std.is_some();
        if over != 0 && frozen {
            self.0.fault("mean", "and `std` are for `over = \"training\"`; here they are computed");
        }
        Some(StepKind::ZScore(match over {
            1 => ZScore::Window { ddof: ddof.unwrap_or(0) },
            2 => ZScore::Running { ddof: ddof.unwrap_or(0) as u64 },
            _ => {
                if !frozen {
                    let reason = "and `std` are missing: of the training data; or say `over = \"window\"` or \"source\"";
                    self.0.fault("mean", reason);
                }
                let (mean, std) = (mean?, std?);
                if mean.is_empty() || mean.len() != std.len() {
                    self.0.fault("std", "must have as many numbers as `mean`, at least one");
                    return None;
                }
                if std.iter().any(|std| *std < 0.0) {
                    self.0.fault("std", "must not be negative");
                }
                ZScore::Frozen { mean, std }
            }
        }))
    }

    fn fill(&self) -> Option<StepKind> {
        #[derive(Clone, Copy)]
        enum Policy {
            Constant,
            Previous,
            Linear,
            Mean,
            Drop,
            Reject,
        }
        let policies = [
            ("constant", Policy::Constant),
            ("previous", Policy::Previous),
            ("linear", Policy::Linear),
            ("mean", Policy::Mean),
            ("drop", Policy::Drop),
            ("reject", Policy::Reject),
        ];
        let policy = self.0.choice("method", &policies);
        if policy.is_none() && !self.0.has("method") {
            self.0.fault("method", "is missing: constant, previous, linear, mean, drop or reject");
        }
        let (value, limit) = (self.0.number("value"), self.count("limit", 1));
        Some(StepKind::Fill(match policy? {
            Policy::Constant => {
                if value.is_none() && !self.0.has("value") {
                    self.0.fault("value", "is missing: what stands in for a missing value");
                }
                FillPolicy::With(Fill::Constant(value?))
            }
            Policy::Previous => FillPolicy::With(Fill::Previous { limit }),
            Policy::Linear => FillPolicy::With(Fill::Linear),
            Policy::Mean => FillPolicy::With(Fill::Mean),
            Policy::Drop => FillPolicy::Drop,
            Policy::Reject => FillPolicy::Reject,
        }))
    }

    fn log(&self) -> Option<StepKind> {
        let base = self.0.choice("base", &LogBase::NAMES).unwrap_or_default();
        let floor = self.0.number("floor");
        let offset = self.0.number("offset").unwrap_or(0.0);
        if floor.is_some_and(|floor| floor <= 0.0) {
            self.0.fault("floor", "must be above 0");
            return None;
        }
        Some(StepKind::Log(LogSpec { base, floor: floor.unwrap_or(0.0), offset }))
    }

    /// librosa's defaults; `top_db = false` and `ref = "max"` as librosa's None and numpy.max.
    fn decibels(&self) -> Option<DecibelSpec> {
        let mut spec = DecibelSpec { amin: self.0.number("amin").unwrap_or(1e-10), ..DecibelSpec::default() };
        match self.0.any("ref").map(|node| &node.value) {
            Some(Value::Text(text)) if text == "max" => spec.reference = None,
            Some(_) => spec.reference = Some(self.0.number("ref")?),
            None => {}
        }
        match self.0.any("top_db").map(|node| &node.value) {
            Some(Value::Bool(false)) => spec.top_db = None,
            Some(_) => spec.top_db = Some(self.0.number("top_db")?),
            None => {}
        }
        spec.check().map_err(|bad| self.bad(&bad)).ok()?;
        Some(spec)
    }

    fn fft(&self) -> StepKind {
        let symmetries = [("periodic", Symmetry::Periodic), ("symmetric", Symmetry::Symmetric)];
        StepKind::Fft {
            rate_hz: self.rate(),
            n_fft: self.count("n_fft", 1),
            taper: self.taper(Taper::Hann),
            symmetry: self.0.choice("symmetry", &symmetries).unwrap_or_default(),
            detrend: self.detrend("detrend", Detrend::Constant),
            scaling: self.0.choice("scaling", &Scaling::NAMES).unwrap_or_default(),
        }
    }

    fn welch(&self) -> Option<StepKind> {
        let segment = self.needed("segment", "how many values a piece has");
        let spec = WelchSpec {
            rate_hz: self.rate(),
            segment: segment.unwrap_or(1),
            overlap: self.count("overlap", 0),
            n_fft: self.count("n_fft", 1),
            taper: self.taper(Taper::Hann),
            detrend: self.detrend("detrend", Detrend::Constant),
            scaling: self.0.choice("scaling", &Scaling::NAMES).unwrap_or(Scaling::Density),
            average: self.0.choice("average", &Average::NAMES).unwrap_or_default(),
        };
        segment.map(|_| StepKind::Welch(spec))
    }

    /// `edges_hz` are borders of bands side by side: `[0, 10, 100]` are two.
    fn bands(&self) -> Option<StepKind> {
        let edges = self.0.numbers("edges_hz");
        if edges.is_none() && !self.0.has("edges_hz") {
            self.0.fault("edges_hz", "is missing: the bands' borders, such as [0, 100, 1000] for two");
        }
        let (rate_hz, taper) = (self.rate(), self.taper(Taper::Rectangular));
        let detrend = self.detrend("detrend", Detrend::Constant);
        let edges = edges?;
        if edges.len() < 2 || !edges.is_sorted_by(|a, b| a < b) {
            self.0.fault("edges_hz", "must be two or more frequencies, each above the one before");
            return None;
        }
        let bands = edges.windows(2).map(|pair| Band { low_hz: pair[0], high_hz: pair[1] }).collect();
        Some(StepKind::Bands { rate_hz, bands, taper, detrend })
    }

    /// `n_fft` must be there when it has no default.
    fn frames(&self, default: Option<usize>) -> Option<FrameSpec> {
        let n_fft = match default {
            Some(default) => self.count("n_fft", 1).or(Some(default)),
            None => self.needed("n_fft", "how many points the FFT has"),
        };
        let frames = FrameSpec {
            n_fft: n_fft.unwrap_or(1),
            hop_length: self.count("hop_length", 1),
            win_length: self.count("win_length", 1),
            taper: self.taper(Taper::Hann),
            edges: self.0.choice("edges", &Edges::NAMES).unwrap_or_default(),
        };
        n_fft.map(|_| frames)
    }

    fn mel(&self, log: bool, cepstrum: bool) -> Option<StepKind> {
        // librosa's default.
        let frames = self.frames(Some(2048));
        let norms = [("slaney", true), ("none", false)];
        let front = |frames| MelFront {
            rate_hz: self.rate(),
            frames,
            n_mels: self.count("n_mels", 1).unwrap_or(128),
            fmin_hz: self.0.number("fmin_hz").unwrap_or(0.0),
            fmax_hz: self.0.number("fmax_hz"),
            htk: self.flag("htk", false),
            slaney_norm: self.0.choice("norm", &norms).unwrap_or(true),
            power: if self.0.integer("power", 1..=2) == Some(1) { 1 } else { 2 },
        };
        let front = frames.map(front);
        let decibels = if log { Some(self.decibels()?) } else { None };
        let mfcc = cepstrum.then(|| MfccSpec {
            n_mfcc: self.count("n_mfcc", 1).unwrap_or(20),
            ortho: self.0.choice("dct_norm", &[("ortho", true), ("none", false)]).unwrap_or(true),
            lifter: self.0.number("lifter").unwrap_or(0.0),
        });
        Some(StepKind::Mel { front: front?, decibels, mfcc })
    }
}

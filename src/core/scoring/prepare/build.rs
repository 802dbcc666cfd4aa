//! From a declaration to planned steps: every length is followed through, every fault named by its key.

use super::{
    super::{
        declared::{
            Extent, InputSource, Missing, ResampleSpec, Spec, StepKind, StepSpec, WindowLayout, ZScore,
        },
        plan::PlanFault,
    },
    MAX_FEATURES, MAX_VALUES, Pipeline, Running, Series, Shape, Stage, Times,
    fields::select,
    running::{RunningKind, RunningState},
    stage::Kind,
    transform::Transform,
};
use crate::signal::BadParameter;

/// How one input's readings become the model's tensor.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Values a reading brings.
    pub step_len: usize,
    /// Values of a point in time; a reading has one point, or several.
    pub channels: usize,
    pub running: Vec<Running>,
    pub pipeline: Pipeline,
    pub resample: Option<ResampleSpec>,
    /// The dimensions of what comes out; none where its points in time are as many as there were readings.
    pub dims: Option<Vec<usize>>,
    /// Missing values may come in: a step or the grid takes care of them.
    pub takes_missing: bool,
}

impl Prepared {
    /// What its steps remember of a source that was not seen before.
    pub fn begin(&self) -> Vec<RunningState> {
        self.running.iter().map(Running::begin).collect()
    }
}

/// Whether anything is done to an input's readings but to count them: [`prepare`] plans it then.
pub fn is_prepared(spec: &Spec, tensor: &str, inputs: usize) -> bool {
    let by_time = matches!(spec.window.map(|window| window.extent), Some(Extent::Time(_)));
    by_time || steps(spec, tensor, inputs).next().is_some()
}

fn steps<'s>(spec: &'s Spec, tensor: &str, inputs: usize) -> impl Iterator<Item = &'s StepSpec> {
    spec.prepare.iter().flat_map(|prepare| &prepare.steps).filter(move |step| match &step.input {
        Some(name) => name == tensor,
        None => inputs == 1,
    })
}

/// Plans the input `tensor`, whose unit in the model has the dimensions `dims`, as far as they are known.
/// None when nothing is done to its readings but to count them.
///
/// # Errors
/// Every fault that can be told; one step's hides those behind it.
pub fn prepare(
    spec: &Spec,
    tensor: &str,
    source: &InputSource,
    dims: &[Option<usize>],
    inputs: usize,
) -> Result<Option<Prepared>, Vec<PlanFault>> {
    let fault = |key: String, reason: String| vec![PlanFault { key, reason }];
    let declared = spec.prepare.as_ref();
    let steps: Vec<&StepSpec> = steps(spec, tensor, inputs).collect();
    let series =
        spec.inputs.iter().find(|input| input.tensor == tensor).and_then(|input| input.series.as_ref());
    let key = format!("inputs.{tensor}");
    let by_time = match spec.window.map(|window| window.extent) {
        Some(Extent::Time(time)) => Some(time),
        Some(Extent::Count(_)) | None => None,
    };
    if steps.is_empty() && by_time.is_none() {
        if series.is_some_and(|series| series.points.is_some() || series.channels.is_some()) {
            let reason = "is for inputs that [prepare] has steps for, or with a window by time";
            return Err(fault(format!("{key}.channels"), reason.into()));
        }
        refuse_missing(source, &key)?;
        return Ok(None);
    }
    let points = series.and_then(|series| series.points).unwrap_or(1);
    let names: Vec<String> = match source {
        InputSource::Fields(fields) => {
            let named = series.map(|series| series.names.clone()).filter(|names| names.len() == fields.len());
            named.unwrap_or_else(|| fields.iter().map(|field| field.path.to_string()).collect())
        }
        InputSource::Array { .. } | InputSource::Raw { .. } => {
            (0..series.and_then(|series| series.channels).unwrap_or(1)).map(|i| i.to_string()).collect()
        }
        InputSource::Image(_) => return Err(fault(key, "is an image, which is no series".into())),
        InputSource::Constant { .. } | InputSource::SizeOf { .. } | InputSource::State => return Ok(None),
    };
    let channels = names.len();
    if by_time.is_some() && points > 1 {
        let reason = "must be 1 with a window by time: each reading has one time";
        return Err(fault(format!("{key}.points"), reason.into()));
    }
    let times = match (spec.window.map(|window| window.extent), by_time.map(|time| time.resample)) {
        (_, Some(Some(resample))) => Times::Fixed(resample.points),
        (_, Some(None)) => Times::Varying,
        (Some(Extent::Count(count)), _) => Times::Fixed(count.length.saturating_mul(points)),
        _ => Times::Fixed(points),
    };
    let resample = by_time.and_then(|time| time.resample);
    let shape = Shape { names, times };
    bounded(&shape).map_err(|reason| fault(key.clone(), reason))?;
    let mut build = Build { shape, rate_hz: resample.map(|resample| resample.rate_hz), begun: false };
    let (mut running, mut stages) = (Vec::new(), Vec::new());
    for step in &steps {
        let added = build.add(step, &mut running, &mut stages);
        added.map_err(|(part, reason)| {
            let key = if part.is_empty() { step.key.clone() } else { format!("{}.{part}", step.key) };
            fault(key, reason)
        })?;
    }
    let layout = declared.and_then(|prepare| prepare.layout);
    let layout = layout.or(spec.window.map(|window| window.layout)).unwrap_or_default();
    let shape = build.shape;
    let dims = complete(&shape, dims, layout).map_err(|reason| {
        let last = steps.last().map(|step| step.key.clone());
        fault(last.unwrap_or_else(|| "window.resample".into()), format!("{reason} (input `{tensor}`)"))
    })?;
    let takes_missing = resample.is_some() || stages.iter().any(|stage: &Stage| stage.meets_missing());
    if !takes_missing {
        refuse_missing(source, &key)?;
    }
    Ok(Some(Prepared {
        step_len: channels.saturating_mul(points),
        channels,
        running,
        pipeline: Pipeline {
            input: tensor.to_owned(),
            stages,
            names: shape.names,
            layout,
            series: Series::default(),
            other: Series::default(),
        },
        resample,
        dims,
        takes_missing,
    }))
}

/// `missing = "nan"` needs somebody who takes care of it.
fn refuse_missing(source: &InputSource, key: &str) -> Result<(), Vec<PlanFault>> {
    let InputSource::Fields(fields) = source else { return Ok(()) };
    match fields.iter().position(|field| field.missing == Missing::Nan) {
        None => Ok(()),
        Some(at) => Err(vec![PlanFault {
            key: format!("{key}.fields[{at}].missing"),
            reason: "is \"nan\": then a `fill` step or `window.resample` has to fill the hole".into(),
        }]),
    }
}

fn bounded(shape: &Shape) -> Result<(), String> {
    let times = match shape.times {
        Times::Fixed(times) => times,
        Times::Varying => 1,
    };
    match shape.names.len().checked_mul(times) {
        Some(values) if values <= MAX_VALUES => Ok(()),
        _ => Err(format!(
            "a series of {} features at {times} points in time is more than the {MAX_VALUES} values it may have",
            shape.names.len()
        )),
    }
}

/// What the model takes, with the lengths that it leaves free as they come out; none where only a window tells.
fn complete(
    shape: &Shape,
    dims: &[Option<usize>],
    layout: WindowLayout,
) -> Result<Option<Vec<usize>>, String> {
    let features = shape.names.len();
    let known: usize = dims.iter().flatten().product();
    let free: Vec<usize> = (0..dims.len()).filter(|at| dims[*at].is_none()).collect();
    let wanted = || {
        let one = |dim: &Option<usize>| dim.map_or_else(|| "?".to_owned(), |n| n.to_string());
        dims.iter().map(one).collect::<Vec<_>>().join(" x ")
    };
    let Times::Fixed(times) = shape.times else {
        // Time is the axis before the features, or the one behind.
        let in_place = |at: &usize| {
            let (before, behind) = (&dims[..*at], &dims[at + 1..]);
            let apart = if layout == WindowLayout::TimeFeature { before } else { behind };
            apart.iter().all(|dim| *dim == Some(1))
        };
        if free.len() == 1 && known == features && free.iter().all(in_place) {
            return Ok(None);
        }
        return Err(format!(
            "gives as many points in time as there were readings, the model takes {}: declare \
             `window.resample`, or a step such as `statistics`",
            wanted()
        ));
    };
    let made = match layout {
        WindowLayout::TimeFeature => [times, features],
        WindowLayout::FeatureTime => [features, times],
    };
    let mut whole: Vec<usize> = dims.iter().map(|dim| dim.unwrap_or(1)).collect();
    match &free[..] {
        [] => {}
        [one] if known > 0 => whole[*one] = features.saturating_mul(times) / known,
        [first, second] => (whole[*first], whole[*second]) = (made[0], made[1]),
        _ => return Err(format!("gives two axes, the model takes {}: declare its `sizes`", wanted())),
    }
    fits(made, &whole, layout).map(|()| Some(whole))
}

/// Whether what comes out is what the model takes.
fn fits(made: [usize; 2], dims: &[usize], layout: WindowLayout) -> Result<(), String> {
    let wanted = dims.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
    let (times, features) = match layout {
        WindowLayout::TimeFeature => (made[0], made[1]),
        WindowLayout::FeatureTime => (made[1], made[0]),
    };
    let plain = |dims: &[usize]| dims.iter().copied().filter(|n| *n != 1).collect::<Vec<_>>();
    let (have, want) = (plain(&made), plain(dims));
    let same_number = features.checked_mul(times) == Some(dims.iter().product());
    // A model may take the same numbers flat, or with more dimensions than two.
    if same_number && (have == want || want.len() == 1 || want.len() > 2) {
        return Ok(());
    }
    let reversed: Vec<usize> = have.iter().rev().copied().collect();
    let hint = if reversed == want && have != want {
        "; the other `layout` would fit".to_owned()
    } else {
        String::new()
    };
    Err(format!(
        "gives {features} features at {times} points in time ({} x {}), the model takes {wanted}{hint}",
        made[0], made[1]
    ))
}

/// A fault within a step: the parameter (or nothing) and why.
type Fault = (String, String);

pub(super) struct Build {
    shape: Shape,
    rate_hz: Option<f64>,
    /// A step that works on whole windows was there.
    begun: bool,
}

impl Build {
    fn add(
        &mut self,
        step: &StepSpec,
        running: &mut Vec<Running>,
        stages: &mut Vec<Stage>,
    ) -> Result<(), Fault> {
        let selected =
            select(&step.fields, &self.shape.names).map_err(|reason| ("fields".to_owned(), reason))?;
        let kind = match &step.kind {
            StepKind::Ewm { spec, of, running: true } => Some(RunningKind::Ewm(*spec, *of)),
            StepKind::ZScore(ZScore::Running { ddof }) => Some(RunningKind::ZScore { ddof: *ddof }),
            _ => None,
        };
        if let Some(kind) = kind {
            if self.begun {
                let reason = "\"source\" works on each reading as it comes: put this step before those that \
                              work on windows";
                return Err(("over".into(), reason.into()));
            }
            running.push(Running { places: selected, kind });
            return Ok(());
        }
        self.begun = true;
        let kind = self.kind(step, selected.len()).map_err(|bad| (bad.name.to_owned(), bad.reason))?;
        self.follow(&kind, &selected)?;
        stages.push(Stage { key: step.key.clone(), selected, kind });
        Ok(())
    }

    /// The shape behind a step.
    fn follow(&mut self, kind: &Kind, selected: &[usize]) -> Result<(), Fault> {
        let Kind::Each { transform, passes } = kind else {
            if matches!(kind, Kind::Drop) {
                self.shape.times = Times::Varying;
            }
            return Ok(());
        };
        let least = transform.least_times();
        let (outputs, times) = match self.shape.times {
            Times::Fixed(times) if times < least => {
                let reason = format!("needs at least {least} points in time, there are {times}");
                return Err((String::new(), reason));
            }
            Times::Fixed(times) => {
                let (outputs, times) = transform.outputs(times);
                (outputs, Times::Fixed(times))
            }
            Times::Varying => match transform.outputs(least) {
                // Those that need no fixed length either keep it varying or make one number of it.
                (outputs, _) if matches!(**transform, Transform::Statistics { .. }) => {
                    (outputs, Times::Fixed(1))
                }
                (outputs, _) => (outputs, Times::Varying),
            },
        };
        let made = selected.len().saturating_mul(outputs);
        if made > MAX_FEATURES {
            let reason = format!("gives {made} features, a series may have {MAX_FEATURES}");
            return Err((String::new(), reason));
        }
        let mut names = Vec::new();
        for (feature, name) in self.shape.names.iter().enumerate() {
            if selected.binary_search(&feature).is_ok() {
                names.extend((0..outputs).map(|i| transform.name(name, i)));
            } else if *passes {
                names.push(name.clone());
            }
        }
        self.shape = Shape { names, times };
        bounded(&self.shape).map_err(|reason| (String::new(), reason))
    }

    /// The number of points in time, for steps that have to know it.
    pub(super) fn length(&self) -> Result<usize, BadParameter> {
        match self.shape.times {
            Times::Fixed(times) => Ok(times),
            Times::Varying => Err(BadParameter::new(
                "step",
                "needs a fixed number of points in time: declare `window.resample`, or a window by count",
            )),
        }
    }

    pub(super) fn rate(&self, declared: Option<f64>) -> Result<f64, BadParameter> {
        let missing = "is missing: how many points in time a second has";
        declared.or(self.rate_hz).ok_or_else(|| BadParameter::new("rate_hz", missing))
    }
}

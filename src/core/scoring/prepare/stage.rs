//! One step at work on a series.

use super::{Series, transform::Transform};
use crate::{
    domain::{Reason, Rejection},
    signal::{
        series::{Fill, complete, fill},
        spectra::{DecibelSpec, decibels},
    },
};

/// A step with the features it is about.
#[derive(Debug, Clone)]
pub struct Stage {
    /// For messages: `prepare.steps[2]`.
    pub key: String,
    /// Places of the features, ascending.
    pub selected: Vec<usize>,
    pub kind: Kind,
}

#[derive(Debug, Clone)]
pub enum Kind {
    /// Feature by feature; `passes` says that the others go on, cut at their begin to the same length.
    Each {
        transform: Box<Transform>,
        passes: bool,
    },
    /// All features as one, since the loudest of them counts.
    Decibels(DecibelSpec),
    Fill(Fill),
    Drop,
    Reject,
}

impl Stage {
    /// Whether it takes care of missing values.
    pub fn meets_missing(&self) -> bool {
        matches!(self.kind, Kind::Fill(_) | Kind::Drop | Kind::Reject)
    }

    /// From `from` to `to`.
    ///
    /// # Errors
    /// [`Reason::TooFewReadings`] and, for missing values, [`Reason::MissingField`].
    pub fn run(&mut self, from: &mut Series, to: &mut Series) -> Result<(), Rejection> {
        let Stage { key, selected, kind } = self;
        let too_few = |least: usize, there: usize| {
            let detail = format!("`{key}` needs at least {least} points in time, there are {there}");
            Err(Rejection::new(Reason::TooFewReadings, detail))
        };
        match kind {
            Kind::Each { transform, passes } => {
                let least = transform.least_times();
                if from.times < least {
                    return too_few(least, from.times);
                }
                let (outputs, times) = transform.outputs(from.times);
                let passing = if *passes { from.features - selected.len() } else { 0 };
                to.resize(selected.len() * outputs + passing, times);
                let mut rest = &mut to.data[..];
                let mut chosen = selected.iter().peekable();
                for feature in 0..from.features {
                    let x = from.feature(feature);
                    if chosen.next_if(|place| **place == feature).is_some() {
                        let (out, after) = rest.split_at_mut(outputs * times);
                        let place = selected.partition_point(|place| *place < feature);
                        transform.run(x, place, out);
                        rest = after;
                    } else if *passes {
                        let (out, after) = rest.split_at_mut(times);
                        out.copy_from_slice(&x[x.len() - times..]);
                        rest = after;
                    }
                }
            }
            Kind::Decibels(spec) => {
                copy(from, to);
                let mut all: Vec<f64> = selected.iter().flat_map(|f| from.feature(*f)).copied().collect();
                decibels(spec, &mut all);
                for (f, values) in selected.iter().zip(all.chunks_exact(from.times.max(1))) {
                    to.feature_mut(*f).copy_from_slice(values);
                }
            }
            Kind::Fill(policy) => {
                copy(from, to);
                for f in selected {
                    fill(*policy, to.feature_mut(*f));
                }
            }
            Kind::Drop => {
                let mut places = Vec::new();
                let (times, data) = (from.times, &from.data);
                complete(times, |t| selected.iter().map(move |f| &data[t + f * times]), &mut places);
                to.resize(from.features, places.len());
                for f in 0..from.features {
                    let x = from.feature(f);
                    to.feature_mut(f).iter_mut().zip(&places).for_each(|(to, place)| *to = x[*place]);
                }
                if places.is_empty() {
                    return too_few(1, 0);
                }
            }
            Kind::Reject => {
                let missing = selected
                    .iter()
                    .find_map(|f| from.feature(*f).iter().position(|x| x.is_nan()).map(|place| (*f, place)));
                if let Some((feature, place)) = missing {
                    let detail =
                        format!("`{key}`: feature {feature} is missing at place {place} of the window");
                    return Err(Rejection::new(Reason::MissingField, detail));
                }
                copy(from, to);
            }
        }
        Ok(())
    }
}

fn copy(from: &Series, to: &mut Series) {
    to.resize(from.features, from.times);
    to.data.copy_from_slice(&from.data);
}

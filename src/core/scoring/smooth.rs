//! Outputs steadied over time: what is remembered of each output of a source.

use super::{
    declared::Smooth,
    verdict::{OutputValue, Value},
};
use crate::decide::{ExponentialMean, Majority};

/// The memory of one output.
#[derive(Debug)]
pub(super) enum Steady {
    Majority(Majority<Value>),
    Mean(ExponentialMean),
}

impl Steady {
    pub fn new(smooth: Smooth) -> Self {
        match smooth {
            Smooth::Majority(length) => Steady::Majority(Majority::new(length)),
            Smooth::Mean(alpha) => Steady::Mean(ExponentialMean::new(alpha)),
        }
    }

    /// Takes the newest label and puts the steadied one in its place.
    pub fn label(&mut self, value: &mut OutputValue) {
        if let (Steady::Majority(majority), OutputValue::One(label)) = (self, value) {
            *label = majority.push(label.clone());
        }
    }

    /// Takes the newest numbers and puts their means in their place.
    pub fn numbers(&mut self, value: &mut OutputValue) {
        let Steady::Mean(mean) = self else { return };
        let mut each: Vec<&mut Value> = match value {
            OutputValue::One(value) => vec![value],
            OutputValue::Many(values) => values.iter_mut().collect(),
            OutputValue::Probabilities(classes) => classes.iter_mut().map(|(_, p)| p).collect(),
            _ => return,
        };
        let Some(mut numbers) = each.iter().map(|value| value.as_f64()).collect::<Option<Vec<f64>>>() else {
            return;
        };
        mean.push(&mut numbers);
        for (value, number) in each.iter_mut().zip(numbers) {
            **value = match value {
                Value::F32(_) => Value::F32(number as f32),
                // A mean of whole numbers is none.
                _ => Value::F64(number),
            };
        }
    }
}

//! From a row's plain values to the numbers and texts of one input tensor.

use super::{
    declared::{FieldKind, FieldSpec, InputSource, Missing, Scaling},
    last_known::LastKnown,
    payload::{Array, ArrayState, Layout, Row, Scalar},
    plan::{Given, InputPlan},
    prepare::{Preparer, RunningState},
};
use crate::domain::{ElementType, Reason, Rejection, TensorData};

/// How one input is taken from a row: the plan's source with its slots.
#[derive(Debug)]
pub(super) struct Taker {
    source: Slots,
    input: String,
    element: ElementType,
    /// None where sizes say it, which are settled before.
    step_len: Option<usize>,
    preparer: Option<Preparer>,
}

#[derive(Debug)]
enum Slots {
    /// Slot, place among the last-known values, and the field.
    Fields(Vec<(usize, usize, FieldSpec)>),
    Array(usize, Scaling),
    /// No message fills it.
    Given(Given),
}

impl Taker {
    /// `last_known` counts the fields that remember their last value, over all inputs.
    pub fn new(plan: &InputPlan, layout: &mut Layout, last_known: &mut usize) -> Self {
        let source = match &plan.source {
            InputSource::Fields(fields) => {
                let slots = fields.iter().map(|field| {
                    let place = *last_known;
                    *last_known += usize::from(field.missing == Missing::LastKnown);
                    (layout.scalar(&field.path), place, field.clone())
                });
                Slots::Fields(slots.collect())
            }
            InputSource::Array { path, scaling } => Slots::Array(layout.array(path), *scaling),
            InputSource::Raw { scaling, .. } => Slots::Array(0, *scaling),
            InputSource::Image(_) => Slots::Array(0, Scaling::default()),
            InputSource::Constant { .. } | InputSource::SizeOf { .. } | InputSource::State => {
                Slots::Given(plan.given.clone().unwrap_or(Given::Constant(Vec::new())))
            }
        };
        let preparer = plan.prepared.as_ref().map(Preparer::new);
        let (element, step_len) = (plan.element, plan.step_len);
        Taker { source, input: plan.name.clone(), element, step_len, preparer }
    }

    /// Whether a reading's numbers can go into a series.
    ///
    /// # Errors
    /// What does not fit the model, with its place; before a preparation only what is no number.
    pub fn admit(&self, numbers: &[f64]) -> Result<(), Rejection> {
        let Some(preparer) = &self.preparer else {
            return self.cast(numbers, &mut TensorData::empty(self.element));
        };
        let may_be_missing = |index: usize| match &self.source {
            Slots::Fields(fields) => fields[index].2.missing == Missing::Nan,
            Slots::Array(..) | Slots::Given(_) => false,
        };
        let fits = |(i, x): (usize, &f64)| {
            x.is_finite() || x.is_nan() && preparer.takes_missing() && may_be_missing(i)
        };
        match numbers.iter().enumerate().position(|(i, x)| !fits((i, x))) {
            None => Ok(()),
            Some(index) => {
                let detail = format!("{} is {}", self.place(index), numbers[index]);
                Err(Rejection::new(Reason::NotFinite, detail))
            }
        }
    }

    /// What comes of a reading by itself, in place: steps that run on from reading to reading.
    pub fn take(&self, states: &mut Vec<RunningState>, reading: &mut [f64]) {
        if let Some(preparer) = &self.preparer {
            preparer.take(states, reading);
        }
    }

    pub fn preparer(&mut self) -> Option<&mut Preparer> {
        self.preparer.as_mut()
    }

    /// Whether it remembers anything from reading to reading.
    pub fn runs_on(&self) -> bool {
        self.preparer.as_ref().is_some_and(Preparer::runs_on)
    }

    /// Appends the reading's numbers.
    pub fn numbers(
        &self,
        row: &Row,
        last_known: &mut [Option<LastKnown>],
        numbers: &mut Vec<f64>,
    ) -> Result<(), Rejection> {
        match &self.source {
            Slots::Fields(fields) => {
                for (slot, place, field) in fields {
                    let value = number(&row.scalars[*slot], field, last_known.get_mut(*place))?;
                    numbers.push(field.scaling.apply(value));
                }
            }
            Slots::Array(slot, scaling) => {
                let values = self.array(&row.arrays[*slot])?;
                numbers.extend(values.iter().map(|value| scaling.apply(*value)));
            }
            Slots::Given(_) => {}
        }
        Ok(())
    }

    /// What fills it, where no message does.
    pub fn given(&self) -> Option<&Given> {
        match &self.source {
            Slots::Given(given) => Some(given),
            Slots::Fields(_) | Slots::Array(..) => None,
        }
    }

    /// The array that fills it, where one does.
    ///
    /// # Errors
    /// It is not there, or no numbers.
    pub fn array_of<'r>(&self, row: &'r Row) -> Result<Option<&'r Array>, Rejection> {
        let Slots::Array(slot, _) = &self.source else { return Ok(None) };
        let array = &row.arrays[*slot];
        self.array(array)?;
        Ok(Some(array))
    }

    fn array<'r>(&self, array: &'r Array) -> Result<&'r [f64], Rejection> {
        let input = &self.input;
        match array.state {
            ArrayState::Missing => {
                Err(Rejection::new(Reason::MissingField, format!("the array for input `{input}` is missing")))
            }
            ArrayState::Wrong { index: None, kind } => {
                let detail = format!("the array for input `{input}` is {kind}, must be numbers");
                let null = kind == Scalar::Null.kind();
                Err(Rejection::new(if null { Reason::MissingField } else { Reason::WrongType }, detail))
            }
            ArrayState::Wrong { index: Some(index), kind } => {
                let detail =
                    format!("element {index} of the array for input `{input}` is {kind}, not a number");
                Err(Rejection::new(Reason::WrongType, detail))
            }
            ArrayState::Numbers if self.step_len.is_some_and(|wanted| array.values.len() != wanted) => {
                let (got, wanted) = (array.values.len(), self.step_len.unwrap_or_default());
                let detail = format!("input `{input}` takes {wanted} numbers, the payload has {got}");
                Err(Rejection::new(Reason::WrongLength, detail))
            }
            ArrayState::Numbers => Ok(&array.values),
        }
    }

    /// Appends the reading's texts.
    pub fn texts(&self, row: &Row, texts: &mut Vec<String>) -> Result<(), Rejection> {
        let Slots::Fields(fields) = &self.source else { return Ok(()) };
        for (slot, _, field) in fields {
            match &row.scalars[*slot] {
                Scalar::Text(text) => texts.push(text.clone()),
                other => return Err(unfit(field, other, "text")),
            }
        }
        Ok(())
    }

    /// The place in the payload of the number at `index`, for messages.
    fn place(&self, index: usize) -> String {
        match &self.source {
            Slots::Fields(fields) => match fields.get(index % fields.len().max(1)) {
                Some((_, _, field)) => format!("field `{}`", field.path),
                None => format!("input `{}`", self.input),
            },
            Slots::Array(..) | Slots::Given(_) => format!("element {index} for input `{}`", self.input),
        }
    }

    /// Appends numbers that were prepared in the tensor's type.
    ///
    /// # Errors
    /// As [`Taker::cast`].
    pub fn cast_prepared(&self, numbers: &[f64], data: &mut TensorData) -> Result<(), Rejection> {
        self.cast(numbers, data).map_err(|rejection| {
            let detail =
                format!("prepared values for input `{}` don't fit its type {}", self.input, self.element);
            Rejection::new(rejection.reason, detail)
        })
    }

    /// Appends numbers in the tensor's type.
    ///
    /// # Errors
    /// NaN, infinities, and what the type can't hold, with the place; nothing is appended then.
    pub fn cast(&self, numbers: &[f64], data: &mut TensorData) -> Result<(), Rejection> {
        let len = data.len();
        let cast = match data {
            TensorData::F32(v) => {
                // One pass without a branch a number; the rare fault is looked for afterwards.
                v.extend(numbers.iter().map(|x| *x as f32));
                v[len..].iter().position(|x| !x.is_finite()).map_or(Ok(()), Err)
            }
            TensorData::F64(v) => {
                v.extend_from_slice(numbers);
                numbers.iter().position(|x| !x.is_finite()).map_or(Ok(()), Err)
            }
            TensorData::I8(v) => integers(numbers, v, -128.0..=127.0, |x| x as i8),
            TensorData::I16(v) => integers(numbers, v, -32_768.0..=32_767.0, |x| x as i16),
            TensorData::I32(v) => integers(numbers, v, -2_147_483_648.0..=2_147_483_647.0, |x| x as i32),
            TensorData::I64(v) => integers(numbers, v, -EXACT..=EXACT, |x| x as i64),
            TensorData::U8(v) => integers(numbers, v, 0.0..=255.0, |x| x as u8),
            TensorData::U16(v) => integers(numbers, v, 0.0..=65_535.0, |x| x as u16),
            TensorData::U32(v) => integers(numbers, v, 0.0..=4_294_967_295.0, |x| x as u32),
            TensorData::U64(v) => integers(numbers, v, 0.0..=EXACT, |x| x as u64),
            TensorData::Bool(v) => integers(numbers, v, 0.0..=1.0, |x| x != 0.0),
            TensorData::String(_) => Ok(()),
        };
        cast.map_err(|index| {
            data.truncate(len);
            let (value, place, element) = (numbers[index], self.place(index), data.element());
            if !value.is_finite() {
                Rejection::new(Reason::NotFinite, format!("{place} is {value}"))
            } else if element == ElementType::F32 {
                Rejection::new(Reason::NotFinite, format!("{place} is {value}, beyond what f32 holds"))
            } else {
                let detail = format!("{place} is {value}, not a whole number that {element} holds exactly");
                Rejection::new(Reason::OutOfRange, detail)
            }
        })
    }
}

/// Up to here f64 holds every whole number: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn integers<T>(
    numbers: &[f64],
    data: &mut Vec<T>,
    range: std::ops::RangeInclusive<f64>,
    cast: impl Fn(f64) -> T,
) -> Result<(), usize> {
    for (index, number) in numbers.iter().enumerate() {
        if !range.contains(number) || number.fract() != 0.0 {
            return Err(index);
        }
        data.push(cast(*number));
    }
    Ok(())
}

fn number(
    scalar: &Scalar,
    field: &FieldSpec,
    last_known: Option<&mut Option<LastKnown>>,
) -> Result<f64, Rejection> {
    let value = match (scalar, field.kind) {
        (Scalar::Integer(i), FieldKind::Number) => *i as f64,
        (Scalar::Unsigned(u), FieldKind::Number) => *u as f64,
        (Scalar::Float(x), FieldKind::Number) => *x,
        (Scalar::Bool(b), FieldKind::Boolean) => f64::from(u8::from(*b)),
        // CSV and many devices write booleans as digits.
        (Scalar::Integer(i @ (0 | 1)), FieldKind::Boolean) => *i as f64,
        (Scalar::Missing | Scalar::Null, _) => {
            return match (&field.missing, last_known) {
                (Missing::Constant(constant), _) => Ok(*constant),
                (Missing::Nan, _) => Ok(f64::NAN),
                (Missing::LastKnown, Some(Some(last))) => Ok(last.value),
                (Missing::LastKnown, _) => Err(Rejection::new(
                    Reason::MissingField,
                    format!("field `{}` is {} and this source never sent one", field.path, scalar.kind()),
                )),
                (Missing::Reject, _) => Err(Rejection::new(
                    Reason::MissingField,
                    format!("field `{}` is {}", field.path, scalar.kind()),
                )),
            };
        }
        (other, FieldKind::Boolean) => return Err(unfit(field, other, "a boolean")),
        (other, _) => return Err(unfit(field, other, "a number")),
    };
    if field.missing == Missing::LastKnown
        && value.is_finite()
        && let Some(last) = last_known
    {
        *last = Some(LastKnown::new(value));
    }
    Ok(value)
}

fn unfit(field: &FieldSpec, scalar: &Scalar, wanted: &str) -> Rejection {
    let missing = matches!(scalar, Scalar::Missing | Scalar::Null);
    let reason = if missing { Reason::MissingField } else { Reason::WrongType };
    Rejection::new(reason, format!("field `{}` is {}, must be {wanted}", field.path, scalar.kind()))
}

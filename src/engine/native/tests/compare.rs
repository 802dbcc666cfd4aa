//! Values held against reference values.

use crate::{
    native::value::{Data, Kind, Map, Tensor, Value, small},
    with_kinds,
};

/// Equal within `atol + rtol * |want|` (`numpy.allclose`), NaN being equal to NaN; exact for
/// everything that isn't a float.
///
/// # Errors
/// One sentence: what differs, and by how much.
pub fn compare(got: &Value, want: &Value, rtol: f64, atol: f64) -> Result<(), String> {
    match (got, want) {
        (Value::Tensor(got), Value::Tensor(want)) => tensors(got, want, rtol, atol),
        (Value::Sequence(got), Value::Sequence(want)) => {
            if got.len() != want.len() {
                return Err(format!("{} items, must be {}", got.len(), want.len()));
            }
            got.iter().zip(&**want).enumerate().try_for_each(|(index, (got, want))| {
                compare(got, want, rtol, atol).map_err(|what| format!("item {index}: {what}"))
            })
        }
        (Value::Map(got), Value::Map(want)) => maps(got, want, rtol, atol),
        (Value::Optional(Some(got)), Value::Optional(Some(want))) => compare(got, want, rtol, atol),
        (Value::Optional(None), Value::Optional(None)) => Ok(()),
        // A case's file may keep an optional's value without saying that it is one.
        (Value::Optional(Some(got)), want) => compare(got, want, rtol, atol),
        (got, Value::Optional(Some(want))) => compare(got, want, rtol, atol),
        _ => Err(format!("is {}, must be {}", got.describe(), want.describe())),
    }
}

fn maps(got: &Map, want: &Map, rtol: f64, atol: f64) -> Result<(), String> {
    let pairs: Vec<(String, &Value, Option<&Value>)> = match (got, want) {
        (Map::Ints(got), Map::Ints(want)) if got.len() == want.len() => {
            want.iter().map(|(key, value)| (key.to_string(), value, got.get(key))).collect()
        }
        (Map::Strings(got), Map::Strings(want)) if got.len() == want.len() => {
            want.iter().map(|(key, value)| (key.to_string(), value, got.get(key))).collect()
        }
        _ => return Err(format!("{got:?} has other keys than {want:?}")),
    };
    pairs.into_iter().try_for_each(|(key, want, got)| {
        let got = got.ok_or_else(|| format!("lacks the key {key}"))?;
        compare(got, want, rtol, atol).map_err(|what| format!("key {key}: {what}"))
    })
}

fn tensors(got: &Tensor, want: &Tensor, rtol: f64, atol: f64) -> Result<(), String> {
    if got.kind() != want.kind() || got.shape() != want.shape() {
        return Err(format!("is {got}, must be {want}"));
    }
    let (Some(a), Some(b)) = (numbers(got.data()), numbers(want.data())) else {
        return if Value::Tensor(got.clone()) == Value::Tensor(want.clone()) {
            Ok(())
        } else {
            Err(format!("{:?} must be {:?}", got.data(), want.data()))
        };
    };
    let exact = !(got.kind().is_float() || matches!(got.kind(), Kind::C64 | Kind::C128));
    let differs = |(got, want): (f64, f64)| {
        if exact {
            return got != want;
        }
        let same = got == want || got.is_nan() && want.is_nan();
        let near = (got - want).abs() <= atol + rtol * want.abs() && want.is_finite();
        !(same || near)
    };
    let pairs = || a.iter().copied().zip(b.iter().copied());
    let wrong = pairs().filter(|&pair| differs(pair)).count();
    match pairs().enumerate().find(|&(_, pair)| differs(pair)) {
        None => Ok(()),
        Some((at, (got, want))) => {
            let worst = pairs().map(|(got, want)| (got - want).abs()).fold(0.0, f64::max);
            Err(format!(
                "{wrong} of {} elements differ, the first at {at}: {got} must be {want}; largest difference {worst:e}",
                a.len()
            ))
        }
    }
}

/// All elements as f64 (64-bit integers lose their last digits); `None` for text and truth values.
fn numbers(data: &Data) -> Option<Vec<f64>> {
    Some(match data {
        Data::F16(v) => v.iter().map(|v| v.to_f64()).collect(),
        Data::BF16(v) => v.iter().map(|v| v.to_f64()).collect(),
        Data::C64(v) => v.as_flattened().iter().map(|&v| f64::from(v)).collect(),
        Data::C128(v) => v.as_flattened().to_vec(),
        Data::Small(kind, v) => v.iter().map(|&code| f64::from(small::to_f32(*kind, code))).collect(),
        data => with_kinds!(
            [F32, F64, I8, I16, I32, I64, U8, U16, U32, U64] data,
            v => v.iter().map(|&v| v as f64).collect(), return None
        ),
    })
}

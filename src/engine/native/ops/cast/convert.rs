//! Elements of any type as elements of another.

use std::sync::Arc;

use half::{bf16, f16};

use super::text;
use crate::{
    native::{
        exec::Run,
        fault::{Fault, fault},
        value::{Data, Element, Kind, small},
    },
    with_kinds,
};

/// How numbers that a small float doesn't hold are rounded.
#[derive(Debug, Clone, Copy)]
pub struct Rounding {
    /// What is too large becomes the largest instead of infinity or NaN.
    pub saturate: bool,
    /// For float8e8m0, which holds powers of two only.
    power: Power,
}

#[derive(Debug, Clone, Copy)]
enum Power {
    Up,
    Down,
    Nearest,
}

impl Rounding {
    /// # Errors
    /// A mode that ONNX doesn't have.
    pub fn new(saturate: bool, mode: &str) -> Result<Self, Fault> {
        let power = match mode {
            "up" => Power::Up,
            "down" => Power::Down,
            "nearest" => Power::Nearest,
            _ => return Err(fault!("attribute `round_mode` is `{mode}`, must be `up`, `down` or `nearest`")),
        };
        Ok(Rounding { saturate, power })
    }

    pub fn saturating(saturate: bool) -> Self {
        Rounding { saturate, power: Power::Up }
    }
}

/// Made of any number. Integers keep the low bits of integers; of floats they keep what is before the
/// point, the nearest they can (NaN: zero), which ONNX leaves open.
trait Target: Element {
    fn from_f64(value: f64) -> Self;
    fn from_i64(value: i64) -> Self;
    fn from_u64(value: u64) -> Self;
    fn from_text(text: &str) -> Result<Self, Fault>;
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Target for $t {
            #[inline]
            fn from_f64(value: f64) -> Self { value as $t }
            #[inline]
            fn from_i64(value: i64) -> Self { value as $t }
            #[inline]
            fn from_u64(value: u64) -> Self { value as $t }
            fn from_text(text: &str) -> Result<Self, Fault> { Ok(text::whole(text)? as $t) }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl Target for f32 {
    #[inline]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
    #[inline]
    fn from_i64(value: i64) -> Self {
        value as f32
    }
    #[inline]
    fn from_u64(value: u64) -> Self {
        value as f32
    }
    fn from_text(text: &str) -> Result<Self, Fault> {
        text::single(text)
    }
}

impl Target for f64 {
    #[inline]
    fn from_f64(value: f64) -> Self {
        value
    }
    #[inline]
    fn from_i64(value: i64) -> Self {
        value as f64
    }
    #[inline]
    fn from_u64(value: u64) -> Self {
        value as f64
    }
    fn from_text(text: &str) -> Result<Self, Fault> {
        text::float(text)
    }
}

macro_rules! halves {
    ($($t:ident),*) => {$(
        impl Target for $t {
            #[inline]
            fn from_f64(value: f64) -> Self { $t::from_f64(value) }
            #[inline]
            fn from_i64(value: i64) -> Self { $t::from_f64(value as f64) }
            #[inline]
            fn from_u64(value: u64) -> Self { $t::from_f64(value as f64) }
            fn from_text(text: &str) -> Result<Self, Fault> { text::float(text).map($t::from_f64) }
        }
    )*};
}

halves!(f16, bf16);

impl Target for bool {
    #[inline]
    fn from_f64(value: f64) -> Self {
        value != 0.0
    }
    #[inline]
    fn from_i64(value: i64) -> Self {
        value != 0
    }
    #[inline]
    fn from_u64(value: u64) -> Self {
        value != 0
    }
    fn from_text(text: &str) -> Result<Self, Fault> {
        text::truth(text)
    }
}

/// The elements of `from` as `to`; the same memory where they are so already.
///
/// # Errors
/// Text that says no number; complex numbers, which have no place among the others.
pub fn convert(run: &mut Run<'_>, from: &Data, to: Kind, rounding: Rounding) -> Result<Data, Fault> {
    if from.kind() == to {
        return Ok(from.clone());
    }
    Ok(match to {
        Kind::F32 => f32::wrap(numbers(run, from)?),
        Kind::F64 => f64::wrap(numbers(run, from)?),
        Kind::F16 => f16::wrap(numbers(run, from)?),
        Kind::BF16 => bf16::wrap(numbers(run, from)?),
        Kind::I8 => i8::wrap(numbers(run, from)?),
        Kind::I16 => i16::wrap(numbers(run, from)?),
        Kind::I32 => i32::wrap(numbers(run, from)?),
        Kind::I64 => i64::wrap(numbers(run, from)?),
        Kind::U8 => u8::wrap(numbers(run, from)?),
        Kind::U16 => u16::wrap(numbers(run, from)?),
        Kind::U32 => u32::wrap(numbers(run, from)?),
        Kind::U64 => u64::wrap(numbers(run, from)?),
        Kind::Bool => bool::wrap(numbers(run, from)?),
        Kind::String => <Arc<str>>::wrap(texts(run, from)?),
        Kind::C64 | Kind::C128 => {
            return Err(Fault::unsupported(format!(
                "casts {} to {to}, which ONNX has no rule for",
                from.kind()
            )));
        }
        small => Data::Small(small, Arc::new(codes(run, from, small, rounding)?)),
    })
}

fn no_number(from: &Data) -> Fault {
    Fault::unsupported(format!("input 0: is {}, which can't be cast", from.kind()))
}

fn numbers<T: Target>(run: &mut Run<'_>, from: &Data) -> Result<Vec<T>, Fault> {
    let mut out = run.buffer(from.len())?;
    match from {
        Data::F32(v) => out.extend(v.iter().map(|&x| T::from_f64(f64::from(x)))),
        Data::F64(v) => out.extend(v.iter().map(|&x| T::from_f64(x))),
        Data::F16(v) => out.extend(v.iter().map(|x| T::from_f64(x.to_f64()))),
        Data::BF16(v) => out.extend(v.iter().map(|x| T::from_f64(x.to_f64()))),
        Data::I64(v) => out.extend(v.iter().map(|&x| T::from_i64(x))),
        Data::U64(v) => out.extend(v.iter().map(|&x| T::from_u64(x))),
        Data::String(v) => {
            for text in v.iter() {
                out.push(T::from_text(text).map_err(|fault| fault.about("input 0"))?);
            }
        }
        Data::Small(kind, v) if kind.is_integer() => {
            out.extend(v.iter().map(|&code| T::from_i64(i64::from(small::to_i32(*kind, code)))));
        }
        Data::Small(kind, v) => {
            out.extend(v.iter().map(|&code| T::from_f64(f64::from(small::to_f32(*kind, code)))))
        }
        other => with_kinds!(
            [I8, I16, I32, U8, U16, U32, Bool] other,
            v => out.extend(v.iter().map(|&x| T::from_i64(i64::from(x)))),
            return Err(no_number(from))
        ),
    }
    Ok(out)
}

fn texts(run: &mut Run<'_>, from: &Data) -> Result<Vec<Arc<str>>, Fault> {
    let mut out: Vec<Arc<str>> = run.buffer(from.len())?;
    match from {
        Data::F32(v) => out.extend(v.iter().map(|&x| text::from_f32(x))),
        Data::F64(v) => out.extend(v.iter().map(|&x| text::from_f64(x))),
        Data::F16(v) => out.extend(v.iter().map(|&x| text::from_f16(x))),
        Data::BF16(v) => out.extend(v.iter().map(|&x| text::from_bf16(x))),
        Data::Bool(v) => out.extend(v.iter().map(|&x| Arc::from(if x { "True" } else { "False" }))),
        Data::Small(kind, v) if kind.is_integer() => {
            out.extend(v.iter().map(|&code| Arc::from(small::to_i32(*kind, code).to_string())));
        }
        Data::Small(kind, v) => out.extend(v.iter().map(|&code| text::from_f32(small::to_f32(*kind, code)))),
        other => with_kinds!(
            [I8, I16, I32, I64, U8, U16, U32, U64] other,
            v => out.extend(v.iter().map(|x| Arc::from(x.to_string()))),
            return Err(no_number(from))
        ),
    }
    Ok(out)
}

/// Codes of a small type.
fn codes(run: &mut Run<'_>, from: &Data, to: Kind, rounding: Rounding) -> Result<Vec<u8>, Fault> {
    if to.is_integer() {
        // As for larger integers: cut off, low bits kept.
        let mask = ((1u16 << to.bits().unwrap_or(8)) - 1) as u8;
        let mut codes = numbers::<i64>(run, from)?.into_iter().map(|x| x as u8 & mask);
        let mut out = run.buffer(from.len())?;
        out.extend(&mut codes);
        return Ok(out);
    }
    let values = numbers::<f32>(run, from)?;
    let mut out = run.buffer(from.len())?;
    if to == Kind::F8E8M0 {
        out.extend(values.into_iter().map(|x| power_of_two(x, rounding)));
    } else {
        out.extend(values.into_iter().map(|x| small::from_f32(to, x, rounding.saturate)));
    }
    Ok(out)
}

/// The power of two for a number: its exponent, 127 added. What is too small becomes the least, or NaN
/// without `saturate`; negative numbers, of which ONNX says nothing, lose their sign.
fn power_of_two(value: f32, rounding: Rounding) -> u8 {
    const NAN: u8 = 0xff;
    const LEAST: u32 = 0x40_0000;
    let bits = value.to_bits() & 0x7fff_ffff;
    let exponent = (bits >> 23) as u8;
    let fraction = bits & 0x7f_ffff;
    if exponent == NAN {
        return if value.is_infinite() && rounding.saturate { NAN - 1 } else { NAN };
    }
    if bits < LEAST && !rounding.saturate {
        return NAN;
    }
    // Below 2^-126 the exponent is in the fraction: 2^-127 is half of it.
    let (above, step) =
        if exponent == 0 { (fraction.saturating_sub(LEAST), LEAST) } else { (fraction, 1 << 23) };
    let up = match rounding.power {
        Power::Up => above > 0,
        Power::Down => false,
        Power::Nearest => above >= step / 2,
    };
    if up && !(rounding.saturate && exponent == NAN - 1) { exponent + 1 } else { exponent }
}

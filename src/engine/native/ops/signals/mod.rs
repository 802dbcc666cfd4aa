//! Signals: spectra and windows.

mod dft;
mod mel;
mod stft;
mod windows;

use crate::native::{
    attributes::Node,
    exec::Run,
    fault::{Fault, fault},
    infer::rules::make,
    kernels::real,
    table::{Entry, Infer::Rule, onnx},
    value::{Data, Element, Kind},
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("BlackmanWindow", &[17], windows::blackman).infers(Rule(make::window)),
    onnx("DFT", &[17, 20], dft::dft).infers(Rule(make::dft)),
    onnx("HammingWindow", &[17], windows::hamming).infers(Rule(make::window)),
    onnx("HannWindow", &[17], windows::hann).infers(Rule(make::window)),
    onnx("MelWeightMatrix", &[17], mel::mel_weight_matrix).infers(Rule(make::mel_weight_matrix)),
    onnx("STFT", &[17], stft::stft).infers(Rule(make::stft)),
];

/// `output_datatype`.
fn output_kind(node: &Node<'_>) -> Result<Kind, Fault> {
    let code = node.int("output_datatype", 1)?;
    Kind::from_code(code)
        .filter(|kind| !kind.is_small() && (kind.is_float() || kind.is_integer()))
        .ok_or_else(|| fault!("attribute `output_datatype` is {code}, which is no number of 8 bits or more"))
}

/// Numbers as elements of any kind of number; integers are cut towards zero.
fn cast(run: &mut Run<'_>, kind: Kind, values: Vec<f64>) -> Result<Data, Fault> {
    macro_rules! kinds {
        ($($kind:ident: $t:ty),*) => {
            match kind {
                $(Kind::$kind => {
                    let mut out = run.buffer::<$t>(values.len())?;
                    out.extend(values.iter().map(|&value| value as $t));
                    Ok(<$t>::wrap(out))
                })*
                other => real::narrowed(run, other, values),
            }
        };
    }
    kinds!(I8: i8, I16: i16, I32: i32, I64: i64, U8: u8, U16: u16, U32: u32, U64: u64)
}

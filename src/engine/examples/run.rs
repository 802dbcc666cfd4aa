//! Loads a model, tells what it takes and gives, and runs it once.
//!
//! ```text
//! cargo run -p edgeward-engine --example run -- model.onnx            # random inputs
//! cargo run -p edgeward-engine --example run -- model.onnx 1.5 2 3    # one row for the first input
//! ```

use std::{env, error::Error, path::Path, process::ExitCode};

use edgeward_engine::{Choice, Dim, ElementType, Limits, Tensor, TensorData, load, random_inputs};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("usage: run MODEL.onnx [NUMBER...]");
        return ExitCode::FAILURE;
    };
    match run(Path::new(&path), &arguments.collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(path: &Path, numbers: &[String]) -> Result<(), Box<dyn Error>> {
    let engine = load(path, &Limits::default(), Choice::Auto)?;
    let signature = engine.signature();
    println!("runs by {}; rows can be batched: {}", engine.name(), signature.free_batch);
    signature.inputs.iter().for_each(|port| println!("takes {port}"));
    signature.outputs.iter().for_each(|port| println!("gives {port}"));

    let mut inputs = random_inputs(signature, 1);
    if let (Some(port), Some(input)) = (signature.inputs.first(), inputs.first_mut())
        && !numbers.is_empty()
    {
        if port.element != ElementType::F32 {
            return Err(
                format!("numbers can be given for f32 only, `{}` is {}", port.name, port.element).into()
            );
        }
        let values = numbers.iter().map(|text| text.parse()).collect::<Result<Vec<f32>, _>>()?;
        // One row; a free dimension is as long as what is given.
        let fixed: usize = port.dims.iter().map(|dim| if let Dim::Fixed(n) = dim { *n } else { 1 }).product();
        if values.len() != fixed {
            return Err(
                format!("`{}` takes {fixed} numbers a row, {} are given", port.name, values.len()).into()
            );
        }
        *input = Tensor::f32(&input.shape, values);
    }

    let mut session = engine.session();
    for (port, output) in signature.outputs.iter().zip(session.run(&inputs)?) {
        println!("{} = {:?} {}", port.name, output.shape, shown(&output.data));
    }
    Ok(())
}

/// The first elements.
fn shown(data: &TensorData) -> String {
    fn first<T: std::fmt::Debug>(values: &[T]) -> String {
        let more = if values.len() > 8 { ", ..." } else { "" };
        let few: Vec<String> = values.iter().take(8).map(|value| format!("{value:?}")).collect();
        format!("[{}{more}]", few.join(", "))
    }
    match data {
        TensorData::F32(values) => first(values),
        TensorData::F64(values) => first(values),
        TensorData::I8(values) => first(values),
        TensorData::I16(values) => first(values),
        TensorData::I32(values) => first(values),
        TensorData::I64(values) => first(values),
        TensorData::U8(values) => first(values),
        TensorData::U16(values) => first(values),
        TensorData::U32(values) => first(values),
        TensorData::U64(values) => first(values),
        TensorData::Bool(values) => first(values),
        TensorData::String(values) => first(values),
    }
}

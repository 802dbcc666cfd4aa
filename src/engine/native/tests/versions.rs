//! What older and newer versions of an operator mean by the same node, and what goes wrong: one node at a
//! time, where ONNX's own cases (all of the newest version) don't reach.

use bytes::Bytes;

use super::suite::BOUNDS;
use crate::{
    native::{
        build::build,
        exec::Run,
        fault::Fault,
        value::{Kind, Tensor, Value, Weights},
    },
    onnx::proto::{
        AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorTypeProto, TypeProto,
        ValueInfoProto, attribute_type,
    },
};

fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i, r#type: attribute_type::INT, ..Default::default() }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        ints: ints.into(),
        r#type: attribute_type::INTS,
        ..Default::default()
    }
}

fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { name: name.into(), f, r#type: attribute_type::FLOAT, ..Default::default() }
}

fn text(name: &str, s: &'static str) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        s: Bytes::from_static(s.as_bytes()),
        r#type: attribute_type::STRING,
        ..Default::default()
    }
}

/// The first output of a node in a model for an operator set.
fn run(
    operator: &str,
    opset: i64,
    attributes: &[AttributeProto],
    inputs: &[Tensor],
) -> Result<Tensor, Fault> {
    let info = |name: String, kind: Kind| ValueInfoProto {
        name,
        r#type: Some(TypeProto {
            tensor_type: Some(TensorTypeProto { elem_type: kind.code() as i32, ..Default::default() }),
            ..Default::default()
        }),
    };
    let names: Vec<String> = (0..inputs.len()).map(|index| format!("x{index}")).collect();
    let node = NodeProto {
        input: names.clone(),
        output: vec!["y".into()],
        op_type: operator.into(),
        attribute: attributes.into(),
        ..Default::default()
    };
    let graph = GraphProto {
        node: vec![node],
        input: names.into_iter().zip(inputs).map(|(name, tensor)| info(name, tensor.kind())).collect(),
        output: vec![ValueInfoProto { name: "y".into(), r#type: None }],
        ..Default::default()
    };
    let proto = ModelProto {
        ir_version: 8,
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: opset }],
        ..Default::default()
    };
    let weights = Weights { file: None, max_tensor_bytes: BOUNDS.max_tensor_bytes };
    let graph = build(&proto, weights, BOUNDS)?;
    let values = inputs.iter().map(|tensor| Some(Value::Tensor(tensor.clone())));
    let outputs = Run::new(BOUNDS).graph(&graph, values, &[])?;
    Ok(outputs[0].tensor()?.clone())
}

fn f32s(shape: &[usize], elements: &[f32]) -> Tensor {
    Tensor::of(shape, elements.to_vec()).unwrap()
}

fn floats(tensor: &Tensor) -> &[f32] {
    tensor.slice().unwrap()
}

#[test]
fn softmax_before_13_takes_all_behind_the_axis_as_one_row() {
    let x = f32s(&[1, 2, 2], &[0.0; 4]);
    assert_eq!(floats(&run("Softmax", 12, &[], std::slice::from_ref(&x)).unwrap()), [0.25; 4]);
    assert_eq!(floats(&run("Softmax", 13, &[], &[x]).unwrap()), [0.5; 4]);
}

#[test]
fn the_axes_of_a_reduction_were_an_attribute() {
    let x = f32s(&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let old =
        run("ReduceSum", 11, &[ints("axes", &[-1]), int("keepdims", 0)], std::slice::from_ref(&x)).unwrap();
    assert_eq!((old.shape(), floats(&old)), (&[2][..], &[3.0, 7.0][..]));
    let axes = Tensor::vector(vec![0i64]);
    let new = run("ReduceSum", 13, &[], &[x.clone(), axes.clone()]).unwrap();
    assert_eq!((new.shape(), floats(&new)), (&[1, 2][..], &[4.0, 6.0][..]));
    let max = run("ReduceMax", 17, &[ints("axes", &[0])], std::slice::from_ref(&x)).unwrap();
    assert_eq!(floats(&max), [3.0, 4.0]);
    let same = run("ReduceSum", 13, &[int("noop_with_empty_axes", 1)], std::slice::from_ref(&x)).unwrap();
    assert_eq!(floats(&same), floats(&x));
    assert!(run("ReduceSum", 13, &[], &[x, Tensor::vector(vec![2i64])]).is_err());
}

#[test]
fn the_limits_of_clip_were_attributes() {
    let x = f32s(&[3], &[-2.0, f32::NAN, 2.0]);
    let old = run("Clip", 6, &[float("min", -1.0), float("max", 1.0)], std::slice::from_ref(&x)).unwrap();
    assert_eq!((floats(&old)[0], floats(&old)[2]), (-1.0, 1.0));
    assert!(floats(&old)[1].is_nan());
    let new = run("Clip", 13, &[], &[x, Tensor::scalar(0f32)]).unwrap();
    assert_eq!((floats(&new)[0], floats(&new)[2]), (0.0, 2.0));
}

#[test]
fn k_was_an_attribute_of_top_k() {
    let x = f32s(&[4], &[1.0, 3.0, 3.0, 2.0]);
    assert_eq!(floats(&run("TopK", 1, &[int("k", 2)], std::slice::from_ref(&x)).unwrap()), [3.0, 3.0]);
    let k = |k: i64| Tensor::vector(vec![k]);
    assert_eq!(floats(&run("TopK", 11, &[int("largest", 0)], &[x.clone(), k(2)]).unwrap()), [1.0, 2.0]);
    assert_eq!(run("TopK", 11, &[], &[x.clone(), k(0)]).unwrap().shape(), [0]);
    assert!(run("TopK", 11, &[], &[x, k(5)]).unwrap_err().what.contains("between 0 and 4"));
}

#[test]
fn one_slope_a_channel_before_broadcasting() {
    let x = f32s(&[1, 2, 2], &[-1.0; 4]);
    let slope = f32s(&[2], &[0.5, 0.25]);
    assert_eq!(
        floats(&run("PRelu", 6, &[], &[x.clone(), slope.clone()]).unwrap()),
        [-0.5, -0.5, -0.25, -0.25]
    );
    assert_eq!(floats(&run("PRelu", 16, &[], &[x, slope]).unwrap()), [-0.5, -0.25, -0.5, -0.25]);
}

#[test]
fn powers_mix_types_and_wrap() {
    let base = Tensor::vector(vec![2i32, -3, 2]);
    let whole = run("Pow", 15, &[], &[base.clone(), Tensor::vector(vec![31i64, 3, -1])]).unwrap();
    assert_eq!(whole.slice::<i32>().unwrap(), [i32::MIN, -27, 0]);
    let real = run("Pow", 15, &[], &[base, Tensor::scalar(0.5f32)]).unwrap();
    assert_eq!(real.slice::<i32>().unwrap(), [1, 0, 1]);
}

#[test]
fn integers_are_not_divided_by_zero() {
    let (a, b) = (Tensor::vector(vec![7i64, i64::MIN]), Tensor::vector(vec![0i64, -1]));
    assert!(run("Mod", 13, &[], &[a.clone(), b]).unwrap_err().what.contains("by zero"));
    let by = Tensor::scalar(-1i64);
    assert_eq!(run("Mod", 13, &[], &[a, by]).unwrap().slice::<i64>().unwrap(), [0, 0]);
}

#[test]
fn empty_tensors_go_through() {
    let x = f32s(&[0, 3], &[]);
    for operator in ["Softmax", "Relu", "Exp", "NonZero", "ReduceSum", "ReduceMax", "ReduceMean", "Unique"] {
        run(operator, 13, &[], std::slice::from_ref(&x))
            .unwrap_or_else(|fault| panic!("{operator}: {fault}"));
    }
    let product = run("MatMul", 13, &[], &[f32s(&[2, 0], &[]), f32s(&[0, 2], &[])]).unwrap();
    assert_eq!(floats(&product), [0.0; 4]);
    let none = run("ArgMax", 13, &[int("axis", 1)], std::slice::from_ref(&x)).unwrap();
    assert_eq!(none.shape(), [0, 1]);
    assert!(run("ArgMax", 13, &[int("axis", 0)], &[x]).unwrap_err().what.contains("is empty"));
}

#[test]
fn wrong_shapes_and_kinds_are_named() {
    let (a, b) = (f32s(&[2, 3], &[0.0; 6]), f32s(&[2, 3], &[0.0; 6]));
    assert!(run("MatMul", 13, &[], &[a.clone(), b]).unwrap_err().what.contains("can't be multiplied"));
    let wrong = run("MatMul", 13, &[], &[a.clone(), Tensor::vector(vec![1i64; 3])]);
    assert!(wrong.unwrap_err().what.contains("the same kind"));
    assert!(run("Det", 22, &[], std::slice::from_ref(&a)).unwrap_err().what.contains("not a square"));
    assert!(run("Sin", 22, &[], &[Tensor::scalar(1i64)]).unwrap_err().what.contains("is int64"));
    let equation = text("equation", "ij,jk->iz");
    assert!(run("Einsum", 12, &[equation], &[a.clone(), a]).is_err());
    let steps = [0i64, 10, 0].map(Tensor::scalar);
    assert!(run("Range", 11, &[], &steps).unwrap_err().what.contains("delta is zero"));
    let far = [0i64, i64::MAX, 1].map(Tensor::scalar);
    assert!(run("Range", 11, &[], &far).unwrap_err().what.contains("max_tensor_bytes"));
}

#[test]
fn sums_of_products_of_three_operands() {
    let (a, b) = (f32s(&[2, 2], &[1.0, 2.0, 3.0, 4.0]), f32s(&[2], &[10.0, 1.0]));
    let form = text("equation", "ij,j,i->i");
    let y = run("Einsum", 12, &[form], &[a.clone(), b.clone(), b]).unwrap();
    assert_eq!(floats(&y), [120.0, 34.0]);
    let trace = run("Einsum", 12, &[text("equation", "ii")], &[a]).unwrap();
    assert_eq!((trace.shape(), floats(&trace)), (&[][..], &[5.0][..]));
}

#[test]
fn a_seed_gives_the_same_numbers_every_time() {
    let draw = || run("RandomNormal", 22, &[ints("shape", &[3]), float("seed", 5.0)], &[]).unwrap();
    assert_eq!(floats(&draw())[0], 0.441_227_5);
    assert_eq!(floats(&draw()), floats(&draw()));
}

#[test]
fn quantised_in_blocks_that_do_not_divide_the_axis() {
    let x = f32s(&[5], &[1.0, 2.0, 3.0, 4.0, 300.0]);
    let (scale, zero) = (f32s(&[3], &[1.0, 0.5, 2.0]), Tensor::vector(vec![0u8, 10, 200]));
    let block = [int("axis", 0), int("block_size", 2)];
    let y = run("QuantizeLinear", 21, &block, &[x, scale.clone(), zero.clone()]).unwrap();
    assert_eq!(y.slice::<u8>().unwrap(), [1, 2, 16, 18, 255]);
    let back = run("DequantizeLinear", 21, &block, &[y, scale.clone(), zero.clone()]).unwrap();
    assert_eq!(floats(&back), [1.0, 2.0, 3.0, 4.0, 110.0]);
    let x = f32s(&[4], &[0.0; 4]);
    assert!(run("QuantizeLinear", 21, &[int("axis", 0), int("block_size", 1)], &[x, scale, zero]).is_err());
}

#[test]
fn numbers_become_text_and_text_numbers() {
    let text = run("Cast", 13, &[int("to", Kind::String.code())], &[f32s(&[2], &[0.1, 1e-5])]).unwrap();
    let words: Vec<_> = text.slice::<std::sync::Arc<str>>().unwrap().iter().map(|text| &**text).collect();
    assert_eq!(words, ["0.1", "1e-05"]);
    let back = run("Cast", 13, &[int("to", Kind::F32.code())], std::slice::from_ref(&text)).unwrap();
    assert_eq!(floats(&back), [0.1, 1e-5]);
    let wrap = run("Cast", 13, &[int("to", Kind::I8.code())], &[Tensor::vector(vec![200i16])]).unwrap();
    assert_eq!(wrap.slice::<i8>().unwrap(), [-56]);
}

//! Columns back to images.

use half::{bf16, f16};

use crate::{
    map_kinds,
    native::{
        attributes::{Node, spatial},
        exec::{Args, Op, Outputs, Run, one, op},
        fault::{Fault, fault},
        kernels::{
            conv,
            real::{self, reals},
            window::{Spec, Window},
        },
        value::{Complex, Element, Kind, Shape, Tensor, decode, elements},
    },
};

/// What overlapping blocks do with each other.
trait Add: Element + Copy {
    fn add(self, other: Self) -> Self;
}

macro_rules! adds {
    ($($t:ty: |$a:ident, $b:ident| $sum:expr),* $(,)?) => {$(
        impl Add for $t {
            #[inline]
            fn add(self, other: Self) -> Self { let ($a, $b) = (self, other); $sum }
        }
    )*};
}

adds! {
    f32: |a, b| a + b, f64: |a, b| a + b, f16: |a, b| a + b, bf16: |a, b| a + b,
    i8: |a, b| a.wrapping_add(b), i16: |a, b| a.wrapping_add(b),
    i32: |a, b| a.wrapping_add(b), i64: |a, b| a.wrapping_add(b),
    u8: |a, b| a.wrapping_add(b), u16: |a, b| a.wrapping_add(b),
    u32: |a, b| a.wrapping_add(b), u64: |a, b| a.wrapping_add(b),
    bool: |a, b| a | b,
    Complex<f32>: |a, b| [a[0] + b[0], a[1] + b[1]],
    Complex<f64>: |a, b| [a[0] + b[0], a[1] + b[1]],
}

/// `Col2Im`, ai.onnx 18: blocks added up where they overlap; texts, which can't be added, are refused.
pub(super) fn col2im(node: &Node<'_>) -> Result<Op, Fault> {
    let spec = spatial::spec(node)?;
    op(move |run, args| body(run, &args, &spec))
}

fn body(run: &mut Run<'_>, args: &Args, spec: &Spec) -> Result<Outputs, Fault> {
    let x = args.tensor(0)?;
    let image = decode::shape(&args.ints(1)?).map_err(|fault| fault.about("input 1"))?;
    let block = decode::shape(&args.ints(2)?).map_err(|fault| fault.about("input 2"))?;
    let window = spec.window(&image, &block)?;
    let (taps, positions) = (window.taps(), elements(&window.output)?);
    let &[batch, rows, columns] = x.shape() else {
        return Err(fault!("input 0: has shape {:?}, must have three axes", x.shape()));
    };
    if rows % taps != 0 || columns != positions {
        return Err(fault!(
            "input 0: has shape {:?}, must have a multiple of {taps} rows and {positions} columns",
            x.shape()
        ));
    }
    let shape: Shape = [batch, rows / taps].into_iter().chain(image).collect();
    let len = elements(&shape)?;
    let data = match x.kind() {
        // Rounded once, at the end.
        kind @ (Kind::F16 | Kind::BF16) => reals!(kind, T => {
            let wide = real::widened::<T>(run, x)?;
            let mut y = run.filled(len, 0.0)?;
            fold(&wide, &window, &mut y);
            real::narrowed(run, kind, y)
        })?,
        kind => map_kinds!(
            [F32, F64, I8, I16, I32, I64, U8, U16, U32, U64, Bool, C64, C128] x.data(), v => {
                let mut y = run.filled(len, Default::default())?;
                fold(v, &window, &mut y);
                y
            },
            return Err(fault!("input 0: is {kind}, which can't be added"))
        ),
    };
    one(Tensor::new(shape, data)?)
}

fn fold<T: Add>(x: &[T], window: &Window, y: &mut [T]) {
    let positions: usize = window.output.iter().product();
    let (block, cells) = (window.taps() * positions, window.input.iter().product());
    if block == 0 || cells == 0 {
        return;
    }
    for (x, y) in x.chunks_exact(block).zip(y.chunks_exact_mut(cells)) {
        conv::scatter(x, window, 0..positions, y, T::add);
    }
}

//! `MatMul`: matrices of the last two axes, the others broadcast.

use crate::{
    native::{
        attributes::Node,
        exec::{Op, Run, one, op},
        fault::{Fault, fault},
        kernels::{
            broadcast::{self, strides_in},
            matmul::{Scalar, gemm},
            number::{Float, narrow, widen},
            shape::Walk,
        },
        value::{Data, Element, Shape, Tensor, elements},
    },
    with_kinds2,
};

/// The sizes of a product as `numpy.matmul` has it. Vectors count as matrices of one row on the left, of
/// one column on the right.
pub struct Product {
    pub m: usize,
    pub k: usize,
    pub n: usize,
    /// Of the result, without the axes that vectors lack.
    pub shape: Shape,
    /// The axes before the last two: of the result, and each operand's strides in matrices.
    batch: Shape,
    a_batches: Shape,
    b_batches: Shape,
    /// Of each operand's matrices: between rows and between columns.
    strides: [(usize, usize); 2],
}

impl Product {
    /// # Errors
    /// Scalars; lengths that don't go together.
    pub fn new(a: &[usize], b: &[usize]) -> Result<Self, Fault> {
        let fits = || fault!("shapes {a:?} and {b:?} can't be multiplied as matrices");
        let (a_outer, m, k) = match a {
            [] => return Err(fits()),
            [k] => (&[][..], 1, *k),
            [outer @ .., m, k] => (outer, *m, *k),
        };
        let (b_outer, b_k, n) = match b {
            [] => return Err(fits()),
            [k] => (&[][..], *k, 1),
            [outer @ .., k, n] => (outer, *k, *n),
        };
        if k != b_k {
            return Err(fits());
        }
        let batch = broadcast::shape(a_outer, b_outer).map_err(|_| fits())?;
        let mut shape = batch.clone();
        if a.len() > 1 {
            shape.push(m);
        }
        if b.len() > 1 {
            shape.push(n);
        }
        let a_batches = strides_in(a_outer, &batch);
        let b_batches = strides_in(b_outer, &batch);
        let strides = [(k, 1), (n, 1)];
        Ok(Product { m, k, n, shape, batch, a_batches, b_batches, strides })
    }

    /// As [`new`](Self::new), of operands whose last two axes change places first; those of vectors can't.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn transposed(a: &[usize], b: &[usize], [turn_a, turn_b]: [bool; 2]) -> Result<Self, Fault> {
        let turned = |shape: &[usize], turn: bool| -> Shape {
            let mut shape = Shape::from_slice(shape);
            if let ([.., rows, columns], true) = (&mut *shape, turn) {
                std::mem::swap(rows, columns);
            }
            shape
        };
        let mut product = Product::new(&turned(a, turn_a), &turned(b, turn_b))?;
        if turn_a && a.len() > 1 {
            product.strides[0] = (1, product.m);
        }
        if turn_b && b.len() > 1 {
            product.strides[1] = (1, product.k);
        }
        Ok(product)
    }

    /// Adds all products to `c`, which has as many elements as [`shape`](Self::shape).
    pub fn run<T: Scalar>(&self, a: &[T], b: &[T], c: &mut [T]) {
        let &Product { m, k, n, .. } = self;
        if m * n == 0 || k == 0 {
            return;
        }
        // One matrix on the right for all on the left: they are one tall matrix.
        let [of_a, of_b] = self.strides;
        if self.b_batches.iter().zip(&self.batch).all(|(&stride, &dim)| stride == 0 || dim == 1)
            && a.len() == c.len() / n * k
            && of_a == (k, 1)
        {
            return gemm(c.len() / n, k, n, a, of_a, b, of_b, c);
        }
        let walk = Walk::new(&self.batch, [self.a_batches.clone(), self.b_batches.clone()]);
        for ([at_a, at_b], c) in walk.zip(c.chunks_exact_mut(m * n)) {
            gemm(m, k, n, &a[at_a * m * k..], of_a, &b[at_b * k * n..], of_b, c);
        }
    }
}

/// A product of numbers as they are computed with.
pub fn wide_product<T: Scalar + Element>(
    run: &mut Run<'_>,
    product: &Product,
    a: &[T],
    b: &[T],
) -> Result<Vec<T>, Fault> {
    let mut c = run.filled(elements(&product.shape)?, T::default())?;
    product.run(a, b, &mut c);
    Ok(c)
}

/// `MatMul`, ai.onnx 1, 9, 13: since 9 integers, which wrap around. Half floats are summed in f32.
pub(super) fn matmul(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| {
        let (a, b) = (args.tensor(0)?, args.tensor(1)?);
        let product = Product::new(a.shape(), b.shape())?;
        fn half<T: Float>(run: &mut Run<'_>, product: &Product, a: &[T], b: &[T]) -> Result<Data, Fault> {
            let mut wide_a = run.buffer(a.len())?;
            widen(a, &mut wide_a);
            let mut wide_b = run.buffer(b.len())?;
            widen(b, &mut wide_b);
            let c = wide_product(run, product, &wide_a, &wide_b)?;
            run.check_len::<T>(c.len())?;
            Ok(T::wrap(narrow(a, c)))
        }
        let data = match (a.data(), b.data()) {
            (Data::F16(a), Data::F16(b)) => half(run, &product, a, b)?,
            (Data::BF16(a), Data::BF16(b)) => half(run, &product, a, b)?,
            (x, y) => with_kinds2!(
                [F32, F64, I32, I64, U32, U64] (x, y), (a, b) => Element::wrap(wide_product(run, &product, a, b)?),
                return Err(fault!("takes two tensors of the same kind of number, is given {a} and {b}"))
            ),
        };
        one(Tensor::new(product.shape.clone(), data)?)
    })
}

//! Products of matrices.
//!
//! Every element of the result is summed in the same order, whatever the number of rows and whichever
//! loop does it: blocks of [`DEPTH`] products from the front, each block from zero, then added to what is
//! there. So a row's result doesn't depend on the rows around it.

/// Products summed before they are added to the result; also the height of a packed block.
const DEPTH: usize = 256;
/// Columns packed at a time: with [`DEPTH`] rows of f32 half a megabyte, which stays in the cache.
const WIDTH: usize = 512;
/// Columns of a tile. A tile of four rows fills half of the vector registers; those of AVX are twice
/// as wide.
const COLUMNS: usize = if cfg!(target_feature = "avx") { 16 } else { 8 };
/// Rows of a tile.
const ROWS: usize = 4;
/// Columns of a single row that are summed at a time.
const STRIP: usize = 512;

/// A number that matrices are made of. Integers wrap around.
pub trait Scalar: Copy + Default {
    /// `self + a * b`, rounded twice.
    fn plus_product(self, a: Self, b: Self) -> Self;
    fn plus(self, other: Self) -> Self;
}

macro_rules! floats {
    ($($t:ty),*) => {$(
        impl Scalar for $t {
            #[inline(always)]
            fn plus_product(self, a: Self, b: Self) -> Self { self + a * b }
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self + other }
        }
    )*};
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Scalar for $t {
            #[inline(always)]
            fn plus_product(self, a: Self, b: Self) -> Self { self.wrapping_add(a.wrapping_mul(b)) }
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self.wrapping_add(other) }
        }
    )*};
}

floats!(f32, f64);
integers!(i32, u32, i64, u64);

/// Adds the product of `a` (`m` x `k`) and `b` (`k` x `n`) to `c` (`m` x `n`, row-major).
///
/// Strides are (between rows, between columns), in elements, so a transposed matrix costs nothing
/// extra to say. The caller has checked that all elements lie within `a` and `b`.
#[allow(clippy::too_many_arguments, reason = "the usual arguments of a matrix product")]
pub fn gemm<T: Scalar>(
    m: usize,
    k: usize,
    n: usize,
    a: &[T],
    a_strides: (usize, usize),
    b: &[T],
    b_strides: (usize, usize),
    c: &mut [T],
) {
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    // A matrix times a vector is a vector times the transposed matrix.
    if n == 1 && m > 1 {
        let (rows, columns) = (a_strides, b_strides);
        return row(k, m, (b, columns.0), a, (rows.1, rows.0), &mut c[..m]);
    }
    // So few rows don't repay the packing.
    if m < ROWS {
        for (i, c) in c.chunks_exact_mut(n).take(m).enumerate() {
            row(k, n, (&a[i * a_strides.0..], a_strides.1), b, b_strides, c);
        }
        return;
    }
    let depth = DEPTH.min(k);
    let mut panels = vec![T::default(); depth * WIDTH.min(n).next_multiple_of(COLUMNS)];
    let mut strip = vec![T::default(); depth * ROWS];
    for from_column in (0..n).step_by(WIDTH) {
        let width = WIDTH.min(n - from_column);
        for from in (0..k).step_by(DEPTH) {
            let depth = DEPTH.min(k - from);
            let start = from * b_strides.0 + from_column * b_strides.1;
            pack_panels(depth, width, &b[start..], b_strides, &mut panels);
            for row in (0..m).step_by(ROWS) {
                let a = &a[row * a_strides.0 + from * a_strides.1..];
                let c = &mut c[row * n + from_column..];
                match m - row {
                    1 => rows::<T, 1>(depth, width, a, a_strides, &mut strip, &panels, c, n),
                    2 => rows::<T, 2>(depth, width, a, a_strides, &mut strip, &panels, c, n),
                    3 => rows::<T, 3>(depth, width, a, a_strides, &mut strip, &panels, c, n),
                    _ => rows::<T, ROWS>(depth, width, a, a_strides, &mut strip, &panels, c, n),
                }
            }
        }
    }
}

/// Lays a block of `b` out as panels of [`COLUMNS`] columns, each row by row; missing columns are zero.
fn pack_panels<T: Scalar>(depth: usize, width: usize, b: &[T], strides: (usize, usize), panels: &mut [T]) {
    for (index, panel) in panels.chunks_exact_mut(depth * COLUMNS).take(width.div_ceil(COLUMNS)).enumerate() {
        let from = index * COLUMNS;
        let columns = COLUMNS.min(width - from);
        for (row, to) in panel.chunks_exact_mut(COLUMNS).enumerate() {
            let b = &b[row * strides.0 + from * strides.1..];
            if strides.1 == 1 {
                to[..columns].copy_from_slice(&b[..columns]);
            } else {
                for (column, to) in to[..columns].iter_mut().enumerate() {
                    *to = b[column * strides.1];
                }
            }
            to[columns..].fill(T::default());
        }
    }
}

/// `R` rows of the result over one block.
#[allow(clippy::too_many_arguments, reason = "two matrices and where they are")]
fn rows<T: Scalar, const R: usize>(
    depth: usize,
    width: usize,
    a: &[T],
    a_strides: (usize, usize),
    strip: &mut [T],
    panels: &[T],
    c: &mut [T],
    n: usize,
) {
    let strip = &mut strip[..depth * R];
    for (p, to) in strip.as_chunks_mut::<R>().0.iter_mut().enumerate() {
        for (i, to) in to.iter_mut().enumerate() {
            *to = a[i * a_strides.0 + p * a_strides.1];
        }
    }
    for (index, panel) in panels.chunks_exact(depth * COLUMNS).take(width.div_ceil(COLUMNS)).enumerate() {
        let tile = tile::<T, R>(strip, panel);
        let from = index * COLUMNS;
        let columns = COLUMNS.min(width - from);
        for (i, sums) in tile.iter().enumerate() {
            for (c, &sum) in c[i * n + from..][..columns].iter_mut().zip(sums) {
                *c = c.plus(sum);
            }
        }
    }
}

/// The product of a strip of `R` rows (column by column) and a panel (row by row), kept in registers.
#[inline]
fn tile<T: Scalar, const R: usize>(strip: &[T], panel: &[T]) -> [[T; COLUMNS]; R] {
    let mut sums = [[T::default(); COLUMNS]; R];
    for (a, b) in strip.as_chunks::<R>().0.iter().zip(panel.as_chunks::<COLUMNS>().0) {
        for (sums, &a) in sums.iter_mut().zip(a) {
            for (sum, &b) in sums.iter_mut().zip(b) {
                *sum = sum.plus_product(a, b);
            }
        }
    }
    sums
}

/// One row times a matrix.
fn row<T: Scalar>(
    k: usize,
    n: usize,
    (a, step): (&[T], usize),
    b: &[T],
    strides: (usize, usize),
    c: &mut [T],
) {
    for from in (0..k).step_by(DEPTH) {
        let depth = DEPTH.min(k - from);
        let (a, b) = (&a[from * step..], &b[from * strides.0..]);
        for (index, c) in c[..n].chunks_mut(STRIP).enumerate() {
            let b = &b[index * STRIP * strides.1..];
            if strides.1 == 1 {
                along_rows(depth, a, step, b, strides.0, c);
            } else {
                along_columns(depth, a, step, b, strides, c);
            }
        }
    }
}

/// Rows of `b` are contiguous: each of them is added, scaled.
fn along_rows<T: Scalar>(depth: usize, a: &[T], step: usize, b: &[T], stride: usize, c: &mut [T]) {
    let mut sums = [T::default(); STRIP];
    let width = c.len();
    let sums = &mut sums[..width];
    let line = |p: usize| (a[p * step], &b[p * stride..][..width]);
    let mut p = 0;
    while p + 4 <= depth {
        let ((a0, b0), (a1, b1), (a2, b2), (a3, b3)) = (line(p), line(p + 1), line(p + 2), line(p + 3));
        for ((((sum, &b0), &b1), &b2), &b3) in sums.iter_mut().zip(b0).zip(b1).zip(b2).zip(b3) {
            *sum = sum.plus_product(a0, b0).plus_product(a1, b1).plus_product(a2, b2).plus_product(a3, b3);
        }
        p += 4;
    }
    for p in p..depth {
        let (a, b) = line(p);
        for (sum, &b) in sums.iter_mut().zip(b) {
            *sum = sum.plus_product(a, b);
        }
    }
    for (c, &sum) in c.iter_mut().zip(&*sums) {
        *c = c.plus(sum);
    }
}

/// Columns of `b` are contiguous, or nothing is: eight sums at a time, so that they don't wait for each
/// other.
fn along_columns<T: Scalar>(
    depth: usize,
    a: &[T],
    step: usize,
    b: &[T],
    strides: (usize, usize),
    c: &mut [T],
) {
    const TOGETHER: usize = 8;
    for (index, c) in c.chunks_mut(TOGETHER).enumerate() {
        let b = &b[index * TOGETHER * strides.1..];
        let mut sums = [T::default(); TOGETHER];
        if c.len() == TOGETHER && strides.0 == 1 {
            let columns: [&[T]; TOGETHER] = std::array::from_fn(|j| &b[j * strides.1..][..depth]);
            for p in 0..depth {
                let a = a[p * step];
                for (sum, column) in sums.iter_mut().zip(columns) {
                    *sum = sum.plus_product(a, column[p]);
                }
            }
        } else {
            for p in 0..depth {
                let a = a[p * step];
                for (j, sum) in sums[..c.len()].iter_mut().enumerate() {
                    *sum = sum.plus_product(a, b[p * strides.0 + j * strides.1]);
                }
            }
        }
        for (c, sum) in c.iter_mut().zip(sums) {
            *c = c.plus(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(len: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..len).map(|_| next()).collect()
    }

    /// The sum as the module promises it, without tiles.
    fn plain(
        m: usize,
        k: usize,
        n: usize,
        a: impl Fn(usize, usize) -> f32,
        b: impl Fn(usize, usize) -> f32,
    ) -> Vec<f32> {
        let element = |i: usize, j: usize| {
            (0..k).step_by(DEPTH).fold(0.0, |sum, from| {
                sum + (from..k.min(from + DEPTH)).fold(0.0, |sum, p| sum + a(i, p) * b(p, j))
            })
        };
        (0..m * n).map(|at| element(at / n, at % n)).collect()
    }

    #[test]
    fn every_shape_and_layout_gives_the_same_sums_to_the_bit() {
        for (m, k, n) in [
            (1, 1, 1),
            (1, 7, 9),
            (3, 300, 17),
            (4, 8, 8),
            (5, 600, 33),
            (7, 3, 1),
            (9, 513, 530),
            (6, 2, 1030),
            (1, 300, 1100),
        ] {
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
            for (a_strides, b_strides) in
                [((k, 1), (n, 1)), ((1, m), (n, 1)), ((k, 1), (1, k)), ((1, m), (1, k))]
            {
                let mut c = vec![0.0; m * n];
                gemm(m, k, n, &a, a_strides, &b, b_strides, &mut c);
                let want = plain(
                    m,
                    k,
                    n,
                    |i, p| a[i * a_strides.0 + p * a_strides.1],
                    |p, j| b[p * b_strides.0 + j * b_strides.1],
                );
                assert_eq!(c, want, "{m} x {k} x {n}, strides {a_strides:?} {b_strides:?}");
            }
        }
    }

    #[test]
    fn the_product_is_added_to_what_is_there() {
        let mut c = [1i32, 2, 3, i32::MAX];
        gemm(2, 1, 2, &[1, 1], (1, 1), &[10, 1], (2, 1), &mut c);
        assert_eq!(c, [11, 3, 13, i32::MIN]);
    }
}

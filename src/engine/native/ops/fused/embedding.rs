//! Words as vectors: those of the word, of its place and of its segment together, normalised.

use std::borrow::Cow;

use smallvec::smallvec;

use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, op},
    fault::{Fault, fault},
    kernels::real,
    ops::{
        normalisation::layer::{Config, layer},
        quantised::{floats, levels, single, zero_point},
    },
    value::{Kind, Tensor, elements},
};

/// A table of vectors, as floats or as integers with one scale.
struct Table<'t> {
    rows: usize,
    width: usize,
    numbers: Numbers<'t>,
}

enum Numbers<'t> {
    Floats(Cow<'t, [f32]>),
    Levels { levels: &'t Tensor, scale: f32, zero: i32 },
}

impl<'t> Table<'t> {
    /// The input, with the inputs of its scale and zero point where it is quantised.
    fn read(
        run: &mut Run<'_>,
        args: &'t Args,
        index: usize,
        quantised: Option<[usize; 2]>,
    ) -> Result<Self, Fault> {
        let tensor = args.tensor(index)?;
        let &[rows, width] = tensor.shape() else {
            return Err(fault!("input {index}: {tensor} must have two axes"));
        };
        let numbers = match quantised {
            None => Numbers::Floats(real::input::<f32>(run, args, index)?),
            Some([scale, zero]) if matches!(tensor.kind(), Kind::U8 | Kind::I8) => {
                let (scale, zero) = (single(run, args, scale)?, zero_point(run, args, zero)?);
                Numbers::Levels { levels: tensor, scale, zero }
            }
            Some(_) => return Err(fault!("input {index}: {tensor} must be integers of 8 bits")),
        };
        Ok(Table { rows, width, numbers })
    }

    /// Adds a row to `to`.
    fn add(&self, row: i64, what: &str, to: &mut [f32]) -> Result<(), Fault> {
        let row = usize::try_from(row).ok().filter(|&row| row < self.rows);
        let row = row.ok_or_else(|| fault!("there is no such {what} among {}", self.rows))?;
        let range = row * self.width..(row + 1) * self.width;
        match &self.numbers {
            Numbers::Floats(values) => to.iter_mut().zip(&values[range]).for_each(|(to, x)| *to += x),
            Numbers::Levels { levels, scale, zero } => {
                let mut each = |place: usize, level: i32| to[place] += (level - zero) as f32 * scale;
                match (levels.slice::<u8>(), levels.slice::<i8>()) {
                    (Ok(v), _) => v[range].iter().enumerate().for_each(|(i, &x)| each(i, x.into())),
                    (_, Ok(v)) => v[range].iter().enumerate().for_each(|(i, &x)| each(i, x.into())),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// Which inputs are what.
struct Inputs<'t> {
    words: Table<'t>,
    places: Table<'t>,
    segments: Option<Table<'t>>,
    scale: Tensor,
    shift: Tensor,
    mask: Option<usize>,
    place_ids: Option<usize>,
}

/// `EmbedLayerNormalization`, com.microsoft 1: inputs word ids, segment ids, tables of words, places and segments, scale,
/// shift, mask, place ids. The second output counts each sequence's ones in the mask, the third is what was normalised.
pub(super) fn embed_layer_normalization(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config::read_or(node, 1e-12)?;
    op(move |run, args| {
        let inputs = Inputs {
            words: Table::read(run, &args, 2, None)?,
            places: Table::read(run, &args, 3, None)?,
            segments: args.opt(4)?.map(|_| Table::read(run, &args, 4, None)).transpose()?,
            scale: args.tensor(5)?.clone(),
            shift: args.tensor(6)?.clone(),
            mask: args.opt(7)?.map(|_| 7),
            place_ids: args.opt(8)?.map(|_| 8),
        };
        embedded(run, &args, &inputs, &config, args.tensor(2)?.kind())
    })
}

/// `QEmbedLayerNormalization`, com.microsoft 1: the same with tables, scale and shift of 8 bits; inputs 8 to 12 are their
/// scales, 13 to 17 their zero points.
pub(super) fn quantised_embed_layer_normalization(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config::read_or(node, 1e-12)?;
    op(move |run, args| {
        let mut table = |index: usize, at: usize| Table::read(run, &args, index, Some([8 + at, 13 + at]));
        let (words, places) = (table(2, 0)?, table(3, 1)?);
        let segments = args.opt(4)?.map(|_| table(4, 2)).transpose()?;
        let mut vector = |index: usize, at: usize| -> Result<Tensor, Fault> {
            let (scale, zero) = (single(run, &args, 8 + at)?, zero_point(run, &args, 13 + at)?);
            let of = levels(run, args.tensor(index)?)?;
            Ok(Tensor::vector(of.iter().map(|&level| (level - zero) as f32 * scale).collect()))
        };
        let (scale, shift) = (vector(5, 3)?, vector(6, 4)?);
        let mask = args.opt(7)?.map(|_| 7);
        let inputs = Inputs { words, places, segments, scale, shift, mask, place_ids: None };
        embedded(run, &args, &inputs, &config, Kind::F32)
    })
}

fn embedded(
    run: &mut Run<'_>,
    args: &Args,
    inputs: &Inputs<'_>,
    config: &Config,
    kind: Kind,
) -> Result<Outputs, Fault> {
    let ids = args.ints(0)?;
    let &[batch, length] = args.tensor(0)?.shape() else {
        return Err(fault!("input 0: {} must have two axes", args.tensor(0)?));
    };
    let Inputs { words, places, segments, .. } = inputs;
    let width = words.width;
    let segment_ids = args.opt_ints(1)?;
    let place_ids = inputs.place_ids.map(|index| args.ints(index)).transpose()?;
    let fits = |ids: &Option<Vec<i64>>, alone: bool| {
        ids.as_ref().is_none_or(|ids| ids.len() == batch * length || alone && ids.len() == length)
    };
    if places.width != width
        || segments.as_ref().is_some_and(|table| table.width != width || segment_ids.is_none())
        || !fits(&segment_ids, false)
        || !fits(&place_ids, true)
    {
        return Err(fault!("its tables and ids of {batch} times {length} words don't go together"));
    }
    let shape = [batch, length, width];
    let mut sum = run.filled(elements(&shape)?, 0f32)?;
    for (at, to) in sum.chunks_exact_mut(width.max(1)).enumerate().take(ids.len()) {
        words.add(ids[at], "word", to)?;
        let place = place_ids.as_ref().map_or((at % length) as i64, |ids| ids[at % ids.len()]);
        places.add(place, "place", to)?;
        if let (Some(table), Some(ids)) = (segments, &segment_ids) {
            table.add(ids[at], "segment", to)?;
        }
    }
    let counts = match inputs.mask {
        None => vec![0; batch],
        Some(index) => {
            let mask = args.ints(index)?;
            if mask.len() != batch * length {
                return Err(fault!(
                    "input {index}: has {} elements, must have {}",
                    mask.len(),
                    batch * length
                ));
            }
            let rows = mask.chunks_exact(length.max(1));
            rows.map(|row| row.iter().filter(|&&seen| seen == 1).count() as i32).collect()
        }
    };
    let sum: Tensor = real::tensor(run, kind, &shape, sum)?;
    let scale = floats(run, &inputs.scale)?.to_vec();
    let shift = floats(run, &inputs.shift)?.to_vec();
    let normalised = smallvec![
        Some(sum.clone().into()),
        Some(Tensor::vector(scale).into()),
        Some(Tensor::vector(shift).into())
    ];
    let y = layer::<f32>(run, &Args::new(normalised, smallvec![]), config)?;
    let mut outputs: Outputs = y.into_iter().take(1).collect();
    outputs.push(Tensor::vector(counts).into());
    outputs.push(sum.into());
    Ok(outputs)
}

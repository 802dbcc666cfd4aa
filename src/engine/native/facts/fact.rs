//! What is known of a value before there is one.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Dim, Symbols};
use crate::native::value::{Axis, Kind, Map, Shape, Tensor, Type, Value};

/// Lengths of the dimensions, outermost first.
pub type Dims = SmallVec<[Dim; 4]>;

/// Elements of a tensor that are kept in mind: shapes, axes, sizes. Longer ones are weights.
pub const LONGEST: usize = 64;
/// Tensors of more dimensions have a shape that is not kept.
pub const MAX_RANK: usize = 32;

/// What a value is, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Fact {
    #[default]
    Unknown,
    Tensor(TensorFact),
    /// Of what all items have in common.
    Sequence(Box<Fact>),
    /// The kind of the keys, and what all values have in common.
    Map(Kind, Box<Fact>),
    /// What it holds when it isn't empty.
    Optional(Box<Fact>),
}

/// A tensor, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TensorFact {
    pub kind: Option<Kind>,
    /// `None`: not even the rank is known.
    pub shape: Option<Dims>,
    pub contents: Contents,
}

/// The elements of a short tensor.
#[derive(Debug, Clone, Default)]
pub enum Contents {
    #[default]
    Unknown,
    /// All of them, of any kind.
    Whole(Tensor),
    /// Whole numbers (truth values as 0 and 1), of which some are known, in row-major order.
    Parts(Arc<[Dim]>),
}

impl PartialEq for Contents {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Contents::Unknown, Contents::Unknown) => true,
            (Contents::Whole(a), Contents::Whole(b)) => Value::Tensor(a.clone()) == Value::Tensor(b.clone()),
            (Contents::Parts(a), Contents::Parts(b)) => a == b,
            _ => false,
        }
    }
}

impl Contents {
    /// The elements as whole numbers; `None` where none is known, or they are others.
    pub fn integers(&self) -> Option<Arc<[Dim]>> {
        match self {
            Contents::Unknown => None,
            Contents::Parts(parts) => Some(Arc::clone(parts)),
            Contents::Whole(tensor) => {
                let numbers = |v: &mut dyn Iterator<Item = i64>| v.map(Dim::Number).collect();
                if let Ok(v) = tensor.slice::<i64>() {
                    return Some(numbers(&mut v.iter().copied()));
                }
                if let Ok(v) = tensor.slice::<i32>() {
                    return Some(numbers(&mut v.iter().map(|&v| v.into())));
                }
                tensor.slice::<bool>().ok().map(|v| numbers(&mut v.iter().map(|&v| v.into())))
            }
        }
    }
}

impl Fact {
    pub fn tensor(kind: impl Into<Option<Kind>>, shape: impl Into<Option<Dims>>) -> Fact {
        let shape = shape.into().filter(|shape| shape.len() <= MAX_RANK);
        Fact::Tensor(TensorFact { kind: kind.into(), shape, contents: Contents::Unknown })
    }

    /// A tensor with whole numbers that are known in part.
    pub fn with_parts(self, parts: impl IntoIterator<Item = Dim>) -> Fact {
        let Fact::Tensor(mut tensor) = self else { return self };
        let parts: Arc<[Dim]> = parts.into_iter().take(LONGEST + 1).collect();
        if parts.len() <= LONGEST && parts.iter().any(|part| *part != Dim::Unknown) {
            tensor.contents = Contents::Parts(parts);
        }
        Fact::Tensor(tensor)
    }

    /// All that can be said of a value that is there.
    pub fn of(value: &Value) -> Fact {
        match value {
            Value::Tensor(tensor) => Fact::of_tensor(tensor),
            Value::Sequence(items) => Fact::Sequence(Box::new(common(items.iter().map(Fact::of)))),
            Value::Optional(Some(value)) => Fact::Optional(Box::new(Fact::of(value))),
            Value::Optional(None) => Fact::Optional(Box::default()),
            Value::Map(map) => match &**map {
                Map::Ints(map) => Fact::Map(Kind::I64, Box::new(common(map.values().map(Fact::of)))),
                Map::Strings(map) => Fact::Map(Kind::String, Box::new(common(map.values().map(Fact::of)))),
            },
        }
    }

    pub fn of_tensor(tensor: &Tensor) -> Fact {
        let numbers: Dims = tensor.shape().iter().map(|&dim| Dim::of(dim)).collect();
        let mut fact = Fact::tensor(tensor.kind(), numbers);
        if let Fact::Tensor(known) = &mut fact
            && tensor.len() <= LONGEST
        {
            known.contents = Contents::Whole(tensor.clone());
        }
        fact
    }

    /// What a declaration says. `free` gives the dimension that a free axis stands for.
    pub fn declared(ty: &Type, free: &mut dyn FnMut(&str) -> Dim) -> Fact {
        match ty {
            Type::Unknown => Fact::Unknown,
            Type::Sequence(item) => Fact::Sequence(Box::new(Fact::declared(item, free))),
            Type::Optional(item) => Fact::Optional(Box::new(Fact::declared(item, free))),
            Type::Map(key, value) => Fact::Map(*key, Box::new(Fact::declared(value, free))),
            Type::Tensor { kind, axes } => {
                let axes = axes.as_ref().filter(|axes| axes.len() <= MAX_RANK);
                let mut shape = axes.map(|_| Dims::new());
                for axis in axes.into_iter().flatten() {
                    let dim = match axis {
                        Axis::Fixed(n) => Dim::of(*n),
                        Axis::Free(name) => free(name),
                    };
                    shape.get_or_insert_default().push(dim);
                }
                Fact::tensor(*kind, shape)
            }
        }
    }

    /// What sort of value it is, for messages.
    pub fn sort(&self) -> &'static str {
        match self {
            Fact::Unknown => "not known",
            Fact::Tensor(_) => "a tensor",
            Fact::Sequence(_) => "a sequence",
            Fact::Map(..) => "a map",
            Fact::Optional(_) => "an optional",
        }
    }

    pub fn as_tensor(&self) -> Option<&TensorFact> {
        if let Fact::Tensor(tensor) = self { Some(tensor) } else { None }
    }

    /// What holds of both.
    pub fn join(self, other: &Fact) -> Fact {
        if self == *other {
            return self;
        }
        match (self, other) {
            (Fact::Tensor(a), Fact::Tensor(b)) => Fact::Tensor(a.join(b)),
            (Fact::Sequence(a), Fact::Sequence(b)) => Fact::Sequence(Box::new(a.join(b))),
            (Fact::Optional(a), Fact::Optional(b)) => Fact::Optional(Box::new(a.join(b))),
            (Fact::Map(a, x), Fact::Map(b, y)) if a == *b => Fact::Map(a, Box::new(x.join(y))),
            _ => Fact::Unknown,
        }
    }

    /// Every dimension and every known element changed.
    pub fn map(&mut self, f: &mut dyn FnMut(Dim) -> Dim) {
        match self {
            Fact::Unknown => {}
            Fact::Sequence(item) | Fact::Optional(item) | Fact::Map(_, item) => item.map(f),
            Fact::Tensor(tensor) => {
                tensor.shape.iter_mut().flatten().for_each(|dim| *dim = f(*dim));
                if let Contents::Parts(parts) = &mut tensor.contents {
                    *parts = parts.iter().map(|&part| f(part)).collect();
                }
            }
        }
    }

    /// How many dimensions and elements it keeps.
    pub fn size(&self) -> usize {
        match self {
            Fact::Unknown => 0,
            Fact::Sequence(item) | Fact::Optional(item) | Fact::Map(_, item) => item.size() + 1,
            Fact::Tensor(tensor) => {
                let contents = match &tensor.contents {
                    Contents::Unknown => 0,
                    Contents::Whole(tensor) => tensor.len(),
                    Contents::Parts(parts) => parts.len(),
                };
                tensor.shape.as_ref().map_or(0, |shape| shape.len()) + contents
            }
        }
    }

    /// Only what never takes memory of its own.
    pub fn without_shapes(self) -> Fact {
        match self {
            Fact::Tensor(TensorFact { kind, .. }) => Fact::tensor(kind, None),
            Fact::Sequence(item) => Fact::Sequence(Box::new(item.without_shapes())),
            Fact::Optional(item) => Fact::Optional(Box::new(item.without_shapes())),
            Fact::Map(key, item) => Fact::Map(key, Box::new(item.without_shapes())),
            Fact::Unknown => Fact::Unknown,
        }
    }

    /// As viewers of models write it: `float32[batch, 64, 56, 56]`, `?` for what is not known;
    /// `None` where nothing is.
    pub fn shown(&self, symbols: &Symbols) -> Option<String> {
        let inner = |item: &Fact| item.shown(symbols).unwrap_or_else(|| "?".into());
        Some(match self {
            Fact::Unknown => return None,
            Fact::Sequence(item) => format!("sequence({})", inner(item)),
            Fact::Optional(item) => format!("optional({})", inner(item)),
            Fact::Map(key, item) => format!("map({key}, {})", inner(item)),
            Fact::Tensor(tensor) => {
                let kind = tensor.kind.map_or("?", Kind::name);
                match &tensor.shape {
                    None if tensor.kind.is_none() => return None,
                    None => format!("{kind}[...]"),
                    Some(dims) => {
                        let dims: Vec<_> = dims.iter().map(|&dim| symbols.shown(dim)).collect();
                        format!("{kind}[{}]", dims.join(", "))
                    }
                }
            }
        })
    }
}

/// What all of them have in common; nothing is known of none.
fn common(facts: impl Iterator<Item = Fact>) -> Fact {
    facts.reduce(|all, fact| all.join(&fact)).unwrap_or_default()
}

impl TensorFact {
    fn join(self, other: &TensorFact) -> TensorFact {
        let shape = match (self.shape, &other.shape) {
            (Some(a), Some(b)) if a.len() == b.len() => {
                Some(a.iter().zip(b).map(|(&a, &b)| if a == b { a } else { Dim::Unknown }).collect())
            }
            _ => None,
        };
        let contents = if self.contents == other.contents {
            self.contents
        } else {
            match (self.contents.integers(), other.contents.integers()) {
                (Some(a), Some(b)) if a.len() == b.len() && shape.is_some() => {
                    let parts = a.iter().zip(&*b).map(|(&a, &b)| if a == b { a } else { Dim::Unknown });
                    let parts: Arc<[Dim]> = parts.collect();
                    if parts.iter().any(|part| *part != Dim::Unknown) {
                        Contents::Parts(parts)
                    } else {
                        Contents::Unknown
                    }
                }
                _ => Contents::Unknown,
            }
        };
        TensorFact { kind: self.kind.filter(|kind| Some(*kind) == other.kind), shape, contents }
    }

    /// Elements that are all known become a tensor.
    pub fn complete(&mut self) {
        let Contents::Parts(parts) = &self.contents else { return };
        let numbers: Option<Vec<i64>> = parts.iter().map(|part| part.number()).collect();
        let shape = self.shape.iter().flatten().map(|dim| usize::try_from(dim.number()?).ok());
        let (Some(numbers), Some(shape), Some(_)) = (numbers, shape.collect::<Option<Shape>>(), &self.shape)
        else {
            return;
        };
        let tensor = match self.kind {
            Some(Kind::I64) => Tensor::of(shape, numbers),
            Some(Kind::Bool) => Tensor::of(shape, numbers.iter().map(|&n| n != 0).collect()),
            Some(Kind::I32) => match numbers.iter().map(|&n| i32::try_from(n).ok()).collect() {
                Some(numbers) => Tensor::of(shape, numbers),
                None => return,
            },
            _ => return,
        };
        if let Ok(tensor) = tensor {
            self.contents = Contents::Whole(tensor);
        }
    }
}

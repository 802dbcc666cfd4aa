//! What is inferred is true: every value that a step makes, in every case of every suite, agrees with what
//! was known of it before. And how much is known, beside what ONNX's own shape inference knows.
//!
//! `CASES=resize cargo test --lib native::tests::inference -- --nocapture` looks at the cases whose name holds
//! the word; `UPDATE_COVERAGE=1` writes `tests/suites/inferred/counts.txt` anew.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    fmt::Write,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use prost::Message;
use serde::Deserialize;

use super::suite::{BOUNDS, Case, QUIET, hush, root, value};
use crate::{
    native::{
        build::build,
        exec::{Run, Stepped},
        facts::{Contents, Dim, Fact, Symbols, TensorFact},
        graph::Graph,
        value::{Map, Tensor, Value, Weights},
    },
    onnx::proto::ModelProto,
};

fn weights() -> Weights<'static> {
    Weights { file: None, max_tensor_bytes: BOUNDS.max_tensor_bytes }
}

/// What symbols were seen to be, in one graph and those around it.
struct Seen<'g> {
    symbols: &'g Symbols,
    /// Each graph with the one around it.
    graphs: Vec<(&'g Graph, Option<usize>)>,
    /// Where a step stands: its graph and its index there.
    /// By where the step's label lies.
    places: HashMap<*const u8, (usize, usize)>,
    values: RefCell<Vec<HashMap<u32, i64>>>,
}

impl<'g> Seen<'g> {
    fn new(graph: &'g Graph) -> Self {
        let mut seen = Seen {
            symbols: &graph.symbols,
            graphs: vec![],
            places: HashMap::new(),
            values: RefCell::default(),
        };
        seen.enter(graph, None);
        seen
    }

    fn enter(&mut self, graph: &'g Graph, around: Option<usize>) {
        let own = self.graphs.len();
        self.graphs.push((graph, around));
        self.values.borrow_mut().push(HashMap::new());
        for (index, step) in graph.steps.iter().enumerate() {
            self.places.insert(step.label.as_ptr(), (own, index));
            step.subgraphs.iter().for_each(|inner| self.enter(inner, Some(own)));
        }
    }

    /// All that is bound in a graph and around it.
    fn known(&self, graph: usize) -> HashMap<u32, i64> {
        let mut all = self.graphs[graph].1.map_or_else(HashMap::new, |around| self.known(around));
        all.extend(&self.values.borrow()[graph]);
        all
    }

    /// Holds a dimension, or an element, against its number.
    fn dim(&self, graph: usize, dim: Dim, is: i64) -> Result<(), String> {
        let known = self.known(graph);
        match (self.symbols.value(dim, &known), dim) {
            (Some(value), _) if value == is => Ok(()),
            (Some(value), _) => Err(format!("{} is {value}, found {is}", self.symbols.shown(dim))),
            (None, Dim::Symbol(at)) if self.symbols.is_basic(at) => {
                if self.symbols.least(dim).is_some_and(|least| is < least) {
                    return Err(format!("{} is {is}, less than it can be", self.symbols.shown(dim)));
                }
                self.values.borrow_mut()[graph].insert(at, is);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn tensor(&self, graph: usize, fact: &TensorFact, tensor: &Tensor) -> Result<(), String> {
        if let Some(kind) = fact.kind.filter(|kind| *kind != tensor.kind()) {
            return Err(format!("{kind} was inferred, found {tensor}"));
        }
        if let Some(shape) = &fact.shape {
            if shape.len() != tensor.rank() {
                return Err(format!("rank {} was inferred, found {tensor}", shape.len()));
            }
            for (&dim, &length) in shape.iter().zip(tensor.shape()) {
                self.dim(graph, dim, length as i64).map_err(|what| format!("{what} in {tensor}"))?;
            }
        }
        match &fact.contents {
            Contents::Unknown => Ok(()),
            Contents::Whole(whole) if Value::Tensor(whole.clone()) == Value::Tensor(tensor.clone()) => Ok(()),
            Contents::Whole(whole) => Err(format!("{whole:?} was inferred, found {tensor:?}")),
            Contents::Parts(parts) => {
                let found = Contents::Whole(tensor.clone()).integers().ok_or("no whole numbers")?;
                if found.len() != parts.len() {
                    return Err(format!("{} elements were inferred, found {}", parts.len(), found.len()));
                }
                let pairs = parts.iter().zip(found.iter().filter_map(|dim| dim.number()));
                pairs.into_iter().try_for_each(|(&part, is)| {
                    self.dim(graph, part, is).map_err(|what| format!("{what} among the elements of {tensor}"))
                })
            }
        }
    }

    fn value(&self, graph: usize, fact: &Fact, value: &Value) -> Result<(), String> {
        match (fact, value) {
            (Fact::Unknown, _) | (Fact::Optional(_), Value::Optional(None)) => Ok(()),
            (Fact::Tensor(fact), Value::Tensor(tensor)) => self.tensor(graph, fact, tensor),
            (Fact::Sequence(item), Value::Sequence(items)) => {
                items.iter().try_for_each(|value| self.value(graph, item, value))
            }
            (Fact::Optional(inner), Value::Optional(Some(value))) => self.value(graph, inner, value),
            (Fact::Map(_, inner), Value::Map(map)) => match &**map {
                Map::Ints(map) => map.values().try_for_each(|value| self.value(graph, inner, value)),
                Map::Strings(map) => map.values().try_for_each(|value| self.value(graph, inner, value)),
            },
            _ => Err(format!("{fact:?} was inferred, found {}", value.describe())),
        }
    }

    /// The outputs of one step.
    fn step(&self, step: Stepped<'_>, values: &[Value], wrong: &mut Vec<String>) {
        let (at, index) = self.places[&step.label.as_ptr()];
        if index == 0 && self.graphs[at].1.is_some() {
            // Another turn.
            self.values.borrow_mut()[at].clear();
        }
        let Some(facts) = self.graphs[at].0.facts.get() else { return };
        for (value, output) in values.iter().zip(step.outputs) {
            let Some((slot, name)) = output else { continue };
            if let Err(what) = self.value(at, &facts[*slot], value) {
                wrong.push(format!("{} makes `{name}`: {what}", step.label));
            }
        }
    }
}

/// Runs all sets of a case; gives what contradicts, and how many values were looked at.
fn contradictions(folder: &Path) -> Option<(Vec<String>, usize)> {
    let case: Case = serde_json::from_str(&fs::read_to_string(folder.join("case.json")).ok()?).ok()?;
    let proto = ModelProto::decode(Bytes::from(fs::read(folder.join("model.onnx")).ok()?)).ok()?;
    let graph = build(&proto, weights(), BOUNDS).ok()?;
    let (mut wrong, mut looked_at) = (vec![], 0);
    for set in (0..).map(|set| folder.join(format!("set_{set}"))).take_while(|set| set.is_dir()) {
        let given = (case.inputs.iter().enumerate())
            .filter(|(_, input)| graph.inputs.iter().any(|port| port.name == input.name));
        let inputs = given.map(|(at, input)| value(&set.join(format!("input_{at}.pb")), &input.kind));
        let Ok(inputs) = inputs.collect::<Result<Vec<_>, _>>() else { continue };
        let seen = Seen::new(&graph);
        let facts = graph.facts.get().unwrap();
        let fits = |(port, value): (&crate::native::graph::Port, &Option<Value>)| {
            value.as_ref().is_none_or(|value| seen.value(0, &facts[port.slot], value).is_ok())
        };
        // What is given is not what is declared: nothing follows for such a run.
        if !graph.inputs.iter().zip(&inputs).all(fits) {
            println!("  {}: its inputs are not what the model declares", folder.display());
            continue;
        }
        let mut look = |step: Stepped<'_>, values: &[Value]| {
            looked_at += values.len();
            seen.step(step, values, &mut wrong);
        };
        // A run that fails is the business of another test; it was looked at as far as it came.
        let _ = Run::watched(BOUNDS, &mut look).graph(&graph, inputs, &[]);
    }
    Some((wrong, looked_at))
}

/// The folders of all cases of a suite.
fn cases(suite: &Path) -> Vec<PathBuf> {
    let wanted = std::env::var("CASES").unwrap_or_default();
    let entries = fs::read_dir(suite).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut cases: Vec<_> =
        entries.filter(|path| path.is_dir() && path.to_string_lossy().contains(&wanted)).collect();
    cases.sort();
    cases
}

fn suites() -> Vec<String> {
    let names = fs::read_dir(root()).into_iter().flatten().flatten();
    let mut names: Vec<_> = names
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    if names.is_empty() {
        assert!(std::env::var_os("CI").is_none(), "{} is missing: run tests/setup", root().display());
        println!("skipped: {} is missing; tests/setup makes it", root().display());
    }
    names
}

#[test]
fn what_is_inferred_is_true_of_every_value_of_every_case() {
    hush();
    let (mut all, mut values) = (vec![], 0);
    for suite in suites() {
        for folder in cases(&root().join(&suite)) {
            let name = format!("{suite}/{}", folder.file_name().unwrap().to_string_lossy());
            QUIET.set(true);
            let found = catch_unwind(AssertUnwindSafe(|| contradictions(&folder)));
            QUIET.set(false);
            match found {
                Ok(Some((wrong, looked_at))) => {
                    values += looked_at;
                    all.extend(wrong.into_iter().take(3).map(|what| format!("{name}: {what}")));
                }
                Ok(None) => {}
                Err(_) => all.push(format!("{name}: a panic")),
            }
        }
    }
    println!("{values} values looked at, {} contradictions", all.len());
    assert!(all.is_empty(), "{} contradictions: {:#?}", all.len(), &all[..all.len().min(40)]);
}

/// Values that nodes of the outermost graph make, and of how many of them something is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
struct Coverage {
    values: usize,
    types: usize,
    ranks: usize,
    dimensions: usize,
}

impl Coverage {
    fn add(&mut self, other: Coverage) {
        self.values += other.values;
        self.types += other.types;
        self.ranks += other.ranks;
        self.dimensions += other.dimensions;
    }
}

fn innermost(fact: &Fact) -> Option<&TensorFact> {
    match fact {
        Fact::Tensor(tensor) => Some(tensor),
        Fact::Sequence(item) | Fact::Optional(item) | Fact::Map(_, item) => innermost(item),
        Fact::Unknown => None,
    }
}

/// What is known without the declarations of inner values and of outputs.
fn coverage(folder: &Path) -> Option<Coverage> {
    let mut proto = ModelProto::decode(Bytes::from(fs::read(folder.join("model.onnx")).ok()?)).ok()?;
    let main = proto.graph.as_mut()?;
    main.value_info.clear();
    main.output.iter_mut().for_each(|output| output.r#type = None);
    let names: Vec<_> =
        main.node.iter().flat_map(|node| &node.output).filter(|name| !name.is_empty()).cloned().collect();
    let mut covered = Coverage { values: names.len(), ..Coverage::default() };
    let Ok(graph) = build(&proto, weights(), BOUNDS) else { return Some(covered) };
    let made: HashMap<&str, _> =
        graph.made.iter().filter(|made| made.own).map(|made| (&*made.name, made.source)).collect();
    for name in &names {
        let Some(&source) = made.get(&**name) else { continue };
        let fact = graph.fact(source);
        let Some(tensor) = innermost(&fact) else { continue };
        let shape = tensor.shape.as_ref();
        covered.types += usize::from(tensor.kind.is_some());
        covered.ranks += usize::from(shape.is_some());
        let named = shape.is_some_and(|shape| shape.iter().all(|&dim| graph.symbols.is_named(dim)));
        covered.dimensions += usize::from(named);
        if std::env::var_os("CASES").is_some() && !named {
            println!(
                "  {}: `{name}` is {}",
                folder.display(),
                fact.shown(&graph.symbols).unwrap_or("?".into())
            );
        }
    }
    Some(covered)
}

#[test]
fn as_much_is_known_as_onnx_knows_and_no_less_than_before() {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/suites/inferred/counts.txt");
    let theirs: BTreeMap<String, Coverage> = fs::read_to_string(root().join("inference.json"))
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let mut text = String::from(
        "# Of how many values that nodes make something is inferred: suite, values, types, ranks, all dimensions.\n",
    );
    let (mut ours, mut onnx) = (Coverage::default(), Coverage::default());
    let mut fewer = vec![];
    let before = fs::read_to_string(&list).unwrap_or_default();
    for suite in suites() {
        let mut all = Coverage::default();
        cases(&root().join(&suite)).iter().filter_map(|case| coverage(case)).for_each(|one| all.add(one));
        ours.add(all);
        let Coverage { values, types, ranks, dimensions } = all;
        let _ = writeln!(text, "{suite} {values} {types} {ranks} {dimensions}");
        let their = theirs.get(&suite).copied().unwrap_or_default();
        onnx.add(their);
        println!("{suite}: {all:?}, onnx {their:?}");
        let line = before.lines().find(|line| line.split(' ').next() == Some(&*suite));
        let numbers: Vec<usize> = line
            .into_iter()
            .flat_map(|line| line.split(' ').skip(1))
            .filter_map(|n| n.parse().ok())
            .collect();
        // Other cases than were counted: other numbers.
        if numbers.first() == Some(&values)
            && numbers.iter().zip([values, types, ranks, dimensions]).any(|(&before, now)| now < before)
        {
            fewer.push(format!("{suite}: {all:?}, before {numbers:?}"));
        }
    }
    println!("all: {ours:?}, onnx {onnx:?}");
    if std::env::var_os("CASES").is_some() {
        return;
    }
    if std::env::var_os("UPDATE_COVERAGE").is_some() {
        return fs::write(&list, text).unwrap();
    }
    assert!(fewer.is_empty(), "less is known than before: {fewer:#?}");
    assert!(
        ours.types >= onnx.types && ours.ranks >= onnx.ranks && ours.dimensions >= onnx.dimensions,
        "ONNX's own inference knows more: {onnx:?}, ours {ours:?}"
    );
}

//! Our trees as operators of tract's graph: TreeEnsembleClassifier and TreeEnsembleRegressor.

use std::sync::Arc;

use tract_onnx::{
    model::{Onnx, ParsingContext},
    pb::NodeProto,
    tract_hir::internal::*,
};

use crate::engine::trees::{
    Aggregate, Branching, Classifier, Labels, Links, NodeSpec, Regressor, Scratch, Transform, VoteSpec, link,
};

/// Puts our operators in tract's list, the classifier over tract's own.
pub(super) fn register(onnx: &mut Onnx) {
    onnx.op_register.insert("TreeEnsembleClassifier", classifier);
    onnx.op_register.insert("TreeEnsembleRegressor", regressor);
}

type Built = TractResult<(Box<dyn InferenceOp>, Vec<String>)>;

fn classifier(_: &ParsingContext<'_>, node: &NodeProto) -> Built {
    let numbers = node.get_attr_opt_slice::<i64>("classlabels_int64s")?.unwrap_or_default();
    let texts = node.get_attr_opt_tvec::<String>("classlabels_strings")?.unwrap_or_default();
    let labels = match (numbers.is_empty(), texts.is_empty()) {
        (false, true) => Labels::Numbers(numbers.to_vec()),
        (true, false) => Labels::Texts(texts.to_vec()),
        _ => bail!("it must have class labels, either numbers or strings"),
    };
    let links = links(node, "class")?;
    let classifier = Classifier::new(links, labels.len(), floats(node, "base_values")?, transform(node)?)
        .map_err(Error::msg)?;
    Ok((expand(TreeOp(Arc::new(Trees::Classify(classifier, labels)))), vec![]))
}

fn regressor(_: &ParsingContext<'_>, node: &NodeProto) -> Built {
    let targets: i64 = node.get_attr_opt("n_targets")?.unwrap_or(1);
    let targets = usize::try_from(targets).ok().filter(|&n| n > 0 && n <= 1 << 20);
    let targets = targets.context("`n_targets` is out of range")?;
    let aggregate = node.get_attr_opt::<&str>("aggregate_function")?.unwrap_or("SUM");
    let aggregate = Aggregate::named(aggregate)
        .with_context(|| format!("`aggregate_function` {aggregate} is not defined"))?;
    let links = links(node, "target")?;
    let regressor =
        Regressor::new(&links, targets, aggregate, floats(node, "base_values")?, transform(node)?)
            .map_err(Error::msg)?;
    Ok((expand(TreeOp(Arc::new(Trees::Regress(regressor)))), vec![]))
}

type Error = TractError;

fn transform(node: &NodeProto) -> TractResult<Transform> {
    let name = node.get_attr_opt::<&str>("post_transform")?.unwrap_or("NONE");
    Transform::named(name).with_context(|| format!("`post_transform` {name} is not defined"))
}

fn floats(node: &NodeProto, name: &str) -> TractResult<Vec<f32>> {
    if node.attribute.iter().any(|attribute| attribute.name == format!("{name}_as_tensor")) {
        bail!(
            "its `{name}` are in double precision, which this engine lacks; export with float32 \
             inputs (`to_onnx(model, X[:1].astype(numpy.float32))`)"
        );
    }
    Ok(node.get_attr_opt_slice::<f32>(name)?.unwrap_or_default().to_vec())
}

/// The attributes `nodes_*` and `{votes}_*` as a forest's links.
fn links(node: &NodeProto, votes: &str) -> TractResult<Links<f32>> {
    let ints = |name: &str| TractResult::Ok(node.get_attr_opt_slice::<i64>(name)?.unwrap_or_default());
    let ids = ints("nodes_nodeids")?;
    let trees = ints("nodes_treeids")?;
    let features = ints("nodes_featureids")?;
    let yes = ints("nodes_truenodeids")?;
    let no = ints("nodes_falsenodeids")?;
    let missing = ints("nodes_missing_value_tracks_true")?;
    let values = floats(node, "nodes_values")?;
    let modes = node.get_attr_opt_tvec::<&str>("nodes_modes")?.unwrap_or_default();
    let lengths = [trees.len(), features.len(), yes.len(), no.len(), values.len(), modes.len()];
    if lengths.iter().any(|&len| len != ids.len()) || !(missing.is_empty() || missing.len() == ids.len()) {
        bail!("its `nodes_` attributes differ in length");
    }
    let mut nodes = Vec::with_capacity(ids.len());
    for index in 0..ids.len() {
        nodes.push(NodeSpec {
            tree: trees[index],
            id: ids[index],
            branching: Branching::named(modes[index])
                .with_context(|| format!("node mode {} is not defined", modes[index]))?,
            feature: features[index],
            value: values[index],
            true_id: yes[index],
            false_id: no[index],
            missing_is_true: missing.get(index).is_some_and(|&flag| flag != 0),
        });
    }
    let vote_nodes = ints(&format!("{votes}_nodeids"))?;
    let vote_trees = ints(&format!("{votes}_treeids"))?;
    let vote_targets = ints(&format!("{votes}_ids"))?;
    let weights = floats(node, &format!("{votes}_weights"))?;
    if [vote_trees.len(), vote_targets.len(), weights.len()].iter().any(|&len| len != vote_nodes.len()) {
        bail!("its `{votes}_` attributes differ in length");
    }
    let specs: Vec<_> = (0..vote_nodes.len())
        .map(|index| VoteSpec {
            tree: vote_trees[index],
            node: vote_nodes[index],
            target: vote_targets[index],
            weight: weights[index],
        })
        .collect();
    link(&nodes, &specs).map_err(Error::msg)
}

#[derive(Debug)]
enum Trees {
    Classify(Classifier<f32>, Labels),
    Regress(Regressor<f32>),
}

/// The operator, before and after analysis. Two are equal when they share their trees.
#[derive(Debug, Clone)]
struct TreeOp(Arc<Trees>);

impl PartialEq for TreeOp {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for TreeOp {}

impl TreeOp {
    /// Element type and, after the rows, the width of each output.
    fn outputs(&self) -> TVec<(DatumType, Option<usize>)> {
        match &*self.0 {
            Trees::Classify(classifier, labels) => {
                let label = match labels {
                    Labels::Numbers(_) => i64::datum_type(),
                    Labels::Texts(_) => String::datum_type(),
                };
                tvec![(label, None), (f32::datum_type(), Some(classifier.classes()))]
            }
            Trees::Regress(regressor) => tvec![(f32::datum_type(), Some(regressor.targets()))],
        }
    }

    fn features(&self) -> usize {
        match &*self.0 {
            Trees::Classify(classifier, _) => classifier.features(),
            Trees::Regress(regressor) => regressor.features(),
        }
    }

    fn check_width(&self, width: usize) -> TractResult<()> {
        let features = self.features().max(1);
        ensure!(width >= features, "its trees look at {features} features, its input has {width}");
        Ok(())
    }
}

impl Expansion for TreeOp {
    fn name(&self) -> StaticName {
        "TreeEnsemble".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        s: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 1)?;
        check_output_arity(outputs, self.outputs().len())?;
        s.equals(&inputs[0].rank, 2)?;
        for (output, (kind, width)) in outputs.iter().zip(self.outputs()) {
            s.equals(&output.datum_type, kind)?;
            s.equals(&output.rank, 1 + i64::from(width.is_some()))?;
            s.equals(&output.shape[0], &inputs[0].shape[0])?;
            if let Some(width) = width {
                s.equals(&output.shape[1], width.to_dim())?;
            }
        }
        Ok(())
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        model.wire_node(prefix, self.clone(), inputs)
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.outputs().len())
    }
}

impl Op for TreeOp {
    fn name(&self) -> StaticName {
        "TreeEnsemble".into()
    }

    op_as_typed_op!();
}

impl EvalOp for TreeOp {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let input = args_1!(inputs);
        let &[rows, width] = input.shape() else {
            bail!("trees take rows of features, not {:?}", input.shape())
        };
        self.check_width(width)?;
        let input = input.cast_to::<f32>()?;
        let features = input.try_as_plain_ram()?.as_slice::<f32>()?;
        let (mut scores, mut scratch) = (vec![], Scratch::default());
        match &*self.0 {
            Trees::Classify(classifier, labels) => {
                let mut winners = Vec::with_capacity(rows);
                scores.reserve_exact(rows * classifier.classes());
                classifier.run(features, width, &mut scratch, &mut winners, &mut scores);
                let labels = match labels {
                    Labels::Numbers(labels) => {
                        let won: Vec<i64> = winners.iter().map(|&winner| labels[winner as usize]).collect();
                        Tensor::from_shape(&[rows], &won)?
                    }
                    Labels::Texts(labels) => {
                        let won: Vec<String> =
                            winners.iter().map(|&winner| labels[winner as usize].clone()).collect();
                        tensor1(&won)
                    }
                };
                let scores = Tensor::from_shape(&[rows, classifier.classes()], &scores)?;
                Ok(tvec![labels.into_tvalue(), scores.into_tvalue()])
            }
            Trees::Regress(regressor) => {
                scores.reserve_exact(rows * regressor.targets());
                regressor.run(features, width, &mut scratch, &mut scores);
                Ok(tvec![Tensor::from_shape(&[rows, regressor.targets()], &scores)?.into_tvalue()])
            }
        }
    }
}

impl TypedOp for TreeOp {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [rows, width] = &*inputs[0].shape else { bail!("trees take rows of features") };
        if let Ok(width) = width.to_usize() {
            self.check_width(width)?;
        }
        let fact = |(kind, width): (DatumType, Option<usize>)| {
            let dims: TVec<TDim> = std::iter::once(rows.clone()).chain(width.map(|w| w.to_dim())).collect();
            kind.fact(dims)
        };
        Ok(self.outputs().into_iter().map(fact).collect())
    }

    as_op!();
}

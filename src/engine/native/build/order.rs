//! The order of nodes: as in the file where that works, sorted where it doesn't.

use std::collections::{HashMap, HashSet};

use crate::{
    native::fault::{Fault, fault},
    onnx::proto::{GraphProto, NodeProto},
};

/// Indices of `nodes`, each after all nodes whose outputs it, or a subgraph in it, reads.
///
/// # Errors
/// Two nodes with an output of one name; a circle.
pub fn order(nodes: &[NodeProto]) -> Result<Vec<usize>, Fault> {
    let mut maker = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for output in node.output.iter().filter(|output| !output.is_empty()) {
            if maker.insert(&**output, index).is_some() {
                return Err(fault!("two nodes make `{output}`").at(&label(node)));
            }
        }
    }
    let needs: Vec<Vec<usize>> = nodes
        .iter()
        .map(|node| {
            let mut needs = vec![];
            each_name(node, &mut |name| needs.extend(maker.get(name)));
            needs
        })
        .collect();
    if needs.iter().enumerate().all(|(index, needs)| needs.iter().all(|&need| need < index)) {
        return Ok((0..nodes.len()).collect());
    }
    sorted(nodes, &needs)
}

/// Depth first without recursion: a chain of nodes may be as long as the file.
fn sorted(nodes: &[NodeProto], needs: &[Vec<usize>]) -> Result<Vec<usize>, Fault> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut state = vec![State::New; nodes.len()];
    let mut order = Vec::with_capacity(nodes.len());
    for root in 0..nodes.len() {
        let mut path = vec![(root, 0)];
        while let Some((index, next)) = path.last_mut() {
            let index = *index;
            if state[index] == State::Done {
                path.pop();
                continue;
            }
            state[index] = State::Open;
            match needs[index].get(*next) {
                Some(&need) => {
                    *next += 1;
                    match state[need] {
                        State::New => path.push((need, 0)),
                        State::Open => {
                            let what = fault!("takes part in a circle: its input depends on its output");
                            return Err(what.at(&label(&nodes[need])));
                        }
                        State::Done => {}
                    }
                }
                None => {
                    state[index] = State::Done;
                    order.push(index);
                    path.pop();
                }
            }
        }
    }
    Ok(order)
}

/// Every name a node reads, those that its subgraphs read from outside them included.
fn each_name<'n>(node: &'n NodeProto, visit: &mut dyn FnMut(&'n str)) {
    node.input.iter().filter(|input| !input.is_empty()).for_each(|input| visit(input));
    let graphs = node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs));
    for graph in graphs {
        each_name_in(graph, visit);
    }
}

fn each_name_in<'n>(graph: &'n GraphProto, visit: &mut dyn FnMut(&'n str)) {
    let inside: HashSet<&str> = (graph.node.iter().flat_map(|node| &node.output))
        .chain(graph.input.iter().map(|input| &input.name))
        .chain(graph.initializer.iter().map(|tensor| &tensor.name))
        .map(|name| &**name)
        .collect();
    let visit = &mut |name: &'n str| {
        if !inside.contains(name) {
            visit(name);
        }
    };
    graph.node.iter().for_each(|node| each_name(node, visit));
    graph.output.iter().for_each(|output| visit(&output.name));
}

/// How messages call a node: the operator and its name, or what it makes.
pub fn label(node: &NodeProto) -> String {
    let domain = match &*node.domain {
        "" | "ai.onnx" => String::new(),
        domain => format!("{domain}."),
    };
    let name = match &*node.name {
        "" => node.output.iter().find(|output| !output.is_empty()).map_or("", |output| output),
        name => name,
    };
    format!("{domain}{} `{name}`", node.op_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
        let texts = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        NodeProto {
            name: name.into(),
            op_type: "Add".into(),
            input: texts(inputs),
            output: texts(outputs),
            ..NodeProto::default()
        }
    }

    #[test]
    fn nodes_are_sorted_where_the_file_has_them_in_another_order() {
        let nodes = [node("c", &["b"], &["c"]), node("b", &["a"], &["b"]), node("a", &["x"], &["a"])];
        assert_eq!(order(&nodes).unwrap(), [2, 1, 0]);
    }

    #[test]
    fn a_circle_is_named() {
        let nodes = [node("one", &["b"], &["a"]), node("two", &["a"], &["b"])];
        let fault = order(&nodes).unwrap_err();
        assert!(fault.to_string().contains("Add `one`") && fault.what.contains("circle"), "{fault}");
    }

    #[test]
    fn two_makers_of_one_name_are_refused() {
        let nodes = [node("one", &["x"], &["a"]), node("two", &["x"], &["a"])];
        assert!(order(&nodes).unwrap_err().what.contains("two nodes make `a`"));
    }
}

//! A node's attributes, each of the type its operator expects.

use bytes::Bytes;

use crate::{
    native::{
        fault::{Fault, fault},
        value::{Tensor, Weights, decode},
    },
    onnx::proto::{AttributeProto, attribute_type as kind},
};

/// The attributes of one node.
pub struct Attributes<'a> {
    /// Under the names the node gives them.
    pub all: Vec<(&'a str, &'a AttributeProto)>,
    pub weights: Weights<'a>,
}

impl<'a> Attributes<'a> {
    fn find(&self, name: &str, kinds: &[i32]) -> Result<Option<&'a AttributeProto>, Fault> {
        let Some((_, attribute)) = self.all.iter().find(|(own, _)| *own == name) else {
            return Ok(None);
        };
        // Models before IR version 2 say no type; the field that is set has to do.
        if attribute.r#type == kind::UNDEFINED || kinds.contains(&attribute.r#type) {
            Ok(Some(attribute))
        } else {
            Err(fault!("attribute `{name}` has type {}, must have {}", attribute.r#type, kinds[0]))
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.all.iter().any(|(own, _)| *own == name)
    }

    pub fn int(&self, name: &str) -> Result<Option<i64>, Fault> {
        Ok(self.find(name, &[kind::INT])?.map(|attribute| attribute.i))
    }

    pub fn float(&self, name: &str) -> Result<Option<f32>, Fault> {
        Ok(self.find(name, &[kind::FLOAT])?.map(|attribute| attribute.f))
    }

    pub fn string(&self, name: &str) -> Result<Option<&'a str>, Fault> {
        self.find(name, &[kind::STRING])?.map(|attribute| utf8(name, &attribute.s)).transpose()
    }

    pub fn ints(&self, name: &str) -> Result<Option<&'a [i64]>, Fault> {
        Ok(self.find(name, &[kind::INTS])?.map(|attribute| &*attribute.ints))
    }

    pub fn floats(&self, name: &str) -> Result<Option<&'a [f32]>, Fault> {
        Ok(self.find(name, &[kind::FLOATS])?.map(|attribute| &*attribute.floats))
    }

    pub fn strings(&self, name: &str) -> Result<Option<Vec<&'a str>>, Fault> {
        let Some(attribute) = self.find(name, &[kind::STRINGS])? else { return Ok(None) };
        attribute.strings.iter().map(|text| utf8(name, text)).collect::<Result<_, _>>().map(Some)
    }

    pub fn tensor(&self, name: &str) -> Result<Option<Tensor>, Fault> {
        let Some(attribute) = self.find(name, &[kind::TENSOR])? else { return Ok(None) };
        let tensor = attribute.t.as_ref().ok_or_else(|| fault!("attribute `{name}` lacks its tensor"))?;
        decode::tensor(tensor, self.weights).map(Some)
    }

    /// A sparse tensor, written out.
    pub fn sparse_tensor(&self, name: &str) -> Result<Option<Tensor>, Fault> {
        let Some(attribute) = self.find(name, &[kind::SPARSE_TENSOR])? else { return Ok(None) };
        let sparse =
            attribute.sparse_tensor.as_ref().ok_or_else(|| fault!("attribute `{name}` lacks its tensor"))?;
        decode::sparse(sparse, self.weights).map(Some)
    }
}

fn utf8<'a>(name: &str, bytes: &'a Bytes) -> Result<&'a str, Fault> {
    std::str::from_utf8(bytes).map_err(|error| fault!("attribute `{name}` is not UTF-8: {error}"))
}

//! Reading a node's attributes, with complaints that name the node, the operator and the attribute.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{NodeProto, TensorProto};
use tract_onnx::tract_hir::internal::*;

/// More outputs per row than this are a broken file's: they would be memory before anything else.
pub(super) const MOST_OUTPUTS: usize = 1 << 24;

/// A node of the file, with what is needed to read it.
pub(super) struct Node<'a> {
    pub(super) context: &'a ParsingContext<'a>,
    pub(super) proto: &'a NodeProto,
}

impl Node<'_> {
    /// A complaint about an attribute.
    pub(super) fn bad(&self, attribute: &str, complaint: impl std::fmt::Display) -> TractError {
        let (name, operator) = (self.name(), &self.proto.op_type);
        format_err!("node {name:?} ({operator}), attribute {attribute:?}: {complaint}")
    }

    /// A complaint about the node as a whole.
    pub(super) fn refused(&self, complaint: impl std::fmt::Display) -> TractError {
        format_err!(
            "node {:?} ({}): {complaint}",
            self.name(),
            self.proto.op_type
        )
    }

    /// The node's name or, for want of one, its first output's.
    fn name(&self) -> &str {
        let output = self.proto.output.first().map_or("", String::as_str);
        if self.proto.name.is_empty() {
            output
        } else {
            &self.proto.name
        }
    }

    /// How many outputs per row an attribute asks for.
    pub(super) fn outputs(&self, name: &str) -> TractResult<usize> {
        let asked = self.int(name, 1)?;
        let outputs = usize::try_from(asked).ok();
        let outputs = outputs.filter(|outputs| (1..=MOST_OUTPUTS).contains(outputs));
        outputs.ok_or_else(|| self.bad(name, format!("expected 1 to {MOST_OUTPUTS}, got {asked}")))
    }

    /// The version of a domain's operators that the file is written in.
    pub(super) fn version(&self, domain: &str) -> i64 {
        let import = self
            .context
            .model
            .opset_import
            .iter()
            .find(|import| import.domain == domain);
        import.map_or(1, |import| import.version)
    }

    pub(super) fn float(&self, name: &str, default: f32) -> TractResult<f32> {
        Ok(self.proto.get_attr_opt(name)?.unwrap_or(default))
    }

    pub(super) fn int(&self, name: &str, default: i64) -> TractResult<i64> {
        Ok(self.proto.get_attr_opt(name)?.unwrap_or(default))
    }

    pub(super) fn string(&self, name: &str, default: &str) -> TractResult<String> {
        Ok(self
            .proto
            .get_attr_opt(name)?
            .unwrap_or_else(|| default.to_string()))
    }

    /// A list of floats, empty where the node has none.
    pub(super) fn floats(&self, name: &str) -> TractResult<Vec<f32>> {
        Ok(self.proto.get_attr_opt_vec(name)?.unwrap_or_default())
    }

    /// A list of integers, empty where the node has none.
    pub(super) fn ints(&self, name: &str) -> TractResult<Vec<i64>> {
        Ok(self.proto.get_attr_opt_vec(name)?.unwrap_or_default())
    }

    /// A list of strings, empty where the node has none.
    pub(super) fn strings(&self, name: &str) -> TractResult<Vec<String>> {
        Ok(self.proto.get_attr_opt_vec(name)?.unwrap_or_default())
    }

    /// A list of indices or counts, empty where the node has none.
    pub(super) fn sizes(&self, name: &str) -> TractResult<Vec<usize>> {
        let size =
            |n: i64| usize::try_from(n).map_err(|_| self.bad(name, format!("{n} is negative")));
        self.ints(name)?.into_iter().map(size).collect()
    }

    /// A tensor of at least one element, where the node has one.
    pub(super) fn tensor(&self, name: &str) -> TractResult<Option<Tensor>> {
        let Some(proto) = self.proto.get_attr_opt::<&TensorProto>(name)? else {
            return Ok(None);
        };
        // The engine's reader cannot be asked for these, it does not answer.
        if proto.data_type == DataType::String as i32 && !proto.raw_data.is_empty() {
            return Err(self.bad(name, "strings cannot be raw data"));
        }
        let tensor = self
            .context
            .load_tensor(proto)
            .map_err(|e| self.bad(name, format!("{e:#}")))?;
        Ok((tensor.len() > 0).then_some(tensor))
    }

    /// A symbol of its own, for a size that depends on data.
    pub(super) fn symbol(&self) -> Symbol {
        self.context.template.symbols.new_with_prefix("count")
    }
}

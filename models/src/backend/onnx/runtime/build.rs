//! From a file's bytes to a model that ONNX Runtime runs.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::sync::Arc;

use ort::value::{Outlet, ValueType};
use prost::Message;
use tract_onnx::pb::ModelProto;

use super::super::file::{self, Origin};
use super::super::loader::tried;
use super::super::model::{Engine, OnnxModel};
use super::super::ports::{Axis, Declared, Fact};
use super::super::{check, external, labels, ports, rewrite};
use super::ENGINE;
use super::library::Runtime;
use super::session::{Pool, Recipe, shape_of};
use super::values::of_runtime;
use crate::error::{InferError, LoadError};
use crate::package::Onnx;

/// Builds a model of a file's bytes.
///
/// # Errors
/// [`LoadError`] as for the built-in engine; [`LoadError::Engine`] with ONNX Runtime's message where it refuses.
pub(in super::super) fn build(
    runtime: &Runtime,
    options: Onnx,
    instances: NonZeroUsize,
    bytes: Vec<u8>,
    origin: &Origin,
) -> Result<OnnxModel, LoadError> {
    let mut proto = file::decode(&mut &bytes[..], bytes.len() as u64, origin)?;
    file::sound(&proto, origin)?;
    let inputs = ports::inputs(file::graph(&proto), origin)?;
    check::check(&proto, None, origin)?;
    let files = external::files(&proto, origin)?;
    let mut labels = labels::of_outputs(file::graph(&proto));
    let maps = rewrite::zip_maps(file::graph_mut(&mut proto))?;
    let rows = rewrite::free_rows(file::graph_mut(&mut proto), &inputs);
    let changed = rows || !maps.is_empty() || rewrite::has_brain_floats(&proto);
    labels.extend(maps);
    let declared = Declared::read(inputs, file::graph(&proto))?;
    // The file itself is given wherever it can be: it may hold what this form of it has no words for.
    let (model, external) = match changed {
        false => (bytes, read(files)?),
        true => {
            drop(bytes);
            external::resolve(&mut proto, origin)?;
            rewrite::brain_floats(file::graph_mut(&mut proto));
            (encode(&proto, origin)?, BTreeMap::new())
        }
    };
    let mut loops = !proto.functions.is_empty();
    check::each_node(file::graph(&proto), &mut |node| {
        loops |= node.op_type == "Loop"
    });
    drop(proto);
    let recipe = Recipe {
        runtime: runtime.clone(),
        options,
        model,
        external,
        loops,
    };
    let session = recipe.session().map_err(failed)?;
    same_inputs(session.inputs(), &declared)?;
    let facts: Vec<Fact> = session
        .outputs()
        .iter()
        .zip(declared.ranks())
        .map(|(outlet, rank)| fact(outlet, rank, &declared))
        .collect();
    let pool = Pool::new(recipe, session, instances).map_err(failed)?;
    let (model, error) = tried(Engine::Runtime(pool), &declared, &facts, &labels)?;
    match error {
        // A model that knows what it refuses is sound; made-up values have to be refused by some.
        None | Some(InferError::Refused { .. }) => {}
        Some(error) => {
            tracing::warn!(path = %origin.path.display(), %error, "the model answered no made-up input");
        }
    }
    Ok(model)
}

/// The contents of the files that weights lie in.
fn read(files: external::Files) -> Result<BTreeMap<String, Arc<[u8]>>, LoadError> {
    let mut read: BTreeMap<_, Arc<[u8]>> = BTreeMap::new();
    for (location, path) in files {
        let bytes = fs::read(&path).map_err(|source| LoadError::Read { path, source })?;
        read.insert(location, bytes.into());
    }
    Ok(read)
}

/// The bytes of a file that was changed.
fn encode(proto: &ModelProto, origin: &Origin) -> Result<Vec<u8>, LoadError> {
    let bytes = proto.encoded_len();
    if i32::try_from(bytes).is_err() {
        return Err(LoadError::Unsupported {
            what: format!(
                "{}: a model of {bytes} bytes in one piece, of which ONNX Runtime takes at most {}",
                origin.path.display(),
                i32::MAX
            ),
            remedy: "export it without bfloat16, without ZipMap and with a free first axis of its outputs, so that its weights may stay in files beside it"
                .into(),
        });
    }
    Ok(proto.encode_to_vec())
}

fn failed(what: String) -> LoadError {
    LoadError::Engine {
        engine: ENGINE,
        what,
    }
}

/// That ONNX Runtime asks for the inputs that the file declares, in their order.
fn same_inputs(asked: &[Outlet], declared: &Declared) -> Result<(), LoadError> {
    let asked: Vec<&str> = asked.iter().map(Outlet::name).collect();
    let ours: Vec<&str> = declared.inputs.iter().map(|port| &*port.name).collect();
    match asked == ours {
        true => Ok(()),
        false => Err(failed(format!(
            "expected the inputs {ours:?}, it asks for {asked:?}"
        ))),
    }
}

/// What ONNX Runtime found out about an output. It has no word for an unknown number of axes and says none, which
/// is believed unless the file declares some.
fn fact(outlet: &Outlet, declared_rank: Option<usize>, declared: &Declared) -> Fact {
    let datatype = match outlet.dtype() {
        ValueType::Tensor { ty, .. } => of_runtime(*ty),
        _ => None,
    };
    let shape = shape_of(outlet)
        .filter(|shape| !shape.is_empty() || declared_rank.is_none_or(|declared| declared == 0));
    let axis = |size: Result<usize, String>| match size {
        Ok(size) => Axis::Fixed(size),
        Err(name) => match declared.axis_named(&name) {
            Some(own) => Axis::Same(own.to_owned()),
            None => Axis::Unknown,
        },
    };
    Fact {
        datatype,
        shape: shape.map(|shape| shape.into_iter().map(axis).collect()),
    }
}

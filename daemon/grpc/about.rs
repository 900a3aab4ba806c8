//! What the plane says of models, as messages: metadata, Triton's configuration, statistics.

use impresario_models::{DataType, Name, Port, VersionNumber};

use super::proto::model_metadata_response::TensorMetadata;
use super::proto::model_version_policy::{PolicyChoice, Specific};
use super::proto::{
    self, InferStatistics, ModelConfig, ModelInput, ModelMetadataResponse, ModelOutput,
    ModelStatistics, ModelTransactionPolicy, ModelVersionPolicy, StatisticDuration,
};
use crate::measure::{Outcome, Totals};
use crate::plane::{batching, dims};
use crate::serve::Entry;

/// Versions, inputs and outputs, under the name that was asked for.
pub(super) fn metadata(
    name: &str,
    entry: &Entry,
    serving: &[VersionNumber],
) -> ModelMetadataResponse {
    let facts = &entry.handle().facts;
    let tensor = |port: &Port| TensorMetadata {
        name: port.name.to_string(),
        datatype: port.datatype.to_string(),
        shape: dims(&port.shape),
    };
    ModelMetadataResponse {
        name: name.to_owned(),
        versions: serving.iter().map(ToString::to_string).collect(),
        platform: facts.engine.to_string(),
        inputs: facts.contract.inputs.iter().map(tensor).collect(),
        outputs: facts.contract.outputs.iter().map(tensor).collect(),
    }
}

/// The configuration, under the name that was asked for.
pub(super) fn config(name: &str, entry: &Entry, serving: &[VersionNumber]) -> ModelConfig {
    let facts = &entry.handle().facts;
    let (max_batch_size, skip) = batching(&facts.contract);
    let shape = |port: &Port| dims(port.shape.get(skip..).unwrap_or_default());
    let input = |port: &Port| ModelInput {
        name: port.name.to_string(),
        data_type: datatype(port.datatype).into(),
        dims: shape(port),
    };
    let output = |port: &Port| ModelOutput {
        name: port.name.to_string(),
        data_type: datatype(port.datatype).into(),
        dims: shape(port),
    };
    let number = |version: &VersionNumber| i64::try_from(version.get()).unwrap_or(i64::MAX);
    ModelConfig {
        name: name.to_owned(),
        platform: facts.engine.to_string(),
        backend: facts.engine.to_string(),
        version_policy: Some(ModelVersionPolicy {
            policy_choice: Some(PolicyChoice::Specific(Specific {
                versions: serving.iter().map(number).collect(),
            })),
        }),
        max_batch_size,
        input: facts.contract.inputs.iter().map(input).collect(),
        output: facts.contract.outputs.iter().map(output).collect(),
        model_transaction_policy: Some(ModelTransactionPolicy { decoupled: false }),
    }
}

/// The counters of one version.
pub(super) fn statistics(
    (name, version, totals): &(Name, VersionNumber, Totals),
) -> ModelStatistics {
    let success = totals.of(Outcome::Success);
    let duration = |count, ns| Some(StatisticDuration { count, ns });
    // What the cache answered was not queued and not computed.
    let computed = |ns| duration(success.saturating_sub(totals.hits), ns);
    ModelStatistics {
        name: name.to_string(),
        version: version.to_string(),
        last_inference: totals.last_ms,
        inference_count: totals.rows,
        execution_count: totals.executions,
        inference_stats: Some(InferStatistics {
            success: duration(success, totals.answered_nanos),
            fail: duration(
                totals.requests() - success,
                totals.request.nanos.saturating_sub(totals.answered_nanos),
            ),
            queue: computed(totals.queue.nanos),
            // Tensors are moved, not copied, into and out of the engine.
            compute_input: computed(0),
            compute_infer: computed(totals.compute.nanos),
            compute_output: computed(0),
            cache_hit: duration(totals.hits, totals.hit_nanos),
            cache_miss: duration(totals.misses, totals.miss_nanos),
        }),
        ..ModelStatistics::default()
    }
}

fn datatype(datatype: DataType) -> proto::DataType {
    match datatype {
        DataType::Bool => proto::DataType::TypeBool,
        DataType::Uint8 => proto::DataType::TypeUint8,
        DataType::Uint16 => proto::DataType::TypeUint16,
        DataType::Uint32 => proto::DataType::TypeUint32,
        DataType::Uint64 => proto::DataType::TypeUint64,
        DataType::Int8 => proto::DataType::TypeInt8,
        DataType::Int16 => proto::DataType::TypeInt16,
        DataType::Int32 => proto::DataType::TypeInt32,
        DataType::Int64 => proto::DataType::TypeInt64,
        DataType::Fp16 => proto::DataType::TypeFp16,
        DataType::Bf16 => proto::DataType::TypeBf16,
        DataType::Fp32 => proto::DataType::TypeFp32,
        DataType::Fp64 => proto::DataType::TypeFp64,
        DataType::Bytes => proto::DataType::TypeString,
    }
}

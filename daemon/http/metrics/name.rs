//! The names of all series. A name ends with its unit, a counter's with `_total`.

/// Requests by how they ended.
pub const REQUESTS: &str = "impresario_requests_total";
/// From the decision to the answer.
pub const REQUEST_SECONDS: &str = "impresario_request_duration_seconds";
/// In the version's queue.
pub const QUEUE_SECONDS: &str = "impresario_queue_duration_seconds";
/// In the engine.
pub const COMPUTE_SECONDS: &str = "impresario_compute_duration_seconds";
/// Reading the request and writing the answer.
pub const CODEC_SECONDS: &str = "impresario_codec_duration_seconds";
/// Rows inferred.
pub const INFERENCES: &str = "impresario_inferences_total";
/// Calls of the engine.
pub const EXECUTIONS: &str = "impresario_executions_total";
/// Requests that wait now.
pub const QUEUE: &str = "impresario_version_queue_length";
/// Requests that may wait.
pub const QUEUE_LIMIT: &str = "impresario_version_queue_limit";
/// Instances that compute.
pub const BUSY: &str = "impresario_version_busy_instances";
/// 1 for the phase that a version is in, 0 for the others.
pub const PHASE: &str = "impresario_version_phase";
/// Crashes lately.
pub const CRASHES: &str = "impresario_version_recent_crashes";
/// How often a version was built again after a crash.
pub const RESTARTS: &str = "impresario_version_restarts_total";
/// Estimated memory.
pub const MEMORY: &str = "impresario_version_memory_bytes";
/// How often a version left memory for others.
pub const PARKED: &str = "impresario_version_parked_total";
/// How often a version was loaded because requests waited for it.
pub const RECALLED: &str = "impresario_version_recalled_total";
/// Requests that wait for parked versions.
pub const WAITING: &str = "impresario_recall_waiting";
/// Memory that all versions together may take.
pub const BUDGET: &str = "impresario_memory_budget_bytes";
/// The fleet's revision.
pub const REVISION: &str = "impresario_fleet_revision";
/// Whether the daemon wants requests.
pub const READY: &str = "impresario_ready";
/// The program.
pub const BUILD: &str = "impresario_build_info";
/// Requests that the response cache was asked for, by what came of it.
pub const CACHE_LOOKS: &str = "impresario_cache_looks_total";
/// Answers in the response cache.
pub const CACHE_ENTRIES: &str = "impresario_cache_entries";
/// Bytes in the response cache.
pub const CACHE_BYTES: &str = "impresario_cache_bytes";
/// Bytes that the response cache may hold.
pub const CACHE_MAX_BYTES: &str = "impresario_cache_max_bytes";
/// Deliveries of webhooks by how they ended.
pub const WEBHOOK_DELIVERIES: &str = "impresario_webhook_deliveries_total";
/// Deliveries of webhooks that wait.
pub const WEBHOOK_QUEUE: &str = "impresario_webhook_queue_length";
/// A variant's part of its pipeline's slots.
pub const WEIGHT: &str = "impresario_variant_weight";
/// 1 for the phase that a rollout is in, 0 for the others.
pub const ROLLOUT_PHASE: &str = "impresario_rollout_phase";
/// The step that a rollout is in, from 1.
pub const ROLLOUT_STEP: &str = "impresario_rollout_step";
/// How many steps it has.
pub const ROLLOUT_STEPS: &str = "impresario_rollout_steps";
/// Units that a rollout is judged by.
pub const ROLLOUT_UNITS: &str = "impresario_rollout_units";
/// Bad events of a rollout's guardrail.
pub const ROLLOUT_EVENTS: &str = "impresario_rollout_events";
/// What those are events of.
pub const ROLLOUT_OF: &str = "impresario_rollout_events_of";
/// The weighted evidence of harm, as a logarithm.
pub const ROLLOUT_HARM: &str = "impresario_rollout_harm";
/// Where that aborts.
pub const ROLLOUT_HARM_THRESHOLD: &str = "impresario_rollout_harm_threshold";
/// One guardrail's evidence of harm.
pub const ROLLOUT_GUARDRAIL_HARM: &str = "impresario_rollout_guardrail_harm";
/// One guardrail's evidence of safety.
pub const ROLLOUT_GUARDRAIL_SAFETY: &str = "impresario_rollout_guardrail_safety";
/// Whether a guardrail is proven safe.
pub const ROLLOUT_GUARDRAIL_SAFE: &str = "impresario_rollout_guardrail_safe";
/// The evidence that shares are not those that were asked for.
pub const ROLLOUT_SAMPLE_RATIO: &str = "impresario_rollout_sample_ratio";
/// Units of an arm of an experiment.
pub const EXPERIMENT_UNITS: &str = "impresario_experiment_units";
/// Requests of an arm of an experiment.
pub const EXPERIMENT_REQUESTS: &str = "impresario_experiment_requests";
/// How often a bandit showed an arm.
pub const BANDIT_SHOWN: &str = "impresario_bandit_shown";
/// The mean reward of an arm of a bandit.
pub const BANDIT_REWARD: &str = "impresario_bandit_reward_mean";
/// The probability that an arm of a bandit is the best.
pub const BANDIT_BEST: &str = "impresario_bandit_best_probability";
/// Records of the payload log by what became of them.
pub const PAYLOAD_RECORDS: &str = "impresario_payload_records_total";
/// Records of the payload log without the data of their tensors.
pub const PAYLOAD_SHED: &str = "impresario_payload_shed_total";
/// Bytes that were written to the payload log.
pub const PAYLOAD_BYTES: &str = "impresario_payload_written_bytes_total";
/// Records of the payload log that wait.
pub const PAYLOAD_QUEUE: &str = "impresario_payload_queue_length";
/// Requests that are in no history.
pub const HISTORY_DROPPED: &str = "impresario_history_dropped_requests_total";
/// Spans, log records and metric points for the collector by what became of them.
pub const EXPORT_ITEMS: &str = "impresario_otlp_items_total";
/// Those that wait.
pub const EXPORT_QUEUE: &str = "impresario_otlp_queue_length";
/// Calls of a node of a graph, by how they ended.
pub const NODE_CALLS: &str = "impresario_node_calls_total";
/// Rows of a node of a graph, by how they fared.
pub const NODE_ROWS: &str = "impresario_node_rows_total";
/// How long the calls of a node took.
pub const NODE_SECONDS: &str = "impresario_node_duration_seconds";
/// How long the store took to make changes durable.
pub const COMMIT_SECONDS: &str = "impresario_store_commit_duration_seconds";
/// Changes that the store could not make durable.
pub const COMMIT_FAILURES: &str = "impresario_store_commit_failures_total";
/// Time of all processors that the process has used.
pub const CPU: &str = "process_cpu_seconds_total";
/// Files and sockets that the process has open.
pub const OPEN_FDS: &str = "process_open_fds";
/// How many it may have open.
pub const MAX_FDS: &str = "process_max_fds";
/// Resident memory of the process.
pub const RESIDENT: &str = "process_resident_memory_bytes";
/// When the process began.
pub const START: &str = "process_start_time_seconds";
/// Triton: answered requests.
pub const NV_SUCCESS: &str = "nv_inference_request_success";
/// Triton: requests not answered.
pub const NV_FAILURE: &str = "nv_inference_request_failure";
/// Triton: rows inferred.
pub const NV_COUNT: &str = "nv_inference_count";
/// Triton: calls of the engine.
pub const NV_EXECUTIONS: &str = "nv_inference_exec_count";
/// Triton: all time of requests.
pub const NV_REQUEST_US: &str = "nv_inference_request_duration_us";
/// Triton: all time in queues.
pub const NV_QUEUE_US: &str = "nv_inference_queue_duration_us";
/// Triton: all time in engines.
pub const NV_COMPUTE_US: &str = "nv_inference_compute_infer_duration_us";
/// Triton: answers out of the response cache.
pub const NV_HITS: &str = "nv_cache_num_hits_per_model";
/// Triton: looks into the response cache in vain.
pub const NV_MISSES: &str = "nv_cache_num_misses_per_model";

//! What stands beside any policy: shadows and contracts.

use expect_test::{Expect, expect};

use super::{check, check_each};

/// A pipeline with a table beside its policy.
fn with(fragments: &[&str], expected: &Expect) {
    let wrap = |fragment: &str| {
        format!(
            "version = 1\n[pipelines.p]\npolicy = {{ type = 'standalone', model = 'm', version = 1 }}\n{fragment}\n"
        )
    };
    check_each(wrap, fragments, expected);
}

#[test]
fn a_shadow_rides_on_any_policy() {
    with(
        &[
            "shadow = { model = 'm', version = 5 }",
            "shadow = { model = 'm', version = 5, sample = '1%', noise = 0, tolerance = { absolute = 0.1, relative = 0 }, concurrency = 4, queue = 1000, examples = 20 }",
            "shadow = { model = 'm', version = 1 }",
        ],
        &expect![[r#"
            shadow = { model = 'm', version = 5 }
                {"shadow":{"model":"m","version":5,"sample":0.1,"noise":0.05,"tolerance":{"absolute":0.00001,"relative":0.00001},"concurrency":1,"queue":64,"examples":0},"policy":{"type":"standalone","model":"m","version":1}}
            shadow = { model = 'm', version = 5, sample = '1%', noise = 0, tolerance = { absolute = 0.1, relative = 0 }, concurrency = 4, queue = 1000, examples = 20 }
                {"shadow":{"model":"m","version":5,"sample":0.01,"noise":0,"tolerance":{"absolute":0.1,"relative":0},"concurrency":4,"queue":1000,"examples":20},"policy":{"type":"standalone","model":"m","version":1}}
            shadow = { model = 'm', version = 1 }
                {"shadow":{"model":"m","version":1,"sample":0.1,"noise":0.05,"tolerance":{"absolute":0.00001,"relative":0.00001},"concurrency":1,"queue":64,"examples":0},"policy":{"type":"standalone","model":"m","version":1}}
                4:10: warning[same-version] pipelines.p.shadow: the shadow is the version that answers (hint: its noise is measured by `noise` already; name another version)
        "#]],
    );
    check(
        "a.yaml",
        "
version: 1
pipelines:
  p:
    shadow: { model: m, version: 3 }
    policy: { type: canary, model: m, stable: 1, canary: 2, steps: [ { pause: approval } ] }
",
        &expect![[r#"
            p a.yaml:4:3 {"shadow":{"model":"m","version":3,"sample":0.1,"noise":0.05,"tolerance":{"absolute":0.00001,"relative":0.00001},"concurrency":1,"queue":64,"examples":0},"policy":{"type":"canary","model":"m","stable":1,"canary":2,"steps":[{"pause":"approval"}],"rescue":true,"soak":"10m","prepare":"10m","unavailable":"5m"}}
        "#]],
    );
}

#[test]
fn what_is_wrong_with_a_shadow_is_told() {
    with(
        &[
            "shadow = 'm'",
            "shadow = { }",
            "shadow = { model = 'm', version = 'latest', sampel = 1 }",
            "shadow = { model = 'm', version = 2, sample = 0, noise = 2, concurrency = 0, queue = 0, examples = 101 }",
            "shadow = { model = 'm', version = 2, sample = 10, concurrency = 1.5, tolerance = 0.1 }",
            "shadow = { model = 'm', version = 2, tolerance = { absolute = -1, relative = 2, abs = 1 } }",
        ],
        &expect![[r#"
            shadow = 'm'
                4:10: error[wrong-type] pipelines.p.shadow: expected a table, got "m"
            shadow = { }
                4:1: error[missing-field] pipelines.p.shadow: the field 'model' is missing
                4:1: error[missing-field] pipelines.p.shadow: the field 'version' is missing
            shadow = { model = 'm', version = 'latest', sampel = 1 }
                4:35: error[invalid-version] pipelines.p.shadow.version: expected a positive whole number, got "latest" (hint: write the version's number: what is compared must stay the same)
                4:45: error[unknown-field] pipelines.p.shadow.sampel: unknown field 'sampel' (hint: did you mean 'sample'?)
            shadow = { model = 'm', version = 2, sample = 0, noise = 2, concurrency = 0, queue = 0, examples = 101 }
                4:47: error[out-of-range] pipelines.p.shadow.sample: expected a share from 0.0001 to 1, got the number 0
                4:58: error[out-of-range] pipelines.p.shadow.noise: expected a share from 0 to 1, got the number 2 (hint: write "2%" for per cent)
                4:75: error[out-of-range] pipelines.p.shadow.concurrency: expected a whole number from 1 to 64, got the number 0
                4:86: error[out-of-range] pipelines.p.shadow.queue: expected a whole number from 1 to 100000, got the number 0
                4:100: error[out-of-range] pipelines.p.shadow.examples: expected a whole number from 0 to 100, got the number 101
            shadow = { model = 'm', version = 2, sample = 10, concurrency = 1.5, tolerance = 0.1 }
                4:47: error[out-of-range] pipelines.p.shadow.sample: expected a share from 0.0001 to 1, got the number 10 (hint: write "10%" for per cent)
                4:65: error[out-of-range] pipelines.p.shadow.concurrency: expected a whole number from 1 to 64, got the number 1.5
                4:82: error[wrong-type] pipelines.p.shadow.tolerance: expected a table, got the number 0.1
            shadow = { model = 'm', version = 2, tolerance = { absolute = -1, relative = 2, abs = 1 } }
                4:63: error[out-of-range] pipelines.p.shadow.tolerance.absolute: expected a number from 0, got the number -1
                4:78: error[out-of-range] pipelines.p.shadow.tolerance.relative: expected a number from 0 to 1, got the number 2
                4:81: error[unknown-field] pipelines.p.shadow.tolerance.abs: unknown field 'abs' (hint: known here: absolute, relative)
        "#]],
    );
}

#[test]
fn a_contract_is_what_callers_may_rely_on() {
    with(
        &[
            "contract = { inputs = [{ name = 'X', datatype = 'FP32', shape = [-1, 4] }], outputs = [{ name = 'label', datatype = 'INT64', shape = ['rows'] }] }",
            "contract = { inputs = [{ name = 'X', datatype = 'FP32', shape = [-1, 4] }], outputs = [{ name = 'label', datatype = 'INT64', shape = [-1] }], max_batch = 64 }",
            "contract = { inputs = [{ name = 'X', datatype = 'FP32', shape = [4], range = [0, 1.5], non_finite = 'forbid' }], outputs = [{ name = 'p', datatype = 'FP64', shape = [2], labels = ['no', 'yes'], non_finite = 'allow' }, { name = 'n', datatype = 'INT8', shape = [], categories = [1, '2'] }] }",
        ],
        &expect![[r#"
            contract = { inputs = [{ name = 'X', datatype = 'FP32', shape = [-1, 4] }], outputs = [{ name = 'label', datatype = 'INT64', shape = ['rows'] }] }
                {"contract":{"inputs":[{"name":"X","datatype":"FP32","shape":[-1,4]}],"outputs":[{"name":"label","datatype":"INT64","shape":["rows"]}]},"policy":{"type":"standalone","model":"m","version":1}}
            contract = { inputs = [{ name = 'X', datatype = 'FP32', shape = [-1, 4] }], outputs = [{ name = 'label', datatype = 'INT64', shape = [-1] }], max_batch = 64 }
                {"contract":{"inputs":[{"name":"X","datatype":"FP32","shape":[-1,4]}],"outputs":[{"name":"label","datatype":"INT64","shape":[-1]}],"max_batch":64},"policy":{"type":"standalone","model":"m","version":1}}
            contract = { inputs = [{ name = 'X', datatype = 'FP32', shape = [4], range = [0, 1.5], non_finite = 'forbid' }], outputs = [{ name = 'p', datatype = 'FP64', shape = [2], labels = ['no', 'yes'], non_finite = 'allow' }, { name = 'n', datatype = 'INT8', shape = [], categories = [1, '2'] }] }
                {"contract":{"inputs":[{"name":"X","datatype":"FP32","shape":[4],"range":[0,1.5],"non_finite":"forbid"}],"outputs":[{"name":"p","datatype":"FP64","shape":[2],"labels":["no","yes"]},{"name":"n","datatype":"INT8","shape":[],"categories":["1","2"]}]},"policy":{"type":"standalone","model":"m","version":1}}
        "#]],
    );
}

#[test]
fn what_is_wrong_with_a_contract_is_told() {
    let ports = |fragments: &[&str], expected: &Expect| {
        let wrap = |fragment: &str| {
            format!(
                "version = 1\n[pipelines.p]\npolicy = {{ type = 'standalone', model = 'm' }}\n\
                 [pipelines.p.contract]\noutputs = [{{ name = 'y', datatype = 'BOOL', shape = [-1] }}]\n\
                 inputs = [\n{fragment}\n]\n"
            )
        };
        check_each(wrap, fragments, expected);
    };
    ports(
        &[
            "",
            "{ }, 3",
            "{ name = '', datatype = 'fp32', shape = [-2, 0, 1.5, true, ''] }",
            "{ name = 'x', datatype = 'FLOAT', shape = 4, dims = [4] }",
            "{ name = 'x', datatype = 'FP32', shape = [1] }, { name = 'x', datatype = 'FP32', shape = [2] }",
            "{ name = 'x', datatype = 'BYTES', shape = [1], range = [0, 1], non_finite = 'forbid' }",
            "{ name = 'x', datatype = 'FP32', shape = [1], range = [2, 1], categories = ['a'] }",
            "{ name = 'x', datatype = 'INT8', shape = [3], range = [2], categories = [1.5], labels = ['a', 'b'] }",
            "{ name = 'x', datatype = 'FP32', shape = [1], non_finite = 'refuse' }",
        ],
        &expect![[r#"
            (nothing)
                6:10: error[empty] pipelines.p.contract.inputs: expected a list of 1 to 256, got 0
            { }, 3
                7:1: error[missing-field] pipelines.p.contract.inputs[0]: the field 'name' is missing
                7:1: error[missing-field] pipelines.p.contract.inputs[0]: the field 'datatype' is missing
                7:1: error[missing-field] pipelines.p.contract.inputs[0]: the field 'shape' is missing
                7:6: error[wrong-type] pipelines.p.contract.inputs[1]: expected a table, got the number 3
            { name = '', datatype = 'fp32', shape = [-2, 0, 1.5, true, ''] }
                7:10: error[empty] pipelines.p.contract.inputs[0].name: expected a text, got ""
                7:25: error[unknown-value] pipelines.p.contract.inputs[0].datatype: expected BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, FP16, BF16, FP32, FP64, BYTES, got "fp32" (hint: did you mean 'FP32'?)
                7:42: error[out-of-range] pipelines.p.contract.inputs[0].shape[0]: expected a size from 1, or -1 for any, got the number -2
                7:46: error[out-of-range] pipelines.p.contract.inputs[0].shape[1]: expected a size from 1, or -1 for any, got the number 0
                7:49: error[out-of-range] pipelines.p.contract.inputs[0].shape[2]: expected a size from 1, or -1 for any, got the number 1.5
                7:54: error[wrong-type] pipelines.p.contract.inputs[0].shape[3]: expected a size, -1 for any, or a name, got true
                7:60: error[empty] pipelines.p.contract.inputs[0].shape[4]: expected a text, got ""
            { name = 'x', datatype = 'FLOAT', shape = 4, dims = [4] }
                7:26: error[unknown-value] pipelines.p.contract.inputs[0].datatype: expected BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, FP16, BF16, FP32, FP64, BYTES, got "FLOAT"
                7:43: error[wrong-type] pipelines.p.contract.inputs[0].shape: expected a list, got the number 4
                7:46: error[unknown-field] pipelines.p.contract.inputs[0].dims: unknown field 'dims' (hint: known here: name, datatype, shape, range, categories, non_finite, labels)
            { name = 'x', datatype = 'FP32', shape = [1] }, { name = 'x', datatype = 'FP32', shape = [2] }
                7:49: error[duplicate] pipelines.p.contract.inputs[1]: two ports are named 'x'
            { name = 'x', datatype = 'BYTES', shape = [1], range = [0, 1], non_finite = 'forbid' }
                7:56: error[contradiction] pipelines.p.contract.inputs[0].range: this is for numbers, and the port is BYTES
                7:77: error[contradiction] pipelines.p.contract.inputs[0].non_finite: this is for floating-point numbers, and the port is BYTES
            { name = 'x', datatype = 'FP32', shape = [1], range = [2, 1], categories = ['a'] }
                7:55: error[backwards] pipelines.p.contract.inputs[0].range: expected the lower end first, got 2 and 1
                7:76: error[contradiction] pipelines.p.contract.inputs[0].categories: this is for texts or whole numbers, and the port is FP32
            { name = 'x', datatype = 'INT8', shape = [3], range = [2], categories = [1.5], labels = ['a', 'b'] }
                7:55: error[too-few] pipelines.p.contract.inputs[0].range: expected a list of 2, got 1
                7:74: error[wrong-type] pipelines.p.contract.inputs[0].categories[0]: expected a text or a whole number, got the number 1.5
                7:89: error[contradiction] pipelines.p.contract.inputs[0].labels: expected 3, as many as the last axis holds, got 2
            { name = 'x', datatype = 'FP32', shape = [1], non_finite = 'refuse' }
                7:60: error[unknown-value] pipelines.p.contract.inputs[0].non_finite: expected allow, forbid, got "refuse"
        "#]],
    );
    with(
        &[
            "contract = { }",
            "contract = { inputs = [{ name = 'X', datatype = 'FP32', shape = [1] }], outputs = [{ name = 'y', datatype = 'FP32', shape = [-1] }], max_batch = 8 }",
            "contract = { inputs = [{ name = 'X', datatype = 'FP32', shape = [-1] }], outputs = [{ name = 'y', datatype = 'FP32', shape = [-1] }], max_batch = 0 }",
        ],
        &expect![[r#"
            contract = { }
                4:1: error[missing-field] pipelines.p.contract: the field 'inputs' is missing
                4:1: error[missing-field] pipelines.p.contract: the field 'outputs' is missing
            contract = { inputs = [{ name = 'X', datatype = 'FP32', shape = [1] }], outputs = [{ name = 'y', datatype = 'FP32', shape = [-1] }], max_batch = 8 }
                4:146: error[contradiction] pipelines.p.contract.max_batch: rows are counted only where the first axis of every port is free (hint: write -1 as the first size of every input and output)
            contract = { inputs = [{ name = 'X', datatype = 'FP32', shape = [-1] }], outputs = [{ name = 'y', datatype = 'FP32', shape = [-1] }], max_batch = 0 }
                4:147: error[out-of-range] pipelines.p.contract.max_batch: expected a whole number from 1 to 1000000, got the number 0
        "#]],
    );
}

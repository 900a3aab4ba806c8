//! What nodes of composites do, and all that can be wrong with how that is written.

use super::composite::node;
use super::*;

#[test]
fn ensembles_count_their_members() {
    check_each(
        node,
        &[
            "ensemble = 'mean'",
            "ensemble = 'maen'\nof = ['a', 3]\nweights = [1]\nquorum = 0",
            "ensemble = 'mean'\nof = ['a', 'b']\nquorum = 3\nweights = [1, 2]",
            "ensemble = 'weighted'\nof = ['a', 'b']",
            "ensemble = 'weighted'\nof = ['a', 'b']\nweights = [1]",
            "ensemble = 'vote'\nof = ['a', 'b']\nweights = [0, 0.0]",
            "ensemble = 'vote'\nof = ['a', 'b']\nweights = [-1, '2']",
            "ensemble = 'stack'\nof = ['a', 'b']\nquorum = 1",
            "ensemble = 'stack'\nof = ['a', 'b']\nquorum = 2",
            "ensemble = 'max'\nof = []",
            "ensemble = 'max'\nof = 3",
        ],
        &expect![[r#"
            ensemble = 'mean'
                5:27: error[missing-field] pipelines.p.policy.nodes.n: the field 'of' is missing
            ensemble = 'maen'
            of = ['a', 3]
            weights = [1]
            quorum = 0
                6:12: error[unknown-value] pipelines.p.policy.nodes.n.ensemble: expected mean, weighted, median, min, max, vote, first, concat, stack, got "maen" (hint: did you mean 'mean'?)
                7:12: error[wrong-type] pipelines.p.policy.nodes.n.of[1]: expected a string, got the number 3
                9:10: error[out-of-range] pipelines.p.policy.nodes.n.quorum: expected a whole number from 1, got the number 0
            ensemble = 'mean'
            of = ['a', 'b']
            quorum = 3
            weights = [1, 2]
                8:10: error[out-of-range] pipelines.p.policy.nodes.n.quorum: expected a whole number from 1 to 2, got the number 3
                9:1: error[unknown-field] pipelines.p.policy.nodes.n.weights: unknown field 'weights' (hint: known here: ensemble, of, quorum, when, timeout, retry, on_error)
            ensemble = 'weighted'
            of = ['a', 'b']
                5:27: error[missing-field] pipelines.p.policy.nodes.n: the field 'weights' is missing
            ensemble = 'weighted'
            of = ['a', 'b']
            weights = [1]
                8:11: error[too-few] pipelines.p.policy.nodes.n.weights: expected a list of 2, got 1
            ensemble = 'vote'
            of = ['a', 'b']
            weights = [0, 0.0]
                8:11: error[out-of-range] pipelines.p.policy.nodes.n.weights: expected a weight above 0, got none
            ensemble = 'vote'
            of = ['a', 'b']
            weights = [-1, '2']
                8:12: error[out-of-range] pipelines.p.policy.nodes.n.weights[0]: expected a number from 0 to 1000000000, got the number -1
                8:16: error[wrong-type] pipelines.p.policy.nodes.n.weights[1]: expected a number, got "2"
            ensemble = 'stack'
            of = ['a', 'b']
            quorum = 1
                8:10: error[contradiction] pipelines.p.policy.nodes.n.quorum: 'stack' needs all of its members, got a quorum of 1 (hint: leave 'quorum' out: without one the shape would be another)
            ensemble = 'stack'
            of = ['a', 'b']
            quorum = 2
                {"policy":{"type":"composite","model":"p","nodes":{"n":{"ensemble":"stack","of":["a","b"]}},"outputs":{"y":"n"}}}
            ensemble = 'max'
            of = []
                7:6: error[empty] pipelines.p.policy.nodes.n.of: expected a list of 1 to 64, got 0
            ensemble = 'max'
            of = 3
                7:6: error[wrong-type] pipelines.p.policy.nodes.n.of: expected what is read, such as "request.x", or a list of such, got the number 3
        "#]],
    );
    let many = vec!["'a'"; 65].join(", ");
    let found = compile(&[source(
        "a.toml",
        &node(&format!("ensemble = 'max'\nof = [{many}]")),
    )]);
    assert_eq!(found.unwrap_err()[0].code, "too-many");
}

#[test]
fn switches_and_splitters_name_nodes() {
    check_each(
        node,
        &[
            "switch = []",
            "switch = [{ when = 'true', call = 'a' }]",
            "switch = [{ call = 'a' }, { when = 'x' }, {}]",
            "switch = [{ else = 'a' }, { when = 'x', call = 'b' }, { else = 'c' }]",
            "switch = [{ else = 'a', call = 'b' }, { els = 'c' }, 'd']",
            "switch = [{ when = 3, call = 'a.b' }, { else = 'm-1' }]",
            "splitter = [{ call = 'a' }]",
            "splitter = [{ call = 'a' }, { call = 'b' }, { call = 'c' }]",
            "splitter = [{ call = 'a', weight = 90 }, { call = 'b' }]",
            "splitter = [{ call = 'a', weight = 90 }, { call = 'b', weight = 20 }]\nseed = ''",
            "splitter = [{ call = 'a', weight = 0 }, { call = 'a', weight = 100, when = 'x' }, {}]",
        ],
        &expect![[r#"
            switch = []
                6:10: error[empty] pipelines.p.policy.nodes.n.switch: expected a list of 1 to 64, got 0
            switch = [{ when = 'true', call = 'a' }]
                {"policy":{"type":"composite","model":"p","nodes":{"n":{"switch":[{"when":"true","call":"a"}]}},"outputs":{"y":"n"}}}
            switch = [{ call = 'a' }, { when = 'x' }, {}]
                6:11: error[missing-field] pipelines.p.policy.nodes.n.switch[0]: the field 'when' is missing
                6:27: error[missing-field] pipelines.p.policy.nodes.n.switch[1]: the field 'call' is missing
                6:43: error[missing-field] pipelines.p.policy.nodes.n.switch[2]: the field 'when' is missing
                6:43: error[missing-field] pipelines.p.policy.nodes.n.switch[2]: the field 'call' is missing
            switch = [{ else = 'a' }, { when = 'x', call = 'b' }, { else = 'c' }]
                6:27: error[unreachable] pipelines.p.policy.nodes.n.switch[1]: no request comes here: pipelines.p.policy.nodes.n.switch[0] takes all that are left (hint: move 'else' to the end)
                6:55: error[unreachable] pipelines.p.policy.nodes.n.switch[2]: no request comes here: pipelines.p.policy.nodes.n.switch[0] takes all that are left (hint: move 'else' to the end)
            switch = [{ else = 'a', call = 'b' }, { els = 'c' }, 'd']
                6:11: error[ambiguous] pipelines.p.policy.nodes.n.switch[0]: expected 'when' and 'call', or 'else' alone, got both (hint: write { when = "…", call = "NODE" } and { else = "NODE" })
                6:39: error[missing-field] pipelines.p.policy.nodes.n.switch[1]: the field 'when' is missing
                6:39: error[missing-field] pipelines.p.policy.nodes.n.switch[1]: the field 'call' is missing
                6:41: error[unknown-field] pipelines.p.policy.nodes.n.switch[1].els: unknown field 'els' (hint: did you mean 'else'?)
                6:54: error[wrong-type] pipelines.p.policy.nodes.n.switch[2]: expected a table, got "d"
            switch = [{ when = 3, call = 'a.b' }, { else = 'm-1' }]
                6:20: error[wrong-type] pipelines.p.policy.nodes.n.switch[0].when: expected a string, got the number 3
                6:30: error[invalid-reference] pipelines.p.policy.nodes.n.switch[0].call: expected a node's name, got "a.b" (hint: name the node without its output: a)
                6:48: error[invalid-reference] pipelines.p.policy.nodes.n.switch[1].else: expected a node's name, got "m-1"
            splitter = [{ call = 'a' }]
                6:12: error[too-few] pipelines.p.policy.nodes.n.splitter: expected a list of 2 to 64, got 1
            splitter = [{ call = 'a' }, { call = 'b' }, { call = 'c' }]
                {"policy":{"type":"composite","model":"p","nodes":{"n":{"splitter":[{"call":"a","weight":33.34},{"call":"b","weight":33.33},{"call":"c","weight":33.33}],"seed":"p.n"}},"outputs":{"y":"n"}}}
            splitter = [{ call = 'a', weight = 90 }, { call = 'b' }]
                6:42: error[missing-field] pipelines.p.policy.nodes.n.splitter[1]: the field 'weight' is missing
            splitter = [{ call = 'a', weight = 90 }, { call = 'b', weight = 20 }]
            seed = ''
                6:12: error[weights-sum] pipelines.p.policy.nodes.n.splitter: the weights of the arms must sum to 100 %, got 110 % (hint: even shares are 50, 50)
                7:8: error[empty] pipelines.p.policy.nodes.n.seed: expected a text, got ""
            splitter = [{ call = 'a', weight = 0 }, { call = 'a', weight = 100, when = 'x' }, {}]
                6:36: error[out-of-range] pipelines.p.policy.nodes.n.splitter[0].weight: expected a weight from 0.01 %, got 0 % (hint: leave out an arm that nobody is to get)
                6:41: error[duplicate] pipelines.p.policy.nodes.n.splitter[1]: two branches call 'a' (hint: give one of them both shares)
                6:69: error[unknown-field] pipelines.p.policy.nodes.n.splitter[1].when: unknown field 'when' (hint: known here: call, weight)
                6:83: error[missing-field] pipelines.p.policy.nodes.n.splitter[2]: the field 'call' is missing
                6:83: error[missing-field] pipelines.p.policy.nodes.n.splitter[2]: the field 'weight' is missing
        "#]],
    );
}

#[test]
fn transforms_have_settings_of_their_own() {
    check_each(
        |fields| node(&format!("of = 'a'\n{fields}")),
        &[
            "transform = 'normalize'\nscale = 2",
            "transform = 'softmax'\naxis = 1",
            "transform = 'cast'",
            "transform = 'cast'\nto = 'fp32'",
            "transform = 'reshape'\nshape = [-1, 0, -1]",
            "transform = 'reshape'\nshape = [-1, 2, -1]",
            "transform = 'transpose'\naxes = [16, 1.5]",
            "transform = 'normalise'",
            "transform = 'normalise'\nmean = [1, 2]\nscale = [1, 2, 3]",
            "transform = 'normalise'\nmean = 'x'\nscale = [1, 0]",
            "transform = 'clip'",
            "transform = 'clip'\nlow = 2\nhigh = 1",
            "transform = 'clip'\nlow = '2'",
            "transform = 'top_k'\nk = 0",
            "transform = 'select'",
            "transform = 'select'\nindex = 1\nstart = 2",
            "transform = 'select'\nindices = []\naxis = 20",
            "transform = 'one_hot'\nsize = 100001",
            "transform = 'lookup'\nlabels = [1]\ndefault = 3",
            "transform = 'index_of'\nlabels = ['a', 'b', 'a']\ndefault = 'x'",
            "transform = 'replace'\nfrom = ''",
        ],
        &expect![[r#"
            transform = 'normalize'
            scale = 2
                7:13: error[unknown-value] pipelines.p.policy.nodes.n.transform: expected cast, reshape, transpose, normalise, clip, softmax, sigmoid, argmax, top_k, top_k_indices, concat, stack, select, one_hot, lookup, index_of, lower, upper, trim, replace, concat_text, length, got "normalize" (hint: did you mean 'normalise'?)
            transform = 'softmax'
            axis = 1
                8:1: error[unknown-field] pipelines.p.policy.nodes.n.axis: unknown field 'axis' (hint: known here: transform, of, when, timeout, retry, on_error)
            transform = 'cast'
                5:27: error[missing-field] pipelines.p.policy.nodes.n: the field 'to' is missing
            transform = 'cast'
            to = 'fp32'
                8:6: error[unknown-value] pipelines.p.policy.nodes.n.to: expected BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, FP16, BF16, FP32, FP64, BYTES, got "fp32" (hint: did you mean 'FP32'?)
            transform = 'reshape'
            shape = [-1, 0, -1]
                8:14: error[out-of-range] pipelines.p.policy.nodes.n.shape[1]: expected a whole number from 1 to 1099511627776, or -1 for what is left, got the number 0
            transform = 'reshape'
            shape = [-1, 2, -1]
                8:9: error[ambiguous] pipelines.p.policy.nodes.n.shape: expected -1 for one axis at most, got 2
            transform = 'transpose'
            axes = [16, 1.5]
                8:9: error[out-of-range] pipelines.p.policy.nodes.n.axes[0]: expected a whole number from -16 to 15, got the number 16
                8:13: error[out-of-range] pipelines.p.policy.nodes.n.axes[1]: expected a whole number from -16 to 15, got the number 1.5
            transform = 'normalise'
                5:27: error[missing-field] pipelines.p.policy.nodes.n: expected 'mean', 'scale' or both, got none
            transform = 'normalise'
            mean = [1, 2]
            scale = [1, 2, 3]
                9:9: error[contradiction] pipelines.p.policy.nodes.n.scale: expected 1 or 2, as many as there are means, got 3
            transform = 'normalise'
            mean = 'x'
            scale = [1, 0]
                8:8: error[wrong-type] pipelines.p.policy.nodes.n.mean: expected a number or a list of numbers, got "x"
                9:9: error[out-of-range] pipelines.p.policy.nodes.n.scale: expected numbers other than 0, which nothing is divided by
            transform = 'clip'
                5:27: error[missing-field] pipelines.p.policy.nodes.n: expected 'low', 'high' or both, got none
            transform = 'clip'
            low = 2
            high = 1
                9:8: error[backwards] pipelines.p.policy.nodes.n.high: expected at least 'low', which is 2, got 1
            transform = 'clip'
            low = '2'
                8:7: error[wrong-type] pipelines.p.policy.nodes.n.low: expected a number, got "2"
            transform = 'top_k'
            k = 0
                8:5: error[out-of-range] pipelines.p.policy.nodes.n.k: expected a whole number from 1 to 100000, got the number 0
            transform = 'select'
                5:27: error[ambiguous] pipelines.p.policy.nodes.n: expected one of 'index', 'indices', or 'start' and 'stop', got none
            transform = 'select'
            index = 1
            start = 2
                5:27: error[ambiguous] pipelines.p.policy.nodes.n: expected one of 'index', 'indices', or 'start' and 'stop', got several
            transform = 'select'
            indices = []
            axis = 20
                8:11: error[empty] pipelines.p.policy.nodes.n.indices: expected a list of 1 to 10000, got 0
                9:8: error[out-of-range] pipelines.p.policy.nodes.n.axis: expected a whole number from -16 to 15, got the number 20
            transform = 'one_hot'
            size = 100001
                8:8: error[out-of-range] pipelines.p.policy.nodes.n.size: expected a whole number from 1 to 100000, got the number 100001
            transform = 'lookup'
            labels = [1]
            default = 3
                8:11: error[wrong-type] pipelines.p.policy.nodes.n.labels[0]: expected a string, got the number 1
                9:11: error[wrong-type] pipelines.p.policy.nodes.n.default: expected a string, got the number 3
            transform = 'index_of'
            labels = ['a', 'b', 'a']
            default = 'x'
                8:21: error[duplicate] pipelines.p.policy.nodes.n.labels[2]: the label "a" is there twice, first at pipelines.p.policy.nodes.n.labels[0]
                9:11: error[wrong-type] pipelines.p.policy.nodes.n.default: expected a whole number, got "x"
            transform = 'replace'
            from = ''
                5:27: error[missing-field] pipelines.p.policy.nodes.n: the field 'to' is missing
                8:8: error[empty] pipelines.p.policy.nodes.n.from: expected what is looked for, got an empty text
        "#]],
    );
    check_each(
        |of| node(&format!("transform = 'lower'\n{of}")),
        &["", "of = ['a', 'b']", "of = ['a']", "of = {}"],
        &expect![[r#"
            (nothing)
                5:27: error[missing-field] pipelines.p.policy.nodes.n: the field 'of' is missing
            of = ['a', 'b']
                7:6: error[too-many] pipelines.p.policy.nodes.n.of: 'lower' takes one value, got 2 (hint: write a node for each)
            of = ['a']
                {"policy":{"type":"composite","model":"p","nodes":{"n":{"of":"a","transform":"lower"}},"outputs":{"y":"n"}}}
            of = {}
                7:6: error[wrong-type] pipelines.p.policy.nodes.n.of: expected what is read, such as "request.x", or a list of such, got a table
        "#]],
    );
}

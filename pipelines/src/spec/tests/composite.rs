//! Composites and all that can be wrong with how they are written, the kinds of their nodes excepted.

use super::*;

/// A graph of one node of these fields.
pub(super) fn node(fields: &str) -> String {
    format!(
        "version = 1\n[pipelines.p.policy]\ntype = 'composite'\noutputs = {{ y = 'n' }}\n[pipelines.p.policy.nodes.n]\n{fields}\n"
    )
}

fn policy(lines: &str) -> String {
    format!("version = 1\n[pipelines.p.policy]\ntype = 'composite'\n{lines}\n")
}

#[test]
fn a_node_does_one_thing() {
    check_each(
        node,
        &[
            "",
            "model = 'm'",
            "model = 'm'\nensemble = 'mean'\nof = 'a'",
            "ensembel = 'mean'\nof = ['a']\nquorum = 1",
            "of = ['a']",
            "colour = 3",
            "model = 'm'\nvesion = 2\ninput = {}\nof = 'a'",
            "pipeline = 'p/q'\nversion = 2",
            "model = 7\nversion = 0",
            "map = ''\nas = 'FP31'",
        ],
        &expect![[r#"
            (nothing)
                5:27: error[missing-field] pipelines.p.policy.nodes.n: expected one of model, pipeline, ensemble, switch, splitter, transform, map, got none
            model = 'm'
                {"policy":{"type":"composite","model":"p","nodes":{"n":{"model":"m"}},"outputs":{"y":"n"}}}
            model = 'm'
            ensemble = 'mean'
            of = 'a'
                5:27: error[ambiguous] pipelines.p.policy.nodes.n: expected one of model, pipeline, ensemble, switch, splitter, transform, map, got model and ensemble (hint: write them as nodes of their own)
            ensembel = 'mean'
            of = ['a']
            quorum = 1
                5:27: error[missing-field] pipelines.p.policy.nodes.n: expected one of model, pipeline, ensemble, switch, splitter, transform, map, got none (hint: did you mean 'ensemble' by 'ensembel'?)
            of = ['a']
                5:27: error[missing-field] pipelines.p.policy.nodes.n: expected one of model, pipeline, ensemble, switch, splitter, transform, map, got none
            colour = 3
                5:27: error[missing-field] pipelines.p.policy.nodes.n: expected one of model, pipeline, ensemble, switch, splitter, transform, map, got none
            model = 'm'
            vesion = 2
            input = {}
            of = 'a'
                7:1: error[unknown-field] pipelines.p.policy.nodes.n.vesion: unknown field 'vesion' (hint: did you mean 'version'?)
                8:1: error[unknown-field] pipelines.p.policy.nodes.n.input: unknown field 'input' (hint: did you mean 'inputs'?)
                9:1: error[unknown-field] pipelines.p.policy.nodes.n.of: unknown field 'of' (hint: known here: model, version, inputs, when, timeout, retry, on_error)
            pipeline = 'p/q'
            version = 2
                6:12: error[invalid-name] pipelines.p.policy.nodes.n.pipeline: a name has only letters, digits, '.', '_' and '-', and starts with a letter, a digit or '_': got "p/q"
                7:1: error[unknown-field] pipelines.p.policy.nodes.n.version: unknown field 'version' (hint: known here: pipeline, inputs, when, timeout, retry, on_error)
            model = 7
            version = 0
                6:9: error[wrong-type] pipelines.p.policy.nodes.n.model: expected a string, got the number 7
                7:11: error[invalid-version] pipelines.p.policy.nodes.n.version: expected a positive whole number or "latest", got the number 0
            map = ''
            as = 'FP31'
                6:7: error[empty] pipelines.p.policy.nodes.n.map: expected a text, got ""
                7:6: error[unknown-value] pipelines.p.policy.nodes.n.as: expected BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, FP16, BF16, FP32, FP64, BYTES, got "FP31" (hint: did you mean 'FP32'?)
        "#]],
    );
    let huge = format!("map = '{}'", "x".repeat(4_097));
    let found = compile(&[source("a.toml", &node(&huge))]).unwrap_err();
    assert_eq!(found[0].code, "too-long");
}

#[test]
fn references_name_what_is_read() {
    let refs = [
        "request",
        "request.",
        "request.a b",
        "request.parameters.x",
        "a.",
        ".b",
        "a-b.c",
        "2a",
        "a.b.c",
        "",
    ];
    let fragments: Vec<_> = refs
        .iter()
        .map(|text| format!("model = 'm'\ninputs = {{ x = '{text}' }}"))
        .collect();
    let fragments: Vec<_> = fragments.iter().map(String::as_str).collect();
    check_each(
        node,
        &fragments,
        &expect![[r#"
        model = 'm'
        inputs = { x = 'request' }
            7:16: error[invalid-reference] pipelines.p.policy.nodes.n.inputs.x: expected "NODE.PORT", "NODE" or "request.NAME", got "request" (hint: name the input: "request.NAME")
        model = 'm'
        inputs = { x = 'request.' }
            7:16: error[invalid-reference] pipelines.p.policy.nodes.n.inputs.x: expected "NODE.PORT", "NODE" or "request.NAME", got "request." (hint: name the input: "request.NAME")
        model = 'm'
        inputs = { x = 'request.a b' }
            {"policy":{"type":"composite","model":"p","nodes":{"n":{"model":"m","inputs":{"x":"request.a b"}}},"outputs":{"y":"n"}}}
        model = 'm'
        inputs = { x = 'request.parameters.x' }
            7:16: error[invalid-reference] pipelines.p.policy.nodes.n.inputs.x: expected "NODE.PORT", "NODE" or "request.NAME", got "request.parameters.x" (hint: parameters are read by expressions: make it a node with map = "request.parameters.NAME")
        model = 'm'
        inputs = { x = 'a.' }
            7:16: error[invalid-reference] pipelines.p.policy.nodes.n.inputs.x: expected "NODE.PORT", "NODE" or "request.NAME", got "a." (hint: name the output, or leave the dot out: a)
        model = 'm'
        inputs = { x = '.b' }
            7:16: error[invalid-reference] pipelines.p.policy.nodes.n.inputs.x: expected "NODE.PORT", "NODE" or "request.NAME", got ".b" (hint: a node's name has only letters, digits and '_')
        model = 'm'
        inputs = { x = 'a-b.c' }
            7:16: error[invalid-reference] pipelines.p.policy.nodes.n.inputs.x: expected "NODE.PORT", "NODE" or "request.NAME", got "a-b.c" (hint: a node's name has only letters, digits and '_')
        model = 'm'
        inputs = { x = '2a' }
            7:16: error[invalid-reference] pipelines.p.policy.nodes.n.inputs.x: expected "NODE.PORT", "NODE" or "request.NAME", got "2a" (hint: a node's name has only letters, digits and '_')
        model = 'm'
        inputs = { x = 'a.b.c' }
            {"policy":{"type":"composite","model":"p","nodes":{"n":{"model":"m","inputs":{"x":"a.b.c"}}},"outputs":{"y":"n"}}}
        model = 'm'
        inputs = { x = '' }
            7:16: error[empty] pipelines.p.policy.nodes.n.inputs.x: expected a text, got ""
    "#]],
    );
}

#[test]
fn terms_hold_for_any_node() {
    check_each(
        node,
        &[
            "model = 'm'\ntimeout = '0s'\nwhen = ' '\nretry = { attempts = 1, backoff = '11s', tries = 2 }",
            "model = 'm'\ntimeout = 5\nretry = 3\nwhen = true",
            "model = 'm'\nretry = {}",
            "model = 'm'\non_error = 'skpi'",
            "model = 'm'\non_error = 'fallback'",
            "model = 'm'\non_error = 'default'",
            "model = 'm'\non_error = 3",
            "model = 'm'\non_error = {}",
            "model = 'm'\non_error = { falback = 'a' }",
            "model = 'm'\non_error = { fallback = 'a', default = { p = 1 } }",
            "model = 'm'\non_error = { fallback = 'a.b' }",
            "model = 'm'\non_error = { default = {} }",
            "model = 'm'\non_error = { default = { p = { q = 1 } } }",
        ],
        &expect![[r#"
            model = 'm'
            timeout = '0s'
            when = ' '
            retry = { attempts = 1, backoff = '11s', tries = 2 }
                7:11: error[out-of-range] pipelines.p.policy.nodes.n.timeout: expected a duration from 1ms to 1h, got "0s"
                8:8: error[empty] pipelines.p.policy.nodes.n.when: expected a text, got " "
                9:22: error[out-of-range] pipelines.p.policy.nodes.n.retry.attempts: expected a whole number from 2 to 10, got the number 1
                9:35: error[out-of-range] pipelines.p.policy.nodes.n.retry.backoff: expected a duration from 0s to 10s, got "11s"
                9:42: error[unknown-field] pipelines.p.policy.nodes.n.retry.tries: unknown field 'tries' (hint: known here: attempts, backoff)
            model = 'm'
            timeout = 5
            retry = 3
            when = true
                7:11: error[wrong-type] pipelines.p.policy.nodes.n.timeout: expected a duration with its unit, got 5 (hint: write "5s" for seconds or "5ms" for milliseconds)
                8:9: error[wrong-type] pipelines.p.policy.nodes.n.retry: expected a table, got the number 3
                9:8: error[wrong-type] pipelines.p.policy.nodes.n.when: expected a string, got true
            model = 'm'
            retry = {}
                7:1: error[missing-field] pipelines.p.policy.nodes.n.retry: the field 'attempts' is missing
            model = 'm'
            on_error = 'skpi'
                7:12: error[unknown-value] pipelines.p.policy.nodes.n.on_error: expected fail, skip, or a table with default or fallback, got "skpi" (hint: did you mean 'skip'?)
            model = 'm'
            on_error = 'fallback'
                7:12: error[unknown-value] pipelines.p.policy.nodes.n.on_error: expected fail, skip, or a table with default or fallback, got "fallback" (hint: write { fallback = "NODE" })
            model = 'm'
            on_error = 'default'
                7:12: error[unknown-value] pipelines.p.policy.nodes.n.on_error: expected fail, skip, or a table with default or fallback, got "default" (hint: write { default = { OUTPUT = [VALUE] } })
            model = 'm'
            on_error = 3
                7:12: error[wrong-type] pipelines.p.policy.nodes.n.on_error: expected "fail", "skip" or a table, got the number 3
            model = 'm'
            on_error = {}
                7:12: error[ambiguous] pipelines.p.policy.nodes.n.on_error: expected one of default, fallback, got none
            model = 'm'
            on_error = { falback = 'a' }
                7:14: error[unknown-field] pipelines.p.policy.nodes.n.on_error.falback: unknown field 'falback' (hint: did you mean 'fallback'?)
            model = 'm'
            on_error = { fallback = 'a', default = { p = 1 } }
                7:12: error[ambiguous] pipelines.p.policy.nodes.n.on_error: expected one of default, fallback, got both
            model = 'm'
            on_error = { fallback = 'a.b' }
                7:25: error[invalid-reference] pipelines.p.policy.nodes.n.on_error.fallback: expected a node's name, got "a.b" (hint: name the node without its output: a)
            model = 'm'
            on_error = { default = {} }
                7:24: error[empty] pipelines.p.policy.nodes.n.on_error.default: expected a value for each output, got an empty table
            model = 'm'
            on_error = { default = { p = { q = 1 } } }
                7:30: error[wrong-type] pipelines.p.policy.nodes.n.on_error.default.p: expected a number, a text or a list of such, got a table
        "#]],
    );
}

#[test]
fn a_graph_has_nodes_and_outputs() {
    check_each(
        policy,
        &[
            "",
            "nodes = {}\noutputs = {}",
            "nodes = []\noutputs = 'n'",
            "nodes = { n = { model = 'm' } }\noutputs = { '' = 'n', y = 3, z = 'n..' }\ninputs = [{ name = 'x', datatype = 'FP' }]\nsteps = 3",
            "model = 'q'\nversion = 'latest'\nnodes = { n = 'm' }\noutputs = { y = 'n' }",
            "model = 'p'\nversion = 3\nnodes = { n = { model = 'm' } }\noutputs = { y = 'n' }",
        ],
        &expect![[r#"
            (nothing)
                2:14: error[missing-field] pipelines.p.policy: the field 'nodes' is missing
                2:14: error[missing-field] pipelines.p.policy: the field 'outputs' is missing
            nodes = {}
            outputs = {}
                4:9: error[empty] pipelines.p.policy.nodes: expected 1 to 256 nodes, got 0
                5:11: error[empty] pipelines.p.policy.outputs: expected 1 to 256 outputs, got 0
            nodes = []
            outputs = 'n'
                4:9: error[wrong-type] pipelines.p.policy.nodes: expected a table, got a list of 0
                5:11: error[wrong-type] pipelines.p.policy.outputs: expected a table, got "n"
            nodes = { n = { model = 'm' } }
            outputs = { '' = 'n', y = 3, z = 'n..' }
            inputs = [{ name = 'x', datatype = 'FP' }]
            steps = 3
                5:13: error[empty] pipelines.p.policy.outputs."": expected a name, got ""
                5:27: error[wrong-type] pipelines.p.policy.outputs.y: expected a string, got the number 3
                6:11: error[missing-field] pipelines.p.policy.inputs[0]: the field 'shape' is missing
                6:36: error[unknown-value] pipelines.p.policy.inputs[0].datatype: expected BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, FP16, BF16, FP32, FP64, BYTES, got "FP"
                7:1: error[unknown-field] pipelines.p.policy.steps: unknown field 'steps' (hint: known here: type, model, version, inputs, nodes, outputs)
            model = 'q'
            version = 'latest'
            nodes = { n = 'm' }
            outputs = { y = 'n' }
                4:9: error[contradiction] pipelines.p.policy.model: a graph is a version of its pipeline's name: expected 'p', got 'q' (hint: leave 'model' out)
                5:11: error[invalid-version] pipelines.p.policy.version: expected a positive whole number, got "latest" (hint: write the version's number: what is compared must stay the same)
                6:15: error[wrong-type] pipelines.p.policy.nodes.n: expected a table, got "m"
            model = 'p'
            version = 3
            nodes = { n = { model = 'm' } }
            outputs = { y = 'n' }
                {"policy":{"type":"composite","model":"p","version":3,"nodes":{"n":{"model":"m"}},"outputs":{"y":"n"}}}
        "#]],
    );
    let nodes: String = (0..257)
        .map(|n| format!("n{n} = {{ model = 'm' }}\n"))
        .collect();
    let text = policy(&format!(
        "outputs.y = 'n1'\n[pipelines.p.policy.nodes]\n{nodes}"
    ));
    assert_eq!(
        lines(compile(&[source("a.toml", &text)]).unwrap_err()),
        "a.toml:5:1: error[too-many] pipelines.p.policy.nodes: expected 1 to 256 nodes, got 257\n"
    );
}

#[test]
fn nodes_have_names_that_expressions_can_say() {
    let long = "x".repeat(65);
    let named = |name: &str| {
        let node = format!("[pipelines.p.policy.nodes.{name:?}]\nmodel = 'm'");
        policy(&format!("outputs = {{ y = 'request.x' }}\n{node}"))
    };
    let names = [
        "request", "in", "2fast", "a-b", "a b", "", "é", "Ok_2", &long,
    ];
    check_each(
        named,
        &names,
        &expect![[r#"
            request
                5:27: error[reserved-name] pipelines.p.policy.nodes.request: 'request' is what was asked, and no name of a node (hint: call it 'request_node', or what it does)
            in
                5:27: error[reserved-name] pipelines.p.policy.nodes.in: 'in' is a word of the expressions' language, and no name of a node (hint: call it 'in_node', or what it does)
            2fast
                5:27: error[invalid-name] pipelines.p.policy.nodes.2fast: a node's name has only letters, digits and '_', and does not begin with a digit: got "2fast"
            a-b
                5:27: error[invalid-name] pipelines.p.policy.nodes.a-b: a node's name has only letters, digits and '_', and does not begin with a digit: got "a-b" (hint: write a_b)
            a b
                5:27: error[invalid-name] pipelines.p.policy.nodes."a b": a node's name has only letters, digits and '_', and does not begin with a digit: got "a b" (hint: write a_b)
            (nothing)
                5:27: error[invalid-name] pipelines.p.policy.nodes."": a node's name has only letters, digits and '_', and does not begin with a digit: got ""
            é
                5:27: error[invalid-name] pipelines.p.policy.nodes."é": a node's name has only letters, digits and '_', and does not begin with a digit: got "é"
            Ok_2
                {"policy":{"type":"composite","model":"p","nodes":{"Ok_2":{"model":"m"}},"outputs":{"y":"request.x"}}}
            xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
                5:27: error[too-long] pipelines.p.policy.nodes.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: expected a name of at most 64 characters, got 65
        "#]],
    );
}

#[test]
fn graphs_are_versions_of_the_pipelines_name() {
    let wrap = |graphs: &str| {
        format!(
            "version = 1\n[pipelines.p.policy]\ntype = 'canary'\nmodel = 'p'\nstable = 1\ncanary = 2\nsteps = [{{ pause = '1s' }}]\nprepare = '1s'\n{graphs}\n"
        )
    };
    let graph = "nodes.n.model = 'm'\noutputs.y = 'n'";
    let graph = |head: &str, more: &str| format!("[pipelines.p.graphs.{head}]\n{graph}\n{more}");
    let fragments = [
        graph("1", "") + &graph("2", "version = '2'\nmodel = 'p'"),
        graph("02", ""),
        graph("2", "version = 3\nmodel = 'other'\ntype = 'composite'"),
        "[pipelines.p.graphs]".to_owned(),
        "[pipelines.p]\ngraphs = [1]".to_owned(),
        "[pipelines.p.graphs]\n1 = 'm'\n2 = {}".to_owned(),
    ];
    let fragments: Vec<_> = fragments.iter().map(String::as_str).collect();
    check_each(
        wrap,
        &fragments,
        &expect![[r#"
        [pipelines.p.graphs.1]
        nodes.n.model = 'm'
        outputs.y = 'n'
        [pipelines.p.graphs.2]
        nodes.n.model = 'm'
        outputs.y = 'n'
        version = '2'
        model = 'p'
            {"graphs":{"1":{"model":"p","version":1,"nodes":{"n":{"model":"m"}},"outputs":{"y":"n"}},"2":{"model":"p","version":2,"nodes":{"n":{"model":"m"}},"outputs":{"y":"n"}}},"policy":{"type":"canary","model":"p","stable":1,"canary":2,"steps":[{"pause":"1s"}],"rescue":true,"soak":"10m","prepare":"1s","unavailable":"5m"}}
        [pipelines.p.graphs.02]
        nodes.n.model = 'm'
        outputs.y = 'n'

            9:21: error[invalid-version] pipelines.p.graphs.02: expected a positive whole number, got "02" (hint: a graph stands under its version: graphs.2)
        [pipelines.p.graphs.2]
        nodes.n.model = 'm'
        outputs.y = 'n'
        version = 3
        model = 'other'
        type = 'composite'
            12:11: error[contradiction] pipelines.p.graphs.2.version: the graph stands under 2, got version 3 (hint: leave 'version' out)
            13:9: error[contradiction] pipelines.p.graphs.2.model: a graph is a version of its pipeline's name: expected 'p', got 'other' (hint: leave 'model' out)
            14:1: error[unknown-field] pipelines.p.graphs.2.type: unknown field 'type' (hint: known here: model, version, inputs, nodes, outputs)
        [pipelines.p.graphs]
            9:1: error[empty] pipelines.p.graphs: expected 1 to 64 graphs, got 0
        [pipelines.p]
        graphs = [1]
            10:10: error[wrong-type] pipelines.p.graphs: expected a table, got a list of 1
        [pipelines.p.graphs]
        1 = 'm'
        2 = {}
            10:5: error[wrong-type] pipelines.p.graphs.1: expected a table, got "m"
            11:1: error[missing-field] pipelines.p.graphs.2: the field 'nodes' is missing
            11:1: error[missing-field] pipelines.p.graphs.2: the field 'outputs' is missing
    "#]],
    );
    let twice = policy("version = 2\nnodes.n.model = 'm'\noutputs.y = 'n'") + &graph("2", "");
    assert_eq!(
        lines(compile(&[source("a.toml", &twice)]).unwrap_err()),
        "a.toml:7:21: error[duplicate] pipelines.p.graphs.2: version 2 is the policy's own graph too (hint: give one of the two another number)\n"
    );
}

#[test]
fn a_graph_that_was_stored_says_whose_version_it_is() {
    let text = r#"{"policy":{"type":"composite","nodes":{"n":{"model":"m"}},"outputs":{"y":"n"}}}"#;
    let error = serde_json::from_str::<Pipeline>(text)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "error[missing-field] policy: the field 'model' is missing"
    );
}

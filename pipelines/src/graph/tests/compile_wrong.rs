//! What is told of composites that do not fit what they call.

use expect_test::{Expect, expect};

use super::compile::{Fakes, check, composite, document, lines};
use crate::graph::{Trouble, compile};
use crate::spec::document::Path;
use crate::spec::read::InFile;
use crate::spec::{Document, Format, Source};

#[test]
fn callees_that_there_are_not_get_the_nearest() {
    check(
        r#"
nodes:
  a: { model: scaller }
  b: { model: linear, version: 4 }
  c: { pipeline: rsik }
  d: { pipeline: around }
  e: { model: unheard_of }
outputs: { a: a.y, b: b, c: c, d: d, e: e }
"#,
        expect![[r#"
            error[unknown-model] nodes.a.model: there is no model 'scaller' (hint: did you mean 'scaler'?)
            error[unknown-version] nodes.b.version: model 'linear' has no version 4 (hint: versions there are: 1, 2, 3)
            error[unknown-pipeline] nodes.c.pipeline: there is no pipeline 'rsik' (hint: did you mean 'risk'?)
            error[recursion] nodes.d.pipeline: pipeline 'around' calls this composite in turn: around → risk → credit (hint: let one of them call something else)
            error[unknown-model] nodes.e.model: there is no model 'unheard_of' (hint: known here: scaler, linear, forest, net, strong, double, whole, pair, words, bounded, grades, turned, late)
        "#]],
    );
}

#[test]
fn ports_are_those_of_the_contract() {
    check(
        r#"
nodes:
  a: { model: scaler, inputs: { xs: request.x } }
  b: { model: linear, inputs: { x: a.z } }
  strong: { model: strong }
  vote: { ensemble: mean, of: [b, strong, strong.probabilty] }
  sum: { map: "strong + 1.0" }
outputs: { p: vote, q: strong, r: sum }
"#,
        expect![[r#"
            error[unknown-port] nodes.a.inputs.xs: model 'scaler' has no input 'xs' (hint: did you mean 'x'?)
            error[unknown-port] nodes.b.inputs.x: node 'a' has no port 'z' (hint: did you mean 'y'?)
            error[ambiguous-port] nodes.sum.map: expected one port, got node 'strong', which has 2 (hint: write 'strong.label' or 'strong.probability')
            error[ambiguous-port] nodes.vote.of[1]: expected one port, got node 'strong', which has 2 (hint: write 'strong.label' or 'strong.probability')
            error[unknown-port] nodes.vote.of[2]: node 'strong' has no port 'probabilty' (hint: did you mean 'probability'?)
            error[ambiguous-port] outputs.q: expected one port, got node 'strong', which has 2 (hint: write 'strong.label' or 'strong.probability')
        "#]],
    );
}

#[test]
fn types_must_fit() {
    check(
        r#"
nodes:
  double: { model: double, inputs: { x: scaled } }
  scaled: { model: scaler, inputs: { x: request.x } }
  narrow: { model: linear, inputs: { x: linear } }
  linear: { model: linear, inputs: { x: flat } }
  flat: { transform: reshape, shape: [2, 2], of: scaled }
  vote: { ensemble: mean, of: [double, narrow] }
  half: { transform: top_k, k: 3, of: narrow }
  text: { transform: lower, of: narrow }
outputs: { vote: vote, half: half, text: text }
"#,
        expect![[r#"
            error[type-mismatch] nodes.double.inputs.x: expected FP64 [-1, 4] for input 'x' of model 'double', got FP32 [-1, 4] of 'scaled' (hint: let a node come between: transform = "cast", to = "FP64")
            error[type-mismatch] nodes.half.transform: expected at least 3 along the last axis, got shape [-1, 2]
            error[type-mismatch] nodes.linear.inputs.x: expected FP32 [-1, 4] for input 'x' of model 'linear', got FP32 [-1, 2, 2] of 'flat'
            error[type-mismatch] nodes.narrow.inputs.x: expected FP32 [-1, 4] for input 'x' of model 'linear', got FP32 [-1, 2] of 'linear'
            error[type-mismatch] nodes.text.transform: expected BYTES, got FP32 (hint: the transforms lookup and cast make texts of numbers)
            error[type-mismatch] nodes.vote.of[1]: expected FP64 as in the first, got FP32 of 'narrow' (hint: the transform cast changes datatypes)
        "#]],
    );
}

#[test]
fn an_input_has_one_type_for_all_who_read_it() {
    check(
        r#"
nodes:
  linear: { model: linear }
  double: { model: double }
outputs: { a: linear, b: double }
"#,
        expect![[r#"
            error[type-mismatch] nodes.linear.inputs.x: expected FP64 [-1, 4] for 'request.x', as node 'double' reads it, got FP32 [-1, 4] (hint: read another input here, or let a transform come between)
        "#]],
    );
    check(
        r#"
inputs: [ { name: x, datatype: FP32, shape: [-1, 5] }, { name: feature, datatype: FP32, shape: [-1, 5] } ]
nodes:
  linear: { model: linear }
  loud: { transform: upper, of: request.words }
  soft: { transform: softmax, of: request.featur }
outputs: { a: linear, b: loud, c: soft, d: request.other }
"#,
        expect![[r#"
            error[unused-input] inputs[1]: nobody reads input 'feature' (hint: 'request.featur' is read: is it meant?)
            error[type-mismatch] nodes.linear.inputs.x: expected FP32 [-1, 4] for input 'x' of model 'linear', got FP32 [-1, 5] of 'request.x'
            error[untyped-input] nodes.loud.of[0]: nothing says what type 'request.words' has: it is not stated, and no model reads it as it is (hint: state it, such as inputs = [{ name = "words", datatype = "FP32", shape = [-1, 4] }])
            error[untyped-input] nodes.soft.of[0]: nothing says what type 'request.featur' has: it is not stated, and no model reads it as it is (hint: did you mean 'request.feature'?)
            error[untyped-input] outputs.d: nothing says what type 'request.other' has: it is not stated, and no model reads it as it is (hint: state it, such as inputs = [{ name = "other", datatype = "FP32", shape = [-1, 4] }])
        "#]],
    );
}

#[test]
fn values_that_can_never_fit_are_told() {
    check(
        r#"
nodes:
  first: { model: bounded }
  second: { model: bounded, inputs: { x: first } }
outputs: { a: second }
"#,
        expect![[r#"
            error[type-mismatch] nodes.second.inputs.x: expected numbers from 0 to 1 for input 'x' of model 'bounded', got numbers from 5 to 9 of 'first'
        "#]],
    );
}

#[test]
fn a_request_as_a_whole_has_no_more_rows_than_members_take() {
    check(
        r#"
inputs: [ { name: x, datatype: FP32, shape: [9, 4] } ]
nodes:
  forest: { model: forest }
  net: { model: net }
outputs: { a: forest, b: net }
"#,
        expect![[r#"
            error[type-mismatch] nodes.forest.inputs.x: expected at most 8 rows for input 'x' of model 'forest', got 9 rows of 'request.x'
        "#]],
    );
}

#[test]
fn named_axes_have_one_size() {
    check(
        r#"
inputs: [ { name: a, datatype: FP32, shape: [-1, 4] }, { name: b, datatype: FP32, shape: [-1, 5] } ]
nodes:
  pair: { model: pair }
  linear: { model: linear, inputs: { x: pair.c } }
outputs: { p: linear, d: pair.d }
"#,
        expect![[r#"
            error[type-mismatch] nodes.pair.inputs.b: expected FP32 [-1, 4] for input 'b' of model 'pair', got FP32 [-1, 5] of 'request.b' (hint: the contract says FP32 [-1, -1] and one name for axes that have one size)
        "#]],
    );
}

#[test]
fn conditions_are_truths_and_the_language_is_checked() {
    check(
        r#"
nodes:
  cheap: { model: linear, when: "request.amount" }
  strong: { model: strong }
  a: { switch: [ { when: "cheap.probability > 0.5", call: cheap }, { else: strong } ] }
  b: { switch: [ { when: "cheap.probability.max(", call: cheap }, { else: strong } ] }
  c: { switch: [ { when: "cheap.probability.max() + 1.0", call: cheap }, { else: strong } ] }
  d: { switch: [ { when: "strong.labels > 1", call: cheap }, { else: strong } ] }
  e: { map: "strong.label", as: BYTES }
inputs: [ { name: amount, datatype: FP32, shape: [-1] } ]
outputs: { a: a, b: b, c: c, d: d, e: e }
"#,
        expect![[r#"
            error[type-mismatch] nodes.a.switch[0].when: expected a double, got a list of 2 doubles, at character 1 (hint: make one of it with [0], .max(), .min(), .sum() or .mean())
            error[syntax] nodes.b.switch[0].when: expected more, got the end of the expression, at character 23
            error[type-mismatch] nodes.c.switch[0].when: expected a condition, true or false, got FP64 (hint: compare it, such as > 0.5 or == 'gold')
            error[type-mismatch] nodes.cheap.when: expected a condition, true or false, got FP64 (hint: compare it, such as > 0.5 or == 'gold')
            error[unknown-port] nodes.d.switch[0].when: node 'strong' has no port 'labels' (hint: did you mean 'label'?)
        "#]],
    );
    check(
        r#"
nodes:
  whole: { model: whole }
  cheap: { model: linear, when: "whole.score > 0.5" }
  m: { map: "whole.score * 2.0" }
outputs: { a: cheap, m: m }
"#,
        expect![[r#"
            error[only-by-row] nodes.cheap.when: this comes to one thing a row, and the composite answers each request as a whole, because node 'whole' calls model 'whole', which does not batch (hint: make one of all rows, such as by .max() or by .all(x, x > 0.5))
            error[only-by-row] nodes.m.map: this comes to one thing a row, and the composite answers each request as a whole, because node 'whole' calls model 'whole', which does not batch (hint: make one of all rows, such as by .max() or by .all(x, x > 0.5))
        "#]],
    );
}

#[test]
fn branches_and_those_that_stand_in_give_the_same() {
    check(
        r#"
nodes:
  linear: { model: linear }
  double: { model: double, inputs: { x: cast } }
  cast: { transform: cast, to: FP64, of: request.x }
  turned: { model: turned }
  strong: { model: strong, on_error: { fallback: linear } }
  grades: { model: grades, on_error: { default: { label: [0.5] } } }
  none: { switch: [ { when: "request.parameters.x == 1", call: linear }, { else: double } ] }
  other: { splitter: [ { call: linear }, { call: turned } ] }
  part: { splitter: [ { call: strong }, { call: linear } ] }
  least: { model: grades, on_error: { default: { labels: 1 } } }
outputs: { a: none, b: other, c: part.label, d: grades, e: least }
"#,
        expect![[r#"
            error[unfit-default] nodes.grades.on_error.default: output 'label': element 0: expected INT64, got 0.5
            error[unfit-default] nodes.least.on_error.default: unknown output 'labels', expected label
            error[no-shared-port] nodes.none.switch: expected a port of the same name and type in all branches, got none: 'linear' gives probability (FP32 [-1, 2] with the labels 'no', 'yes'); 'double' gives probability (FP64 [-1, 2]) (hint: let a transform give each branch the same `output`)
            error[no-shared-port] nodes.other.splitter: expected a port of the same name and type in all branches, got none: 'linear' gives probability (FP32 [-1, 2] with the labels 'no', 'yes'); 'turned' gives probability (FP32 [-1, 2] with the labels 'yes', 'no') (hint: let a transform give each branch the same `output`)
            error[unfit-fallback] nodes.strong.on_error.fallback: expected of 'linear' what 'strong' gives, label (INT64 [-1]), got probability (FP32 [-1, 2] with the labels 'no', 'yes') (hint: name a node that gives the same, or a transform of it)
            error[unknown-port] outputs.c: node 'part' has no port 'label' that all its branches share: 'strong' gives INT64 [-1], 'linear' does not have it (hint: known here: probability)
        "#]],
    );
}

/// The places of problems in a text.
fn check_places(text: &str, expected: Expect) {
    let Err(Trouble::Wrong(problems)) = compile(&composite(text), &Fakes) else {
        panic!("expected problems");
    };
    let text = document(text);
    let source = Source {
        file: "a.yaml".to_owned(),
        text: &text,
        format: Format::Yaml,
    };
    let document = Document::parse(&source).unwrap();
    let origin = InFile {
        file: "a.yaml",
        document: &document,
    };
    let base = Path::default();
    let base = base.key("pipelines").key("credit").key("policy");
    expected.assert_eq(&lines(problems.iter().map(|p| p.placed(&base, &origin))));
}

#[test]
fn ten_mistakes_have_ten_places() {
    check_places(
        r#"
nodes:
  scaled: { model: scalar, inputs: { x: request.features } }
  linear: { model: linear, inputs: { x: scaledd.y } }
  old:
    model: linear
    version: 9
  double: { model: double }
  vote:
    ensemble: mean
    of:
      - linear.probability
      - linear.chance
  idle: { model: grades }
  a: { model: linear, inputs: { x: b } }
  b: { model: linear, inputs: { x: a } }
  route: { switch: [ { when: "linear.probability", call: linear }, { else: old } ] }
  none: { splitter: [ { call: double }, { call: grades } ] }
  grades: { model: grades }
  one: { transform: lower, of: linear }
outputs:
  vote: vote
  route: route
  none: none
  ring: a
  one: one
"#,
        expect![[r#"
            a.yaml:20:42: error[cycle] pipelines.credit.policy.nodes.a.inputs.x: these nodes wait for each other: a → b → a (hint: let one of them read something else)
            a.yaml:24:9: error[type-mismatch] pipelines.credit.policy.nodes.grades.inputs.x: expected FP64 [-1, 4] for 'request.x', as node 'double' reads it, got FP32 [-1, 4] (hint: read another input here, or let a transform come between)
            a.yaml:19:9: error[unused-node] pipelines.credit.policy.nodes.idle: nobody reads node 'idle', and no output is made of it (hint: read 'idle' somewhere, or take it out)
            a.yaml:9:47: error[unknown-node] pipelines.credit.policy.nodes.linear.inputs.x: there is no node 'scaledd' (hint: did you mean 'scaled'?)
            a.yaml:23:27: error[no-shared-port] pipelines.credit.policy.nodes.none.splitter: expected a port of the same name and type in all branches, got none: 'double' gives probability (FP64 [-1, 2]); 'grades' gives label (INT64 [-1]) (hint: let a transform give each branch the same `output`)
            a.yaml:12:20: error[unknown-version] pipelines.credit.policy.nodes.old.version: model 'linear' has no version 9 (hint: versions there are: 1, 2, 3)
            a.yaml:25:27: error[type-mismatch] pipelines.credit.policy.nodes.one.transform: expected BYTES, got FP32 (hint: the transforms lookup and cast make texts of numbers)
            a.yaml:22:36: error[type-mismatch] pipelines.credit.policy.nodes.route.switch[0].when: expected a double, got a list of 2 doubles, at character 1 (hint: make one of it with [0], .max(), .min(), .sum() or .mean())
            a.yaml:8:26: error[unknown-model] pipelines.credit.policy.nodes.scaled.model: there is no model 'scalar' (hint: did you mean 'scaler'?)
            a.yaml:18:15: error[unknown-port] pipelines.credit.policy.nodes.vote.of[1]: node 'linear' has no port 'chance' (hint: known here: probability)
        "#]],
    );
}

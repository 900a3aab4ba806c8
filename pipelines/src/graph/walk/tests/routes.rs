//! Which way rows go: cascades, switches in switches, splitters, what is shared and what is not asked.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::make::Make;
use super::story::Story;
use crate::combine::Rule;
use crate::graph::Graph;

/// A cheap node, and a strong one for the rows that the cheap one is not sure of.
fn cascade() -> Arc<Graph> {
    let mut make = Make::new(true);
    make.call("cheap", &["x"]);
    make.call("strong", &["x"]);
    make.switch("route", &["cheap.a > 90: cheap.b", "strong.b"]);
    make.graph(&["route"])
}

#[test]
fn a_cascade_asks_the_strong_one_for_the_unsure_rows_only() {
    let graph = cascade();
    let mut story = Story::of(&graph, &[1, 2, 3, 4]);
    assert_eq!(story.steps(), "cheap [1, 2, 3, 4]");
    assert!(story.goes_on());
    assert_eq!(story.answer("cheap", &[95, 10, 20, 99]), "strong [2, 3]");
    assert_eq!(story.answer("strong", &[7, 8]), "");
    assert_eq!(
        story.visits(),
        "cheap: answered, rows 4, attempts 1\n\
         strong: answered, rows 2, attempts 1\n\
         route: answered, rows 4, 2 of cheap, 2 of strong\n"
    );
    assert_eq!(story.output(), [950, 70, 80, 990]);
}

#[test]
fn a_cascade_that_is_sure_asks_nobody_else() {
    let graph = cascade();
    let mut story = Story::of(&graph, &[1, 2]);
    assert_eq!(story.steps(), "cheap [1, 2]");
    assert_eq!(story.answer("cheap", &[91, 92]), "");
    assert!(story.visits().contains("strong: not needed\n"));
    assert_eq!(story.output(), [910, 920]);
}

#[test]
fn a_chain_of_switches_asks_each_condition_for_the_rows_that_are_left() {
    let mut make = Make::new(true);
    make.call("first", &["x"]);
    make.call("second", &["x"]);
    make.call("third", &["x"]);
    make.call("last", &["x"]);
    let cases = [
        "first.a > 50: first",
        "second.a > 50: second",
        "third.a > 50: third",
        "last",
    ];
    make.switch("route", &cases);
    let graph = make.graph(&["route"]);
    let mut story = Story::of(&graph, &[1, 2, 3, 4]);
    assert_eq!(story.steps(), "first [1, 2, 3, 4]");
    assert_eq!(story.answer("first", &[60, 0, 0, 0]), "second [2, 3, 4]");
    assert_eq!(story.answer("second", &[0, 61, 0]), "third [2, 4]");
    assert_eq!(story.answer("third", &[0, 62]), "last [2]");
    assert_eq!(story.answer("last", &[5]), "");
    assert_eq!(story.output(), [60, 5, 61, 62]);
}

#[test]
fn switches_in_switches_copy_only_in_the_end() {
    let mut make = Make::new(true);
    for name in ["low", "middle", "high"] {
        make.call(name, &["x"]);
    }
    make.switch("inner", &["request.x > 20: high", "middle"]);
    make.switch("outer", &["request.x > 10: inner", "low"]);
    make.call("after", &["outer"]);
    let graph = make.graph(&["after"]);
    let mut story = Story::of(&graph, &[5, 15, 25, 16, 6]);
    assert_eq!(story.steps(), "high [25], low [5, 6], middle [15, 16]");
    assert_eq!(story.answer("middle", &[21, 22]), "");
    assert_eq!(story.answer("low", &[11, 12]), "");
    assert_eq!(story.answer("high", &[31]), "after [11, 21, 31, 22, 12]");
    assert_eq!(story.answer("after", &[1, 2, 3, 4, 5]), "");
    assert_eq!(story.output(), [1, 2, 3, 4, 5]);
}

#[test]
fn what_several_read_is_called_once() {
    let mut make = Make::new(true);
    make.call("shared", &["x"]);
    make.call("left", &["shared"]);
    make.call("right", &["shared.b"]);
    make.ensemble("both", Rule::Max, &["left", "right"], 2);
    let graph = make.graph(&["both", "shared"]);
    let mut story = Story::of(&graph, &[1, 2]);
    assert_eq!(story.steps(), "shared [1, 2]");
    assert_eq!(
        story.answer("shared", &[3, 4]),
        "left [3, 4], right [30, 40]"
    );
    assert_eq!(story.answer("right", &[1, 9]), "");
    assert_eq!(story.answer("left", &[8, 2]), "");
    assert_eq!(story.output(), [8, 9]);
}

#[test]
fn what_several_may_want_waits_until_it_is_known_for_which_rows() {
    // Both branches of the outer switch read what is shared, the second one for some of its rows only.
    let mut make = Make::new(true);
    make.call("judge", &["x"]);
    make.call("shared", &["x"]);
    make.call("left", &["shared"]);
    make.call("other", &["x"]);
    make.switch("right", &["judge.a > 50: shared", "other"]);
    make.switch("route", &["request.x > 10: left", "right"]);
    let graph = make.graph(&["route"]);
    let mut story = Story::of(&graph, &[1, 11, 2, 12]);
    assert_eq!(story.steps(), "judge [1, 2]");
    assert_eq!(
        story.answer("judge", &[60, 0]),
        "other [2], shared [1, 11, 12]"
    );
    assert_eq!(story.answer("shared", &[1, 2, 3]), "left [2, 3]");
    assert_eq!(story.answer("left", &[4, 5]), "");
    assert_eq!(story.answer("other", &[6]), "");
    assert_eq!(story.output(), [1, 4, 6, 5]);
}

#[test]
fn nodes_that_wait_for_each_other_go_ahead_with_the_rows_that_are_sure() {
    // `p` is sure of the second row and may be wanted for the first, if `q` says so; `q` the other way round.
    let mut make = Make::new(true);
    make.call("p", &["x"]);
    make.call("q", &["x"]);
    make.call("none", &["x"]);
    make.switch("one", &["q.a > 50: p", "none"]);
    make.switch("two", &["p.a > 50: q", "none"]);
    make.switch("route", &["request.x > 10: one", "two"]);
    let graph = make.graph(&["route"]);
    let mut story = Story::of(&graph, &[11, 1]);
    assert_eq!(story.steps(), "p [1]");
    assert_eq!(story.answer("p", &[60]), "q [11, 1]");
    assert_eq!(story.answer("q", &[70, 71]), "p [11]");
    assert_eq!(story.answer("p", &[80]), "");
    assert_eq!(story.output(), [80, 71]);
}

#[test]
fn a_splitter_keeps_to_the_key_and_sends_the_whole_request_one_way() {
    let mut make = Make::new(true);
    make.call("a", &["x"]);
    make.call("b", &["x"]);
    make.splitter("ab", &[("a", 70.0), ("b", 30.0)]);
    let graph = make.graph(&["ab"]);
    let mut went = [0, 0];
    for user in 0..1_000 {
        let key = format!("u{user}");
        let steps: BTreeSet<_> = (0..3)
            .map(|draw| Story::with(&graph, &[1, 2], Some(&key), draw).steps())
            .collect();
        let steps: Vec<_> = steps.into_iter().collect();
        match &steps[..] {
            [one] if one == "a [1, 2]" => went[0] += 1,
            [one] if one == "b [1, 2]" => went[1] += 1,
            other => panic!("{key} goes {other:?}"),
        }
    }
    assert!((250..350).contains(&went[1]), "{went:?}");
    // Without a key it is the draw that decides.
    let draws = (0..200).map(|draw| Story::with(&graph, &[1], None, draw).steps());
    let to_b = draws.filter(|steps| steps == "b [1]").count();
    assert!((35..85).contains(&to_b), "{to_b} of 200");
}

#[test]
fn what_does_not_hold_is_skipped_and_so_is_who_reads_it() {
    let mut make = Make::new(true);
    make.call("rich", &["x"]);
    make.when("rich", "request.x > 10");
    make.call("reader", &["rich"]);
    make.call("plain", &["x"]);
    make.call("gold", &["x"]);
    make.when("gold", "request.parameters.tier == 'tin'");
    make.ensemble("first", Rule::First, &["gold", "reader", "plain"], 1);
    let graph = make.graph(&["first"]);
    let mut story = Story::of(&graph, &[1, 11, 2]);
    assert_eq!(story.steps(), "plain [1, 11, 2], rich [11]");
    assert_eq!(story.answer("rich", &[5]), "reader [5]");
    assert_eq!(story.answer("reader", &[6]), "");
    assert_eq!(story.answer("plain", &[7, 8, 9]), "");
    assert_eq!(
        story.visits(),
        "rich: answered, rows 3, skipped 2, attempts 1\n\
         reader: answered, rows 3, skipped 2, attempts 1\n\
         plain: answered, rows 3, attempts 1\n\
         gold: skipped, rows 3, skipped 3\n\
         first: answered, rows 3, without gold, without reader\n"
    );
    assert_eq!(story.output(), [7, 6, 9]);
}

#[test]
fn a_request_that_goes_one_way_is_not_copied() {
    let mut make = Make::new(true);
    make.call("n0", &["x"]);
    for at in 1..10 {
        make.call(&format!("n{at}"), &[&format!("n{}", at - 1)]);
    }
    let graph = make.graph(&["n9"]);
    let mut walk = crate::graph::Walk::<String>::begin(
        graph,
        crate::graph::Request {
            inputs: vec![number(7), number(8)],
            parameters: Default::default(),
            key: None,
            draw: 0,
        },
    );
    let mut at = None;
    for _ in 0..10 {
        let Some(crate::graph::Step::Call(call)) = walk.next_step() else {
            panic!("a call")
        };
        let [_, x] = &call.inputs[..] else { panic!() };
        let here = x.as_slice::<i64>().unwrap().as_ptr();
        assert_eq!(*at.get_or_insert(here), here, "the same memory");
        let [_, x] = <[_; 2]>::try_from(call.inputs).unwrap();
        walk.answered(call.ticket, Ok(vec![x, number(0)]));
    }
    let done = walk.finished().unwrap().unwrap();
    assert_eq!(done.outputs, [number(8)]);
    assert_eq!(
        Some(done.outputs[0].as_slice::<i64>().unwrap().as_ptr()),
        at
    );
}

fn number(x: i64) -> impresario_models::Tensor {
    impresario_models::Tensor::vector(vec![x])
}

#[test]
fn no_rows_ask_nobody() {
    let graph = cascade();
    let mut story = Story::of(&graph, &[]);
    assert_eq!(story.steps(), "");
    assert_eq!(story.output(), [0; 0]);
}

//! What becomes of failures: attempts, skips, defaults, fallbacks, quorums, and what is cancelled.

use std::sync::Arc;
use std::time::Duration;

use super::make::Make;
use super::story::Story;
use crate::combine::Rule;
use crate::graph::Graph;
use crate::spec::composite::Retry;

/// Three members, any two of which are enough.
fn vote(rule: Rule) -> Arc<Graph> {
    let mut make = Make::new(true);
    for name in ["linear", "forest", "net"] {
        make.call(name, &["x"]);
        make.skip(name);
    }
    make.ensemble("vote", rule, &["linear", "forest", "net"], 2);
    make.graph(&["vote"])
}

#[test]
fn what_failed_is_asked_again_after_a_rest_that_doubles() {
    let mut make = Make::new(true);
    make.call("n", &["x"]).retry = Some(Retry {
        attempts: 4,
        backoff: Duration::from_millis(2),
    });
    let graph = make.graph(&["n"]);
    let mut story = Story::of(&graph, &[1, 2]);
    assert_eq!(story.steps(), "n [1, 2]");
    assert_eq!(story.error("n", "busy", true), "n rests 2ms");
    assert_eq!(story.rested("n"), "n again (2) [1, 2]");
    assert_eq!(story.error("n", "busy", true), "n rests 4ms");
    assert_eq!(story.rested("n"), "n again (3) [1, 2]");
    assert_eq!(story.error("n", "busy", true), "n rests 8ms");
    assert_eq!(story.rested("n"), "n again (4) [1, 2]");
    assert_eq!(story.visits(), "n: cancelled, rows 2, attempts 4\n");
    assert_eq!(story.error("n", "too busy", true), "");
    assert_eq!(story.stop(), "node 'n': too busy");

    let mut story = Story::of(&graph, &[1, 2]);
    story.steps();
    assert_eq!(story.error("n", "wrong shape", false), "");
    assert_eq!(story.stop(), "node 'n': wrong shape");
}

#[test]
fn an_ensemble_goes_on_as_long_as_its_quorum_is_there() {
    let graph = vote(Rule::Max);
    let mut story = Story::of(&graph, &[1, 2]);
    assert_eq!(story.steps(), "forest [1, 2], linear [1, 2], net [1, 2]");
    assert_eq!(story.error("forest", "timed out", true), "");
    assert_eq!(story.answer("net", &[5, 6]), "");
    assert!(story.goes_on());
    assert_eq!(story.answer("linear", &[9, 1]), "");
    assert_eq!(
        story.visits(),
        "linear: answered, rows 2, attempts 1\n\
         forest: skipped, rows 2, skipped 2, attempts 1, for 'timed out'\n\
         net: answered, rows 2, attempts 1\n\
         vote: answered, rows 2, without forest\n"
    );
    assert_eq!(story.output(), [9, 6]);
}

#[test]
fn an_ensemble_below_its_quorum_says_who_is_missing_and_why() {
    let graph = vote(Rule::Max);
    let mut story = Story::of(&graph, &[1, 2]);
    story.steps();
    assert_eq!(story.error("forest", "timed out", true), "");
    assert_eq!(
        story.error("net", "no such version", false),
        "linear cancelled"
    );
    assert_eq!(
        story.stop(),
        "node 'vote': expected 2 members at least, got 1; missing are 'forest' (timed out), 'net' (no such version)"
    );
}

#[test]
fn a_quorum_is_counted_row_by_row() {
    let mut make = Make::new(true);
    make.call("linear", &["x"]);
    make.when("linear", "request.x > 10");
    make.call("forest", &["x"]);
    make.when("forest", "request.x > 20");
    make.call("net", &["x"]);
    make.call("spare", &["x"]);
    for name in ["linear", "forest", "net"] {
        make.skip(name);
    }
    make.ensemble("vote", Rule::Min, &["linear", "forest", "net"], 2);
    make.fallback("vote", "spare");
    let graph = make.graph(&["vote"]);
    let mut story = Story::of(&graph, &[15, 5, 25]);
    let steps = "forest [25], linear [15, 25], net [15, 5, 25]";
    assert_eq!(story.steps(), steps);
    assert_eq!(story.answer("linear", &[3, 4]), "");
    // The spare one is wanted for the second row, and may be wanted for the others until they have their quorum.
    assert_eq!(story.answer("forest", &[2]), "");
    assert_eq!(story.answer("net", &[1, 7, 8]), "spare [5]");
    assert_eq!(story.answer("spare", &[9]), "");
    let visits = story.visits();
    let why = "expected 2 members at least, got 1; missing are 'linear' (its `when` does not hold), \
               'forest' (its `when` does not hold)";
    let vote = format!(
        "vote: fell back, rows 3, fell back 1, without linear, without forest, for '{why}'\n"
    );
    assert!(visits.ends_with(&vote), "{visits}");
    assert_eq!(story.output(), [1, 9, 2]);
}

#[test]
fn the_first_that_is_there_lets_the_others_go() {
    let graph = vote(Rule::First);
    let mut story = Story::of(&graph, &[1, 2]);
    story.steps();
    assert_eq!(story.answer("forest", &[3, 4]), "");
    assert!(story.goes_on());
    assert_eq!(story.answer("linear", &[1, 2]), "net cancelled");
    assert!(
        story
            .visits()
            .contains("net: cancelled, rows 2, attempts 1\n")
    );
    assert_eq!(story.output(), [1, 2]);
}

#[test]
fn a_failure_cancels_all_that_is_under_way() {
    let mut make = Make::new(true);
    for name in ["a", "b", "c"] {
        make.call(name, &["x"]);
    }
    make.node("b").retry = Some(Retry {
        attempts: 2,
        backoff: Duration::from_millis(2),
    });
    let graph = make.graph(&["a", "b", "c"]);
    let mut story = Story::of(&graph, &[1]);
    assert_eq!(story.steps(), "a [1], b [1], c [1]");
    assert_eq!(story.error("b", "busy", true), "b rests 2ms");
    let cancelled = story.error("a", "it is gone", false);
    assert_eq!(cancelled, "b cancelled, c cancelled");
    assert_eq!(story.stop(), "node 'a': it is gone");
}

#[test]
fn who_reads_what_is_skipped_is_skipped_for_these_rows_and_no_others() {
    let mut make = Make::new(true);
    make.call("some", &["x"]);
    make.when("some", "request.x > 10");
    make.call("whole", &["x"]);
    make.call("both", &["whole", "some"]);
    make.ensemble("out", Rule::First, &["both", "whole"], 1);
    let graph = make.graph(&["out"]);
    let mut story = Story::of(&graph, &[1, 11, 12]);
    assert_eq!(story.steps(), "some [11, 12], whole [1, 11, 12]");
    assert_eq!(story.answer("whole", &[5, 6, 7]), "");
    assert_eq!(story.answer("some", &[8, 9]), "both [8, 9]");
    assert_eq!(story.answer("both", &[1, 2]), "");
    assert_eq!(story.output(), [5, 1, 2]);
}

#[test]
fn an_output_that_is_skipped_names_the_node_where_it_began() {
    let mut make = Make::new(true);
    make.call("source", &["x"]);
    make.skip("source");
    make.call("reader", &["source"]);
    make.call("slow", &["x"]);
    let graph = make.graph(&["slow", "reader"]);
    let mut story = Story::of(&graph, &[1]);
    assert_eq!(story.steps(), "slow [1], source [1]");
    assert_eq!(story.error("source", "it is gone", false), "slow cancelled");
    assert_eq!(
        story.stop(),
        "node 'reader': skipped, and output 'reader' needs it: 'source' is missing: it is gone"
    );

    let mut make = Make::new(true);
    make.call("a", &["x"]);
    make.switch("s", &["request.x > 10: a"]);
    let graph = make.graph(&["s"]);
    let mut story = Story::of(&graph, &[11, 1]);
    story.steps();
    assert_eq!(
        story.stop(),
        "node 's': skipped, and output 's' needs it: none of its cases holds"
    );
}

#[test]
fn defaults_and_fallbacks_stand_in_where_a_node_failed() {
    let mut make = Make::new(true);
    make.call("spare", &["x"]);
    make.default("spare");
    make.call("main", &["x"]);
    make.fallback("main", "spare.b");
    let graph = make.graph(&["main", "main.b"]);
    let mut story = Story::of(&graph, &[1, 2]);
    assert_eq!(story.steps(), "main [1, 2]");
    assert_eq!(story.error("main", "it is gone", false), "spare [1, 2]");
    assert_eq!(story.answer("spare", &[3, 4]), "");
    assert!(
        story
            .visits()
            .contains("main: fell back, rows 2, fell back 2, attempts 1, for 'it is gone'\n")
    );
    assert_eq!(story.output(), [30, 40]);

    let mut story = Story::of(&graph, &[1, 2]);
    story.steps();
    story.error("main", "it is gone", false);
    assert_eq!(story.error("spare", "it too", false), "");
    let visits = story.visits();
    assert!(
        visits.contains("spare: defaulted, rows 2, defaulted 2, attempts 1, for 'it too'\n"),
        "{visits}"
    );
    assert_eq!(story.output(), [-2, -2]);

    let mut story = Story::of(&graph, &[1, 2]);
    story.steps();
    assert_eq!(story.answer("main", &[5, 6]), "");
    assert!(story.visits().contains("spare: not needed\n"));
    assert_eq!(story.output(), [5, 6]);
}

#[test]
fn what_cannot_be_evaluated_fails_as_a_call_does() {
    let mut make = Make::new(true);
    make.call("a", &["x"]);
    make.switch("s", &["request.parameters.age == 3: a", "a.b"]);
    make.skip("s");
    make.ensemble("out", Rule::First, &["s", "x"], 1);
    let graph = make.graph(&["out"]);
    let mut story = Story::of(&graph, &[7]);
    assert_eq!(story.steps(), "");
    let visits = story.visits();
    assert!(
        visits.contains("s: skipped, rows 1, skipped 1, for '") && visits.contains("age"),
        "{visits}"
    );
    assert_eq!(story.output(), [7]);
}

#[test]
fn an_answer_that_does_not_fit_is_the_nodes_failure() {
    let mut make = Make::new(true);
    make.call("n", &["x"]);
    let graph = make.graph(&["n"]);
    let mut story = Story::of(&graph, &[1, 2]);
    story.steps();
    assert_eq!(story.answer("n", &[1, 2, 3]), "");
    assert_eq!(
        story.stop(),
        "node 'n': unfit answer: output 'a': expected 2 rows, got shape [3]"
    );
}

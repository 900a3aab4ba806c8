//! Composites as text and diagrams, with names and expressions that mean something to the languages they are drawn in.

use expect_test::expect;

use super::compile::{composite, graph};
use crate::graph::{Drawing, outline};

const CASCADE: &str = r#"
nodes:
  scaled: { model: scaler, inputs: { x: request.features } }
  cheap: { model: linear, inputs: { x: scaled }, on_error: { fallback: strong } }
  strong: { model: strong, version: 2, inputs: { x: scaled }, timeout: 20ms, retry: { attempts: 3, backoff: 2ms } }
  gold: { model: strong, inputs: { x: scaled }, when: "request.parameters.tier == '<b>#1`\" \\\\'", on_error: skip }
  route: { switch: [ { when: "cheap.probability.max() > 0.9", call: cheap }, { else: strong } ] }
  ab: { splitter: [ { call: route, weight: 90 }, { call: gold, weight: 10 } ] }
  vote: { ensemble: mean, of: [ab, cheap.probability], quorum: 1 }
  soft: { transform: softmax, of: vote }
  twice: { map: "soft[0] * 2.0" }
outputs: { probability: soft, twice: twice }
"#;

fn outlined() -> Drawing {
    let composite = composite(CASCADE);
    let outline = outline(&composite).unwrap();
    Drawing::outlined("credit \"1\"", &composite, &outline)
}

fn compiled() -> Drawing {
    Drawing::compiled("credit \"1\"", &graph(CASCADE))
}

#[test]
fn a_compiled_graph_is_shown_with_types() {
    expect![[r#"
        credit "1"
          by row
        inputs
          features: FP32 [-1, 4]
        nodes
          scaled: model 'scaler'
            x = request.features
            gives y: FP32 [-1, 4]
          gold: model 'strong'
            when request.parameters.tier == '<b>#1`" \\'
            x = scaled.y
            skipped where it fails
            gives label: INT64 [-1]
            gives probability: FP32 [-1, 2]
          strong: model 'strong' version 2
            x = scaled.y
            timeout 20ms
            up to 3 attempts, the second after 2ms
            gives label: INT64 [-1]
            gives probability: FP32 [-1, 2]
          cheap: model 'linear'
            x = scaled.y
            falls back to strong
            gives probability: FP32 [-1, 2]
          route: switch
            cheap when cheap.probability.max() > 0.9
            strong otherwise
            gives probability: FP32 [-1, 2]
          ab: splitter
            route 90 %
            gold 10 %
            gives probability: FP32 [-1, 2]
          vote: mean of 2, quorum 1
            of ab.probability
            of cheap.probability
            gives output: FP32 [-1, 2]
          soft: transform softmax
            of vote.output
            gives output: FP32 [-1, 2]
          twice: map soft[0] * 2.0
            of soft.output
            gives output: FP64 [-1]
        outputs
          probability: FP32 [-1, 2] = soft.output
          twice: FP64 [-1] = twice.output
    "#]]
    .assert_eq(&compiled().text());
}

#[test]
fn an_outlined_one_is_shown_without() {
    expect![[r#"
        credit "1"
        inputs
          features
        nodes
          scaled: model 'scaler'
            x = request.features
          gold: model 'strong'
            when request.parameters.tier == '<b>#1`" \\'
            x = scaled
            skipped where it fails
          strong: model 'strong' version 2
            x = scaled
            timeout 20ms
            up to 3 attempts, the second after 2ms
          cheap: model 'linear'
            x = scaled
            falls back to strong
          route: switch
            cheap when cheap.probability.max() > 0.9
            strong otherwise
          ab: splitter
            route 90 %
            gold 10 %
          vote: mean of 2, quorum 1
            of ab
            of cheap.probability
          soft: transform softmax
            of vote
          twice: map soft[0] * 2.0
            of soft
        outputs
          probability = soft
          twice = twice
    "#]]
    .assert_eq(&outlined().text());
}

#[test]
fn dot_quotes_what_it_must() {
    expect![[r#"
        digraph "credit \"1\"" {
          rankdir=LR;
          i0 [label="features: FP32 [-1, 4]", shape=ellipse];
          n0 [label="scaled\nmodel 'scaler'\ny: FP32 [-1, 4]", shape=box];
          n1 [label="gold\nmodel 'strong'\nwhen request.parameters.tier == '<b>#1`\" \\\\'\nskipped where it fails\nlabel: INT64 [-1]\nprobability: FP32 [-1, 2]", shape=box];
          n2 [label="strong\nmodel 'strong' version 2\ntimeout 20ms\nup to 3 attempts, the second after 2ms\nlabel: INT64 [-1]\nprobability: FP32 [-1, 2]", shape=box];
          n3 [label="cheap\nmodel 'linear'\nprobability: FP32 [-1, 2]", shape=box];
          n4 [label="route\nswitch\nprobability: FP32 [-1, 2]", shape=diamond];
          n5 [label="ab\nsplitter\nprobability: FP32 [-1, 2]", shape=diamond];
          n6 [label="vote\nmean of 2, quorum 1\noutput: FP32 [-1, 2]", shape=hexagon];
          n7 [label="soft\ntransform softmax\noutput: FP32 [-1, 2]", shape=box, style=rounded];
          n8 [label="twice\nmap soft[0] * 2.0\noutput: FP64 [-1]", shape=box, style=rounded];
          o0 [label="probability: FP32 [-1, 2]", shape=ellipse];
          o1 [label="twice: FP64 [-1]", shape=ellipse];
          i0 -> n0 [label="as x", style=solid];
          n0 -> n1 [label="y as x", style=solid];
          n0 -> n2 [label="y as x", style=solid];
          n0 -> n3 [label="y as x", style=solid];
          n2 -> n3 [label="where it fails", style=dotted];
          n3 -> n4 [label="when cheap.probability.max() > 0.9", style=dotted];
          n3 -> n4 [label="probability", style=dashed];
          n2 -> n4 [label="otherwise", style=dotted];
          n4 -> n5 [label="90 %", style=dotted];
          n1 -> n5 [label="10 %", style=dotted];
          n5 -> n6 [label="probability", style=solid];
          n3 -> n6 [label="probability", style=solid];
          n6 -> n7 [label="output", style=solid];
          n7 -> n8 [label="output", style=solid];
          n7 -> o0 [label="output", style=solid];
          n8 -> o1 [label="output", style=solid];
        }
    "#]].assert_eq(&compiled().dot());
    expect![[r#"
        digraph "credit \"1\"" {
          rankdir=LR;
          i0 [label="features", shape=ellipse];
          n0 [label="scaled\nmodel 'scaler'", shape=box];
          n1 [label="gold\nmodel 'strong'\nwhen request.parameters.tier == '<b>#1`\" \\\\'\nskipped where it fails", shape=box];
          n2 [label="strong\nmodel 'strong' version 2\ntimeout 20ms\nup to 3 attempts, the second after 2ms", shape=box];
          n3 [label="cheap\nmodel 'linear'", shape=box];
          n4 [label="route\nswitch", shape=diamond];
          n5 [label="ab\nsplitter", shape=diamond];
          n6 [label="vote\nmean of 2, quorum 1", shape=hexagon];
          n7 [label="soft\ntransform softmax", shape=box, style=rounded];
          n8 [label="twice\nmap soft[0] * 2.0", shape=box, style=rounded];
          o0 [label="probability", shape=ellipse];
          o1 [label="twice", shape=ellipse];
          i0 -> n0 [label="as x", style=solid];
          n0 -> n1 [label="as x", style=solid];
          n0 -> n2 [label="as x", style=solid];
          n0 -> n3 [label="as x", style=solid];
          n2 -> n3 [label="where it fails", style=dotted];
          n3 -> n4 [label="when cheap.probability.max() > 0.9", style=dotted];
          n2 -> n4 [label="otherwise", style=dotted];
          n3 -> n4 [label="probability", style=dashed];
          n4 -> n5 [label="90 %", style=dotted];
          n1 -> n5 [label="10 %", style=dotted];
          n5 -> n6 [label="", style=solid];
          n3 -> n6 [label="probability", style=solid];
          n6 -> n7 [label="", style=solid];
          n7 -> n8 [label="", style=solid];
          n7 -> o0 [label="", style=solid];
          n8 -> o1 [label="", style=solid];
        }
    "#]].assert_eq(&outlined().dot());
}

#[test]
fn mermaid_escapes_what_it_must() {
    expect![[r#"
        ---
        title: "credit \"1\""
        ---
        flowchart LR
          i0(["features: FP32 [-1, 4]"])
          n0["scaled<br/>model 'scaler'<br/>y: FP32 [-1, 4]"]
          n1["gold<br/>model 'strong'<br/>when request.parameters.tier == '#60;b#62;#35;1#96;#34; #92;#92;'<br/>skipped where it fails<br/>label: INT64 [-1]<br/>probability: FP32 [-1, 2]"]
          n2["strong<br/>model 'strong' version 2<br/>timeout 20ms<br/>up to 3 attempts, the second after 2ms<br/>label: INT64 [-1]<br/>probability: FP32 [-1, 2]"]
          n3["cheap<br/>model 'linear'<br/>probability: FP32 [-1, 2]"]
          n4{"route<br/>switch<br/>probability: FP32 [-1, 2]"}
          n5{"ab<br/>splitter<br/>probability: FP32 [-1, 2]"}
          n6{{"vote<br/>mean of 2, quorum 1<br/>output: FP32 [-1, 2]"}}
          n7("soft<br/>transform softmax<br/>output: FP32 [-1, 2]")
          n8("twice<br/>map soft[0] #42; 2.0<br/>output: FP64 [-1]")
          o0(["probability: FP32 [-1, 2]"])
          o1(["twice: FP64 [-1]"])
          i0 -->|"as x"| n0
          n0 -->|"y as x"| n1
          n0 -->|"y as x"| n2
          n0 -->|"y as x"| n3
          n2 -.->|"where it fails"| n3
          n3 -.->|"when cheap.probability.max() #62; 0.9"| n4
          n3 -.->|"probability"| n4
          n2 -.->|"otherwise"| n4
          n4 -.->|"90 %"| n5
          n1 -.->|"10 %"| n5
          n5 -->|"probability"| n6
          n3 -->|"probability"| n6
          n6 -->|"output"| n7
          n7 -->|"output"| n8
          n7 -->|"output"| o0
          n8 -->|"output"| o1
    "#]].assert_eq(&compiled().mermaid());
}

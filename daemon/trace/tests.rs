//! `traceparent` and `tracestate` as the specification's own tables of good and bad ones have them.

use super::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

#[test]
fn parents_are_read_strictly() {
    let good = format!("00-{TRACE}-{SPAN}");
    let zero = "0".repeat(32);
    for (value, expected) in [
        (format!("{good}-01"), Ok((true, false))),
        (format!("{good}-00"), Ok((false, false))),
        (format!("{good}-02"), Ok((false, true))),
        // Flags that nobody knows yet say nothing.
        (format!("{good}-ff"), Ok((true, true))),
        (format!("{good}-f8"), Ok((false, false))),
        // Later versions begin alike, and may say more behind a dash.
        (format!("cc-{TRACE}-{SPAN}-01"), Ok((true, false))),
        (
            format!("cc-{TRACE}-{SPAN}-01-what-the-future"),
            Ok((true, false)),
        ),
        (format!("cc-{TRACE}-{SPAN}-01-"), Ok((true, false))),
        (format!("cc-{TRACE}-{SPAN}-01.what"), Err(ParentError::Form)),
        (format!("01-{TRACE}-{SPAN}-0"), Err(ParentError::Form)),
        (format!("ff-{TRACE}-{SPAN}-01"), Err(ParentError::Version)),
        (format!("{good}-01-more"), Err(ParentError::Form)),
        (format!("{good}-01-"), Err(ParentError::Form)),
        (format!("{good}-1"), Err(ParentError::Form)),
        (good.to_string(), Err(ParentError::Form)),
        (format!("{good}_01"), Err(ParentError::Form)),
        (String::new(), Err(ParentError::Form)),
        (format!("00-{zero}-{SPAN}-01"), Err(ParentError::Zero)),
        (
            format!("00-{TRACE}-0000000000000000-01"),
            Err(ParentError::Zero),
        ),
        (
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            Err(ParentError::Digits),
        ),
        (
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            Err(ParentError::Digits),
        ),
        (format!("00-{TRACE}-{SPAN}-0G"), Err(ParentError::Digits)),
        (format!(".0-{TRACE}-{SPAN}-01"), Err(ParentError::Digits)),
        (format!("00-{TRACE}-{SPAN}x-01"), Err(ParentError::Form)),
        (
            format!("00-{}-{SPAN}-01", &TRACE[1..]),
            Err(ParentError::Form),
        ),
        (
            format!("00-{}é-{SPAN}-01", &TRACE[2..]),
            Err(ParentError::Digits),
        ),
    ] {
        let read = Parent::parse(value.as_bytes());
        let got = read
            .as_ref()
            .map(|parent| (parent.context.sampled, parent.random));
        assert_eq!(got, expected.as_ref().map(|flags| *flags), "{value:?}");
        if let Ok(parent) = read {
            assert_eq!(parent.context.trace.to_string(), TRACE);
            assert_eq!(parent.context.span.to_string(), SPAN);
        }
    }
}

#[test]
fn a_context_is_written_as_it_is_read() {
    for flags in ["00", "01"] {
        let header = format!("00-{TRACE}-{SPAN}-{flags}");
        let parent = Parent::parse(header.as_bytes()).unwrap();
        assert_eq!(parent.context.header(), header);
    }
}

#[test]
fn a_trace_that_is_said_twice_or_wrongly_is_none() {
    let header = format!("00-{TRACE}-{SPAN}-01");
    let of = |parents: &[&str], states: &[&str]| {
        let bytes = |texts: &[&str]| -> Vec<Vec<u8>> {
            texts.iter().map(|t| t.as_bytes().to_vec()).collect()
        };
        let (parents, states) = (bytes(parents), bytes(states));
        Parent::of(
            parents.iter().map(Vec::as_slice),
            states.iter().map(Vec::as_slice),
        )
    };
    assert_eq!(of(&[], &["a=1"]), None);
    assert_eq!(of(&[&header, &header], &[]), None);
    assert_eq!(of(&["rubbish"], &["a=1"]), None);
    let parent = of(&[&header], &["a=1", "b=2"]).unwrap();
    assert_eq!(parent.state.unwrap().as_str(), "a=1,b=2");
    // A wrong list is left out, and the trace goes on.
    assert_eq!(of(&[&header], &["a=1,a=2"]).unwrap().state, None);
}

#[test]
fn states_are_lists_of_members() {
    let parse = |values: &[&str]| {
        let bytes: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
        State::parse(bytes)
            .map(|state| state.map_or(String::new(), |state| state.as_str().to_owned()))
    };
    let many = |count: usize| {
        (0..count)
            .map(|at| format!("k{at}=v"))
            .collect::<Vec<_>>()
            .join(",")
    };
    let long = "x".repeat(256);
    for (values, expected) in [
        (vec!["foo=1,bar=2"], Ok("foo=1,bar=2".to_owned())),
        (vec!["foo=1", "bar=2"], Ok("foo=1,bar=2".to_owned())),
        (
            vec!["foo=1 \t , \t bar=2, \t baz=3"],
            Ok("foo=1,bar=2,baz=3".to_owned()),
        ),
        (vec!["foo=1,"], Ok("foo=1".to_owned())),
        (vec![""], Ok(String::new())),
        (vec![], Ok(String::new())),
        (
            vec!["fw529a3039@dt=FfffffBO,a-*/_=!"],
            Ok("fw529a3039@dt=FfffffBO,a-*/_=!".to_owned()),
        ),
        (vec!["0a=in the middle"], Ok("0a=in the middle".to_owned())),
        (vec!["foo"], Err(StateError::Member)),
        (vec!["foo="], Err(StateError::Member)),
        (vec!["=1"], Err(StateError::Member)),
        (vec!["foo =1"], Err(StateError::Member)),
        (vec!["FOO=1"], Err(StateError::Member)),
        (vec!["foo.bar=1"], Err(StateError::Member)),
        (vec!["foo=1=2"], Err(StateError::Member)),
        (vec!["foo=é"], Err(StateError::Member)),
        (vec!["foo=1,foo=2"], Err(StateError::Twice)),
        (vec!["foo=1", "foo=1"], Err(StateError::Twice)),
        (vec![&*many(32)], Ok(many(32))),
        (vec![&*many(33)], Err(StateError::Many)),
        (vec![&*format!("a={long}")], Ok(format!("a={long}"))),
        (vec![&*format!("a={long}x")], Err(StateError::Member)),
        (vec![&*format!("{long}=1")], Ok(format!("{long}=1"))),
        (vec![&*format!("x{long}=1")], Err(StateError::Member)),
        // Of a list that is too long the large members go first, the last of them before the others.
        (
            vec![&*format!("a={long},b={long},c=3")],
            Ok(format!("a={long},c=3")),
        ),
    ] {
        assert_eq!(parse(&values), expected, "{values:?}");
    }
}

#[test]
fn ids_are_random_and_never_zero() {
    let mut ids: Vec<_> = (0..1_000).map(|_| SpanId::fresh()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1_000);
    assert_eq!((TraceId::new([0; 16]), SpanId::new([0; 8])), (None, None));
    assert_eq!(
        SpanId::new([0, 0, 0, 0, 0, 0, 0xab, 1])
            .unwrap()
            .to_string(),
        "000000000000ab01"
    );
    assert_eq!(TraceId::parse(TRACE.as_bytes()).unwrap().to_string(), TRACE);
    assert_eq!(SpanId::parse(SPAN.as_bytes()).unwrap().to_string(), SPAN);
}

//! A pipeline's revision as its entity tag, and the conditions on it.

use actix_web::http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};
use impresario_models::Name;
use impresario_pipelines::fleet::{Fleet, Rejection, Revision};

use super::problem::{Code, Problem};

/// What a change demands of the pipeline that it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing: the last writer wins.
    Always,
    /// `If-Match: *`: somebody made it.
    Exists,
    /// `If-None-Match: *`: nobody made it.
    Absent,
    /// `If-Match: "3", "5"`: it is at one of these revisions; 0 where nobody made it. What is not a revision's
    /// tag matches nothing, and is left out.
    OneOf(Vec<Revision>),
}

/// The revision of a pipeline; 0 where nobody made it.
pub(super) fn of(fleet: &Fleet, name: &Name) -> Revision {
    let entry = fleet.routing.pipelines.get(name);
    entry.map_or(Revision(0), |entry| entry.revision)
}

/// A revision as an entity tag.
pub(super) fn tag(revision: Revision) -> String {
    format!("\"{revision}\"")
}

// === impl Condition ===

impl Condition {
    /// The condition that a request's headers state.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        match (text(headers, &IF_MATCH)?, text(headers, &IF_NONE_MATCH)?) {
            (None, None) => Ok(Self::Always),
            (None, Some(none)) if none == "*" => Ok(Self::Absent),
            (None, Some(none)) => Err(unreadable(&IF_NONE_MATCH, "'*'", &none)),
            (Some(_), Some(_)) => {
                let detail = "expected If-Match or If-None-Match, got both";
                Err(Problem::new(Code::InvalidHeader, detail))
            }
            (Some(any), None) if any == "*" => Ok(Self::Exists),
            (Some(list), None) => {
                let tags = list.split(',').map(|tag| revision(tag.trim()));
                let tags = tags.collect::<Option<Vec<_>>>();
                let tags = tags.ok_or_else(|| {
                    unreadable(&IF_MATCH, "'*' or quoted revisions like \"3\"", &list)
                });
                Ok(Self::OneOf(tags?.into_iter().flatten().collect()))
            }
        }
    }

    /// The revision that the fleet is to compare with when it makes the change.
    pub(super) fn expected(&self, fleet: &Fleet, name: &Name) -> Result<Option<Revision>, Problem> {
        let current = of(fleet, name);
        match self {
            Self::Always => Ok(None),
            Self::Absent => Ok(Some(Revision(0))),
            Self::Exists if current == Revision(0) => {
                let detail =
                    format!("expected that somebody made pipeline '{name}', but nobody did");
                Err(Problem::new(Code::Stale, detail).with("current", 0))
            }
            Self::Exists => Ok(Some(current)),
            Self::OneOf(list) if list.contains(&current) => Ok(Some(current)),
            Self::OneOf(list) => Err(match list.first() {
                Some(expected) => Problem::from(Rejection::Stale {
                    name: name.clone(),
                    expected: *expected,
                    current,
                }),
                None => {
                    let detail = format!(
                        "pipeline '{name}' is at revision {current}, which is none of If-Match"
                    );
                    Problem::new(Code::Stale, detail).with("current", current.0)
                }
            }),
        }
    }
}

/// The revision of one tag; nothing inside for a tag that is well-formed but no revision's (a weak one, or of
/// another server's making).
fn revision(tag: &str) -> Option<Option<Revision>> {
    let (weak, tag) = match tag.strip_prefix("W/") {
        Some(rest) => (true, rest),
        None => (false, tag),
    };
    let inner = tag.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('"') {
        return None;
    }
    Some(inner.parse().ok().map(Revision).filter(|_| !weak))
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Problem> {
    let values: Result<Vec<_>, _> = headers.get_all(name).map(|value| value.to_str()).collect();
    let values = values.map_err(|_| unreadable(name, "text", "other bytes"))?;
    Ok((!values.is_empty()).then(|| values.join(",").trim().to_owned()))
}

fn unreadable(name: &HeaderName, expected: &str, got: &str) -> Problem {
    let got: String = got.chars().take(60).collect();
    Problem::new(
        Code::InvalidHeader,
        format!("{name}: expected {expected}, got {got:?}"),
    )
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn condition(name: HeaderName, values: &[&str]) -> Result<Condition, Code> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        Condition::of(&headers).map_err(|problem| problem.code())
    }

    #[test]
    fn if_match_is_read_as_the_rfc_says() {
        let one_of = |list: &[u64]| {
            Ok(Condition::OneOf(
                list.iter().copied().map(Revision).collect(),
            ))
        };
        for (values, expected) in [
            (&[][..], Ok(Condition::Always)),
            (&["*"], Ok(Condition::Exists)),
            (&["\"3\""], one_of(&[3])),
            (&["\"3\", \"5\""], one_of(&[3, 5])),
            (&["\"3\"", "\"5\""], one_of(&[3, 5])),
            (&["W/\"3\""], one_of(&[])),
            (&["\"abc\""], one_of(&[])),
            (&["\"abc\", \"4\""], one_of(&[4])),
            (&["3"], Err(Code::InvalidHeader)),
            (&["\"3"], Err(Code::InvalidHeader)),
            (&[""], Err(Code::InvalidHeader)),
            (&["\"3\" \"4\""], Err(Code::InvalidHeader)),
        ] {
            assert_eq!(condition(IF_MATCH, values), expected, "{values:?}");
        }
        assert_eq!(condition(IF_NONE_MATCH, &["*"]), Ok(Condition::Absent));
        assert_eq!(
            condition(IF_NONE_MATCH, &["\"3\""]),
            Err(Code::InvalidHeader)
        );
    }

    #[test]
    fn a_pipeline_that_nobody_made_is_at_revision_0() {
        let (fleet, name) = (Fleet::default(), Name::new("x").unwrap());
        let expected =
            |condition: Condition| condition.expected(&fleet, &name).map_err(|p| p.code());
        assert_eq!(expected(Condition::Always), Ok(None));
        assert_eq!(expected(Condition::Absent), Ok(Some(Revision(0))));
        assert_eq!(expected(Condition::Exists), Err(Code::Stale));
        assert_eq!(
            expected(Condition::OneOf(vec![Revision(0)])),
            Ok(Some(Revision(0)))
        );
        assert_eq!(
            expected(Condition::OneOf(vec![Revision(3)])),
            Err(Code::Stale)
        );
        assert_eq!(expected(Condition::OneOf(Vec::new())), Err(Code::Stale));
    }
}

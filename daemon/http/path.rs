//! What a path and a method ask for: a pure table over decoded path segments.
//!
//! Paths are read here and not by a router of patterns, so that an empty name, an escaped slash or a trailing
//! slash has one meaning, and so that what is not found can say so in the protocol's own form.

use std::borrow::Cow;

use actix_web::http::Method;

use super::codec::clip;

/// Segments of the longest path that there is: `v2/models/{name}/versions/{version}/infer`.
const LONGEST: usize = 6;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// `GET /v2`
    Server,
    /// `GET /v2/health/live`
    Live,
    /// `GET /v2/health/ready`
    Ready,
    /// `GET /v2/models`
    Models,
    /// `GET /v2/models/stats`, unless a model has that name.
    AllStats,
    /// `/v2/models/{name}[/versions/{version}]` and what follows.
    Model {
        /// The name, decoded but not checked.
        name: String,
        /// The version, decoded but not checked.
        version: Option<String>,
        /// What of the model.
        verb: Verb,
    },
    /// `POST /pipelines/{name}/feedback`
    Feedback {
        /// The name, decoded but not checked.
        name: String,
    },
    /// `POST /v2/repository/index`
    Index,
    /// `POST /v2/repository/models/{name}/load`
    Load {
        /// The name, decoded but not checked.
        name: String,
    },
    /// `POST /v2/repository/models/{name}/unload`
    Unload {
        /// The name, decoded but not checked.
        name: String,
    },
}

/// What of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// `GET …`
    Metadata,
    /// `GET …/ready`
    Ready,
    /// `GET …/stats`
    Stats,
    /// `GET …/config`
    Config,
    /// `POST …/infer`
    Infer,
}

/// Why a path and a method ask for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Lost {
    /// There is nothing at this path.
    #[error("nothing at path '{path}'; the inference protocol begins at /v2")]
    Path {
        /// The path, cut where it is long.
        path: String,
    },
    /// There is something, but not for this method.
    #[error("path '{path}': expected method {allowed}, got {method}")]
    Method {
        /// The path, cut where it is long.
        path: String,
        /// The method that it takes.
        allowed: &'static str,
        /// The method that came.
        method: String,
    },
    /// The path names an empty model or version.
    #[error("path '{path}': expected a {what}, got an empty one")]
    Empty {
        /// The path, cut where it is long.
        path: String,
        /// What is empty.
        what: &'static str,
    },
    /// The path does not decode to text.
    #[error("path '{path}': expected percent-encoded UTF-8")]
    Encoding {
        /// The path, cut where it is long.
        path: String,
    },
}

/// Reads a path as it stands in the request line, and a method.
pub(super) fn read(method: &Method, path: &str) -> Result<Call, Lost> {
    let lost = || Lost::Path { path: clip(path) };
    let trimmed = path.strip_prefix('/').ok_or_else(lost)?;
    let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
    let mut decoded: [Cow<'_, str>; LONGEST] = Default::default();
    let mut segments = 0;
    for segment in trimmed.split('/') {
        let segment = decode(segment).ok_or_else(|| Lost::Encoding { path: clip(path) })?;
        // Of a path that is longer than any, only how long it is and that it decodes is looked at.
        if let Some(place) = decoded.get_mut(segments) {
            *place = segment;
        }
        segments += 1;
    }
    let decoded = decoded.each_ref().map(|segment| &**segment);
    let (call, allowed) = match decoded.get(..segments).unwrap_or_default() {
        ["v2", rest @ ..] => protocol(rest).ok_or_else(lost)?,
        ["pipelines", name, "feedback"] => {
            let name = (*name).into();
            (Call::Feedback { name }, "POST")
        }
        _ => return Err(lost()),
    };
    let empty = |what| Lost::Empty {
        path: clip(path),
        what,
    };
    match &call {
        Call::Model { name, .. } | Call::Load { name } | Call::Unload { name }
            if name.is_empty() =>
        {
            return Err(empty("model's name"));
        }
        Call::Feedback { name } if name.is_empty() => return Err(empty("pipeline's name")),
        Call::Model {
            version: Some(version),
            ..
        } if version.is_empty() => return Err(empty("version")),
        _ => {}
    }
    // HEAD is GET without the body, which the server leaves out by itself.
    let asked = if method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    if asked == allowed {
        Ok(call)
    } else {
        Err(Lost::Method {
            path: clip(path),
            allowed,
            method: clip(method.as_str()),
        })
    }
}

/// What the inference protocol has at a path behind `/v2`, and the method that it takes.
fn protocol(rest: &[&str]) -> Option<(Call, &'static str)> {
    Some(match rest {
        [] => (Call::Server, "GET"),
        ["health", "live"] => (Call::Live, "GET"),
        ["health", "ready"] => (Call::Ready, "GET"),
        ["models"] => (Call::Models, "GET"),
        ["models", "stats"] => (Call::AllStats, "GET"),
        ["models", name, "versions", version, verb @ ..] => model(name, Some(version), verb)?,
        ["models", name, verb @ ..] => model(name, None, verb)?,
        ["repository", "index"] => (Call::Index, "POST"),
        ["repository", "models", name, "load"] => (
            Call::Load {
                name: (*name).into(),
            },
            "POST",
        ),
        ["repository", "models", name, "unload"] => (
            Call::Unload {
                name: (*name).into(),
            },
            "POST",
        ),
        _ => return None,
    })
}

fn model(name: &str, version: Option<&str>, verb: &[&str]) -> Option<(Call, &'static str)> {
    let (verb, method) = match verb {
        [] => (Verb::Metadata, "GET"),
        ["ready"] => (Verb::Ready, "GET"),
        ["stats"] => (Verb::Stats, "GET"),
        ["config"] => (Verb::Config, "GET"),
        ["infer"] => (Verb::Infer, "POST"),
        _ => return None,
    };
    let call = Call::Model {
        name: name.to_owned(),
        version: version.map(str::to_owned),
        verb,
    };
    Some((call, method))
}

/// Decodes one segment (RFC 3986 §2.1).
fn decode(segment: &str) -> Option<Cow<'_, str>> {
    if !segment.contains('%') {
        return Some(Cow::Borrowed(segment));
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>()?;
        let digit = |d: u8| {
            char::from(d)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        bytes.push(digit(digits[0])? * 16 + digit(digits[1])?);
        rest = after;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn table(cases: &[(Method, &str)], expected: Expect) {
        let mut lines = String::new();
        for (method, path) in cases {
            let outcome = match read(method, path) {
                Ok(call) => format!("{call:?}"),
                Err(lost) => lost.to_string(),
            };
            lines += &format!("{method} {path}\n    {outcome}\n");
        }
        expected.assert_eq(&lines);
    }

    #[test]
    fn paths_of_the_protocol() {
        let get = |path| (Method::GET, path);
        let post = |path| (Method::POST, path);
        table(
            &[
                get("/v2"),
                get("/v2/"),
                get("/v2/health/live"),
                (Method::HEAD, "/v2/health/ready/"),
                get("/v2/models"),
                get("/v2/models/stats"),
                get("/v2/models/stats/stats"),
                get("/v2/models/iris"),
                get("/v2/models/iris/versions/2"),
                get("/v2/models/iris/versions/2/ready/"),
                get("/v2/models/iris/config"),
                post("/v2/models/iris/infer"),
                post("/v2/models/versions/versions/1/infer"),
                post("/v2/repository/index"),
                post("/v2/repository/models/iris/load"),
                post("/v2/repository/models/iris/unload/"),
                post("/pipelines/flowers/feedback"),
                post("/pipelines/%66lowers/feedback/"),
            ],
            expect![[r#"
                GET /v2
                    Server
                GET /v2/
                    Server
                GET /v2/health/live
                    Live
                HEAD /v2/health/ready/
                    Ready
                GET /v2/models
                    Models
                GET /v2/models/stats
                    AllStats
                GET /v2/models/stats/stats
                    Model { name: "stats", version: None, verb: Stats }
                GET /v2/models/iris
                    Model { name: "iris", version: None, verb: Metadata }
                GET /v2/models/iris/versions/2
                    Model { name: "iris", version: Some("2"), verb: Metadata }
                GET /v2/models/iris/versions/2/ready/
                    Model { name: "iris", version: Some("2"), verb: Ready }
                GET /v2/models/iris/config
                    Model { name: "iris", version: None, verb: Config }
                POST /v2/models/iris/infer
                    Model { name: "iris", version: None, verb: Infer }
                POST /v2/models/versions/versions/1/infer
                    Model { name: "versions", version: Some("1"), verb: Infer }
                POST /v2/repository/index
                    Index
                POST /v2/repository/models/iris/load
                    Load { name: "iris" }
                POST /v2/repository/models/iris/unload/
                    Unload { name: "iris" }
                POST /pipelines/flowers/feedback
                    Feedback { name: "flowers" }
                POST /pipelines/%66lowers/feedback/
                    Feedback { name: "flowers" }
            "#]],
        );
    }

    #[test]
    fn everything_else_says_what_is_wrong() {
        let get = |path| (Method::GET, path);
        let long = format!("/v2/{}", "x".repeat(100));
        table(
            &[
                get("/"),
                get("*"),
                get("/v1/models"),
                get("/v2/model"),
                get(&long),
                get("/v2/models/iris/infer"),
                (Method::DELETE, "/v2/models/iris"),
                (Method::POST, "/v2/health/live"),
                get("/v2/models//ready"),
                get("/v2/models/"),
                get("/v2/models/iris/versions//ready"),
                get("/v2/models/iris//"),
                get("/v2/models/iris/what"),
                get("/v2/models/iris/versions/1/infer/more"),
                get("/v2/models/../../etc/passwd"),
                get("/v2/models/.."),
                get("/v2/models/%2e%2e%2Fx"),
                get("/v2/models/%C3%A9"),
                get("/v2/models/%ff"),
                get("/v2/models/%4"),
                get("/v2/models/%+1"),
                get("/pipelines/flowers/feedback"),
                get("/pipelines//feedback"),
                get("/pipelines/flowers"),
            ],
            expect![[r#"
                GET /
                    nothing at path '/'; the inference protocol begins at /v2
                GET *
                    nothing at path '*'; the inference protocol begins at /v2
                GET /v1/models
                    nothing at path '/v1/models'; the inference protocol begins at /v2
                GET /v2/model
                    nothing at path '/v2/model'; the inference protocol begins at /v2
                GET /v2/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
                    nothing at path '/v2/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…'; the inference protocol begins at /v2
                GET /v2/models/iris/infer
                    path '/v2/models/iris/infer': expected method POST, got GET
                DELETE /v2/models/iris
                    path '/v2/models/iris': expected method GET, got DELETE
                POST /v2/health/live
                    path '/v2/health/live': expected method GET, got POST
                GET /v2/models//ready
                    path '/v2/models//ready': expected a model's name, got an empty one
                GET /v2/models/
                    Models
                GET /v2/models/iris/versions//ready
                    path '/v2/models/iris/versions//ready': expected a version, got an empty one
                GET /v2/models/iris//
                    nothing at path '/v2/models/iris//'; the inference protocol begins at /v2
                GET /v2/models/iris/what
                    nothing at path '/v2/models/iris/what'; the inference protocol begins at /v2
                GET /v2/models/iris/versions/1/infer/more
                    nothing at path '/v2/models/iris/versions/1/infer/more'; the inference protocol begins at /v2
                GET /v2/models/../../etc/passwd
                    nothing at path '/v2/models/../../etc/passwd'; the inference protocol begins at /v2
                GET /v2/models/..
                    Model { name: "..", version: None, verb: Metadata }
                GET /v2/models/%2e%2e%2Fx
                    Model { name: "../x", version: None, verb: Metadata }
                GET /v2/models/%C3%A9
                    Model { name: "é", version: None, verb: Metadata }
                GET /v2/models/%ff
                    path '/v2/models/%ff': expected percent-encoded UTF-8
                GET /v2/models/%4
                    path '/v2/models/%4': expected percent-encoded UTF-8
                GET /v2/models/%+1
                    path '/v2/models/%+1': expected percent-encoded UTF-8
                GET /pipelines/flowers/feedback
                    path '/pipelines/flowers/feedback': expected method POST, got GET
                GET /pipelines//feedback
                    path '/pipelines//feedback': expected a pipeline's name, got an empty one
                GET /pipelines/flowers
                    nothing at path '/pipelines/flowers'; the inference protocol begins at /v2
            "#]],
        );
    }
}

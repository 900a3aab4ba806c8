//! Which requests are traced: those whose caller is traced, and a share of the others.
//!
//! The share is decided by the last seven bytes of the trace's id, as OpenTelemetry's consistent sampling does it, so
//! that programs with a larger share trace at least what this one traces.

use super::{Context, Parent, SpanId, State, TraceId};
use crate::draw::draw;

/// As many ids as seven bytes tell apart.
const IDS: u64 = 1 << 56;

/// Decides for requests that no traced caller has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampler {
    /// Ids below it are not traced.
    threshold: u64,
}

/// A request's own place in its trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The place: its span is the request's.
    pub context: Context,
    /// The caller's span.
    pub parent: Option<SpanId>,
    /// What other systems have to say of the trace.
    pub state: Option<State>,
}

// === impl Sampler ===

impl Sampler {
    /// Traces a share from 0 to 1 of the requests that begin a trace.
    #[must_use]
    pub fn new(share: f64) -> Self {
        let share = share.clamp(0.0, 1.0);
        Self {
            threshold: ((1.0 - share) * IDS as f64) as u64,
        }
    }

    /// The place of a request: what its caller says holds; of all others a share begins a trace of its own, and the rest
    /// belongs to none.
    #[must_use]
    pub fn begin(self, parent: Option<Parent>) -> Option<Begun> {
        let Some(parent) = parent else {
            return self.root(draw());
        };
        Some(Begun {
            context: Context {
                span: SpanId::fresh(),
                ..parent.context
            },
            parent: Some(parent.context.span),
            state: parent.state,
        })
    }

    fn root(self, low: u64) -> Option<Begun> {
        if low % IDS < self.threshold {
            return None;
        }
        Some(Begun {
            context: Context {
                trace: TraceId::ending(low),
                span: SpanId::fresh(),
                sampled: true,
            },
            parent: None,
            state: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_share() {
        let traced = |share: f64| {
            let sampler = Sampler::new(share);
            let draws = 10_000u64;
            let low = |at: u64| at * (u64::MAX / draws);
            (0..draws)
                .filter(|at| sampler.root(low(*at)).is_some())
                .count()
        };
        assert_eq!((traced(0.0), traced(1.0)), (0, 10_000));
        for share in [0.01, 0.25, 0.9] {
            let got = traced(share) as f64 / 10_000.0;
            assert!((got - share).abs() < 0.01, "{share}: {got}");
        }
        assert_eq!(
            (Sampler::new(-1.0), Sampler::new(7.0)),
            (Sampler::new(0.0), Sampler::new(1.0))
        );
    }

    #[test]
    fn what_the_caller_says_holds() {
        for (flags, sampled) in [("00", false), ("01", true)] {
            let header = format!(
                "00-{}-{}-{flags}",
                "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
            );
            let parent = Parent::parse(header.as_bytes()).unwrap();
            for share in [0.0, 1.0] {
                let begun = Sampler::new(share).begin(Some(parent.clone())).unwrap();
                assert_eq!(begun.context.trace, parent.context.trace);
                assert_eq!(begun.parent, Some(parent.context.span));
                assert_ne!(begun.context.span, parent.context.span);
                assert_eq!(begun.context.sampled, sampled);
            }
        }
        assert_eq!(Sampler::new(0.0).begin(None), None);
        let begun = Sampler::new(1.0).begin(None).unwrap();
        assert!(begun.context.sampled && begun.parent.is_none());
    }
}

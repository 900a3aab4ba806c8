//! Failed attempts per peer: a few are free, then they are slowed to one per some seconds.
//!
//! A right token that was verified before is never slowed, so that a neighbour behind the same address cannot
//! lock others out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// Failures in a row that are not slowed.
const BURST: u64 = 10;
/// Milliseconds that one failure costs.
const PERIOD: u64 = 6_000;
/// Peers remembered. Beyond them the one that will be free first is forgotten.
const MAX_PEERS: usize = 1_024;

/// Who failed how often lately.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// By peer, the time in monotonic milliseconds at which all its failures are forgiven.
    forgiven: HashMap<IpAddr, u64>,
}

impl Attempts {
    /// How long the peer has to wait before it may try again; nothing where it may now.
    pub(super) fn wait(&self, peer: IpAddr, now: u64) -> Option<Duration> {
        let forgiven = self.forgiven.get(&network(peer))?;
        let wait = forgiven.saturating_sub(now + (BURST - 1) * PERIOD);
        (wait > 0).then(|| Duration::from_millis(wait))
    }

    /// Counts a failure.
    pub(super) fn failed(&mut self, peer: IpAddr, now: u64) {
        let peer = network(peer);
        if self.forgiven.len() >= MAX_PEERS && !self.forgiven.contains_key(&peer) {
            self.forgiven.retain(|_, forgiven| *forgiven > now);
            if self.forgiven.len() >= MAX_PEERS
                && let Some((&first, _)) = self.forgiven.iter().min_by_key(|(_, at)| **at)
            {
                self.forgiven.remove(&first);
            }
        }
        let forgiven = self.forgiven.entry(peer).or_default();
        *forgiven = now.max(*forgiven) + PERIOD;
    }
}

/// What one person is likely to have: an IPv4 address, or a /64 of IPv6.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn a_burst_is_free_and_then_failures_are_slowed() {
        let mut attempts = Attempts::default();
        for _ in 0..BURST {
            assert_eq!(attempts.wait(PEER, 1_000), None);
            attempts.failed(PEER, 1_000);
        }
        assert_eq!(
            attempts.wait(PEER, 1_000),
            Some(Duration::from_millis(PERIOD))
        );
        assert_eq!(
            attempts.wait(PEER, 999 + PERIOD),
            Some(Duration::from_millis(1))
        );
        assert_eq!(attempts.wait(PEER, 1_000 + PERIOD), None);
        attempts.failed(PEER, 1_000 + PERIOD);
        assert!(
            attempts.wait(PEER, 1_000 + PERIOD).is_some(),
            "one more is all that was won"
        );
        let other = IpAddr::from([192, 0, 2, 2]);
        assert_eq!(attempts.wait(other, 1_000), None);
    }

    #[test]
    fn neighbours_of_one_ipv6_network_count_as_one() {
        let mut attempts = Attempts::default();
        let at = |n: u128| IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | n));
        for n in 0..u128::from(BURST) {
            attempts.failed(at(n), 0);
        }
        assert!(attempts.wait(at(77), 0).is_some());
        assert_eq!(attempts.wait(at(1 << 64), 0), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut attempts = Attempts::default();
        for n in 0..5_000_u32 {
            attempts.failed(IpAddr::from(n.to_be_bytes()), u64::from(n));
        }
        assert_eq!(attempts.forgiven.len(), MAX_PEERS);
        assert!(
            attempts
                .forgiven
                .contains_key(&IpAddr::from(4_999_u32.to_be_bytes()))
        );
    }
}

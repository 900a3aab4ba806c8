//! The rules while there are no tokens: only this machine, and only what a page from elsewhere cannot send.
//!
//! A browser on this machine can be made to send requests here by any page it shows: from the page's own origin
//! (cross-site request forgery), or from a name that the page's owner points at 127.0.0.1 (DNS rebinding). The
//! first bears a foreign `Origin`, the second a foreign `Host`. What a page only looks at (an image, a frame, a script)
//! bears no `Origin`, and would still take a place at the events or begin a backup: there, browsers say in
//! `Sec-Fetch-Site` that it is not this server's own page that asks.

use std::net::IpAddr;

use super::door::Asking;

/// Why a request is not taken for one of this machine.
pub(super) fn foreign(asking: &Asking<'_>, bound: IpAddr) -> Option<&'static str> {
    let bound = bound.to_canonical();
    if !bound.is_loopback()
        || !asking
            .peer
            .is_some_and(|peer| peer.to_canonical().is_loopback())
    {
        return Some("without a token only this machine is admitted, over the loopback interface");
    }
    // No browser leaves `Host` out.
    if asking.hosts.iter().flatten().any(|host| !ours(host, bound)) {
        return Some("the Host header names another machine than this one");
    }
    other_origin(asking)
}

/// Why a request may have been sent by a page from elsewhere.
pub(super) fn other_origin(asking: &Asking<'_>) -> Option<&'static str> {
    // `none`: a person typed the address.
    let foreign = |site: &str| !matches!(site, "same-origin" | "none");
    if asking.site.is_some_and(foreign) {
        return Some("the Sec-Fetch-Site header says that a page of another site asks");
    }
    let origin = asking.origin?;
    // Exactly this server's origin, not any of this machine: other pages are served here too.
    let same = origin
        .split_once("://")
        .is_some_and(|(_, authority)| asking.hosts.iter().flatten().any(|host| *host == authority));
    (!same).then_some("the Origin header names another site than this one")
}

/// Whether a `Host` is this machine's, seen from itself.
fn ours(host: &str, bound: IpAddr) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let address = name.parse::<IpAddr>().map(|ip| ip.to_canonical());
    address.is_ok_and(|ip| ip.is_loopback() || ip == bound)
}

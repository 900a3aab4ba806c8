//! What signs the tokens of routes: made once, kept with the state, so that a token is good after a restart.

use crate::store::{Keep, Shelf, Store};

/// The key under which it is kept.
const KEY: &str = "route-token";

/// The secret of a store, made where there is none. Where it cannot be kept it is one of this process alone.
pub(super) fn of(store: &dyn Store) -> [u8; 32] {
    let kept = store.kept(Shelf::Secret).unwrap_or_default();
    let known = kept.iter().find(|(key, _)| key == KEY);
    if let Some(secret) = known.and_then(|(_, text)| read(text)) {
        return secret;
    }
    let mut secret = [0; 32];
    if let Err(error) = getrandom::fill(&mut secret) {
        tracing::error!(%error, "the system gives no random numbers: tokens of routes are refused after a restart");
        // Nobody can guess an address of this process and when it began; it is better than a constant.
        let here = std::ptr::from_ref(&secret).addr().to_le_bytes();
        secret[..here.len()].copy_from_slice(&here);
        return secret;
    }
    let text = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let keep = Keep {
        shelf: Shelf::Secret,
        key: KEY.to_owned(),
        text: Some(text),
    };
    if let Err(error) = store.keep(&[keep]) {
        tracing::error!(%error, "what signs tokens of routes cannot be kept: they are refused after a restart");
    }
    secret
}

fn read(text: &str) -> Option<[u8; 32]> {
    let mut secret = [0; 32];
    if text.len() != 2 * secret.len() || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in secret.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    #[test]
    fn it_is_made_once() {
        let store = Memory::default();
        let first = of(&store);
        assert_ne!(first, [0; 32]);
        assert_eq!(of(&store), first);
        assert_ne!(of(&Memory::default()), first);
        let damaged = Keep {
            shelf: Shelf::Secret,
            key: KEY.to_owned(),
            text: Some("zz".repeat(32)),
        };
        store.keep(&[damaged]).unwrap();
        assert_ne!(of(&store), first);
    }
}

//! `impresario top`: a daemon on one screen, live, or once in plain text for scripts.
//!
//! Asking, making a view of what was answered, keys, and drawing are apart: a screen is a pure function of the state, and
//! the state one of what was polled and pressed. Nothing is changed in the daemon from here.

mod ask;
mod draw;
mod help;
mod keys;
mod metrics;
mod once;
mod panes;
mod rows;
mod screen;
mod state;
mod view;

use std::sync::mpsc;

use super::args::TopArgs;
use super::output::Output;
use super::{Exit, Failure};
use crate::client::Client;

pub(super) fn top(
    args: &TopArgs,
    url: &str,
    client: Client,
    out: &mut Output,
) -> Result<Exit, Failure> {
    if !args.once {
        return screen::watch(args.interval, url, client);
    }
    let before = ask::poll(&client)?;
    // Rates are of what happens between two looks: nothing else is waited for.
    let (_held, never) = mpsc::channel::<()>();
    let _over = never.recv_timeout(args.interval);
    let after = ask::poll(&client)?;
    once::show(&view::View::of(&after, Some(&before)), out)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;

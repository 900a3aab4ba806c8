//! The live screen: a thread that asks, a terminal that is given back as it was, whatever ends it.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};

use super::ask::{self, Polled};
use super::draw::draw;
use super::keys::{Next, press};
use super::state::State;
use crate::cli::{Exit, Failure};
use crate::client::{Client, Error};

/// How long a key is waited for before what was heard is looked at.
const TICK: Duration = Duration::from_millis(100);

/// What the screen hears, beside keys.
enum Heard {
    Polled(Box<Polled>),
    /// There was no answer; it is asked again.
    Away(String),
    /// The daemon says no, and will again.
    Refused(Failure),
    /// The system asks it to end.
    End,
}

/// The terminal as it was, once this is dropped. After a panic too: the hook that [`ratatui::try_init`] sets sees to it.
struct Screen(DefaultTerminal);

pub(super) fn watch(interval: Duration, url: &str, client: Client) -> Result<Exit, Failure> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "top draws on a terminal, and this is none; `top --once` prints what was seen once",
        ));
    }
    let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let state = State::new(url, interval, colours);
    let (tell, heard) = mpsc::channel();
    // Before the terminal is changed, so that no signal finds it so.
    signals(tell.clone()).map_err(failed)?;
    let stop = asking(interval, client, tell);
    let result = Screen::open().map_err(failed)?.run(state, &heard);
    drop(stop);
    result
}

fn failed(error: io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("draw on the terminal: {error}"))
}

/// Asks again and again on a thread, until what is returned is dropped.
fn asking(interval: Duration, client: Client, tell: Sender<Heard>) -> Sender<()> {
    let (stop, stopped) = mpsc::channel::<()>();
    thread::spawn(move || {
        loop {
            let told = match ask::poll(&client) {
                Ok(polled) => Heard::Polled(Box::new(polled)),
                Err(
                    error @ (Error::Connect { .. } | Error::Broken { .. } | Error::Stranger { .. }),
                ) => Heard::Away(error.to_string()),
                Err(error) => Heard::Refused(error.into()),
            };
            if tell.send(told).is_err() {
                return;
            }
            match stopped.recv_timeout(interval) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    });
    stop
}

/// Hears the signals that would end the process with the terminal left as it is.
#[cfg(unix)]
fn signals(tell: Sender<Heard>) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let (mut end, mut gone) = {
        let _within = runtime.enter();
        (
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        )
    };
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = end.recv() => {}
                _ = gone.recv() => {}
            }
        });
        // Whoever does not hear it has ended.
        drop(tell.send(Heard::End));
    });
    Ok(())
}

#[cfg(not(unix))]
fn signals(_: Sender<Heard>) -> io::Result<()> {
    Ok(())
}

// === impl Screen ===

impl Screen {
    fn open() -> io::Result<Self> {
        ratatui::try_init().map(Self)
    }

    fn run(mut self, mut state: State, heard: &Receiver<Heard>) -> Result<Exit, Failure> {
        loop {
            self.0.draw(|frame| draw(&state, frame)).map_err(failed)?;
            let mut idle = true;
            while idle {
                if event::poll(TICK).map_err(failed)? {
                    idle = false;
                    // A new size is drawn for, and what else there is changes nothing.
                    if let Event::Key(key) = event::read().map_err(failed)?
                        && key.kind != KeyEventKind::Release
                        && press(&mut state, key) == Next::Leave
                    {
                        return Ok(Exit::Done);
                    }
                }
                for heard in heard.try_iter() {
                    idle = false;
                    match heard {
                        Heard::Polled(polled) => state.take(Ok(*polled)),
                        Heard::Away(why) => state.take(Err(why)),
                        Heard::Refused(failure) => return Err(failure),
                        Heard::End => return Ok(Exit::Done),
                    }
                }
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Err(error) = ratatui::try_restore() {
            // There is nobody left to tell but who looks at the terminal.
            let told = io::Write::write_fmt(
                &mut io::stderr(),
                format_args!("restore the terminal: {error}\n"),
            );
            drop(told);
        }
    }
}

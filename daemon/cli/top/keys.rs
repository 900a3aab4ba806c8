//! What a key does to the state.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::state::{Mode, State};

/// Rows of a page.
const PAGE: isize = 10;

/// The longest filter.
const FILTER: usize = 64;

/// What comes after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Stay,
    Leave,
}

/// Does what a key asks for.
pub(super) fn press(state: &mut State, key: KeyEvent) -> Next {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c' | 'd') => Next::Leave,
            _ => Next::Stay,
        };
    }
    match state.mode {
        Mode::Help => state.mode = Mode::Look,
        Mode::Filter => filter(state, key.code),
        Mode::Look => return look(state, key.code),
    }
    Next::Stay
}

fn look(state: &mut State, key: KeyCode) -> Next {
    match key {
        KeyCode::Char('q') => return Next::Leave,
        KeyCode::Down | KeyCode::Char('j') => state.step(1),
        KeyCode::Up | KeyCode::Char('k') => state.step(-1),
        KeyCode::PageDown => state.step(PAGE),
        KeyCode::PageUp => state.step(-PAGE),
        KeyCode::Home | KeyCode::Char('g') => state.step(isize::MIN),
        KeyCode::End | KeyCode::Char('G') => state.step(isize::MAX),
        KeyCode::Enter | KeyCode::Char(' ') => state.expand(),
        KeyCode::Char('s') => state.sort = state.sort.next(),
        KeyCode::Char('p') => state.paused = !state.paused,
        KeyCode::Char('/') => state.mode = Mode::Filter,
        KeyCode::Char('?' | 'h') => state.mode = Mode::Help,
        KeyCode::Esc => {
            state.filter.clear();
            state.point();
        }
        _ => {}
    }
    Next::Stay
}

fn filter(state: &mut State, key: KeyCode) {
    match key {
        KeyCode::Enter => state.mode = Mode::Look,
        KeyCode::Esc => {
            state.filter.clear();
            state.mode = Mode::Look;
        }
        KeyCode::Backspace => {
            state.filter.pop();
        }
        KeyCode::Char(letter) if state.filter.len() < FILTER => state.filter.push(letter),
        _ => {}
    }
    state.point();
}

//! The panes below the table: what moves by itself, what is not ready, what was done.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line as Text;
use ratatui::widgets::Paragraph;

use super::draw::{alarm, pane};
use super::rows;
use super::state::State;
use super::view::{Course, View};
use crate::cli::output::cut;

/// Rollouts and the like, and versions that are not ready: side by side where there are both.
pub(super) fn beside(state: &State, view: &View, area: Rect, frame: &mut Frame<'_>) {
    if area.height == 0 {
        return;
    }
    let (left, right) = match (view.courses.is_empty(), view.waits.is_empty()) {
        (true, _) => (0, 100),
        (_, true) => (100, 0),
        (false, false) => (60, 40),
    };
    let places = Layout::horizontal([left, right].map(Constraint::Percentage)).split(area);
    courses(state, view, places[0], frame);
    waits(state, view, places[1], frame);
}

fn courses(state: &State, view: &View, area: Rect, frame: &mut Frame<'_>) {
    if area.width == 0 {
        return;
    }
    let mut title = format!(" {} under way ", view.courses.len());
    if let Some(freeze) = &view.freeze {
        title = format!("{title}, FROZEN {freeze} ");
    }
    let width = usize::from(area.width).saturating_sub(1);
    let lines = view.courses.iter().flat_map(|course| {
        let said = course.waits.as_ref().unwrap_or(&course.why);
        [
            cut(&headline(course), width),
            cut(&format!("  {said}"), width),
        ]
    });
    let lines: Vec<Text<'_>> = lines.map(Text::from).collect();
    let block = match view.freeze {
        Some(_) => pane(title).title_style(alarm(state)),
        None => pane(title),
    };
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// Who, where, and how much.
fn headline(course: &Course) -> String {
    let progress = course
        .progress
        .as_deref()
        .filter(|progress| *progress != course.phase);
    let progress = progress.map_or_else(String::new, |progress| format!(", {progress}"));
    let weight = course
        .weight
        .map_or_else(String::new, |weight| format!(", {}", rows::share(weight)));
    format!(
        "{}: {} {}{weight}{progress}",
        course.pipeline, course.kind, course.phase
    )
}

fn waits(state: &State, view: &View, area: Rect, frame: &mut Frame<'_>) {
    if area.width == 0 {
        return;
    }
    let width = usize::from(area.width);
    let lines = view.waits.iter().map(|wait| {
        let why = wait
            .why
            .as_ref()
            .map_or_else(String::new, |why| format!(": {why}"));
        let text = format!("{} v{} {}{why}", wait.model, wait.version, wait.phase);
        Text::from(cut(&text, width))
    });
    let block = pane(format!(" {} not ready ", view.waits.len())).title_style(alarm(state));
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block), area);
}

pub(super) fn events(view: &View, area: Rect, frame: &mut Frame<'_>) {
    if area.height == 0 {
        return;
    }
    let width = usize::from(area.width);
    let lines = view
        .events
        .iter()
        .take(usize::from(area.height))
        .map(|event| {
            let at = rows::clock(&event.at);
            let text = format!(
                "{at} {:<18} {} (by {})",
                event.action, event.what, event.actor
            );
            Text::from(cut(&text, width))
        });
    let block = pane(" newest events ".to_owned());
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block), area);
}

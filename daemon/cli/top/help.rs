//! The help over the screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph};

const KEYS: [(&str, &str); 10] = [
    ("up, k / down, j", "point at another pipeline"),
    ("page up, page down", "ten at a time"),
    ("g / G", "the first, the last"),
    ("enter, space", "its variants and versions"),
    ("s", "sort: name, requests, failures, p99"),
    ("/", "show only what has these letters"),
    ("esc", "show all again"),
    ("p", "pause: nothing moves until p again"),
    ("?", "this"),
    ("q, ctrl-c", "leave"),
];

pub(super) fn help(area: Rect, frame: &mut Frame<'_>) {
    let lines = KEYS.map(|(keys, what)| Line::from(format!(" {keys:<19} {what}")));
    let (width, height) = (60, KEYS.len() as u16 + 2);
    let within = Rect {
        x: area.x + area.width.saturating_sub(width) / 2,
        y: area.y + area.height.saturating_sub(height) / 2,
        width: width.min(area.width),
        height: height.min(area.height),
    };
    frame.render_widget(Clear, within);
    let block = Block::bordered().title(" keys ");
    frame.render_widget(Paragraph::new(lines.to_vec()).block(block), within);
}

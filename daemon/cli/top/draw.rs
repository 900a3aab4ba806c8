//! A state on a screen of any size. What cannot be told in colours alone is never told in colours alone.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line as Text, Span};
use ratatui::widgets::{Block, Borders, Cell, HighlightSpacing, Paragraph, Row, Table, TableState};

use super::state::{Mode, State};
use super::view::{Line, Traffic, View};
use super::{help, panes, rows};
use crate::cli::output::cut;

/// From this width on, policies have a column of their own.
const WIDE: u16 = 100;
/// From this width on, reasons have one.
const WIDEST: u16 = 150;
/// Below this height there is the table and no more.
const LOW: u16 = 18;

/// Draws all of it.
pub(super) fn draw(state: &State, frame: &mut Frame<'_>) {
    let area = frame.area();
    let view = state.view.as_ref();
    let aside = view.is_some_and(|view| !view.courses.is_empty() || !view.waits.is_empty());
    let (panes, events) = match area.height {
        ..LOW => (0, 0),
        height if aside => ((height / 5).clamp(4, 12), (height / 4).clamp(4, 14)),
        height => (0, (height / 4).clamp(4, 14)),
    };
    let heights = [2, 0, 1, panes, events, 1].map(Constraint::Length);
    let mut heights = heights.to_vec();
    heights[1] = Constraint::Min(3);
    let places = Layout::vertical(heights).split(area);
    header(state, places[0], frame);
    match view {
        Some(view) => {
            pipelines(state, places[1], frame);
            why(state, places[2], frame);
            panes::beside(state, view, places[3], frame);
            panes::events(view, places[4], frame);
        }
        None => waiting(state, places[1], frame),
    }
    footer(state, places[5], frame);
    if state.mode == Mode::Help {
        help::help(area, frame);
    }
}

/// A style for what is wrong.
pub(super) fn alarm(state: &State) -> Style {
    let style = Style::new().add_modifier(Modifier::BOLD);
    match state.colours {
        true => style.fg(Color::Red),
        false => style,
    }
}

/// A pane with a title.
pub(super) fn pane(title: String) -> Block<'static> {
    let title = Span::styled(title, Style::new().add_modifier(Modifier::BOLD));
    Block::new().borders(Borders::TOP).title(title)
}

fn header(state: &State, area: Rect, frame: &mut Frame<'_>) {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let first = match &state.view {
        None => Text::from(Span::styled("impresario", bold)),
        Some(view) => {
            let ready = match view.ready {
                true => Span::raw("ready"),
                false => Span::styled("NOT READY", alarm(state)),
            };
            Text::from(vec![
                Span::styled(format!("impresario {}", view.version), bold),
                Span::raw("  "),
                ready,
                Span::raw(format!(
                    "  up {}  revision {}  models {}",
                    rows::span(view.uptime),
                    view.revision,
                    rows::size(view.memory)
                )),
            ])
        }
    };
    let width = usize::from(area.width);
    let second = match (&state.trouble, &state.view) {
        (Some(trouble), _) => {
            let again = format!("asked again every {:?}: {trouble}", state.interval);
            Text::styled(cut(&again, width), alarm(state))
        }
        (None, Some(view)) => Text::from(traffic(view)),
        (None, None) => Text::default(),
    };
    frame.render_widget(Paragraph::new(vec![first, second]), area);
}

fn traffic(view: &View) -> String {
    let [rate, failing, p50, p99] = rows::numbers(&view.traffic);
    match (&view.note, view.over) {
        (Some(note), _) => note.clone(),
        (None, None) => "traffic is known after the next look".to_owned(),
        (None, Some(over)) => {
            format!("{rate} requests/s  {failing} failing  p50 {p50}  p99 {p99}  over {over:.1}s")
        }
    }
}

/// Nothing was seen yet.
fn waiting(state: &State, area: Rect, frame: &mut Frame<'_>) {
    let text = match &state.trouble {
        None => format!("asking {}", state.url),
        Some(_) => format!("nothing was seen of a daemon at {} yet", state.url),
    };
    frame.render_widget(Paragraph::new(text).block(pane(String::new())), area);
}

fn pipelines(state: &State, area: Rect, frame: &mut Frame<'_>) {
    let lines = state.lines();
    let filter = match state.filter.is_empty() {
        true => String::new(),
        false => format!(", with '{}'", state.filter),
    };
    let title = format!(
        " {} by {}{filter} ",
        match lines.len() {
            1 => "1 pipeline".to_owned(),
            count => format!("{count} pipelines"),
        },
        state.sort.as_str()
    );
    let (wide, widest) = (area.width >= WIDE, area.width >= WIDEST);
    let mut widths = vec![Constraint::Min(12)];
    let mut names = vec!["PIPELINE"];
    if wide {
        widths.push(Constraint::Length(11));
        names.push("POLICY");
    }
    widths.extend([16, if wide { 26 } else { 15 }].map(Constraint::Length));
    names.extend(["PHASE", "SPLIT"]);
    widths.extend([7, 6, 6, 6].map(Constraint::Length));
    names.extend(["REQ/S", "FAIL", "P50", "P99"]);
    if widest {
        widths.push(Constraint::Fill(2));
        names.push("WHY");
    }
    let mut all = Vec::new();
    // Rows of the pipeline that is pointed at.
    let (mut first, mut last) = (0, 0);
    for line in &lines {
        let pointed = state.selected.as_ref() == Some(&line.name);
        if pointed {
            first = all.len();
        }
        all.push(row(state, line, wide, widest));
        if state.expanded.contains(&line.name) {
            for variant in &line.variants {
                let mut cells = vec![Cell::from(format!("  {}", variant.name))];
                cells.extend(wide.then(|| Cell::from("")));
                cells.push(Cell::from(variant.phase.clone()));
                cells.push(Cell::from(rows::version(line, variant)));
                cells.extend(counts(state, &variant.traffic));
                all.push(Row::new(cells));
            }
        }
        if pointed {
            last = all.len() - 1;
        }
    }
    // The line of its title, and the one of the headings.
    let height = usize::from(area.height).saturating_sub(2);
    let offset = (last + 1).saturating_sub(height).min(first);
    let pointed = (!lines.is_empty()).then_some(first);
    let mut place = TableState::new().with_offset(offset).with_selected(pointed);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let headings = names.into_iter().map(|name| match name {
        "REQ/S" | "FAIL" | "P50" | "P99" => Cell::from(Text::from(name).right_aligned()),
        name => Cell::from(name),
    });
    let table = Table::new(all, widths)
        .header(Row::new(headings).style(bold))
        .column_spacing(1)
        .highlight_symbol("> ")
        .highlight_spacing(HighlightSpacing::Always)
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED))
        .block(pane(title));
    frame.render_stateful_widget(table, area, &mut place);
}

fn row(state: &State, line: &Line, wide: bool, widest: bool) -> Row<'static> {
    let mut cells = vec![Cell::from(line.name.clone())];
    cells.extend(wide.then(|| Cell::from(line.policy.clone())));
    cells.push(Cell::from(line.phase.clone()));
    cells.push(Cell::from(rows::split(line)));
    cells.extend(counts(state, &line.traffic));
    cells.extend(widest.then(|| Cell::from(line.why.clone().unwrap_or_default())));
    Row::new(cells)
}

fn counts(state: &State, traffic: &Traffic) -> [Cell<'static>; 4] {
    let failing = traffic.failing.is_some_and(|share| share > 0.0);
    let [rate, failed, p50, p99] = rows::numbers(traffic);
    let right = |text: String, style: Style| Cell::from(Text::styled(text, style).right_aligned());
    let plain = Style::new();
    let marked = match failing {
        true => alarm(state),
        false => plain,
    };
    [
        right(rate, plain),
        right(failed, marked),
        right(p50, plain),
        right(p99, plain),
    ]
}

/// Why the pipeline that is pointed at is where it is.
fn why(state: &State, area: Rect, frame: &mut Frame<'_>) {
    let lines = state.lines();
    let Some(line) = state.at(&lines).map(|at| lines[at]) else {
        return;
    };
    let why = line.why.as_deref().unwrap_or("nothing is waited for");
    let text = format!("{} ({}): {why}", line.name, line.policy);
    let text = cut(&text, usize::from(area.width));
    frame.render_widget(Paragraph::new(text), area);
}

fn footer(state: &State, area: Rect, frame: &mut Frame<'_>) {
    let text = match state.mode {
        Mode::Filter => format!("/{}_  enter: keep it  esc: show all", state.filter),
        _ if state.paused => "PAUSED: nothing moves until p".to_owned(),
        _ => "q leave  enter variants  s sort  / filter  p pause  ? help".to_owned(),
    };
    let style = Style::new().add_modifier(Modifier::REVERSED);
    let text = format!("{text:<width$}", width = usize::from(area.width));
    frame.render_widget(Paragraph::new(Text::styled(text, style)), area);
}

//! What was kept, read again when its course is declared. What is damaged is left out, with a line in the log.

use std::collections::BTreeMap;

use impresario_models::Name;
use impresario_pipelines::bucket::Weight;
use impresario_pipelines::fleet::Now;

use super::book::{Book, Part};
use super::changes::{BATCH, HEAD};
use super::course::{BOOKS, Course};
use super::entry::{Entry, Request};
use super::text::{self, Head};
use super::{Feedback, lock, rows};
use crate::store::{Keep, Shelf};

/// What was kept of a course: names with their texts.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    kept: Vec<(Shelf, String, String)>,
    pipeline: String,
    course: u64,
}

/// What was read.
#[derive(Default)]
struct Read {
    books: Vec<(usize, Book)>,
    parts: Vec<String>,
    /// The head, and its text.
    head: Option<(Head, String)>,
    batches: BTreeMap<u32, Vec<(Request, Entry)>>,
    /// Whether requests are missing that something may have been told of.
    lost: bool,
    /// What is of no known kind.
    gone: Vec<(Shelf, String)>,
}

impl Feedback {
    /// Hands in what a shelf had kept, before the courses are declared: that of [`Shelf::Record`] and of
    /// [`Shelf::Feedback`]. What belongs to no declared course is removed by the next [`Self::changes`].
    pub fn restore(&self, shelf: Shelf, kept: Vec<(String, String)>) {
        let mut desk = self.desk();
        for (key, text) in kept {
            let mut words = key.splitn(3, '/');
            let pipeline = words.next().and_then(|word| Name::new(word).ok());
            let course = words.next().and_then(|word| word.parse::<u64>().ok());
            let (Some(pipeline), Some(course), Some(name)) = (pipeline, course, words.next())
            else {
                tracing::warn!(
                    key,
                    "what is kept under this key is of no course, and removed"
                );
                let text = None;
                desk.gone.push(Keep { shelf, key, text });
                continue;
            };
            let waiting = desk.waiting.entry((pipeline.clone(), course));
            let waiting = waiting.or_insert_with(|| Waiting {
                kept: Vec::new(),
                pipeline: pipeline.as_str().to_owned(),
                course,
            });
            waiting.kept.push((shelf, name.to_owned(), text));
        }
    }
}

// === impl Waiting ===

impl Waiting {
    /// What removes it.
    pub(super) fn removals(self) -> impl Iterator<Item = Keep> {
        let Self {
            kept,
            pipeline,
            course,
        } = self;
        kept.into_iter().map(move |(shelf, name, _)| Keep {
            shelf,
            key: format!("{pipeline}/{course}/{name}"),
            text: None,
        })
    }
}

// === impl Course ===

impl Course {
    /// Takes up what was kept. Where the numbers are damaged, or what belongs to them, all is gathered anew: of a part of
    /// them nobody knows which requests it is about.
    pub(super) fn restore(&self, waiting: Waiting, now: Now) {
        let kept = waiting.kept.iter();
        let names: Vec<_> = kept
            .map(|(shelf, name, _)| (*shelf, name.clone()))
            .collect();
        match self.read(waiting.kept) {
            Ok(read) => self.take_up(read, now),
            Err((name, what)) => {
                self.warn(&name, &what, "all is gathered anew");
                lock(&self.journal).gone = names;
                self.lose(now);
            }
        }
    }

    fn read(&self, kept: Vec<(Shelf, String, String)>) -> Result<Read, (String, String)> {
        let mut read = Read::default();
        let mut books: BTreeMap<usize, Vec<Part>> = BTreeMap::new();
        for (shelf, name, text) in kept {
            let named = |what: String| (name.clone(), what);
            match (shelf, name.strip_prefix(BATCH)) {
                (Shelf::Record, _) => {
                    let (index, part) = part(&name, &text).map_err(named)?;
                    books.entry(index).or_default().push(part);
                    read.parts.push(name);
                }
                (_, Some(number)) => match number.parse() {
                    Ok(number) => {
                        let rows = self.rows(&text).unwrap_or_else(|what| {
                            self.warn(&name, &what, "its requests are left out");
                            read.lost = true;
                            Vec::new()
                        });
                        read.batches.insert(number, rows);
                    }
                    Err(_) => read.gone.push((shelf, name)),
                },
                _ if name == HEAD => {
                    let head = Head::read(&text).map_err(|error| named(error.to_string()))?;
                    read.head = Some((head, text));
                }
                _ => read.gone.push((shelf, name)),
            }
        }
        for (index, parts) in books {
            let book = Book::restore(&self.wants, parts);
            let book = book.map_err(|what| (format!("{index}"), what))?;
            read.books.push((index, book));
        }
        match read.head {
            None if !read.books.is_empty() => Err((HEAD.to_owned(), "it is missing".to_owned())),
            Some(_) | None => Ok(read),
        }
    }

    fn rows(&self, text: &str) -> Result<Vec<(Request, Entry)>, String> {
        let bytes = text::read_bytes(text).map_err(|error| error.to_string())?;
        let rows = rows::read(&bytes, self.metrics.len());
        rows.ok_or_else(|| "its rows are damaged".to_owned())
    }

    fn take_up(&self, read: Read, now: Now) {
        for (index, book) in read.books {
            *lock(&self.books[index]) = book;
        }
        if let Some((head, text)) = read.head {
            let last = head.horizons.iter().copied().max().unwrap_or(0);
            for (index, joins) in self.joins.iter().enumerate() {
                let horizon = head.horizons.get(index).copied();
                lock(joins).set_horizon(horizon.unwrap_or(last));
            }
            let mut segments = lock(&self.segments);
            for (segment, points) in head.weights {
                let weights = points.into_iter().filter_map(Weight::new);
                segments.insert(segment, weights.collect());
            }
            lock(&self.journal).head = text;
        }
        if read.lost {
            self.lose(now);
        }
        let mut journal = lock(&self.journal);
        journal.parts.extend(read.parts);
        journal.gone = read.gone;
        let entries = journal.take_up(read.batches);
        drop(journal);
        for (request, entry) in entries {
            lock(self.join(request)).restore(request, entry);
        }
        for joins in &self.joins {
            lock(joins).expire(now.wall, self.within);
        }
    }

    /// What was told of requests before now is not known any more: their tokens are of no use.
    fn lose(&self, now: Now) {
        for joins in &self.joins {
            lock(joins).set_horizon(now.wall);
        }
    }

    fn warn(&self, name: &str, what: &str, so: &str) {
        tracing::warn!(
            pipeline = %self.pipeline,
            course = self.id,
            name,
            what,
            "what was kept of feedback is damaged: {so}"
        );
    }
}

/// A part of a book from its name and text.
fn part(name: &str, text: &str) -> Result<(usize, Part), String> {
    let (index, part) = name.split_once('/').ok_or("it names no book")?;
    let index = index.parse::<usize>().ok().filter(|index| *index < BOOKS);
    let index = index.ok_or("there is no such book")?;
    let bytes = text::read_bytes(text).map_err(|error| error.to_string())?;
    Ok((index, (part.to_owned(), bytes)))
}

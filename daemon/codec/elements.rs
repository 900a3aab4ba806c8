//! A tensor's `data` in JSON, read straight into a vector of the port's own type, with the nesting it had.
//!
//! Whether the nesting fits the shape is for the caller to say.

use std::fmt;

use impresario_models::{DataType, Element, Values};

use super::cursor::Cursor;
use super::limits::Limits;
use super::number::Number;
use super::refusal::{Label, Refusal};

/// Deeper arrays are refused; no model's tensors have so many axes.
pub(crate) const MAX_DEPTH: usize = 32;

/// How elements were nested.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Nesting {
    /// In one array of so many.
    Flat(usize),
    /// In arrays of these sizes, outermost first. Empty for a value without an array around it.
    Deep(Vec<usize>),
}

/// Reads `data` for a datatype. `room` is how many elements are expected, a hint only.
///
/// `label` names the tensor in errors, such as `input 'x'`.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    datatype: DataType,
    room: usize,
    limits: &Limits,
    label: Label<'_>,
) -> Result<(Values, Nesting), Refusal> {
    macro_rules! typed {
        ($type:ty) => {{
            let (elements, nesting) = typed::<$type>(cursor, room, limits, label)?;
            Ok((<$type>::wrap(elements), nesting))
        }};
    }
    match datatype {
        DataType::Bool => typed!(bool),
        DataType::Uint8 => typed!(u8),
        DataType::Uint16 => typed!(u16),
        DataType::Uint32 => typed!(u32),
        DataType::Uint64 => typed!(u64),
        DataType::Int8 => typed!(i8),
        DataType::Int16 => typed!(i16),
        DataType::Int32 => typed!(i32),
        DataType::Int64 => typed!(i64),
        DataType::Fp32 => typed!(f32),
        DataType::Fp64 => typed!(f64),
        DataType::Bytes => typed!(Vec<u8>),
        DataType::Fp16 | DataType::Bf16 => Err(Refusal::invalid(
            label,
            format!("{datatype} as binary data (binary_data_size), never as JSON"),
            "'data'",
        )),
    }
}

/// An element that JSON can write.
trait Json: Element {
    /// What is expected, as an error says it.
    fn expected() -> String;

    /// The bytes of one that is a string, without quotes and escapes; nothing for a number.
    fn bytes(&self) -> usize {
        0
    }

    /// The element at the front of the text and the bytes it takes; nothing where it is not one of this type.
    fn scan(text: &[u8]) -> Option<(Self, usize)>;
}

fn typed<T: Json>(
    cursor: &mut Cursor<'_>,
    room: usize,
    limits: &Limits,
    label: Label<'_>,
) -> Result<(Vec<T>, Nesting), Refusal> {
    // An element takes two bytes of JSON at least, so a large shape over little data reserves little.
    let possible = cursor.rest().len() / 2 + 1;
    let mut elements: Vec<T> = Vec::with_capacity(room.min(possible).min(limits.max_elements));
    let mut walk = Walk::new();
    'value: loop {
        // A value must stand here.
        if cursor.take(b'[') {
            walk.open()
                .map_err(|got| walk.ragged(label, &elements, got))?;
            if cursor.peek() != Some(b']') {
                continue 'value;
            }
        } else {
            cursor.peek();
            let Some((element, bytes)) = T::scan(cursor.rest()) else {
                return Err(odd::<T>(cursor, label, elements.len()));
            };
            if let Err(got) = walk.element() {
                return Err(walk.ragged(label, &elements, got));
            }
            if elements.len() == limits.max_elements {
                return Err(too_many(label, limits, elements.len() + 1));
            }
            if element.bytes() > limits.max_string {
                let what = format!("{label}, element {}", elements.len());
                return Err(Refusal::long_string(
                    what,
                    limits.max_string,
                    element.bytes(),
                ));
            }
            elements.push(element);
            cursor.advance(bytes);
            if T::DATATYPE != DataType::Bytes {
                walk.more(run(cursor, &mut elements, limits));
            }
        }
        // After a value, or at the end of an empty array.
        loop {
            if walk.depth == 0 {
                return Ok((elements, walk.nesting()));
            }
            match cursor.peek() {
                Some(b',') => {
                    cursor.advance(1);
                    continue 'value;
                }
                Some(b']') => {
                    cursor.advance(1);
                    walk.close()
                        .map_err(|got| walk.ragged(label, &elements, got))?;
                }
                _ => return Err(cursor.unexpected("',' or ']'")),
            }
        }
    }
}

/// Reads the numbers that follow one another behind an element, as far as there is nothing to see to: most of a
/// tensor, therefore apart and without a look at the walk. How many there were.
fn run<T: Json>(cursor: &mut Cursor<'_>, elements: &mut Vec<T>, limits: &Limits) -> usize {
    let before = elements.len();
    let mut rest = cursor.rest();
    while let [b',', after @ ..] = rest {
        // Python writes a space.
        let text = after.strip_prefix(b" ").unwrap_or(after);
        if elements.len() == limits.max_elements {
            break;
        }
        let Some((element, bytes)) = T::scan(text) else {
            break;
        };
        elements.push(element);
        rest = &text[bytes..];
    }
    cursor.advance(cursor.rest().len() - rest.len());
    elements.len() - before
}

/// The refusal for a value that is not an element of the type.
#[cold]
fn odd<T: Json>(cursor: &mut Cursor<'_>, label: Label<'_>, at: usize) -> Refusal {
    match cursor.show() {
        Ok(got) => Refusal::invalid(label, T::expected(), format!("{got} at element {at}")),
        Err(syntax) => syntax,
    }
}

/// The refusal for a tensor of so many elements, or more.
pub(crate) fn too_many(label: Label<'_>, limits: &Limits, got: usize) -> Refusal {
    Refusal::TooLarge {
        what: label.to_string(),
        unit: "elements",
        limit: limits.max_elements,
        got: got.to_string(),
        key: "max_elements",
    }
}

// === impl Nesting ===

impl Nesting {
    /// Whether data nested like this is a tensor of the shape: flat, or nested exactly so.
    pub(super) fn fits(&self, shape: &[usize], elements: usize) -> bool {
        match self {
            Self::Flat(size) => *size == elements || shape == [*size],
            Self::Deep(sizes) => sizes == shape,
        }
    }
}

impl fmt::Display for Nesting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flat(size) => write!(f, "[{size}]"),
            Self::Deep(sizes) => write!(f, "{sizes:?}"),
        }
    }
}

// === impl Walk ===

/// The open arrays around a place, and the size that arrays of each depth have.
struct Walk {
    /// Items so far in each open array, outermost first; `depth` of them are open.
    open: [usize; MAX_DEPTH],
    depth: usize,
    /// The size of arrays at each depth, once one was closed; `seen` depths were entered.
    sizes: [Option<usize>; MAX_DEPTH],
    seen: usize,
    /// The depth at which elements stand, once one was seen.
    leaves: Option<usize>,
}

impl Walk {
    fn new() -> Self {
        Self {
            open: [0; MAX_DEPTH],
            depth: 0,
            sizes: [None; MAX_DEPTH],
            seen: 0,
            leaves: None,
        }
    }

    fn item(&mut self, items: usize) {
        if let Some(innermost) = self.depth.checked_sub(1) {
            self.open[innermost] += items;
        }
    }

    fn open(&mut self) -> Result<(), String> {
        self.item(1);
        if self.leaves.is_some_and(|leaves| leaves <= self.depth) {
            return Err("an array beside an element".into());
        }
        if self.depth == MAX_DEPTH {
            return Err(format!("arrays nested deeper than {MAX_DEPTH}"));
        }
        self.open[self.depth] = 0;
        self.depth += 1;
        self.seen = self.seen.max(self.depth);
        Ok(())
    }

    #[inline]
    fn element(&mut self) -> Result<(), String> {
        self.item(1);
        match self.leaves {
            Some(leaves) if leaves == self.depth => Ok(()),
            None if self.seen == self.depth => {
                self.leaves = Some(self.depth);
                Ok(())
            }
            _ => Err("an element beside an array".into()),
        }
    }

    /// Elements beside the one before.
    fn more(&mut self, elements: usize) {
        self.item(elements);
    }

    fn close(&mut self) -> Result<(), String> {
        self.depth -= 1;
        let items = self.open[self.depth];
        match self.sizes[self.depth].replace(items) {
            Some(other) if other != items => {
                Err(format!("one of {other} and one of {items} side by side"))
            }
            _ => Ok(()),
        }
    }

    fn nesting(&self) -> Nesting {
        let size = |size: &Option<usize>| size.unwrap_or(0);
        match &self.sizes[..self.seen] {
            [flat] => Nesting::Flat(size(flat)),
            deep => Nesting::Deep(deep.iter().map(size).collect()),
        }
    }

    #[cold]
    fn ragged<T>(&self, label: Label<'_>, elements: &[T], got: String) -> Refusal {
        Refusal::invalid(
            label,
            "arrays nested alike, of equal sizes",
            format!("{got} at element {}", elements.len()),
        )
    }
}

// === impl Json ===

macro_rules! whole {
    ($($type:ty),*) => {$(
        impl Json for $type {
            fn expected() -> String {
                format!("whole numbers from {} to {} ({})", Self::MIN, Self::MAX, Self::DATATYPE)
            }
            #[inline]
            fn scan(text: &[u8]) -> Option<(Self, usize)> {
                let number = Number::scan(text)?;
                Some((Self::try_from(number.whole()?).ok()?, number.len()))
            }
        }
    )*};
}

whole!(u8, u16, u32, u64, i8, i16, i32, i64);

macro_rules! float {
    ($type:ty, $round:ident) => {
        impl Json for $type {
            fn expected() -> String {
                format!("numbers within {}", Self::DATATYPE)
            }
            #[inline]
            fn scan(text: &[u8]) -> Option<(Self, usize)> {
                match Number::scan(text) {
                    Some(number) => Some((number.$round()?, number.len())),
                    None => {
                        let names = [
                            ("NaN", Self::NAN),
                            ("Infinity", Self::INFINITY),
                            ("-Infinity", Self::NEG_INFINITY),
                        ];
                        let quote = usize::from(text.first() == Some(&b'"'));
                        let (name, value) = names
                            .into_iter()
                            .find(|(name, _)| text[quote..].starts_with(name.as_bytes()))?;
                        let end = quote + name.len();
                        let closed = quote == 0 || text.get(end) == Some(&b'"');
                        closed.then_some((value, end + quote))
                    }
                }
            }
        }
    };
}

float!(f32, float);
float!(f64, double);

impl Json for bool {
    fn expected() -> String {
        "true or false (BOOL)".into()
    }
    fn scan(text: &[u8]) -> Option<(Self, usize)> {
        match text {
            [b't', b'r', b'u', b'e', ..] => Some((true, 4)),
            [b'f', b'a', b'l', b's', b'e', ..] => Some((false, 5)),
            _ => None,
        }
    }
}

impl Json for Vec<u8> {
    fn expected() -> String {
        "strings (BYTES)".into()
    }
    fn bytes(&self) -> usize {
        self.len()
    }
    fn scan(text: &[u8]) -> Option<(Self, usize)> {
        let mut cursor = Cursor::new(text);
        let string = cursor.string().ok()?;
        let read = text.len() - cursor.rest().len();
        Some((string.into_owned().into_bytes(), read))
    }
}

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
pub(super) const MAX_DEPTH: usize = 32;

/// The sizes of nested arrays, outermost first. Empty for a value without an array around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Nesting {
    sizes: Vec<usize>,
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
    let mut walk = Walk::default();
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
            // The bytes of a string include its quotes.
            if T::DATATYPE == DataType::Bytes && bytes > limits.max_string.saturating_add(2) {
                let what = format!("{label}, element {}", elements.len());
                return Err(Refusal::long_string(what, limits.max_string, bytes));
            }
            elements.push(element);
            cursor.advance(bytes);
        }
        // After a value, or at the end of an empty array.
        loop {
            if walk.depth() == 0 {
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

/// The refusal for a value that is not an element of the type.
#[cold]
fn odd<T: Json>(cursor: &mut Cursor<'_>, label: Label<'_>, at: usize) -> Refusal {
    match cursor.show() {
        Ok(got) => Refusal::invalid(label, T::expected(), format!("{got} at element {at}")),
        Err(syntax) => syntax,
    }
}

/// The refusal for a tensor of so many elements, or more.
pub(super) fn too_many(label: Label<'_>, limits: &Limits, got: usize) -> Refusal {
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
        self.sizes == shape || self.sizes == [elements]
    }
}

impl fmt::Display for Nesting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.sizes)
    }
}

// === impl Walk ===

/// The open arrays around a place, and the size that arrays of each depth have.
#[derive(Default)]
struct Walk {
    /// Items so far in each open array, outermost first.
    open: Vec<usize>,
    /// The size of arrays at each depth, once one was closed.
    sizes: Vec<Option<usize>>,
    /// The depth at which elements stand, once one was seen.
    leaves: Option<usize>,
}

impl Walk {
    fn depth(&self) -> usize {
        self.open.len()
    }

    fn open(&mut self) -> Result<(), String> {
        if let Some(items) = self.open.last_mut() {
            *items += 1;
        }
        if self.leaves.is_some_and(|leaves| leaves <= self.depth()) {
            return Err("an array beside an element".into());
        }
        if self.depth() == MAX_DEPTH {
            return Err(format!("arrays nested deeper than {MAX_DEPTH}"));
        }
        self.open.push(0);
        if self.sizes.len() < self.depth() {
            self.sizes.push(None);
        }
        Ok(())
    }

    #[inline]
    fn element(&mut self) -> Result<(), String> {
        let depth = self.open.len();
        if let Some(items) = self.open.last_mut() {
            *items += 1;
        }
        match self.leaves {
            Some(leaves) if leaves == depth => Ok(()),
            None if self.sizes.len() == depth => {
                self.leaves = Some(depth);
                Ok(())
            }
            _ => Err("an element beside an array".into()),
        }
    }

    fn close(&mut self) -> Result<(), String> {
        let depth = self.depth() - 1;
        let items = self.open.pop().unwrap_or_default();
        match self.sizes[depth].replace(items) {
            Some(other) if other != items => {
                Err(format!("one of {other} and one of {items} side by side"))
            }
            _ => Ok(()),
        }
    }

    fn nesting(&self) -> Nesting {
        Nesting {
            sizes: self.sizes.iter().map(|size| size.unwrap_or(0)).collect(),
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
    fn scan(text: &[u8]) -> Option<(Self, usize)> {
        let mut cursor = Cursor::new(text);
        let string = cursor.string().ok()?;
        let read = text.len() - cursor.rest().len();
        Some((string.into_owned().into_bytes(), read))
    }
}

//! One entry of a request's `inputs`: its members in any order, and the tensor they make.
//!
//! `data` that comes after `name` is read at once into the port's own type; `data` that comes before it is
//! stepped over and read when the entry ends.

use std::borrow::Cow;
use std::ops::Range;

use impresario_models::contract::{Mismatch, Side};
use impresario_models::tensor::element_count;
use impresario_models::{Contract, DataType, Port, Tensor, Values};

use super::binary;
use super::cursor::Cursor;
use super::elements::{self, Nesting};
use super::limits::Limits;
use super::number::Number;
use super::parameters::Parameters;
use super::refusal::{Label, Refusal, clip};

/// An input whose members were read; its elements may still lie in the binary part.
pub(super) struct Input {
    /// Which of the contract's inputs it is.
    pub(super) index: usize,
    shape: Vec<usize>,
    count: usize,
    elements: Elements,
}

enum Elements {
    Read(Values),
    Binary(usize),
}

/// An entry while its members are read.
struct Draft<'c> {
    contract: &'c Contract,
    at: usize,
    index: Option<usize>,
    shape: Option<Vec<usize>>,
    datatype: Option<DataType>,
    parameters: Option<Parameters>,
    data: Data,
}

#[derive(Default)]
enum Data {
    #[default]
    None,
    Later(Range<usize>),
    Read(Values, Nesting),
}

// === impl Input ===

impl Input {
    /// Reads the entry at the cursor, the request's `at`th input.
    pub(super) fn read(
        cursor: &mut Cursor<'_>,
        at: usize,
        contract: &Contract,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let mut draft = Draft {
            contract,
            at,
            index: None,
            shape: None,
            datatype: None,
            parameters: None,
            data: Data::None,
        };
        if cursor.peek() != Some(b'{') {
            return Err(Refusal::invalid(draft.label(), "an object", cursor.show()?));
        }
        cursor.object(|cursor, key| draft.member(cursor, key, limits))?;
        draft.finish(cursor, limits)
    }

    /// The bytes of the binary part that belong to this input.
    pub(super) fn binary_size(&self) -> Option<usize> {
        match self.elements {
            Elements::Binary(size) => Some(size),
            Elements::Read(_) => None,
        }
    }

    /// The tensor, with its own bytes of the binary part where it has any.
    pub(super) fn tensor(
        self,
        port: &Port,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Tensor, Refusal> {
        let label = Label::Input(&port.name);
        let values = match self.elements {
            Elements::Read(values) => values,
            Elements::Binary(_) => binary::read(bytes, port.datatype, self.count, limits, label)?,
        };
        Tensor::new(self.shape, values)
            .map_err(|e| Refusal::invalid(label, "elements that fill the shape", e.to_string()))
    }
}

// === impl Draft ===

impl<'c> Draft<'c> {
    fn label(&self) -> Label<'c> {
        match self.index {
            Some(index) => Label::Input(&self.contract.inputs[index].name),
            None => Label::At(self.at),
        }
    }

    fn member(
        &mut self,
        cursor: &mut Cursor<'_>,
        key: &str,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        let again = match key {
            "name" => self.index.is_some(),
            "shape" => self.shape.is_some(),
            "datatype" => self.datatype.is_some(),
            "parameters" => self.parameters.is_some(),
            "data" => !matches!(self.data, Data::None),
            _ => false,
        };
        if again {
            let expected = format!("member '{key}' once");
            return Err(Refusal::invalid(self.label(), expected, "it twice"));
        }
        match key {
            "name" => self.name(cursor),
            "shape" => {
                self.shape = Some(self.axes(cursor)?);
                self.check_header()
            }
            "datatype" => {
                let text = text(cursor, self.label(), "datatype")?;
                let datatype = text.parse::<DataType>().map_err(|_| {
                    let known: Vec<_> = DataType::ALL.iter().map(|d| d.as_str()).collect();
                    let what = format!("{}, datatype", self.label());
                    let expected = format!("one of {}", known.join(", "));
                    Refusal::invalid(what, expected, format!("'{}'", clip(&text)))
                })?;
                self.datatype = Some(datatype);
                self.check_header()
            }
            "parameters" => {
                self.parameters = Some(Parameters::read(cursor, self.label())?);
                Ok(())
            }
            "data" => {
                self.data = match self.index {
                    Some(index) => self.data(cursor, &self.contract.inputs[index], limits)?,
                    None => Data::Later(cursor.skip_data()?),
                };
                Ok(())
            }
            // The protocol leaves room for members of others.
            _ => cursor.skip().map(drop),
        }
    }

    fn name(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Refusal> {
        let name = text(cursor, self.label(), "name")?;
        let index = self
            .contract
            .input(&name)
            .ok_or_else(|| self.contract.unknown(Side::Input, &name))?;
        self.index = Some(index);
        self.check_header()
    }

    /// Whether name, datatype and shape agree, as soon as all three are known: before `data` where it can be.
    fn check_header(&self) -> Result<(), Refusal> {
        let (Some(index), Some(datatype), Some(shape)) = (self.index, self.datatype, &self.shape)
        else {
            return Ok(());
        };
        Ok(self.contract.inputs[index].check_header(Side::Input, datatype, shape)?)
    }

    fn axes(&self, cursor: &mut Cursor<'_>) -> Result<Vec<usize>, Refusal> {
        // Only an error needs it.
        let what = || format!("{}, shape", self.label());
        if cursor.peek() != Some(b'[') {
            return Err(Refusal::invalid(what(), "an array", cursor.show()?));
        }
        // Most tensors have no more axes; one allocation will do.
        let mut shape = Vec::with_capacity(4);
        cursor.array(|cursor, at| {
            cursor.peek();
            let number = Number::scan(cursor.rest());
            let size = number
                .as_ref()
                .and_then(Number::whole)
                .and_then(|w| usize::try_from(w).ok());
            match (number, size) {
                (Some(number), Some(size)) if at < elements::MAX_DEPTH => {
                    cursor.advance(number.len());
                    shape.push(size);
                    Ok(())
                }
                (_, Some(_)) => {
                    let expected = format!("at most {} axes", elements::MAX_DEPTH);
                    Err(Refusal::invalid(what(), expected, "more"))
                }
                _ => {
                    let got = format!("{} at axis {at}", cursor.show()?);
                    Err(Refusal::invalid(what(), "whole numbers from 0", got))
                }
            }
        })?;
        Ok(shape)
    }

    fn data(&self, cursor: &mut Cursor<'_>, port: &Port, limits: &Limits) -> Result<Data, Refusal> {
        // Of a datatype that the port does not have, the datatype is the error, not its first element.
        if let Some(datatype) = self.datatype.filter(|&d| d != port.datatype) {
            let expected = format!("datatype {}", port.datatype);
            return Err(port
                .mismatch(Side::Input, expected, datatype.to_string())
                .into());
        }
        if cursor.take_null() {
            return Err(Refusal::invalid(self.label(), "'data' as an array", "null"));
        }
        let room = self.shape.as_deref().and_then(element_count).unwrap_or(0);
        let (values, nesting) = elements::read(cursor, port.datatype, room, limits, self.label())?;
        Ok(Data::Read(values, nesting))
    }

    fn finish(mut self, cursor: &Cursor<'_>, limits: &Limits) -> Result<Input, Refusal> {
        let absent = |label: Label<'_>, member: &str| {
            Refusal::invalid(label, format!("member '{member}'"), "none")
        };
        let index = self.index.ok_or_else(|| absent(self.label(), "name"))?;
        let port = &self.contract.inputs[index];
        if self.datatype.is_none() {
            return Err(absent(self.label(), "datatype"));
        }
        let shape = self
            .shape
            .take()
            .ok_or_else(|| absent(self.label(), "shape"))?;
        let count = element_count(&shape).ok_or_else(|| {
            let got = format!("{shape:?}");
            port.mismatch(
                Side::Input,
                "a shape whose elements can be counted".into(),
                got,
            )
        })?;
        let parameters = self.parameters.take().unwrap_or_default();
        if parameters.get("shared_memory_region").is_some() {
            return Err(Refusal::invalid(
                self.label(),
                "'data' or binary data",
                "parameter 'shared_memory_region', which is not supported",
            ));
        }
        let binary = parameters.count("binary_data_size")?;
        let data = match std::mem::take(&mut self.data) {
            Data::Later(span) => self.data(&mut cursor.within(span), port, limits)?,
            data => data,
        };
        let elements = match (data, binary) {
            (Data::Read(values, nesting), None) => {
                if values.len() != count {
                    return Err(Refusal::invalid(
                        self.label(),
                        format!("{count} elements for shape {shape:?}"),
                        format!("{} elements", values.len()),
                    ));
                }
                if !nesting.fits(&shape, count) {
                    return Err(Refusal::invalid(
                        self.label(),
                        format!("'data' flat, or nested as shape {shape:?}"),
                        format!("nested as {nesting}"),
                    ));
                }
                Elements::Read(values)
            }
            (Data::None, Some(size)) => {
                // A size that does not fit is more than any body has.
                Elements::Binary(usize::try_from(size).unwrap_or(usize::MAX))
            }
            (Data::None, None) => {
                let expected = "'data' or parameter 'binary_data_size'";
                return Err(Refusal::invalid(self.label(), expected, "neither"));
            }
            _ => {
                let expected = "either 'data' or parameter 'binary_data_size'";
                return Err(Refusal::invalid(self.label(), expected, "both"));
            }
        };
        Ok(Input {
            index,
            shape,
            count,
            elements,
        })
    }
}

/// A member that must be a string.
fn text<'a>(
    cursor: &mut Cursor<'a>,
    label: Label<'_>,
    member: &str,
) -> Result<Cow<'a, str>, Refusal> {
    if cursor.peek() == Some(b'"') {
        return cursor.string();
    }
    let what = format!("{label}, {member}");
    Err(Refusal::invalid(what, "a string", cursor.show()?))
}

/// The refusal for an input that is given twice.
pub(crate) fn twice(port: &Port) -> Refusal {
    Refusal::Contract(Mismatch::Duplicate {
        side: Side::Input,
        name: port.name.to_string(),
    })
}

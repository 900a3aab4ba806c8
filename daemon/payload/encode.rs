//! A record as one line of JSON.
//!
//! `request` is the body of a request of the inference protocol: posted again to the pipeline it asks the same. Numbers
//! are written by the codec and read back exactly, but for the bits of a NaN. What JSON cannot carry, FP16, BF16 and
//! bytes that are no text, is the protocol's binary data in base64, and its `encoding` says so; a tensor without data says
//! `redacted` or `left_out`.

use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use impresario_models::{DataType, Port, Tensor};
use serde::Serialize;

use super::record::{Part, Record, Tensors};
use super::redact::{Field, Hidden};
use crate::codec::{self, Label, Parameter};
use crate::measure::Outcome;

/// The form of the lines.
const FORM: u32 = 1;

/// The most bytes of a sentence where a record is too large even without its tensors.
const SENTENCE: usize = 1_024;

/// What a request's outputs are asked in; the log writes them in forms of its own.
const FORM_OF_OUTPUTS: &str = "binary_data_output";

/// How data that is no JSON is written.
pub(super) const BASE64: &str = "base64 of little-endian binary data";

/// Words in place of a sentence that may repeat what is not to be written down.
pub(super) const WITHHELD: &str = "withheld, as it may repeat what is redacted";

/// How much of a record is left out for its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Left {
    Nothing,
    Data,
    Words,
}

/// A line without its end, and whether it had to be made smaller than its request was.
pub(super) fn encode(record: &mut Record, hidden: &[Field], most: usize) -> (Vec<u8>, bool) {
    let mut left = match record.sheds() {
        // With them it would be above `most`, and so would have lost all that this leaves out.
        _ if record.unparametered => Left::Words,
        true => Left::Data,
        false => Left::Nothing,
    };
    if left == Left::Words {
        record.shed();
    }
    loop {
        let here = Hidden {
            always: hidden,
            here: &record.hidden,
        };
        let mut text = Text(Vec::with_capacity(512 + record.bytes() * 3));
        line(record, here, left, &mut text);
        let next = match left {
            _ if text.0.len() <= most => None,
            Left::Nothing => Some(Left::Data),
            Left::Data => Some(Left::Words),
            // There is no more to leave out.
            Left::Words => None,
        };
        let Some(next) = next else {
            return (text.0, left > Left::Nothing);
        };
        left = next;
        record.shed();
    }
}

fn line(record: &Record, hidden: Hidden<'_>, left: Left, text: &mut Text) {
    text.raw("{\"v\":");
    text.json(&FORM);
    text.member("at", &time(record.at_ms));
    match hidden.id() {
        true => text.member("id", &()),
        false => text.member("id", &record.id.as_deref()),
    }
    text.member("pipeline", record.pipeline.as_str());
    text.member("revision", &record.revision);
    if let Some(decided) = &record.decided {
        text.member("variant", decided.variant.as_str());
        text.said("arm", decided.arm.as_ref());
        text.member("why", decided.why.as_str());
        text.member("model", decided.model.as_str());
        text.member("version", &decided.version.to_string());
    }
    text.said(
        "unit",
        record.unit.map(|unit| format!("{unit:032x}")).as_ref(),
    );
    text.said("trace", record.trace.map(|id| id.to_string()).as_ref());
    text.member("outcome", record.outcome.as_str());
    if let Some(failure) = &record.failure {
        let told = match hidden.words() && record.outcome == Outcome::Refused {
            true => WITHHELD,
            false if left == Left::Words => cut(&failure.message),
            false => failure.message.as_str(),
        };
        text.raw(",\"error\":{\"code\":");
        text.json(failure.code);
        text.member("message", told);
        text.raw("}");
    }
    if let Some(covered) = &record.rescue {
        text.raw(",\"rescue\":{\"from\":");
        text.json(covered.variant.as_str());
        text.member("why", covered.why);
        text.member("model", covered.model.as_str());
        text.member("version", &covered.version.to_string());
        text.raw("}");
    }
    text.said("cache", record.cache.as_ref());
    text.said("substitute", record.substitute.then_some(&true));
    let millis = |time: Duration| time.as_nanos() as f64 / 1e6;
    text.member("queue_ms", &millis(record.queue));
    text.member("compute_ms", &millis(record.compute));
    text.member("total_ms", &millis(record.total));
    text.said("deadline_ms", record.limit.map(millis).as_ref());
    if left < Left::Words && !record.trail.is_empty() {
        text.raw(",\"trail\":");
        text.object(record.trail.iter(), |text, (_, said)| text.json(said));
    }
    if !record.hidden.is_empty() || !hidden.always.is_empty() {
        let mut fields: Vec<String> = hidden
            .always
            .iter()
            .chain(hidden.here)
            .map(Field::to_string)
            .collect();
        fields.sort_unstable();
        fields.dedup();
        text.member("redacted", &fields);
    }
    match left {
        Left::Nothing => {}
        Left::Data => text.member("left_out", "the data of tensors, as it is above max_record"),
        Left::Words => text.member(
            "left_out",
            "data, parameters and trail, as they are above max_record",
        ),
    }
    if let Some(inputs) = &record.inputs {
        request(record, inputs, hidden, left, text);
    }
    if let Some(outputs) = &record.outputs {
        text.raw(",\"outputs\":");
        let all = outputs.contract.outputs.iter().zip(&outputs.parts);
        let asked = all.filter(|(port, _)| record.wants(&port.name));
        text.array(asked, |text, (port, part)| {
            tensor(port, part, hidden.output(&port.name), text);
        });
    }
    text.raw("}");
}

/// The request as it may be posted again.
fn request(record: &Record, inputs: &Tensors, hidden: Hidden<'_>, left: Left, text: &mut Text) {
    text.raw(",\"request\":{");
    let parameters = record.parameters.iter();
    let mut parameters = parameters
        .filter(|(name, _)| *name != FORM_OF_OUTPUTS && !hidden.parameter(name))
        .peekable();
    if left < Left::Words && parameters.peek().is_some() {
        text.raw("\"parameters\":");
        text.object(parameters, |text, (_, value)| match value {
            Parameter::Bool(flag) => text.json(flag),
            Parameter::Int(int) => text.json(int),
            Parameter::Uint(uint) => text.json(uint),
            Parameter::Double(double) => text.json(double),
            Parameter::Text(said) => text.json(said),
        });
        text.raw(",");
    }
    text.raw("\"inputs\":");
    let ports = inputs.contract.inputs.iter().zip(&inputs.parts);
    text.array(ports, |text, (port, part)| {
        tensor(port, part, hidden.input(&port.name), text);
    });
    let ports = inputs.contract.outputs.iter();
    let asked: Vec<&Port> = ports.filter(|port| record.wants(&port.name)).collect();
    // Who does not say which outputs gets all of them as JSON, which some cannot be.
    if record.wanted.is_some() || asked.iter().any(|port| is_half(port.datatype)) {
        text.raw(",\"outputs\":");
        text.array(asked.into_iter(), |text, port| {
            text.raw("{\"name\":");
            text.json(&*port.name);
            if is_half(port.datatype) {
                text.raw(",\"parameters\":{\"binary_data\":true}");
            }
            text.raw("}");
        });
    }
    text.raw("}");
}

fn tensor(port: &Port, part: &Part, hidden: bool, text: &mut Text) {
    let (datatype, shape) = match part {
        Part::Whole(tensor) => (tensor.datatype(), tensor.shape()),
        Part::Outline(datatype, shape) => (*datatype, shape.as_slice()),
    };
    text.raw("{\"name\":");
    text.json(&*port.name);
    text.member("datatype", datatype.as_str());
    text.member("shape", shape);
    match part {
        _ if hidden => text.member("redacted", &true),
        Part::Outline(..) => text.member("left_out", &true),
        Part::Whole(tensor) => data(port, tensor, text),
    }
    text.raw("}");
}

fn data(port: &Port, tensor: &Tensor, text: &mut Text) {
    let label = Label::Output(&port.name);
    let mark = text.0.len();
    text.raw(",\"data\":[");
    if codec::write_elements(label, tensor.values(), &mut text.0).is_ok() {
        text.raw("]");
        return;
    }
    text.0.truncate(mark);
    let mut bytes = Vec::new();
    match codec::binary::write(tensor.values(), label, &mut bytes) {
        Ok(()) => {
            text.member("encoding", BASE64);
            text.member("data", &BASE64_STANDARD.encode(bytes));
        }
        // A text of 4 GiB, which no record has room for.
        Err(_) => text.member("left_out", &true),
    }
}

fn is_half(datatype: DataType) -> bool {
    matches!(datatype, DataType::Fp16 | DataType::Bf16)
}

/// A wall time (RFC 3339). Later than the year 9999 cannot be written, nor is it met.
fn time(at_ms: u64) -> String {
    const LAST: u64 = 253_402_300_799_999;
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(at_ms.min(LAST)))
        .to_string()
}

fn cut(sentence: &str) -> &str {
    let end = sentence.floor_char_boundary(SENTENCE);
    &sentence[..end]
}

impl Record {
    /// Whether some of its tensors were too large to be kept.
    fn sheds(&self) -> bool {
        let tensors = [&self.inputs, &self.outputs];
        let mut parts = tensors
            .into_iter()
            .flatten()
            .flat_map(|tensors| &tensors.parts);
        parts.any(|part| matches!(part, Part::Outline(..)))
    }

    /// Lets go of the data of its tensors.
    fn shed(&mut self) {
        for tensors in [&mut self.inputs, &mut self.outputs] {
            tensors.iter_mut().for_each(Tensors::shed);
        }
    }
}

/// The line under construction.
struct Text(Vec<u8>);

impl Text {
    fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn json<T: Serialize + ?Sized>(&mut self, value: &T) {
        serde_json::to_writer(&mut self.0, value)
            .expect("a plain value is written to memory without fail");
    }

    /// A member that is not the first.
    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.raw(",");
        self.json(name);
        self.raw(":");
        self.json(value);
    }

    /// A member, where there is something to say.
    fn said<T: Serialize + ?Sized>(&mut self, name: &str, value: Option<&T>) {
        if let Some(value) = value {
            self.member(name, value);
        }
    }

    fn array<T>(&mut self, items: impl Iterator<Item = T>, mut one: impl FnMut(&mut Self, T)) {
        self.raw("[");
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.raw(",");
            }
            one(self, item);
        }
        self.raw("]");
    }

    fn object<I: Named>(
        &mut self,
        items: impl Iterator<Item = I>,
        mut one: impl FnMut(&mut Self, I),
    ) {
        self.raw("{");
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.raw(",");
            }
            self.json(item.name());
            self.raw(":");
            one(self, item);
        }
        self.raw("}");
    }
}

/// A pair that begins with its name.
trait Named {
    fn name(&self) -> &str;
}

impl<T> Named for (&str, T) {
    fn name(&self) -> &str {
        self.0
    }
}

impl<T> Named for &(&str, T) {
    fn name(&self) -> &str {
        self.0
    }
}

//! ONNX files written by hand: as much of the format's protobuf (`onnx.proto3`, IR version 8) as these models need.

/// A message being written: tags, varints and lengths as in the protobuf encoding.
#[derive(Default)]
pub(crate) struct Message(Vec<u8>);

/// A node's attribute.
pub(crate) enum Attribute<'a> {
    Text(&'a str),
    Ints(&'a [i64]),
    Floats(&'a [f32]),
    Texts(&'a [&'a str]),
}

/// A graph being written.
#[derive(Default)]
pub(crate) struct Graph(Message);

// === impl Message ===

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(mut self, field: u64, value: i64) -> Self {
        self.varint(field << 3);
        self.varint(value as u64);
        self
    }

    fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    fn message(self, field: u64, value: Self) -> Self {
        self.bytes(field, &value.0)
    }

    fn floats(self, field: u64, values: &[f32]) -> Self {
        let packed: Vec<u8> = values.iter().flat_map(|f| f.to_le_bytes()).collect();
        self.bytes(field, &packed)
    }

    fn numbers(self, field: u64, values: &[i64]) -> Self {
        values
            .iter()
            .fold(self, |message, &value| message.number(field, value))
    }
}

// === impl Graph ===

impl Graph {
    /// A node of the standard operators.
    pub(crate) fn node(
        self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attributes: &[(&str, Attribute<'_>)],
    ) -> Self {
        self.node_of("", operator, inputs, &[output], attributes)
    }

    /// A node of another domain, such as `ai.onnx.ml`.
    pub(crate) fn node_of(
        self,
        domain: &str,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, Attribute<'_>)],
    ) -> Self {
        let mut node = Message::default();
        for input in inputs {
            node = node.text(1, input);
        }
        for output in outputs {
            node = node.text(2, output);
        }
        node = node.text(4, operator);
        for (name, attribute) in attributes {
            let written = Message::default().text(1, name);
            // The last field says which of the others holds the value.
            let written = match attribute {
                Attribute::Text(text) => written.text(4, text).number(20, 3),
                Attribute::Floats(floats) => written.floats(7, floats).number(20, 6),
                Attribute::Ints(ints) => written.numbers(8, ints).number(20, 7),
                Attribute::Texts(texts) => texts
                    .iter()
                    .fold(written, |written, text| written.text(9, text))
                    .number(20, 8),
            };
            node = node.message(5, written);
        }
        Self(self.0.message(1, node.text(7, domain)))
    }

    /// Weights, in FP32.
    pub(crate) fn weights(self, name: &str, shape: &[i64], values: &[f32]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|f| f.to_le_bytes()).collect();
        let tensor = Message::default()
            .numbers(1, shape)
            .number(2, FP32)
            .text(8, name)
            .bytes(9, &raw);
        Self(self.0.message(5, tensor))
    }

    /// An input in FP32 whose first axis is free.
    pub(crate) fn input(self, name: &str, row: &[i64]) -> Self {
        Self(self.0.message(11, port(name, FP32, row)))
    }

    /// An output in FP32 whose first axis is free.
    pub(crate) fn output(self, name: &str, row: &[i64]) -> Self {
        Self(self.0.message(12, port(name, FP32, row)))
    }

    /// An output in INT64 whose first axis is free.
    pub(crate) fn labels(self, name: &str) -> Self {
        Self(self.0.message(12, port(name, INT64, &[])))
    }

    /// The whole file.
    pub(crate) fn file(self) -> Vec<u8> {
        let operators = |domain, version| Message::default().text(1, domain).number(2, version);
        let file = Message::default()
            .number(1, 8)
            .message(7, self.0.text(2, "bench"))
            .message(8, operators("", 17))
            .message(8, operators("ai.onnx.ml", 3));
        file.0
    }
}

const FP32: i64 = 1;
const INT64: i64 = 7;

fn port(name: &str, datatype: i64, row: &[i64]) -> Message {
    let mut shape = Message::default().message(1, Message::default().text(2, "N"));
    for &size in row {
        shape = shape.message(1, Message::default().number(1, size));
    }
    let tensor = Message::default().number(1, datatype).message(2, shape);
    let typed = Message::default().message(1, tensor);
    Message::default().text(1, name).message(2, typed)
}

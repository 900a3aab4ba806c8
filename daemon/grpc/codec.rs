//! Messages as bytes: protobuf through `prost`, with a bound on what a message may unfold to and our word for one
//! that is none.
//!
//! How many bytes a message may have is the server's business.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf;
use prost::encoding::{DecodeContext, decode_key, skip_field};
use tonic::Status;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder};
use tonic_prost::{ProstCodec, ProstEncoder};

/// The most fields at the top of a message. An input of two bytes becomes one of hundreds in memory, so that a
/// message within its limit could otherwise become a hundred times as large.
const MAX_FIELDS: usize = 1 << 16;

/// The codec that the generated server uses.
#[derive(Debug)]
pub struct Codec<T, U>(PhantomData<(T, U)>);

/// Decodes one message.
#[derive(Debug)]
pub struct Bounded<U>(PhantomData<U>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> tonic::codec::Codec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = Bounded<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        Bounded(PhantomData)
    }
}

impl<U: Message + Default> Decoder for Bounded<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        message(buffer).map(Some)
    }
}

/// The message that bytes are, which lie in one piece.
pub(super) fn message<U: Message + Default>(bytes: impl Buf) -> Result<U, Status> {
    if too_many_fields(bytes.chunk()) {
        return Err(Status::invalid_argument(format!(
            "message: expected at most {MAX_FIELDS} inputs, outputs and parameters together, got more"
        )));
    }
    U::decode(bytes).map_err(|broken| {
        Status::invalid_argument(format!("message: expected one of the protocol: {broken}"))
    })
}

/// Whether a message has more fields at its top than it may. What does not decode has as many as decode.
fn too_many_fields(mut message: &[u8]) -> bool {
    // A field takes two bytes at least.
    if message.len() / 2 <= MAX_FIELDS {
        return false;
    }
    for _ in 0..MAX_FIELDS {
        let skipped = decode_key(&mut message)
            .and_then(|(tag, wire)| skip_field(wire, tag, &mut message, DecodeContext::default()));
        if skipped.is_err() || message.is_empty() {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::proto::ModelInferRequest;
    use crate::grpc::proto::model_infer_request::InferInputTensor;

    #[test]
    fn fields_are_counted_before_anything_is_made_of_them() {
        let request = |inputs| ModelInferRequest {
            inputs: vec![InferInputTensor::default(); inputs],
            ..ModelInferRequest::default()
        };
        assert!(!too_many_fields(&request(MAX_FIELDS).encode_to_vec()));
        assert!(too_many_fields(&request(MAX_FIELDS + 1).encode_to_vec()));
        let large = ModelInferRequest {
            raw_input_contents: vec![vec![0; 1 << 20].into()],
            ..ModelInferRequest::default()
        };
        assert!(!too_many_fields(&large.encode_to_vec()));
        assert!(!too_many_fields(&[0xff; 1 << 20]));
    }
}

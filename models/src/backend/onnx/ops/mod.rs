//! Operators that the engine lacks, or has too slowly: `ai.onnx.ml`, strings and text.
//!
//! Each family's file holds its attributes and its arithmetic, no more. The engine knows operators by their
//! name alone, whatever their domain, so `register` is the whole list. Graphs are not looked at here: what
//! has to be rewritten before the engine sees it (ZipMap) is the loader's.

mod cast;
mod categories;
mod distances;
mod features;
mod flatten;
mod kernel;
mod label_encoder;
mod linear;
mod nearness;
mod node;
mod numeric;
mod patterns;
mod quantize;
mod scores;
mod select;
mod strings;
mod svm;
mod tensors;
mod text;
mod tfidf;
mod trees;

use std::collections::HashMap;

use foldhash::fast::RandomState;
use tract_onnx::Onnx;

use categories::{CategoryMapper, OneHotEncoder};
use distances::CDist;
use features::{ArrayFeatureExtractor, FeatureVectorizer};
use kernel::operator;
use linear::{LinearClassifier, LinearRegressor};
use node::Node;
use numeric::{Binarizer, Imputer, Normalizer, Scaler};
use select::{Compress, Unique};
use strings::{RegexFullMatch, StringConcat, StringSplit};
use svm::{SvmClassifier, SvmRegressor};
use text::{StringNormalizer, Tokenizer};
use tfidf::TfIdfVectorizer;

#[cfg(test)]
mod tests;

/// What the values of requests are looked up in. The keys are the model's, so quick hashing is no risk.
type Table<K, V> = HashMap<K, V, RandomState>;

/// Adds our operators to the engine's, in place of its own where it has some of the same name.
pub(crate) fn register(onnx: &mut Onnx) {
    macro_rules! operators {
        ($($name:literal => $read:expr,)*) => {$(
            onnx.op_register.insert($name, |context, proto| {
                let read: fn(&Node) -> tract_onnx::prelude::TractResult<_> = $read;
                Ok(operator($name, proto, read(&Node { context, proto })?))
            });
        )*};
    }
    operators! {
        "ArrayFeatureExtractor" => |_| Ok(ArrayFeatureExtractor),
        "Binarizer" => Binarizer::read,
        "CDist" => CDist::read,
        "CategoryMapper" => CategoryMapper::read,
        "Compress" => Compress::read,
        "FeatureVectorizer" => FeatureVectorizer::read,
        "Imputer" => Imputer::read,
        "LabelEncoder" => label_encoder::read,
        "LinearClassifier" => LinearClassifier::read,
        "LinearRegressor" => LinearRegressor::read,
        "Normalizer" => Normalizer::read,
        "OneHotEncoder" => OneHotEncoder::read,
        "Scaler" => Scaler::read,
        "RegexFullMatch" => RegexFullMatch::read,
        "SVMClassifier" => SvmClassifier::read,
        "SVMRegressor" => SvmRegressor::read,
        "StringConcat" => |_| Ok(StringConcat),
        "StringNormalizer" => StringNormalizer::read,
        "StringSplit" => StringSplit::read,
        "TfIdfVectorizer" => TfIdfVectorizer::read,
        "Tokenizer" => Tokenizer::read,
        "TreeEnsemble" => trees::Regressor::read_ensemble,
        "TreeEnsembleClassifier" => trees::Classifier::read,
        "TreeEnsembleRegressor" => trees::Regressor::read,
        "Unique" => Unique::read,
    }
    onnx.op_register.insert("Cast", cast::read);
    onnx.op_register.insert("Flatten", flatten::read);
    quantize::register(onnx);
    for name in ["CastMap", "DictVectorizer"] {
        onnx.op_register.insert(name, |context, proto| {
            let complaint = "it reads maps, which no tensor carries; export with a tensor as input";
            Err(Node { context, proto }.refused(complaint))
        });
    }
}

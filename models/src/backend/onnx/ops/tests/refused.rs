//! What our operators refuse, at load and at inference, and that they say where and why.

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto,
    TypeProto, ValueInfoProto, tensor_proto, tensor_shape_proto, type_proto,
};
use tract_onnx::tract_hir::internal::*;

enum Attribute<'a> {
    Int(i64),
    Text(&'a str),
    Ints(&'a [i64]),
    Floats(&'a [f32]),
    Texts(&'a [&'a str]),
}
use Attribute::{Floats, Int, Ints, Text, Texts};

/// A file of one node "the node", whose inputs are N rows of `columns` elements.
fn load(
    operator: &str,
    attributes: &[(&str, Attribute)],
    inputs: &[(tensor_proto::DataType, i64)],
) -> TractResult<Arc<TypedRunnableModel>> {
    let attribute = |(name, value): &(&str, Attribute)| {
        let (name, mut made) = (name.to_string(), AttributeProto::default());
        let kind = match value {
            Int(value) => {
                made.i = *value;
                AttributeType::Int
            }
            Text(value) => {
                made.s = value.as_bytes().to_vec();
                AttributeType::String
            }
            Ints(values) => {
                made.ints = values.to_vec();
                AttributeType::Ints
            }
            Floats(values) => {
                made.floats = values.to_vec();
                AttributeType::Floats
            }
            Texts(values) => {
                made.strings = values.iter().map(|text| text.as_bytes().to_vec()).collect();
                AttributeType::Strings
            }
        };
        AttributeProto {
            name,
            r#type: kind as i32,
            ..made
        }
    };
    let input = |(i, (datatype, columns)): (usize, &(tensor_proto::DataType, i64))| {
        use tensor_shape_proto::dimension::Value;
        let dim = |value| tensor_shape_proto::Dimension {
            value: Some(value),
            ..Default::default()
        };
        let shape = TensorShapeProto {
            dim: vec![
                dim(Value::DimParam("N".into())),
                dim(Value::DimValue(*columns)),
            ],
        };
        let tensor = type_proto::Tensor {
            elem_type: *datatype as i32,
            shape: Some(shape),
        };
        let r#type = TypeProto {
            value: Some(type_proto::Value::TensorType(tensor)),
            ..Default::default()
        };
        ValueInfoProto {
            name: format!("x{i}"),
            r#type: Some(r#type),
            ..Default::default()
        }
    };
    let node = NodeProto {
        name: "the node".into(),
        op_type: operator.into(),
        attribute: attributes.iter().map(attribute).collect(),
        input: (0..inputs.len()).map(|i| format!("x{i}")).collect(),
        output: vec!["y".into()],
        ..Default::default()
    };
    let graph = GraphProto {
        node: vec![node],
        input: inputs.iter().enumerate().map(input).collect(),
        output: vec![ValueInfoProto {
            name: "y".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let opset = |domain: &str, version| OperatorSetIdProto {
        domain: domain.into(),
        version,
    };
    let file = ModelProto {
        graph: Some(graph),
        opset_import: vec![opset("", 17), opset("ai.onnx.ml", 3)],
        ..Default::default()
    };
    let mut onnx = tract_onnx::onnx();
    super::super::register(&mut onnx);
    onnx.parse(&file, None)?
        .model
        .into_optimized()?
        .into_runnable()
}

const FLOAT: tensor_proto::DataType = tensor_proto::DataType::Float;
const INT: tensor_proto::DataType = tensor_proto::DataType::Int64;
const STRING: tensor_proto::DataType = tensor_proto::DataType::String;

fn check(
    operator: &str,
    attributes: &[(&str, Attribute)],
    datatype: tensor_proto::DataType,
    complaints: &[&str],
) {
    let refused = load(operator, attributes, &[(datatype, 2)]).err();
    let refused = refused.unwrap_or_else(|| panic!("{operator} loads"));
    let refused = format!("{refused:#}");
    for complaint in complaints.iter().chain(&["the node", operator]) {
        assert!(
            refused.contains(complaint),
            "{operator}: {refused:?} without {complaint:?}"
        );
    }
}

#[test]
fn bad_attributes_name_the_node_the_operator_and_the_attribute() {
    check("Scaler", &[], FLOAT, &["offset"]);
    check(
        "Scaler",
        &[("offset", Floats(&[0.])), ("scale", Floats(&[1., 2.]))],
        FLOAT,
        &["offset", "1 values", "2"],
    );
    check("Imputer", &[], FLOAT, &["imputed_value_floats"]);
    check(
        "Normalizer",
        &[("norm", Text("L3"))],
        FLOAT,
        &["norm", "L3"],
    );
    check("OneHotEncoder", &[], INT, &["cats_int64s"]);
    check(
        "OneHotEncoder",
        &[("cats_int64s", Ints(&[1])), ("cats_strings", Texts(&["a"]))],
        INT,
        &["given too"],
    );
    check(
        "LabelEncoder",
        &[("keys_int64s", Ints(&[1]))],
        INT,
        &["values_tensor"],
    );
    check(
        "LabelEncoder",
        &[
            ("keys_int64s", Ints(&[1])),
            ("values_floats", Floats(&[1., 2.])),
        ],
        INT,
        &["2 values"],
    );
    check(
        "FeatureVectorizer",
        &[("inputdimensions", Ints(&[-1]))],
        FLOAT,
        &["inputdimensions", "negative"],
    );
    check(
        "LinearRegressor",
        &[("coefficients", Floats(&[1.])), ("targets", Int(0))],
        FLOAT,
        &["targets"],
    );
    let labels = ("classlabels_ints", Ints(&[0, 1, 2]));
    check(
        "LinearClassifier",
        &[labels, ("coefficients", Floats(&[1., 2.]))],
        FLOAT,
        &["coefficients", "3 outputs"],
    );
    check(
        "SVMRegressor",
        &[("coefficients", Floats(&[1., 2.]))],
        FLOAT,
        &["rho"],
    );
    check(
        "TfIdfVectorizer",
        &[("mode", Text("TF"))],
        STRING,
        &["min_gram_length"],
    );
    check(
        "Tokenizer",
        &[("tokenexp", Text("(a"))],
        STRING,
        &["tokenexp", "(a"],
    );
    check(
        "Tokenizer",
        &[("tokenexp", Text("a")), ("mincharnum", Int(0))],
        STRING,
        &["mincharnum"],
    );
    check(
        "RegexFullMatch",
        &[("pattern", Text("[a"))],
        STRING,
        &["pattern"],
    );
    check("DictVectorizer", &[], STRING, &["maps"]);
    check("CastMap", &[], STRING, &["maps"]);
}

#[test]
fn sizes_beyond_memory_are_refused() {
    let most = [i64::MAX, i64::MAX];
    check(
        "LinearRegressor",
        &[("coefficients", Floats(&[1.])), ("targets", Int(i64::MAX))],
        FLOAT,
        &["targets"],
    );
    check(
        "TreeEnsembleRegressor",
        &[("n_targets", Int(i64::MAX))],
        FLOAT,
        &["n_targets"],
    );
    check(
        "FeatureVectorizer",
        &[("inputdimensions", Ints(&most[..1]))],
        FLOAT,
        &["inputdimensions"],
    );
    let labels = ("classlabels_ints", Ints(&[0, 1]));
    check(
        "SVMClassifier",
        &[labels, ("vectors_per_class", Ints(&most))],
        FLOAT,
        &["support_vectors"],
    );
    let grams = [
        ("ngram_counts", Ints(&[0])),
        ("ngram_indexes", Ints(&most[..1])),
        ("pool_int64s", Ints(&[1])),
    ];
    let lengths = [
        ("mode", Text("TF")),
        ("min_gram_length", Int(1)),
        ("max_gram_length", Int(1)),
    ];
    check(
        "TfIdfVectorizer",
        &[grams, lengths].into_iter().flatten().collect::<Vec<_>>(),
        INT,
        &["ngram_indexes"],
    );
}

#[test]
fn broken_trees_are_refused() {
    let tree = |mode, yes: &'static [i64], target| {
        let lists = [
            ("nodes_treeids", Ints(&[0, 0, 0])),
            ("nodes_nodeids", Ints(&[0, 1, 2])),
            ("nodes_featureids", Ints(&[0, 0, 0])),
            ("nodes_falsenodeids", Ints(&[2, 0, 0])),
            ("nodes_values", Floats(&[0., 0., 0.])),
            ("target_treeids", Ints(&[0])),
            ("target_nodeids", Ints(&[2])),
            ("target_weights", Floats(&[1.])),
        ];
        let modes: &[&str] = mode;
        let attributes = [
            ("nodes_modes", Texts(modes)),
            ("nodes_truenodeids", Ints(yes)),
            ("target_ids", Ints(target)),
        ];
        lists.into_iter().chain(attributes).collect::<Vec<_>>()
    };
    let modes = &["BRANCH_LEQ", "LEAF", "LEAF"];
    load(
        "TreeEnsembleRegressor",
        &tree(modes, &[1, 0, 0], &[0]),
        &[(FLOAT, 2)],
    )
    .expect("this tree is whole");
    check(
        "TreeEnsembleRegressor",
        &tree(modes, &[7, 0, 0], &[0]),
        FLOAT,
        &["nodes_truenodeids", "no node 7"],
    );
    check(
        "TreeEnsembleRegressor",
        &tree(modes, &[1, 0, 0], &[5]),
        FLOAT,
        &["votes for 5 of 1"],
    );
    check(
        "TreeEnsembleRegressor",
        &tree(&["BRANCH_IS", "LEAF", "LEAF"], &[1, 0, 0], &[0]),
        FLOAT,
        &["BRANCH_IS"],
    );
    let circle = tree(&["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"], &[1, 1, 0], &[0]);
    check(
        "TreeEnsembleRegressor",
        &circle,
        FLOAT,
        &["nodes_nodeids", "no root"],
    );
}

#[test]
fn inputs_that_do_not_fit_are_refused_at_load() {
    check(
        "Scaler",
        &[("offset", Floats(&[0.; 3])), ("scale", Floats(&[1.; 3]))],
        FLOAT,
        &["3 features, got 2"],
    );
    check(
        "Scaler",
        &[("offset", Floats(&[0.])), ("scale", Floats(&[1.]))],
        STRING,
        &["takes numbers"],
    );
    check(
        "OneHotEncoder",
        &[("cats_int64s", Ints(&[1]))],
        STRING,
        &["another datatype"],
    );
    check(
        "LabelEncoder",
        &[("keys_int64s", Ints(&[1])), ("values_int64s", Ints(&[1]))],
        STRING,
        &["keys"],
    );
    check(
        "RegexFullMatch",
        &[("pattern", Text("a"))],
        FLOAT,
        &["takes strings"],
    );
}

#[test]
fn values_that_do_not_fit_are_errors_and_not_panics() {
    let encoder = load(
        "OneHotEncoder",
        &[("cats_int64s", Ints(&[1])), ("zeros", Int(0))],
        &[(INT, 2)],
    );
    let refused = encoder
        .expect("it loads")
        .run(tvec![tensor2(&[[1i64, 9]]).into_tvalue()]);
    assert!(format!("{:#}", refused.expect_err("9 is unknown")).contains("unknown category 9"));

    let extractor = load("ArrayFeatureExtractor", &[], &[(FLOAT, 2), (INT, 1)]).expect("it loads");
    for column in [2i64, -1] {
        let inputs = tvec![
            tensor2(&[[1f32, 2.]]).into_tvalue(),
            tensor2(&[[column]]).into_tvalue()
        ];
        let refused = format!(
            "{:#}",
            extractor.run(inputs).expect_err("there are two columns")
        );
        assert!(
            refused.contains(&format!("column {column} of 2")),
            "{refused}"
        );
    }
}

#[test]
fn the_batch_axis_stays_a_symbol() {
    let scaler = load(
        "Scaler",
        &[("offset", Floats(&[0.])), ("scale", Floats(&[1.]))],
        &[(FLOAT, 2)],
    );
    let scaler = scaler.expect("it loads");
    let fact = scaler.model().output_fact(0).expect("a fact");
    assert_eq!(format!("{:?}", fact.shape.to_tvec()), "[Sym(N), Val(2)]");
    for rows in [0, 1, 5] {
        let x = Tensor::zero::<f32>(&[rows, 2])
            .expect("zeros")
            .into_tvalue();
        assert_eq!(
            scaler.run(tvec![x]).expect("any batch")[0].shape(),
            [rows, 2]
        );
    }
}

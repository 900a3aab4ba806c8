//! A request of three rows that the tests of expressions read.

mod cel;
mod problems;
mod rubbish;
mod values;

use impresario_models::{DataType, Dim, Element, Port, Tensor};

use super::{Expression, Outcome, Parameters, Scalar, Scope, Unfit};
use crate::combine::Fault;
use crate::spec::composite::Reference;
use crate::spec::nearest;

/// A request, and what nodes answered.
struct World {
    batched: bool,
    rows: usize,
    values: Vec<(&'static str, Port, Tensor)>,
    parameters: Parameters,
}

impl World {
    /// Nothing to read, of so many rows.
    fn empty(batched: bool, rows: usize) -> Self {
        Self {
            batched,
            rows,
            values: Vec::new(),
            parameters: Parameters::new(),
        }
    }

    /// With a value of these axes, behind that of the rows where there are rows.
    fn with<T: Element>(mut self, name: &'static str, axes: &[usize], elements: Vec<T>) -> Self {
        let rows = self.batched.then_some(self.rows);
        let shape: Vec<usize> = rows.into_iter().chain(axes.iter().copied()).collect();
        let mut dims: Vec<Dim> = shape.iter().map(|&axis| Dim::Fixed(axis)).collect();
        if self.batched {
            dims[0] = Dim::Free(None);
        }
        let port = Port::new(name, T::DATATYPE, dims);
        let tensor = Tensor::of(shape, elements).unwrap();
        self.values.push((name, port, tensor));
        self
    }

    fn parameter(mut self, name: &str, is: Scalar) -> Self {
        self.parameters.insert(name.into(), is);
        self
    }

    /// What an expression comes to.
    fn evaluate(&self, text: &str) -> Result<Result<Outcome, Fault>, Vec<Unfit>> {
        let (expression, references) = Expression::check(text, self, self.batched)?;
        assert_eq!(Expression::references(text).as_ref(), Ok(&references));
        let find = |reference: &Reference| {
            let name = reference.to_string();
            let known = self.values.iter().find(|(known, ..)| *known == name);
            &known.expect("it was looked up before").2
        };
        let values: Vec<_> = references.iter().map(find).collect();
        let rows = self.batched.then_some(self.rows);
        let outcome = expression.evaluate(&values, &self.parameters, rows);
        if let Ok(outcome) = &outcome {
            assert_eq!(
                matches!(outcome, Outcome::Rows(_)),
                expression.by_row(),
                "{text}"
            );
            let tensor = outcome.clone().into_tensor(rows);
            assert_eq!(tensor.datatype(), expression.port().datatype, "{text}");
            assert_eq!(tensor.shape(), [rows.unwrap_or(1)], "{text}");
        }
        Ok(outcome)
    }

    /// The same in words.
    fn say(&self, text: &str) -> String {
        match self.evaluate(text) {
            Ok(Ok(Outcome::One(scalar))) => format!("{scalar:?} for all"),
            Ok(Ok(Outcome::Rows(tensor))) => match tensor.as_slice::<Vec<u8>>() {
                Some(texts) => {
                    let texts = texts.iter().map(|it| String::from_utf8_lossy(it));
                    format!("Text({:?})", texts.collect::<Vec<_>>())
                }
                None => format!("{:?}", tensor.values()),
            },
            Ok(Err(fault)) => format!("fault: {fault}"),
            Err(problems) => problems.iter().map(say).collect::<Vec<_>>().join("\n  "),
        }
    }

    /// A table of expressions and what they come to.
    fn table(&self, texts: &[&str]) -> String {
        let lines = texts
            .iter()
            .map(|text| format!("{text}\n  {}\n", self.say(text)));
        lines.collect()
    }
}

impl Scope for World {
    fn port(&self, reference: &Reference) -> Result<Port, (String, Option<String>)> {
        let name = reference.to_string();
        let known = self.values.iter().find(|(known, ..)| *known == name);
        known.map(|(_, port, _)| port.clone()).ok_or_else(|| {
            let near = nearest(&name, self.values.iter().map(|(known, ..)| *known));
            let hint = near.map(|near| format!("did you mean '{near}'?"));
            (
                format!("expected a value that there is, got '{name}'"),
                hint,
            )
        })
    }
}

fn say(problem: &Unfit) -> String {
    let Unfit {
        at,
        code,
        message,
        hint,
    } = problem;
    let hint = hint
        .as_ref()
        .map_or_else(String::new, |hint| format!(" ({hint})"));
    format!("{code} at {at}: {message}{hint}")
}

fn texts(of: &[&str]) -> Vec<Vec<u8>> {
    of.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Three rows of everything.
fn rows() -> World {
    World::empty(true, 3)
        .with("request.n", &[], vec![0_i64, 1, 5])
        .with("request.x", &[1], vec![0.5_f64, -1.5, f64::NAN])
        .with("request.small", &[], vec![7_i8, -7, 0])
        .with("request.big", &[], vec![1_u64, 2, u64::MAX])
        .with("request.flag", &[], vec![true, false, true])
        .with("request.tag", &[], texts(&["Gold", " b ", "ß"]))
        .with("request.raw", &[], vec![b"a".to_vec(), vec![0xFF], vec![]])
        .with("request.tags", &[2], texts(&["a", "b", "b", "c", "", "a"]))
        .with("request.whole", &[2], vec![1_i64, 2, 4, 3, i64::MAX, 1])
        .with("request.none", &[0], Vec::<f32>::new())
        .with(
            "request.image",
            &[2, 2],
            (0..12_u8).map(f32::from).collect(),
        )
        .with("request.my input", &[], vec![1_i32, 2, 3])
        .with(
            "cheap.probability",
            &[3],
            vec![0.5_f32, 0.25, 0.25, 0.0, 0.95, 0.05, 0.5, f32::NAN, 0.5],
        )
        .with("strong", &[], vec![0.25_f32, 0.5, 0.75])
        .parameter("tier", Scalar::Text("gold".into()))
        .parameter("limit", Scalar::Int(2))
        .parameter("share", Scalar::Float(0.25))
        .parameter("on", Scalar::Bool(true))
        .parameter("x-y", Scalar::Int(7))
}

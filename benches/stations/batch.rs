//! Station 3 of a request's walk: the rows of several requests joined for the engine, and its answers split again.

use std::hint::black_box;

use impresario::models::Tensor;
use impresario::models::batch::{join, split};

use super::{Case, number};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (requests, columns) in [(1, 4), (64, 4), (64, 784)] {
        let rows: Vec<[Tensor; 1]> = (0..requests).map(|_| [tensor(1, columns)]).collect();
        let bytes = requests * columns * 4;
        let name = format!("join/{requests}x{columns}");
        cases.push(Case::each(&name, bytes, move || {
            let requests: Vec<&[Tensor]> = rows.iter().map(<[Tensor; 1]>::as_slice).collect();
            black_box(join(black_box(&requests)).expect("the requests are alike"));
        }));
    }
    for (requests, columns) in [(1, 3), (64, 3), (64, 1_000)] {
        let answer = tensor(requests, columns);
        let rows = vec![1; requests];
        let name = format!("split/{requests}x{columns}");
        cases.push(Case::each(&name, requests * columns * 4, move || {
            // An answer is taken apart, so each time needs its own: the copy is counted with it.
            let answers = split(black_box(vec![answer.clone()]), &rows);
            black_box(answers.expect("there is a row for each request"));
        }));
    }
    cases
}

fn tensor(rows: usize, columns: usize) -> Tensor {
    let numbers = (0..rows * columns).map(number).collect();
    Tensor::of(vec![rows, columns], numbers).expect("the shape is that of the numbers")
}

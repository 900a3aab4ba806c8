//! Times engines: networks on each engine that takes them, 1, 8 and 64 rows a call, in microseconds.
//!
//! These are the engines' own loops, which the daemon under load is compared with. ONNX Runtime is timed where its
//! library is found.

#[path = "load/models/mod.rs"]
#[allow(dead_code, reason = "shared with the load bench")]
mod models;
#[allow(dead_code, reason = "shared with the bench of trees")]
mod side;

use impresario::models::Tensor;
use models::ALL;
use side::{BATCHES, Bench, time};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bench = Bench::new()?;
    println!("| model | engine | 1 row | 8 rows | 64 rows |");
    println!("|---|---|---:|---:|---:|");
    for heavy in ALL {
        heavy.write(bench.repository())?;
        let (said, engine) = (heavy.kind.said(), heavy.engine.word());
        let model = match bench.load(&heavy.name()) {
            Ok(model) => model,
            Err(error) => {
                println!("| {said} | {engine} | not timed: {error} | | |");
                continue;
            }
        };
        let (_, row) = heavy.kind.row();
        let width: usize = row.iter().product();
        let mut line = format!("| {said} | {engine} |");
        for rows in BATCHES {
            let numbers = (0..rows * width).map(|at| (at as f32 * 0.618_034).fract() * 2.0 - 1.0);
            let input = Tensor::of([vec![rows], row.clone()].concat(), numbers.collect())?;
            line += &format!(" {:.1} |", time(&*model, &[input])?);
        }
        println!("{line}");
    }
    Ok(())
}

//! The whole process under load, beside what users would pick instead and beside the engines alone, in one run on one
//! machine. Everything is printed as Markdown; a part can be asked for alone.
//!
//! `cargo bench --bench load -- [--seconds 5] [--rounds 3] [--only tiny,open,heavy,memory] [--workers N]
//! [--no-pin] [--no-peers] [--sleep]`

mod bare;
mod client;
mod grpc;
mod heavy;
mod memory;
mod models;
mod open;
mod own;
mod peers;
mod plan;
mod process;
mod report;
mod runtime;
mod tiny;

use std::error::Error;
use std::path::{Path, PathBuf};

use plan::{Part, Plan};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.split_first() {
        Some((flag, [kind, workers])) if flag == bare::FLAG => {
            return bare::serve(kind, workers.parse()?);
        }
        Some((flag, rest)) if flag == own::FLAG => return own::run(rest),
        _ => {}
    }
    let Some(plan) = Plan::read(&args)? else {
        return Ok(());
    };
    report::machine(&plan.place);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    for part in &plan.parts {
        match part {
            Part::Tiny => runtime.block_on(awake(&plan, tiny::closed(&plan)))?,
            Part::Open => runtime.block_on(open::at_half(&plan))?,
            Part::Heavy => runtime.block_on(heavy::batched(&plan))?,
            Part::Memory => runtime.block_on(memory::alone(&plan))?,
        }
    }
    Ok(())
}

/// Does a part, and never lets the thread sleep meanwhile where the plan says so: what has nothing to do looks again.
async fn awake<T>(plan: &Plan, part: impl Future<Output = T>) -> T {
    let restless = plan.keeps_awake().then(|| {
        tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        })
    });
    let done = part.await;
    if let Some(restless) = restless {
        restless.abort();
    }
    done
}

fn quickstart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart/models")
}

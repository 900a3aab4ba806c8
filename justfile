# Commands for those who work on Impresario. `just` lists them.

default:
    @just --list

# Format everything.
fmt:
    cargo fmt --all

# Lints, as CI runs them.
lint:
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# The tests.
test:
    cargo test

# All that CI checks.
check:
    bash .ci/run

# Micro-benches, one per station of a request's walk.
bench:
    cargo bench

# Instructions of each station beside the kept baseline; `--update` renews it. Needs valgrind.
instructions *ARGS:
    cargo bench --bench instructions -- --compare {{ARGS}}

# A decoder under libFuzzer, for ever or as ARGS say (`just fuzz json -max_total_time=60`); targets: json, mixed, raw, grpc.
# Needs `rustup toolchain install nightly` and `cargo install cargo-fuzz`.
fuzz TARGET *ARGS:
    mkdir -p target/fuzz/{{TARGET}}
    cargo +nightly fuzz run --fuzz-dir tests/fuzz --target-dir target/fuzz {{TARGET}} \
        target/fuzz/{{TARGET}} tests/fuzz/seeds/{{TARGET}} -- {{ARGS}}

# The long form of the simulations that CI runs with few seeds: how often sound canaries are aborted, how soon bad ones are.
simulate SEEDS="1000":
    SEEDS={{SEEDS}} cargo test --release -p impresario-pipelines --test analysis -- --nocapture

# The whole-process load bench: the release binary beside bare handlers, Python servers and the engines' own loops.
bench-load *ARGS:
    cargo bench --bench load -- {{ARGS}}

# What lies in deploy/: rules, dashboards, manifests. ARGS may be the admin address of a running daemon.
check-deploy *ARGS:
    bash deploy/check.sh {{ARGS}}

# Serve the quickstart's models.
demo:
    cargo run --release -- serve --config examples/quickstart/impresario.toml

# An example's story, told with the real daemon in a minute: canary, experiment, shadow, bandit or composite.
story NAME:
    cargo build --release
    cargo run --release --example {{NAME}}

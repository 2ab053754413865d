//! Benchmarks as one command: `sgl_benches compile | mask MODEL | constraints MODEL CASES | engine MODEL THREADS`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "prints figures")]

mod compile;
mod constraints;
mod engine;
mod mask;
mod median;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str =
    "usage: sgl_benches compile | mask MODEL.gguf | constraints MODEL.gguf CASES.json | engine MODEL.gguf THREADS";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["compile"] => compile::run(),
        ["mask", model] => mask::run(Path::new(model)),
        ["constraints", model, cases] => constraints::run(Path::new(model), Path::new(cases)),
        ["engine", model, threads] => match threads.parse() {
            Ok(threads) => engine::run(Path::new(model), threads),
            Err(_) => Err(USAGE.to_string()),
        },
        _ => Err(USAGE.to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

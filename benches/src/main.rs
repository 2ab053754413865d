//! Benchmarks as one command: `sgl_benches compile | pure | image | scheduler | mask MODEL | constraints MODEL CASES |
//! hits MODEL | planted MODEL | exact VOCABULARY CASES STATES | engine MODEL THREADS | beside MODEL THREADS CASE |
//! records MODEL THREADS ROUNDS | rows MODEL THREADS |
//! programs MODEL LOAD [--record FILE] [SWITCH…] | soak MODEL THREADS MINUTES SEED`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "prints figures")]

mod beside;
mod compile;
mod constraints;
mod engine;
mod exact;
mod hits;
mod image;
mod mask;
mod median;
mod planted;
mod programs;
mod project;
mod pure;
mod records;
mod rows;
mod soak;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: sgl_benches compile | pure | image | scheduler | mask MODEL.gguf | \
    hits MODEL.gguf [PROGRAM…] | planted MODEL.gguf | constraints MODEL.gguf CASES.json | \
    exact MODEL.gguf|VOCABULARY.json CASES.json STATES | engine MODEL.gguf THREADS | beside MODEL.gguf THREADS CASE | \
    records MODEL.gguf THREADS ROUNDS | rows MODEL.gguf THREADS | \
    programs MODEL.gguf LOAD [--record FILE] [SWITCH…] | soak MODEL.gguf THREADS MINUTES SEED";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["compile"] => compile::run().and_then(|()| project::run()),
        ["scheduler"] => {
            engine::scheduler();
            Ok(())
        }
        ["programs", model, load, "--record", file, switches @ ..] => {
            programs::run(Path::new(model), load, Some(file), switches)
        }
        ["programs", model, load, switches @ ..] => programs::run(Path::new(model), load, None, switches),
        ["beside", model, threads, case] => match threads.parse() {
            Ok(threads) => beside::run(Path::new(model), threads, case),
            Err(_) => Err(USAGE.to_string()),
        },
        ["soak", model, threads, minutes, seed] => match (threads.parse(), minutes.parse(), seed.parse()) {
            (Ok(threads), Ok(minutes), Ok(seed)) => soak::run(Path::new(model), threads, minutes, seed),
            _ => Err(USAGE.to_string()),
        },
        ["pure"] => pure::run(),
        ["hits", model, programs @ ..] => hits::run(Path::new(model), programs),
        ["planted", model] => planted::run(Path::new(model)),
        ["image"] => image::run(),
        ["mask", model] => mask::run(Path::new(model)),
        ["constraints", model, cases] => constraints::run(Path::new(model), Path::new(cases)),
        ["exact", vocabulary, cases, states] => match states.parse() {
            Ok(states) => exact::run(Path::new(vocabulary), Path::new(cases), states),
            Err(_) => Err(USAGE.to_string()),
        },
        ["engine", model, threads] => match threads.parse() {
            Ok(threads) => engine::run(Path::new(model), threads),
            Err(_) => Err(USAGE.to_string()),
        },
        ["records", model, threads, rounds] => match (threads.parse(), rounds.parse()) {
            (Ok(threads), Ok(rounds)) => records::run(Path::new(model), threads, rounds),
            _ => Err(USAGE.to_string()),
        },
        ["rows", model, threads] => match threads.parse() {
            Ok(threads) => rows::run(Path::new(model), threads),
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

/// A line of figures.
fn print(line: &str) {
    println!("{line}");
}

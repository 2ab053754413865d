//! The engine in simulation for a long time, or one seed again.
//!
//! ```text
//! cargo run --release -p sgl_engine --example soak -- steps 10000000
//! cargo run -p sgl_engine --example soak -- replay SEED ACTIONS
//! ```
//! Every step is checked; every answer is compared with computing it alone. Prints a line per million steps.

use sgl_engine::simulate::{Simulator, Summary};
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

/// Actions of the programs of one seed.
const ACTIONS: usize = 200;

fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").ok();
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["replay", seed, actions] => match (seed.parse(), actions.parse()) {
            (Ok(seed), Ok(actions)) => say(&format!("{:?}", Simulator::new().run(seed, actions))),
            _ => return ExitCode::from(2),
        },
        ["steps", steps] => match steps.parse() {
            Ok(steps) => soak(steps),
            Err(_) => return ExitCode::from(2),
        },
        _ => {
            say("usage: soak steps COUNT | replay SEED ACTIONS");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn soak(steps: u64) {
    let (started, mut simulator, mut all, mut seed) = (Instant::now(), Simulator::new(), Summary::default(), 1_000_000);
    let mut reported = 0;
    while all.steps < steps {
        seed += 1;
        all.add(&simulator.run(seed, ACTIONS));
        if all.steps / 1_000_000 > reported {
            reported = all.steps / 1_000_000;
            say(&format!("{reported} million steps, {} seeds, {:.0?}", seed - 1_000_000, started.elapsed()));
        }
    }
    say(&format!("{all:#?}\n{} seeds, {:.1?}: nothing was lost, nothing leaked", seed - 1_000_000, started.elapsed()));
}

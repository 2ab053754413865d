//! Random programs through every oracle. `SEED=n` repeats one and prints it; `COUNT=n` runs more or fewer.

use sgl_tests::generate::program;
use sgl_tests::oracle;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Programs per run.
const COUNT: u64 = 10_000;
/// Failures that are reported before the run gives up.
const FAILURES_MAX: usize = 3;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn random_programs_check_run_format_and_are_kept_by_the_passes() {
    if let Some(seed) = number("SEED") {
        let generated = program(seed);
        println!("{}", generated.text);
        oracle::check(&generated, seed).unwrap_or_else(|reason| panic!("seed {seed}: {reason}"));
        return;
    }
    let count = number("COUNT").unwrap_or(COUNT);
    let next = AtomicU64::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= count || failures.lock().expect("no thread panics with it").len() >= FAILURES_MAX {
                        return;
                    }
                    let outcome = std::panic::catch_unwind(|| oracle::check(&program(seed), seed));
                    let outcome = outcome.unwrap_or_else(|_| Err("panics".to_string()));
                    if let Err(reason) = outcome {
                        failures.lock().expect("no thread panics with it").push((seed, reason));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("the threads have ended");
    let told: Vec<String> =
        failures.iter().map(|(seed, reason)| format!("{}\nSEED={seed} {reason}", program(*seed).text)).collect();
    assert!(told.is_empty(), "{}", told.join("\n=====\n"));
}

#[test]
fn a_seed_always_makes_the_same_program() {
    for seed in 0..50 {
        assert_eq!(program(seed).text, program(seed).text);
    }
}

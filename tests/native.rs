//! Pure functions as code do what the interpreter does: results, faults with their places and calls, and steps.
//! `SEED=n` repeats one and prints it; `COUNT=n` runs more or fewer.

use sgl_tests::generate::functions;
use sgl_tests::native::{Ran, functions_made, same_on_source};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Generated programs per run.
const COUNT: u64 = 400;
/// Failures that are reported before the run gives up.
const FAILURES_MAX: usize = 3;

#[test]
fn the_kernels_of_the_benches_are_the_same_as_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent").join("benches/pure");
    let inputs = [
        ("mandelbrot", serde_json::json!({ "size": 12, "rounds": 20 })),
        (
            "levenshtein",
            serde_json::json!({ "words": ["kitten", "sitting", "", "mittén", "a long word, longer than 8 bytes"] }),
        ),
        (
            "bm25",
            serde_json::json!({
                "documents": [[0, 1, 2, 1], [2, 2, 0], [1, 3, 3, 3, 0]], "query": [1, 2], "words": 4, "idf": [0.5, 1.5, 0.25, 1.0]
            }),
        ),
        ("queens", serde_json::json!({ "size": 6 })),
        ("walk", serde_json::json!({ "json": { "a": [1, 2, { "b": 3 }], "c": null, "d": "x" }, "times": 3 })),
    ];
    for (name, input) in inputs {
        let text = fs::read_to_string(folder.join(format!("{name}.sgl"))).expect("a kernel is readable");
        let ran = same_on_source(&text, name, &input).unwrap_or_else(|reason| panic!("{name}: {reason}"));
        assert!(ran.functions > 0 && !ran.trapped, "{name}: {ran:?}");
    }
}

#[test]
fn a_short_run_makes_no_code() {
    let program = |rounds: u32| {
        format!(
            "fn step(n: Int) -> Int {{ return n % 7 + 1 }}\n\
             pub fn main() -> Int {{\nvar sum = 0\nfor n in 0..{rounds} {{ sum += step(n) }}\nreturn sum\n}}"
        )
    };
    assert_eq!(functions_made(&program(200), "main"), Ok(0));
    assert!(functions_made(&program(20_000), "main").is_ok_and(|made| made > 0));
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn generated_functions_are_the_same_as_code() {
    let same = |seed: u64| same_on_source(&functions(seed), "main", &serde_json::Value::Null);
    if let Some(seed) = number("SEED") {
        println!("{}", functions(seed));
        println!("{:?}", same(seed).unwrap_or_else(|reason| panic!("seed {seed}: {reason}")));
        return;
    }
    let count = number("COUNT").unwrap_or(COUNT);
    let next = AtomicU64::new(0);
    let (ran, failures) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= count || failures.lock().expect("no thread panics with it").len() >= FAILURES_MAX {
                        return;
                    }
                    match std::panic::catch_unwind(|| same(seed)).unwrap_or_else(|_| Err("panics".to_string())) {
                        Ok(one) => ran.lock().expect("no thread panics with it").push(one),
                        Err(reason) => failures.lock().expect("no thread panics with it").push((seed, reason)),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("the threads have ended");
    let told: Vec<String> =
        failures.iter().map(|(seed, reason)| format!("{}\nSEED={seed} {reason}", functions(*seed))).collect();
    assert!(told.is_empty(), "{}", told.join("\n=====\n"));
    let ran = ran.into_inner().expect("the threads have ended");
    let share = |holds: fn(&Ran) -> bool| ran.iter().filter(|one| holds(one)).count() * 100 / ran.len();
    let (code, trapped) = (share(|one| one.functions > 0), share(|one| one.trapped));
    println!("{} programs: {code} % had code, {trapped} % ended with a fault", ran.len());
    assert!(
        code > 90 && trapped > 0,
        "the test compares too little: {code} % had code, {trapped} % ended with a fault"
    );
}

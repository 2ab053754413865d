//! Pure code: each kernel of `benches/pure` as machine code, interpreted, and as Rust that does the same beside it.

mod rust;

use crate::median;
use serde_json::{Value as Json, json};
use sgl_vm::image::{Entry, Image};
use sgl_vm::{RunOptions, Silent, Tier, Value};
use sglc::compile::compile;
use sglc::sources::Memory;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// Runs of native code and of Rust, of which the median counts.
const ROUNDS: usize = 9;
/// Runs of the interpreter.
const SLOW_ROUNDS: usize = 3;

/// A kernel: its entry is named like its file.
struct Kernel {
    name: &'static str,
    input: Json,
    rust: Box<dyn Fn() -> Json>,
}

/// Prints a line per kernel.
pub(crate) fn run() -> Result<(), String> {
    println!("kernel       native ms  interpreted ms  times   Rust ms  native/Rust  making code ms");
    for kernel in kernels() {
        line(&kernel)?;
    }
    Ok(())
}

fn line(kernel: &Kernel) -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("pure").join(format!("{}.sgl", kernel.name));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let image = || -> Result<Image, String> {
        let compiled = compile(&Memory(vec![("kernel.sgl".into(), text.clone())]), "kernel.sgl")?;
        compiled.image.ok_or_else(|| format!("{} is wrong", path.display()))
    };
    let image = image()?;
    let entry = image.entries.iter().find(|e| e.name == kernel.name).ok_or("no such entry")?;
    let first = Instant::now();
    let native = once(&image, entry, &kernel.input, Tier::Warm)?;
    let first = first.elapsed().as_secs_f64();
    let interpreted = once(&image, entry, &kernel.input, Tier::Never)?;
    let rust = (kernel.rust)();
    if native != interpreted || native != rust {
        return Err(format!("{}: {native}, interpreted {interpreted}, in Rust {rust}", kernel.name));
    }
    let arguments = arguments(&image, entry, &kernel.input)?;
    let timed = |tier, rounds| median::seconds(rounds, || drop(black_box(run_once(&image, entry, &arguments, tier))));
    let (fast, slow) = (timed(Tier::Warm, ROUNDS), timed(Tier::Never, SLOW_ROUNDS));
    let floor = median::seconds(ROUNDS, || drop(black_box((kernel.rust)())));
    let (functions, spent) = image.native.made();
    println!(
        "{:<12} {:>9.3} {:>15.1} {:>6.0} {:>9.3} {:>12.2} {:>15.2}   ({functions} with code; first run {:.2} ms)",
        kernel.name,
        fast * 1e3,
        slow * 1e3,
        slow / fast,
        floor * 1e3,
        fast / floor,
        spent.as_secs_f64() * 1e3,
        first * 1e3,
    );
    Ok(())
}

fn arguments(image: &Image, entry: &Entry, input: &Json) -> Result<Vec<Option<Value>>, String> {
    let of = |p: &sgl_vm::image::EntryParameter| {
        input.get(&p.name).map(|json| sgl_vm::value_of_json(json, &p.shape, image)).transpose()
    };
    entry.parameters.iter().map(of).collect()
}

fn once(image: &Image, entry: &Entry, input: &Json, tier: Tier) -> Result<Json, String> {
    let value = run_once(image, entry, &arguments(image, entry, input)?, tier)?;
    Ok(sgl_vm::json_of_value(&value, image))
}

fn run_once(image: &Image, entry: &Entry, arguments: &[Option<Value>], native: Tier) -> Result<Value, String> {
    let mut nobody = sglc::scripted::model(Vec::new());
    let options = RunOptions { native, ..RunOptions::default() };
    sgl_vm::run(image, entry, arguments.to_vec(), &mut nobody, &options, &mut Silent).map_err(|trap| trap.message)
}

/// A text of numbers that look random: a linear congruence (Knuth, MMIX).
fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    }
}

fn kernels() -> Vec<Kernel> {
    let mut next = numbers(1);
    let words: Vec<String> =
        (0..40).map(|_| (0..8 + next(24)).map(|_| char::from(b'a' + next(6) as u8)).collect()).collect();
    let documents: Vec<Vec<i64>> = (0..400).map(|_| (0..50 + next(200)).map(|_| next(500) as i64).collect()).collect();
    let query: Vec<i64> = vec![3, 77, 120, 250, 499];
    let idf: Vec<f64> = (0..500).map(|word| 0.5 + word as f64 / 100.0).collect();
    let tree = tree(&mut next, 6);
    let node = rust::Node::of(&tree);
    let kernel = |name, input, rust: Box<dyn Fn() -> Json>| Kernel { name, input, rust };
    vec![
        kernel("mandelbrot", json!({ "size": 200, "rounds": 100 }), Box::new(|| json!(rust::mandelbrot(200, 100)))),
        kernel("levenshtein", json!({ "words": words }), Box::new(move || json!(rust::levenshtein(&words)))),
        kernel(
            "bm25",
            json!({ "documents": documents, "query": query, "words": 500, "idf": idf }),
            Box::new(move || {
                let (best, score) = rust::bm25(&documents, &query, 500, &idf);
                json!({ "best": best, "score": score })
            }),
        ),
        kernel("queens", json!({ "size": 8 }), Box::new(|| json!(rust::queens(8)))),
        kernel("walk", json!({ "json": tree, "times": 20 }), Box::new(move || json!(rust::walk(&node, 20)))),
    ]
}

/// JSON of lists, objects and numbers.
fn tree(next: &mut impl FnMut(usize) -> usize, depth: usize) -> Json {
    if depth == 0 {
        return if next(4) == 0 { json!("text") } else { json!(next(1000)) };
    }
    if next(2) == 0 {
        return Json::Array((0..4).map(|_| tree(next, depth - 1)).collect());
    }
    Json::Object((0..4).map(|key| (format!("key{key}"), tree(next, depth - 1))).collect())
}

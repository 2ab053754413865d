//! Constraints on the real vocabulary: time to build all masks, and per mask step.
//!
//! A step is what the engine does for one token: the allowed set of the state, a draw from it, and the advance.

use crate::median;
use sgl_constrain::{Automaton, TokenMasks, Vocabulary};
use sgl_kernels::ThreadPool;
use sgl_protocol::{Field, Shape};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Builds per shape, of which the median counts.
const ROUNDS: usize = 5;
/// Steps that are timed per shape.
const STEPS: usize = 20_000;

fn text(pattern: Option<&str>, chars_max: Option<u32>) -> Shape {
    Shape::Text { pattern: pattern.map(str::to_string), chars_max, until: None }
}

fn shapes() -> Vec<(&'static str, Shape)> {
    let field = |name: &str, shape: Shape| Field { name: name.into(), shape };
    let wand = Shape::Record {
        name: "Wand".into(),
        fields: vec![
            field("wood", text(None, Some(16))),
            field("core", text(None, Some(16))),
            field("length", Shape::Float { decimals: Some(1), min: Some(50), max: Some(200) }),
        ],
    };
    let wizard = Shape::Record {
        name: "Wizard".into(),
        fields: vec![field("name", text(None, Some(40))), field("alive", Shape::Bool), field("wand", wand)],
    };
    vec![
        ("one line", text(Some("[^\\n]+"), None)),
        ("date", text(Some("[0-9]{4}-[0-9]{2}-[0-9]{2}"), None)),
        ("integer 1 to 9999", Shape::Int { min: Some(1), max: Some(9999) }),
        ("e-mail", text(Some("[a-z0-9._]+@[a-z0-9]+(\\.[a-z]+)+"), None)),
        ("text of 80 characters", text(None, Some(80))),
        ("wizard", wizard.clone()),
        ("list of 3 wizards", Shape::List { item: Box::new(wizard), min: 1, max: Some(3) }),
    ]
}

/// Prints a line per shape.
pub(crate) fn run(model: &Path) -> Result<(), String> {
    let pool = ThreadPool::new(1);
    let loaded = sgl_model::load(model, &pool).map_err(|error| error.to_string())?;
    let vocabulary = Arc::new(Vocabulary::new(loaded.tokenizer.vocabulary_bytes()));
    println!("{} tokens; median of {ROUNDS} builds, {STEPS} steps", vocabulary.len());
    println!("{:<24} {:>8} {:>12} {:>12} {:>12}", "shape", "states", "automaton ms", "masks ms", "step ns");
    for (name, shape) in shapes() {
        let automaton = Automaton::of_shape(&shape).map_err(|error| error.to_string())?;
        let automaton_time = median::seconds(ROUNDS, || drop(black_box(Automaton::of_shape(&shape))));
        let masks = TokenMasks::new(&automaton, &vocabulary).map_err(|error| error.to_string())?;
        let masks_time = median::seconds(ROUNDS, || drop(black_box(TokenMasks::new(&automaton, &vocabulary))));
        println!(
            "{name:<24} {:>8} {:>12.2} {:>12.2} {:>12.0}",
            automaton.state_count(),
            automaton_time * 1e3,
            masks_time * 1e3,
            step_nanoseconds(&masks)
        );
    }
    Ok(())
}

/// Walks the shape over and over, choosing allowed tokens in turn.
fn step_nanoseconds(masks: &TokenMasks) -> f64 {
    let mut state = masks.start();
    let mut choice = 0usize;
    let start = Instant::now();
    for step in 0..STEPS {
        let allowed = masks.allowed(state, u32::MAX);
        let count = allowed.len();
        let token = if count == 0 { None } else { allowed.iter().nth(choice % count.min(64)) };
        choice = choice.wrapping_mul(31).wrapping_add(step);
        state = token.and_then(|token| masks.advance(state, token)).unwrap_or_else(|| masks.start());
    }
    start.elapsed().as_secs_f64() * 1e9 / STEPS as f64
}

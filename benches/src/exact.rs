//! Masks beside brute force over the vocabulary: for states of all cases, each token is allowed exactly if it leads somewhere from
//! which the text can be ended.
//!
//! A check over real vocabularies rather than a timing, too long for a test. States are met breadth-first by bytes.

use crate::constraints;
use sgl_constrain::{StateId, TokenMasks, Vocabulary};
use sgl_kernels::ThreadPool;
use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

/// Prints a line per case; an error if any mask differs.
pub(crate) fn run(vocabulary: &Path, cases: &Path, states_max: usize) -> Result<(), String> {
    let vocabulary = Arc::new(read(vocabulary)?);
    let mut different = 0;
    for case in &constraints::read(cases)? {
        let name = case["name"].as_str().unwrap_or_default();
        match constraints::constraint(case, &vocabulary) {
            Ok(masks) => {
                let (states, all) = states(&masks, states_max);
                let wrong = states.iter().filter(|state| !is_exact(&masks, **state)).count();
                println!("{name}: {} states{}, {wrong} differ", states.len(), if all { " (all)" } else { "" });
                different += wrong;
            }
            Err(error) => println!("{name}: refused: {error}"),
        }
    }
    if different == 0 { Ok(()) } else { Err(format!("{different} masks differ from brute force")) }
}

/// The tokens of a model, or of a JSON file: an array of arrays of bytes, null for special tokens.
fn read(path: &Path) -> Result<Vocabulary, String> {
    if path.extension().is_some_and(|extension| extension == "json") {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let tokens: Vec<Option<Vec<u8>>> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        return Ok(Vocabulary::new(tokens.into_iter().map(|token| token.map(Vec::into_boxed_slice)).collect()));
    }
    let loaded = sgl_model::load(path, &ThreadPool::new(1)).map_err(|error| error.to_string())?;
    Ok(Vocabulary::new(loaded.tokenizer.vocabulary_bytes()))
}

/// States breadth-first from the start, and whether these are all.
fn states(masks: &TokenMasks, most: usize) -> (Vec<StateId>, bool) {
    let mut met = BTreeSet::from([masks.start()]);
    let mut queue = VecDeque::from([masks.start()]);
    let mut states = Vec::new();
    while let Some(state) = queue.pop_front() {
        if states.len() == most {
            return (states, false);
        }
        states.push(state);
        queue.extend((0..=255u8).filter_map(|byte| masks.step(state, &[byte])).filter(|to| met.insert(*to)));
    }
    (states, true)
}

fn is_exact(masks: &TokenMasks, state: StateId) -> bool {
    let allowed = masks.allowed(state, u32::MAX);
    (0u32..).take(masks.vocabulary().len()).all(|token| {
        let fits = masks.advance(state, token).is_some_and(|to| masks.need(to) != u32::MAX);
        allowed.contains(token) == fits
    })
}

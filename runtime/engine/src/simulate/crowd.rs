//! The scheduler alone, with many: what a step takes on a device that takes no time.

use super::device::{Fake, Mind, Says};
use super::words;
use crate::engine::Engine;
use crate::options::{EngineOptions, Overlap};
use sgl_constrain::ConstraintCache;
use sgl_protocol::{Command, Generate, LanguageModel, RequestId, Sampling, SessionId, Shape};
use std::sync::Arc;
use std::time::Duration;

/// Tokens of a text.
const MAX_TOKENS: u32 = 128;

/// Medians and 99th percentiles over the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrowdReport {
    /// Sequences that ran at the end.
    pub running: usize,
    /// Requests that waited at the end.
    pub waiting: usize,
    /// Time in which a pass was planned: who runs, who is started, which slots are taken.
    pub planned: (Duration, Duration),
    /// Time of all that the engine does in a step.
    pub host: (Duration, Duration),
}

/// Times `steps` steps of an engine for which so many sequences run, and so many wait for a place.
pub fn crowd(running: usize, waiting: usize, steps: usize) -> CrowdReport {
    let writing = words::writing();
    let prompt = "the beginning of the text number 123: ";
    let tokens = writing.tokenizer.encode(prompt).len() + 4;
    let slots = running * (tokens + MAX_TOKENS as usize / 2);
    let mind = Mind { bytes: Arc::new(writing.tokenizer.vocabulary_bytes()), says: Says::Noise };
    let fake = Fake::new(1_024, mind, slots);
    let options = EngineOptions { token_budget: 4_096, overlap: Overlap::On, ..EngineOptions::default() };
    let constraints = ConstraintCache::new(writing.vocabulary.clone()).in_place();
    let mut engine = Engine::new(Box::new(fake), writing, slots, &options);
    engine.constraints = constraints;
    let mut events = Vec::new();
    for index in 0..(running + waiting) as u64 {
        let (session, request) = (SessionId(index), RequestId(index));
        engine.submit(Command::Open { session });
        // Three in four share no beginning, so that nothing is free.
        engine.submit(Command::Append { session, text: format!("{} {prompt}{index}", index % 4 * index) });
        engine.submit(Command::Generate(Generate {
            request,
            session,
            shape: Shape::free_text(),
            sampling: Sampling { seed: index, min_tokens: MAX_TOKENS, ..Sampling::default() },
            max_tokens: MAX_TOKENS,
            stop: Vec::new(),
            follow: String::new(),
            top_logprobs: None,
            distribution: false,
            label: String::new(),
            model: None,
        }));
    }
    // Until the place is full.
    let mut full = 0;
    while engine.running.len() > full || engine.running.is_empty() {
        full = engine.running.len();
        engine.step();
    }
    let (mut planned, mut host) = (Vec::new(), Vec::new());
    for _ in 0..steps {
        let before = engine.trace();
        engine.step();
        engine.poll(Duration::ZERO, &mut events);
        events.clear();
        let spent = engine.trace().since(&before);
        planned.push(spent.planned);
        host.push(spent.host);
    }
    let running = engine.sequences.iter().filter(|(_, sequence)| sequence.running).count();
    let waiting = engine.sequences.len() - running;
    CrowdReport { running, waiting, planned: quantiles(planned), host: quantiles(host) }
}

/// The median and the 99th percentile.
fn quantiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).or(times.last()).copied().unwrap_or_default();
    (at(50), at(99))
}

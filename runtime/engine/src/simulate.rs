//! The whole engine under a seed: random programs, a device that computes no model, faults, and a checker after every step.
//!
//! Everything that happens is drawn from the seed, so a seed that fails fails again:
//! `cargo run -p sgl_engine --example soak -- replay SEED ACTIONS`. What is checked is in `ledger`; what can go wrong in
//! `world`: slots that are not given, passes that fail, storms of cancellation, steps that take hours.

mod crowd;
pub(crate) mod device;
mod dice;
mod ledger;
pub(crate) mod reference;
pub(crate) mod words;
mod world;

pub use crowd::{CrowdReport, crowd};

use crate::engine::Engine;
use crate::options::EngineOptions;
use crate::transcript::Writing;
use device::{Fake, Mind, Says};
use sgl_constrain::ConstraintCache;
use sgl_tokenizer::{ChatTemplate, Tokenizer};
use std::sync::Arc;
use world::World;

/// An engine on a device that computes no model, and what its text is made of: for measuring what is read, and what of it was there.
/// What it writes is noise that depends on all that came before.
pub fn engine() -> (Engine, Tokenizer, ChatTemplate) {
    /// Tokens that it holds.
    const SLOTS: usize = 1 << 16;
    /// Longest transcript.
    const CONTEXT: usize = 1 << 14;
    let writing = words::writing();
    let mind = Mind { bytes: Arc::new(writing.tokenizer.vocabulary_bytes()), says: Says::Noise };
    let engine = Engine::new(Box::new(Fake::new(CONTEXT, mind, SLOTS)), writing, SLOTS, &EngineOptions::default());
    (engine, words::tokenizer(), words::template())
}

/// What simulations have in common: made once, because it takes longer than a simulation.
#[derive(Debug)]
pub struct Simulator {
    /// Taken while a simulation runs.
    parts: Option<(Writing, ConstraintCache)>,
}

/// What happened in a simulation, or in many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Steps of the engine, with the checker after each.
    pub steps: u64,
    /// Passes of the device.
    pub passes: u64,
    /// Of these, those that were begun before the one before them was read.
    pub overlapped: u64,
    /// Sequences that were stopped for want of slots.
    pub preempted: u64,
    /// Requests.
    pub requests: u64,
    /// Texts and scores that came, each compared with what computing it alone gives.
    pub answers: u64,
    /// Tokens of those texts.
    pub tokens: u64,
    /// Requests that ended without an answer, for a reason that was there.
    pub failures: u64,
    /// Faults that were injected.
    pub faults: u64,
    /// Slots that were evicted.
    pub evictions: u64,
    /// Tokens that came from the store.
    pub restored: u64,
    /// Longest time that a request waited to be started, in passes.
    pub waited_max: u64,
}

impl Summary {
    /// Adds another simulation's.
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.passes += other.passes;
        self.overlapped += other.overlapped;
        self.preempted += other.preempted;
        self.requests += other.requests;
        self.answers += other.answers;
        self.tokens += other.tokens;
        self.failures += other.failures;
        self.faults += other.faults;
        self.evictions += other.evictions;
        self.restored += other.restored;
        self.waited_max = self.waited_max.max(other.waited_max);
    }
}

impl Default for Simulator {
    fn default() -> Self {
        Self::new()
    }
}

impl Simulator {
    /// With a vocabulary of some 120 tokens.
    pub fn new() -> Self {
        let writing = words::writing();
        let constraints = ConstraintCache::new(writing.vocabulary.clone()).in_place();
        Self { parts: Some((writing, constraints)) }
    }

    /// Plays so many actions of the seed's programs, and then all of them to their end.
    ///
    /// # Panics
    /// If something is wrong with the engine; the message before it names the seed.
    pub fn run(&mut self, seed: u64, actions: usize) -> Summary {
        let naming = Naming(seed, actions);
        let (writing, constraints) = self.parts.take().unwrap_or_else(|| {
            let writing = words::writing();
            let constraints = ConstraintCache::new(writing.vocabulary.clone()).in_place();
            (writing, constraints)
        });
        let mut world = World::new(seed, writing, constraints);
        world.play(actions);
        let (summary, parts) = world.end();
        self.parts = Some(parts);
        drop(naming);
        summary
    }
}

/// Names the seed if a simulation panics.
struct Naming(u64, usize);

impl Drop for Naming {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let mut out = std::io::stderr().lock();
        let line =
            format!("seed {0} fails: cargo run -p sgl_engine --example soak -- replay {0} {1}\n", self.0, self.1);
        std::io::Write::write_all(&mut out, line.as_bytes()).ok();
    }
}

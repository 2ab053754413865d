//! What each step came to in a run.

use crate::step::Step;
use rustc_hash::FxHashMap;
use serde::Serialize;
use sgl_protocol::Usage;
use std::ops::AddAssign;

/// What requests came to, and what was predicted of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// How many were answered.
    pub asked: u64,
    /// Tokens of their prompts.
    pub prompt: u64,
    /// The same as predicted.
    pub predicted_prompt: u64,
    /// Of their tokens, how many were in the cache.
    pub cached: u64,
    /// The same as predicted.
    pub predicted_cached: u64,
    /// Tokens that were written.
    pub written: u64,
    /// Of these, how many the constraint forced.
    pub forced: u64,
    /// Most tokens that could have been written, where the program says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_max: Option<u64>,
}

impl Measured {
    pub(super) fn of(usage: Usage) -> Self {
        Self {
            prompt: usage.prompt_tokens,
            cached: usage.cached_tokens,
            written: usage.generated_tokens,
            forced: usage.forced_tokens,
            ..Self::default()
        }
    }

    /// Share of the prompts' tokens that were in the cache.
    pub fn hit_rate(&self) -> f64 {
        self.cached as f64 / self.prompt.max(1) as f64
    }

    /// The same as predicted.
    pub fn predicted_hit_rate(&self) -> f64 {
        self.predicted_cached as f64 / self.predicted_prompt.max(1) as f64
    }
}

impl AddAssign for Measured {
    fn add_assign(&mut self, other: Self) {
        self.asked += other.asked;
        self.prompt += other.prompt;
        self.predicted_prompt += other.predicted_prompt;
        self.cached += other.cached;
        self.predicted_cached += other.predicted_cached;
        self.written += other.written;
        self.forced += other.forced;
        self.written_max = match (self.written_max, other.written_max) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        };
    }
}

/// A run beside its plan.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// All requests.
    pub total: Measured,
    /// Those of each step, and how often steps that repeat were taken; by where the step is in memory, which a plan that is only
    /// read does not change.
    steps: FxHashMap<*const Step, Measured>,
    turns: FxHashMap<*const Step, (u64, u64)>,
}

impl Beside {
    /// What the requests of a step of the plan came to; nothing if it was never reached.
    pub fn of(&self, step: &Step) -> Option<&Measured> {
        self.steps.get(&std::ptr::from_ref(step))
    }

    /// Holes and choices that were reached, in the order of the plan, with what they came to.
    pub fn holes(&self, steps: &[Step]) -> Vec<(String, Measured)> {
        let mut found = Vec::new();
        for step in steps {
            match step {
                Step::Hole { label, .. } | Step::Select { label, .. } => {
                    found.extend(self.of(step).map(|measured| (label.clone(), *measured)));
                }
                Step::Turn { steps, .. } | Step::Repeat { steps, .. } | Step::Guarded { steps, .. } => {
                    found.extend(self.holes(steps));
                }
                Step::Branches { branches, .. } => {
                    branches.iter().for_each(|branch| found.extend(self.holes(&branch.steps)));
                }
                Step::Choice { then, otherwise, .. } => {
                    found.extend(self.holes(then));
                    found.extend(self.holes(otherwise));
                }
                Step::Text { .. } | Step::Splice { .. } | Step::Tool { .. } | Step::Again { .. } => {}
            }
        }
        found
    }

    /// How often a loop was reached, or branches were begun, and how many turns or branches that were in all.
    pub fn turns(&self, step: &Step) -> Option<(u64, u64)> {
        self.turns.get(&std::ptr::from_ref(step)).copied()
    }

    pub(super) fn add(&mut self, step: &Step, measured: Option<Measured>, max_tokens: Option<u32>) {
        let Some(mut measured) = measured else { return };
        measured.written_max = max_tokens.map(u64::from);
        *self.steps.entry(step).or_default() += measured;
        self.total += Measured { written_max: None, ..measured };
    }

    pub(super) fn turned(&mut self, step: &Step, turns: u64) {
        let entry = self.turns.entry(step).or_default();
        entry.0 += 1;
        entry.1 += turns;
    }
}

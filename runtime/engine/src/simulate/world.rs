//! Programs, and what goes wrong around them.

use super::Summary;
use super::device::{Fake, Mind, Says};
use super::dice::Dice;
use super::ledger::Ledger;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::options::{EngineOptions, Jump, Overlap};
use crate::store::{Store, StoreOptions};
use crate::transcript::Writing;
use sgl_constrain::ConstraintCache;
use sgl_protocol::{Command, Field, Generate, Hint, LanguageModel, RequestId, Role, Sampling, Score, SessionId, Shape};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Steps in which everything that is under way must end.
const STEPS_MAX: u64 = 20_000;
/// Programs at a time.
const SESSIONS_MAX: usize = 24;

const TEXTS: [&str; 6] = [
    "the beginning",
    "the other beginning of the text",
    "the other beginning, in the end",
    " and the next one",
    "123 abc: ",
    "a",
];

/// Programs, their engine, and what they were promised.
#[derive(Debug)]
pub(super) struct World {
    dice: Dice,
    engine: Engine,
    ledger: Ledger,
    works: Arc<AtomicU64>,
    slots: usize,
    sessions: Vec<SessionId>,
    next: u64,
    /// How often slots are refused, in percent of the steps.
    refusals: usize,
    /// Whether passes fail in this seed.
    failing: bool,
    /// Whether storms of cancellation come.
    storms: bool,
    /// Whether no more passes are made to fail.
    calm: bool,
}

impl World {
    pub(super) fn new(seed: u64, writing: Writing, constraints: ConstraintCache) -> Self {
        let mut dice = Dice::new(seed);
        let slots = dice.pick(&[90, 130, 200, 400]);
        let options = EngineOptions {
            token_budget: dice.pick(&[1, 5, 16, 64, 64]),
            radix_cache: !dice.once_in(4),
            fork_sharing: !dice.once_in(6),
            guesses: dice.pick(&[0, 0, 3]),
            overlap: dice.pick(&[Overlap::Off, Overlap::On, Overlap::On]),
            jump: dice.pick(&[Jump::Exact, Jump::Exact, Jump::Off, Jump::Forced]),
            ..EngineOptions::default()
        };
        let mind = Mind { bytes: Arc::new(writing.tokenizer.vocabulary_bytes()), says: Says::Noise };
        let fake = Fake::new(dice.pick(&[60, 90, 300]), mind.clone(), slots);
        let (works, cells) = (fake.works.clone(), fake.cells.clone());
        let mut engine = Engine::new(Box::new(fake), writing, slots, &options);
        engine.constraints = constraints;
        engine.clock = Clock::Set(Duration::ZERO);
        engine.witness = Some(Vec::new());
        if options.radix_cache && dice.once_in(3) {
            // A few blocks, so that some are forgotten.
            let kept = StoreOptions { memory_bytes: dice.pick(&[1_000, 10_000]), ..StoreOptions::default() };
            engine.store = Some(Store::open([0; 32], kept).expect("memory only"));
        }
        let (refusals, failing, storms) = (dice.pick(&[0, 0, 5, 30]), dice.once_in(4), dice.once_in(3));
        let ledger = Ledger::new(mind, cells);
        Self {
            dice,
            engine,
            ledger,
            works,
            slots,
            sessions: Vec::new(),
            next: 0,
            refusals,
            failing,
            storms,
            calm: false,
        }
    }

    /// Plays so many actions, with steps between them, and then everything to its end.
    pub(super) fn play(&mut self, actions: usize) {
        self.open();
        for _ in 0..actions {
            self.act();
            for _ in 0..self.dice.below(4) {
                self.step();
            }
        }
        self.calm = true;
        let before = self.ledger.summary.steps;
        while self.engine.is_busy() {
            self.step();
            let steps = self.ledger.summary.steps - before;
            assert!(steps < STEPS_MAX, "these never end: {:?}", self.engine.sequences);
        }
        self.step();
        assert_eq!(self.ledger.open(), [], "requests without an end");
        for session in std::mem::take(&mut self.sessions) {
            self.engine.submit(Command::Close { session });
        }
        let free = self.engine.cache.pool.free().len() + self.engine.cache.tree.evictable_slots();
        assert_eq!(free, self.slots, "slots have leaked");
    }

    /// What happened, and what is used again.
    pub(super) fn end(self) -> (Summary, (Writing, ConstraintCache)) {
        let summary = Summary {
            passes: self.engine.forward_passes(),
            evictions: self.engine.cache.evicted.0 + self.engine.cache.evicted.1,
            waited_max: self.engine.waited_max,
            overlapped: self.engine.trace().overlapped,
            preempted: self.engine.cache_metrics().preempted,
            restored: self.engine.cache_metrics().restored_tokens,
            ..self.ledger.summary
        };
        (summary, (self.engine.writing, self.engine.constraints))
    }

    fn step(&mut self) {
        let refused = self.dice.below(100) < self.refusals;
        self.engine.cache.pool.withhold(if refused { self.dice.below(self.slots) } else { 0 });
        if self.failing && !self.calm && self.dice.once_in(60) {
            self.works.store(0, Ordering::Relaxed);
            self.ledger.summary.faults += 1;
        }
        self.ledger.summary.faults += u64::from(refused);
        // A step takes a millisecond, or an hour; and sometimes the clock goes back.
        let time = self.engine.clock.now();
        self.engine.clock = Clock::Set(match self.dice.below(200) {
            0 => time + Duration::from_secs(3_600),
            1 => time / 2,
            _ => time + Duration::from_millis(1),
        });
        self.engine.step();
        self.engine.cache.pool.withhold(0);
        self.ledger.summary.steps += 1;
        self.ledger.check(&mut self.engine, self.failing);
    }

    fn name(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn open(&mut self) {
        let session = SessionId(self.name());
        self.sessions.push(session);
        self.engine.submit(Command::Open { session });
        let text = self.dice.pick(&TEXTS).to_string();
        self.engine.submit(Command::Append { session, text });
    }

    fn act(&mut self) {
        if self.storms && self.dice.once_in(25) {
            self.storm();
        }
        let Some(session) = (!self.sessions.is_empty()).then(|| self.dice.pick(&self.sessions)) else {
            return self.open();
        };
        match self.dice.below(12) {
            0 if self.sessions.len() < SESSIONS_MAX => self.open(),
            1 | 2 if self.sessions.len() < SESSIONS_MAX => {
                for _ in 0..=self.dice.below(3) {
                    let child = SessionId(self.name());
                    self.engine.submit(Command::Fork { parent: session, child });
                    self.sessions.push(child);
                }
            }
            3 => {
                let text = self.dice.pick(&TEXTS).to_string();
                self.engine.submit(Command::Append { session, text });
            }
            4 if self.dice.once_in(2) => {
                let hint = match self.dice.below(7) {
                    0 => Hint::Priority(self.dice.pick(&[-1, 0, 5])),
                    1 => Hint::Forks(self.dice.below(4) as u32),
                    2 => Hint::LastUse,
                    5 => Hint::Remaining(self.dice.pick(&[None, Some(0), Some(30), Some(1_000)])),
                    6 => Hint::Next,
                    3 => Hint::Namespace(self.dice.pick(&["", "a", "b"]).to_string()),
                    _ => {
                        self.ledger.deadlines = true;
                        Hint::Deadline(Duration::from_millis(1 + self.dice.below(200) as u64))
                    }
                };
                self.engine.submit(Command::Hint { session, hint });
            }
            4 => {
                self.engine.submit(Command::OpenRole { session, role: Role::User });
                self.engine.submit(Command::Append { session, text: "123 abc".into() });
                self.engine.submit(Command::CloseRole { session });
            }
            5 => self.score(session),
            6 => self.close(session),
            7 => {
                let open = self.ledger.open();
                if !open.is_empty() {
                    let request = self.dice.pick(&open);
                    self.cancel(request);
                }
            }
            _ => self.generate(session),
        }
    }

    /// Everything is cancelled at once.
    fn storm(&mut self) {
        self.ledger.summary.faults += 1;
        for request in self.ledger.open() {
            if !self.dice.once_in(5) {
                self.cancel(request);
            }
        }
    }

    fn cancel(&mut self, request: RequestId) {
        self.ledger.cancelled(request);
        self.engine.submit(Command::Cancel { request });
    }

    fn close(&mut self, session: SessionId) {
        // Any request of it may end by that.
        for request in self.ledger.open() {
            self.ledger.cancelled(request);
        }
        self.sessions.retain(|other| *other != session);
        self.engine.submit(Command::Close { session });
    }

    fn score(&mut self, session: SessionId) {
        let request = RequestId(self.name());
        self.ledger.asked(request);
        let options = ["the", "abc", "on"].map(String::from).to_vec();
        let unconditional = self.dice.once_in(2);
        let label = String::new();
        self.engine.submit(Command::Score(Score { request, session, options, unconditional, label, model: None }));
    }

    fn generate(&mut self, session: SessionId) {
        let request = RequestId(self.name());
        self.ledger.asked(request);
        let dice = &mut self.dice;
        let shape = shape(dice);
        let penalty = if dice.once_in(4) { 1.3 } else { 1.0 };
        let sampling = Sampling {
            seed: dice.below(1_000) as u64,
            temperature: dice.pick(&[0.0, 0.3, 1.0, 1.0]),
            top_k: dice.pick(&[0, 0, 5]),
            min_tokens: dice.pick(&[0, 0, 0, 6]),
            logit_bias: if dice.once_in(6) { vec![("the".into(), 4.0), ("e".into(), -100.0)] } else { Vec::new() },
            stop_regex: if dice.once_in(6) { vec!["[0-9]+a".into(), "h.t".into()] } else { Vec::new() },
            repetition_penalty: penalty,
            frequency_penalty: if dice.once_in(5) { 0.5 } else { 0.0 },
            ..Sampling::default()
        };
        let distribution = shape.members().is_some() && dice.once_in(2);
        let stop = if dice.once_in(4) { vec!["e".into(), "\n\n".into()] } else { Vec::new() };
        let top_logprobs = dice.once_in(5).then_some(2);
        let follow = if dice.once_in(5) { ", and".to_string() } else { String::new() };
        let max_tokens = 1 + dice.below(24) as u32;
        self.engine.submit(Command::Generate(Generate {
            request,
            session,
            shape,
            sampling,
            max_tokens,
            stop,
            follow,
            top_logprobs,
            distribution,
            label: String::new(),
            model: None,
        }));
    }
}

fn shape(dice: &mut Dice) -> Shape {
    let field = |name: &str, shape| Field { name: name.into(), shape };
    match dice.below(7) {
        0..=2 => Shape::free_text(),
        3 => Shape::Int { min: Some(0), max: Some(1_000) },
        4 => Shape::Enum { name: "E".into(), names: vec!["abc".into(), "the".into()] },
        5 => Shape::Record {
            name: "R".into(),
            fields: vec![
                field("the", Shape::Int { min: Some(0), max: Some(123) }),
                field("abc", Shape::Enum { name: "F".into(), names: vec!["in".into(), "on".into()] }),
            ],
        },
        _ => Shape::Text { pattern: None, chars_max: Some(9), until: Some("e".into()) },
    }
}

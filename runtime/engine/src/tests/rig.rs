//! An engine on a fake device, its programs, and the checker after every pass.

use crate::engine::Engine;
use crate::options::{EngineOptions, Jump, Overlap};
use crate::simulate::device::{Fake, Mind, Says};
use crate::simulate::words;
use sgl_constrain::ConstraintCache;
use sgl_protocol::{
    Command, Event, Generate, Generated, LanguageModel, ModelError, RequestId, Role, Sampling, Score, Scored,
    SessionId, Shape,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What a rig is made of.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) slots: usize,
    pub(super) context: usize,
    pub(super) budget: usize,
    pub(super) shares: bool,
    pub(super) says: Says,
    pub(super) overlap: Overlap,
    pub(super) works: Option<u64>,
    pub(super) jump: Jump,
    pub(super) guesses: usize,
    pub(super) fork_sharing: bool,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            slots: 4_096,
            context: 1_024,
            budget: 64,
            shares: true,
            says: Says::Noise,
            overlap: Overlap::Off,
            works: None,
            jump: Jump::Exact,
            guesses: 0,
            fork_sharing: true,
        }
    }
}

/// An engine, and what it answered.
#[derive(Debug)]
pub(super) struct Rig {
    pub(super) engine: Engine,
    next: u64,
    pub(super) told: BTreeMap<RequestId, String>,
    pub(super) generated: BTreeMap<RequestId, Generated>,
    pub(super) scored: BTreeMap<RequestId, Scored>,
    pub(super) failed: BTreeMap<RequestId, ModelError>,
}

impl Rig {
    pub(super) fn new(parts: &Parts) -> Self {
        let writing = words::writing();
        let mind = Mind { bytes: Arc::new(writing.tokenizer.vocabulary_bytes()), says: parts.says.clone() };
        let fake = Fake::new(parts.context, mind, parts.slots);
        fake.works.store(parts.works.unwrap_or(u64::MAX), std::sync::atomic::Ordering::Relaxed);
        let options = EngineOptions {
            token_budget: parts.budget,
            radix_cache: parts.shares,
            jump: parts.jump,
            overlap: parts.overlap,
            guesses: parts.guesses,
            fork_sharing: parts.fork_sharing,
            ..EngineOptions::default()
        };
        let constraints = ConstraintCache::new(writing.vocabulary.clone()).in_place();
        let mut engine = Engine::new(Box::new(fake), writing, parts.slots, &options);
        engine.constraints = constraints;
        Self {
            engine,
            next: 0,
            told: BTreeMap::new(),
            generated: BTreeMap::new(),
            scored: BTreeMap::new(),
            failed: BTreeMap::new(),
        }
    }

    pub(super) fn says(text: &str) -> Self {
        Self::new(&Parts { says: Says::Text(text.into(), words::tokenizer().eos_ids()[0]), ..Parts::default() })
    }

    fn name(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn open(&mut self, text: &str) -> SessionId {
        let session = SessionId(self.name());
        self.engine.submit(Command::Open { session });
        self.append(session, text);
        session
    }

    pub(super) fn append(&mut self, session: SessionId, text: &str) {
        self.engine.submit(Command::Append { session, text: text.into() });
    }

    pub(super) fn fork(&mut self, parent: SessionId) -> SessionId {
        let child = SessionId(self.name());
        self.engine.submit(Command::Fork { parent, child });
        child
    }

    pub(super) fn open_role(&mut self, session: SessionId, role: Role) {
        self.engine.submit(Command::OpenRole { session, role });
    }

    pub(super) fn turn(&mut self, session: SessionId, role: Role, text: &str) {
        self.engine.submit(Command::OpenRole { session, role });
        self.append(session, text);
        self.engine.submit(Command::CloseRole { session });
    }

    /// Asks for a hole with these changes to the usual one.
    pub(super) fn ask(&mut self, session: SessionId, change: impl FnOnce(&mut Generate)) -> RequestId {
        let request = RequestId(self.name());
        let mut generate = Generate {
            request,
            session,
            shape: Shape::free_text(),
            sampling: Sampling { seed: 1, ..Sampling::default() },
            max_tokens: 16,
            stop: Vec::new(),
            follow: String::new(),
            top_logprobs: None,
            distribution: false,
            label: "hole".into(),
            model: None,
        };
        change(&mut generate);
        self.engine.submit(Command::Generate(generate));
        request
    }

    pub(super) fn score(&mut self, session: SessionId, options: &[&str], unconditional: bool) -> RequestId {
        let request = RequestId(self.name());
        let options = options.iter().map(|option| (*option).to_string()).collect();
        self.engine.submit(Command::Score(Score {
            request,
            session,
            options,
            unconditional,
            label: "choice".into(),
            model: None,
        }));
        request
    }

    /// One pass, then the checker.
    pub(super) fn step(&mut self) {
        self.engine.step();
        assert_eq!(self.engine.check_ownership(), Vec::<String>::new());
        let mut events = Vec::new();
        self.engine.poll(Duration::ZERO, &mut events);
        for event in events {
            match event {
                Event::Token { request, text } => self.told.entry(request).or_default().push_str(&text),
                Event::Generated { request, result } => {
                    let told = self.told.remove(&request).unwrap_or_default();
                    assert_eq!(told, result.text, "the pieces are the text");
                    self.generated.insert(request, result);
                }
                Event::Scored { request, result } => {
                    self.scored.insert(request, result);
                }
                Event::Failed { request, error } => {
                    self.failed.insert(request, error);
                }
            }
        }
    }

    /// Runs until nothing is under way.
    pub(super) fn run(&mut self) {
        for _ in 0..10_000 {
            self.step();
            if !self.engine.is_busy() {
                self.step();
                return;
            }
        }
        panic!("the engine never comes to rest: {:?}", self.engine.sequences);
    }

    pub(super) fn text(&self, request: RequestId) -> &str {
        match self.generated.get(&request) {
            Some(generated) => &generated.text,
            None => panic!("{request:?} has no text: {:?}", self.failed.get(&request)),
        }
    }

    /// A hole after a text, in an engine of its own.
    pub(super) fn alone(parts: &Parts, text: &str, change: impl FnOnce(&mut Generate)) -> Generated {
        let mut rig = Self::new(parts);
        let session = rig.open(text);
        let request = rig.ask(session, change);
        rig.run();
        rig.text(request);
        rig.generated.remove(&request).expect("it has a text")
    }
}

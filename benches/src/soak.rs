//! A real model under clients that come, branch, change their minds and go: what is lost, what leaks, what memory does.
//!
//! Prints a line every half minute: requests that ended and how, tokens, resident memory. At the end everything is closed and the
//! owners of all slots are checked. Memory is flat if what is resident at the end is at most 1.05 times what was after the first
//! sixth of the time, in which caches fill.

use serde_json::json;
use sgl_engine::{Engine, EngineOptions};
use sgl_protocol::{Command, Event, Generate, LanguageModel, ModelError, RequestId, Sampling, Score, SessionId, Shape};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Sessions at a time.
const SESSIONS_MAX: usize = 24;
/// Tokens of the cache: little enough that it is full after seconds.
const SLOTS: usize = 6_000;
const WORDS: [&str; 12] =
    ["river", "seven", "paper", "under", "window", "slowly", "bright", "stone", "carry", "yellow", "market", "often"];

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count
    }

    fn text(&mut self, words: usize) -> String {
        (0..words).map(|_| WORDS[self.below(WORDS.len())]).collect::<Vec<_>>().join(" ")
    }
}

/// Clients, and what became of what they asked.
struct Crowd {
    engine: Engine,
    dice: Dice,
    sessions: Vec<SessionId>,
    open: BTreeMap<RequestId, SessionId>,
    next: u64,
    ended: u64,
    cancelled: u64,
    tokens: u64,
}

/// Plays for so many minutes; an error if anything is lost, leaks, or grows.
pub(crate) fn run(model: &Path, threads: usize, minutes: f64, seed: u64) -> Result<(), String> {
    let options = EngineOptions { threads, slots: Some(SLOTS), ..EngineOptions::default() };
    let engine = Engine::load(model, options).map_err(|error| error.to_string())?;
    let (sessions, open) = (Vec::new(), BTreeMap::new());
    let mut crowd = Crowd { engine, dice: Dice(seed), sessions, open, next: 0, ended: 0, cancelled: 0, tokens: 0 };
    let (started, whole) = (Instant::now(), Duration::from_secs_f64(minutes * 60.0));
    let (mut told, mut early) = (Duration::ZERO, None);
    while started.elapsed() < whole {
        for _ in 0..crowd.dice.below(4) {
            crowd.act();
        }
        crowd.listen(Duration::from_millis(20))?;
        if early.is_none() && started.elapsed() > whole / 6 {
            early = resident();
        }
        if started.elapsed() - told > Duration::from_secs(30) {
            told = started.elapsed();
            crowd.tell(told);
        }
    }
    let late = resident();
    crowd.end()?;
    crowd.tell(started.elapsed());
    match (early, late) {
        (Some(early), Some(late)) if late as f64 > early as f64 * 1.05 => {
            Err(format!("memory grew from {early} to {late} bytes"))
        }
        _ => Ok(()),
    }
}

impl Crowd {
    fn name(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn act(&mut self) {
        if self.sessions.is_empty() || (self.sessions.len() < SESSIONS_MAX && self.dice.below(3) == 0) {
            let session = SessionId(self.name());
            self.engine.submit(Command::Open { session });
            let words = 5 + self.dice.below(200);
            let text = format!("{} {}", WORDS[self.dice.below(3)].repeat(8), self.dice.text(words));
            self.engine.submit(Command::Append { session, text });
            self.sessions.push(session);
        }
        let at = self.dice.below(self.sessions.len());
        let session = self.sessions[at];
        match self.dice.below(10) {
            0 if self.sessions.len() < SESSIONS_MAX => {
                for _ in 0..=self.dice.below(3) {
                    let child = SessionId(self.name());
                    self.engine.submit(Command::Fork { parent: session, child });
                    self.sessions.push(child);
                }
            }
            1 => {
                self.sessions.swap_remove(at);
                self.engine.submit(Command::Close { session });
            }
            2 | 3 => {
                let chosen = self.dice.below(self.open.len().max(1));
                if let Some(request) = self.open.keys().nth(chosen).copied() {
                    self.engine.submit(Command::Cancel { request });
                }
            }
            4 => {
                let request = RequestId(self.name());
                self.open.insert(request, session);
                let options = ["stone", "window and paper"].map(String::from).to_vec();
                let score =
                    Score { request, session, options, unconditional: false, label: String::new(), model: None };
                self.engine.submit(Command::Score(score));
            }
            _ => self.generate(session),
        }
    }

    fn generate(&mut self, session: SessionId) {
        let request = RequestId(self.name());
        let shape = match self.dice.below(4) {
            0 => Shape::Int { min: Some(0), max: Some(9_999) },
            1 => Shape::List { item: Box::new(Shape::Bool), min: 1, max: Some(4) },
            _ => Shape::free_text(),
        };
        let max_tokens = 24 + self.dice.below(40) as u32;
        let text = format!(" {}:", self.dice.text(4));
        self.engine.submit(Command::Append { session, text });
        self.engine.submit(Command::Generate(Generate {
            request,
            session,
            shape,
            sampling: Sampling { seed: request.0, ..Sampling::default() },
            max_tokens,
            stop: Vec::new(),
            follow: String::new(),
            top_logprobs: None,
            distribution: false,
            label: String::new(),
            model: None,
        }));
        self.open.insert(request, session);
    }

    /// Takes what came. An error if a request failed that should not.
    fn listen(&mut self, patience: Duration) -> Result<(), String> {
        let mut events = Vec::new();
        self.engine.poll(patience, &mut events);
        for event in events {
            let request = match event {
                Event::Token { .. } => continue,
                Event::Generated { request, result } => {
                    self.tokens += result.usage.generated_tokens;
                    request
                }
                Event::Scored { request, .. } => request,
                Event::Failed { request, error } => {
                    // A transcript that has grown beyond the context or the cache fails as it must; so does what was forked from one
                    // that was being written.
                    self.cancelled += u64::from(error == ModelError::Cancelled);
                    if let ModelError::Device(message) = error {
                        return Err(message);
                    }
                    request
                }
            };
            self.ended += 1;
            if self.open.remove(&request).is_none() {
                return Err(format!("{request:?} has ended twice, or was never asked"));
            }
        }
        Ok(())
    }

    /// Closes everything: every request must have ended, every slot have one owner.
    fn end(&mut self) -> Result<(), String> {
        for session in std::mem::take(&mut self.sessions) {
            self.engine.submit(Command::Close { session });
        }
        for _ in 0..10_000 {
            if self.open.is_empty() {
                break;
            }
            self.listen(Duration::from_millis(20))?;
        }
        if !self.open.is_empty() {
            return Err(format!("{} requests have no end", self.open.len()));
        }
        let faults = self.engine.check_ownership();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }

    fn tell(&self, time: Duration) {
        let counts = self.engine.cache_metrics();
        let line = json!({
            "s": time.as_secs(),
            "ended": self.ended,
            "cancelled": self.cancelled,
            "tokens": self.tokens,
            "passes": self.engine.forward_passes(),
            "preempted": counts.preempted,
            "evicted": counts.evicted_old + counts.evicted_done,
            "resident_bytes": resident(),
        });
        crate::print(&line.to_string());
    }
}

/// Bytes that are resident; unknown elsewhere than on Linux.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

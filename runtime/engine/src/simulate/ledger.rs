//! What must hold after every step: who was promised what, and whether it came.
//!
//! - Every slot has one owner, and holds what its owner says.
//! - Every request has one end. The pieces of a text are the text: no token is lost, none comes twice.
//! - Every answer is what computing it alone gives, whatever the batch, the cache, drafts or preemption did.
//! - Nobody waits for ever.

use super::Summary;
use super::device::{Cells, Mind};
use super::reference::{Expected, tree_faults};
use crate::engine::Engine;
use sgl_protocol::{Event, ModelError, RequestId};
use std::collections::BTreeMap;

/// What a request was promised, and what came.
#[derive(Debug, Default)]
struct Entry {
    expected: Option<Expected>,
    told: String,
    ended: bool,
    cancelled: bool,
}

/// All requests.
#[derive(Debug)]
pub(super) struct Ledger {
    entries: BTreeMap<RequestId, Entry>,
    mind: Mind,
    cells: Cells,
    /// Whether requests have deadlines.
    pub(super) deadlines: bool,
    pub(super) summary: Summary,
}

impl Ledger {
    pub(super) fn new(mind: Mind, cells: Cells) -> Self {
        Self { entries: BTreeMap::new(), mind, cells, deadlines: false, summary: Summary::default() }
    }

    pub(super) fn asked(&mut self, request: RequestId) {
        self.summary.requests += 1;
        self.entries.insert(request, Entry::default());
    }

    pub(super) fn cancelled(&mut self, request: RequestId) {
        if let Some(entry) = self.entries.get_mut(&request) {
            entry.cancelled = true;
        }
    }

    /// Requests that have no end yet.
    pub(super) fn open(&self) -> Vec<RequestId> {
        self.entries.iter().filter(|(_, entry)| !entry.ended).map(|(id, _)| *id).collect()
    }

    /// Checks everything after a step.
    pub(super) fn check(&mut self, engine: &mut Engine, faulty: bool) {
        assert_eq!(engine.check_ownership(), Vec::<String>::new());
        assert_eq!(tree_faults(engine, &self.cells), Vec::<String>::new());
        for (request, expected) in engine.witness.iter_mut().flat_map(|seen| seen.drain(..)) {
            if let Some(entry) = self.entries.get_mut(&request) {
                entry.expected = Some(expected);
            }
        }
        while let Some(event) = engine.events.pop_front() {
            self.take(&event, engine, faulty);
        }
    }

    fn take(&mut self, event: &Event, engine: &Engine, faulty: bool) {
        let (Event::Token { request, .. }
        | Event::Generated { request, .. }
        | Event::Scored { request, .. }
        | Event::Failed { request, .. }) = event;
        let entry = self.entries.get_mut(request).expect("an event of a request that was made");
        assert!(!entry.ended, "{request:?} ended before {event:?}");
        let vocabulary = engine.writing.vocabulary.len();
        match event {
            Event::Token { text, .. } => {
                assert!(!text.is_empty(), "a piece holds text");
                entry.told.push_str(text);
            }
            Event::Generated { result, .. } => {
                assert_eq!(entry.told, result.text, "the pieces are the text");
                let expected = entry.expected.as_ref().expect("it was started");
                let difference = expected.compare_text(result, &self.mind, &engine.writing);
                assert_eq!(difference, None, "{request:?}");
                self.summary.tokens += result.usage.generated_tokens;
                self.summary.answers += 1;
            }
            Event::Scored { result, .. } => {
                let expected = entry.expected.as_ref().expect("it was started");
                let difference = expected.compare_scores(result, &self.mind, vocabulary);
                assert_eq!(difference, None, "{request:?}");
                self.summary.answers += 1;
            }
            Event::Failed { error, .. } => {
                let expected = match error {
                    ModelError::Cancelled => entry.cancelled,
                    ModelError::Device(_) => faulty,
                    ModelError::DeadlineExceeded => self.deadlines,
                    // The budget, the context and the cache are drawn small.
                    ModelError::BudgetTooSmall { .. }
                    | ModelError::ContextOverflow { .. }
                    | ModelError::OutOfCache { .. }
                    | ModelError::UnknownSession(_)
                    | ModelError::Invalid(_) => true,
                    _ => false,
                };
                assert!(expected, "{request:?} failed for no reason: {error}");
                self.summary.failures += 1;
            }
        }
        if !matches!(event, Event::Token { .. }) {
            entry.ended = true;
            // What it holds is large.
            entry.expected = None;
        }
    }
}

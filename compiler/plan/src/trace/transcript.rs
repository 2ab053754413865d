//! A transcript as the plan knows it: tokens that are known, and tokens of which only their identity is.

use super::Encoder;
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};
use std::ops::Range;

/// What a piece of text is, where its bytes are not known before the run: equal texts have equal names.
pub(super) type Name = u64;

/// The name that several things make together.
pub(super) fn name_of(parts: impl Hash) -> Name {
    let mut hasher = FxHasher::default();
    parts.hash(&mut hasher);
    // A token that is known is less than this.
    hasher.finish() | 1 << 63
}

/// A transcript.
#[derive(Clone, Debug, Default)]
pub(super) struct Transcript {
    tokens: Vec<u64>,
    /// Text at the end that is not tokens yet, and the pieces of it whose bytes the plan does not know.
    pending: String,
    unknown: Vec<(Range<usize>, Name)>,
    role: Option<String>,
    previous: Option<String>,
}

impl Transcript {
    /// Text comes; `name` says what it is if the plan does not know its bytes.
    pub(super) fn append(&mut self, text: &str, name: Option<Name>) {
        let from = self.pending.len();
        self.pending.push_str(text);
        self.unknown.extend(name.map(|name| (from..self.pending.len(), name)));
    }

    pub(super) fn open(&mut self, role: &str, encoder: &dyn Encoder) {
        if !(self.tokens.is_empty() && self.pending.is_empty()) {
            self.settle(encoder);
        }
        let opening = encoder.opening(role, self.previous.as_deref());
        self.tokens.extend(opening.into_iter().map(u64::from));
        self.role = Some(role.to_string());
    }

    pub(super) fn close(&mut self, encoder: &dyn Encoder) {
        self.settle(encoder);
        let role = self.role.take().unwrap_or_default();
        self.tokens.extend(encoder.closing(&role).into_iter().map(u64::from));
        self.previous = Some(role);
    }

    /// What a model wrote comes, of so many tokens.
    pub(super) fn fill(&mut self, count: usize, name: Name, encoder: &dyn Encoder) {
        self.settle(encoder);
        self.tokens.extend((0..count).map(|index| name_of((name, index))));
    }

    /// Its tokens.
    pub(super) fn tokens(&self, encoder: &dyn Encoder) -> Vec<u64> {
        let mut settled = self.clone();
        settled.settle(encoder);
        settled.tokens
    }

    /// Its tokens with some text after them that it does not keep.
    pub(super) fn tokens_with(&self, text: &str, encoder: &dyn Encoder) -> Vec<u64> {
        let mut longer = self.clone();
        longer.append(text, None);
        longer.tokens(encoder)
    }

    fn settle(&mut self, encoder: &dyn Encoder) {
        if self.tokens.is_empty() && self.role.is_none() && self.previous.is_none() {
            self.tokens.extend(encoder.begin().map(u64::from));
        }
        let text = std::mem::take(&mut self.pending);
        let unknown = std::mem::take(&mut self.unknown);
        let mut at = 0;
        for (token, bytes) in encoder.text(&text) {
            let end = at + bytes;
            let inside = unknown.iter().find(|(range, _)| range.start < end && at < range.end);
            self.tokens.push(match inside {
                // What was there before the piece tells tokens apart that reach over its edge.
                Some((range, name)) => name_of((*name, end as i64 - range.start as i64, bytes)),
                None => u64::from(token),
            });
            at = end;
        }
    }
}

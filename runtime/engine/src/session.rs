//! Sessions: a transcript, what waits for it, and what the program says about its future.
//!
//! A *pin* is a lock on the tokens that a session has in the cache while no sequence of its own holds them. A branch that was
//! forked pins its trunk until its first request is started; a session of which the program says that it is about to be forked is
//! pinned until it was. Pins are let go only where a request would fail otherwise.

use crate::engine::Engine;
use crate::radix::{NodeId, ROOT};
use crate::transcript::Transcript;
use sgl_protocol::{Command, Hint, ModelError, RequestId, SessionId};
use std::collections::VecDeque;
use std::time::Duration;

/// A transcript and what is to be done to it.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) transcript: Transcript,
    /// The request that is under way.
    pub(crate) busy: Option<RequestId>,
    /// Commands that wait for it.
    pub(crate) queue: VecDeque<Command>,
    /// Of its requests.
    pub(crate) priority: i8,
    /// How long its requests may take.
    pub(crate) deadline: Option<Duration>,
    /// Branches that are still to be forked from it.
    forks: u32,
    /// Whether nothing comes after the request under way.
    last_use: bool,
    pub(crate) pin: Option<NodeId>,
}

impl Engine {
    pub(crate) fn fork(&mut self, parent: SessionId, child: SessionId) {
        let Some(open) = self.sessions.get_mut(&parent) else { return };
        let mut transcript = open.transcript.clone();
        if open.busy.is_some() {
            transcript.fail(ModelError::Invalid("a transcript can't be forked while a hole of it is filled".into()));
        }
        open.forks = open.forks.saturating_sub(1);
        let (priority, deadline, done) = (open.priority, open.deadline, open.forks == 0);
        self.sessions.insert(child, Session { transcript, priority, deadline, ..Session::default() });
        self.pin(child);
        if done {
            self.unpin(parent);
        }
    }

    /// What the program says about the future of a session.
    pub(crate) fn hint(&mut self, session: SessionId, hint: &Hint) {
        let Some(open) = self.sessions.get_mut(&session) else { return };
        match *hint {
            Hint::Priority(priority) => open.priority = priority,
            Hint::Deadline(time) => open.deadline = Some(time),
            Hint::LastUse => open.last_use = true,
            Hint::Forks(count) => {
                open.forks = count;
                if open.busy.is_none() {
                    self.pin(session);
                }
            }
        }
    }

    /// A request of a session has ended: its transcript is kept, or let go, as the program said.
    pub(crate) fn keep(&mut self, session: SessionId) {
        let Some(open) = self.sessions.get(&session) else { return };
        let tokens = open.transcript.tokens();
        if open.last_use && self.cache.shares {
            self.cache.tree.let_go(tokens);
        } else if open.forks > 0 {
            self.pin(session);
        }
    }

    /// Protects what the cache has of a session's tokens.
    fn pin(&mut self, session: SessionId) {
        self.unpin(session);
        let Some(open) = self.sessions.get_mut(&session).filter(|_| self.cache.shares) else { return };
        let node = self.cache.tree.matched(open.transcript.tokens(), &mut Vec::new());
        if node != ROOT {
            self.cache.tree.lock(node);
            open.pin = Some(node);
        }
    }

    /// Lets go what [`Engine::pin`] protects.
    pub(crate) fn unpin(&mut self, session: SessionId) {
        if let Some(node) = self.sessions.get_mut(&session).and_then(|open| open.pin.take()) {
            self.cache.tree.unlock(node);
        }
    }

    /// Lets everything go that is pinned. Gives whether anything was.
    pub(crate) fn unpin_all(&mut self) -> bool {
        let pins: Vec<NodeId> = self.sessions.values_mut().filter_map(|open| open.pin.take()).collect();
        pins.iter().for_each(|node| self.cache.tree.unlock(*node));
        self.counting.counts.unpinned += pins.len() as u64;
        !pins.is_empty()
    }
}

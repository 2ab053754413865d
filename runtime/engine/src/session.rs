//! Sessions: a transcript, what waits for it, and what the program says about its future.
//!
//! A *pin* is a lock on the tokens that a session has in the cache while no sequence of its own holds them. A branch that was
//! forked pins its trunk until its first request is started; a session of which the program says that it is about to be forked is
//! pinned until it was. Where branches wait for room, one of those that wait always pins what its siblings have computed of their trunk.
//! Pins are let go only where a request would fail otherwise. What a branch alone has, beyond its trunk, is the first to go when
//! it is closed.

use crate::engine::Engine;
use crate::radix::{Namespace, NodeId, ROOT};
use crate::sequence::{Part, Sequence};
use crate::transcript::Transcript;
use indexmap::IndexMap;
use sgl_protocol::{Command, Hint, ModelError, RequestId, SessionId};
use std::collections::VecDeque;
use std::time::Duration;

/// Siblings that are looked at for one that waits.
const SIBLINGS_MAX: usize = 64;

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
    /// With whom it shares what it computes.
    pub(crate) namespace: Namespace,
    /// What it was forked from, and how many tokens that had.
    trunk: Option<(SessionId, usize)>,
    /// Branches that were forked from it and perhaps not started.
    branches: VecDeque<SessionId>,
    /// Branches that are still to be forked from it.
    forks: u32,
    /// What comes after the request under way.
    after: After,
    /// Tokens that others will begin with, if that was said of it.
    begins: Vec<u32>,
    /// Tokens that its first request began with: others may begin with them, too.
    pub(crate) lead: Option<usize>,
    pub(crate) pin: Option<NodeId>,
}

/// What a program has said of what it asks of a transcript later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum After {
    /// Nothing was said.
    #[default]
    Unknown,
    /// It is asked again; at most so many tokens are generated in it then, if that is known.
    More(Option<u32>),
    /// It is not asked again.
    Nothing,
}

/// Which namespaces there are.
#[derive(Debug, Default)]
pub(crate) struct Spaces {
    named: IndexMap<String, Namespace>,
    last: u32,
}

impl Spaces {
    /// The namespace of a name; the empty name is that of all who name none.
    fn named(&mut self, name: &str) -> Namespace {
        if name.is_empty() {
            return Namespace::default();
        }
        if let Some(space) = self.named.get(name) {
            return *space;
        }
        let space = self.unnamed();
        self.named.insert(name.to_string(), space);
        space
    }

    /// The name of a namespace; that of nobody else has none.
    pub(crate) fn name(&self, space: Namespace) -> Option<&str> {
        if space == Namespace::default() {
            return Some("");
        }
        self.named.iter().find(|(_, named)| **named == space).map(|(name, _)| name.as_str())
    }

    /// One that nobody has.
    fn unnamed(&mut self) -> Namespace {
        self.last += 1;
        Namespace(self.last)
    }
}

impl Session {
    /// Tokens that are generated in it after the request that is made next, if the program knows.
    pub(crate) fn later(&self) -> u32 {
        if let After::More(Some(tokens)) = self.after { tokens } else { 0 }
    }
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
        let namespace = if self.fork_sharing { open.namespace } else { self.spaces.unnamed() };
        open.branches.push_back(child);
        let trunk = Some((parent, transcript.tokens().len()));
        let branch = Session { transcript, priority, deadline, namespace, trunk, ..Session::default() };
        self.sessions.insert(child, branch);
        self.pin(child);
        if done {
            self.unpin(parent);
        }
    }

    /// What the program says about the future of a session.
    pub(crate) fn hint(&mut self, session: SessionId, hint: &Hint) {
        let Some(open) = self.sessions.get_mut(&session) else { return };
        match hint {
            Hint::Priority(priority) => open.priority = *priority,
            Hint::Deadline(time) => open.deadline = Some(*time),
            Hint::LastUse => open.after = After::Nothing,
            Hint::Remaining(bound) => open.after = After::More(*bound),
            Hint::Next => self.prefetch(session),
            Hint::Namespace(name) => open.namespace = self.spaces.named(name),
            Hint::Forks(count) => {
                open.forks = *count;
                if open.busy.is_none() {
                    self.pin(session);
                }
            }
        }
    }

    /// A request of a session has ended: its transcript is kept, or let go, as the program said.
    pub(crate) fn keep(&mut self, session: SessionId) {
        let Some(open) = self.sessions.get(&session) else { return };
        let (tokens, pinned) = (open.transcript.tokens(), open.forks > 0);
        match open.after {
            _ if !self.cache.shares => {}
            After::Nothing => {
                let keep = open.trunk.map_or(open.lead.unwrap_or(0), |(_, trunk)| trunk);
                self.cache.tree.let_go(open.namespace, tokens, keep);
            }
            After::More(_) => self.cache.tree.want(open.namespace, tokens),
            After::Unknown => {}
        }
        if pinned && open.after != After::Nothing {
            self.pin(session);
        }
        self.pin_sibling(session);
    }

    /// A branch has ended a request, and holds its trunk no more: the next of its siblings that waits does. What they have in common
    /// was perhaps computed by this one, when the others were pinned already.
    fn pin_sibling(&mut self, session: SessionId) {
        let Some((parent, _)) = self.sessions.get(&session).and_then(|open| open.trunk) else { return };
        let is_done = |engine: &Self, name: SessionId| engine.sessions.get(&name).is_none_or(|open| open.pin.is_none());
        while let Some(first) = self.sessions.get(&parent).and_then(|open| open.branches.front().copied())
            && self.waiting(first).is_none()
            && is_done(self, first)
        {
            if let Some(open) = self.sessions.get_mut(&parent) {
                open.branches.pop_front();
            }
        }
        let Some(open) = self.sessions.get(&parent) else { return };
        let mut first = open.branches.iter().take(SIBLINGS_MAX).copied();
        if let Some(next) = first.find(|name| self.waiting(*name).is_some()) {
            self.pin(next);
        }
    }

    /// The sequence of a session that waits to be started for the first time.
    fn waiting(&self, session: SessionId) -> Option<&Sequence> {
        let request = self.requests.get(&self.sessions.get(&session)?.busy?)?;
        let first = self.sequences.get(*request.open.first()?)?;
        (!first.running && !first.started).then_some(first)
    }

    /// A session is over. What only a branch has, beyond its trunk, nobody will ask for again.
    pub(crate) fn forget(&mut self, closed: &Session) {
        let tokens = closed.transcript.tokens();
        if !self.cache.shares {
            return;
        }
        if let Some((_, trunk)) = closed.trunk {
            self.cache.tree.let_go(closed.namespace, tokens, trunk);
        } else if let After::More(_) = closed.after {
            self.cache.tree.unwant(closed.namespace, tokens);
        }
    }

    /// Others will begin with what a session holds: what the cache has of it stays while the session is open.
    fn prefetch(&mut self, session: SessionId) {
        let Some(open) = self.sessions.get_mut(&session).filter(|open| open.busy.is_none()) else { return };
        // What can't be written is found by who asks.
        let Ok(prompt) = open.transcript.prompt(&mut self.writing) else { return };
        if prompt.tokens.is_empty() {
            return;
        }
        let mut beginning = Sequence::new(RequestId(0), Part::Hole, prompt.tokens, usize::MAX);
        beginning.namespace = open.namespace;
        open.begins = beginning.tokens.clone();
        self.read_ahead(&beginning);
        self.pin(session);
    }

    /// Protects what the cache has of a session's tokens.
    fn pin(&mut self, session: SessionId) {
        self.unpin(session);
        let Some(open) = self.sessions.get(&session).filter(|_| self.cache.shares) else { return };
        let waiting = self.waiting(session).map(|sequence| &sequence.tokens[..sequence.reusable()]);
        let written = if open.begins.is_empty() { open.transcript.tokens() } else { &open.begins };
        let (tokens, space) = (waiting.unwrap_or(written).to_vec(), open.namespace);
        let node = self.cache.tree.matched(space, &tokens, &mut Vec::new());
        let Some(open) = self.sessions.get_mut(&session).filter(|_| node != ROOT) else { return };
        self.cache.tree.lock(node);
        open.pin = Some(node);
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

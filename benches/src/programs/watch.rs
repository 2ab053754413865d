//! An engine that is watched: what was asked of it when, and what came of it.

use rustc_hash::FxHashMap;
use sgl_engine::{Beginning, Engine};
use sgl_protocol::{Command, Event, Generate, LanguageModel, RequestId, SessionId, Usage};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Bits of a name below those that say whose it is; see `sglc::together`.
const OWN_BITS: u32 = 40;

/// What was asked.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A text.
    Text(Box<Generate>),
    /// Scores of options.
    Scores,
}

/// A request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) what: What,
    pub(super) began: Instant,
    pub(super) took: Option<Duration>,
    pub(super) generated: u64,
    /// Requests, by their place, that must have ended before it can be asked.
    pub(super) after: BTreeSet<usize>,
}

/// All that was asked, in order.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) asked: Vec<Asked>,
    pub(super) usage: Usage,
    pub(super) beginnings: Vec<Beginning>,
    pub(super) places: FxHashMap<RequestId, usize>,
    /// Per session: what its transcript was made by, and what was asked of those that were forked from it.
    own: FxHashMap<SessionId, BTreeSet<usize>>,
    below: FxHashMap<SessionId, BTreeSet<usize>>,
    parents: FxHashMap<SessionId, SessionId>,
    /// Per seat: what ended last, so that what is asked next may depend on it.
    ended: FxHashMap<u64, BTreeSet<usize>>,
}

/// An engine that is watched.
#[derive(Debug)]
pub(super) struct Watched<'a> {
    engine: &'a mut Engine,
    seen: Seen,
}

impl<'a> Watched<'a> {
    pub(super) fn new(engine: &'a mut Engine) -> Self {
        Self { engine, seen: Seen::default() }
    }

    /// What was seen.
    pub(super) fn finish(mut self) -> Seen {
        self.seen.beginnings = self.engine.take_beginnings();
        self.seen
    }
}

impl Seen {
    /// How long the requests took that ended, in order of length.
    pub(super) fn latencies(&self) -> Vec<Duration> {
        let mut all: Vec<Duration> = self.asked.iter().filter_map(|asked| asked.took).collect();
        all.sort_unstable();
        all
    }

    fn ask(&mut self, request: RequestId, session: SessionId, what: What) {
        let place = self.asked.len();
        let mut after = self.before(session);
        // A run that waits goes on when something ends: what it asks then may be because of that.
        after.extend(self.ended.get(&(request.0 >> OWN_BITS)).into_iter().flatten());
        self.asked.push(Asked { what, began: Instant::now(), took: None, generated: 0, after });
        self.places.insert(request, place);
        self.own.entry(session).or_default().insert(place);
        let mut at = self.parents.get(&session).copied();
        while let Some(above) = at {
            self.below.entry(above).or_default().insert(place);
            at = self.parents.get(&above).copied();
        }
    }

    /// What has to have ended before a transcript can go on: what made it, and of its branches what has ended by now, as they may
    /// have been joined.
    fn before(&self, session: SessionId) -> BTreeSet<usize> {
        let below = self.below.get(&session).into_iter().flatten().copied();
        let joined = below.filter(|place| self.asked[*place].took.is_some());
        self.own.get(&session).into_iter().flatten().copied().chain(joined).collect()
    }

    fn end(&mut self, request: RequestId, usage: Usage) {
        let Some(place) = self.places.get(&request).copied() else { return };
        let asked = &mut self.asked[place];
        asked.took = Some(asked.began.elapsed());
        asked.generated = usage.generated_tokens;
        self.usage.add(usage);
        self.ended.entry(request.0 >> OWN_BITS).or_default().insert(place);
    }
}

impl LanguageModel for Watched<'_> {
    fn submit(&mut self, command: Command) {
        match &command {
            Command::Fork { parent, child } => {
                self.seen.parents.insert(*child, *parent);
                let before = self.seen.before(*parent);
                self.seen.own.insert(*child, before);
            }
            Command::Generate(asked) => {
                self.seen.ask(asked.request, asked.session, What::Text(Box::new(asked.clone())));
            }
            Command::Score(asked) => self.seen.ask(asked.request, asked.session, What::Scores),
            _ => {}
        }
        self.engine.submit(command);
    }

    fn poll(&mut self, patience: Duration, events: &mut Vec<Event>) {
        self.engine.poll(patience, events);
        let ends = |event: &Event| !matches!(event, Event::Token { .. });
        if events.iter().any(ends) {
            self.seen.ended.clear();
        }
        for event in events.iter() {
            match event {
                Event::Generated { request, result } => self.seen.end(*request, result.usage),
                Event::Scored { request, result } => self.seen.end(*request, result.usage),
                Event::Failed { request, .. } => self.seen.end(*request, Usage::default()),
                Event::Token { .. } => {}
            }
        }
    }

    fn usage(&self) -> Usage {
        self.engine.usage()
    }
}

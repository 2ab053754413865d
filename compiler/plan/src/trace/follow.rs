//! Walks a plan with what happened: each event is taken by the step that it belongs to.
//!
//! Steps are taken in order, and one that the next event does not belong to was not reached: a way that was not taken, what comes after
//! an early `return`. A loop begins again while the next event belongs to it. Where a prompt calls itself, the plan ends, and what
//! happens from there on is taken as it comes.

use super::Encoder;
use super::beside::{Beside, Measured};
use super::events::{Events, is_copied, is_recursive, of_branch, site, starts};
use super::prefix::PrefixTree;
use super::transcript::{Name, Transcript, name_of};
use crate::binding::Binding;
use crate::step::{EntryPlan, Step};
use rustc_hash::FxHashMap;
use sgl_protocol::{Finish, Happening};

/// An event that no step of the plan accounts for: the trace is of another program.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfollowed(pub Happening);

/// Lays a run beside a plan. `cache` is what runs before it left in the engine's cache, and then also what this one left.
///
/// # Errors
/// [`Unfollowed`] if something happened that the plan has no step for.
pub fn follow(
    plan: &EntryPlan,
    happened: &[Happening],
    encoder: &dyn Encoder,
    cache: &mut PrefixTree,
) -> Result<Beside, Unfollowed> {
    let mut follower = Follower {
        encoder,
        cache,
        events: Events::of(happened),
        transcripts: FxHashMap::default(),
        turns: FxHashMap::default(),
        asks: 0,
        beside: Beside::default(),
    };
    let root = happened.iter().find_map(|what| match what {
        Happening::Started { task, parent: None, .. } => Some(*task),
        _ => None,
    });
    if let Some(root) = root {
        follower.task(root, Transcript::default(), &plan.steps)?;
    }
    Ok(follower.beside)
}

struct Follower<'a> {
    encoder: &'a dyn Encoder,
    cache: &'a mut PrefixTree,
    events: Events<'a>,
    /// Copies that were kept as values.
    transcripts: FxHashMap<u64, Transcript>,
    /// In which of its turns each repeat is.
    turns: FxHashMap<u32, u64>,
    asks: u64,
    beside: Beside,
}

/// A task that is followed.
struct Task {
    id: u32,
    transcript: Transcript,
    /// How much happened to the transcript, and what it was where it is taken back to.
    happened: u64,
    kept: FxHashMap<u64, Transcript>,
}

impl<'a> Follower<'a> {
    fn task(&mut self, id: u32, transcript: Transcript, steps: &[Step]) -> Result<(), Unfollowed> {
        let mut task = Task { id, transcript, happened: 0, kept: FxHashMap::default() };
        self.keep(&mut task);
        self.steps(&mut task, steps)?;
        while let Some(event) = self.next(&mut task) {
            if !is_recursive(steps) {
                return Err(Unfollowed(event.clone()));
            }
            self.unplanned(&mut task, event)?;
        }
        Ok(())
    }

    /// The next event of a task that belongs to a step.
    fn next(&mut self, task: &mut Task) -> Option<&'a Happening> {
        loop {
            let event = self.events.peek(task.id)?;
            match event {
                Happening::Kept { transcript, .. } => {
                    self.transcripts.insert(*transcript, task.transcript.clone());
                }
                Happening::Rewound { to, .. } => {
                    task.transcript = task.kept.get(to).cloned().unwrap_or_default();
                }
                _ => return Some(event),
            }
            self.events.take(task.id);
        }
    }

    /// Takes the next event of a task.
    fn take(&mut self, task: &mut Task) {
        self.events.take(task.id);
        self.keep(task);
    }

    fn keep(&mut self, task: &mut Task) {
        if self.events.is_returned_to(task.id, task.happened) {
            task.kept.insert(task.happened, task.transcript.clone());
        }
    }

    fn steps(&mut self, task: &mut Task, steps: &[Step]) -> Result<(), Unfollowed> {
        for step in steps {
            if self.next(task).is_some_and(|event| starts(step, event)) {
                self.step(task, step)?;
            }
        }
        Ok(())
    }

    fn step(&mut self, task: &mut Task, step: &Step) -> Result<(), Unfollowed> {
        match step {
            Step::Turn { steps, .. } => {
                self.write(task, None);
                self.steps(task, steps)?;
                if matches!(self.next(task), Some(Happening::Closed { .. })) {
                    self.write(task, None);
                }
            }
            Step::Text { .. } => self.write(task, None),
            Step::Splice { of, binding, text, varies, .. } => {
                let known = text.is_some() || *binding <= Binding::Call;
                let turns: Vec<Option<u64>> = varies.iter().map(|repeat| self.turns.get(repeat).copied()).collect();
                let name = (!known).then(|| name_of((of, varies, turns)));
                self.write(task, name);
                // The text of a transcript comes piece by piece.
                while self.next(task).is_some_and(|event| is_copied(event) && starts(step, event)) {
                    self.write(task, name);
                }
            }
            Step::Hole { shape, max_tokens, likeliest, .. } => {
                let measured = self.ask(task, !shape.is_free_text(), *likeliest);
                self.beside.add(step, measured, *max_tokens);
            }
            Step::Select { span, .. } => {
                let measured = self.ask(task, false, false);
                self.beside.add(step, measured, None);
                let chosen = |event: &Happening| matches!(event, Happening::Wrote { at, .. } if *at == site(*span));
                if self.next(task).is_some_and(chosen) {
                    let name = name_of(("chosen", self.asks));
                    self.write(task, Some(name));
                }
            }
            Step::Tool { .. } => self.take(task),
            Step::Branches { repeat, .. } => self.branches(task, step, *repeat)?,
            Step::Repeat { repeat, steps, .. } => {
                let mut turn = 0;
                while self.next(task).is_some_and(|event| steps.iter().any(|step| starts(step, event))) {
                    self.turns.insert(*repeat, turn);
                    turn += 1;
                    self.steps(task, steps)?;
                }
                self.beside.turned(step, turn);
            }
            Step::Guarded { steps, .. } => {
                while self.next(task).is_some_and(|event| steps.iter().any(|step| starts(step, event))) {
                    self.steps(task, steps)?;
                }
            }
            Step::Choice { then, otherwise, .. } => {
                let taken = self.next(task).is_some_and(|event| then.iter().any(|step| starts(step, event)));
                self.steps(task, if taken { then } else { otherwise })?;
            }
            Step::Again { .. } => {}
        }
        Ok(())
    }

    /// Tasks that a step begins, each with its branch; then what they wrote, where that is joined.
    fn branches(&mut self, task: &mut Task, step: &Step, repeat: u32) -> Result<(), Unfollowed> {
        let mut count = 0;
        while let Some(event) = self.next(task).filter(|event| starts(step, event)) {
            let Happening::Started { task: child, name, copy_of, .. } = event else {
                let name = name_of(("joined", self.asks, task.id, task.happened));
                self.write(task, Some(name));
                continue;
            };
            self.take(task);
            self.turns.insert(repeat, count);
            count += 1;
            let transcript = self.copied(task, *copy_of);
            self.task(*child, transcript, of_branch(step, name))?;
            // A call is one task; only a fork begins several in one place at once.
            if !matches!(step, Step::Branches { by, .. } if by == "fork") {
                break;
            }
        }
        self.beside.turned(step, count);
        Ok(())
    }

    /// The transcript that a task begins with.
    fn copied(&self, task: &Task, copy_of: Option<u64>) -> Transcript {
        match copy_of {
            None => Transcript::default(),
            Some(number) => self.transcripts.get(&number).unwrap_or(&task.transcript).clone(),
        }
    }

    /// Text or the edge of a turn comes to the transcript; `name` says what a text is that the plan does not know.
    fn write(&mut self, task: &mut Task, name: Option<Name>) {
        let Some(event) = self.events.peek(task.id) else { return };
        match event {
            Happening::Opened { role, .. } => task.transcript.open(role, self.encoder),
            Happening::Closed { .. } => task.transcript.close(self.encoder),
            Happening::Wrote { text, .. } => task.transcript.append(text, name),
            _ => return,
        }
        task.happened += 1;
        self.take(task);
    }

    /// A model is asked, and answers: what that reads, and what was predicted.
    fn ask(&mut self, task: &mut Task, constrained: bool, likeliest: bool) -> Option<Measured> {
        let Some(Happening::Asked { options, .. }) = self.events.peek(task.id) else { return None };
        self.take(task);
        self.asks += 1;
        let prompt = task.transcript.tokens(self.encoder);
        let (all, first) = self.read(task, &prompt, options);
        let Some(Happening::Answered { text, usage, finish, .. }) = self.next(task) else { return None };
        let measured = Measured { asked: 1, predicted_prompt: all, predicted_cached: first, ..Measured::of(*usage) };
        if let Some(finish) = finish {
            let count = self.encoder.text(text).len();
            let name = if likeliest { name_of(("likeliest", &prompt)) } else { name_of(("hole", self.asks)) };
            task.transcript.fill(count, name, self.encoder);
            task.happened += 1;
            let tokens = task.transcript.tokens(self.encoder);
            // The last token is read with what comes after it, if nothing was asked after it.
            let unread = usize::from(*finish == Finish::Length || constrained && *finish == Finish::Stop);
            self.cache.insert(&tokens[..tokens.len() - unread.min(count)]);
        }
        self.take(task);
        Some(measured)
    }

    /// How many tokens a request has, and how many of them are in the cache; then all of them are.
    fn read(&mut self, task: &Task, prompt: &[u64], options: &[String]) -> (u64, u64) {
        // What is asked about is read in any case: the last token.
        let cached = self.cache.longest(prompt).min(prompt.len().saturating_sub(1)) as u64;
        self.cache.insert(prompt);
        if options.is_empty() {
            return (prompt.len() as u64, cached);
        }
        let with: Vec<Vec<u64>> =
            options.iter().map(|option| task.transcript.tokens_with(option, self.encoder)).collect();
        let common = |tokens: &Vec<u64>| {
            let same = tokens.iter().zip(prompt).take_while(|(a, b)| a == b).count();
            same.min(tokens.len().saturating_sub(1))
        };
        let shared = with.iter().map(common).min().unwrap_or(prompt.len());
        with.iter().for_each(|tokens| self.cache.insert(&tokens[..tokens.len() - 1]));
        let own: usize = with.iter().map(|tokens| tokens.len() - shared).sum();
        ((shared + own) as u64, cached.min(shared.saturating_sub(1) as u64))
    }

    /// An event beyond the end of the plan.
    fn unplanned(&mut self, task: &mut Task, event: &'a Happening) -> Result<(), Unfollowed> {
        match event {
            Happening::Started { task: child, copy_of, .. } => {
                self.take(task);
                let transcript = self.copied(task, *copy_of);
                self.task(*child, transcript, &[Step::Again { name: String::new() }])?;
            }
            Happening::Asked { .. } => {
                if let Some(measured) = self.ask(task, false, false) {
                    self.beside.total += measured;
                }
            }
            Happening::Opened { .. } | Happening::Closed { .. } | Happening::Wrote { .. } => self.write(task, None),
            _ => self.take(task),
        }
        Ok(())
    }
}

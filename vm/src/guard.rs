//! Faults of the world, and who catches them: `try`, `retry` and `budget` are guards of a frame.
//!
//! A fault unwinds to the innermost guard that wants it: what was started inside is cancelled, and the transcript is taken
//! back to where the guard began (for a budget: to the last turn that was complete). A fault that no guard of a task wants
//! fails the task, and is raised again where its value is read. Faults of the program are not of this kind: they end the run.

use crate::budget::Budget;
use crate::image::{GuardKind, Op, Register};
use crate::machine::Machine;
use crate::operation as values;
use crate::task::{Group, Slot, Stop, Wait};
use crate::trap::{Fault, World};
use crate::value::{TaskId, Value};
use sgl_protocol::{Command, SessionId};
use std::rc::Rc;

/// What a guard does with a fault.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Goes on at the handler.
    Try,
    /// Begins again, so many times.
    Retry { left: u64 },
    /// Goes on at the handler when this budget is spent.
    Budget(Rc<Budget>),
}

/// A guard that is open in a frame.
#[derive(Debug)]
pub(crate) struct Guard {
    kind: Kind,
    /// Where the fault goes as a value, and the record type that it is of.
    to: Register,
    record: u32,
    /// Where it goes on; none lets the fault pass.
    handler: Option<usize>,
    /// Where its block begins.
    begin: usize,
    saved: Saved,
    /// Tasks that its task had started before it.
    children: usize,
    /// Retries that are under way around it.
    attempt: u64,
}

/// A transcript as it was. Transcripts only grow, so lengths say it.
#[derive(Debug)]
struct Saved {
    session: Option<SessionId>,
    written: usize,
    happened: u64,
    role_open: bool,
}

impl Guard {
    /// The copy of the transcript that it keeps.
    pub(crate) fn session(&self) -> Option<SessionId> {
        self.saved.session
    }

    /// The budget that it guards.
    fn budget(&self) -> Option<&Rc<Budget>> {
        match &self.kind {
            Kind::Budget(budget) => Some(budget),
            Kind::Try | Kind::Retry { .. } => None,
        }
    }
}

impl Machine<'_> {
    pub(crate) fn guard(&mut self, id: TaskId, op: &Op) -> Result<(), Stop> {
        match op {
            Op::Guard { kind, to, record, handler } => {
                let kind = match kind {
                    GuardKind::Try => Kind::Try,
                    GuardKind::Retry { times } => {
                        let times = values::int_of(&self.get(id, *times)?)?;
                        let left = u64::try_from(times)
                            .map_err(|_| Fault::new(format!("`retry {times}` wants fewer than no retries")))?;
                        Kind::Retry { left }
                    }
                    GuardKind::Budget { tokens, milliseconds, steps } => {
                        Kind::Budget(self.open_budget(id, *tokens, *milliseconds, *steps)?)
                    }
                };
                self.pass(id);
                let saved = self.save(id);
                let task = self.running(id);
                let begin = task.frames.last().map_or(0, |frame| frame.at);
                let (children, attempt) = (task.children.len(), task.attempt);
                let handler = handler.map(|target| target as usize);
                let guard = Guard { kind, to: *to, record: *record, handler, begin, saved, children, attempt };
                task.frames.last_mut().expect("a task that runs has a frame").guards.push(guard);
                Ok(())
            }
            Op::Unguard => {
                let task = self.running(id);
                let guard = task.frames.last().and_then(|frame| frame.guards.last());
                let since = guard.ok_or_else(|| Fault::new("no guard is open here"))?.children;
                let children = task.children[since.min(task.children.len())..].to_vec();
                self.settled(&children)?;
                let task = self.running(id);
                let guard = task.frames.last_mut().and_then(|frame| frame.guards.pop());
                if let Some(guard) = guard {
                    self.close_guard(id, &guard);
                }
                self.pass(id);
                Ok(())
            }
            Op::Fail { message } => {
                let message = self.whole(id, *message)?;
                Err(Fault::world("raised", values::str_of(&message)?).into())
            }
            other => unreachable!("{other:?} guards nothing"),
        }
    }

    /// Waits for tasks, and raises the fault of one that failed: what a block started belongs to the block.
    pub(crate) fn settled(&self, tasks: &[TaskId]) -> Result<(), Stop> {
        for task in tasks {
            match self.slot(*task) {
                Slot::Alive(_) => return Err(Stop::Wait(Wait::Task(*task))),
                Slot::Failed(fault) => return Err(Stop::Fault(fault.clone())),
                Slot::Done(_) | Slot::Cancelled => {}
            }
        }
        Ok(())
    }

    fn save(&mut self, id: TaskId) -> Saved {
        let task = self.running(id);
        let (written, role_open, happened) = (task.written.len(), task.role_open, task.happened);
        let session = task.session;
        Saved { session: session.map(|session| self.fork_session(session)), written, happened, role_open }
    }

    /// A turn begins: a budget that is spent in it takes the turn back, and keeps what came before.
    pub(crate) fn keep_turns(&mut self, id: TaskId) {
        let task = self.running(id);
        let budgets = |guard: &Guard| guard.budget().is_some() && guard.handler.is_some();
        let count: usize = task.frames.iter().map(|f| f.guards.iter().filter(|g| budgets(g)).count()).sum();
        for index in 0..count {
            let saved = self.save(id);
            let task = self.running(id);
            let mut guards = task.frames.iter_mut().flat_map(|f| f.guards.iter_mut()).filter(|g| budgets(g));
            let guard = guards.nth(index).expect("the guards were counted");
            let before = std::mem::replace(&mut guard.saved, saved);
            before.session.into_iter().for_each(|session| self.close_session(session));
        }
    }

    /// Takes a transcript back; `keep` if it will have to be taken back once more.
    fn rewind(&mut self, id: TaskId, guard: &mut Guard, keep: bool) {
        let copy = match guard.saved.session {
            Some(session) if keep => Some(self.fork_session(session)),
            _ => guard.saved.session.take(),
        };
        let task = self.running(id);
        let unchanged = task.written.len() == guard.saved.written && task.role_open == guard.saved.role_open;
        let now = std::mem::replace(&mut task.session, copy);
        task.written.truncate(guard.saved.written);
        task.role_open = guard.saved.role_open;
        let branch = task.branch.clone();
        now.into_iter().for_each(|session| self.close_session(session));
        if !unchanged {
            self.observer.rewound(&branch);
        }
        self.tell_rewound(id, guard.saved.happened);
    }

    /// The guard is over.
    fn close_guard(&mut self, id: TaskId, guard: &Guard) {
        let task = self.running(id);
        task.attempt = guard.attempt;
        if let Some(budget) = guard.budget() {
            task.budgets.retain(|open| open.serial != budget.serial);
            self.deadlines.retain(|(_, _, serial)| *serial != budget.serial);
        }
        guard.saved.session.into_iter().for_each(|session| self.close_session(session));
    }

    /// Unwinds to the guard that wants the fault. Gives the fault back if none does.
    pub(crate) fn raise(&mut self, id: TaskId, mut fault: Fault) -> Result<(), Fault> {
        if fault.world.as_ref().is_some_and(|world| world.origin.is_none()) {
            let origin = self.trap(id, fault.clone());
            if let Some(world) = &mut fault.world {
                world.origin = Some(Box::new(origin));
            }
        }
        self.drop_request(id);
        loop {
            let task = self.running(id);
            let Some(frame) = task.frames.last_mut() else { return Err(fault) };
            let Some(mut guard) = frame.guards.pop() else {
                if task.frames.len() == 1 {
                    return Err(fault);
                }
                task.frames.pop();
                continue;
            };
            self.cancel_since(id, guard.children);
            let Some(world) = &mut fault.world else { return Err(fault) };
            let own = guard.budget().is_some_and(|budget| world.budget == Some(budget.serial));
            let caught = match &mut guard.kind {
                Kind::Try => world.budget.is_none(),
                Kind::Budget(_) => own && guard.handler.is_some(),
                Kind::Retry { left: 0 } => false,
                Kind::Retry { left } => {
                    let again = world.budget.is_none();
                    *left -= u64::from(again);
                    again
                }
            };
            if own {
                // Past its own budget it is a fault like any other.
                world.budget = None;
            }
            if !caught {
                self.close_guard(id, &guard);
                continue;
            }
            let again = matches!(guard.kind, Kind::Retry { .. });
            self.rewind(id, &mut guard, again);
            if again {
                let task = self.running(id);
                task.attempt += 1;
                let frame = task.frames.last_mut().expect("the guard's frame");
                frame.at = guard.begin;
                frame.guards.push(guard);
                return Ok(());
            }
            let value = self.fault_value(guard.record, world);
            self.close_guard(id, &guard);
            self.set(id, guard.to, value);
            let frame = self.running(id).frames.last_mut().expect("the guard's frame");
            frame.at = guard.handler.unwrap_or(guard.begin);
            return Ok(());
        }
    }

    /// A fault as a program sees it: kind, message, place.
    fn fault_value(&self, record: u32, world: &World) -> Value {
        let (message, place) = match &world.origin {
            Some(origin) => (origin.message.as_str(), self.image.place_name(origin.place)),
            None => ("", String::new()),
        };
        Value::Record(record, vec![Value::text(world.kind), Value::text(message), Value::text(place)].into())
    }

    /// Ends what the task waits for.
    fn drop_request(&mut self, id: TaskId) {
        let task = self.running(id);
        let (asked, group, call) = (task.asked.take(), task.group.take(), task.call.take());
        if let Some(asked) = asked.filter(|asked| asked.answer.is_none()) {
            self.forget_request(asked.request);
            self.model.submit(Command::Cancel { request: asked.request });
        }
        if let Some(Group { members, .. }) = group {
            members.into_iter().for_each(|member| self.cancel(member));
        }
        if let Some(call) = call.filter(|call| call.answer.is_none()) {
            self.drop_call(call.number);
        }
    }

    fn cancel_since(&mut self, id: TaskId, since: usize) {
        let task = self.running(id);
        let started = task.children.split_off(since.min(task.children.len()));
        started.into_iter().for_each(|child| self.cancel(child));
    }
}

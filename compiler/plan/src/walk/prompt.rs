//! What is written of a transcript, with turns and guards as they nest.

use super::{Frame, TooLarge, Walker};
use crate::binding::{Binding, Fact, Known};
use crate::step::{Branch, Join, Step, Width};
use sgl_ir::program::{self, Body, Guard, Start};
use sgl_source::Span;

/// Steps of a region as they come.
pub(super) struct Writer<'a> {
    whole: &'a mut Vec<Step>,
    /// What is open, outermost first.
    open: Vec<(Open, Vec<Step>)>,
}

/// What a region opens and closes.
pub(super) enum Open {
    Turn(String, Span),
    Guard { retries: Width, tokens_max: Option<u64> },
}

impl<'a> Writer<'a> {
    pub(super) fn new(whole: &'a mut Vec<Step>) -> Self {
        Self { whole, open: Vec::new() }
    }

    /// Where steps go now.
    pub(super) fn steps(&mut self) -> &mut Vec<Step> {
        match self.open.last_mut() {
            Some((_, steps)) => steps,
            None => self.whole,
        }
    }

    pub(super) fn open(&mut self, what: Open) {
        self.open.push((what, Vec::new()));
    }

    /// Ends the innermost turn or guard, if it was opened here; a region that leaves early also closes what is around it.
    pub(super) fn close(&mut self, turn: bool) {
        if self.open.last().is_some_and(|(what, _)| matches!(what, Open::Turn(..)) == turn) {
            self.pop();
        }
    }

    /// Ends all that is open.
    pub(super) fn finish(mut self) {
        while !self.open.is_empty() {
            self.pop();
        }
    }

    fn pop(&mut self) {
        let Some((what, steps)) = self.open.pop() else { return };
        let step = match what {
            Open::Turn(role, span) => Step::Turn { role, span, steps },
            Open::Guard { retries, tokens_max } => Step::Guarded { retries, tokens_max, steps },
        };
        self.steps().push(step);
    }
}

impl Walker<'_> {
    pub(super) fn guard(&mut self, frame: &Frame, guard: &Guard) -> Open {
        match guard {
            Guard::Retry(times) => {
                let retries = match frame.value(*times).known {
                    Known::Int(times) => Width::Times(u64::try_from(times).unwrap_or(0)),
                    _ => self.symbol("retries"),
                };
                Open::Guard { retries, tokens_max: None }
            }
            Guard::Budget(limits) => {
                let tokens_max = limits.tokens.and_then(|tokens| match frame.value(tokens).known {
                    Known::Int(tokens) => u64::try_from(tokens).ok(),
                    _ => None,
                });
                Open::Guard { retries: Width::Times(0), tokens_max }
            }
        }
    }

    /// A task: a call on a transcript of its own.
    pub(super) fn task(
        &mut self,
        frame: &Frame,
        function: u32,
        given: Vec<Fact>,
        start: Start,
        steps: &mut Vec<Step>,
    ) -> Result<Fact, TooLarge> {
        let (repeat, span) = (self.fresh_repeat(), self.at);
        let by = self.program.functions[function as usize].name.clone();
        let mut inner = Vec::new();
        let result = self.call(function, given, &frame.context, &mut inner)?;
        let branches = vec![Branch { name: String::new(), steps: inner }];
        let (forked, width) = (start != Start::Fresh, Width::Times(1));
        steps.push(Step::Branches { by, forked, width, span, repeat, join: Join::All, branches });
        Ok(result)
    }

    /// Branches of one body, as many as there are elements.
    pub(super) fn fork(
        &mut self,
        frame: &mut Frame,
        over: &Fact,
        body: &Body,
        join: &program::Join,
        steps: &mut Vec<Step>,
    ) -> Result<Fact, TooLarge> {
        let (repeat, span) = (self.fresh_repeat(), self.at);
        let width = self.width(over);
        let element = super::element(over).within(repeat);
        for parameter in &body.parameters {
            frame.values.insert(*parameter, element.clone());
        }
        let mut inner = Vec::new();
        // What a branch writes by itself differs from branch to branch.
        let inside = frame.context.clone().within(repeat);
        let outside = std::mem::replace(&mut frame.context, inside);
        let given = self.body(frame, body, &mut inner)?;
        frame.context = outside;
        let branches = vec![Branch { name: String::new(), steps: inner }];
        let kind = join_of(join);
        let known = match (&width, kind) {
            (Width::Times(length), Join::All) => Known::Length(*length),
            _ => Known::Nothing,
        };
        steps.push(Step::Branches { by: "fork".into(), forked: true, width, span, repeat, join: kind, branches });
        let judged = if kind == Join::All { given } else { given.join(&Fact::of(Binding::Generated, "fork")) };
        Ok(Fact { known, ..judged.join(over) })
    }

    /// A branch per name.
    pub(super) fn fork_named(
        &mut self,
        frame: &mut Frame,
        bodies: &[(String, Body)],
        join: &program::Join,
        steps: &mut Vec<Step>,
    ) -> Result<Fact, TooLarge> {
        let (repeat, span) = (self.fresh_repeat(), self.at);
        let (mut branches, mut all) = (Vec::new(), Fact::default());
        for (name, body) in bodies {
            let mut inner = Vec::new();
            all = all.join(&self.body(frame, body, &mut inner)?);
            branches.push(Branch { name: name.clone(), steps: inner });
        }
        let (width, join) = (Width::Times(1), join_of(join));
        steps.push(Step::Branches { by: "fork".into(), forked: true, width, span, repeat, join, branches });
        Ok(Fact { known: Known::Nothing, ..all })
    }

    /// A block on a copy of a transcript.
    pub(super) fn scratch(
        &mut self,
        frame: &mut Frame,
        start: Start,
        body: &Body,
        steps: &mut Vec<Step>,
    ) -> Result<Fact, TooLarge> {
        let (repeat, span) = (self.fresh_repeat(), self.at);
        let mut inner = Vec::new();
        let given = self.body(frame, body, &mut inner)?;
        let branches = vec![Branch { name: String::new(), steps: inner }];
        let (forked, width) = (start != Start::Fresh, Width::Times(1));
        steps.push(Step::Branches { by: "scratch".into(), forked, width, span, repeat, join: Join::All, branches });
        Ok(given)
    }

    fn body(&mut self, frame: &mut Frame, body: &Body, steps: &mut Vec<Step>) -> Result<Fact, TooLarge> {
        frame.results.push(None);
        self.region(frame, &body.region, steps)?;
        Ok(frame.results.pop().flatten().unwrap_or_default())
    }
}

fn join_of(join: &program::Join) -> Join {
    match join {
        program::Join::All => Join::All,
        program::Join::First(_) => Join::First,
        program::Join::Race => Join::Race,
        program::Join::Vote { .. } => Join::Vote,
        program::Join::Best(_) => Join::Best,
        program::Join::Until(_) => Join::Until,
        program::Join::Concat => Join::Concat,
    }
}

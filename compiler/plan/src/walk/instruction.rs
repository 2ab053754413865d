//! One instruction: what it defines, and what it writes.

use super::prompt::{Open, Writer};
use super::{Frame, TooLarge, Walker};
use crate::binding::{Binding, Fact, Known};
use crate::step::{Step, Width};
use sgl_ir::program::{Attempt, HoleOption, Instruction, Op, Region, Start, Value};

/// Temperature up to which a hole is taken to be the likeliest text: a token whose logit is 0.1 less comes once in 22,000 times.
const LIKELIEST_TEMPERATURE_MAX: f64 = 0.01;

impl Walker<'_> {
    /// Follows an instruction; whether nothing after it in its region is reached.
    pub(super) fn instruction(
        &mut self,
        frame: &mut Frame,
        instruction: &Instruction,
        out: &mut Writer<'_>,
    ) -> Result<bool, TooLarge> {
        match &instruction.op {
            Op::Return(value) | Op::Yield(value) => {
                let fact = frame.value(*value);
                frame.give(&fact);
                return Ok(true);
            }
            Op::Break | Op::Continue => {
                let reached = frame.context.clone();
                if let Some(innermost) = frame.loops.last_mut() {
                    *innermost = innermost.join(&reached);
                }
                return Ok(true);
            }
            Op::Fail(_) | Op::NoMatch(_) => return Ok(true),
            Op::OpenRole(role) => out.open(Open::Turn((*role).to_string(), instruction.span)),
            Op::OpenNamedRole(value) => {
                let role = frame.value(*value);
                let role = match role.known {
                    Known::Text(name) => name,
                    _ => format!("${{{}}}", role.origin),
                };
                out.open(Open::Turn(role, instruction.span));
            }
            Op::CloseRole => out.close(true),
            Op::OpenGuard(guard) => {
                let guard = self.guard(frame, guard);
                out.open(guard);
            }
            Op::CloseGuard => out.close(false),
            Op::Append(text) => out.steps().push(Step::Text { text: text.clone(), span: instruction.span }),
            Op::AppendValue(value) | Op::AppendImage(value) => {
                let Fact { binding, varies, known, origin, computed } = frame.value(*value);
                let text = match known {
                    Known::Text(text) => Some(text),
                    Known::Int(number) => Some(number.to_string()),
                    _ => None,
                };
                let span = instruction.span;
                out.steps().push(Step::Splice { of: origin, computed, binding, text, varies, span });
            }
            Op::If(condition, then, otherwise) => {
                let condition = frame.value(*condition);
                let (mut yes, mut no) = (Vec::new(), Vec::new());
                self.region_if(frame, &condition, then, &mut yes)?;
                self.region_if(frame, &condition, otherwise, &mut no)?;
                if !(yes.is_empty() && no.is_empty()) {
                    out.steps().push(Step::Choice { binding: condition.binding, then: yes, otherwise: no });
                }
            }
            Op::Loop(region) => {
                let times = self.symbol("turns");
                self.repeated(frame, &Fact::default(), None, times, region, out)?;
            }
            Op::Each(over, element, region) => {
                let over = frame.value(*over);
                let times = self.width(&over);
                self.repeated(frame, &over, Some(*element), times, region, out)?;
            }
            Op::Attempt(attempt) => self.attempt(frame, attempt, out)?,
            Op::Store(slot, value) => {
                let fact = frame.value(*value);
                frame.store(*slot, &fact);
            }
            Op::Push(slot, value) => {
                let fact = Fact { known: Known::Nothing, ..frame.value(*value) };
                frame.store(*slot, &fact);
            }
            _ => self.define(frame, instruction, out)?,
        }
        Ok(false)
    }

    /// An instruction that gives a value.
    fn define(&mut self, frame: &mut Frame, instruction: &Instruction, out: &mut Writer<'_>) -> Result<(), TooLarge> {
        let span = instruction.span;
        let all = |frame: &Frame, given: &[Value]| given.iter().map(|value| frame.value(*value)).collect();
        let fact = match &instruction.op {
            Op::Generate(hole, options, _) => {
                let likeliest = options.iter().any(|(option, value)| {
                    *option == HoleOption::Temperature
                        && match frame.value(*value).known {
                            Known::Float(temperature) => temperature <= LIKELIEST_TEMPERATURE_MAX,
                            Known::Int(temperature) => temperature <= 0,
                            _ => false,
                        }
                });
                let (label, shape, model) = (hole.label.clone(), hole.shape.clone(), hole.model.clone());
                out.steps().push(Step::Hole { label, shape, model, max_tokens: hole.max_tokens, likeliest, span });
                // What is written differs wherever it is written again.
                let varies = frame.context.varies.clone();
                Fact { varies, ..Fact::of(Binding::Generated, &hole.label) }
            }
            Op::Select(among, _, label, _) => {
                let list = frame.value(*among);
                let among = self.width(&list);
                out.steps().push(Step::Select { label: label.clone(), among, span });
                let varies = frame.context.varies.clone();
                let chosen = Fact { varies, ..Fact::of(Binding::Generated, label) };
                Fact { known: Known::Nothing, ..list.join(&chosen) }
            }
            Op::CallTool(tool, given) => {
                let name = &self.program.tools[*tool as usize].name;
                out.steps().push(Step::Tool { name: name.clone() });
                frame.joined(given).join(&Fact::of(Binding::Generated, name)).computed()
            }
            Op::Call(function, given) => {
                self.call(*function, all(frame, given), &frame.context.clone(), out.steps())?
            }
            Op::Spawn(function, given, start) => self.task(frame, *function, all(frame, given), *start, out.steps())?,
            Op::Report(function, given, _) => {
                self.task(frame, *function, all(frame, given), Start::Fresh, out.steps())?.computed()
            }
            Op::Scratch(start, body) => self.scratch(frame, *start, body, out.steps())?,
            Op::Fork(over, body, join) => {
                let over = frame.value(*over);
                self.fork(frame, &over, body, join, out.steps())?
            }
            Op::ForkNamed(bodies, _, join) => self.fork_named(frame, bodies, join, out.steps())?,
            other => super::pure::fact(frame, other),
        };
        for (index, result) in instruction.results.iter().enumerate() {
            // A hole's metadata is known when the hole is.
            let known = if index == 0 { fact.known.clone() } else { Known::Nothing };
            frame.values.insert(*result, Fact { known, ..fact.clone() });
        }
        Ok(())
    }

    /// A region over and over.
    fn repeated(
        &mut self,
        frame: &mut Frame,
        over: &Fact,
        element: Option<Value>,
        times: Width,
        region: &Region,
        out: &mut Writer<'_>,
    ) -> Result<(), TooLarge> {
        let repeat = self.fresh_repeat();
        if let Some(element) = element {
            let each = super::element(over).within(repeat);
            frame.values.insert(element, each);
        }
        // What ends the loop decides what is stored in it; it is known after a first walk.
        let mut ends = Fact { known: Known::Nothing, ..over.clone() }.within(repeat);
        let (repeats, symbols) = (self.repeats, self.symbols.clone());
        let steps = loop {
            let mut steps = Vec::new();
            frame.loops.push(ends.clone());
            self.region_if(frame, &ends, region, &mut steps)?;
            let after = frame.loops.pop().unwrap_or_default();
            if (after.binding, &after.varies) == (ends.binding, &ends.varies) {
                break steps;
            }
            ends = after;
            (self.repeats, self.symbols) = (repeats, symbols.clone());
        };
        if !steps.is_empty() {
            out.steps().push(Step::Repeat { times, repeat, steps });
        }
        Ok(())
    }

    fn attempt(&mut self, frame: &mut Frame, attempt: &Attempt, out: &mut Writer<'_>) -> Result<(), TooLarge> {
        let fault = Fact::of(Binding::Generated, "fault");
        let (mut tried, mut instead) = (Vec::new(), Vec::new());
        self.region(frame, &attempt.body, &mut tried)?;
        frame.values.insert(attempt.fault, fault.clone());
        self.region_if(frame, &fault, &attempt.otherwise, &mut instead)?;
        let tokens = attempt.budget.and_then(|limits| limits.tokens).map(|tokens| frame.value(tokens).known);
        if let Some(Known::Int(tokens)) = tokens {
            let tokens_max = u64::try_from(tokens).ok();
            out.steps().push(Step::Guarded { retries: Width::Times(0), tokens_max, steps: tried });
        } else {
            out.steps().append(&mut tried);
        }
        if !instead.is_empty() {
            out.steps().push(Step::Choice { binding: Binding::Generated, then: instead, otherwise: Vec::new() });
        }
        Ok(())
    }
}

//! From the plan's instructions to trees of steps: every value's [`Fact`], by abstract interpretation.
//!
//! A function is walked again until what its slots hold no longer changes; facts only grow later and less known, so that this ends.
//! Calls are written out at their place, with what is known of their arguments there.

mod instruction;
mod prompt;
mod pure;

use crate::binding::{Binding, Fact};
use crate::step::{EntryPlan, Step, Width};
use rustc_hash::FxHashMap;
use sgl_ir::program::{Entry, Program, Region, Slot, Value};
use sgl_source::Span;

/// Most instructions that are looked at for one entry.
const INSTRUCTIONS_MAX: u32 = 2_000_000;
/// Most calls that are open at a time.
const DEPTH_MAX: usize = 64;

/// An entry that writes out to more than can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// What a call of an entry goes through. `batch` names the parameters that callers hold fixed over many calls.
///
/// # Errors
/// [`TooLarge`] where calls within calls write out to more than two million instructions.
pub fn plan(program: &Program, entry: &Entry, batch: &[String]) -> Result<EntryPlan, TooLarge> {
    let mut walker = Walker {
        program,
        open: Vec::new(),
        repeats: 0,
        symbols: FxHashMap::default(),
        left: INSTRUCTIONS_MAX,
        at: program.functions[entry.function as usize].span,
    };
    let binding = |name: &String| if batch.contains(name) { Binding::Batch } else { Binding::Call };
    let parameters: Vec<(String, Binding)> =
        entry.parameters.iter().map(|(name, ..)| (name.clone(), binding(name))).collect();
    let given = parameters.iter().map(|(name, binding)| Fact::of(*binding, name)).collect();
    let mut steps = Vec::new();
    walker.call(entry.function, given, &Fact::default(), &mut steps)?;
    Ok(EntryPlan { name: entry.name.clone(), parameters, steps })
}

struct Walker<'a> {
    program: &'a Program,
    /// Functions that are being written out.
    open: Vec<u32>,
    /// Repeats so far.
    repeats: u32,
    /// How often each symbol was given out.
    symbols: FxHashMap<String, u32>,
    /// Instructions that may still be looked at.
    left: u32,
    /// Where the instruction stands that is looked at.
    at: Span,
}

/// A call.
struct Frame {
    values: FxHashMap<Value, Fact>,
    slots: FxHashMap<Slot, Fact>,
    /// On what it depends that an instruction is reached.
    context: Fact,
    /// What each open body gives, the function's own first.
    results: Vec<Option<Fact>>,
    /// On what it depends how often each open loop runs.
    loops: Vec<Fact>,
}

impl Frame {
    fn value(&self, value: Value) -> Fact {
        self.values.get(&value).cloned().unwrap_or_default()
    }

    fn joined(&self, values: &[Value]) -> Fact {
        values.iter().fold(Fact::default(), |all, value| all.join(&self.value(*value)))
    }

    fn store(&mut self, slot: Slot, fact: &Fact) {
        let reached = Fact { known: fact.known.clone(), ..fact.join(&self.context) };
        self.slots.entry(slot).and_modify(|held| *held = held.join(&reached)).or_insert(reached);
    }

    /// Notes what the innermost body may give.
    fn give(&mut self, fact: &Fact) {
        let reached = Fact { known: fact.known.clone(), ..fact.join(&self.context) };
        if let Some(result) = self.results.last_mut() {
            *result = Some(result.as_ref().map_or(reached.clone(), |before| before.join(&reached)));
        }
    }
}

impl Walker<'_> {
    /// Writes a call out, and says what it gives.
    fn call(
        &mut self,
        function: u32,
        given: Vec<Fact>,
        context: &Fact,
        steps: &mut Vec<Step>,
    ) -> Result<Fact, TooLarge> {
        let program = self.program;
        let called = &program.functions[function as usize];
        if self.open.contains(&function) || self.open.len() >= DEPTH_MAX {
            let mut known = given.iter().fold(Fact::default(), |all, fact| all.join(fact)).computed();
            if called.prompt {
                steps.push(Step::Again { name: called.name.clone() });
                known = known.join(&Fact::of(Binding::Generated, &called.name));
            }
            return Ok(known);
        }
        self.open.push(function);
        let mut frame = Frame {
            values: called.parameters.iter().copied().zip(given).collect(),
            slots: FxHashMap::default(),
            context: context.clone(),
            results: vec![None],
            loops: Vec::new(),
        };
        let (repeats, symbols) = (self.repeats, self.symbols.clone());
        loop {
            let before = frame.slots.clone();
            let mut written = Vec::new();
            self.region(&mut frame, &called.body, &mut written)?;
            if frame.slots == before {
                steps.append(&mut written);
                break;
            }
            // The same repeats and symbols again.
            (self.repeats, self.symbols) = (repeats, symbols.clone());
        }
        self.open.pop();
        Ok(frame.results.pop().flatten().unwrap_or_default())
    }

    fn region(&mut self, frame: &mut Frame, region: &Region, steps: &mut Vec<Step>) -> Result<(), TooLarge> {
        let mut writer = prompt::Writer::new(steps);
        for instruction in &region.instructions {
            self.left = self.left.checked_sub(1).ok_or(TooLarge)?;
            self.at = instruction.span;
            if self.instruction(frame, instruction, &mut writer)? {
                break;
            }
        }
        writer.finish();
        Ok(())
    }

    /// A region that is reached only if something holds.
    fn region_if(
        &mut self,
        frame: &mut Frame,
        condition: &Fact,
        region: &Region,
        steps: &mut Vec<Step>,
    ) -> Result<(), TooLarge> {
        let inside = frame.context.join(condition);
        let outside = std::mem::replace(&mut frame.context, inside);
        self.region(frame, region, steps)?;
        frame.context = outside;
        Ok(())
    }

    /// A repeat of its own.
    fn fresh_repeat(&mut self) -> u32 {
        self.repeats += 1;
        self.repeats
    }

    /// How many elements a list has: a number, or a name for it.
    fn width(&mut self, list: &Fact) -> Width {
        match list.known {
            crate::binding::Known::Length(length) => Width::Times(length),
            _ if list.origin.is_empty() => self.symbol("n"),
            _ => self.symbol(&format!("|{}|", list.origin)),
        }
    }

    /// A name that no other count has.
    fn symbol(&mut self, name: &str) -> Width {
        let count = self.symbols.entry(name.to_string()).or_default();
        *count += 1;
        Width::Symbol(if *count == 1 { name.to_string() } else { format!("{name}′{count}") })
    }
}

/// What is known of an element of a list.
fn element(list: &Fact) -> Fact {
    let origin = if list.origin.is_empty() { "element".to_string() } else { list.origin.clone() };
    Fact { known: crate::binding::Known::Nothing, origin, ..list.clone() }
}

//! Invariants of a plan. A violation is a bug of lowering or of a pass.
//!
//! 1. Every value is defined once, and used only where its definition dominates: later in its region, or inside.
//! 2. Slots are used only in the body that stores them first: closures and branches see values.
//! 3. `break` and `continue` stand in a loop of the same body; `yield` in a branch; `return` in a function or closure.
//! 4. Calls name functions that exist, with as many arguments as they have parameters.
//! 5. Turns are not opened inside turns of the same body, and every way out of a region leaves turns and guards as it
//!    found them.

use crate::program::{Function, Instruction, Op, Program, Region, Slot, Value};
use crate::uses::{for_each_region, operands};

/// What is wrong, one line each; nothing if all is well.
pub fn verify(program: &Program) -> Vec<String> {
    let mut found = Vec::new();
    for function in &program.functions {
        let mut check = Check { program, function, found: &mut found, defined: vec![false; function.values as usize] };
        let mut scope = function.parameters.clone();
        scope.iter().for_each(|v| check.define(*v));
        let place = Place { branch: false, closure: false, loops: 0 };
        check.region(&function.body, &mut scope, &mut Vec::new(), place);
        check.turns(&function.body, Open::default(), Open::default());
    }
    found
}

#[derive(Clone, Copy)]
struct Place {
    branch: bool,
    closure: bool,
    loops: usize,
}

/// What is open at a place.
#[derive(Clone, Copy, Default, PartialEq)]
struct Open {
    turns: u32,
    guards: u32,
}

struct Check<'a> {
    program: &'a Program,
    function: &'a Function,
    found: &'a mut Vec<String>,
    defined: Vec<bool>,
}

impl Check<'_> {
    fn say(&mut self, what: impl std::fmt::Display) {
        let name = &self.function.name;
        self.found.push(format!("{name}: {what}"));
    }

    fn define(&mut self, value: Value) {
        match self.defined.get_mut(value.0 as usize) {
            None => self.say(format!("v{} is beyond the count of values", value.0)),
            Some(defined) => {
                if std::mem::replace(defined, true) {
                    self.say(format!("v{} is defined twice", value.0));
                }
            }
        }
    }

    fn region(&mut self, region: &Region, scope: &mut Vec<Value>, slots: &mut Vec<Slot>, place: Place) {
        let (values_before, slots_before) = (scope.len(), slots.len());
        for Instruction { results, op, .. } in &region.instructions {
            let mut missing = Vec::new();
            operands(op, &mut |value| {
                if !scope.contains(&value) {
                    missing.push(value);
                }
            });
            for value in missing {
                self.say(format!("v{} is used where it is not defined", value.0));
            }
            self.operation(op, slots, place);
            let own_body = matches!(op, Op::Closure(_) | Op::Scratch(..) | Op::Fork(..) | Op::ForkNamed(..));
            let inner = Place {
                branch: if own_body { !matches!(op, Op::Closure(_)) } else { place.branch },
                closure: if own_body { matches!(op, Op::Closure(_)) } else { place.closure },
                loops: if own_body { 0 } else { place.loops + usize::from(matches!(op, Op::Loop(_) | Op::Each(..))) },
            };
            let mut regions: Vec<(Region, Vec<Value>)> = Vec::new();
            for_each_region(op, &mut |region, begins| regions.push((region.clone(), begins.to_vec())));
            for (region, begins) in regions {
                let before = scope.len();
                begins.iter().for_each(|v| self.define(*v));
                scope.extend(begins);
                if own_body {
                    self.region(&region, scope, &mut Vec::new(), inner);
                } else {
                    self.region(&region, scope, slots, inner);
                }
                scope.truncate(before);
            }
            results.iter().for_each(|v| self.define(*v));
            scope.extend(results);
        }
        scope.truncate(values_before);
        slots.truncate(slots_before);
    }

    /// Turns and guards that are open, counted from where the body begins: at the region's start, and where its loop
    /// begins.
    fn turns(&mut self, region: &Region, start: Open, around: Open) {
        let mut open = start;
        for Instruction { op, .. } in &region.instructions {
            match op {
                Op::OpenRole(_) | Op::OpenNamedRole(_) if open.turns > 0 => self.say("a turn is opened inside a turn"),
                Op::OpenRole(_) | Op::OpenNamedRole(_) => open.turns += 1,
                Op::CloseRole if open.turns == 0 => self.say("a turn is closed that was not opened"),
                Op::CloseRole => open.turns -= 1,
                Op::OpenGuard(_) => open.guards += 1,
                Op::CloseGuard if open.guards == 0 => self.say("a guard is closed that was not opened"),
                Op::CloseGuard => open.guards -= 1,
                // Nothing runs after these.
                Op::Fail(_) => return,
                Op::Return(_) | Op::Yield(_) if open == Open::default() => return,
                Op::Break | Op::Continue if open == around => return,
                Op::Return(_) | Op::Yield(_) | Op::Break | Op::Continue => {
                    return self.say("a turn or guard is left open");
                }
                _ => {}
            }
            if let Op::Attempt(attempt) = op {
                let inside = Open { guards: open.guards + 1, ..open };
                self.turns(&attempt.body, inside, around);
                self.turns(&attempt.otherwise, open, around);
                continue;
            }
            let (inner, inner_around) = match op {
                Op::If(..) => (open, around),
                Op::Loop(_) | Op::Each(..) => (open, open),
                _ => (Open::default(), Open::default()),
            };
            for_each_region(op, &mut |region, _| self.turns(region, inner, inner_around));
        }
        if open != start {
            self.say("a region ends with other turns or guards open than it began with");
        }
    }

    fn operation(&mut self, op: &Op, slots: &mut Vec<Slot>, place: Place) {
        match op {
            Op::Store(slot, _) if slots.contains(slot) => {}
            Op::Store(slot, _) => slots.push(*slot),
            Op::Load(slot) | Op::Push(slot, _) if !slots.contains(slot) => {
                self.say(format!("s{} is read where nothing stored it", slot.0));
            }
            Op::Break | Op::Continue if place.loops == 0 => self.say("a loop is left outside of one"),
            Op::Yield(_) if !place.branch => self.say("`yield` outside a branch"),
            Op::Return(_) if place.branch && !place.closure => self.say("`return` in a branch"),
            Op::Call(id, arguments) | Op::Spawn(id, arguments, _) | Op::Report(id, arguments, _) => {
                match self.program.functions.get(*id as usize) {
                    None => self.say(format!("f{id} does not exist")),
                    Some(callee) if callee.parameters.len() != arguments.len() => {
                        self.say(format!("f{id} takes {} arguments, not {}", callee.parameters.len(), arguments.len()));
                    }
                    Some(_) => {}
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{Constant, Guard};
    use sgl_source::{FileId, Span};

    /// What is wrong with a prompt of these operations; each result is the next value.
    fn faults(ops: Vec<(u32, Op)>) -> Vec<String> {
        let span = Span::new(FileId(0), 0, 0);
        let mut values = 0;
        let instruction = |(results, op): (u32, Op)| {
            let first = values;
            values += results;
            let results = (first..values).map(Value).collect();
            Instruction { results, op, span }
        };
        let body = Region { instructions: ops.into_iter().map(instruction).collect() };
        let function =
            Function { name: "f".into(), prompt: true, parameters: Vec::new(), values, slots: 1, body, span };
        verify(&Program { functions: vec![function], ..Program::default() })
    }

    fn unit() -> (u32, Op) {
        (1, Op::Constant(Constant::Unit))
    }

    #[test]
    fn a_sound_plan_passes() {
        let turn = vec![unit(), (0, Op::OpenRole("user")), (0, Op::CloseRole), (0, Op::Return(Value(0)))];
        assert_eq!(faults(turn), [""; 0]);
    }

    #[test]
    fn each_rule_is_checked() {
        let cases: Vec<(Vec<(u32, Op)>, &str)> = vec![
            (vec![(0, Op::Return(Value(0)))], "not defined"),
            (vec![(1, Op::Load(Slot(0)))], "nothing stored it"),
            (vec![(0, Op::Break)], "outside of one"),
            (vec![unit(), (0, Op::Yield(Value(0)))], "outside a branch"),
            (vec![(1, Op::Call(7, Vec::new()))], "does not exist"),
            (vec![(0, Op::OpenRole("user")), (0, Op::OpenRole("system")), (0, Op::CloseRole)], "inside a turn"),
            (vec![(0, Op::CloseRole)], "not opened"),
            (vec![unit(), (0, Op::OpenRole("user")), (0, Op::Return(Value(0)))], "left open"),
            (vec![unit(), (0, Op::OpenGuard(Guard::Retry(Value(0)))), (0, Op::Return(Value(0)))], "left open"),
            (vec![(0, Op::CloseGuard)], "not opened"),
            (vec![(0, Op::OpenRole("user"))], "open than it began"),
        ];
        for (ops, expected) in cases {
            let found = faults(ops.clone());
            assert!(found.iter().any(|fault| fault.contains(expected)), "{ops:?}: {found:?}");
        }
    }
}

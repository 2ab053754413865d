//! Who uses what.

use crate::program::{Body, Guard, Instruction, Join, Limits, Op, Region, Report, Start, Value};

/// Calls `visit` with every value that the operation reads itself, not in its regions.
pub fn operands(op: &Op, visit: &mut dyn FnMut(Value)) {
    match op {
        Op::List(all)
        | Op::Tuple(all)
        | Op::Record(_, all)
        | Op::Variant(_, _, all)
        | Op::Concat(all)
        | Op::Call(_, all)
        | Op::CallTool(_, all)
        | Op::Builtin(_, all) => {
            all.iter().for_each(|v| visit(*v));
        }
        Op::Map(pairs) => pairs.iter().for_each(|(k, v)| {
            visit(*k);
            visit(*v);
        }),
        Op::Range(a, b, _) => {
            visit(*a);
            b.iter().for_each(|b| visit(*b));
        }
        Op::Field(a, _)
        | Op::Push(_, a)
        | Op::Negate(a)
        | Op::Not(a)
        | Op::ToFloat(a)
        | Op::ToText(a)
        | Op::IsVariant(a, _)
        | Op::IsNone(a)
        | Op::IsShape(a, _)
        | Op::Store(_, a)
        | Op::If(a, ..)
        | Op::Each(a, ..)
        | Op::Return(a)
        | Op::Yield(a)
        | Op::OpenNamedRole(a)
        | Op::AppendValue(a)
        | Op::AppendImage(a)
        | Op::WriteAs(a, _)
        | Op::Select(a, ..)
        | Op::Snapshot(a)
        | Op::Fail(a)
        | Op::OpenGuard(Guard::Retry(a))
        | Op::NoMatch(a) => visit(*a),
        Op::Assert(a, _, compared) => {
            visit(*a);
            compared.iter().for_each(|(left, right)| {
                visit(*left);
                visit(*right);
            });
        }
        Op::Report(_, all, report) => {
            all.iter().for_each(|v| visit(*v));
            if let Report::Shared(branches) = report {
                visit(*branches);
            }
        }
        Op::OpenGuard(Guard::Budget(limits)) => limit_values(limits, visit),
        Op::Attempt(attempt) => attempt.budget.iter().for_each(|limits| limit_values(limits, visit)),
        Op::WithField(a, _, b) | Op::Index(a, b) | Op::Binary(_, a, b) => {
            visit(*a);
            visit(*b);
        }
        Op::WithIndex(a, b, c) => [*a, *b, *c].into_iter().for_each(visit),
        Op::CallClosure(f, all) => {
            visit(*f);
            all.iter().for_each(|v| visit(*v));
        }
        Op::Spawn(_, all, start) => {
            all.iter().for_each(|v| visit(*v));
            start_value(*start, visit);
        }
        Op::Scratch(start, _) => start_value(*start, visit),
        Op::Fork(over, _, join) => {
            visit(*over);
            join_values(join, visit);
        }
        Op::ForkNamed(_, _, join) => join_values(join, visit),
        Op::Generate(_, options, _) => options.iter().for_each(|(_, v)| visit(*v)),
        Op::Constant(_)
        | Op::Load(_)
        | Op::Loop(_)
        | Op::Break
        | Op::Continue
        | Op::Function(_)
        | Op::Closure(_)
        | Op::OpenRole(_)
        | Op::CloseRole
        | Op::CloseGuard
        | Op::Append(_)
        | Op::Transcript => {}
    }
}

fn limit_values(limits: &Limits, visit: &mut dyn FnMut(Value)) {
    limits.tokens.iter().chain(&limits.milliseconds).chain(&limits.steps).for_each(|v| visit(*v));
}

fn start_value(start: Start, visit: &mut dyn FnMut(Value)) {
    if let Start::On(value) = start {
        visit(value);
    }
}

fn join_values(join: &Join, visit: &mut dyn FnMut(Value)) {
    match join {
        Join::First(v) | Join::Best(v) | Join::Until(v) => visit(*v),
        Join::Vote { stop, min, .. } => stop.iter().chain(min).for_each(|v| visit(*v)),
        Join::All | Join::Race | Join::Concat => {}
    }
}

/// Calls `visit` with each region of the operation, and what the region defines at its beginning.
pub fn for_each_region(op: &Op, visit: &mut dyn FnMut(&Region, &[Value])) {
    match op {
        Op::If(_, a, b) => {
            visit(a, &[]);
            visit(b, &[]);
        }
        Op::Loop(region) => visit(region, &[]),
        Op::Each(_, element, region) => visit(region, std::slice::from_ref(element)),
        Op::Closure(body) | Op::Scratch(_, body) | Op::Fork(_, body, _) => visit(&body.region, &body.parameters),
        Op::Attempt(attempt) => {
            visit(&attempt.body, &[]);
            visit(&attempt.otherwise, std::slice::from_ref(&attempt.fault));
        }
        Op::ForkNamed(all, ..) => all.iter().for_each(|(_, body)| visit(&body.region, &body.parameters)),
        _ => {}
    }
}

/// The regions of an operation, to change.
pub(crate) fn regions_mut(op: &mut Op) -> Vec<&mut Region> {
    match op {
        Op::If(_, a, b) => vec![a, b],
        Op::Loop(region) | Op::Each(_, _, region) => vec![region],
        Op::Closure(body) | Op::Scratch(_, body) | Op::Fork(_, body, _) => vec![&mut body.region],
        Op::Attempt(attempt) => vec![&mut attempt.body, &mut attempt.otherwise],
        Op::ForkNamed(all, ..) => all.iter_mut().map(|(_, body)| &mut body.region).collect(),
        _ => Vec::new(),
    }
}

/// Outer values that a body uses, each once, in the order of first use.
pub fn captures(body: &Body) -> Vec<Value> {
    let mut defined: Vec<Value> = body.parameters.clone();
    let mut used = Vec::new();
    walk(&body.region, &mut defined, &mut used);
    used.retain(|value| !defined.contains(value));
    let mut seen = Vec::new();
    used.retain(|value| {
        let first = !seen.contains(value);
        seen.push(*value);
        first
    });
    used
}

fn walk(region: &Region, defined: &mut Vec<Value>, used: &mut Vec<Value>) {
    for Instruction { results, op, .. } in &region.instructions {
        operands(op, &mut |value| used.push(value));
        for_each_region(op, &mut |inner, begins| {
            defined.extend(begins);
            walk(inner, defined, used);
        });
        defined.extend(results);
    }
}

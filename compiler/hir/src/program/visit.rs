//! Walks over every type of a block, so that what inference found can be written into it.

use super::{
    Arm, Block, Branches, Budget, Expression, ExpressionKind, Hole, Join, Pattern, Place, Role, StatementKind, TextPart,
};
use crate::types::Type;

type Visit<'a> = &'a mut dyn FnMut(&mut Type);

/// Calls `visit` with every type in the block.
pub(crate) fn types(block: &mut Block, visit: Visit<'_>) {
    for statement in &mut block.statements {
        statement_types(&mut statement.kind, visit);
    }
    if let Some(value) = &mut block.value {
        expression(value, visit);
    }
}

fn statement_types(kind: &mut StatementKind, visit: Visit<'_>) {
    match kind {
        StatementKind::Let(p, e) => {
            pattern(p, visit);
            expression(e, visit);
        }
        StatementKind::Assign(_, places, e) => {
            for place in places {
                if let Place::Index(index) = place {
                    expression(index, visit);
                }
            }
            expression(e, visit);
        }
        StatementKind::If(c, a, b) => {
            expression(c, visit);
            types(a, visit);
            types(b, visit);
        }
        StatementKind::For(p, e, b) | StatementKind::WhileLet(p, e, b) => {
            pattern(p, visit);
            expression(e, visit);
            types(b, visit);
        }
        StatementKind::While(c, b) => {
            expression(c, visit);
            types(b, visit);
        }
        StatementKind::Match(e, all) => {
            expression(e, visit);
            arms(all, visit);
        }
        StatementKind::Return(e) | StatementKind::Yield(e) => {
            if let Some(e) = e {
                expression(e, visit);
            }
        }
        StatementKind::Role(role, b) => {
            if let Role::Named(e) = role {
                expression(e, visit);
            }
            types(b, visit);
        }
        StatementKind::Text(parts) => {
            for part in parts {
                match part {
                    TextPart::Literal(_) => {}
                    TextPart::Splice(e) => expression(e, visit),
                    TextPart::Hole(h) => hole(h, visit),
                }
            }
        }
        StatementKind::Block(b) => types(b, visit),
        StatementKind::Emit(e)
        | StatementKind::Assert(e, _)
        | StatementKind::Snapshot(e)
        | StatementKind::Expression(e) => expression(e, visit),
        StatementKind::Try(b, _, handler) => {
            types(b, visit);
            types(handler, visit);
        }
        StatementKind::Retry(e, b) => {
            expression(e, visit);
            types(b, visit);
        }
        StatementKind::Budget(budget, b, otherwise) => {
            let Budget { tokens, milliseconds, steps } = budget;
            tokens.iter_mut().chain(milliseconds).chain(steps).for_each(|e| expression(e, visit));
            types(b, visit);
            otherwise.iter_mut().for_each(|(_, handler)| types(handler, visit));
        }
        StatementKind::Break | StatementKind::Continue => {}
    }
}

fn arms(all: &mut [Arm], visit: Visit<'_>) {
    for arm in all {
        pattern(&mut arm.pattern, visit);
        if let Some(guard) = &mut arm.guard {
            expression(guard, visit);
        }
        types(&mut arm.body, visit);
    }
}

fn pattern(p: &mut Pattern, visit: Visit<'_>) {
    match p {
        Pattern::Literal(e) => expression(e, visit),
        Pattern::Variant(_, _, all) | Pattern::Fields(all) | Pattern::Or(all) => {
            all.iter_mut().for_each(|p| pattern(p, visit));
        }
        Pattern::Member(ty, _, inner) => {
            visit(ty);
            pattern(inner, visit);
        }
        Pattern::Wildcard | Pattern::Bind(_) | Pattern::None | Pattern::Unknown => {}
    }
}

fn hole(h: &mut Hole, visit: Visit<'_>) {
    visit(&mut h.ty);
    h.options.iter_mut().for_each(|(_, e)| expression(e, visit));
}

fn expression(e: &mut Expression, visit: Visit<'_>) {
    visit(&mut e.ty);
    match &mut e.kind {
        ExpressionKind::Join(all)
        | ExpressionKind::List(all)
        | ExpressionKind::Tuple(all)
        | ExpressionKind::Record(all)
        | ExpressionKind::Struct(_, all)
        | ExpressionKind::Variant(_, _, all)
        | ExpressionKind::Call(_, all)
        | ExpressionKind::Builtin(_, all)
        | ExpressionKind::Inline(_, all)
        | ExpressionKind::Render(_, all)
        | ExpressionKind::ScratchCall(_, all) => all.iter_mut().for_each(|e| expression(e, visit)),
        ExpressionKind::Map(pairs) => pairs.iter_mut().for_each(|(k, v)| {
            expression(k, visit);
            expression(v, visit);
        }),
        ExpressionKind::Range { start, end, .. } => {
            expression(start, visit);
            if let Some(end) = end {
                expression(end, visit);
            }
        }
        ExpressionKind::Field(e, _)
        | ExpressionKind::Negate(e)
        | ExpressionKind::Not(e)
        | ExpressionKind::ToFloat(e)
        | ExpressionKind::Fail(e)
        | ExpressionKind::Select { options: e, .. } => expression(e, visit),
        ExpressionKind::Index(a, b)
        | ExpressionKind::And(a, b)
        | ExpressionKind::Or(a, b)
        | ExpressionKind::Coalesce(a, b)
        | ExpressionKind::Binary(_, a, b) => {
            expression(a, visit);
            expression(b, visit);
        }
        ExpressionKind::PrefixShared(_, all, branches) => {
            all.iter_mut().for_each(|e| expression(e, visit));
            expression(branches, visit);
        }
        ExpressionKind::CallValue(f, all) => {
            expression(f, visit);
            all.iter_mut().for_each(|e| expression(e, visit));
        }
        ExpressionKind::Scratch(b) => types(b, visit),
        ExpressionKind::On(e, b) => {
            expression(e, visit);
            types(b, visit);
        }
        ExpressionKind::Fork(fork) => {
            match &mut fork.branches {
                Branches::Each(p, e, b) => {
                    pattern(p, visit);
                    expression(e, visit);
                    types(b, visit);
                }
                Branches::Named(all) => all.iter_mut().for_each(|(_, b)| types(b, visit)),
            }
            match &mut fork.join {
                Join::First(e) | Join::Best(e) | Join::Until(e) => expression(e, visit),
                Join::Vote { stop, min } => stop.iter_mut().chain(min).for_each(|e| expression(e, visit)),
                Join::All | Join::Race | Join::Concat => {}
            }
        }
        ExpressionKind::Generate(h) => hole(h, visit),
        ExpressionKind::If(c, a, b) => {
            expression(c, visit);
            types(a, visit);
            types(b, visit);
        }
        ExpressionKind::Match(e, all) => {
            expression(e, visit);
            arms(all, visit);
        }
        ExpressionKind::Closure(parameters, b) => {
            parameters.iter_mut().for_each(|p| pattern(p, visit));
            types(b, visit);
        }
        ExpressionKind::Comprehension { element, pattern: p, iterable, condition } => {
            expression(element, visit);
            pattern(p, visit);
            expression(iterable, visit);
            if let Some(condition) = condition {
                expression(condition, visit);
            }
        }
        ExpressionKind::Unit
        | ExpressionKind::Int(_)
        | ExpressionKind::Float(_)
        | ExpressionKind::Bool(_)
        | ExpressionKind::None
        | ExpressionKind::Unknown
        | ExpressionKind::Text(_)
        | ExpressionKind::Local(_)
        | ExpressionKind::Constant(_)
        | ExpressionKind::Function(_)
        | ExpressionKind::Transcript
        | ExpressionKind::Error => {}
    }
}

//! Comparisons that need no run: their types leave one outcome.

use crate::program::{Expression, ExpressionKind};
use crate::types::Type;
use sgl_syntax::ast::BinaryOp;

/// What a comparison always comes to.
pub(super) fn by_type(op: BinaryOp, left: (&Expression, &Type), right: (&Expression, &Type)) -> Option<bool> {
    if is_literal(left.0) && is_literal(right.0) {
        return None;
    }
    if let (Some(a), Some(b)) = (bounds(left), bounds(right)) {
        return by_bounds(op, a, b);
    }
    let ((Type::Literal(some), Type::Union(all)) | (Type::Union(all), Type::Literal(some))) = (left.1, right.1) else {
        return None;
    };
    let literal = |ty: &Type| matches!(ty, Type::Literal(_));
    let absent = all.iter().all(literal) && !all.contains(&Type::Literal(some.clone()));
    match op {
        BinaryOp::Equal if absent => Some(false),
        BinaryOp::NotEqual if absent => Some(true),
        _ => None,
    }
}

fn is_literal(e: &Expression) -> bool {
    matches!(
        e.kind,
        ExpressionKind::Int(_) | ExpressionKind::Float(_) | ExpressionKind::Text(_) | ExpressionKind::Bool(_)
    )
}

type Bounds = (Option<i64>, Option<i64>);

fn bounds((e, ty): (&Expression, &Type)) -> Option<Bounds> {
    match (&e.kind, ty) {
        (ExpressionKind::Int(n), _) => Some((Some(*n), Some(*n))),
        (_, Type::Int { min, max }) => Some((*min, *max)),
        _ => None,
    }
}

fn by_bounds(op: BinaryOp, a: Bounds, b: Bounds) -> Option<bool> {
    // Whether every value of the first is below every value of the second.
    let below = |(_, high): Bounds, (low, _): Bounds| high.zip(low).is_some_and(|(high, low)| high < low);
    let up_to = |(_, high): Bounds, (low, _): Bounds| high.zip(low).is_some_and(|(high, low)| high <= low);
    let (yes, no) = match op {
        BinaryOp::Less => (below(a, b), up_to(b, a)),
        BinaryOp::LessEqual => (up_to(a, b), below(b, a)),
        BinaryOp::Greater => (below(b, a), up_to(a, b)),
        BinaryOp::GreaterEqual => (up_to(b, a), below(a, b)),
        BinaryOp::Equal => (false, below(a, b) || below(b, a)),
        BinaryOp::NotEqual => (below(a, b) || below(b, a), false),
        _ => return None,
    };
    match (yes, no) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

//! Rules that begin with themselves, as repetitions: `a: a x | b` is `a: b x*`.

use super::ast::{Expression, Rule};

/// The body of a rule without direct left recursion. One through other rules stays, and is refused later.
pub(super) fn without_left_recursion(rule: &Rule) -> Expression {
    let ways = match &rule.body {
        Expression::Choice(ways) => ways.clone(),
        other => vec![other.clone()],
    };
    let (mut heads, mut tails) = (Vec::new(), Vec::new());
    for way in ways {
        match after_itself(&way, &rule.name) {
            Some(tail) => tails.push(tail),
            None => heads.push(way),
        }
    }
    if tails.is_empty() {
        return rule.body.clone();
    }
    let tails = Expression::Repeat(Box::new(Expression::Choice(tails)), 0, None);
    Expression::Sequence(vec![Expression::Choice(heads), tails])
}

/// What follows where a way begins with the rule itself.
fn after_itself(way: &Expression, name: &str) -> Option<Expression> {
    let Expression::Sequence(parts) = way else { return None };
    match parts.split_first() {
        Some((Expression::Name(first), rest)) if first == name => Some(Expression::Sequence(rest.to_vec())),
        _ => None,
    }
}

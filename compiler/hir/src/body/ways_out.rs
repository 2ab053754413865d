//! Where control leaves blocks, loops and functions.

use crate::program::{Block, ExpressionKind, Role, Statement, StatementKind};

/// Whether control never goes past the statement.
pub(super) fn leaves(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Return(_) | StatementKind::Yield(_) | StatementKind::Break | StatementKind::Continue => true,
        _ => ends_statement(statement),
    }
}

/// Whether every path through the block returns or yields.
pub(super) fn ends(block: &Block) -> bool {
    block.statements.iter().any(ends_statement)
}

fn ends_statement(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Return(_) | StatementKind::Yield(_) => true,
        StatementKind::Expression(e) => matches!(e.kind, ExpressionKind::Fail(_)),
        StatementKind::Try(body, _, handler) => ends(body) && ends(handler),
        StatementKind::Retry(_, body) => ends(body),
        StatementKind::Budget(_, body, otherwise) => ends(body) && otherwise.iter().all(|(_, handler)| ends(handler)),
        StatementKind::If(_, then, otherwise) => ends(then) && ends(otherwise),
        StatementKind::Match(_, arms) => !arms.is_empty() && arms.iter().all(|arm| ends(&arm.body)),
        StatementKind::Role(Role::System | Role::User | Role::Assistant | Role::Named(_), block)
        | StatementKind::Block(block) => ends(block),
        StatementKind::While(condition, body) => {
            matches!(condition.kind, ExpressionKind::Bool(true)) && !breaks_only(body)
        }
        _ => false,
    }
}

/// Whether something in the loop's body leaves the loop or the function.
pub(super) fn breaks(block: &Block) -> bool {
    block.statements.iter().any(|statement| match &statement.kind {
        StatementKind::Break | StatementKind::Return(_) | StatementKind::Yield(_) => true,
        StatementKind::If(_, a, b) | StatementKind::Try(a, _, b) => breaks(a) || breaks(b),
        StatementKind::Retry(_, body) => breaks(body),
        StatementKind::Budget(_, body, otherwise) => {
            breaks(body) || otherwise.iter().any(|(_, handler)| breaks(handler))
        }
        StatementKind::Match(_, arms) => arms.iter().any(|arm| breaks(&arm.body)),
        StatementKind::Role(_, block) | StatementKind::Block(block) => breaks(block),
        StatementKind::For(_, _, body) | StatementKind::While(_, body) | StatementKind::WhileLet(_, _, body) => {
            returns(body)
        }
        _ => false,
    })
}

fn returns(block: &Block) -> bool {
    block.statements.iter().any(|statement| match &statement.kind {
        StatementKind::Return(_) | StatementKind::Yield(_) => true,
        StatementKind::If(_, a, b) | StatementKind::Try(a, _, b) => returns(a) || returns(b),
        StatementKind::Retry(_, body) => returns(body),
        StatementKind::Budget(_, body, otherwise) => {
            returns(body) || otherwise.iter().any(|(_, handler)| returns(handler))
        }
        StatementKind::Match(_, arms) => arms.iter().any(|arm| returns(&arm.body)),
        StatementKind::Role(_, block)
        | StatementKind::Block(block)
        | StatementKind::For(_, _, block)
        | StatementKind::While(_, block)
        | StatementKind::WhileLet(_, _, block) => returns(block),
        _ => false,
    })
}

/// Whether a `break` leaves the loop whose body this is.
fn breaks_only(block: &Block) -> bool {
    block.statements.iter().any(|statement| match &statement.kind {
        StatementKind::Break => true,
        StatementKind::If(_, a, b) | StatementKind::Try(a, _, b) => breaks_only(a) || breaks_only(b),
        StatementKind::Retry(_, body) => breaks_only(body),
        StatementKind::Budget(_, body, otherwise) => {
            breaks_only(body) || otherwise.iter().any(|(_, handler)| breaks_only(handler))
        }
        StatementKind::Match(_, arms) => arms.iter().any(|arm| breaks_only(&arm.body)),
        StatementKind::Role(_, block) | StatementKind::Block(block) => breaks_only(block),
        _ => false,
    })
}

//! Values of constants and defaults: each is the body of a function of its own.

use super::Body;
use crate::check::{Context, Progress};
use crate::generic as items;
use crate::program::{Block, ConstId, Statement, StatementKind};
use crate::types::Type;
use sgl_syntax::ast;

/// The type of a constant, whose value is checked on first use; `None` while that is under way.
pub(crate) fn constant(context: &mut Context<'_>, id: ConstId) -> Option<Type> {
    let (module, tree, progress) = context.constants[id.index()];
    match progress {
        Progress::Done => {}
        Progress::Underway => return None,
        Progress::Waiting => {
            context.constants[id.index()].2 = Progress::Underway;
            let declared = tree
                .ty
                .as_ref()
                .map(|ty| items::within(context, Vec::new(), |context| crate::resolve::ty(context, module, ty)));
            let function = context.program.constants[id.index()].function.index();
            let ty =
                items::within(context, Vec::new(), |context| value(context, function, module, &tree.value, declared));
            context.program.constants[id.index()].ty = ty;
            context.constants[id.index()].2 = Progress::Done;
        }
    }
    Some(context.program.constants[id.index()].ty.clone())
}

/// Checks a constant's or default's value, and makes it the body of its function.
pub(super) fn value(
    context: &mut Context<'_>,
    id: usize,
    module: usize,
    tree: &ast::Expression,
    declared: Option<Type>,
) -> Type {
    let mut body = Body::new(context, module, id);
    body.outside = true;
    let found = match &declared {
        Some(ty) => body.expect(tree, ty),
        None => body.expression(tree, None),
    };
    let span = found.span;
    let result = declared.unwrap_or_else(|| found.ty.clone());
    let statements = vec![Statement { kind: StatementKind::Return(Some(found)), span }];
    let result = body.finish(Block { statements, value: None }, &result, span);
    context.program.functions[id].result = result.clone();
    result
}

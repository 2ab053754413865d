//! The bodies of evals: what is done with a row, and what is judged over all rows.

use super::Body;
use crate::assign::widen;
use crate::check::Context;
use crate::program::{
    Block, Expression, ExpressionKind, FunctionId, Local, LocalId, Parameter, Pattern, Statement, StatementKind,
};
use crate::types::Type;
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{self, EvalItem, EvalPart};

/// What is known of a metric over all rows, as a `require` reads it.
pub const STATISTICS: &[&str] = &["mean", "lower95", "upper95", "std_dev", "count"];

/// The type of the record of [`STATISTICS`].
fn statistics() -> Type {
    let of = |name: &&str| ((*name).to_string(), if **name == *"count" { Type::int() } else { Type::float() });
    Type::Record(STATISTICS.iter().map(of).collect())
}

/// The prompt of an eval: its statements, then a record of its metrics.
pub(super) fn row(context: &mut Context<'_>, id: usize, module: usize, tree: &EvalItem) {
    let mut body = Body::new(context, module, id);
    body.push_scope();
    body.scopes.last_mut().expect("just pushed").names.insert(tree.row.value.clone(), LocalId(0));
    let mut block = Block::default();
    let mut metrics: Vec<(ast::Name, LocalId)> = Vec::new();
    for part in &tree.parts {
        match part {
            EvalPart::Statement(statement) => {
                block.statements.extend(body.block_statements(std::slice::from_ref(statement)).statements);
            }
            EvalPart::Metric(name, value) => {
                let (local, statement) = body.metric(name, value);
                metrics.push((name.clone(), local));
                block.statements.push(statement);
            }
            EvalPart::Require(_) => {}
        }
    }
    let span = tree.name.span;
    if metrics.is_empty() {
        body.report(
            Diagnostic::error(
                Code::E0813,
                format!("the eval `{}` measures nothing", tree.name.value),
                span,
                "no `metric`",
            )
            .with_help("say what is measured of a row: `metric accuracy = found == row.label`"),
        );
    }
    let of = |(name, local): &(ast::Name, LocalId)| (name.value.clone(), body.locals[local.index()].ty.clone());
    let fields: Vec<(String, Type)> = metrics.iter().map(of).collect();
    let kinds = fields.iter().map(|(name, ty)| (name.clone(), *ty == Type::Bool)).collect();
    let ty = Type::Record(fields);
    let value = |(_, local): &(ast::Name, LocalId)| {
        let ty = body.locals[local.index()].ty.clone();
        Expression { kind: ExpressionKind::Local(*local), ty, span }
    };
    let record = ExpressionKind::Record(metrics.iter().map(value).collect());
    let returned = Expression { kind: record, ty: ty.clone(), span };
    block.statements.push(Statement { kind: StatementKind::Return(Some(returned)), span });
    let result = body.finish(block, &ty, span);
    context.program.functions[id].result = result;
    if let Some(eval) = context.program.evals.iter_mut().find(|eval| eval.function.index() == id) {
        eval.metrics = kinds;
    }
}

impl Body<'_, '_> {
    /// A metric: a name for a `Bool` or a number.
    fn metric(&mut self, name: &ast::Name, value: &ast::Expression) -> (LocalId, Statement) {
        let value = self.expression(value, None);
        let found = self.variables.resolve(&value.ty);
        let ty = match &found {
            Type::Bool | Type::Int { .. } | Type::Float { .. } => widen(&found),
            Type::Error => Type::Error,
            other => {
                let shown = self.show(other);
                self.report(
                    Diagnostic::error(
                        Code::E0812,
                        format!("a metric is a `Bool` or a number, not `{shown}`"),
                        value.span,
                        format!("this is `{shown}`"),
                    )
                    .with_help("compare it with what is expected, or count it"),
                );
                Type::Error
            }
        };
        let local = self.local(&name.value, ty, false, name.span);
        self.bind(local);
        self.read(local);
        let span = name.span.to(value.span);
        (local, Statement { kind: StatementKind::Let(Pattern::Bind(local), value), span })
    }
}

/// One `require`: a function of what is known of each metric.
pub(super) fn gate(
    context: &mut Context<'_>,
    id: usize,
    module: usize,
    (tree, condition): (&EvalItem, &ast::Expression),
    rows: FunctionId,
) {
    debug_assert_ne!(rows.index(), id, "a gate is a function of its own");
    let names: Vec<&ast::Name> = tree
        .parts
        .iter()
        .filter_map(|part| match part {
            EvalPart::Metric(name, _) => Some(name),
            EvalPart::Statement(_) | EvalPart::Require(_) => None,
        })
        .collect();
    let local =
        |name: &&ast::Name| Local { name: name.value.clone(), ty: statistics(), mutable: false, span: name.span };
    let function = &mut context.program.functions[id];
    function.locals = names.iter().map(local).collect();
    function.result = Type::Bool;
    function.parameters = (0..function.locals.len())
        .map(|index| Parameter {
            local: LocalId(u32::try_from(index).expect("ids are 32 bits")),
            doc: String::new(),
            default: None,
            shape: None,
        })
        .collect();
    let mut body = Body::new(context, module, id);
    body.push_scope();
    for (index, name) in names.iter().enumerate() {
        let local = LocalId(u32::try_from(index).expect("ids are 32 bits"));
        body.scopes.last_mut().expect("just pushed").names.insert(name.value.clone(), local);
        // A `require` need not be about every metric.
        body.read(local);
    }
    let found = body.condition(condition);
    let span: Span = found.span;
    let statements = vec![Statement { kind: StatementKind::Return(Some(found)), span }];
    body.finish(Block { statements, value: None }, &Type::Bool, span);
}

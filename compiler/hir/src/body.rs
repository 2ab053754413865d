//! Bodies: statements and expressions with their types.
//!
//! Inference is local and goes both ways: [`Body::expression`] takes the type that is wanted, if one is, and
//! [`Body::expect`] makes sure of it. One file per family.

mod access;
mod assignment;
mod call;
mod closure;
mod constant;
mod decided;
mod eval;
mod expression;
mod fork;
mod generic;
pub(crate) mod guard;
mod method;
mod operator;
mod option;
mod pattern;
mod prompt;
mod statement;
mod testing;
mod tool;
mod ways_out;

pub(crate) use constant::constant;
pub use eval::STATISTICS;

use crate::assign::Variables;
use crate::check::{Context, Source};
use crate::generic as items;
use crate::program::{
    Block, ConstId, Effect, Expression, ExpressionKind, FunctionId, HoleOption, Local, LocalId, MetadataUse, Statement,
    StatementKind,
};
use crate::types::Type;
use indexmap::IndexMap;
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast;

/// Checks every body.
pub(crate) fn everything(context: &mut Context<'_>) {
    for id in 0..context.constants.len() {
        constant(context, ConstId(u32::try_from(id).expect("ids are 32 bits")));
    }
    let constants: Vec<usize> = context.program.constants.iter().map(|c| c.function.index()).collect();
    // Bodies name further instances of generic functions, which are functions too.
    let mut id = 0;
    let mut unused: Vec<FunctionId> = Vec::new();
    while id < context.functions.len() {
        if !constants.contains(&id) {
            let environment = context.environments[id].clone();
            let unknown = environment.iter().any(|(_, ty)| items::faulty(ty));
            let before = context.diagnostics.len();
            items::within(context, environment, |context| function(context, id));
            if unknown {
                // What can't be inferred here may well be, once the type parameters stand for something.
                let new = context.diagnostics.split_off(before);
                context.diagnostics.extend(new.into_iter().filter(|d| d.code != Code::E0311));
            }
        }
        id += 1;
        if id == context.functions.len() {
            unused.extend(items::unused(context));
        }
    }
    for id in unused {
        context.program.functions[id.index()].body = Block::default();
    }
}

fn function(context: &mut Context<'_>, id: usize) {
    let (module, source) = context.functions[id];
    let (tree, name) = match source {
        Source::Value(tree) | Source::Answer(tree) => {
            let declared = context.program.functions[id].result.clone();
            constant::value(context, id, module, tree, Some(declared));
            return;
        }
        Source::Eval(tree) => return eval::row(context, id, module, tree),
        Source::Gate(tree, condition, rows) => return eval::gate(context, id, module, (tree, condition), rows),
        Source::Function(f) => (&f.body, f.name.span),
        Source::Test(t) => (&t.body, t.name.span),
    };
    if context.program.functions[id].bound {
        return;
    }
    let result = context.program.functions[id].result.clone();
    let mut body = Body::new(context, module, id);
    if let Source::Function(ast::Function { using: Some(name), .. }) = source {
        body.using(name);
    }
    body.push_scope();
    for index in 0..body.locals.len() {
        let local = LocalId(u32::try_from(index).expect("ids are 32 bits"));
        let name = body.locals[index].name.clone();
        body.scopes.last_mut().expect("just pushed").names.insert(name, local);
        // Of a module that is imported, its own check says it.
        body.used[index] = module > 0 || !matches!(source, Source::Function(_));
    }
    let pure = body.effect != Effect::Prompt;
    let block = if result != Type::Unit && gives_value(tree, pure) {
        body.returning(tree, &result)
    } else {
        body.block_statements(&tree.statements)
    };
    if result != Type::Unit && result != Type::Error && !ways_out::ends(&block) {
        let shown = body.context.show(&result);
        body.report(
            Diagnostic::error(
                Code::E0308,
                format!("not every path returns a value of type `{shown}`"),
                tree.span,
                "the end can be reached",
            )
            .with_label(name, format!("declared to return `{shown}`"))
            .with_help("end it with `return …`"),
        );
    }
    body.finish(block, &result, name);
}

/// Whether a body's last statement is its value: an expression, or a choice among such. In a prompt a text is written, not
/// returned.
fn gives_value(tree: &ast::Block, pure: bool) -> bool {
    match tree.statements.last().map(|last| &last.kind) {
        Some(ast::StatementKind::Expression(_)) => true,
        Some(ast::StatementKind::Text(_)) => pure,
        Some(ast::StatementKind::If(choice)) => {
            let otherwise = choice.otherwise.as_ref();
            otherwise.is_some_and(|otherwise| gives_value(&choice.then, pure) || gives_value(otherwise, pure))
        }
        Some(ast::StatementKind::Match { arms, .. }) => arms.iter().any(|arm| gives_value(&arm.body, pure)),
        _ => false,
    }
}

/// A block of names.
#[derive(Debug, Default)]
struct Scope {
    names: IndexMap<String, LocalId>,
}

/// What `yield` and `return` mean where we are.
#[derive(Debug)]
enum Frame {
    /// A branch, `scratch` or `on`: the types yielded so far, the first local of the branch.
    Branch { yields: Vec<Type>, wanted: Option<Type>, first_local: usize },
    /// A closure: the types returned so far, and what must be returned if that is known.
    Closure { returns: Vec<Type>, wanted: Option<Type> },
}

/// The state of checking one body.
pub(crate) struct Body<'c, 'a> {
    context: &'c mut Context<'a>,
    module: usize,
    id: usize,
    effect: Effect,
    /// Of a constant or default: faults are worded so.
    outside: bool,
    locals: Vec<Local>,
    used: Vec<bool>,
    /// Locals that a hole binds, and whether their type is finite.
    holes: Vec<LocalId>,
    /// Those of them whose type is `Str from xs`.
    choices: Vec<LocalId>,
    metadata: Vec<MetadataUse>,
    scopes: Vec<Scope>,
    variables: Variables,
    frames: Vec<Frame>,
    loops: usize,
    /// Budgets that are open.
    budgets: usize,
    /// The models of this prompt and of enclosing `with` blocks, the innermost last.
    models: Vec<u32>,
    /// Options of enclosing `with` blocks, as hidden locals.
    with: Vec<(HoleOption, LocalId)>,
    in_role: bool,
    in_raw: bool,
    /// Whether names are bound that may hide others: in a case, a part of the value, or the value itself under its own name.
    may_hide: bool,
    /// The first role block and the first text outside of one.
    first_role: Option<Span>,
    first_raw: Option<Span>,
    mixed: bool,
}

impl<'c, 'a> Body<'c, 'a> {
    /// A body whose last expression is what it returns.
    fn returning(&mut self, tree: &ast::Block, result: &Type) -> Block {
        let mut block = self.value_block(tree, Some(result));
        if let Some(value) = block.value.take() {
            let span = value.span;
            block.statements.push(Statement { kind: StatementKind::Return(Some(*value)), span });
        }
        block
    }

    fn new(context: &'c mut Context<'a>, module: usize, id: usize) -> Self {
        let locals = context.program.functions[id].locals.clone();
        let effect = context.program.functions[id].effect;
        Self {
            context,
            module,
            id,
            effect,
            outside: false,
            used: vec![true; locals.len()],
            locals,
            holes: Vec::new(),
            choices: Vec::new(),
            metadata: Vec::new(),
            scopes: Vec::new(),
            variables: Variables::default(),
            frames: Vec::new(),
            loops: 0,
            budgets: 0,
            models: Vec::new(),
            with: Vec::new(),
            in_role: false,
            in_raw: false,
            may_hide: false,
            first_role: None,
            first_raw: None,
            mixed: false,
        }
    }

    /// Writes the body into its function; what stayed unknown is reported.
    fn finish(mut self, mut block: Block, result: &Type, name: Span) -> Type {
        for index in 0..self.locals.len() {
            let resolved = self.variables.resolve(&self.locals[index].ty);
            if items::unknown(&resolved) {
                let local = &self.locals[index];
                let (shown, span) = (local.name.clone(), local.span);
                self.locals[index].ty = Type::Error;
                self.report(
                    Diagnostic::error(
                        Code::E0311,
                        format!("the type of `{shown}` can't be inferred"),
                        span,
                        "what does it hold?",
                    )
                    .with_help(format!("write its type, such as `let {shown}: [Int] = []`")),
                );
            } else {
                self.locals[index].ty = resolved;
            }
        }
        let result = self.variables.resolve(result);
        if items::unknown(&result) {
            self.report(
                Diagnostic::error(Code::E0311, "the type of this value can't be inferred", name, "what does it hold?")
                    .with_help("write its type after the name, such as `: [Int]`"),
            );
        }
        self.warn_unused();
        resolve_block(&self.variables, &mut block);
        let function = &mut self.context.program.functions[self.id];
        function.locals = self.locals;
        function.metadata = self.metadata;
        function.body = block;
        result
    }

    fn warn_unused(&mut self) {
        for index in 0..self.locals.len() {
            let local = &self.locals[index];
            if self.used[index] || local.name.starts_with(['_', '%']) || local.ty == Type::Error {
                continue;
            }
            let (name, span) = (local.name.clone(), local.span);
            let id = LocalId(u32::try_from(index).expect("ids are 32 bits"));
            let (title, replacement) = (format!("call it `_{name}`"), format!("_{name}"));
            let help = format!("remove it, or call it `_{name}`");
            if index < self.context.program.functions[self.id].parameters.len() {
                let message = format!("the parameter `{name}` is never read");
                let found = Diagnostic::warning(Code::W0205, message, span, "nobody reads this");
                self.context.report(found.with_help(help));
                continue;
            }
            self.context.report(if self.holes.contains(&id) {
                let message = format!("the model writes `{name}`, and nobody reads it");
                Diagnostic::warning(Code::W0402, message, span, "paid for, and not read")
                    .with_help(format!("remove the hole, or call it `_{name}` if writing it is what matters"))
                    .with_fix(title, span, replacement)
            } else {
                Diagnostic::warning(Code::W0201, format!("`{name}` is never read"), span, "nobody reads this")
                    .with_help(help)
                    .with_fix(title, span, replacement)
            });
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.context.report(diagnostic);
    }

    fn show(&self, ty: &Type) -> String {
        self.context.show(&self.variables.resolve(ty))
    }

    fn push_scope(&mut self) {
        self.scopes.push(Scope::default());
    }

    fn pop_scope(&mut self) {
        self.scopes.pop();
    }

    /// A new local, not yet visible.
    fn local(&mut self, name: &str, ty: Type, mutable: bool, span: Span) -> LocalId {
        let id = LocalId(u32::try_from(self.locals.len()).expect("fewer locals than bytes of source"));
        self.locals.push(Local { name: name.to_string(), ty, mutable, span });
        self.used.push(false);
        id
    }

    /// Makes a local visible from here on.
    fn bind(&mut self, local: LocalId) {
        let (name, span) = (self.locals[local.index()].name.clone(), self.locals[local.index()].span);
        let scope = self.scopes.last_mut().expect("a body has a scope");
        if let Some(first) = scope.names.insert(name.clone(), local)
            && first != local
            && !name.starts_with('_')
        {
            let first = self.locals[first.index()].span;
            self.report(
                Diagnostic::error(Code::E0203, format!("`{name}` is defined twice"), span, "defined again here")
                    .with_label(first, "first defined here")
                    .with_help("give it another name, or declare it with `var` and assign to it"),
            );
            return;
        }
        let outer = self.scopes.iter().rev().skip(1).find_map(|scope| scope.names.get(&name).copied());
        if let Some(outer) = outer.filter(|_| self.module == 0 && !self.may_hide && !name.starts_with(['_', '%'])) {
            let outer = self.locals[outer.index()].span;
            self.report(
                Diagnostic::warning(
                    Code::W0204,
                    format!("`{name}` hides another `{name}`"),
                    span,
                    "this one is meant from here on",
                )
                .with_label(outer, "this one can't be reached here")
                .with_help("give it another name"),
            );
        }
    }

    fn find(&self, name: &str) -> Option<LocalId> {
        self.scopes.iter().rev().find_map(|scope| scope.names.get(name).copied())
    }

    fn read(&mut self, local: LocalId) {
        self.used[local.index()] = true;
    }

    fn error_expression(span: Span) -> Expression {
        Expression { kind: ExpressionKind::Error, ty: Type::Error, span }
    }

    /// An expression of a wanted type.
    fn expect(&mut self, tree: &ast::Expression, wanted: &Type) -> Expression {
        let found = self.expression(tree, Some(wanted));
        self.coerce(found, wanted)
    }

    /// The expression where `wanted` is wanted; reports if it does not fit.
    fn coerce(&mut self, found: Expression, wanted: &Type) -> Expression {
        if self.variables.fits(&self.context.program, &found.ty, wanted) {
            return found;
        }
        let (from, to) = (self.variables.resolve(&found.ty), self.variables.resolve(wanted));
        let target = match &to {
            Type::Optional(of) => of.as_ref(),
            other => other,
        };
        if let (Type::Int { .. }, Type::Float { min: None, max: None, .. }) = (&from, target) {
            let span = found.span;
            return Expression { kind: ExpressionKind::ToFloat(Box::new(found)), ty: Type::float(), span };
        }
        let diagnostic = self.mismatch(&found, &from, &to);
        self.report(diagnostic);
        Self::error_expression(found.span)
    }

    fn mismatch(&self, found: &Expression, from: &Type, to: &Type) -> Diagnostic {
        let (shown_from, shown_to) = (self.context.show(from), self.context.show(to));
        let base = |code| {
            Diagnostic::error(
                code,
                format!("expected `{shown_to}`, found `{shown_from}`"),
                found.span,
                format!("this is `{shown_from}`"),
            )
        };
        match (&found.kind, from, to) {
            (ExpressionKind::Int(n), Type::Int { .. }, Type::Int { .. }) => Diagnostic::error(
                Code::E0313,
                format!("{n} is not in the range of `{shown_to}`"),
                found.span,
                "out of range",
            )
            .with_help("choose a number in the range, or widen the type"),
            (ExpressionKind::Text(text), Type::Literal(_), Type::Str(_)) => Diagnostic::error(
                Code::E0313,
                format!("{text:?} does not fit `{shown_to}`"),
                found.span,
                "does not match",
            )
            .with_help("change the text, or the refinement"),
            (_, Type::Optional(inner), _) if inner.as_ref() == to => {
                base(Code::E0301).with_help("say what stands for `none`: `… ?? default`")
            }
            (_, Type::Int { .. }, Type::Int { .. }) => base(Code::E0301)
                .with_help("bring it into the range with `.clamp(low, high)`, or declare the type wider"),
            (_, Type::Int { .. } | Type::Float { .. } | Type::Bool, Type::Str(_)) => {
                base(Code::E0301).with_help("make it a text with `.to_str()` or in a text: \"${…}\"")
            }
            (_, Type::Str(_) | Type::Literal(_), Type::Int { .. }) => {
                base(Code::E0301).with_help("read a number with `.to_int() ?? 0`")
            }
            (_, Type::Float { .. }, Type::Int { .. }) => {
                base(Code::E0301).with_help("round it with `.round()` or cut it with `.to_int()`")
            }
            (_, Type::Json, Type::Str(_)) => base(Code::E0301).with_help("read it: `.as_str() ?? \"\"`, or `.text()`"),
            (_, Type::Json, Type::Int { .. }) => base(Code::E0301).with_help("read it: `.as_int() ?? 0`"),
            (_, Type::Json, Type::Float { .. }) => base(Code::E0301).with_help("read it: `.as_float() ?? 0.0`"),
            (_, Type::Json, Type::Schema) => base(Code::E0301).with_help("read it: `.to_schema()`"),
            (_, _, Type::Json) => base(Code::E0301).with_help("make it JSON with `.to_json()`"),
            _ => base(Code::E0301),
        }
    }
}

/// Replaces the variables that were found in every type of a block.
fn resolve_block(variables: &Variables, block: &mut Block) {
    crate::program::visit::types(block, &mut |ty| *ty = variables.resolve(ty));
}

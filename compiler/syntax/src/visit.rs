//! One walk over the tree, for everything that only looks at it.

use crate::ast::{
    Argument, Block, ClosureBody, EvalPart, Expression, ExpressionKind, FieldDeclaration, ForkHeader, Hole, HoleOption,
    If, Item, ItemKind, MatchArm, Mock, Module, Pattern, PatternKind, Refinement, RoleName, Statement, StatementKind,
    Text, TextPart, TypeExpression, TypeKind,
};

/// A piece of the tree.
#[derive(Clone, Copy, Debug)]
pub enum Node<'a> {
    /// An item.
    Item(&'a Item),
    /// A block.
    Block(&'a Block),
    /// A statement.
    Statement(&'a Statement),
    /// An expression.
    Expression(&'a Expression),
    /// A case of a `match`.
    Arm(&'a MatchArm),
    /// A pattern.
    Pattern(&'a Pattern),
    /// A type.
    Type(&'a TypeExpression),
    /// A text with its parts.
    Text(&'a Text),
    /// A hole.
    Hole(&'a Hole),
}

/// Calls `visit` with every piece of a module, each before what is in it.
pub fn module<'a>(module: &'a Module, visit: &mut dyn FnMut(Node<'a>)) {
    module.items.iter().for_each(|item| walk(Node::Item(item), visit));
}

/// Calls `visit` with a piece, and with every piece in it.
pub fn walk<'a>(node: Node<'a>, visit: &mut dyn FnMut(Node<'a>)) {
    visit(node);
    children(node, &mut |child| walk(child, visit));
}

/// Calls `visit` with the pieces directly in a piece, in the order of the text.
pub fn children<'a>(node: Node<'a>, visit: &mut dyn FnMut(Node<'a>)) {
    match node {
        Node::Item(item) => of_item(item, visit),
        Node::Block(block) => block.statements.iter().for_each(|s| visit(Node::Statement(s))),
        Node::Statement(statement) => of_statement(statement, visit),
        Node::Expression(e) => of_expression(e, visit),
        Node::Arm(arm) => {
            visit(Node::Pattern(&arm.pattern));
            arm.guard.iter().for_each(|guard| visit(Node::Expression(guard)));
            visit(Node::Block(&arm.body));
        }
        Node::Pattern(pattern) => match &pattern.kind {
            PatternKind::Literal(e) => visit(Node::Expression(e)),
            PatternKind::Variant { fields, .. } => {
                fields.iter().flatten().for_each(|(_, pattern)| visit(Node::Pattern(pattern)));
            }
            PatternKind::Typed(_, ty) => visit(Node::Type(ty)),
            PatternKind::Tuple(all) | PatternKind::Or(all) => all.iter().for_each(|p| visit(Node::Pattern(p))),
            PatternKind::Wildcard | PatternKind::Bind(_) | PatternKind::Error => {}
        },
        Node::Type(ty) => of_type(ty, visit),
        Node::Text(text) => {
            for part in &text.parts {
                match part {
                    TextPart::Literal(_) => {}
                    TextPart::Splice(e) => visit(Node::Expression(e)),
                    TextPart::Hole(hole) => visit(Node::Hole(hole)),
                }
            }
        }
        Node::Hole(hole) => {
            hole.ty.iter().for_each(|ty| visit(Node::Type(ty)));
            options(&hole.options, visit);
        }
    }
}

fn options<'a>(all: &'a [HoleOption], visit: &mut dyn FnMut(Node<'a>)) {
    all.iter().for_each(|option| visit(Node::Expression(&option.value)));
}

fn arguments<'a>(all: &'a [Argument], visit: &mut dyn FnMut(Node<'a>)) {
    all.iter().for_each(|argument| visit(Node::Expression(&argument.value)));
}

fn fields<'a>(all: &'a [FieldDeclaration], visit: &mut dyn FnMut(Node<'a>)) {
    all.iter().for_each(|field| visit(Node::Type(&field.ty)));
}

fn choice<'a>(choice: &'a If, visit: &mut dyn FnMut(Node<'a>)) {
    visit(Node::Expression(&choice.condition));
    visit(Node::Block(&choice.then));
    choice.otherwise.iter().for_each(|block| visit(Node::Block(block)));
}

fn of_item<'a>(item: &'a Item, visit: &mut dyn FnMut(Node<'a>)) {
    match &item.kind {
        ItemKind::Const(c) => {
            c.ty.iter().for_each(|ty| visit(Node::Type(ty)));
            visit(Node::Expression(&c.value));
        }
        ItemKind::Type(alias) => visit(Node::Type(&alias.ty)),
        ItemKind::Struct(declared) => fields(&declared.fields, visit),
        ItemKind::Enum(declared) => {
            declared.variants.iter().for_each(|variant| variant.payload.iter().for_each(|all| fields(all, visit)));
        }
        ItemKind::Function(f) => {
            for parameter in &f.parameters {
                visit(Node::Type(&parameter.ty));
                parameter.default.iter().for_each(|value| visit(Node::Expression(value)));
            }
            f.result.iter().for_each(|ty| visit(Node::Type(ty)));
            visit(Node::Block(&f.body));
        }
        ItemKind::Test(test) => {
            for mock in &test.mocks {
                if let Mock::Tool { value, .. } = mock {
                    visit(Node::Expression(value));
                }
            }
            visit(Node::Block(&test.body));
        }
        ItemKind::Eval(eval) => {
            visit(Node::Type(&eval.ty));
            for part in &eval.parts {
                match part {
                    EvalPart::Statement(statement) => visit(Node::Statement(statement)),
                    EvalPart::Metric(_, e) | EvalPart::Require(e) => visit(Node::Expression(e)),
                }
            }
        }
        ItemKind::Import(_) | ItemKind::Model(_) | ItemKind::Error => {}
    }
}

fn of_statement<'a>(statement: &'a Statement, visit: &mut dyn FnMut(Node<'a>)) {
    match &statement.kind {
        StatementKind::Let { pattern, ty, value } => {
            visit(Node::Pattern(pattern));
            ty.iter().for_each(|ty| visit(Node::Type(ty)));
            visit(Node::Expression(value));
        }
        StatementKind::Var { ty, value, .. } => {
            ty.iter().for_each(|ty| visit(Node::Type(ty)));
            visit(Node::Expression(value));
        }
        StatementKind::Assign { target, value, .. } => {
            visit(Node::Expression(target));
            visit(Node::Expression(value));
        }
        StatementKind::If(tree) => choice(tree, visit),
        StatementKind::For { pattern, iterable: value, body } | StatementKind::WhileLet { pattern, value, body } => {
            visit(Node::Pattern(pattern));
            visit(Node::Expression(value));
            visit(Node::Block(body));
        }
        StatementKind::While { condition, body } => {
            visit(Node::Expression(condition));
            visit(Node::Block(body));
        }
        StatementKind::Match { value, arms } => {
            visit(Node::Expression(value));
            arms.iter().for_each(|arm| visit(Node::Arm(arm)));
        }
        StatementKind::Return(e) | StatementKind::Yield(e) => e.iter().for_each(|e| visit(Node::Expression(e))),
        StatementKind::Role { role, body } => {
            if let RoleName::Other(name) = role {
                visit(Node::Expression(name));
            }
            visit(Node::Block(body));
        }
        StatementKind::Text(text) => visit(Node::Text(text)),
        StatementKind::Raw(body) => visit(Node::Block(body)),
        StatementKind::With { options: all, body } => {
            options(all, visit);
            visit(Node::Block(body));
        }
        StatementKind::Emit(e) | StatementKind::Assert(e) | StatementKind::Expression(e) => visit(Node::Expression(e)),
        StatementKind::Try { body, otherwise } => {
            visit(Node::Block(body));
            visit(Node::Block(&otherwise.body));
        }
        StatementKind::Retry { count, body } => {
            visit(Node::Expression(count));
            visit(Node::Block(body));
        }
        StatementKind::Budget { limits, body, otherwise } => {
            arguments(limits, visit);
            visit(Node::Block(body));
            otherwise.iter().for_each(|otherwise| visit(Node::Block(&otherwise.body)));
        }
        StatementKind::Break | StatementKind::Continue | StatementKind::Error => {}
    }
}

fn of_expression<'a>(e: &'a Expression, visit: &mut dyn FnMut(Node<'a>)) {
    match &e.kind {
        ExpressionKind::Text(text) => visit(Node::Text(text)),
        ExpressionKind::List(all) | ExpressionKind::Tuple(all) => all.iter().for_each(|e| visit(Node::Expression(e))),
        ExpressionKind::Map(pairs) => pairs.iter().for_each(|(key, value)| {
            visit(Node::Expression(key));
            visit(Node::Expression(value));
        }),
        ExpressionKind::Record(all) => all.iter().for_each(|(_, e)| visit(Node::Expression(e))),
        ExpressionKind::Range { start, end, .. } => {
            start.iter().chain(end).for_each(|e| visit(Node::Expression(e)));
        }
        ExpressionKind::Field(e, _)
        | ExpressionKind::Metadata(e, _)
        | ExpressionKind::Inline(e)
        | ExpressionKind::ScratchCall(e)
        | ExpressionKind::Unary(_, e) => visit(Node::Expression(e)),
        ExpressionKind::Index(a, b) | ExpressionKind::Binary(_, a, b) => {
            visit(Node::Expression(a));
            visit(Node::Expression(b));
        }
        ExpressionKind::Call(callee, all) => {
            visit(Node::Expression(callee));
            arguments(all, visit);
        }
        ExpressionKind::Scratch(block) => visit(Node::Block(block)),
        ExpressionKind::Fork(fork) => {
            match &fork.header {
                ForkHeader::Each(pattern, over, body) => {
                    visit(Node::Pattern(pattern));
                    visit(Node::Expression(over));
                    visit(Node::Block(body));
                }
                ForkHeader::Count(count, body) => {
                    visit(Node::Expression(count));
                    visit(Node::Block(body));
                }
                ForkHeader::Named(all) => all.iter().for_each(|branch| visit(Node::Block(&branch.body))),
            }
            fork.join.iter().for_each(|join| arguments(&join.arguments, visit));
        }
        ExpressionKind::On(e, block) => {
            visit(Node::Expression(e));
            visit(Node::Block(block));
        }
        ExpressionKind::Gen(hole) => visit(Node::Hole(hole)),
        ExpressionKind::Select(e, all) => {
            visit(Node::Expression(e));
            options(all, visit);
        }
        ExpressionKind::If(tree) => choice(tree, visit),
        ExpressionKind::Match(value, arms) => {
            visit(Node::Expression(value));
            arms.iter().for_each(|arm| visit(Node::Arm(arm)));
        }
        ExpressionKind::Closure(parameters, body) => {
            parameters.iter().for_each(|pattern| visit(Node::Pattern(pattern)));
            match body.as_ref() {
                ClosureBody::Expression(e) => visit(Node::Expression(e)),
                ClosureBody::Block(block) => visit(Node::Block(block)),
            }
        }
        ExpressionKind::Comprehension(c) => {
            visit(Node::Expression(&c.element));
            visit(Node::Pattern(&c.pattern));
            visit(Node::Expression(&c.iterable));
            c.condition.iter().for_each(|e| visit(Node::Expression(e)));
        }
        ExpressionKind::Int(_)
        | ExpressionKind::Float(..)
        | ExpressionKind::Bool(_)
        | ExpressionKind::None
        | ExpressionKind::Regex(_)
        | ExpressionKind::Duration(_)
        | ExpressionKind::Name(_)
        | ExpressionKind::Transcript
        | ExpressionKind::Error => {}
    }
}

fn of_type<'a>(ty: &'a TypeExpression, visit: &mut dyn FnMut(Node<'a>)) {
    match &ty.kind {
        TypeKind::Name { arguments: all, .. }
        | TypeKind::Union(all)
        | TypeKind::Tuple(all)
        | TypeKind::Several(all) => {
            all.iter().for_each(|ty| visit(Node::Type(ty)));
        }
        TypeKind::Optional(of) => visit(Node::Type(of)),
        TypeKind::List(item, bounds) => {
            visit(Node::Type(item));
            bounds.iter().for_each(|e| visit(Node::Expression(e)));
        }
        TypeKind::Map(key, value) => {
            visit(Node::Type(key));
            visit(Node::Type(value));
        }
        TypeKind::Record(all) => fields(all, visit),
        TypeKind::Function(parameters, result) => {
            parameters.iter().for_each(|ty| visit(Node::Type(ty)));
            visit(Node::Type(result));
        }
        TypeKind::Refined(of, all) => {
            visit(Node::Type(of));
            for refinement in all {
                match refinement {
                    Refinement::Matching(e)
                    | Refinement::Until(e)
                    | Refinement::Max(e)
                    | Refinement::In(e)
                    | Refinement::From(e)
                    | Refinement::As(e) => visit(Node::Expression(e)),
                }
            }
        }
        TypeKind::FloatDigits(_)
        | TypeKind::LiteralText(_)
        | TypeKind::LiteralInt(_)
        | TypeKind::LiteralBool(_)
        | TypeKind::Error => {}
    }
}

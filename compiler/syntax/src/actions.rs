//! Small constructors that the grammar calls.

use crate::ast::{
    BinaryOp, Block, ClosureBody, Expression, ExpressionKind, ForkExpression, ForkHeader, Function, FunctionKind, Hole,
    HoleOption, If, ItemKind, Join, Name, Parameter, Pattern, PatternKind, Refinement, Statement, StatementKind, Text,
    TypeExpression, TypeKind, UnaryOp,
};
use crate::token::Token;
use lalrpop_util::ParseError;
use sgl_source::{FileId, Span, Spanned};

/// A fault of an action: where, and what to say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    /// Where.
    pub(crate) span: Span,
    /// What is wrong.
    pub(crate) message: String,
}

/// What the parser recovered from.
pub(crate) type Faults = Vec<ParseError<usize, Token, Fault>>;

pub(crate) fn name(file: FileId, start: usize, text: String, end: usize) -> Name {
    Spanned::new(text, Span::new(file, start, end))
}

pub(crate) fn path(file: FileId, start: usize, first: &str, rest: &[String], end: usize) -> Name {
    name(file, start, format!("{first}/{}", rest.join("/")), end)
}

pub(crate) fn ty(file: FileId, start: usize, kind: TypeKind, end: usize) -> TypeExpression {
    TypeExpression { kind, span: Span::new(file, start, end) }
}

pub(crate) fn union(
    file: FileId,
    start: usize,
    first: TypeExpression,
    rest: Vec<TypeExpression>,
    end: usize,
) -> TypeExpression {
    if rest.is_empty() {
        return first;
    }
    let mut all = vec![first];
    all.extend(rest);
    ty(file, start, TypeKind::Union(all), end)
}

pub(crate) fn refined(
    file: FileId,
    start: usize,
    of: TypeExpression,
    all: Vec<Refinement>,
    end: usize,
) -> TypeExpression {
    if all.is_empty() { of } else { ty(file, start, TypeKind::Refined(Box::new(of), all), end) }
}

/// `(T)` is T, `(T,)` and `(A, B)` are tuples.
pub(crate) fn tuple_type((mut types, comma): (Vec<TypeExpression>, bool)) -> TypeKind {
    match (types.len(), comma) {
        (1, false) => types.remove(0).kind,
        _ => TypeKind::Tuple(types),
    }
}

/// `(e)` is e.
pub(crate) fn tuple((mut items, comma): (Vec<Expression>, bool)) -> ExpressionKind {
    match (items.len(), comma) {
        (1, false) => items.remove(0).kind,
        _ => ExpressionKind::Tuple(items),
    }
}

pub(crate) fn expression(file: FileId, start: usize, kind: ExpressionKind, end: usize) -> Expression {
    Expression { kind, span: Span::new(file, start, end) }
}

pub(crate) fn binary(file: FileId, start: usize, op: BinaryOp, a: Expression, b: Expression, end: usize) -> Expression {
    expression(file, start, ExpressionKind::Binary(op, Box::new(a), Box::new(b)), end)
}

pub(crate) fn negate(file: FileId, start: usize, e: Expression, end: usize) -> Expression {
    expression(file, start, ExpressionKind::Unary(UnaryOp::Negate, Box::new(e)), end)
}

pub(crate) fn range(
    file: FileId,
    start: usize,
    first: Expression,
    last: Option<Expression>,
    inclusive: bool,
    end: usize,
) -> Expression {
    let kind = ExpressionKind::Range { start: Some(Box::new(first)), end: last.map(Box::new), inclusive };
    expression(file, start, kind, end)
}

/// `x in xs` is what a branch is made for; anything else is how many there are.
pub(crate) fn fork(header: Expression, body: Block, join: Option<Join>) -> ExpressionKind {
    let header = match header.kind {
        ExpressionKind::Binary(BinaryOp::In, element, list) => match pattern_of(&element) {
            Some(pattern) => ForkHeader::Each(pattern, list, body),
            None => ForkHeader::Each(Pattern { kind: PatternKind::Error, span: element.span }, list, body),
        },
        kind => ForkHeader::Count(Box::new(Expression { kind, span: header.span }), body),
    };
    ExpressionKind::Fork(ForkExpression { header, join })
}

/// Parameters were read as an expression: a name or a tuple.
pub(crate) fn closure(
    file: FileId,
    start: usize,
    parameters: &Expression,
    body: ClosureBody,
    end: usize,
) -> Expression {
    let patterns = match &parameters.kind {
        ExpressionKind::Tuple(items) => items.iter().map(pattern_or_error).collect(),
        _ => vec![pattern_or_error(parameters)],
    };
    expression(file, start, ExpressionKind::Closure(patterns, Box::new(body)), end)
}

fn pattern_or_error(e: &Expression) -> Pattern {
    pattern_of(e).unwrap_or(Pattern { kind: PatternKind::Error, span: e.span })
}

/// An expression that is also a pattern: a name, or a tuple of such.
fn pattern_of(e: &Expression) -> Option<Pattern> {
    let kind = match &e.kind {
        ExpressionKind::Name(text) if text == "_" => PatternKind::Wildcard,
        ExpressionKind::Name(text) => PatternKind::Bind(Spanned::new(text.clone(), e.span)),
        ExpressionKind::Tuple(items) => PatternKind::Tuple(items.iter().map(pattern_of).collect::<Option<_>>()?),
        _ => return None,
    };
    Some(Pattern { kind, span: e.span })
}

pub(crate) fn bind(name: Name) -> PatternKind {
    if name.value == "_" { PatternKind::Wildcard } else { PatternKind::Bind(name) }
}

pub(crate) fn variant(first: Name, rest: Vec<Name>, fields: Option<Vec<(Option<Name>, Pattern)>>) -> PatternKind {
    let mut path = vec![first];
    path.extend(rest);
    PatternKind::Variant { path, fields }
}

pub(crate) fn or_pattern(file: FileId, start: usize, first: Pattern, rest: Vec<Pattern>, end: usize) -> Pattern {
    if rest.is_empty() {
        return first;
    }
    let mut all = vec![first];
    all.extend(rest);
    Pattern { kind: PatternKind::Or(all), span: Span::new(file, start, end) }
}

/// `name: pattern` in a payload was read as a typed binding when the pattern looks like a type.
pub(crate) fn pattern_field(pattern: Pattern) -> (Option<Name>, Pattern) {
    match pattern.kind {
        PatternKind::Typed(name, ty) => match &ty.kind {
            TypeKind::Name { path, arguments }
                if arguments.is_empty() && path.len() == 1 && is_lower(&path[0].value) =>
            {
                let inner = Pattern { kind: bind(path[0].clone()), span: path[0].span };
                (Some(name), inner)
            }
            _ => (None, Pattern { kind: PatternKind::Typed(name, ty), span: pattern.span }),
        },
        kind => (None, Pattern { kind, span: pattern.span }),
    }
}

fn is_lower(text: &str) -> bool {
    text.starts_with(|c: char| c.is_lowercase() || c == '_')
}

pub(crate) fn hole(
    file: FileId,
    start: usize,
    (name, ty, options): (Option<Name>, Option<TypeExpression>, Vec<HoleOption>),
    end: usize,
) -> Hole {
    Hole { name, ty, options, span: Span::new(file, start, end) }
}

pub(crate) fn not_blank(name: Name) -> Option<Name> {
    (name.value != "_").then_some(name)
}

/// Where a statement stands, `if`, `match` and text are statements.
pub(crate) fn expression_statement(e: Expression) -> StatementKind {
    match e.kind {
        ExpressionKind::If(inner) => StatementKind::If(inner),
        ExpressionKind::Match(value, arms) => StatementKind::Match { value: *value, arms },
        ExpressionKind::Text(text) => StatementKind::Text(text),
        kind => StatementKind::Expression(Expression { kind, span: e.span }),
    }
}

/// An item with the form that stands before it; `attribute` has judged that it may have one.
pub(crate) fn formed(mut kind: ItemKind, form: Option<Name>) -> ItemKind {
    match &mut kind {
        ItemKind::Struct(item) => item.form = form,
        ItemKind::Enum(item) => item.form = form,
        _ => {}
    }
    kind
}

/// A tool; without a body it is bound outside the program.
pub(crate) fn tool(
    file: FileId,
    name: Name,
    parameters: Vec<Parameter>,
    result: Option<TypeExpression>,
    uses: Vec<Name>,
    body: Option<Block>,
    end: usize,
) -> Function {
    let kind = if body.is_some() { FunctionKind::Tool } else { FunctionKind::BoundTool };
    let body = body.unwrap_or(Block { statements: Vec::new(), span: Span::new(file, end, end) });
    Function { kind, name, generics: Vec::new(), parameters, result, uses, using: None, body }
}

/// `fault f` after `else`: the word is no keyword, so that variables may be called so.
pub(crate) fn fault_name(
    file: FileId,
    start: usize,
    word: &str,
    end: usize,
    name: Name,
) -> Result<Name, ParseError<usize, Token, Fault>> {
    if word == "fault" {
        return Ok(name);
    }
    let message = format!("`{word}` is not expected here; write `else fault {} {{ … }}`", name.value);
    Err(ParseError::User { error: Fault { span: Span::new(file, start, end), message } })
}

pub(crate) fn one(file: FileId, start: usize, kind: StatementKind, end: usize) -> Block {
    let span = Span::new(file, start, end);
    Block { statements: vec![Statement { kind, span }], span }
}

pub(crate) fn text_block(file: FileId, start: usize, text: Text, end: usize) -> Block {
    one(file, start, StatementKind::Text(text), end)
}

pub(crate) fn else_if(file: FileId, start: usize, inner: If, end: usize) -> Block {
    one(file, start, StatementKind::If(inner), end)
}

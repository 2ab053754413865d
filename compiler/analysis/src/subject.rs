//! What lints look at.

use sgl_protocol::Shape;
use sgl_source::{FileId, Span};
use sgl_syntax::ast::{Block, Expression, ExpressionKind, Function, Hole, ItemKind, Module, TextPart};
use sgl_syntax::visit::{self, Node};

/// What a hole may hold.
#[derive(Clone, Debug)]
pub struct HoleFact {
    /// Where the hole is.
    pub span: Span,
    /// Its shape.
    pub shape: Shape,
}

/// A module that is right.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its tree.
    pub module: &'a Module,
    /// Its file.
    pub file: FileId,
    /// Its text.
    pub text: &'a str,
    /// Its holes.
    pub holes: &'a [HoleFact],
}

impl<'a> Subject<'a> {
    /// The text of a place.
    pub(crate) fn source(&self, span: Span) -> &'a str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Calls `look` with every piece of the module.
    pub(crate) fn walk(&self, look: &mut dyn FnMut(Node<'a>)) {
        visit::module(self.module, look);
    }

    /// Functions and prompts, with whether they are exported.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (&'a Function, bool)> {
        self.module.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Function(f) => Some((f, item.exported)),
            _ => None,
        })
    }

    /// What a hole may hold.
    pub(crate) fn shape(&self, hole: &Hole) -> Option<&'a Shape> {
        self.holes.iter().find(|fact| fact.span == hole.span).map(|fact| &fact.shape)
    }

    /// The place of the whole lines that a place touches, with the newline after them.
    pub(crate) fn lines(&self, span: Span) -> Span {
        let start = self.text[..span.start as usize].rfind('\n').map_or(0, |at| at + 1);
        let end = self.text[span.end as usize..].find('\n').map_or(self.text.len(), |at| span.end as usize + at + 1);
        Span::new(span.file, start, end)
    }

    /// Whether nothing but blanks stands beside a place on its lines.
    pub(crate) fn stands_alone(&self, span: Span) -> bool {
        let lines = self.lines(span);
        let before = &self.text[lines.start as usize..span.start as usize];
        let after = &self.text[span.end as usize..lines.end as usize];
        before.trim().is_empty() && after.trim().is_empty()
    }
}

/// The whole text, if it has neither splices nor holes.
pub(crate) fn plain(e: &Expression) -> Option<String> {
    match &e.kind {
        ExpressionKind::Text(text) => text
            .parts
            .iter()
            .map(|part| match part {
                TextPart::Literal(literal) => Some(literal.value.as_str()),
                TextPart::Splice(_) | TextPart::Hole(_) => None,
            })
            .collect(),
        _ => None,
    }
}

/// A number as it is written.
pub(crate) fn int(e: &Expression) -> Option<i64> {
    match e.kind {
        ExpressionKind::Int(n) => Some(n),
        _ => None,
    }
}

/// Whether an expression is a value that is written out: nothing in it is computed.
pub(crate) fn is_literal(e: &Expression) -> bool {
    match &e.kind {
        ExpressionKind::Int(_) | ExpressionKind::Float(..) | ExpressionKind::Bool(_) | ExpressionKind::None => true,
        ExpressionKind::Text(_) => plain(e).is_some(),
        _ => false,
    }
}

/// Whether evaluating it asks nothing and calls nothing of the program.
pub(crate) fn is_quiet(e: &Expression) -> bool {
    let mut quiet = true;
    visit::walk(Node::Expression(e), &mut |node| {
        if let Node::Expression(inner) = node {
            quiet &= !matches!(
                inner.kind,
                ExpressionKind::Call(..)
                    | ExpressionKind::Inline(_)
                    | ExpressionKind::ScratchCall(_)
                    | ExpressionKind::Scratch(_)
                    | ExpressionKind::Fork(_)
                    | ExpressionKind::On(..)
                    | ExpressionKind::Gen(_)
                    | ExpressionKind::Select(..)
            );
        }
    });
    quiet
}

/// Whether a hole or another question to the model stands anywhere in a block.
pub(crate) fn asks(block: &Block) -> bool {
    let mut asks = false;
    visit::walk(Node::Block(block), &mut |node| match node {
        Node::Hole(_) => asks = true,
        Node::Expression(e) => asks |= matches!(e.kind, ExpressionKind::Select(..)),
        _ => {}
    });
    asks
}

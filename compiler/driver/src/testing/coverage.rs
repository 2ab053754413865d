//! Which ways through the prompts of a file were taken: the arms of `if` and `match`, the branches of `fork`, the bodies of
//! loops.
//!
//! An arm ran if one of its instructions ran; an arm without instructions is not counted.

use super::run::Report;
use super::select::{Module, Suite};
use sgl_source::{FileId, Span, lines};
use sgl_syntax::ast::{Block, ExpressionKind, ForkHeader, FunctionKind, If, Item, ItemKind, MatchArm, StatementKind};
use sgl_syntax::visit::{Node, walk};
use sgl_vm::image::Image;

/// A way that a prompt may take.
#[derive(Debug)]
pub(super) struct Arm {
    /// In words: `then`, `case positive`.
    pub(super) what: String,
    span: Span,
    pub(super) line: usize,
    pub(super) ran: bool,
}

/// The ways through one prompt.
#[derive(Debug)]
pub(super) struct Covered {
    pub(super) prompt: String,
    pub(super) arms: Vec<Arm>,
}

impl Covered {
    /// How many of its arms ran.
    pub(super) fn ran(&self) -> usize {
        self.arms.iter().filter(|arm| arm.ran).count()
    }
}

/// The coverage of every prompt of a module that has arms.
pub(super) fn of_module(suite: &Suite, reports: &[Report], index: usize) -> Vec<Covered> {
    let module: &Module = &suite.modules[index];
    let Some(image) = &module.compiled.image else { return Vec::new() };
    let ran: Vec<Span> = reports
        .iter()
        .filter(|r| r.module == index)
        .flat_map(|r| &r.executed)
        .filter_map(|at| place(image, *at))
        .collect();
    let text = module.compiled.files.text(FileId(0));
    let prompts = module.compiled.root.items.iter().filter_map(prompt);
    prompts
        .map(|(name, item)| {
            let mut arms = arms(item, text);
            for arm in &mut arms {
                arm.line = lines::position(text, arm.span.start as usize).line;
                arm.ran = ran.iter().any(|span| arm.span.contains(*span));
            }
            Covered { prompt: name.to_string(), arms }
        })
        .filter(|covered| !covered.arms.is_empty())
        .collect()
}

fn place(image: &Image, (function, at): (u32, usize)) -> Option<Span> {
    let place = image.functions.get(function as usize)?.places.get(at)?;
    Some(Span { file: FileId(place.file), start: place.start, end: place.end })
}

fn prompt(item: &Item) -> Option<(&str, &Item)> {
    match &item.kind {
        ItemKind::Function(f) if f.kind == FunctionKind::Prompt => Some((&f.name.value, item)),
        _ => None,
    }
}

fn arms(item: &Item, text: &str) -> Vec<Arm> {
    let mut found = Vec::new();
    let mut add = |what: String, block: &Block| {
        if !block.statements.is_empty() {
            found.push(Arm { what, span: block.span, line: 0, ran: false });
        }
    };
    let choice = |tree: &If, add: &mut dyn FnMut(String, &Block)| {
        add("`if`".into(), &tree.then);
        tree.otherwise.iter().for_each(|block| add("`else`".into(), block));
    };
    let case = |arm: &MatchArm| format!("case `{}`", text[arm.pattern.span.range()].trim());
    walk(Node::Item(item), &mut |node| match node {
        Node::Statement(statement) => match &statement.kind {
            StatementKind::If(tree) => choice(tree, &mut add),
            StatementKind::Match { arms, .. } => arms.iter().for_each(|arm| add(case(arm), &arm.body)),
            StatementKind::For { body, .. }
            | StatementKind::While { body, .. }
            | StatementKind::WhileLet { body, .. } => add("the body of the loop".into(), body),
            _ => {}
        },
        Node::Expression(e) => match &e.kind {
            ExpressionKind::If(tree) => choice(tree, &mut add),
            ExpressionKind::Match(_, arms) => arms.iter().for_each(|arm| add(case(arm), &arm.body)),
            ExpressionKind::Fork(fork) => match &fork.header {
                ForkHeader::Each(_, _, body) | ForkHeader::Count(_, body) => {
                    add("the branch of the `fork`".into(), body);
                }
                ForkHeader::Named(all) => {
                    all.iter().for_each(|branch| add(format!("branch `{}`", branch.name.value), &branch.body));
                }
            },
            _ => {}
        },
        _ => {}
    });
    found
}

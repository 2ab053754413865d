//! Shapes to a grammar: a rule per formula with arrays or objects, so that recursion and sharing stay what they are.

mod arrays;
mod objects;
mod states;

use super::compiler::Compiler;
use super::error::Refusal;
use super::formula::{Count, FormulaId, Formulas};
use super::graph::Graph;
use super::language::{LanguageId, Languages};
use super::layout::LEVELS_MAX;
use super::numbers;
use super::shape::Shape;
use crate::grammar::{Bounds, Grammar, Layout, NodeId, RuleId};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Parts that a grammar may have.
const PARTS_MAX: usize = 1_000_000;

/// The grammar of a graph.
pub(super) fn grammar(compiler: &mut Compiler<'_>, graph: &Graph) -> Result<Grammar, Refusal> {
    let mut lowering = Lowering {
        compiler,
        graph,
        grammar: Grammar::new(),
        layouts: Vec::new(),
        rules: FxHashMap::default(),
        scalars: FxHashMap::default(),
        leaves: FxHashMap::default(),
        queue: Vec::new(),
    };
    let whole = lowering.value(graph.root, 0)?;
    lowering.grammar.set_start(whole);
    while let Some((id, level, rule)) = lowering.queue.pop() {
        let body = lowering.body(id, level)?;
        lowering.grammar.define(rule, body);
        if lowering.grammar.len() > PARTS_MAX {
            return Err(crate::ConstrainError::TooLarge { what: "parts of a grammar", limit: PARTS_MAX }.into());
        }
    }
    Ok(lowering.grammar)
}

struct Lowering<'c, 'd, 'g> {
    compiler: &'c mut Compiler<'d>,
    graph: &'g Graph,
    grammar: Grammar,
    /// Per level.
    layouts: Vec<Layout>,
    rules: FxHashMap<(FormulaId, u8), RuleId>,
    /// Values without arrays and objects.
    scalars: FxHashMap<FormulaId, NodeId>,
    /// Literals and languages of keys and strings.
    leaves: FxHashMap<(LanguageId, Count, bool), NodeId>,
    queue: Vec<(FormulaId, u8, RuleId)>,
}

impl Lowering<'_, '_, '_> {
    fn exists(&self, value: FormulaId) -> bool {
        self.graph.some.contains(&value)
    }

    fn layout(&mut self, level: u8) -> Result<Layout, Refusal> {
        let layout = self.compiler.options.layout;
        while self.layouts.len() <= usize::from(level) {
            let next = u8::try_from(self.layouts.len()).unwrap_or(LEVELS_MAX);
            let parts = layout.parts(next, &mut self.grammar)?;
            self.layouts.push(parts);
        }
        Ok(self.layouts[usize::from(level)])
    }

    fn deeper(&self, level: u8) -> u8 {
        if self.compiler.options.layout.has_levels() { (level + 1).min(LEVELS_MAX) } else { 0 }
    }

    /// The part of a formula: inline if it is of scalars only, else a call of its rule.
    fn value(&mut self, id: FormulaId, level: u8) -> Result<NodeId, Refusal> {
        let shape = self.graph.shapes[&id].clone();
        if !shape.anything && shape.array.is_none() && shape.object.is_none() {
            if let Some(known) = self.scalars.get(&id) {
                return Ok(*known);
            }
            let parts = self.scalar_parts(&shape)?;
            let part = self.grammar.choice(&parts);
            self.scalars.insert(id, part);
            return Ok(part);
        }
        let rule = match self.rules.get(&(id, level)) {
            Some(rule) => *rule,
            None => {
                let name = if id == Formulas::TRUE { "anything".into() } else { format!("value{}", self.rules.len()) };
                let rule = self.grammar.declare(&name);
                self.rules.insert((id, level), rule);
                self.queue.push((id, level, rule));
                rule
            }
        };
        Ok(self.grammar.call(rule))
    }

    fn body(&mut self, id: FormulaId, level: u8) -> Result<NodeId, Refusal> {
        let shape = self.graph.shapes[&id].clone();
        let mut parts = self.scalar_parts(&shape)?;
        if shape.anything {
            parts.push(self.any_array(level)?);
            parts.push(self.any_object(level)?);
        }
        if let Some(plan) = shape.array.as_ref() {
            let live = self.graph.live_elements(plan);
            if live[0] {
                parts.push(self.array(plan, &live, level)?);
            }
        }
        if let Some(plan) = shape.object.as_ref() {
            let live = self.graph.live_members(plan);
            if live[0] {
                parts.push(self.object(plan, &live, level)?);
            }
        }
        Ok(self.grammar.choice(&parts))
    }

    fn scalar_parts(&mut self, shape: &Rc<Shape>) -> Result<Vec<NodeId>, Refusal> {
        let mut parts = Vec::new();
        for (holds, text) in [(shape.null, "null"), (shape.no, "false"), (shape.yes, "true")] {
            if holds || shape.anything {
                parts.push(self.grammar.literal(text));
            }
        }
        let number = match shape.anything {
            true => self.compiler.languages.named("#free", numbers::free)?,
            false => shape.number,
        };
        if number != Languages::NOTHING {
            parts.push(self.leaf(number, Count::least(0), false));
        }
        if shape.anything {
            parts.push(self.leaf(Languages::ANY, Count::least(0), true));
        }
        for term in &shape.text {
            parts.push(self.leaf(term.language, term.length, true));
        }
        Ok(parts)
    }

    /// A language as it stands, or as a JSON string with so many characters.
    fn leaf(&mut self, language: LanguageId, length: Count, quoted: bool) -> NodeId {
        if let Some(known) = self.leaves.get(&(language, length, quoted)) {
            return *known;
        }
        let automaton = self.compiler.languages.automaton(language).clone();
        let part = match quoted {
            true => self.grammar.string(automaton, Bounds::new(length.min, length.max)),
            false => self.grammar.leaf(automaton),
        };
        self.leaves.insert((language, length, quoted), part);
        part
    }
}

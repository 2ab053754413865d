//! JSON Schema, drafts 4 to 2020-12, to grammars.
//!
//! ```text
//! document --read--> Formula --expand, by type--> Shape --Graph: prune--> lower --> Grammar
//!   places             literals in negation        numbers and strings as automata,
//!   and references     normal form                 arrays and objects as plans
//! ```
//!
//! A schema is a formula over literals about one value ("members under these keys fit that formula"). Conjunction, choice and
//! negation are those of formulas, so `allOf`, `anyOf`, `oneOf`, `not` and conditions need no rules of their own. For each
//! type of value the formula is then solved: numbers and strings by operations on automata, arrays and objects by asking, from
//! the first member or element to the last, what each may be and what is left to demand after it.
//!
//! Invariants: what is accepted is valid; what can't be enforced is refused with its keyword and place; every step is counted
//! against a limit. Values are written in one layout, members in the order of the schema (see `docs/json-schema.md`).

mod array;
mod compiler;
mod decimal;
mod dialect;
mod document;
mod ecma;
mod empty;
mod error;
mod format;
mod formula;
mod graph;
mod language;
mod layout;
mod lower;
mod numbers;
mod object;
mod read;
mod shape;
mod step;
mod uri;
mod write;

pub use dialect::Dialect;
pub use error::{SchemaError, SchemaFault};
pub use layout::SchemaLayout;

use crate::grammar::Grammar;
use compiler::{Compiler, main_keyword};
use error::Refusal;
use graph::Graph;
use language::Languages;
use serde_json::Value;
use write::Writer;

/// How a schema is understood and its values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaOptions {
    /// The white space of values.
    pub layout: SchemaLayout,
    /// The draft, where the document does not say it.
    pub dialect: Dialect,
    /// Whether `format` is enforced; if not it is a note, as drafts since 2019-09 have it by default.
    pub formats: bool,
    /// Whether formats that no specification defines are notes; if not they are refused.
    pub lenient: bool,
}

impl Default for SchemaOptions {
    fn default() -> Self {
        Self { layout: SchemaLayout::OneLine, dialect: Dialect::Unsaid, formats: true, lenient: false }
    }
}

/// A schema that can be enforced.
#[derive(Debug)]
pub struct Schema {
    grammar: Grammar,
    graph: Graph,
    languages: Languages,
    layout: SchemaLayout,
}

impl Schema {
    /// Compiles a schema. The error says the place, the keyword and the reason.
    pub fn new(schema: &Value, options: SchemaOptions) -> Result<Self, SchemaError> {
        build(schema, options).map_err(Refusal::into_error)
    }

    /// The texts of its values.
    pub fn grammar(&self) -> &Grammar {
        &self.grammar
    }

    /// The text of a value in the layout, members in order, if the value fits.
    pub fn write(&self, value: &Value) -> Option<String> {
        let writer = Writer { graph: &self.graph, languages: &self.languages, layout: self.layout };
        writer.value(self.graph.root, value, 0)
    }
}

/// The grammar of a schema's values. The error says the place, the keyword and the reason.
pub fn compile(schema: &Value, options: SchemaOptions) -> Result<Grammar, SchemaError> {
    Ok(Schema::new(schema, options)?.grammar)
}

/// All that stands in the way of enforcing a schema, at most once per place of it; nothing if it can be enforced.
pub fn problems(schema: &Value, options: SchemaOptions) -> Vec<SchemaError> {
    let mut compiler = match Compiler::new(schema, &options) {
        Ok(compiler) => compiler,
        Err(refusal) => return vec![refusal.into_error()],
    };
    compiler.problems = Some(Vec::new());
    // What was found so far counts, also where a later step finds no way on.
    let last = finish(&mut compiler, schema).err().map(Refusal::into_error);
    compiler.problems.take().unwrap_or_default().into_iter().chain(last).collect()
}

fn build(schema: &Value, options: SchemaOptions) -> Result<Schema, Refusal> {
    let mut compiler = Compiler::new(schema, &options)?;
    let (graph, grammar) = finish(&mut compiler, schema)?;
    Ok(Schema { grammar, graph, languages: compiler.languages, layout: options.layout })
}

fn finish(compiler: &mut Compiler<'_>, schema: &Value) -> Result<(Graph, Grammar), Refusal> {
    let root = compiler.document.root()?;
    let root = compiler.formula_of(root);
    let graph = Graph::of(compiler, root)?;
    if !graph.some.contains(&root) {
        let keyword = main_keyword(schema);
        return Err(Refusal::placed(SchemaFault::Empty, "", keyword, "no value is valid"));
    }
    let grammar = lower::grammar(compiler, &graph).map_err(|refusal| refusal.at("", main_keyword(schema)))?;
    Ok((graph, grammar))
}

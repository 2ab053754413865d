//! Languages as an arena of parts: what shapes, JSON Schemas and written grammars are lowered to.
//!
//! ```text
//! Shape ────────┐
//! JSON Schema ──┼──> Grammar ──> Automaton (small and regular) or Pushdown (counters, recursion) ──> masks
//! Lark, EBNF ───┘        └──> accepts(): the slow reference
//! ```
//!
//! How to lower a language into it:
//!
//! - Start from [`Grammar::new`], add parts with the methods below, name the whole with [`Grammar::set_start`].
//! - Whatever is regular and small should be a leaf: an [`Automaton`] made of regexes, of literals, or of others with
//!   [`Automaton::intersection`], [`Automaton::union`], [`Automaton::difference`], [`Automaton::complement`]. Ask
//!   [`Automaton::is_empty`], [`Automaton::is_subset_of`], [`Automaton::is_disjoint_from`] to decide.
//! - Counts belong in [`Node::Repeat`], [`Node::Text`] and [`Node::Members`], not in copies of their parts: bounds of a
//!   million cost nothing.
//! - Recursion: [`Grammar::declare`] a rule, use [`Grammar::call`] inside, then [`Grammar::define`] it. Rules are shared: call
//!   one wherever the same language occurs, so that it is compiled once. A rule may not begin with itself; that is an error
//!   when the grammar is compiled.
//! - The part of no text is `choice(&[])`, that of the empty text `sequence(&[])`.
//! - One value should have one spelling: [`Node::Text`] writes JSON strings with minimal escapes, the helpers
//!   [`Grammar::array`] and [`Grammar::object`] take the separators from a [`Layout`].
//! - A choice between parts whose texts overlap is fine, recursive or not: all readings are followed at once.
//!
//! Keys of additional members are not checked to differ from one another: give [`Node::Members`] a least count only where the
//! named members can reach it, or make repeated keys impossible.

mod embed;
mod form;
mod reference;
mod regex;
mod shape;
mod shortest;

use crate::automaton::Automaton;
use crate::compile::escaped;
use crate::error::ConstrainError;

/// A part of a grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

/// A named part, which may call itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub(crate) u32);

/// Inclusive bounds on a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Fewest.
    pub min: u32,
    /// Most; `None` is unbounded.
    pub max: Option<u32>,
}

impl Bounds {
    /// Any count.
    pub const ANY: Self = Self { min: 0, max: None };

    /// From `min` to `max`.
    pub const fn new(min: u32, max: Option<u32>) -> Self {
        Self { min, max }
    }

    /// Whether a count is within.
    pub fn contains(self, count: u32) -> bool {
        count >= self.min && self.max.is_none_or(|max| count <= max)
    }
}

/// What a part is.
#[derive(Clone, Debug)]
pub enum Node {
    /// Exactly these bytes.
    Literal(Box<[u8]>),
    /// The texts of an automaton over bytes, as they stand.
    Leaf(Automaton),
    /// A text of `text` with so many Unicode scalar values.
    Text {
        /// The texts, unescaped, valid UTF-8.
        text: Automaton,
        /// How many scalar values they may have.
        chars: Bounds,
        /// Whether it is written as a JSON string: in quotes, with minimal escapes.
        quoted: bool,
    },
    /// One after the other.
    Sequence(Box<[NodeId]>),
    /// Any one of them.
    Choice(Box<[NodeId]>),
    /// The same part again and again.
    Repeat {
        /// What is repeated.
        item: NodeId,
        /// Between two of them.
        separator: Option<NodeId>,
        /// How often.
        count: Bounds,
    },
    /// Members in order, some of them optional, with separators only between those that are there: the inside of an object,
    /// or of an array.
    Members {
        /// Named members, in their one order.
        named: Box<[Member]>,
        /// What may come any number of times after the named ones.
        more: Option<NodeId>,
        /// Between two members.
        separator: NodeId,
        /// How many members in all, named and more.
        count: Bounds,
        /// Whether a member may be left out only together with all after it, as in an array.
        gapless: bool,
    },
    /// The part that a rule names.
    Call(RuleId),
}

impl Node {
    /// Visits the parts that it is made of; not the body of a rule.
    pub(crate) fn for_each_part(&self, mut visit: impl FnMut(NodeId)) {
        match self {
            Self::Literal(_) | Self::Leaf(_) | Self::Text { .. } | Self::Call(_) => {}
            Self::Sequence(parts) | Self::Choice(parts) => parts.iter().for_each(|part| visit(*part)),
            Self::Repeat { item, separator, .. } => {
                visit(*item);
                separator.iter().for_each(|separator| visit(*separator));
            }
            Self::Members { named, more, separator, .. } => {
                named.iter().for_each(|member| visit(member.part));
                more.iter().for_each(|more| visit(*more));
                visit(*separator);
            }
        }
    }
}

/// One of [`Node::Members`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// All of it: for an object the key, the colon and the value.
    pub part: NodeId,
    /// Whether it must be there.
    pub required: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    /// `None` until it is defined.
    pub(crate) body: Option<NodeId>,
}

/// The parts that structures are held together with. Any of them may be a leaf that allows several spellings.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Between two elements or members.
    pub comma: NodeId,
    /// Between a key and its value.
    pub colon: NodeId,
    /// Begins an array or an object after its bracket, if it is not empty.
    pub open: NodeId,
    /// Ends it before its bracket, if it is not empty.
    pub close: NodeId,
}

/// An arena of parts and rules, and the part that is the whole.
#[derive(Clone, Debug, Default)]
pub struct Grammar {
    pub(crate) nodes: Vec<Node>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) start: Option<NodeId>,
}

impl Grammar {
    /// Without any part.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the part that is the whole.
    pub fn set_start(&mut self, whole: NodeId) {
        self.start = Some(whole);
    }

    /// The part that is the whole, if it was named.
    pub fn start(&self) -> Option<NodeId> {
        self.start
    }

    /// The part that is the whole; an error if it or a rule that is used was not said.
    pub(crate) fn checked_start(&self) -> Result<NodeId, ConstrainError> {
        for node in &self.nodes {
            if let Node::Call(rule) = node
                && self.rules[rule.0 as usize].body.is_none()
            {
                return Err(ConstrainError::Undefined(self.rules[rule.0 as usize].name.clone()));
            }
        }
        self.start.ok_or_else(|| ConstrainError::Undefined("the whole".into()))
    }

    /// Adds a part.
    pub fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(u32::try_from(self.nodes.len() - 1).expect("a grammar has fewer parts than 32 bits count"))
    }

    /// What a part is.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// How many parts there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Exactly this text, as it stands.
    pub fn literal(&mut self, text: &str) -> NodeId {
        self.add(Node::Literal(text.as_bytes().into()))
    }

    /// Exactly this text as a JSON string.
    pub fn quoted(&mut self, text: &str) -> NodeId {
        self.literal(&format!("\"{}\"", escaped(text)))
    }

    /// The texts of an automaton, as they stand.
    pub fn leaf(&mut self, automaton: Automaton) -> NodeId {
        self.add(Node::Leaf(automaton))
    }

    /// A JSON string whose text belongs to `text` and has so many scalar values.
    pub fn string(&mut self, text: Automaton, chars: Bounds) -> NodeId {
        self.add(Node::Text { text, chars, quoted: true })
    }

    /// One after the other.
    pub fn sequence(&mut self, parts: &[NodeId]) -> NodeId {
        match parts {
            [only] => *only,
            _ => self.add(Node::Sequence(parts.into())),
        }
    }

    /// Any one of them.
    pub fn choice(&mut self, parts: &[NodeId]) -> NodeId {
        match parts {
            [only] => *only,
            _ => self.add(Node::Choice(parts.into())),
        }
    }

    /// The part, or nothing.
    pub fn optional(&mut self, part: NodeId) -> NodeId {
        let nothing = self.sequence(&[]);
        self.choice(&[part, nothing])
    }

    /// The part so often, with a separator between.
    pub fn repeat(&mut self, item: NodeId, separator: Option<NodeId>, count: Bounds) -> NodeId {
        self.add(Node::Repeat { item, separator, count })
    }

    /// A rule that is defined later. The name is for messages.
    pub fn declare(&mut self, name: &str) -> RuleId {
        self.rules.push(Rule { name: name.into(), body: None });
        RuleId(u32::try_from(self.rules.len() - 1).expect("a grammar has fewer rules than 32 bits count"))
    }

    /// Says what a rule is. A rule that is never defined is an error when the grammar is compiled.
    pub fn define(&mut self, rule: RuleId, body: NodeId) {
        self.rules[rule.0 as usize].body = Some(body);
    }

    /// What a rule is, if it was defined.
    pub fn rule_body(&self, rule: RuleId) -> Option<NodeId> {
        self.rules[rule.0 as usize].body
    }

    /// The name of a rule.
    pub fn rule_name(&self, rule: RuleId) -> &str {
        &self.rules[rule.0 as usize].name
    }

    /// The part that a rule names.
    pub fn call(&mut self, rule: RuleId) -> NodeId {
        self.add(Node::Call(rule))
    }

    /// The layout that values have everywhere in sglc: `{"a": 1, "b": [true, null]}`.
    pub fn one_line(&mut self) -> Layout {
        let (comma, colon, nothing) = (self.literal(", "), self.literal(": "), self.sequence(&[]));
        Layout { comma, colon, open: nothing, close: nothing }
    }

    /// A JSON array: its first elements by place, then `more` of one kind. `count` is of all.
    pub fn array(&mut self, layout: Layout, first: &[NodeId], more: Option<NodeId>, count: Bounds) -> NodeId {
        let most = if more.is_some() { u32::MAX } else { u32::try_from(first.len()).unwrap_or(u32::MAX) };
        let max = count.max.unwrap_or(u32::MAX).min(most);
        if count.min > max {
            return self.choice(&[]);
        }
        let some = (max > 0).then(|| self.elements(layout, first, more, Bounds::new(count.min.max(1), count.max)));
        self.bracketed("[", layout, some, count.min == 0, "]")
    }

    /// At least one element of an array.
    fn elements(&mut self, layout: Layout, first: &[NodeId], more: Option<NodeId>, count: Bounds) -> NodeId {
        match more {
            Some(more) if first.is_empty() => self.repeat(more, Some(layout.comma), count),
            _ => {
                let member = |(index, part)| Member { part, required: index < count.min as usize };
                let named = first.iter().copied().enumerate().map(member).collect();
                self.add(Node::Members { named, more, separator: layout.comma, count, gapless: true })
            }
        }
    }

    /// One member of a JSON object: a key, and what it holds.
    pub fn member(&mut self, layout: Layout, key: NodeId, value: NodeId, required: bool) -> Member {
        Member { part: self.sequence(&[key, layout.colon, value]), required }
    }

    /// A JSON object: named members in order, then more. `count` is of all.
    pub fn object(&mut self, layout: Layout, named: &[Member], more: Option<NodeId>, count: Bounds) -> NodeId {
        let may_be_empty = count.min == 0 && !named.iter().any(|member| member.required);
        let may_have_some = count.max != Some(0) && !(named.is_empty() && more.is_none());
        let some = may_have_some.then(|| {
            let count = Bounds::new(count.min.max(1), count.max);
            self.add(Node::Members { named: named.into(), more, separator: layout.comma, count, gapless: false })
        });
        self.bracketed("{", layout, some, may_be_empty, "}")
    }

    fn bracketed(
        &mut self,
        open: &str,
        layout: Layout,
        some: Option<NodeId>,
        may_be_empty: bool,
        close: &str,
    ) -> NodeId {
        let empty = may_be_empty.then(|| self.literal(&format!("{open}{close}")));
        let full = some.map(|some| {
            let (open, close) = (self.literal(open), self.literal(close));
            self.sequence(&[open, layout.open, some, layout.close, close])
        });
        let ways: Vec<NodeId> = full.into_iter().chain(empty).collect();
        self.choice(&ways)
    }
}

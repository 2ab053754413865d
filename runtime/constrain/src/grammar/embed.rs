//! A grammar as a part of another.

use super::{Grammar, Member, Node, NodeId, Rule, RuleId};

impl Grammar {
    /// The whole of another grammar as a part of this one; nothing if it has no whole.
    pub(crate) fn embed(&mut self, other: &Self) -> Option<NodeId> {
        let start = other.start()?;
        let (nodes, rules) = (offset(self.nodes.len()), offset(self.rules.len()));
        let node = |id: &NodeId| NodeId(id.0 + nodes);
        let all = |ids: &[NodeId]| ids.iter().map(node).collect();
        for part in &other.nodes {
            self.nodes.push(match part {
                Node::Literal(_) | Node::Leaf(_) | Node::Text { .. } => part.clone(),
                Node::Sequence(parts) => Node::Sequence(all(parts)),
                Node::Choice(parts) => Node::Choice(all(parts)),
                Node::Repeat { item, separator, count } => {
                    Node::Repeat { item: node(item), separator: separator.as_ref().map(node), count: *count }
                }
                Node::Members { named, more, separator, count, gapless } => Node::Members {
                    named: named.iter().map(|m| Member { part: node(&m.part), required: m.required }).collect(),
                    more: more.as_ref().map(node),
                    separator: node(separator),
                    count: *count,
                    gapless: *gapless,
                },
                Node::Call(rule) => Node::Call(RuleId(rule.0 + rules)),
            });
        }
        for rule in &other.rules {
            self.rules.push(Rule { name: rule.name.clone(), body: rule.body.as_ref().map(node) });
        }
        Some(node(&start))
    }
}

fn offset(count: usize) -> u32 {
    u32::try_from(count).expect("a grammar has fewer parts than its limit")
}

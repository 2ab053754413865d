//! A shortest text of a grammar: what a scripted model says where nobody told it anything.
//!
//! Every part starts without a text and takes a shorter one as soon as the parts below it allow it, until nothing changes. A
//! part that only leads to itself never gets one.

use super::{Grammar, Member, Node};

impl Grammar {
    /// A shortest text of the language, or `None` if it has none, or none that this finds (texts that must have a minimal
    /// number of characters, beyond what their automaton asks for).
    pub fn shortest(&self) -> Option<String> {
        let mut best: Vec<Option<Vec<u8>>> = vec![None; self.nodes.len()];
        loop {
            let mut changed = false;
            for index in 0..self.nodes.len() {
                let Some(found) = self.built(&self.nodes[index], &best) else { continue };
                if best[index].as_ref().is_none_or(|known| found.len() < known.len()) {
                    best[index] = Some(found);
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        let text = best[self.start?.0 as usize].take()?;
        if self.accepts(&text) { String::from_utf8(text).ok() } else { None }
    }

    /// The shortest text of a part that the texts of the parts below it give.
    fn built(&self, node: &Node, best: &[Option<Vec<u8>>]) -> Option<Vec<u8>> {
        let of = |id: &super::NodeId| best[id.0 as usize].clone();
        match node {
            Node::Literal(bytes) => Some(bytes.to_vec()),
            Node::Leaf(automaton) => automaton.shortest().map(String::into_bytes),
            Node::Text { text, quoted, .. } => {
                let plain = text.shortest()?;
                let written = if *quoted { format!("\"{plain}\"") } else { plain };
                Some(written.into_bytes())
            }
            Node::Sequence(parts) => Some(parts.iter().map(of).collect::<Option<Vec<_>>>()?.concat()),
            Node::Choice(parts) => parts.iter().filter_map(of).min_by_key(Vec::len),
            Node::Repeat { count, .. } if count.min == 0 => Some(Vec::new()),
            Node::Repeat { item, separator, count } => {
                let between = separator.as_ref().map_or(Some(Vec::new()), of)?;
                Some(vec![of(item)?; count.min as usize].join(&between[..]))
            }
            Node::Members { named, more, separator, count, gapless } => {
                let mut parts: Vec<Vec<u8>> = Vec::new();
                for member in chosen(named, count.min as usize, *gapless) {
                    parts.push(of(&member.part)?);
                }
                while parts.len() < count.min as usize {
                    parts.push(of(more.as_ref()?)?);
                }
                let between = if parts.len() < 2 { Vec::new() } else { of(separator)? };
                Some(parts.join(&between[..]))
            }
            Node::Call(rule) => self.rules[rule.0 as usize].body.as_ref().and_then(of),
        }
    }
}

/// The required members, and as many of the others, from the first on, as are needed to be `least`.
fn chosen(named: &[Member], least: usize, gapless: bool) -> Vec<Member> {
    let last_required = named.iter().rposition(|member| member.required).map_or(0, |at| at + 1);
    let mut spare = least.saturating_sub(named.iter().filter(|member| member.required).count());
    let mut taken = Vec::new();
    for (at, member) in named.iter().enumerate() {
        let forced = member.required || (gapless && at < last_required);
        if !forced && spare == 0 {
            continue;
        }
        spare -= usize::from(!member.required && spare > 0);
        taken.push(*member);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Bounds;
    use sgl_protocol::{Field, Shape};

    #[test]
    fn a_recursive_shape_has_a_shortest_text() {
        let title = Field { name: "t".into(), shape: Shape::Bool };
        let list = Shape::List { item: Box::new(Shape::Ref(0)), min: 0, max: Some(3) };
        let node = Shape::Record { name: "Node".into(), fields: vec![title, Field { name: "c".into(), shape: list }] };
        let shape = Shape::Recursive { definitions: vec![node], root: Box::new(Shape::Ref(0)) };
        let grammar = Grammar::of_shape(&shape).expect("a tree of nodes is a grammar");
        assert_eq!(grammar.shortest().as_deref(), Some("{\"t\": true, \"c\": []}"));
    }

    #[test]
    fn what_only_leads_to_itself_has_none() {
        let mut grammar = Grammar::new();
        let rule = grammar.declare("loop");
        let (open, call) = (grammar.literal("("), grammar.call(rule));
        let body = grammar.sequence(&[open, call]);
        grammar.define(rule, body);
        grammar.set_start(call);
        assert_eq!(grammar.shortest(), None);
    }

    #[test]
    fn members_are_filled_up_to_the_least_count() {
        let mut grammar = Grammar::new();
        let (a, b, more, comma) =
            (grammar.literal("a"), grammar.literal("b"), grammar.literal("m"), grammar.literal(","));
        let named = [Member { part: a, required: false }, Member { part: b, required: true }];
        for (least, wanted) in [(0, "b"), (2, "a,b"), (4, "a,b,m,m")] {
            let count = Bounds::new(least, None);
            let members =
                Node::Members { named: named.into(), more: Some(more), separator: comma, count, gapless: false };
            let whole = grammar.add(members);
            grammar.set_start(whole);
            assert_eq!(grammar.shortest().as_deref(), Some(wanted));
        }
    }
}

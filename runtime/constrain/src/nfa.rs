//! A nondeterministic byte automaton, assembled from fragments (Thompson's construction).

use crate::automaton::Automaton;
use crate::error::ConstrainError;
use crate::limits::NFA_STATES_MAX;

/// A state.
pub(crate) type Node = u32;

/// A part of an automaton: where it begins and where it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment {
    pub(crate) start: Node,
    pub(crate) end: Node,
}

/// States with byte-range edges and empty edges.
#[derive(Debug, Default)]
pub(crate) struct Nfa {
    pub(crate) edges: Vec<Vec<(u8, u8, Node)>>,
    pub(crate) empty: Vec<Vec<Node>>,
}

impl Nfa {
    pub(crate) fn state(&mut self) -> Result<Node, ConstrainError> {
        if self.edges.len() >= NFA_STATES_MAX {
            return Err(ConstrainError::TooLarge { what: "parts", limit: NFA_STATES_MAX });
        }
        self.edges.push(Vec::new());
        self.empty.push(Vec::new());
        Ok(u32::try_from(self.edges.len() - 1).expect("under the limit"))
    }

    pub(crate) fn edge(&mut self, from: Node, low: u8, high: u8, to: Node) {
        self.edges[from as usize].push((low, high, to));
    }

    pub(crate) fn skip(&mut self, from: Node, to: Node) {
        self.empty[from as usize].push(to);
    }

    /// Exactly these bytes.
    pub(crate) fn literal(&mut self, bytes: &[u8]) -> Result<Fragment, ConstrainError> {
        let start = self.state()?;
        let mut end = start;
        for byte in bytes {
            let next = self.state()?;
            self.edge(end, *byte, *byte, next);
            end = next;
        }
        Ok(Fragment { start, end })
    }

    /// One after the other.
    pub(crate) fn sequence(&mut self, parts: &[Fragment]) -> Result<Fragment, ConstrainError> {
        let Some(first) = parts.first() else { return self.literal(b"") };
        let mut end = first.end;
        for part in &parts[1..] {
            self.skip(end, part.start);
            end = part.end;
        }
        Ok(Fragment { start: first.start, end })
    }

    /// Any one of them.
    pub(crate) fn choice(&mut self, parts: &[Fragment]) -> Result<Fragment, ConstrainError> {
        let (start, end) = (self.state()?, self.state()?);
        for part in parts {
            self.skip(start, part.start);
            self.skip(part.end, end);
        }
        Ok(Fragment { start, end })
    }

    /// A deterministic automaton as a part; with `escaped`, each byte that a JSON string must escape as its escape.
    pub(crate) fn embed(&mut self, automaton: &Automaton, escaped: bool) -> Result<Fragment, ConstrainError> {
        let end = self.state()?;
        let first = u32::try_from(self.edges.len()).expect("under the limit");
        for _ in 0..automaton.state_count() {
            self.state()?;
        }
        let node = |state: usize| first + u32::try_from(state).expect("under the limit");
        for state in 0..automaton.state_count() {
            for (low, high, target) in automaton.ranges(state) {
                if escaped {
                    self.escaped_edges(node(state), low, high, node(target))?;
                } else {
                    self.edge(node(state), low, high, node(target));
                }
            }
            if automaton.accepts_at(state) {
                self.skip(node(state), end);
            }
        }
        Ok(Fragment { start: node(automaton.start_index()), end })
    }

    fn escaped_edges(&mut self, from: Node, low: u8, high: u8, to: Node) -> Result<(), ConstrainError> {
        let mut run: Option<u8> = None;
        for byte in low..=high {
            match escape(byte) {
                None => {
                    run.get_or_insert(byte);
                }
                Some(text) => {
                    if let Some(start) = run.take() {
                        self.edge(from, start, byte - 1, to);
                    }
                    let part = self.literal(text.as_bytes())?;
                    self.skip(from, part.start);
                    self.skip(part.end, to);
                }
            }
        }
        if let Some(start) = run {
            self.edge(from, start, high, to);
        }
        Ok(())
    }
}

/// How a JSON string writes a byte that it must escape.
pub(crate) fn escape(byte: u8) -> Option<String> {
    Some(match byte {
        b'"' => "\\\"".into(),
        b'\\' => "\\\\".into(),
        b'\n' => "\\n".into(),
        b'\r' => "\\r".into(),
        b'\t' => "\\t".into(),
        8 => "\\b".into(),
        12 => "\\f".into(),
        0..=31 => format!("\\u{byte:04x}"),
        _ => return None,
    })
}

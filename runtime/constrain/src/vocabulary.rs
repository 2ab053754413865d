//! A tokenizer's tokens as bytes, in a flat trie that is walked in one pass.

use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// One node of the trie, in depth-first order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// The byte that leads here.
    pub(crate) byte: u8,
    /// The token that ends here, or `NO_TOKEN`.
    pub(crate) token: u32,
    /// The index after the last node below this one.
    pub(crate) after: u32,
    /// Bytes from the root.
    pub(crate) depth: u32,
}

/// No token ends at a node.
pub(crate) const NO_TOKEN: u32 = u32::MAX;

/// Tokens as bytes.
#[derive(Debug)]
pub struct Vocabulary {
    tokens: Vec<Option<Box<[u8]>>>,
    nodes: Vec<Node>,
    /// Tokens with the same bytes as another, which has the node: (twin, the one with the node).
    twins: Vec<(u32, u32)>,
    longest: usize,
    /// What was found out about parts that many constraints have, by what they are.
    remembered: Mutex<Remembered>,
    fingerprint: OnceLock<[u64; 4]>,
}

/// Findings by part.
type Remembered = FxHashMap<Box<[u32]>, Arc<[u32]>>;

/// Parts of constraints that a vocabulary remembers something of.
const REMEMBERED_MAX: usize = 256;

impl Vocabulary {
    /// A vocabulary; a token without bytes (`None`, or empty) never matches.
    pub fn new(tokens: Vec<Option<Box<[u8]>>>) -> Self {
        let mut order: Vec<(u32, &[u8])> = Vec::with_capacity(tokens.len());
        for (id, token) in (0u32..).zip(&tokens) {
            if let Some(bytes) = token.as_deref().filter(|bytes| !bytes.is_empty()) {
                order.push((id, bytes));
            }
        }
        order.sort_by(|a, b| a.1.cmp(b.1).then(a.0.cmp(&b.0)));
        let longest = order.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(0);
        let mut nodes: Vec<Node> = Vec::new();
        let mut twins = Vec::new();
        let mut path: Vec<usize> = Vec::new();
        let mut previous: &[u8] = &[];
        for (id, bytes) in order {
            if bytes == previous {
                let first = nodes[*path.last().expect("a token has a node")].token;
                twins.push((id, first));
                continue;
            }
            let shared = previous.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            close(&mut nodes, &mut path, shared);
            for byte in &bytes[shared..] {
                path.push(nodes.len());
                let depth = u32::try_from(path.len()).expect("tokens are short");
                nodes.push(Node { byte: *byte, token: NO_TOKEN, after: 0, depth });
            }
            nodes[*path.last().expect("a token is not empty")].token = id;
            previous = bytes;
        }
        close(&mut nodes, &mut path, 0);
        Self { nodes, twins, longest, tokens, remembered: Mutex::default(), fingerprint: OnceLock::new() }
    }

    /// How many token ids there are, special ones included.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The bytes of a token; `None` for special tokens.
    pub fn bytes(&self, id: u32) -> Option<&[u8]> {
        self.tokens.get(id as usize)?.as_deref()
    }

    /// BLAKE3 of all tokens in order: vocabularies of one fingerprint have the same masks.
    pub(crate) fn fingerprint(&self) -> &[u64; 4] {
        self.fingerprint.get_or_init(|| {
            let mut hasher = blake3::Hasher::new();
            for token in &self.tokens {
                let bytes = token.as_deref().unwrap_or_default();
                hasher.update(&(bytes.len() as u64).to_le_bytes());
                hasher.update(bytes);
            }
            crate::image::words_of(hasher.finalize().as_bytes())
        })
    }

    /// Bytes of the longest token.
    pub fn longest_bytes(&self) -> usize {
        self.longest
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn twins(&self) -> &[(u32, u32)] {
        &self.twins
    }

    /// What `make` finds out of a part, or found out before.
    pub(crate) fn remembered(&self, part: &[u32], make: impl FnOnce() -> Arc<[u32]>) -> Arc<[u32]> {
        let known = || self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(part) {
            return found.clone();
        }
        let found = make();
        let mut known = known();
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        known.insert(part.into(), found.clone());
        found
    }

    /// The nodes under the one that some bytes lead to, if a token begins with them.
    pub(crate) fn below(&self, bytes: &[u8]) -> Option<std::ops::Range<usize>> {
        let (mut at, mut end) = (0, self.nodes.len());
        for byte in bytes {
            while at < end && self.nodes[at].byte != *byte {
                at = self.nodes[at].after as usize;
            }
            if at >= end {
                return None;
            }
            end = self.nodes[at].after as usize;
            at += 1;
        }
        Some(at..end)
    }

    /// Whether a token is longer than `bytes` and begins with them.
    pub fn extends(&self, bytes: &[u8], mut allowed: impl FnMut(&[u8]) -> bool) -> bool {
        let Some(below) = self.below(bytes) else { return false };
        self.nodes[below]
            .iter()
            .filter(|node| node.token != NO_TOKEN)
            .any(|node| self.bytes(node.token).is_some_and(|token| allowed(&token[bytes.len()..])))
    }
}

fn close(nodes: &mut [Node], path: &mut Vec<usize>, keep: usize) {
    let after = u32::try_from(nodes.len()).expect("a trie fits 32 bits");
    for node in path.drain(keep..) {
        nodes[node].after = after;
    }
}

//! The radix cache: which token sequences have their keys and values in which slots.
//!
//! A tree whose edges are runs of tokens (RadixAttention, Zheng et al. 2024, arXiv:2312.07104). A lock on a node protects it
//! and all above it from eviction; leaves without locks are evicted, least recently used first.

use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// A node of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(u32);

/// Sequences of different namespaces share nothing, whatever their tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Namespace(pub(crate) u32);

impl Namespace {
    /// What a first token is found by below the root.
    fn key(self, token: u32) -> u64 {
        u64::from(self.0) << 32 | u64::from(token)
    }
}

/// Added to the time of use of what will be asked for again: it goes after all that was only used.
const WANTED: u64 = 1 << 62;

/// The empty sequence.
pub(crate) const ROOT: NodeId = NodeId(0);

#[derive(Debug, Default)]
struct Node {
    /// The edge from the parent.
    tokens: Vec<u32>,
    /// One slot per token of the edge.
    slots: Vec<u32>,
    parent: Option<NodeId>,
    /// What the parent knows it by: its first token, below the root with the namespace.
    key: u64,
    children: FxHashMap<u64, NodeId>,
    /// Locks on this node and on nodes below.
    locks: u32,
    used: u64,
}

/// The tree.
#[derive(Debug)]
pub(crate) struct RadixTree {
    nodes: Vec<Node>,
    vacant: Vec<NodeId>,
    /// Leaves without locks by last use.
    evictable: BTreeSet<(u64, NodeId)>,
    /// Slots of nodes without locks.
    unlocked: usize,
    clock: u64,
}

impl RadixTree {
    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node::default()], vacant: Vec::new(), evictable: BTreeSet::new(), unlocked: 0, clock: 0 }
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    /// The node below `at` with which `rest` goes on.
    fn child(&self, space: Namespace, at: NodeId, rest: &[u32]) -> Option<NodeId> {
        let space = if at == ROOT { space } else { Namespace::default() };
        rest.first().and_then(|token| self.node(at).children.get(&space.key(*token))).copied()
    }

    /// The longest prefix of `tokens` in the tree: appends its slots to `slots`, and gives the node at which it ends, which is
    /// split off if it ends inside an edge.
    pub(crate) fn matched(&mut self, space: Namespace, tokens: &[u32], slots: &mut Vec<u32>) -> NodeId {
        let mut at = ROOT;
        let mut rest = tokens;
        while let Some(child) = self.child(space, at, rest) {
            let shared = common(&self.node(child).tokens, rest);
            at = if shared < self.node(child).tokens.len() { self.split(child, shared) } else { child };
            slots.extend_from_slice(&self.node(at).slots);
            self.touch(at);
            rest = &rest[shared..];
        }
        at
    }

    /// How long the longest prefix of `tokens` in the tree is. Changes nothing.
    pub(crate) fn match_len(&self, space: Namespace, tokens: &[u32]) -> usize {
        let mut at = ROOT;
        let mut rest = tokens;
        while let Some(child) = self.child(space, at, rest) {
            let shared = common(&self.node(child).tokens, rest);
            rest = &rest[shared..];
            if shared < self.node(child).tokens.len() {
                break;
            }
            at = child;
        }
        tokens.len() - rest.len()
    }

    /// Puts a sequence in, with the slots of all its tokens. The tree takes the slots of what it did not have; `duplicates`
    /// gets those of the rest, and `slots` becomes the slots that the tree has. Gives the node of the whole sequence.
    pub(crate) fn insert(
        &mut self,
        space: Namespace,
        tokens: &[u32],
        slots: &mut [u32],
        duplicates: &mut Vec<u32>,
    ) -> NodeId {
        debug_assert_eq!(tokens.len(), slots.len(), "one slot per token");
        let mut known = Vec::new();
        let at = self.matched(space, tokens, &mut known);
        for (slot, known) in slots.iter_mut().zip(&known) {
            if *slot != *known {
                duplicates.push(*slot);
                *slot = *known;
            }
        }
        let new = known.len();
        if new == tokens.len() {
            return at;
        }
        let key = if at == ROOT { space } else { Namespace::default() }.key(tokens[new]);
        let (tokens, slots) = (tokens[new..].to_vec(), slots[new..].to_vec());
        self.unlocked += tokens.len();
        let leaf = self.add(Node { tokens, slots, parent: Some(at), key, ..Node::default() });
        self.node_mut(at).children.insert(key, leaf);
        self.refresh(at);
        self.touch(leaf);
        leaf
    }

    /// Protects a node and all above it.
    pub(crate) fn lock(&mut self, id: NodeId) {
        self.change_locks(id, |locks| locks + 1);
    }

    /// Takes back one [`RadixTree::lock`].
    pub(crate) fn unlock(&mut self, id: NodeId) {
        self.change_locks(id, |locks| locks.checked_sub(1).expect("unlocked as often as locked"));
    }

    fn change_locks(&mut self, id: NodeId, change: impl Fn(u32) -> u32) {
        let mut at = Some(id);
        while let Some(id) = at {
            let node = self.node_mut(id);
            let before = std::mem::replace(&mut node.locks, 0);
            let now = change(before);
            node.locks = now;
            at = node.parent;
            let slots = node.slots.len();
            match (before, now) {
                (0, 1..) => self.unlocked -= slots,
                (1.., 0) => self.unlocked += slots,
                _ => {}
            }
            // Only these say whether it may go.
            if (before == 0) != (now == 0) {
                self.refresh(id);
            }
        }
    }

    /// Frees at least `count` slots if it can, those that were let go and then the least recently used leaves first; those that it
    /// freed go onto `freed`. Gives how many of them were let go.
    pub(crate) fn evict(&mut self, count: usize, freed: &mut Vec<u32>) -> usize {
        let wanted = freed.len().saturating_add(count);
        let mut done = 0;
        while freed.len() < wanted
            && let Some((used, leaf)) = self.evictable.pop_first()
        {
            if used == 0 {
                done += self.node(leaf).slots.len();
            }
            let node = std::mem::take(self.node_mut(leaf));
            freed.extend_from_slice(&node.slots);
            self.unlocked -= node.slots.len();
            let parent = node.parent.expect("the root is never evicted");
            self.node_mut(parent).children.remove(&node.key);
            self.vacant.push(leaf);
            self.refresh(parent);
        }
        done
    }

    /// Nobody will ask for these tokens again, but for the first `keep`: what only they have goes before anything else does.
    pub(crate) fn let_go(&mut self, space: Namespace, tokens: &[u32], keep: usize) {
        let mut slots = Vec::new();
        let mut at = self.matched(space, tokens, &mut slots);
        let mut from = slots.len();
        while at != ROOT && self.node(at).children.len() <= 1 {
            from -= self.node(at).tokens.len();
            if from < keep {
                return;
            }
            // Below it may be what an option of it has computed: that is done with, too.
            let used = std::mem::replace(&mut self.node_mut(at).used, 0);
            self.evictable.remove(&(used, at));
            self.refresh(at);
            at = self.node(at).parent.unwrap_or(ROOT);
        }
    }

    /// Somebody will ask for these tokens again: what the tree has of them goes after what nobody has said that of.
    pub(crate) fn want(&mut self, space: Namespace, tokens: &[u32]) {
        self.set_used(space, tokens, |now| now + WANTED);
    }

    /// Takes back [`RadixTree::want`]: they were used just now, and that is all.
    pub(crate) fn unwant(&mut self, space: Namespace, tokens: &[u32]) {
        self.set_used(space, tokens, |now| now);
    }

    fn set_used(&mut self, space: Namespace, tokens: &[u32], when: impl Fn(u64) -> u64) {
        let mut at = self.matched(space, tokens, &mut Vec::new());
        while at != ROOT {
            self.clock += 1;
            let now = when(self.clock);
            let used = std::mem::replace(&mut self.node_mut(at).used, now);
            self.evictable.remove(&(used, at));
            self.refresh(at);
            at = self.node(at).parent.unwrap_or(ROOT);
        }
    }

    /// Slots that eviction could free.
    pub(crate) fn evictable_slots(&self) -> usize {
        self.unlocked
    }

    /// Every slot that the tree owns.
    pub(crate) fn owned(&self) -> impl Iterator<Item = u32> + '_ {
        self.living().flat_map(|id| self.node(id).slots.iter().copied())
    }

    /// Every edge: where in its sequences it begins, its tokens and their slots.
    pub(crate) fn for_each_edge(&self, mut each: impl FnMut(usize, &[u32], &[u32])) {
        for id in self.living() {
            let above = std::iter::successors(self.node(id).parent, |parent| self.node(*parent).parent);
            let from = above.map(|node| self.node(node).tokens.len()).sum();
            each(from, &self.node(id).tokens, &self.node(id).slots);
        }
    }

    /// What is wrong with the tree itself, for the checker.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let unlocked: usize =
            self.living().filter(|id| self.node(*id).locks == 0).map(|id| self.node(id).slots.len()).sum();
        if unlocked != self.unlocked {
            faults.push(format!("{unlocked} slots have no lock, {} are counted", self.unlocked));
        }
        for id in self.living() {
            let node = self.node(id);
            if node.tokens.len() != node.slots.len() || (id != ROOT && node.tokens.is_empty()) {
                faults.push(format!("node {id:?} has {} tokens and {} slots", node.tokens.len(), node.slots.len()));
            }
            let below: u32 = node.children.values().map(|child| self.node(*child).locks).sum();
            if below > node.locks {
                faults.push(format!("node {id:?} has fewer locks than its children"));
            }
            let mut children: Vec<_> = node.children.iter().collect();
            children.sort_unstable();
            for (key, child) in children {
                let node = self.node(*child);
                let first = node.tokens.first().map(|token| u64::from(*token));
                if node.parent != Some(id)
                    || node.key != *key
                    || first != Some(*key & u64::from(u32::MAX))
                    || (id != ROOT && first != Some(*key))
                {
                    faults.push(format!("node {id:?} and its child {child:?} disagree"));
                }
            }
            if self.is_evictable(id) != self.evictable.contains(&(node.used, id)) {
                faults.push(format!("node {id:?} is in the wrong list"));
            }
        }
        faults
    }

    /// Locks in all, as the root counts them.
    pub(crate) fn locks(&self) -> u32 {
        self.node(ROOT).locks
    }

    fn living(&self) -> impl Iterator<Item = NodeId> + '_ {
        let all = (0..self.nodes.len()).map(|index| NodeId(u32::try_from(index).expect("nodes are fewer than slots")));
        all.filter(|id| *id == ROOT || self.node(*id).parent.is_some())
    }

    fn add(&mut self, node: Node) -> NodeId {
        if let Some(id) = self.vacant.pop() {
            *self.node_mut(id) = node;
            return id;
        }
        self.nodes.push(node);
        NodeId(u32::try_from(self.nodes.len() - 1).expect("nodes are fewer than slots"))
    }

    /// Cuts the edge to `id` after `at` tokens; gives the node in the middle.
    fn split(&mut self, id: NodeId, at: usize) -> NodeId {
        let node = self.node_mut(id);
        let (tokens, slots) = (node.tokens.drain(..at).collect::<Vec<_>>(), node.slots.drain(..at).collect());
        let next = u64::from(node.tokens[0]);
        let (key, parent, locks, used) = (std::mem::replace(&mut node.key, next), node.parent, node.locks, node.used);
        let middle = Node { tokens, slots, parent, key, locks, used, children: FxHashMap::from_iter([(next, id)]) };
        let middle = self.add(middle);
        self.node_mut(id).parent = Some(middle);
        self.node_mut(parent.expect("the root has no edge")).children.insert(key, middle);
        middle
    }

    fn touch(&mut self, id: NodeId) {
        self.clock += 1;
        let now = self.clock;
        let used = std::mem::replace(&mut self.node_mut(id).used, now);
        self.evictable.remove(&(used, id));
        self.refresh(id);
    }

    fn is_evictable(&self, id: NodeId) -> bool {
        let node = self.node(id);
        id != ROOT && node.locks == 0 && node.children.is_empty()
    }

    fn refresh(&mut self, id: NodeId) {
        let entry = (self.node(id).used, id);
        if self.is_evictable(id) {
            self.evictable.insert(entry);
        } else {
            self.evictable.remove(&entry);
        }
    }
}

/// How many tokens two sequences share from their beginning.
pub(crate) fn common(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Namespace = Namespace(0);

    fn insert(tree: &mut RadixTree, tokens: &[u32], first_slot: u32) -> (NodeId, Vec<u32>, Vec<u32>) {
        insert_in(tree, ALL, tokens, first_slot)
    }

    fn insert_in(
        tree: &mut RadixTree,
        space: Namespace,
        tokens: &[u32],
        first_slot: u32,
    ) -> (NodeId, Vec<u32>, Vec<u32>) {
        let mut slots: Vec<u32> = (first_slot..).take(tokens.len()).collect();
        let mut duplicates = Vec::new();
        let node = tree.insert(space, tokens, &mut slots, &mut duplicates);
        assert_eq!(tree.faults(), Vec::<String>::new());
        (node, slots, duplicates)
    }

    #[test]
    fn a_prefix_is_found_to_the_token() {
        let mut tree = RadixTree::new();
        insert(&mut tree, &[1, 2, 3, 4], 10);
        assert_eq!(tree.match_len(ALL, &[1, 2, 9]), 2);
        let mut slots = Vec::new();
        tree.matched(ALL, &[1, 2, 9], &mut slots);
        assert_eq!(slots, [10, 11]);
        assert_eq!(tree.faults(), Vec::<String>::new());
        let (_, slots, duplicates) = insert(&mut tree, &[1, 2, 5], 20);
        assert_eq!((slots, duplicates), (vec![10, 11, 22], vec![20, 21]));
    }

    #[test]
    fn what_is_locked_stays_and_the_oldest_goes_first() {
        let mut tree = RadixTree::new();
        let (a, ..) = insert(&mut tree, &[1, 2], 0);
        insert(&mut tree, &[3, 4], 2);
        insert(&mut tree, &[3, 5], 4);
        tree.lock(a);
        assert_eq!(tree.evictable_slots(), 3);
        let mut freed = Vec::new();
        tree.evict(1, &mut freed);
        assert_eq!(freed, [3], "the tail `4` was used before `5`");
        tree.evict(100, &mut freed);
        freed.sort_unstable();
        assert_eq!(freed, [2, 3, 5]);
        assert_eq!(tree.match_len(ALL, &[1, 2]), 2);
        tree.unlock(a);
        tree.evict(1, &mut freed);
        assert_eq!(tree.owned().count(), 0);
        assert_eq!(tree.faults(), Vec::<String>::new());
    }

    #[test]
    fn a_split_below_a_lock_keeps_it() {
        let mut tree = RadixTree::new();
        let (a, ..) = insert(&mut tree, &[1, 2, 3], 0);
        tree.lock(a);
        insert(&mut tree, &[1, 7], 10);
        let mut freed = Vec::new();
        tree.evict(100, &mut freed);
        assert_eq!(freed, [11]);
        tree.unlock(a);
        assert_eq!((tree.locks(), tree.evictable_slots()), (0, 3));
        assert_eq!(tree.faults(), Vec::<String>::new());
    }
    #[test]
    fn namespaces_share_nothing_but_the_room() {
        let mut tree = RadixTree::new();
        let (a, b) = (Namespace(1), Namespace(2));
        insert_in(&mut tree, a, &[1, 2, 3], 0);
        assert_eq!(
            (tree.match_len(a, &[1, 2, 3]), tree.match_len(b, &[1, 2, 3]), tree.match_len(ALL, &[1])),
            (3, 0, 0)
        );
        let (_, slots, duplicates) = insert_in(&mut tree, b, &[1, 2, 4], 10);
        assert_eq!((slots, duplicates), (vec![10, 11, 12], vec![]));
        // An edge that is cut stays in its namespace.
        insert_in(&mut tree, a, &[1, 9], 20);
        assert_eq!((tree.match_len(a, &[1, 9]), tree.match_len(b, &[1, 9]), tree.match_len(b, &[1, 2, 4])), (2, 1, 3));
        let mut freed = Vec::new();
        tree.evict(usize::MAX, &mut freed);
        assert_eq!((freed.len(), tree.owned().count()), (7, 0));
        assert_eq!(tree.faults(), Vec::<String>::new());
    }
}

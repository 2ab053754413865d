//! Who is started next: by priority, in the order of a cache, and fairly.
//!
//! Sequences wait in classes, one per priority. Of the best class the next [`WINDOW`] arrivals are a *round*: put into an order in
//! which neighbours share as much as possible (`order`), and started to the last before the next round is made. So ordering
//! costs little however many wait, and within a class **at most `WINDOW - 1` later arrivals overtake** anyone. A class that has been
//! passed over [`PASSES_MAX`] times comes next whatever waits above it. Together: whoever has `n` before it in its class is
//! started after at most `(n + WINDOW) * (1 + PASSES_MAX)` starts of others for each class that there is.

use crate::arena::SequenceId;
use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

/// Arrivals that are put into an order together.
pub(crate) const WINDOW: usize = 64;
/// How often a class is passed over before it comes next.
pub(crate) const PASSES_MAX: u32 = 8;

/// Sequences of one priority.
#[derive(Debug, Default)]
struct Class {
    /// Those of the round, in their order; those that were stopped come first of all.
    round: VecDeque<SequenceId>,
    arrivals: VecDeque<SequenceId>,
    passed: u32,
}

impl Class {
    fn is_empty(&self) -> bool {
        self.round.is_empty() && self.arrivals.is_empty()
    }
}

/// Sequences that are to be started. Names that mean nothing any more are left in and skipped.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    classes: BTreeMap<Reverse<i8>, Class>,
}

impl Queue {
    /// A new arrival.
    pub(crate) fn push(&mut self, name: SequenceId, priority: i8) {
        self.classes.entry(Reverse(priority)).or_default().arrivals.push_back(name);
    }

    /// One that was running and is to go on as soon as it can.
    pub(crate) fn push_front(&mut self, name: SequenceId, priority: i8) {
        self.classes.entry(Reverse(priority)).or_default().round.push_front(name);
    }

    /// How many wait in a class, names that mean nothing included.
    pub(crate) fn before(&self, priority: i8) -> usize {
        self.classes.get(&Reverse(priority)).map_or(0, |class| class.round.len() + class.arrivals.len())
    }

    /// Who is next; `waits` says whether a name still means one that waits, `order` puts a round into its order.
    pub(crate) fn peek(
        &mut self,
        waits: impl Fn(SequenceId) -> bool,
        order: impl FnOnce(&mut Vec<SequenceId>),
    ) -> Option<SequenceId> {
        for class in self.classes.values_mut() {
            while class.round.front().is_some_and(|name| !waits(*name)) {
                class.round.pop_front();
            }
            while class.round.is_empty() && class.arrivals.front().is_some_and(|name| !waits(*name)) {
                class.arrivals.pop_front();
            }
        }
        let key = self.next_class()?;
        let class = self.classes.get_mut(&key)?;
        if class.round.is_empty() {
            let count = WINDOW.min(class.arrivals.len());
            let mut round: Vec<SequenceId> = class.arrivals.drain(..count).filter(|name| waits(*name)).collect();
            order(&mut round);
            class.round = round.into();
        }
        class.round.front().copied()
    }

    /// Takes the one that [`Queue::peek`] gave: it is started.
    pub(crate) fn pop(&mut self) {
        let Some(key) = self.next_class() else { return };
        for (other, class) in &mut self.classes {
            if *other == key {
                class.round.pop_front();
                class.passed = 0;
            } else if *other > key && !class.is_empty() {
                class.passed += 1;
            }
        }
        self.classes.retain(|_, class| !class.is_empty());
    }

    /// The class that has been passed over too often, or the best.
    fn next_class(&self) -> Option<Reverse<i8>> {
        let open = || self.classes.iter().filter(|(_, class)| !class.is_empty());
        let late = open().filter(|(_, class)| class.passed >= PASSES_MAX).max_by_key(|(_, class)| class.passed);
        late.or_else(|| open().next()).map(|(key, _)| *key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Arena;
    use crate::sequence::{Part, Sequence};
    use sgl_protocol::RequestId;

    fn names(count: usize) -> Vec<SequenceId> {
        let mut arena = Arena::default();
        (0..count).map(|_| arena.insert(Sequence::new(RequestId(0), Part::Hole, vec![1], 1))).collect()
    }

    fn next(queue: &mut Queue, order: impl FnOnce(&mut Vec<SequenceId>)) -> Option<SequenceId> {
        let name = queue.peek(|_| true, order);
        queue.pop();
        name
    }

    #[test]
    fn at_most_a_window_of_later_arrivals_overtakes() {
        let (names, mut queue) = (names(300), Queue::default());
        names.iter().for_each(|name| queue.push(*name, 0));
        let mut started = Vec::new();
        // The worst order: the latest first.
        while let Some(name) = next(&mut queue, |round| round.reverse()) {
            started.push(name);
        }
        assert_eq!(started.len(), 300);
        for (place, name) in started.iter().enumerate() {
            let overtook = started[..place].iter().filter(|other| *other > name).count();
            assert!(overtook < WINDOW, "{overtook}");
        }
    }

    #[test]
    fn a_low_class_is_passed_over_so_often_and_no_oftener() {
        let (names, mut queue) = (names(60), Queue::default());
        names[..50].iter().for_each(|name| queue.push(*name, 5));
        names[50..].iter().for_each(|name| queue.push(*name, 0));
        let started: Vec<SequenceId> = std::iter::from_fn(|| next(&mut queue, |_| {})).collect();
        let low: Vec<usize> = (0..60).filter(|place| started[*place] >= names[50]).collect();
        assert_eq!(low[..3], [8, 17, 26]);
        assert_eq!(started.len(), 60);
    }

    #[test]
    fn one_that_was_stopped_goes_on_first_and_dead_names_are_skipped() {
        let (names, mut queue) = (names(4), Queue::default());
        names[..3].iter().for_each(|name| queue.push(*name, 0));
        queue.push_front(names[3], 0);
        assert_eq!(next(&mut queue, |_| {}), Some(names[3]));
        let alive = |name: SequenceId| name == names[2];
        assert_eq!(queue.peek(alive, |_| {}), Some(names[2]));
        queue.pop();
        assert_eq!(queue.peek(alive, |_| {}), None);
    }
}

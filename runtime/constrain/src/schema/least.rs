//! The automaton with the fewest states for the same texts (Hopcroft 1971): blocks of states are split by where bytes lead,
//! the smaller half first, so that long chains take no longer than wide trees.

use crate::automaton::{Automaton, DEAD, Table};

/// The least automaton of the same language.
pub(super) fn least(automaton: &Automaton) -> Automaton {
    let table = automaton.table();
    // A last state for all that leads nowhere makes the table complete.
    let sink = table.accepting.len();
    let back = Backward::of(table, sink);
    let mut blocks = Blocks::new(&table.accepting);
    let mut waiting: Vec<usize> = (0..blocks.ranges.len()).collect();
    while let Some(block) = waiting.pop() {
        let states = blocks.states(block).to_vec();
        for class in 0..table.class_count {
            for state in &states {
                back.sources(class, *state).iter().for_each(|source| blocks.mark(*source as usize));
            }
            blocks.split(|smaller| waiting.push(smaller));
        }
    }
    quotient(table, sink, &blocks)
}

/// Per class and state, the states that lead there.
struct Backward {
    states: usize,
    begins: Vec<u32>,
    sources: Vec<u32>,
}

impl Backward {
    fn of(table: &Table, sink: usize) -> Self {
        let states = sink + 1;
        let target = |state: usize, class: usize| match table.next.get(state * table.class_count + class) {
            Some(next) if state < sink && *next != DEAD => *next as usize,
            _ => sink,
        };
        let mut begins = vec![0u32; states * table.class_count + 1];
        for class in 0..table.class_count {
            for state in 0..states {
                begins[class * states + target(state, class) + 1] += 1;
            }
        }
        for index in 1..begins.len() {
            begins[index] += begins[index - 1];
        }
        let mut ends = begins.clone();
        let mut sources = vec![0u32; states * table.class_count];
        for class in 0..table.class_count {
            for state in 0..states {
                let slot = &mut ends[class * states + target(state, class)];
                sources[*slot as usize] = u32::try_from(state).expect("a state");
                *slot += 1;
            }
        }
        Self { states, begins, sources }
    }

    fn sources(&self, class: usize, state: usize) -> &[u32] {
        let index = class * self.states + state;
        &self.sources[self.begins[index] as usize..self.begins[index + 1] as usize]
    }
}

/// A partition of the states: each block is a range of `order`, its marked states first.
struct Blocks {
    order: Vec<usize>,
    place: Vec<usize>,
    block: Vec<usize>,
    ranges: Vec<(usize, usize)>,
    marked: Vec<usize>,
    touched: Vec<usize>,
}

impl Blocks {
    /// Accepting states apart from others; the sink, which comes last, is one of these.
    fn new(accepting: &[bool]) -> Self {
        let accepts = |state: &usize| accepting.get(*state).copied().unwrap_or(false);
        let (mut order, others): (Vec<usize>, Vec<usize>) = (0..=accepting.len()).partition(accepts);
        let first = order.len();
        order.extend(others);
        let mut new = Self {
            place: vec![0; order.len()],
            block: vec![0; order.len()],
            ranges: vec![(0, first), (first, order.len())],
            marked: vec![0; 2],
            touched: Vec::new(),
            order,
        };
        for (place, state) in new.order.iter().enumerate() {
            new.place[*state] = place;
            new.block[*state] = usize::from(place >= first);
        }
        new
    }

    fn states(&self, block: usize) -> &[usize] {
        let (first, end) = self.ranges[block];
        &self.order[first..end]
    }

    fn mark(&mut self, state: usize) {
        let block = self.block[state];
        let (first, _) = self.ranges[block];
        let (place, slot) = (self.place[state], first + self.marked[block]);
        if place < slot {
            return;
        }
        if self.marked[block] == 0 {
            self.touched.push(block);
        }
        let other = self.order[slot];
        self.order.swap(place, slot);
        self.place[other] = place;
        self.place[state] = slot;
        self.marked[block] += 1;
    }

    /// Parts marked states from the others of their block; the smaller part is a new block.
    fn split(&mut self, mut smaller: impl FnMut(usize)) {
        for block in std::mem::take(&mut self.touched) {
            let (first, end) = self.ranges[block];
            let marked = std::mem::take(&mut self.marked[block]);
            let cut = first + marked;
            if cut == end {
                continue;
            }
            let fresh = self.ranges.len();
            let part = if marked <= end - cut { (first, cut) } else { (cut, end) };
            self.ranges[block] = if part.0 == first { (cut, end) } else { (first, cut) };
            self.ranges.push(part);
            self.marked.push(0);
            for state in &self.order[part.0..part.1] {
                self.block[*state] = fresh;
            }
            smaller(fresh);
        }
    }
}

/// One state per block.
fn quotient(table: &Table, sink: usize, blocks: &Blocks) -> Automaton {
    let nowhere = blocks.block[sink];
    let mut names = vec![DEAD; blocks.ranges.len()];
    let mut heads = Vec::new();
    // The start stays, so that the empty language has a state to stand in.
    let start = blocks.block[table.start as usize];
    for (block, name) in names.iter_mut().enumerate() {
        let states = blocks.states(block);
        if !states.is_empty() && (block != nowhere || block == start) {
            *name = u32::try_from(heads.len()).expect("a state");
            heads.push(states.iter().copied().find(|state| *state != sink).unwrap_or(table.start as usize));
        }
    }
    let mut next = Vec::with_capacity(heads.len() * table.class_count);
    for head in &heads {
        let row = &table.next[head * table.class_count..(head + 1) * table.class_count];
        next.extend(row.iter().map(|to| {
            let block = if *to == DEAD { nowhere } else { blocks.block[*to as usize] };
            if block == nowhere { DEAD } else { names[block] }
        }));
    }
    let accepting = heads.iter().map(|head| table.accepting[*head]).collect();
    let class_count = table.class_count;
    Automaton::from_table(Table { start: names[start], classes: table.classes, class_count, next, accepting })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_the_same_texts_and_as_few_states_as_the_slow_way_finds() {
        for pattern in ["(a|b)*abb", "a{3,7}|b{2}", "(ab|a)(bc|c)?", "", "[a-c]*(x|yx)", "é|è|ab*", "a{1,300}"] {
            let automaton = Automaton::of_regex(pattern).unwrap();
            let (fast, slow) = (least(&automaton), automaton.minimized());
            assert_eq!(fast.state_count(), slow.state_count(), "{pattern}");
            assert!(fast.includes(&automaton).unwrap() && automaton.includes(&fast).unwrap(), "{pattern}");
        }
        assert!(least(&Automaton::nothing()).is_empty());
    }
}

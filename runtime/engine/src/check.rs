//! Whether every slot has exactly one owner.

use crate::engine::Engine;

impl Engine {
    /// What is wrong with the ownership of the cache, one line each; nothing if every slot belongs to the free list, the tree
    /// or one sequence, and locks are as many as those who hold them.
    pub fn check_ownership(&self) -> Vec<String> {
        let mut owners = vec![Vec::new(); self.cache.pool.capacity()];
        let mut own = |slot: u32, owner: String| match owners.get_mut(slot as usize) {
            Some(list) => list.push(owner),
            None => owners.push(vec![format!("slot {slot} does not exist, and {owner} has it")]),
        };
        self.cache.pool.free().iter().for_each(|slot| own(*slot, "the free list".into()));
        self.cache.tree.owned().for_each(|slot| own(slot, "the tree".into()));
        for (name, sequence) in &self.sequences {
            sequence.slots[sequence.shared..].iter().for_each(|slot| own(*slot, format!("{name:?}")));
        }
        let mut faults = self.cache.tree.faults();
        for (slot, owners) in owners.iter().enumerate() {
            if owners.len() != 1 {
                faults.push(format!("slot {slot} has the owners {owners:?}"));
            }
        }
        let running = self.sequences.values().filter(|sequence| sequence.running).count();
        if self.cache.shares && self.cache.tree.locks() as usize != running {
            faults.push(format!("{} locks, {running} sequences run", self.cache.tree.locks()));
        }
        let known =
            |session: &crate::engine::Session| session.busy.is_none_or(|busy| self.requests.contains_key(&busy));
        faults
            .extend(self.sessions.iter().filter(|(_, s)| !known(s)).map(|(id, _)| format!("{id:?} waits for nothing")));
        faults
    }
}

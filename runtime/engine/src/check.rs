//! Whether every slot has exactly one owner.

use crate::engine::Engine;

impl Engine {
    /// What is wrong with the ownership of the cache, one line each; nothing if every slot belongs to the free list, the tree
    /// or one sequence, and locks are as many as those who hold them.
    pub fn check_ownership(&self) -> Vec<String> {
        let mut owners = vec![0u32; self.cache.pool.capacity()];
        self.for_each_owned(|slot, _| {
            if let Some(count) = owners.get_mut(slot as usize) {
                *count += 1;
            }
        });
        let mut faults = self.cache.tree.faults();
        for (slot, count) in owners.iter().enumerate().filter(|(_, count)| **count != 1) {
            let mut names = Vec::new();
            self.for_each_owned(|owned, owner| {
                if owned as usize == slot {
                    names.push(owner());
                }
            });
            faults.push(format!("slot {slot} has {count} owners: {names:?}"));
        }
        let running = self.sequences.iter().filter(|(_, sequence)| sequence.running).count();
        let pins = self.sessions.values().filter(|session| session.pin.is_some()).count();
        if self.cache.shares && self.cache.tree.locks() as usize != running + pins {
            faults.push(format!("{} locks, {running} sequences run, {pins} pins", self.cache.tree.locks()));
        }
        let known =
            |session: &crate::session::Session| session.busy.is_none_or(|busy| self.requests.contains_key(&busy));
        faults
            .extend(self.sessions.iter().filter(|(_, s)| !known(s)).map(|(id, _)| format!("{id:?} waits for nothing")));
        faults
    }

    /// Every slot with who has it.
    fn for_each_owned(&self, mut each: impl FnMut(u32, &dyn Fn() -> String)) {
        self.cache.pool.free().iter().for_each(|slot| each(*slot, &|| "the free list".into()));
        self.cache.tree.owned().for_each(|slot| each(slot, &|| "the tree".into()));
        for (name, sequence) in self.sequences.iter() {
            sequence.slots[sequence.shared..].iter().for_each(|slot| each(*slot, &|| format!("{name:?}")));
        }
    }
}

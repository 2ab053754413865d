//! Sequences by place: found without hashing, and named so that a name never means another one.

use crate::sequence::Sequence;

/// Names a sequence; later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SequenceId {
    serial: u64,
    place: u32,
}

/// All sequences.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    places: Vec<Option<(u64, Sequence)>>,
    vacant: Vec<u32>,
    serial: u64,
    count: usize,
}

impl Arena {
    pub(crate) fn insert(&mut self, sequence: Sequence) -> SequenceId {
        self.serial += 1;
        self.count += 1;
        let (serial, entry) = (self.serial, Some((self.serial, sequence)));
        let place = match self.vacant.pop() {
            Some(place) => {
                self.places[place as usize] = entry;
                place
            }
            None => {
                self.places.push(entry);
                u32::try_from(self.places.len() - 1).expect("fewer sequences than names")
            }
        };
        SequenceId { serial, place }
    }

    pub(crate) fn get(&self, name: SequenceId) -> Option<&Sequence> {
        let (serial, sequence) = self.places.get(name.place as usize)?.as_ref()?;
        (*serial == name.serial).then_some(sequence)
    }

    pub(crate) fn get_mut(&mut self, name: SequenceId) -> Option<&mut Sequence> {
        let (serial, sequence) = self.places.get_mut(name.place as usize)?.as_mut()?;
        (*serial == name.serial).then_some(sequence)
    }

    pub(crate) fn remove(&mut self, name: SequenceId) -> Option<Sequence> {
        self.get(name)?;
        self.count -= 1;
        self.vacant.push(name.place);
        self.places[name.place as usize].take().map(|(_, sequence)| sequence)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (SequenceId, &Sequence)> {
        let named = self.places.iter().zip(0u32..);
        named.filter_map(|(entry, place)| {
            entry.as_ref().map(|(serial, sequence)| (SequenceId { serial: *serial, place }, sequence))
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

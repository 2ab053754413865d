//! The least type that holds the values of two others: what branches, arms and elements give together.

use crate::assign::{Variables, widen};
use crate::program::Program;
use crate::resolve;
use crate::types::Type;

impl Variables {
    /// One type for both; `None` if they are of different kinds.
    pub(crate) fn join(&mut self, program: &Program, a: &Type, b: &Type) -> Option<Type> {
        let (a, b) = (self.resolve(a), self.resolve(b));
        if self.fits(program, &b, &a) {
            return Some(a);
        }
        if self.fits(program, &a, &b) {
            return Some(b);
        }
        if widen(&a) == widen(&b) {
            return Some(widen(&a));
        }
        match (&a, &b) {
            (Type::None, _) | (_, Type::None) => Some(resolve::union(vec![a, b])),
            (Type::Optional(a), Type::Optional(b)) => Some(self.join(program, a, b)?.optional()),
            (Type::Optional(of), plain) | (plain, Type::Optional(of)) => {
                Some(self.join(program, of, plain)?.optional())
            }
            (Type::List { item: a, .. }, Type::List { item: b, .. }) => Some(Type::list(self.join(program, a, b)?)),
            (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
                let parts = a.iter().zip(b).map(|(a, b)| self.join(program, a, b));
                Some(Type::Tuple(parts.collect::<Option<_>>()?))
            }
            (Type::Record(a), Type::Record(b)) if a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0) => {
                let parts = a.iter().zip(b).map(|((name, a), (_, b))| Some((name.clone(), self.join(program, a, b)?)));
                Some(Type::Record(parts.collect::<Option<_>>()?))
            }
            _ => None,
        }
    }
}

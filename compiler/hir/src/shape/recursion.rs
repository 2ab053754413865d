//! Which structs and enums contain themselves, and which could never be finished.

use crate::program::{EnumId, Program, StructId};
use crate::types::Type;
use indexmap::IndexSet;

/// A type with a name of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Nominal {
    Struct(StructId),
    Enum(EnumId),
}

/// Whether a value of the type may hold another value of it.
pub(crate) fn contains_itself(program: &Program, nominal: Nominal) -> bool {
    let mut seen: IndexSet<Nominal> = IndexSet::new();
    parts(program, nominal, &mut |ty| mentioned(ty, &mut seen));
    let mut next = 0;
    while let Some(found) = seen.get_index(next).copied() {
        if found == nominal {
            return true;
        }
        parts(program, found, &mut |ty| mentioned(ty, &mut seen));
        next += 1;
    }
    false
}

fn parts(program: &Program, nominal: Nominal, visit: &mut impl FnMut(&Type)) {
    match nominal {
        Nominal::Struct(id) => program.structs[id.index()].fields.iter().for_each(|f| visit(&f.ty)),
        Nominal::Enum(id) => {
            program.enums[id.index()].variants.iter().flat_map(|v| &v.fields).for_each(|f| visit(&f.ty));
        }
    }
}

fn mentioned(ty: &Type, found: &mut IndexSet<Nominal>) {
    match ty {
        Type::Struct(id) => {
            found.insert(Nominal::Struct(*id));
        }
        Type::Enum(id) => {
            found.insert(Nominal::Enum(*id));
        }
        Type::Optional(of) | Type::List { item: of, .. } => mentioned(of, found),
        Type::Map(k, v) => [k, v].into_iter().for_each(|ty| mentioned(ty, found)),
        Type::Union(all) | Type::Tuple(all) => all.iter().for_each(|ty| mentioned(ty, found)),
        Type::Record(fields) => fields.iter().for_each(|(_, ty)| mentioned(ty, found)),
        _ => {}
    }
}

/// Structs and enums without a finite value: each of their values would need another one before it.
pub(crate) fn endless(program: &Program) -> Vec<Nominal> {
    let structs = (0u32..).take(program.structs.len()).map(|id| Nominal::Struct(StructId(id)));
    let all: Vec<Nominal> =
        structs.chain((0u32..).take(program.enums.len()).map(|id| Nominal::Enum(EnumId(id)))).collect();
    let mut finite: IndexSet<Nominal> = IndexSet::new();
    loop {
        let more: Vec<Nominal> =
            all.iter().copied().filter(|n| !finite.contains(n) && has_value(program, *n, &finite)).collect();
        if more.is_empty() {
            return all.into_iter().filter(|n| !finite.contains(n)).collect();
        }
        finite.extend(more);
    }
}

fn has_value(program: &Program, nominal: Nominal, finite: &IndexSet<Nominal>) -> bool {
    match nominal {
        Nominal::Struct(id) => program.structs[id.index()].fields.iter().all(|f| can_end(&f.ty, finite)),
        Nominal::Enum(id) => {
            let variants = &program.enums[id.index()].variants;
            variants.is_empty() || variants.iter().any(|v| v.fields.iter().all(|f| can_end(&f.ty, finite)))
        }
    }
}

fn can_end(ty: &Type, finite: &IndexSet<Nominal>) -> bool {
    match ty {
        Type::Struct(id) => finite.contains(&Nominal::Struct(*id)),
        Type::Enum(id) => finite.contains(&Nominal::Enum(*id)),
        Type::List { item, min, .. } => *min == 0 || can_end(item, finite),
        Type::Union(all) => all.iter().any(|ty| can_end(ty, finite)),
        Type::Tuple(all) => all.iter().all(|ty| can_end(ty, finite)),
        Type::Record(fields) => fields.iter().all(|(_, ty)| can_end(ty, finite)),
        _ => true,
    }
}

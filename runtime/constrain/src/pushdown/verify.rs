//! Whether a program that was read stays inside of itself.

use super::program::{Op, Place, Program, Rounds, Ways};

/// Whether all places, edges and counted parts that it names are there.
pub(super) fn is_sound(program: &Program) -> bool {
    let (places, sites) = (program.ops.len(), program.sites.len());
    let is_place = |place: &Place| (*place as usize) < places;
    let are_ways = |ways: &Ways| ways.from <= ways.to && ways.to as usize <= program.ways.len();
    let op_is_sound = |op: &Op| match op {
        Op::Bytes { from, to } => from <= to && *to as usize <= program.edges.len(),
        Op::Split(ways) => are_ways(ways),
        Op::Push { site, next } => (*site as usize) < sites && is_place(next),
        Op::Tick(next) | Op::Pop(next) => is_place(next),
        Op::Call { to, back } => is_place(to) && is_place(back),
        Op::Return | Op::Accept => true,
    };
    let rounds_are_sound = |rounds: &Rounds| match rounds {
        Rounds::Parts { first, again } => is_place(first) && is_place(again),
        Rounds::Characters { start, inside } => is_place(start) && are_ways(inside),
    };
    is_place(&program.start)
        && program.ways.iter().all(is_place)
        && program.ops.iter().all(op_is_sound)
        && program.edges.iter().all(|edge| edge.low <= edge.high && is_place(&edge.next))
        && program.sites.iter().all(|site| is_place(&site.after) && rounds_are_sound(&site.rounds))
        && program.ends.iter().all(is_place)
        && program.owed.iter().all(|(place, _)| is_place(place))
}

//! A thousand seeds of everything that can happen.

use crate::simulate::{Simulator, Summary};

/// Seeds that every run plays.
const SEEDS: u64 = 1_000;

#[test]
fn a_thousand_seeds_lose_nothing_and_say_what_computing_alone_says() {
    let mut simulator = Simulator::new();
    let mut all = Summary::default();
    for seed in 0..SEEDS {
        all.add(&simulator.run(seed, 30));
    }
    // What is to be checked did happen.
    assert!(all.answers > 3 * SEEDS && all.failures > SEEDS && all.faults > SEEDS, "{all:?}");
    assert!(all.evictions > SEEDS && all.preempted > SEEDS / 2 && all.overlapped > SEEDS, "{all:?}");
    assert!(all.restored > 100, "{all:?}");
}

#[test]
fn a_seed_plays_the_same_again() {
    for seed in [3, 77] {
        let [once, again] = [(); 2].map(|()| Simulator::new().run(seed, 60));
        assert_eq!(once, again);
    }
}

#[test]
fn who_is_stopped_and_starts_again_in_one_pass_is_listed_once() {
    // A long run in which that happens; it once computed two rows of one sequence in a pass.
    Simulator::new().run(1_003_756, 200);
}

#[test]
fn a_token_that_is_by_chance_that_of_a_draft_that_fell_is_computed() {
    // A guess went on from a token that was not drawn, and what was drawn next was its second token; nothing was drawn after that.
    Simulator::new().run(1_000_975, 200);
}

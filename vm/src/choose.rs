//! Which option `select` takes, from log-probabilities. The three ways are those of SGLang's frontend.

use crate::image::SelectBy;
use sgl_protocol::Scored;

/// The index of the option that wins; the first of equals.
pub fn choose(by: SelectBy, scored: &Scored) -> usize {
    match by {
        SelectBy::Mean => greatest(&scored.logprobs.iter().map(|own| mean(own)).collect::<Vec<_>>()),
        SelectBy::Greedy => greedy(&scored.logprobs),
        SelectBy::Pmi => {
            let difference = |(index, own): (usize, &Vec<f32>)| {
                let prior = scored.unconditional.get(index).map_or(0.0, |prior| mean(prior));
                mean(own) - prior
            };
            greatest(&scored.logprobs.iter().enumerate().map(difference).collect::<Vec<_>>())
        }
    }
}

fn mean(values: &[f32]) -> f64 {
    let sum: f64 = values.iter().map(|v| f64::from(*v)).sum();
    sum / values.len().max(1) as f64
}

fn greatest(values: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

/// Token by token: only options with the greatest next log-probability stay. An option that has ended counts with its mean.
fn greedy(options: &[Vec<f32>]) -> usize {
    let mut left: Vec<usize> = (0..options.len()).collect();
    let longest = options.iter().map(Vec::len).max().unwrap_or(0);
    for position in 0..longest {
        let at = |index: usize| options[index].get(position).map_or_else(|| mean(&options[index]), |v| f64::from(*v));
        let best = left.iter().map(|index| at(*index)).fold(f64::NEG_INFINITY, f64::max);
        left.retain(|index| at(*index) == best);
        if left.len() <= 1 {
            break;
        }
    }
    left.first().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sgl_protocol::Usage;

    fn scored(logprobs: &[&[f32]], unconditional: &[&[f32]]) -> Scored {
        let own = |all: &[&[f32]]| all.iter().map(|one| one.to_vec()).collect();
        Scored { logprobs: own(logprobs), unconditional: own(unconditional), usage: Usage::default() }
    }

    #[test]
    fn mean_greedy_and_pmi_may_differ() {
        let options = scored(&[&[-1.0, -1.0], &[-0.5, -3.0], &[-2.0]], &[&[-1.0, -1.0], &[-5.0, -5.0], &[-2.5]]);
        assert_eq!(choose(SelectBy::Mean, &options), 0);
        assert_eq!(choose(SelectBy::Greedy, &options), 1);
        assert_eq!(choose(SelectBy::Pmi, &options), 1);
    }

    // The fixture that SGLang's frontend tests its three ways on: `organ`, `organism`, `antidisestablishmentarianism`.
    const ORGAN: &[f32] = &[-0.1];
    const ORGANISM: &[f32] = &[-0.1, -0.3];
    const ANTIDIS: &[f32] = &[-0.4, -0.25, -0.1, -0.01, -0.01, -0.01, -0.01, -0.01];

    #[test]
    fn the_fixture_holds_for_mean() {
        // It gives the normalized values themselves, -0.1, -0.2 and -0.05, beside token lists that have other means.
        let options = scored(&[ORGAN, ORGANISM, &[-0.05; 8]], &[]);
        let means: Vec<f64> = options.logprobs.iter().map(|own| mean(own)).collect();
        for (found, wanted) in means.iter().zip([-0.1, -0.2, -0.05]) {
            assert!((found - wanted).abs() < 1e-6, "{means:?}");
        }
        assert_eq!(choose(SelectBy::Mean, &options), 2);
    }

    #[test]
    fn the_fixture_holds_for_greedy() {
        assert_eq!(choose(SelectBy::Greedy, &scored(&[ORGAN, ORGANISM, ANTIDIS], &[])), 0);
        // The matrix of the fixture, each short option padded with its mean, chooses the same.
        let mut padded = vec![-0.2; 8];
        padded[..2].copy_from_slice(&[-0.1, -0.3]);
        assert_eq!(choose(SelectBy::Greedy, &scored(&[&[-0.1; 8], &padded, ANTIDIS], &[])), 0);
    }

    #[test]
    fn the_fixture_holds_for_pmi() {
        // The first token has no log-probability without a transcript, and counts as 0.
        let prior: &[&[f32]] = &[&[0.0], &[0.0, -1.4], &[0.0, -0.25, -0.1, -0.01, -0.01, -0.01, -0.01, -0.01]];
        let options = scored(&[ORGAN, ORGANISM, ANTIDIS], prior);
        let gains: Vec<f64> = (0..3).map(|i| mean(&options.logprobs[i]) - mean(&options.unconditional[i])).collect();
        for (found, wanted) in gains.iter().zip([-0.1, 0.5, -0.05]) {
            assert!((found - wanted).abs() < 1e-6, "{gains:?}");
        }
        assert_eq!(choose(SelectBy::Pmi, &options), 1);
    }
}

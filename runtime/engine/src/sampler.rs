//! Logits to a token.
//!
//! In this order: penalties, the bias, the mask, the temperature, top-k, top-p, min-p, the draw. The draw at a position depends on the
//! seed, the position and the logits only.

use crate::random::uniform;
use rustc_hash::FxHashMap;
use sgl_protocol::Sampling;
use std::sync::Arc;

/// Which tokens may come next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Candidates {
    /// Every token that is text or ends the turn: these words as bits.
    Many(Arc<[u64]>),
    /// These, in the order of their ids.
    Few(Vec<u32>),
}

impl Candidates {
    fn for_each(&self, mut each: impl FnMut(u32)) {
        match self {
            Self::Few(ids) => ids.iter().copied().for_each(each),
            Self::Many(words) => {
                for (index, word) in words.iter().enumerate() {
                    let mut left = *word;
                    while left != 0 {
                        each(index as u32 * 64 + left.trailing_zeros());
                        left &= left - 1;
                    }
                }
            }
        }
    }
}

/// Tokens that a hole has seen, for penalties.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// How often each was generated in this hole.
    pub(crate) generated: FxHashMap<u32, u32>,
    /// Those of the prompt; kept only if a penalty asks for them.
    pub(crate) prompt: FxHashMap<u32, u32>,
}

/// How one token is drawn.
#[derive(Clone, Debug)]
pub(crate) struct Drawing {
    /// Not empty.
    pub(crate) candidates: Candidates,
    pub(crate) how: Sampling,
    /// Tokens that penalties look at, each once, and how often they were generated (0: only in the prompt).
    pub(crate) seen: Vec<(u32, u32)>,
    /// What is added to the logits of tokens.
    pub(crate) bias: Arc<[(u32, f32)]>,
    /// Which draw of the hole's stream.
    pub(crate) position: u64,
    /// How many of the likeliest tokens are reported, if log-probabilities are.
    pub(crate) top: Option<u8>,
}

impl Drawing {
    /// The draw after `count` tokens of a hole and the tokens of `draft`.
    pub(crate) fn new(
        candidates: Candidates,
        seen: &Seen,
        draft: &[u32],
        how: &Sampling,
        count: usize,
        top: Option<u8>,
    ) -> Self {
        let repeats = how.repetition_penalty != 1.0;
        let mut counted = Vec::new();
        if repeats || how.frequency_penalty != 0.0 || how.presence_penalty != 0.0 {
            let mut generated = seen.generated.clone();
            draft.iter().for_each(|token| *generated.entry(*token).or_default() += 1);
            counted.extend(generated.iter().map(|(token, times)| (*token, *times)));
            if repeats {
                counted
                    .extend(seen.prompt.keys().filter(|token| !generated.contains_key(token)).map(|token| (*token, 0)));
            }
            counted.sort_unstable();
        }
        let position = (count + draft.len()) as u64;
        Self { candidates, how: how.clone(), seen: counted, bias: Arc::new([]), position, top }
    }
}

/// Draws a token. `logits` is the row of the whole vocabulary; penalties change it.
///
/// Without a finite logit among the candidates the first is taken.
pub(crate) fn sample(logits: &mut [f32], drawing: &Drawing) -> u32 {
    let Drawing { candidates, how, position, .. } = drawing;
    penalize(logits, &drawing.seen, how);
    for (token, bias) in drawing.bias.iter() {
        if let Some(logit) = logits.get_mut(*token as usize) {
            *logit += bias;
        }
    }
    if how.temperature <= 0.0 {
        return likeliest(logits, candidates);
    }
    let mut all = Vec::new();
    let mut greatest = f32::NEG_INFINITY;
    candidates.for_each(|token| {
        let logit = logits[token as usize];
        greatest = greatest.max(logit);
        all.push((token, logit));
    });
    if !greatest.is_finite() {
        return likeliest(logits, candidates);
    }
    // Weights relative to the likeliest: at most 1, so that nothing overflows at low temperatures.
    let scale = f64::from(how.temperature).recip();
    let mut weights: Vec<(u32, f64)> =
        all.into_iter().map(|(token, logit)| (token, (f64::from(logit - greatest) * scale).exp())).collect();
    if how.min_p > 0.0 {
        weights.retain(|(_, weight)| *weight >= f64::from(how.min_p));
    }
    if (how.top_k > 0 && (how.top_k as usize) < weights.len()) || how.top_p < 1.0 {
        weights.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
        if how.top_k > 0 {
            weights.truncate(how.top_k as usize);
        }
        nucleus(&mut weights, f64::from(how.top_p));
    }
    drawn(&weights, uniform(how.seed, *position))
}

fn penalize(logits: &mut [f32], seen: &[(u32, u32)], how: &Sampling) {
    for (token, count) in seen {
        let Some(logit) = logits.get_mut(*token as usize) else { continue };
        if how.repetition_penalty != 1.0 {
            *logit = if *logit > 0.0 { *logit / how.repetition_penalty } else { *logit * how.repetition_penalty };
        }
        if *count > 0 {
            *logit -= how.frequency_penalty * *count as f32 + how.presence_penalty;
        }
    }
}

/// The candidate with the greatest logit; the first of equals.
fn likeliest(logits: &[f32], candidates: &Candidates) -> u32 {
    let mut best: Option<(u32, f32)> = None;
    candidates.for_each(|token| {
        let logit = logits[token as usize];
        if best.is_none_or(|(_, greatest)| logit > greatest) {
            best = Some((token, logit));
        }
    });
    best.map_or(0, |(token, _)| token)
}

/// Keeps the likeliest whose share reaches `top_p`; at least one. `weights` are sorted.
fn nucleus(weights: &mut Vec<(u32, f64)>, top_p: f64) {
    if top_p >= 1.0 {
        return;
    }
    let wanted = top_p * weights.iter().map(|(_, weight)| weight).sum::<f64>();
    let mut reached = 0.0;
    let enough = weights.iter().position(|(_, weight)| {
        reached += weight;
        reached >= wanted
    });
    weights.truncate(enough.map_or(weights.len(), |at| at + 1));
}

fn drawn(weights: &[(u32, f64)], at: f64) -> u32 {
    let wanted = at * weights.iter().map(|(_, weight)| weight).sum::<f64>();
    let mut reached = 0.0;
    let found = weights.iter().find(|(_, weight)| {
        reached += weight;
        reached > wanted
    });
    found.or(weights.last()).map_or(0, |(token, _)| *token)
}

/// The logarithm of the sum of exponentials of a row: subtracted from a logit it gives a log-probability.
pub(crate) fn log_sum_exp(logits: &[f32]) -> f32 {
    let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - greatest).exp()).sum();
    greatest + sum.ln() as f32
}

/// The `count` likeliest tokens with their log-probabilities.
pub(crate) fn top(logits: &[f32], norm: f32, count: usize) -> Vec<(u32, f32)> {
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(count + 1);
    for (token, logit) in logits.iter().enumerate() {
        if best.len() < count || best.last().is_some_and(|(_, least)| logit > least) {
            let at = best.partition_point(|(_, other)| other >= logit);
            best.insert(at, (token as u32, *logit));
            best.truncate(count);
        }
    }
    best.into_iter().map(|(token, logit)| (token, logit - norm)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn few(count: u32) -> Candidates {
        Candidates::Few((0..count).collect())
    }

    fn how(change: impl FnOnce(&mut Sampling)) -> Sampling {
        let mut sampling = Sampling::default();
        change(&mut sampling);
        sampling
    }

    /// Share of each token over many positions.
    fn shares(logits: &[f32], how: &Sampling) -> Vec<f64> {
        let draws = 20_000;
        let mut counts = vec![0.0; logits.len()];
        for position in 0..draws {
            let mut row = logits.to_vec();
            let drawing = Drawing::new(few(logits.len() as u32), &Seen::default(), &[], how, position, None);
            let token = sample(&mut row, &drawing);
            counts[token as usize] += 1.0 / draws as f64;
        }
        counts
    }

    #[test]
    fn draws_follow_the_distribution() {
        let logits = [0.0f32, 1.0, 2.0];
        let total: f64 = logits.iter().map(|l| f64::from(*l).exp()).sum();
        for (share, logit) in shares(&logits, &Sampling::default()).iter().zip(logits) {
            assert!((share - f64::from(logit).exp() / total).abs() < 0.015, "{share}");
        }
        let cold = shares(&logits, &how(|s| s.temperature = 0.5));
        assert!((cold[2] - 1.0 / (1.0 + (-2f64).exp() + (-4f64).exp())).abs() < 0.015, "{cold:?}");
    }

    #[test]
    fn each_filter_keeps_what_it_says() {
        let logits = [0.6f32.ln(), 0.3f32.ln(), 0.1f32.ln()];
        let zero = |share: &f64| *share == 0.0;
        assert!(shares(&logits, &how(|s| s.top_k = 1))[1..].iter().all(zero));
        assert!(zero(&shares(&logits, &how(|s| s.top_p = 0.85))[2]));
        assert!(!zero(&shares(&logits, &how(|s| s.top_p = 0.95))[2]));
        assert!(zero(&shares(&logits, &how(|s| s.min_p = 0.2))[2]));
        assert!(shares(&logits, &how(|s| s.top_p = 1e-9))[1..].iter().all(zero));
    }

    #[test]
    fn penalties_count_what_was_seen() {
        let seen = Seen { generated: FxHashMap::from_iter([(0, 3)]), prompt: FxHashMap::from_iter([(1, 1)]) };
        let penalized = |how: &Sampling| {
            let mut row = vec![4.0, 3.0, -1.0];
            penalize(&mut row, &Drawing::new(few(3), &seen, &[], how, 0, None).seen, how);
            row
        };
        assert_eq!(penalized(&how(|s| s.repetition_penalty = 2.0)), [2.0, 1.5, -1.0]);
        assert_eq!(penalized(&how(|s| (s.frequency_penalty, s.presence_penalty) = (0.5, 1.0))), [1.5, 3.0, -1.0]);
    }

    #[test]
    fn greedy_takes_the_first_of_equals_and_obeys_the_mask() {
        let greedy = how(|s| s.temperature = 0.0);
        let pick = |candidates: Candidates| {
            sample(&mut [1.0, 5.0, 5.0], &Drawing::new(candidates, &Seen::default(), &[], &greedy, 0, None))
        };
        assert_eq!(pick(few(3)), 1);
        assert_eq!(pick(Candidates::Few(vec![0, 2])), 2);
        assert_eq!(pick(Candidates::Many([0b1].into())), 0);
    }

    #[test]
    fn log_probabilities_sum_to_one() {
        let logits = [1.0f32, 1000.0, 999.0];
        let norm = log_sum_exp(&logits);
        let best = top(&logits, norm, 2);
        assert_eq!((best[0].0, best[1].0), (1, 2));
        assert!((best.iter().map(|(_, p)| p.exp()).sum::<f32>() - 1.0).abs() < 1e-4);
    }
}

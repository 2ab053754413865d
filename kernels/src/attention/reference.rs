//! Attention as the formula says, in f64, one row and head at a time.

use super::AttentionSpan;
use crate::KvCache;

/// `[m, heads, head_dim]`; rows of no span are zero.
pub(super) fn attention(
    (q, heads, scale): (&[f32], usize, f32),
    (kv, layer): (&KvCache, usize),
    spans: &[AttentionSpan<'_>],
) -> Vec<f64> {
    let (dim, sharing) = (kv.head_dim(), heads / kv.kv_heads());
    let mut out = vec![0.0; q.len()];
    for AttentionSpan { rows, context } in spans {
        for (index, row) in rows.clone().enumerate() {
            let seen = &context[..context.len() - rows.len() + index + 1];
            let stored: Vec<_> = seen.iter().map(|&slot| kv.read(layer, slot).expect("the slot exists")).collect();
            for head in 0..heads {
                let part = (head / sharing) * dim..(head / sharing + 1) * dim;
                let start = (row * heads + head) * dim;
                let score = |key: &[f32]| -> f64 {
                    let query = &q[start..start + dim];
                    let products = query.iter().zip(key).map(|(&q, &k)| f64::from(q) * f64::from(k));
                    products.sum::<f64>() * f64::from(scale)
                };
                let scores: Vec<f64> = stored.iter().map(|(key, _)| score(&key[part.clone()])).collect();
                let greatest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = scores.iter().map(|score| (score - greatest).exp()).sum();
                for (score, (_, value)) in scores.iter().zip(&stored) {
                    let weight = (score - greatest).exp() / total;
                    for (out, &value) in out[start..].iter_mut().zip(&value[part.clone()]) {
                        *out += weight * f64::from(value);
                    }
                }
            }
        }
    }
    out
}

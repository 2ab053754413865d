//! Attention equals the formula, and rows don't feel how the work was cut.

use super::*;
use crate::KvFormat;
use crate::testing::{Random, numbers};

/// Weighted means of numbers up to 1, in f32.
const TOLERANCE: f64 = 3e-6;

/// A cache of random numbers, and queries for `m` rows.
struct Case {
    kv: KvCache,
    q: Vec<f32>,
    heads: usize,
    /// A random order of the slots: the context of a sequence.
    slots: Vec<u32>,
}

impl Case {
    fn new(format: KvFormat, (heads, kv_heads, head_dim): (usize, usize, usize), m: usize) -> Self {
        let slots = 400;
        let mut kv = KvCache::new(2, kv_heads, head_dim, slots, format);
        let len = kv_heads * head_dim;
        for slot in 0..slots as u64 {
            let (key, value) = (numbers(slot, len, 1.0), numbers(slot + 1000, len, 1.0));
            kv.store(1, slot as u32, &key, &value).unwrap();
        }
        let mut order: Vec<u32> = (0..slots as u32).collect();
        let mut random = Random(5);
        for i in (1..order.len()).rev() {
            order.swap(i, (random.next() % (i as u64 + 1)) as usize);
        }
        Self { kv, q: numbers(77, m * heads * head_dim, 2.0), heads, slots: order }
    }

    fn scale(&self) -> f32 {
        1.0 / (self.kv.head_dim() as f32).sqrt()
    }

    /// Attention of the rows from `first` to the end of the last span.
    fn run(&self, set: InstructionSet, threads: usize, first: usize, spans: &[AttentionSpan<'_>]) -> Vec<f32> {
        let row_len = self.heads * self.kv.head_dim();
        let m = spans.last().map_or(0, |span| span.rows.end);
        let q = &self.q[first * row_len..(first + m) * row_len];
        let mut out = vec![0.0; q.len()];
        let pool = ThreadPool::new(threads);
        let queries = (q, self.heads, self.scale());
        attention_on(set, &pool, &mut out, queries, (&self.kv, 1), spans).unwrap();
        out
    }

    fn assert_close(&self, spans: &[AttentionSpan<'_>]) {
        let found = self.run(InstructionSet::best(), 2, 0, spans);
        let q = &self.q[..found.len()];
        let expected = reference::attention((q, self.heads, self.scale()), (&self.kv, 1), spans);
        for (index, (&found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((f64::from(found) - expected).abs() < TOLERANCE, "{found} at {index}");
        }
    }
}

#[test]
fn decode_equals_the_formula_around_every_step_boundary() {
    let case = Case::new(KvFormat::F16, (6, 2, 64), 1);
    for seen in [1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 400] {
        case.assert_close(&[AttentionSpan { rows: 0..1, context: &case.slots[..seen] }]);
    }
}

#[test]
fn prefill_equals_the_formula_for_all_kinds_of_heads() {
    for format in [KvFormat::F16, KvFormat::F32] {
        for shape in [(9, 3, 64), (4, 4, 32), (8, 1, 16), (2, 1, 8), (5, 1, 80), (4, 2, 128)] {
            let case = Case::new(format, shape, 150);
            case.assert_close(&[AttentionSpan { rows: 0..150, context: &case.slots[..150] }]);
            case.assert_close(&[AttentionSpan { rows: 0..20, context: &case.slots[..333] }]);
        }
    }
}

#[test]
fn spans_side_by_side_do_not_see_each_other() {
    let case = Case::new(KvFormat::F16, (6, 2, 64), 60);
    case.assert_close(&[
        AttentionSpan { rows: 0..1, context: &case.slots[..70] },
        AttentionSpan { rows: 1..41, context: &case.slots[100..150] },
        AttentionSpan { rows: 41..41, context: &[] },
        AttentionSpan { rows: 41..60, context: &case.slots[..19] },
    ]);
}

#[test]
fn a_row_is_the_same_to_the_bit_however_the_prompt_is_cut() {
    let set = InstructionSet::best();
    for shape in [(9, 3, 64), (4, 4, 32), (8, 2, 80)] {
        let case = Case::new(KvFormat::F16, shape, 200);
        let row_len = shape.0 * shape.2;
        let context = &case.slots[..200];
        let whole = case.run(set, 1, 0, &[AttentionSpan { rows: 0..200, context }]);
        assert!(case.run(set, 2, 0, &[AttentionSpan { rows: 0..200, context }]) == whole);
        for chunk in [1, 3, 16, 17, 64, 100] {
            for first in (0..200).step_by(chunk) {
                let end = 200.min(first + chunk);
                let span = AttentionSpan { rows: 0..end - first, context: &context[..end] };
                let found = case.run(set, 2, first, &[span]);
                assert!(found == whole[first * row_len..end * row_len], "{chunk} at {first}");
            }
        }
    }
}

#[test]
fn a_row_is_the_same_to_the_bit_beside_other_sequences() {
    let set = InstructionSet::best();
    let case = Case::new(KvFormat::F16, (9, 3, 64), 40);
    let row_len = 9 * 64;
    let spans = [
        AttentionSpan { rows: 0..1, context: &case.slots[..333] },
        AttentionSpan { rows: 1..30, context: &case.slots[50..150] },
        AttentionSpan { rows: 30..40, context: &case.slots[7..17] },
    ];
    let together = case.run(set, 2, 0, &spans);
    for AttentionSpan { rows, context } in spans {
        let span = AttentionSpan { rows: 0..rows.len(), context };
        let alone = case.run(set, 1, rows.start, &[span]);
        assert!(alone == together[rows.start * row_len..rows.end * row_len]);
    }
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    for shape in [(6, 2, 64), (3, 1, 24)] {
        let case = Case::new(KvFormat::F16, shape, 30);
        let spans = [AttentionSpan { rows: 0..30, context: &case.slots[..130] }];
        let expected = case.run(InstructionSet::available()[0], 1, 0, &spans);
        for set in InstructionSet::available() {
            assert!(case.run(set, 1, 0, &spans) == expected, "{set:?}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let case = Case::new(KvFormat::F32, (4, 2, 8), 3);
    let pool = ThreadPool::new(1);
    let attend = |heads: usize, layer: usize, spans: &[AttentionSpan<'_>]| {
        let mut out = vec![0.0; case.q.len()];
        attention(&pool, &mut out, &case.q, &case.kv, layer, spans, heads, 1.0)
    };
    let span = |rows: Range<usize>, context: &'static [u32]| AttentionSpan { rows, context };
    assert_eq!(attend(4, 1, &[span(0..3, &[1, 2, 3])]), Ok(()));
    assert_eq!(attend(4, 1, &[]), Ok(()));
    assert!(matches!(attend(3, 1, &[]), Err(KernelError::Heads { heads: 3, kv_heads: 2 })));
    assert!(matches!(attend(4, 2, &[]), Err(KernelError::Index { operand: "layer", .. })));
    assert!(matches!(attend(4, 1, &[span(0..4, &[0; 4])]), Err(KernelError::Index { operand: "rows", .. })));
    assert!(matches!(
        attend(4, 1, &[span(0..1, &[400])]),
        Err(KernelError::Index { operand: "context", index: 400, .. })
    ));
    assert!(matches!(attend(4, 1, &[span(0..2, &[1])]), Err(KernelError::Shape { .. })));
    let twice = [span(0..2, &[1, 2]), span(1..3, &[1, 2])];
    assert_eq!(attend(4, 1, &twice), Err(KernelError::Overlap { start: 1, previous_end: 2 }));
    let short = attention(&pool, &mut [0.0], &[0.0; 32], &case.kv, 0, &[], 4, 1.0);
    assert!(matches!(short, Err(KernelError::Shape { operand: "out", .. })));
}

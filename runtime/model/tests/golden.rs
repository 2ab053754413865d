//! The tiny checkpoints give the logits that `transformers` gives for them.
//!
//! `scripts/make_tiny_llama.py` made both and says what they are.

#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use safetensors::SafeTensors;
use sgl_kernels::{AttentionSpan, KvFormat, ThreadPool};
use sgl_model::{Batch, LoadedModel, ModelError, Output, OutputRows, Scratch, load};
use std::path::PathBuf;

/// Sums are taken in another order than in torch.
const TOLERANCE: f32 = 1e-3;

fn folder(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", name].iter().collect()
}

/// Tokens and logits, as floats.
fn golden(name: &str) -> (Vec<u32>, Vec<f32>) {
    let bytes = std::fs::read(folder(name).join("golden.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: &str| -> Vec<f32> {
        let data = tensors.tensor(name).unwrap().data().to_vec();
        data.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
    };
    (floats("tokens").into_iter().map(|id| id as u32).collect(), floats("logits"))
}

/// Logits of all positions, the text fed in chunks of `chunk` tokens whose slots run backwards.
fn logits(model: &LoadedModel, pool: &ThreadPool, tokens: &[u32], chunk: usize) -> Vec<f32> {
    let count = u32::try_from(tokens.len()).unwrap();
    let slots: Vec<u32> = (0..count).rev().collect();
    let positions: Vec<u32> = (0..count).collect();
    let mut kv = model.transformer.new_cache(tokens.len(), KvFormat::F32);
    let (mut scratch, mut logits, mut all) = (Scratch::default(), Vec::new(), Vec::new());
    for start in (0..tokens.len()).step_by(chunk) {
        let end = tokens.len().min(start + chunk);
        let outputs: Vec<Output<'_>> = (0..end - start).map(|row| Output { row, rows: OutputRows::All }).collect();
        let batch = Batch {
            tokens: &tokens[start..end],
            positions: &positions[start..end],
            slots: &slots[start..end],
            spans: &[AttentionSpan { rows: 0..end - start, context: &slots[..end] }],
            outputs: &outputs,
        };
        model.transformer.forward(pool, &mut scratch, &mut kv, &batch, &mut logits).unwrap();
        all.extend_from_slice(&logits);
    }
    all
}

fn assert_close(name: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < TOLERANCE, "{name}: a logit is off by {worst}");
}

#[test]
fn logits_equal_those_of_transformers() {
    let pool = ThreadPool::new(2);
    for name in ["tiny_llama", "tiny_llama_tied"] {
        let model = load(&folder(name), &pool).unwrap();
        let (tokens, expected) = golden(name);
        assert_close(name, &logits(&model, &pool, &tokens, tokens.len()), &expected);
    }
}

#[test]
fn a_token_has_the_same_logits_however_the_text_is_cut_into_batches() {
    let pool = ThreadPool::new(2);
    let model = load(&folder("tiny_llama"), &pool).unwrap();
    let (tokens, _) = golden("tiny_llama");
    let whole = logits(&model, &pool, &tokens, tokens.len());
    for chunk in [1, 7, 16] {
        assert!(logits(&model, &pool, &tokens, chunk) == whole, "chunks of {chunk}");
    }
}

#[test]
fn two_sequences_in_one_batch_do_not_see_each_other() {
    let pool = ThreadPool::new(1);
    let model = load(&folder("tiny_llama"), &pool).unwrap();
    let (tokens, _) = golden("tiny_llama");
    let (a, b) = (&tokens[..5], &tokens[5..8]);
    let mut kv = model.transformer.new_cache(8, KvFormat::F32);
    let batch = Batch {
        tokens: &tokens[..8],
        positions: &[0, 1, 2, 3, 4, 0, 1, 2],
        slots: &[0, 1, 2, 3, 4, 5, 6, 7],
        spans: &[
            AttentionSpan { rows: 0..5, context: &[0, 1, 2, 3, 4] },
            AttentionSpan { rows: 5..8, context: &[5, 6, 7] },
        ],
        outputs: &[
            Output { row: 7, rows: OutputRows::All },
            Output { row: 4, rows: OutputRows::Only(&[3, 300]) },
            Output { row: 4, rows: OutputRows::All },
        ],
    };
    let mut found = Vec::new();
    model.transformer.forward(&pool, &mut Scratch::default(), &mut kv, &batch, &mut found).unwrap();
    let vocabulary = model.transformer.config().vocabulary;
    let last = |tokens: &[u32]| {
        let all = logits(&model, &pool, tokens, tokens.len());
        all[all.len() - vocabulary..].to_vec()
    };
    assert!(found[..vocabulary] == last(b));
    assert!(found[2 * vocabulary..] == last(a));
    for (id, &logit) in found[vocabulary..2 * vocabulary].iter().enumerate() {
        let wanted = if matches!(id, 3 | 300) { last(a)[id] } else { f32::NEG_INFINITY };
        assert!(logit == wanted, "token {id}: {logit}, not {wanted}");
    }
}

#[test]
fn a_batch_that_points_outside_is_refused_before_anything_runs() {
    let pool = ThreadPool::new(1);
    let model = load(&folder("tiny_llama"), &pool).unwrap();
    let mut kv = model.transformer.new_cache(2, KvFormat::F32);
    let spans = [AttentionSpan { rows: 0..1, context: &[0] }];
    let outside = [AttentionSpan { rows: 0..1, context: &[9] }];
    let fine = Batch { tokens: &[5], positions: &[0], slots: &[0], spans: &spans, outputs: &[] };
    let broken = [
        Batch { tokens: &[320], ..fine },
        Batch { positions: &[64], ..fine },
        Batch { slots: &[2], ..fine },
        Batch { spans: &outside, ..fine },
        Batch { spans: &[], ..fine },
        Batch { positions: &[], ..fine },
        Batch { outputs: &[Output { row: 1, rows: OutputRows::All }], ..fine },
        Batch { outputs: &[Output { row: 0, rows: OutputRows::Only(&[320]) }], ..fine },
    ];
    let mut run =
        |batch: &Batch<'_>| model.transformer.forward(&pool, &mut Scratch::default(), &mut kv, batch, &mut Vec::new());
    run(&fine).unwrap();
    for batch in broken {
        assert!(matches!(run(&batch), Err(ModelError::Batch { .. })), "{batch:?}");
    }
}

#[test]
fn the_tokenizer_gives_the_ids_of_the_python_library() {
    let pool = ThreadPool::new(1);
    let model = load(&folder("tiny_llama"), &pool).unwrap();
    let golden = std::fs::read(folder("tiny_llama").join("golden_text.json")).unwrap();
    let golden: serde_json::Value = serde_json::from_slice(&golden).unwrap();
    let text = golden["text"].as_str().unwrap();
    let ids = model.tokenizer.encode(text);
    assert_eq!(serde_json::json!(ids), golden["ids"]);
    assert_eq!(model.tokenizer.decode_bytes(&ids), text.as_bytes());
}

#[test]
fn the_template_and_the_ends_come_from_the_files_beside_the_weights() {
    let pool = ThreadPool::new(1);
    let model = load(&folder("tiny_llama"), &pool).unwrap();
    let template = model.template.unwrap();
    assert_eq!(template.opening("user", None), Ok("<|im_start|>user\n"));
    assert_eq!((model.tokenizer.bos_id(), model.tokenizer.eos_ids()), (Some(1), &[2, 0][..]));
    assert_eq!(model.name, "tiny_llama");
}

//! A GGUF made of the tiny checkpoint gives the same logits: keys, names, and the permuted rows of q and k.

#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use safetensors::SafeTensors;
use sgl_kernels::{AttentionSpan, KvFormat, ThreadPool};
use sgl_model::{Batch, LoadError, LoadedModel, Output, OutputRows, Scratch, load};
use std::path::{Path, PathBuf};

const LAYERS: usize = 2;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const HEAD_DIM: usize = 8;

/// Safetensors' names of a layer's tensors, and GGUF's.
const LAYER_NAMES: [(&str, &str); 9] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

fn tiny_llama() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", "tiny_llama"].iter().collect()
}

/// A GGUF under construction.
#[derive(Default)]
struct Writer {
    keys: Vec<Vec<u8>>,
    table: Vec<Vec<u8>>,
    data: Vec<u8>,
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

impl Writer {
    fn key(&mut self, key: &str, kind: u32, value: &[u8]) {
        self.keys.push([&text(key), &kind.to_le_bytes()[..], value].concat());
    }

    fn count(&mut self, key: &str, value: u32) {
        self.key(key, 4, &value.to_le_bytes());
    }

    fn float(&mut self, key: &str, value: f32) {
        self.key(key, 6, &value.to_le_bytes());
    }

    fn word(&mut self, key: &str, value: &str) {
        self.key(key, 8, &text(value));
    }

    fn words(&mut self, key: &str, values: &[String]) {
        let head = [&8_u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes()].concat();
        let items = values.iter().flat_map(|value| text(value));
        self.key(key, 9, &head.into_iter().chain(items).collect::<Vec<u8>>());
    }

    fn tensor(&mut self, name: &str, shape: &[usize], bytes: &[u8]) {
        let mut entry = text(name);
        entry.extend((shape.len() as u32).to_le_bytes());
        entry.extend(shape.iter().rev().flat_map(|&size| (size as u64).to_le_bytes()));
        entry.extend(0_u32.to_le_bytes());
        entry.extend((self.data.len() as u64).to_le_bytes());
        self.table.push(entry);
        self.data.extend(bytes);
        self.data.resize(self.data.len().next_multiple_of(32), 0);
    }

    fn finish(self) -> Vec<u8> {
        let mut file = [b"GGUF".as_slice(), &3_u32.to_le_bytes()].concat();
        file.extend((self.table.len() as u64).to_le_bytes());
        file.extend((self.keys.len() as u64).to_le_bytes());
        file.extend(self.keys.concat());
        file.extend(self.table.concat());
        file.resize(file.len().next_multiple_of(32), 0);
        file.extend(self.data);
        file
    }
}

/// Halves of a head's rows become neighbours, so that pairs that turn together lie together.
fn interleave(bytes: &[u8], heads: usize) -> Vec<u8> {
    let row_bytes = bytes.len() / (heads * HEAD_DIM);
    let row = |head: usize, row: usize| &bytes[(head * HEAD_DIM + row) * row_bytes..][..row_bytes];
    let order = |at: usize| at / 2 + at % 2 * (HEAD_DIM / 2);
    let rows = (0..heads).flat_map(|head| (0..HEAD_DIM).map(move |at| (head, order(at))));
    rows.flat_map(|(head, at)| row(head, at).to_vec()).collect()
}

/// The tiny checkpoint as a GGUF, with what `change` does to it.
fn written(path: &Path, change: impl FnOnce(&mut Writer)) {
    let mut gguf = Writer::default();
    gguf.word("general.architecture", "llama");
    gguf.word("general.name", "tiny");
    gguf.count("llama.block_count", LAYERS as u32);
    gguf.count("llama.context_length", 64);
    gguf.count("llama.embedding_length", 32);
    gguf.count("llama.feed_forward_length", 64);
    gguf.count("llama.attention.head_count", HEADS as u32);
    gguf.count("llama.attention.head_count_kv", KV_HEADS as u32);
    gguf.float("llama.attention.layer_norm_rms_epsilon", 1e-5);
    gguf.float("llama.rope.freq_base", 10_000.0);
    let tokenizer = std::fs::read(tiny_llama().join("tokenizer.json")).unwrap();
    let tokenizer: serde_json::Value = serde_json::from_slice(&tokenizer).unwrap();
    let mut tokens = vec![String::new(); 320];
    for (token, id) in tokenizer["model"]["vocab"].as_object().unwrap() {
        tokens[id.as_u64().unwrap() as usize] = token.clone();
    }
    let merges = tokenizer["model"]["merges"].as_array().unwrap().iter();
    let merges = merges.map(|pair| [pair[0].as_str().unwrap(), pair[1].as_str().unwrap()].join(" "));
    gguf.word("tokenizer.ggml.model", "gpt2");
    gguf.word("tokenizer.ggml.pre", "gpt-2");
    gguf.words("tokenizer.ggml.tokens", &tokens);
    gguf.words("tokenizer.ggml.merges", &merges.collect::<Vec<_>>());
    gguf.count("tokenizer.ggml.eos_token_id", 2);

    let weights = std::fs::read(tiny_llama().join("model.safetensors")).unwrap();
    let weights = SafeTensors::deserialize(&weights).unwrap();
    let mut copy = |from: &str, to: &str| {
        let tensor = weights.tensor(&format!("{from}.weight")).unwrap();
        let bytes = match to.rsplit('.').next() {
            Some("attn_q") => interleave(tensor.data(), HEADS),
            Some("attn_k") => interleave(tensor.data(), KV_HEADS),
            _ => tensor.data().to_vec(),
        };
        gguf.tensor(&format!("{to}.weight"), tensor.shape(), &bytes);
    };
    copy("model.embed_tokens", "token_embd");
    copy("model.norm", "output_norm");
    copy("lm_head", "output");
    for layer in 0..LAYERS {
        for (from, to) in LAYER_NAMES {
            copy(&format!("model.layers.{layer}.{from}"), &format!("blk.{layer}.{to}"));
        }
    }
    change(&mut gguf);
    std::fs::write(path, gguf.finish()).unwrap();
}

fn last_logits(model: &LoadedModel, pool: &ThreadPool) -> Vec<f32> {
    let places: Vec<u32> = (0..12).collect();
    let batch = Batch {
        tokens: &[40, 41, 300, 7, 9, 310, 5, 100, 101, 102, 103, 104],
        positions: &places,
        slots: &places,
        spans: &[AttentionSpan { rows: 0..12, context: &places }],
        outputs: &[Output { row: 11, rows: OutputRows::All }],
    };
    let mut kv = model.transformer.new_cache(12, KvFormat::F32);
    let mut logits = Vec::new();
    model.transformer.forward(pool, &mut Scratch::default(), &mut kv, &batch, &mut logits).unwrap();
    logits
}

#[test]
fn a_gguf_and_its_safetensors_give_the_same_logits_and_ids() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    written(&path, |_| {});
    let pool = ThreadPool::new(2);
    let gguf = load(&path, &pool).unwrap();
    let safetensors = load(&tiny_llama(), &pool).unwrap();
    for (a, b) in last_logits(&gguf, &pool).iter().zip(last_logits(&safetensors, &pool)) {
        assert!((a - b).abs() < 1e-4, "{a} and {b}");
    }
    let text = "The lazy fox, 12 times.";
    assert_eq!(gguf.tokenizer.encode(text), safetensors.tokenizer.encode(text));
    assert_eq!((gguf.name.as_str(), gguf.tokenizer.eos_ids()), ("tiny", &[2][..]));
    assert!(gguf.template.is_none());
}

#[test]
fn a_bias_in_the_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("biased.gguf");
    written(&path, |gguf| gguf.tensor("blk.0.attn_q.bias", &[32], &[0; 128]));
    let error = load(&path, &ThreadPool::new(1)).unwrap_err();
    assert!(matches!(error, LoadError::Weights { .. }), "{error}");
    assert!(error.to_string().contains("blk.0.attn_q.bias"), "{error}");
}

#[test]
fn a_file_that_is_no_model_is_refused_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.gguf");
    std::fs::write(&path, "hello").unwrap();
    let message = load(&path, &ThreadPool::new(1)).unwrap_err().to_string();
    assert!(message.contains("notes.gguf") && message.contains("not a GGUF"), "{message}");
    let message = load(&folder.path().join("absent.gguf"), &ThreadPool::new(1)).unwrap_err().to_string();
    assert!(message.contains("absent.gguf"), "{message}");
}

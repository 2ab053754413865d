//! Names to tensors, exhaustive both ways.
//!
//! Every tensor the transformer needs must be there with the right shape, and every tensor that is there must be
//! needed: a bias that nobody adds is a wrong result that nobody sees.

use crate::ModelConfig;
use crate::checkpoint::{Checkpoint, Stored};
use crate::limits::NAMES_SHOWN_MAX;
use indexmap::IndexMap;
use sgl_kernels::{Format, KernelError, Matrix, ThreadPool, dequantize};
use std::sync::OnceLock;

/// Why a checkpoint's tensors are not the configuration's.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// A tensor is not there.
    #[error("tensor `{name}` is missing")]
    Missing {
        /// Its name.
        name: String,
    },
    /// Tensors are there that this transformer does not use.
    #[error("{count} tensors are not used by this architecture: {}", names.join(", "))]
    Unexpected {
        /// The first of them.
        names: Vec<String>,
        /// How many there are.
        count: usize,
    },
    /// A tensor has another shape.
    #[error("tensor `{name}` has shape {found:?}; the configuration says {expected:?}")]
    Shape {
        /// Its name.
        name: String,
        /// Rows first.
        expected: Vec<usize>,
        /// Rows first.
        found: Vec<usize>,
    },
    /// A kernel can't take the tensor.
    #[error("tensor `{name}` can't be used")]
    Kernel {
        /// Its name.
        name: String,
        /// Why not.
        #[source]
        source: KernelError,
    },
}

/// In which numbers matrices are multiplied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// The stored formats. Quantized ones multiply activations that are rounded to 8 bits, block by block.
    #[default]
    Stored,
    /// The same weights widened to f32, so that no activation is rounded: 4 to 8 times the memory, and slow. The
    /// reference for the other.
    Exact,
}

/// One block: attention, then feed-forward.
#[derive(Debug)]
pub(crate) struct Layer {
    /// `[hidden]`
    pub(crate) attention_norm: Vec<f32>,
    /// `[heads * head_dim, hidden]`
    pub(crate) query: Matrix,
    /// `[kv_heads * head_dim, hidden]`
    pub(crate) key: Matrix,
    /// `[kv_heads * head_dim, hidden]`
    pub(crate) value: Matrix,
    /// `[hidden, heads * head_dim]`
    pub(crate) attention_output: Matrix,
    /// `[hidden]`
    pub(crate) feed_forward_norm: Vec<f32>,
    /// `[feed_forward, hidden]`
    pub(crate) gate: Matrix,
    /// `[feed_forward, hidden]`
    pub(crate) up: Matrix,
    /// `[hidden, feed_forward]`
    pub(crate) down: Matrix,
}

/// All numbers of a transformer, packed for the kernels.
#[derive(Debug)]
pub(crate) struct Weights {
    /// `[vocabulary, hidden]`
    pub(crate) embedding: Matrix,
    pub(crate) layers: Vec<Layer>,
    /// `[hidden]`
    pub(crate) norm: Vec<f32>,
    /// `[vocabulary, hidden]`; absent if the embedding is the output too.
    pub(crate) output: Option<Matrix>,
}

/// How a container names tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    Gguf,
    Safetensors,
}

impl Naming {
    /// Embedding, last norm, output.
    fn outer(self) -> [&'static str; 3] {
        match self {
            Self::Gguf => ["token_embd", "output_norm", "output"],
            Self::Safetensors => ["model.embed_tokens", "model.norm", "lm_head"],
        }
    }

    /// The tensors of a layer in the order of [`Layer`].
    fn layer(self, layer: usize) -> [String; 9] {
        match self {
            Self::Gguf => {
                ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down"]
                    .map(|name| format!("blk.{layer}.{name}"))
            }
            Self::Safetensors => [
                "input_layernorm",
                "self_attn.q_proj",
                "self_attn.k_proj",
                "self_attn.v_proj",
                "self_attn.o_proj",
                "post_attention_layernorm",
                "mlp.gate_proj",
                "mlp.up_proj",
                "mlp.down_proj",
            ]
            .map(|name| format!("model.layers.{layer}.{name}")),
        }
    }

    /// Whether a tensor may be there without being used: old checkpoints store the rotary frequencies, which follow
    /// from the configuration, and some store a tied output a second time.
    fn may_ignore(self, name: &str, config: &ModelConfig) -> bool {
        self == Self::Safetensors
            && (name.ends_with(".rotary_emb.inv_freq") || (config.tied_embeddings && name == "lm_head.weight"))
    }
}

/// The names and shapes that the configuration implies, in the order in which [`Weights`] takes them.
fn expected(naming: Naming, config: &ModelConfig) -> IndexMap<String, Vec<usize>> {
    let &ModelConfig { hidden, feed_forward, vocabulary, .. } = config;
    let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
    let [embedding, norm, output] = naming.outer().map(|name| format!("{name}.weight"));
    let mut expected = IndexMap::from([(embedding, vec![vocabulary, hidden])]);
    for layer in 0..config.layers {
        let shapes = [
            vec![hidden],
            vec![queries, hidden],
            vec![keys, hidden],
            vec![keys, hidden],
            vec![hidden, queries],
            vec![hidden],
            vec![feed_forward, hidden],
            vec![feed_forward, hidden],
            vec![hidden, feed_forward],
        ];
        let names = naming.layer(layer).map(|name| format!("{name}.weight"));
        expected.extend(names.into_iter().zip(shapes));
    }
    expected.insert(norm, vec![hidden]);
    if !config.tied_embeddings {
        expected.insert(output, vec![vocabulary, hidden]);
    }
    expected
}

/// A tensor in the form that the kernels take.
enum Packed {
    Vector(Vec<f32>),
    Matrix(Matrix),
}

impl Packed {
    fn pack(checkpoint: &Checkpoint, stored: &Stored, precision: Precision) -> Result<Self, KernelError> {
        let bytes = checkpoint.bytes(stored);
        match (&stored.shape[..], precision) {
            (&[rows, columns], Precision::Stored) => {
                Ok(Self::Matrix(Matrix::pack(stored.format, rows, columns, bytes)?))
            }
            (&[rows, columns], Precision::Exact) => {
                let numbers = widened(stored, bytes)?;
                Ok(Self::Matrix(Matrix::pack(Format::F32, rows, columns, bytemuck::cast_slice(&numbers))?))
            }
            _ => Ok(Self::Vector(widened(stored, bytes)?)),
        }
    }
}

fn widened(stored: &Stored, bytes: &[u8]) -> Result<Vec<f32>, KernelError> {
    let mut numbers = vec![0.0; stored.shape.iter().product()];
    dequantize(stored.format, bytes, &mut numbers)?;
    Ok(numbers)
}

/// Packed tensors in the order of [`expected`].
struct Queue {
    packed: std::vec::IntoIter<Packed>,
}

impl Queue {
    fn vector(&mut self) -> Vec<f32> {
        match self.packed.next() {
            Some(Packed::Vector(vector)) => vector,
            _ => unreachable!("`expected` has a vector here, and shapes were compared"),
        }
    }

    fn matrix(&mut self) -> Matrix {
        match self.packed.next() {
            Some(Packed::Matrix(matrix)) => matrix,
            _ => unreachable!("`expected` has a matrix here, and shapes were compared"),
        }
    }
}

impl Weights {
    /// Compares the checkpoint with the configuration and packs all tensors, on all threads.
    pub(crate) fn pack(
        checkpoint: &Checkpoint,
        naming: Naming,
        config: &ModelConfig,
        precision: Precision,
        pool: &ThreadPool,
    ) -> Result<Self, WeightsError> {
        let expected = expected(naming, config);
        let stored = matched(checkpoint, naming, config, &expected)?;
        let cells: Vec<OnceLock<Result<Packed, KernelError>>> = stored.iter().map(|_| OnceLock::new()).collect();
        pool.run(cells.len(), &|index| {
            let packed = Packed::pack(checkpoint, stored[index], precision);
            checkpoint.release(stored[index]);
            assert!(cells[index].set(packed).is_ok(), "a pool runs each task once");
        });
        let mut packed = Vec::with_capacity(cells.len());
        for (cell, name) in cells.into_iter().zip(expected.keys()) {
            let result = cell.into_inner().expect("a pool runs each task");
            packed.push(result.map_err(|source| WeightsError::Kernel { name: name.clone(), source })?);
        }
        let mut queue = Queue { packed: packed.into_iter() };
        Ok(Self {
            embedding: queue.matrix(),
            layers: (0..config.layers)
                .map(|_| Layer {
                    attention_norm: queue.vector(),
                    query: queue.matrix(),
                    key: queue.matrix(),
                    value: queue.matrix(),
                    attention_output: queue.matrix(),
                    feed_forward_norm: queue.vector(),
                    gate: queue.matrix(),
                    up: queue.matrix(),
                    down: queue.matrix(),
                })
                .collect(),
            norm: queue.vector(),
            output: (!config.tied_embeddings).then(|| queue.matrix()),
        })
    }
}

/// The names and stored tensors that the configuration implies, in the order in which [`Weights`] takes them.
pub(crate) fn stored_tensors<'file>(
    checkpoint: &'file Checkpoint,
    naming: Naming,
    config: &ModelConfig,
) -> Result<Vec<(String, &'file Stored)>, WeightsError> {
    let expected = expected(naming, config);
    let stored = matched(checkpoint, naming, config, &expected)?;
    Ok(expected.into_keys().zip(stored).collect())
}

/// The stored tensors in the order of `expected`.
fn matched<'file>(
    checkpoint: &'file Checkpoint,
    naming: Naming,
    config: &ModelConfig,
    expected: &IndexMap<String, Vec<usize>>,
) -> Result<Vec<&'file Stored>, WeightsError> {
    let unused = |name: &&String| !expected.contains_key(*name) && !naming.may_ignore(name, config);
    let unexpected: Vec<&String> = checkpoint.tensors.keys().filter(unused).collect();
    if !unexpected.is_empty() {
        let names = unexpected.iter().take(NAMES_SHOWN_MAX).map(|&name| name.clone()).collect();
        return Err(WeightsError::Unexpected { names, count: unexpected.len() });
    }
    let find = |(name, shape): (&String, &Vec<usize>)| {
        let stored = checkpoint.tensors.get(name);
        let stored = stored.ok_or_else(|| WeightsError::Missing { name: name.clone() })?;
        if stored.shape == *shape {
            return Ok(stored);
        }
        let (name, expected, found) = (name.clone(), shape.clone(), stored.shape.clone());
        Err(WeightsError::Shape { name, expected, found })
    };
    expected.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sgl_kernels::{Format, RotaryStyle};

    fn config(tied_embeddings: bool) -> ModelConfig {
        ModelConfig {
            layers: 2,
            hidden: 8,
            feed_forward: 12,
            heads: 2,
            kv_heads: 1,
            head_dim: 4,
            vocabulary: 16,
            context: 32,
            rms_eps: 1e-5,
            rope_theta: 10_000.0,
            rope_scaling: None,
            rotary: RotaryStyle::HalfSplit,
            tied_embeddings,
        }
    }

    fn checkpoint(naming: Naming, config: &ModelConfig) -> Checkpoint {
        let stored = |shape| Stored { file: 0, format: Format::F32, shape, bytes: 0..0 };
        let tensors = expected(naming, config).into_iter();
        let tensors = tensors.map(|(name, shape)| (name, stored(shape))).collect();
        Checkpoint { files: Vec::new(), tensors }
    }

    fn fault(checkpoint: &Checkpoint, config: &ModelConfig) -> Option<String> {
        let naming = Naming::Safetensors;
        let matched = matched(checkpoint, naming, config, &expected(naming, config));
        matched.err().map(|fault| fault.to_string())
    }

    #[test]
    fn a_checkpoint_with_exactly_the_expected_tensors_matches() {
        for tied in [false, true] {
            let config = config(tied);
            let checkpoint = checkpoint(Naming::Safetensors, &config);
            assert_eq!(checkpoint.tensors.len(), if tied { 20 } else { 21 });
            assert_eq!(fault(&checkpoint, &config), None);
        }
    }

    #[test]
    fn a_missing_tensor_is_named() {
        let config = config(true);
        let mut checkpoint = checkpoint(Naming::Safetensors, &config);
        checkpoint.tensors.swap_remove("model.layers.1.mlp.up_proj.weight").unwrap();
        let fault = fault(&checkpoint, &config).unwrap();
        assert_eq!(fault, "tensor `model.layers.1.mlp.up_proj.weight` is missing");
    }

    #[test]
    fn an_unexpected_tensor_is_named() {
        let config = config(true);
        let mut checkpoint = checkpoint(Naming::Safetensors, &config);
        let bias = checkpoint.tensors["model.norm.weight"].clone();
        checkpoint.tensors.insert("model.layers.0.self_attn.q_proj.bias".into(), bias);
        let fault = fault(&checkpoint, &config).unwrap();
        assert!(fault.contains("model.layers.0.self_attn.q_proj.bias"), "{fault}");
    }

    #[test]
    fn a_tensor_of_another_shape_is_named_with_both_shapes() {
        let config = config(true);
        let mut checkpoint = checkpoint(Naming::Safetensors, &config);
        checkpoint.tensors["model.norm.weight"].shape = vec![9];
        let fault = fault(&checkpoint, &config).unwrap();
        assert!(fault.contains("[9]") && fault.contains("[8]"), "{fault}");
    }

    #[test]
    fn a_second_copy_of_a_tied_output_is_ignored() {
        let config = config(true);
        let mut checkpoint = checkpoint(Naming::Safetensors, &config);
        let copy = checkpoint.tensors["model.embed_tokens.weight"].clone();
        checkpoint.tensors.insert("lm_head.weight".into(), copy);
        assert_eq!(fault(&checkpoint, &config), None);
    }
}

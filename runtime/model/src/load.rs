//! A path to a model that runs.

use crate::checkpoint::{Checkpoint, Stored};
use crate::cuda::{CudaOptions, CudaTransformer, UploadError};
use crate::gguf::{Gguf, Value as GgufValue};
use crate::mapping::Mapping;
use crate::weights::{Naming, Precision, Weights};
use crate::{CheckpointError, ConfigError, GgufError, ModelConfig, Transformer, WeightsError, shards, vocabulary};
use serde_json::{Map, Value};
use sgl_kernels::ThreadPool;
use sgl_kernels::cuda::Device;
use sgl_tokenizer::{ChatTemplate, TemplateError, Tokenizer, TokenizerError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A model on the CPU, and what is needed to speak to it.
pub type LoadedModel = Loaded<Transformer>;

/// A model and what is needed to speak to it.
#[derive(Debug)]
pub struct Loaded<T> {
    /// Ids to logits.
    pub transformer: T,
    /// Text to ids; as many ids as the transformer has logits.
    pub tokenizer: Tokenizer,
    /// How turns are written, if the file says.
    pub template: Option<ChatTemplate>,
    /// What the file calls itself, or else what it is called.
    pub name: String,
}

/// Why a model can't be loaded. Each names the file; the source says what is wrong in it.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A GGUF is malformed.
    #[error("`{}` can't be read: {source}", path.display())]
    Gguf {
        /// The file.
        path: PathBuf,
        /// Where and how.
        source: GgufError,
    },
    /// A JSON file is malformed.
    #[error("`{}` is malformed: {detail}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and how.
        detail: String,
    },
    /// The tensors can't be found.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The configuration can't be run.
    #[error("the model in `{}` can't be run: {source}", path.display())]
    Config {
        /// The file or folder.
        path: PathBuf,
        /// Which setting.
        source: ConfigError,
    },
    /// The tensors are not the configuration's.
    #[error("the weights in `{}` do not fit: {source}", path.display())]
    Weights {
        /// The file or folder.
        path: PathBuf,
        /// Which tensor.
        source: WeightsError,
    },
    /// The vocabulary can't be used.
    #[error("the tokenizer of `{}` can't be used: {source}", path.display())]
    Tokenizer {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: TokenizerError,
    },
    /// The weights can't be brought to a device.
    #[error("the weights of `{}` can't be brought to the device: {source}", path.display())]
    Upload {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: UploadError,
    },
    /// The vocabulary has more ids than the model has logits.
    #[error("the tokenizer of `{}` has {tokens} ids, the model has {rows}", path.display())]
    Vocabulary {
        /// The file or folder.
        path: PathBuf,
        /// Ids of the tokenizer.
        tokens: usize,
        /// Rows of the embedding.
        rows: usize,
    },
    /// The chat template can't be used.
    #[error("the chat template of `{}` can't be used: {source}", path.display())]
    Template {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: Box<TemplateError>,
    },
}

/// Loads a `.gguf` file, or a folder with `config.json`, `tokenizer.json` and safetensors.
///
/// Weights are packed on the threads of `pool`. Errors: see [`LoadError`]; nothing that would change the result is
/// passed over in silence.
pub fn load(path: &Path, pool: &ThreadPool) -> Result<LoadedModel, LoadError> {
    load_in(path, Precision::Stored, pool)
}

/// [`load`], with the say in which numbers matrices are multiplied.
pub fn load_in(path: &Path, precision: Precision, pool: &ThreadPool) -> Result<LoadedModel, LoadError> {
    open(path)?.assemble(|checkpoint, naming, config| {
        let weights = Weights::pack(checkpoint, naming, &config, precision, pool)
            .map_err(|source| LoadError::Weights { path: path.to_owned(), source })?;
        Ok(Transformer::new(config, weights))
    })
}

/// Loads what [`load`] loads onto a CUDA device, as bf16.
///
/// Errors: see [`LoadError`]; the device's memory may not suffice.
pub fn load_cuda(
    path: &Path,
    pool: &ThreadPool,
    device: &Arc<Device>,
    options: CudaOptions,
) -> Result<Loaded<CudaTransformer>, LoadError> {
    open(path)?.assemble(|checkpoint, naming, config| {
        CudaTransformer::upload(device, checkpoint, naming, config, options, pool)
            .map_err(|source| LoadError::Upload { path: path.to_owned(), source })
    })
}

/// The tokenizer and template of a model, and random weights of its shape, or of another one, on a CUDA device. A folder needs no
/// safetensors.
///
/// Errors: see [`LoadError`]; the device's memory may not suffice.
pub fn load_random(
    path: &Path,
    config: Option<ModelConfig>,
    device: &Arc<Device>,
    options: CudaOptions,
) -> Result<Loaded<CudaTransformer>, LoadError> {
    let parts = if path.is_dir() { open_folder(path, false)? } else { open_gguf(path)? };
    let config = config.unwrap_or_else(|| parts.config.clone());
    Parts { config, ..parts }.assemble(|_, _, config| {
        CudaTransformer::random(device, config, options)
            .map_err(|source| LoadError::Upload { path: path.to_owned(), source })
    })
}

fn open(path: &Path) -> Result<Parts<'_>, LoadError> {
    if path.is_dir() { open_folder(path, true) } else { open_gguf(path) }
}

fn open_gguf(path: &Path) -> Result<Parts<'_>, LoadError> {
    let at = || path.to_owned();
    let config_fault = |source| LoadError::Config { path: at(), source };
    let file = Mapping::open(path).map_err(|source| LoadError::Read { path: at(), source })?;
    let mut gguf = Gguf::read(file.bytes()).map_err(|source| LoadError::Gguf { path: at(), source })?;
    let config = ModelConfig::from_gguf(&gguf).map_err(config_fault)?;
    let tensors = std::mem::take(&mut gguf.tensors).into_iter().map(|(name, info)| {
        let stored = Stored { file: 0, format: info.format, shape: info.shape, bytes: info.bytes };
        (name, stored)
    });
    let checkpoint = Checkpoint { tensors: tensors.collect(), files: vec![file] };

    let vocabulary = vocabulary::of_gguf(&mut gguf).map_err(config_fault)?;
    let tokenizer =
        Tokenizer::from_gguf_parts(vocabulary).map_err(|source| LoadError::Tokenizer { path: at(), source })?;
    let text = |key: &str| gguf.metadata.get(key).and_then(GgufValue::as_text);
    Ok(Parts {
        path,
        template: text("tokenizer.chat_template").map(str::to_owned),
        name: text("general.name").map_or_else(|| stem(path), str::to_owned),
        tokenizer,
        naming: Naming::Gguf,
        checkpoint,
        config,
    })
}

fn open_folder(folder: &Path, with_weights: bool) -> Result<Parts<'_>, LoadError> {
    let raw = object(&folder.join("config.json"))?;
    let config =
        ModelConfig::from_json(&raw).map_err(|source| LoadError::Config { path: folder.to_owned(), source })?;
    let optional = |name: &str| {
        let path = folder.join(name);
        if path.exists() { object(&path) } else { Ok(Map::new()) }
    };
    let generation = optional("generation_config.json")?;
    let beside = optional("tokenizer_config.json")?;

    let tokenizer = Tokenizer::from_json_file(&folder.join("tokenizer.json"))
        .map_err(|source| LoadError::Tokenizer { path: folder.to_owned(), source })?;
    let named = |key: &str| tokenizer.id_of(special_text(beside.get(key)?)?);
    let mut ends: Vec<u32> = [&generation, &raw].into_iter().flat_map(|file| ids(file.get("eos_token_id"))).collect();
    ends.extend(named("eos_token"));
    ends.dedup();
    let begin = named("bos_token").or_else(|| ids(raw.get("bos_token_id")).first().copied());
    let tokenizer = tokenizer.with_begin_and_ends(begin, &ends);
    Ok(Parts {
        path: folder,
        template: chat_template(folder, &beside)?,
        name: stem(folder),
        tokenizer,
        naming: Naming::Safetensors,
        checkpoint: if with_weights { shards::open(folder)? } else { Checkpoint::default() },
        config,
    })
}

/// What both containers give.
struct Parts<'path> {
    path: &'path Path,
    checkpoint: Checkpoint,
    naming: Naming,
    config: ModelConfig,
    tokenizer: Tokenizer,
    template: Option<String>,
    name: String,
}

impl Parts<'_> {
    /// Makes the transformer with `make`, and checks what belongs to it.
    fn assemble<T>(
        self,
        make: impl FnOnce(&Checkpoint, Naming, ModelConfig) -> Result<T, LoadError>,
    ) -> Result<Loaded<T>, LoadError> {
        let Self { path, checkpoint, naming, config, tokenizer, template, name } = self;
        let (tokens, rows) = (tokenizer.vocab_size(), config.vocabulary);
        if tokens > rows {
            return Err(LoadError::Vocabulary { path: path.to_owned(), tokens, rows });
        }
        let text_of = |id: Option<u32>| id.and_then(|id| tokenizer.control_text(id)).unwrap_or("");
        let (bos, eos) = (tokenizer.bos_id(), tokenizer.eos_ids().first().copied());
        let template = template
            .map(|source| ChatTemplate::compile(&source, text_of(bos), text_of(eos)))
            .transpose()
            .map_err(|source| LoadError::Template { path: path.to_owned(), source: source.into() })?;
        let transformer = make(&checkpoint, naming, config)?;
        Ok(Loaded { transformer, tokenizer: tokenizer.padded_to(rows), template, name })
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "model".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

fn object(path: &Path) -> Result<Map<String, Value>, LoadError> {
    let text = std::fs::read(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    serde_json::from_slice(&text).map_err(|error| LoadError::Json { path: path.to_owned(), detail: error.to_string() })
}

/// A special token in `tokenizer_config.json`: its text, or an object with it.
fn special_text(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("content")?.as_str())
}

/// An id or a list of ids.
fn ids(value: Option<&Value>) -> Vec<u32> {
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Some(Value::Array(items)) => items.iter().filter_map(id).collect(),
        Some(value) => id(value).into_iter().collect(),
        None => Vec::new(),
    }
}

/// The template in its own file, or in `tokenizer_config.json`; of several, the one called `default`.
fn chat_template(folder: &Path, beside: &Map<String, Value>) -> Result<Option<String>, LoadError> {
    let path = folder.join("chat_template.jinja");
    if path.exists() {
        let text = std::fs::read_to_string(&path);
        return text.map(Some).map_err(|source| LoadError::Read { path, source });
    }
    let inline = match beside.get("chat_template") {
        Some(Value::Array(several)) => {
            several.iter().find(|named| named["name"] == "default").and_then(|named| named["template"].as_str())
        }
        Some(one) => one.as_str(),
        None => None,
    };
    Ok(inline.map(str::to_owned))
}

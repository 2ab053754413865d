//! How the engine works: options of `sglc run`, and of the suite's runner.
//!
//! Where SGLang's server has the same switch, it has the same name here.

use crate::engines::THREADS_MAX;
use clap::{Args, FromArgMatches, ValueEnum};
use sgl_engine::{DeviceChoice, EngineOptions, Jump, LoadFormat, Overlap, StoreOptions};
use std::path::PathBuf;

/// Options of the engine.
#[derive(Clone, Debug, Args)]
pub struct EngineArguments {
    /// Threads of the engine; the cores that are free to it if not given
    #[arg(long, value_name = "COUNT", help_heading = "Engine options")]
    pub threads: Option<usize>,
    /// What computes: `cpu`, `cuda` or `cuda:N`; `sglc doctor` says what there is
    #[arg(long, value_name = "DEVICE", default_value = "cpu", value_parser = device, env = "SGLC_DEVICE", help_heading = "Engine options")]
    pub device: DeviceChoice,
    /// Give each request the same text whatever runs beside it, on a CUDA device too (slower)
    #[arg(long, visible_alias = "enable-deterministic-inference", help_heading = "Engine options")]
    pub deterministic: bool,
    /// Most tokens whose keys and values are kept in memory
    #[arg(long, value_name = "COUNT", help_heading = "Engine options")]
    pub max_total_tokens: Option<usize>,
    /// Most tokens of one pass: longer prompts are read in chunks
    #[arg(long, value_name = "COUNT", help_heading = "Engine options")]
    pub chunked_prefill_size: Option<usize>,
    /// Keep what was read in this folder too, for later runs
    #[arg(long, value_name = "FOLDER", help_heading = "Engine options")]
    pub hicache_storage: Option<PathBuf>,
    /// Most gigabytes of that folder
    #[arg(long, value_name = "GB", default_value = "4", requires = "hicache_storage", help_heading = "Engine options")]
    pub hicache_storage_size: f64,
    /// Gigabytes of memory in which what the cache has no room for is kept
    #[arg(long, value_name = "GB", help_heading = "Engine options")]
    pub hicache_size: Option<f64>,
    /// Guess so many tokens from what came before, where few texts are written at once; the text is the same
    #[arg(long, value_name = "COUNT", default_value = "0", help_heading = "Engine options")]
    pub speculative_num_draft_tokens: usize,
    /// What to do with text about which a constraint leaves no choice
    #[arg(long, value_enum, default_value = "exact", help_heading = "Engine options")]
    pub jump: JumpMode,
    /// Do not reuse what was read before (for comparison)
    #[arg(long, visible_alias = "no-cache", help_heading = "Engine options")]
    pub disable_radix_cache: bool,
    /// Let each branch read for itself what came before it was forked (for comparison)
    #[arg(long, help_heading = "Engine options")]
    pub disable_fork_sharing: bool,
    /// The same as `--jump off` (for comparison)
    #[arg(long, help_heading = "Engine options")]
    pub disable_jump_forward: bool,
    /// Do not begin a pass before the one before it is read (for comparison)
    #[arg(long, help_heading = "Engine options")]
    pub disable_overlap_schedule: bool,
    /// Read what transcripts share once for each of them, on a CUDA device too (for comparison)
    #[arg(long, help_heading = "Engine options")]
    pub disable_cascade: bool,
    /// Launch each pass kernel by kernel on a CUDA device (for comparison)
    #[arg(long, help_heading = "Engine options")]
    pub disable_cuda_graph: bool,
    /// Where weights come from
    #[arg(long, value_enum, default_value = "auto", help_heading = "Engine options")]
    pub load_format: LoadMode,
    /// Bring the weights of the model's blocks to 8 bits when they are loaded, on a CUDA device
    #[arg(long, value_enum, help_heading = "Engine options")]
    pub quantization: Option<Quantization>,
}

/// What weights are brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Quantization {
    /// 8-bit floats (e4m3) with a scale per row; inputs too, at every product
    Fp8,
}

/// Where weights come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LoadMode {
    /// The model's file or folder
    Auto,
    /// Random ones of the model's shape, on a CUDA device (for measuring)
    Dummy,
}

/// What is done with text about which a constraint leaves no choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum JumpMode {
    /// Draw every token (for comparison)
    Off,
    /// Draft it and verify the draft in one pass: the same text, sooner
    Exact,
    /// Take it without asking the model
    Forced,
}

impl EngineArguments {
    /// Reads a command line that holds nothing else.
    ///
    /// # Errors
    /// What is wrong with it, or its help, as text.
    pub fn parse(words: &[&str]) -> Result<Self, String> {
        let mut command = Self::augment_args(clap::Command::new("engine").no_binary_name(true));
        let matches = command.try_get_matches_from_mut(words).map_err(|error| error.to_string())?;
        Self::from_arg_matches(&matches).map_err(|error| error.to_string())
    }

    /// What the engine is loaded with.
    pub fn options(&self) -> EngineOptions {
        let usual = EngineOptions::default();
        let jump = match self.jump {
            _ if self.disable_jump_forward => Jump::Off,
            JumpMode::Off => Jump::Off,
            JumpMode::Exact => Jump::Exact,
            JumpMode::Forced => Jump::Forced,
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        EngineOptions {
            threads: self.threads.unwrap_or(cores.min(THREADS_MAX)).max(1),
            slots: self.max_total_tokens,
            token_budget: self.chunked_prefill_size.unwrap_or(usual.token_budget),
            radix_cache: !self.disable_radix_cache,
            fork_sharing: !self.disable_fork_sharing,
            jump,
            guesses: self.speculative_num_draft_tokens,
            overlap: if self.disable_overlap_schedule { Overlap::Off } else { Overlap::Auto },
            device: self.device,
            deterministic: self.deterministic,
            cascade: !self.disable_cascade,
            graphs: !self.disable_cuda_graph,
            fp8: self.quantization == Some(Quantization::Fp8),
            load_format: match self.load_format {
                LoadMode::Auto => LoadFormat::Auto,
                LoadMode::Dummy => LoadFormat::Dummy,
            },
            ..usual
        }
    }

    /// What is kept beside the device's cache, if anything is to be.
    pub fn store(&self) -> Option<StoreOptions> {
        if self.hicache_storage.is_none() && self.hicache_size.is_none() {
            return None;
        }
        let usual = StoreOptions::default();
        Some(StoreOptions {
            memory_bytes: self.hicache_size.map_or(usual.memory_bytes, |size| bytes(size) as usize),
            folder: self.hicache_storage.clone(),
            disk_bytes: bytes(self.hicache_storage_size),
        })
    }
}

/// Gigabytes to bytes; what is no size is nothing.
fn bytes(gigabytes: f64) -> u64 {
    (gigabytes.max(0.0) * 1e9) as u64
}

/// Reads `--device`.
fn device(text: &str) -> Result<DeviceChoice, String> {
    match text.split_once(':') {
        None if text == "cpu" => Ok(DeviceChoice::Cpu),
        None if text == "cuda" => Ok(DeviceChoice::Cuda(0)),
        Some(("cuda", number)) => {
            number.parse().map(DeviceChoice::Cuda).map_err(|_| format!("`{number}` is no device number"))
        }
        _ => Err("there are `cpu`, `cuda` and `cuda:N`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_reaches_the_engine() {
        let on = EngineArguments::parse(&[]).expect("nothing is needed");
        let options = on.options();
        assert!(options.radix_cache && options.fork_sharing && on.store().is_none());
        assert!(options.cascade && options.graphs && options.load_format == LoadFormat::Auto);
        assert_eq!((options.jump, options.overlap, options.slots), (Jump::Exact, Overlap::Auto, None));
        let words = "--disable-radix-cache --disable-fork-sharing --disable-jump-forward --disable-overlap-schedule \
            --max-total-tokens 900 --chunked-prefill-size 64 --hicache-storage here --hicache-size 0.5 --disable-cascade --disable-cuda-graph --load-format dummy";
        let words: Vec<&str> = words.split_whitespace().collect();
        let off = EngineArguments::parse(&words).expect("all are known");
        let options = off.options();
        assert!(!options.radix_cache && !options.fork_sharing && !options.cascade && !options.graphs);
        assert_eq!(options.load_format, LoadFormat::Dummy);
        assert_eq!((options.jump, options.overlap, options.slots), (Jump::Off, Overlap::Off, Some(900)));
        assert_eq!(options.token_budget, 64);
        let store = off.store().expect("there is a folder");
        assert_eq!((store.memory_bytes, store.disk_bytes), (500_000_000, 4_000_000_000));
        assert!(EngineArguments::parse(&["--no-cache"]).expect("the old name").disable_radix_cache);
        assert!(EngineArguments::parse(&["--device", "abacus"]).is_err());
    }
}

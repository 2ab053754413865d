//! The kernels' sources, and which options they are compiled with.

/// A source file with the kernels in it.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Its name, for messages and caches.
    pub name: &'static str,
    /// CUDA C++ without headers, the prelude not included.
    pub text: &'static str,
}

/// What every source begins with.
const PRELUDE: &str = include_str!("prelude.cu");

/// A kernel for products: what such kernels have in common, then its own text.
macro_rules! product {
    ($name:literal) => {
        concat!(
            "#line 1 \"epilogue\"\n",
            include_str!("../matmul/epilogue.cu"),
            "#line 1 \"",
            $name,
            "\"\n",
            include_str!(concat!("../matmul/", $name, ".cu"))
        )
    };
}

/// All of them.
pub const SOURCES: &[Source] = &[
    Source { name: "rms_norm", text: include_str!("../rms_norm/kernel.cu") },
    Source { name: "rotary", text: include_str!("../rotary/kernel.cu") },
    Source { name: "elementwise", text: include_str!("../elementwise/kernel.cu") },
    Source { name: "skinny", text: product!("skinny") },
    Source { name: "tiled", text: product!("tiled") },
    Source { name: "quantize", text: include_str!("../matmul/quantize.cu") },
    Source { name: "decode", text: include_str!("../attention/decode.cu") },
    Source { name: "extend", text: include_str!("../attention/extend.cu") },
    Source { name: "extend_hopper", text: include_str!("../attention/extend_hopper.cu") },
    Source { name: "sample", text: include_str!("../sample/kernel.cu") },
];

impl Source {
    /// Whether a kernel is in this source. Those that a macro names begin with the source's name.
    pub(super) fn defines(&self, kernel: &str) -> bool {
        self.text.contains(&format!(" {kernel}(")) || kernel.split('_').next() == Some(self.name)
    }

    /// The name of its machine code for an architecture, which changes with the text and the options.
    pub fn file_name(&self, architecture: &str) -> String {
        format!("{}-{architecture}-{}.cubin", self.name, &self.hash(architecture).finalize().to_hex()[..24])
    }

    /// A hash of the text and of the options.
    pub(super) fn hash(&self, architecture: &str) -> blake3::Hasher {
        let mut hash = blake3::Hasher::new();
        hash.update(self.full_text().as_bytes());
        for option in super::nvrtc::options(architecture) {
            hash.update(option.as_bytes());
        }
        hash
    }

    /// The whole text that is compiled.
    pub fn full_text(&self) -> String {
        format!("{PRELUDE}\n#line 1 \"{}\"\n{}", self.name, self.text)
    }
}

/// The architecture whose instructions the kernels use on a device: Hopper's own where it is one.
pub(super) fn architecture(major: i32, minor: i32) -> String {
    let suffix = if (major, minor) == (9, 0) { "a" } else { "" };
    format!("sm_{major}{minor}{suffix}")
}

//! The seam between scheduling and computing.

use sgl_kernels::{KvCache, ThreadPool};
use sgl_model::{Answer, Ask, Batch, CudaTransformer, Scratch, Transformer};

/// What runs batches: the model with its cache. Tests have one that computes nothing.
pub(crate) trait Forward: std::fmt::Debug {
    /// Most tokens of a sequence.
    fn context(&self) -> usize;
    /// Logits per row.
    fn vocabulary(&self) -> usize;
    /// Runs a batch. `logits` becomes `[outputs, vocabulary]`. The error says what the device said.
    fn forward(&mut self, batch: &Batch<'_>, logits: &mut Vec<f32>) -> Result<(), String>;

    /// Most sequences of a batch.
    fn sequences(&self) -> usize {
        usize::MAX
    }

    /// Whether it draws and scores itself, so that logits need not leave it.
    fn draws(&self) -> bool {
        false
    }

    /// Runs a batch and answers one ask per output; the rows of logits that are answers go to `logits`, in order.
    fn answer(
        &mut self,
        batch: &Batch<'_>,
        asks: &[Ask<'_>],
        answers: &mut Vec<Answer>,
        logits: &mut Vec<f32>,
    ) -> Result<(), String> {
        answers.clear();
        answers.resize(asks.len(), Answer::Logits);
        self.forward(batch, logits)
    }
}

/// A transformer on the CPU.
#[derive(Debug)]
pub(crate) struct Cpu {
    pub(crate) transformer: Transformer,
    pub(crate) pool: ThreadPool,
    pub(crate) scratch: Scratch,
    pub(crate) cache: KvCache,
}

impl Forward for Cpu {
    fn context(&self) -> usize {
        self.transformer.config().context
    }

    fn vocabulary(&self) -> usize {
        self.transformer.config().vocabulary
    }

    fn forward(&mut self, batch: &Batch<'_>, logits: &mut Vec<f32>) -> Result<(), String> {
        let Self { transformer, pool, scratch, cache } = self;
        transformer.forward(pool, scratch, cache, batch, logits).map_err(|error| error.to_string())
    }
}

/// A transformer on a CUDA device.
#[derive(Debug)]
pub(crate) struct Cuda {
    pub(crate) transformer: CudaTransformer,
}

impl Forward for Cuda {
    fn context(&self) -> usize {
        self.transformer.config().context
    }

    fn vocabulary(&self) -> usize {
        self.transformer.config().vocabulary
    }

    fn sequences(&self) -> usize {
        self.transformer.sequences()
    }

    fn draws(&self) -> bool {
        true
    }

    fn forward(&mut self, batch: &Batch<'_>, logits: &mut Vec<f32>) -> Result<(), String> {
        let asks: Vec<Ask<'_>> = batch.outputs.iter().map(|_| Ask::Logits).collect();
        self.answer(batch, &asks, &mut Vec::new(), logits)
    }

    fn answer(
        &mut self,
        batch: &Batch<'_>,
        asks: &[Ask<'_>],
        answers: &mut Vec<Answer>,
        logits: &mut Vec<f32>,
    ) -> Result<(), String> {
        let most = self.transformer.outputs();
        if asks.len() <= most {
            return self.transformer.run(batch, asks, answers, logits).map_err(|error| error.to_string());
        }
        // More outputs than there is room for: the same pass again for the next ones. It writes the same keys and values.
        answers.clear();
        logits.clear();
        let (mut some_answers, mut some_logits) = (Vec::new(), Vec::new());
        for (outputs, asks) in batch.outputs.chunks(most).zip(asks.chunks(most)) {
            let part = Batch { outputs, ..*batch };
            self.transformer
                .run(&part, asks, &mut some_answers, &mut some_logits)
                .map_err(|error| error.to_string())?;
            answers.append(&mut some_answers);
            logits.append(&mut some_logits);
        }
        Ok(())
    }
}

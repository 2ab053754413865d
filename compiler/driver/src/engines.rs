//! The models that a program runs on: the one that is asked where none is named, and those that it names.

use crate::compile::Compiled;
use crate::demand;
use crate::models::{DEFAULT_MODEL, Store};
use anyhow::{Context, Result};
use sgl_constrain::{ImageError, ImageWords};
use sgl_engine::{Engine, EngineOptions, StoreOptions};
use sgl_protocol::{Fleet, LanguageModel};
use sgl_source::{Code, Diagnostic, FileId, Span};
use sgl_vm::image::Image;
use sgl_vm::{Carried, RunOptions};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Threads that the engine takes if none are asked for: more gain nothing for models that fit a small machine.
pub(crate) const THREADS_MAX: usize = 16;

/// What an engine is loaded with if nothing else is said.
pub(crate) fn options(threads: Option<usize>) -> EngineOptions {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    EngineOptions { threads: threads.unwrap_or(cores.min(THREADS_MAX)).max(1), ..EngineOptions::default() }
}

/// Which models a program needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// What `--model` would take, each once; the first is asked where none is named.
    specs: Vec<String>,
    /// Which of them a name of the program stands for.
    names: Vec<(String, usize)>,
}

impl Wanted {
    /// The models that these functions of a program can ask. `own` is what the command line says of the model that is
    /// asked where none is named.
    ///
    /// # Errors
    /// An E0906 per model that is bound to nothing.
    pub(crate) fn of(
        compiled: &Compiled,
        image: &Image,
        functions: impl IntoIterator<Item = u32>,
        own: Option<&str>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let project = &compiled.project;
        let own = own.or(project.defaults.model.as_deref()).unwrap_or(DEFAULT_MODEL);
        let mut wanted = Self { specs: vec![project.model(own)], names: Vec::new() };
        let asked: BTreeSet<&str> =
            functions.into_iter().flat_map(|function| demand::models(image, function)).collect();
        let mut faults = Vec::new();
        for model in image.models.iter().filter(|model| asked.contains(model.name.as_str())) {
            let bound = project.models.contains_key(&model.name).then_some(&model.name).or(model.of.as_ref());
            match bound {
                Some(bound) => wanted.add(&model.name, project.model(bound)),
                None => {
                    let message = format!("the model `{}` is bound to nothing", model.name);
                    let help = format!("write into `sgl.toml`, under `[models]`: `{} = \"…\"`", model.name);
                    let at = Span { file: FileId(model.at.file), start: model.at.start, end: model.at.end };
                    faults.push(Diagnostic::error(Code::E0906, message, at, "declared here").with_help(help));
                }
            }
        }
        if faults.is_empty() { Ok(wanted) } else { Err(faults) }
    }

    fn add(&mut self, name: &str, spec: String) {
        let index = self.specs.iter().position(|known| *known == spec).unwrap_or_else(|| {
            self.specs.push(spec);
            self.specs.len() - 1
        });
        self.names.push((name.to_string(), index));
    }

    /// All of them in words: what a record says answered.
    pub(crate) fn shown(&self) -> String {
        let names = self.names.iter().map(|(name, index)| format!("{name} = {}", self.specs[*index]));
        std::iter::once(self.specs[0].clone()).chain(names).collect::<Vec<_>>().join(", ")
    }

    /// Loads them; those that are not here are fetched. `kept` says what is kept beside their caches, if anything is.
    ///
    /// # Errors
    /// A model that can't be had, or has not the form that the engine reads.
    pub(crate) fn load(&self, options: EngineOptions, kept: Option<&StoreOptions>) -> Result<Engines> {
        let store = Store::of_user()?;
        let load = |spec: &String| {
            let path = store.resolve(spec)?;
            let wrong = || format!("can't load the model {}", path.display());
            let mut engine = Engine::load(&path, options).with_context(wrong)?;
            if let Some(kept) = kept {
                engine.open_store(&path, kept.clone()).context("`--hicache-storage`")?;
            }
            Ok(engine)
        };
        Ok(Engines { engines: self.specs.iter().map(load).collect::<Result<_>>()?, names: self.names.clone() })
    }
}

/// Models that are loaded.
#[derive(Debug)]
pub(crate) struct Engines {
    engines: Vec<Engine>,
    names: Vec<(String, usize)>,
}

impl Engines {
    /// Takes the constraints that an image carries. One that another version of the compiler made is left: it is made anew.
    ///
    /// # Errors
    /// A constraint that is damaged.
    pub(crate) fn adopt(&mut self, carried: &[Carried]) -> Result<()> {
        const REFUSED: &str = "the program carries a constraint that can't be used";
        for (shape, bytes) in carried {
            let words = sgl_constrain::image_words(bytes).ok_or(ImageError::Damaged("it has half a word"));
            let words: ImageWords = Arc::new(words.context(REFUSED)?);
            for engine in &mut self.engines {
                match engine.adopt(*shape, words.clone()) {
                    Ok(()) | Err(ImageError::Version { .. } | ImageError::Constraint(_)) => {}
                    Err(error) => return Err(error).context(REFUSED),
                }
            }
        }
        Ok(())
    }

    /// What keeps a function from being run on them: holes that can't close within their budgets.
    pub(crate) fn check(&mut self, image: &Image, function: u32, options: &RunOptions) -> Vec<Diagnostic> {
        let Self { engines, names } = self;
        let index = |hole: &sgl_vm::image::Hole| {
            names.iter().find(|(name, _)| Some(name) == hole.model.as_ref()).map_or(0, |(_, index)| *index)
        };
        // All are begun before the first is waited for.
        demand::known_holes(image, function).for_each(|hole| engines[index(hole)].prepare([&hole.shape]));
        let need =
            |hole: &sgl_vm::image::Hole| engines[index(hole)].need(&hole.shape).map_err(|error| error.to_string());
        demand::check(image, function, need, options.max_tokens_default, options.max_tokens_cap)
    }

    /// They as one model.
    pub(crate) fn into_model(mut self) -> Box<dyn LanguageModel> {
        if self.names.is_empty() && self.engines.len() == 1 {
            return Box::new(self.engines.remove(0));
        }
        let models = self.engines.into_iter().map(|engine| Box::new(engine) as Box<dyn LanguageModel>).collect();
        Box::new(Fleet::new(models, self.names))
    }
}

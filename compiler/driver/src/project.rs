//! `sgl.toml`: what a program's models, tools and defaults are, on this machine.
//!
//! It stands beside the program or in a folder above it. Everything in it is checked before anything runs: unknown keys,
//! values of another type, servers that are not defined.

mod reader;

use crate::sources::Sources;
use reader::{Reader, Table};
use sgl_source::{Code, Diagnostic, FileId, Files};
use sgl_tools::{Binding, Server};
use sgl_vm::RunOptions;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file's name.
pub const FILE: &str = "sgl.toml";

/// Folders above the program in which it is looked for.
const FOLDERS_MAX: usize = 64;

/// What `sgl.toml` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Project {
    /// Where it stands; paths in it are relative to this.
    pub folder: PathBuf,
    /// Models by the names that programs use: what `--model` would take.
    pub models: BTreeMap<String, String>,
    /// Tools by name.
    pub tools: BTreeMap<String, BoundTool>,
    /// What holds where neither the program nor the command line says otherwise.
    pub defaults: Defaults,
}

/// A tool and what it is bound to.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundTool {
    /// To what.
    pub binding: Binding,
    /// How long a call may take.
    pub timeout: Option<Duration>,
}

/// Defaults of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults {
    /// A name of `[models]`, or what `--model` takes.
    pub model: Option<String>,
    /// Temperature of holes that set none.
    pub temperature: Option<f64>,
    /// `max_tokens` of holes that set none.
    pub max_tokens: Option<u32>,
    /// Seed of all sampling.
    pub seed: Option<u64>,
}

impl Defaults {
    /// Options of a run: what the command line says, else these.
    pub fn options(&self, seed: Option<u64>, temperature: Option<f64>) -> RunOptions {
        let plain = RunOptions::default();
        RunOptions {
            seed: seed.or(self.seed).unwrap_or(0),
            temperature: temperature.or(self.temperature),
            max_tokens_default: self.max_tokens.unwrap_or(plain.max_tokens_default),
            ..plain
        }
    }
}

impl Project {
    /// The project of a program: its file, and what is wrong with it. A program without one has an empty project.
    pub fn of(program: &str, sources: &dyn Sources, files: &mut Files) -> (Self, Vec<Diagnostic>) {
        let mut folder = Path::new(program).parent().map(Path::to_path_buf).unwrap_or_default();
        for _ in 0..FOLDERS_MAX {
            let path = folder.join(FILE);
            let name = path.to_string_lossy().into_owned();
            if let Ok(text) = sources.read(&name) {
                let file = files.add(&name, text.clone());
                return Self::parse(file, &text, &folder);
            }
            let Some(above) = sources.above(&folder) else { break };
            folder = above;
        }
        (Self::default(), Vec::new())
    }

    /// Reads the text of a project file that stands in `folder`.
    pub fn parse(file: FileId, text: &str, folder: &Path) -> (Self, Vec<Diagnostic>) {
        let mut reader = Reader { file, diagnostics: Vec::new() };
        let mut project = Self { folder: folder.to_path_buf(), ..Self::default() };
        if let Some(root) = reader.document(text) {
            project.root(&root, &mut reader);
        }
        (project, reader.diagnostics)
    }

    fn root(&mut self, root: &Table<'_>, reader: &mut Reader) {
        reader.known(root, "`sgl.toml`", &["defaults", "models", "servers", "tools"]);
        if let Some(defaults) = root.table("defaults", reader) {
            reader.known(&defaults, "`[defaults]`", &["model", "temperature", "max_tokens", "seed"]);
            self.defaults = Defaults {
                model: defaults.text("model", reader),
                temperature: defaults.number("temperature", reader),
                max_tokens: defaults.count("max_tokens", reader).and_then(|n| u32::try_from(n).ok()),
                seed: defaults.count("seed", reader),
            };
        }
        if let Some(models) = root.table("models", reader) {
            for name in models.names() {
                if let Some(model) = models.text(&name, reader) {
                    self.models.insert(name, model);
                }
            }
        }
        let mut servers = BTreeMap::new();
        if let Some(tables) = root.table("servers", reader) {
            for name in tables.names() {
                let Some(table) = tables.table(&name, reader) else { continue };
                reader.known(&table, "a server", &["command", "url", "headers"]);
                if let Some(server) = self.server(&table, reader) {
                    servers.insert(name, server);
                }
            }
        }
        if let Some(tables) = root.table("tools", reader) {
            for name in tables.names() {
                let Some(table) = tables.table(&name, reader) else { continue };
                if let Some(tool) = self.tool(&name, &table, &servers, reader) {
                    self.tools.insert(name, tool);
                }
            }
        }
    }

    fn server(&self, table: &Table<'_>, reader: &mut Reader) -> Option<Server> {
        let headers = table.headers(reader);
        match (table.has("command"), table.has("url")) {
            (true, false) => Some(Server::Stdio { line: table.texts("command", reader)?, folder: self.home() }),
            (false, true) => Some(Server::Http { url: table.url(reader)?, headers }),
            _ => {
                reader.say(Code::E0902, "a server has either a `command` or a `url`", table.span(), "here", None);
                None
            }
        }
    }

    fn tool(
        &self,
        name: &str,
        table: &Table<'_>,
        servers: &BTreeMap<String, Server>,
        reader: &mut Reader,
    ) -> Option<BoundTool> {
        reader.known(table, "a tool", &["command", "url", "headers", "mcp", "tool", "stdin", "timeout"]);
        let timeout = table.duration("timeout", reader);
        let kinds: Vec<&str> = ["command", "url", "mcp", "stdin"].into_iter().filter(|kind| table.has(kind)).collect();
        let binding = match kinds.as_slice() {
            ["command"] => Binding::Command { line: table.texts("command", reader)?, folder: self.home() },
            ["url"] => Binding::Endpoint { headers: table.headers(reader), url: table.url(reader)? },
            ["stdin"] => Binding::Lines,
            ["mcp"] => {
                let server = table.text("mcp", reader)?;
                let Some(found) = servers.get(&server) else {
                    let near = sgl_source::did_you_mean(&server, servers.keys().map(String::as_str));
                    let help = near.map_or_else(
                        || format!("define it: `[servers.{server}]` with `command = [\"…\"]` or `url = \"…\"`"),
                        |near| format!("did you mean `{near}`?"),
                    );
                    let message = format!("there is no server `{server}`");
                    reader.say(Code::E0902, message, table.span_of("mcp"), "unknown server", Some(help));
                    return None;
                };
                let tool = table.text("tool", reader).unwrap_or_else(|| name.to_string());
                Binding::Mcp { server: found.clone(), tool }
            }
            _ => {
                let message = format!("the tool `{name}` must be bound to one thing");
                let help = "give it one of `command = [\"…\"]`, `url = \"…\"`, `mcp = \"server\"`, `stdin = true`";
                reader.say(Code::E0902, message, table.span(), "here", Some(help.to_string()));
                return None;
            }
        };
        Some(BoundTool { binding, timeout })
    }

    /// The folder in which commands run.
    fn home(&self) -> Option<PathBuf> {
        Some(self.folder.clone()).filter(|folder| !folder.as_os_str().is_empty())
    }

    /// What `--model` would take for a name: of `[models]`, else the name itself. Paths are relative to the project.
    pub fn model(&self, name: &str) -> String {
        let found = self.models.get(name).map_or(name, String::as_str);
        let beside = self.folder.join(found);
        if self.models.contains_key(name) && beside.exists() {
            return beside.to_string_lossy().into_owned();
        }
        found.to_string()
    }
}

//! Runs a program's tools, as far as the user grants it.

use crate::grants::Grants;
use crate::project::Project;
use sgl_source::{Code, Diagnostic, FileId, Span, did_you_mean};
use sgl_tools::{Answer, Binding, Failure, Server, Toolbox};
use sgl_vm::image::{Entry, Image, Tool};
use sgl_vm::{Host, ToolAnswer, ToolError};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a tool may take if its binding does not say.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// Tools that are bound without a word in `sgl.toml`: name, what they use, what they are.
const BUILT_IN: &[(&str, &str, Binding)] = &[("read_line", "stdin", Binding::Lines)];

/// Runs tools.
#[derive(Debug)]
pub struct Tools<'a> {
    project: &'a Project,
    grants: Grants,
    toolbox: Toolbox,
    refused: Vec<ToolAnswer>,
}

impl<'a> Tools<'a> {
    /// Runs tools as the project binds them.
    pub fn new(project: &'a Project, grants: Grants) -> Self {
        Self { project, grants, toolbox: Toolbox::default(), refused: Vec::new() }
    }

    fn binding(project: &Project, tool: &Tool) -> Option<(Binding, Option<Duration>)> {
        if let Some(bound) = project.tools.get(&tool.name) {
            return Some((bound.binding.clone(), Some(bound.timeout.unwrap_or(TIMEOUT_DEFAULT))));
        }
        let (.., binding) = BUILT_IN.iter().find(|(name, uses, _)| *name == tool.name && tool.uses == [*uses])?;
        // A person may take any time.
        Some((binding.clone(), None))
    }

    /// What keeps an entry from being run: what it uses and is not granted, tools that are bound to nothing.
    pub fn check(&self, image: &Image, entry: &Entry) -> Vec<Diagnostic> {
        let tools = image.tools.iter().filter(|tool| tool.uses.iter().all(|of| entry.uses.contains(of)));
        self.check_use(image, &entry.name, entry.function, &entry.uses, tools)
    }

    /// What keeps a test or an eval from being run: its tools that are not granted, or bound to nothing.
    pub fn check_tools(&self, image: &Image, name: &str, function: u32, tools: &BTreeSet<u32>) -> Vec<Diagnostic> {
        let tools: Vec<&Tool> = tools.iter().map(|tool| &image.tools[*tool as usize]).collect();
        let uses: BTreeSet<&String> = tools.iter().flat_map(|tool| &tool.uses).collect();
        let uses: Vec<String> = uses.into_iter().cloned().collect();
        self.check_use(image, name, function, &uses, tools.into_iter())
    }

    fn check_use<'i>(
        &self,
        image: &Image,
        name: &str,
        function: u32,
        uses: &[String],
        tools: impl Iterator<Item = &'i Tool>,
    ) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let missing = self.grants.missing(uses);
        let place = image.functions[function as usize].places.first();
        let start = place.map_or(Span::new(FileId(0), 0, 0), |place| span(*place));
        if !missing.is_empty() {
            let list = missing.join(",");
            let what: Vec<&str> = sgl_hir::CAPABILITIES
                .iter()
                .filter(|(name, _)| missing.contains(name))
                .map(|(_, what)| *what)
                .collect();
            let message = format!("`{name}` wants to use {list}, which is not granted");
            found.push(
                Diagnostic::error(Code::E0904, message, start, format!("it reaches {}", what.join(", ")))
                    .with_help(format!("grant it: `--allow {list}`")),
            );
            return found;
        }
        for tool in tools {
            match Self::binding(self.project, tool) {
                None => found.push(self.unbound(tool)),
                Some((Binding::Mcp { .. }, _)) if !sgl_tools::MCP => found.push(
                    Diagnostic::error(
                        Code::E0104,
                        format!(
                            "the tool `{}` is bound to an MCP server, which this `sglc` was built without",
                            tool.name
                        ),
                        span(tool.at),
                        "declared here",
                    )
                    .with_help("build it with them, as is the default: `cargo install --path compiler/driver`"),
                ),
                Some((binding, _)) => {
                    let permitted = self.grants.permit(&tool.name, &tool.uses, &binding);
                    if let Err((message, help)) = permitted.and_then(|()| filled(&binding).map(|_| ())) {
                        found.push(
                            Diagnostic::error(Code::E0904, message, span(tool.at), "declared here").with_help(help),
                        );
                    }
                }
            }
        }
        found
    }

    fn unbound(&self, tool: &Tool) -> Diagnostic {
        let near = did_you_mean(&tool.name, self.project.tools.keys().map(String::as_str));
        let help = match near {
            Some(near) => format!("`sgl.toml` binds `{near}`; did you mean that?"),
            None => format!(
                "write into `sgl.toml`: `[tools.{}]` with `command = [\"…\"]`, `url = \"…\"` or `mcp = \"…\"`",
                tool.name
            ),
        };
        let message = format!("the tool `{}` is bound to nothing", tool.name);
        Diagnostic::error(Code::E0905, message, span(tool.at), "declared here, without a body").with_help(help)
    }
}

fn span(place: sgl_vm::image::Place) -> Span {
    Span { file: FileId(place.file), start: place.start, end: place.end }
}

impl Host for Tools<'_> {
    fn start(&mut self, number: u64, tool: &Tool, arguments: serde_json::Value) {
        let mut refuse = |message: String, help: String| {
            self.refused.push(ToolAnswer { number, result: Err(ToolError::Refused { message, help }) });
        };
        let Some((binding, timeout)) = Self::binding(self.project, tool) else {
            let help = format!("bind it in `sgl.toml`: `[tools.{}]`", tool.name);
            return refuse(format!("the tool `{}` is bound to nothing", tool.name), help);
        };
        if let Err((message, help)) = self.grants.permit(&tool.name, &tool.uses, &binding) {
            return refuse(message, help);
        }
        let binding = match filled(&binding) {
            Ok(binding) => binding,
            Err((message, help)) => return refuse(message, help),
        };
        let arguments = match arguments {
            serde_json::Value::Object(arguments) => arguments,
            _ => serde_json::Map::new(),
        };
        self.toolbox.start(number, &binding, arguments, timeout);
    }

    fn poll(&mut self, patience: Duration, answers: &mut Vec<ToolAnswer>) {
        answers.append(&mut self.refused);
        let patience = if answers.is_empty() { patience } else { Duration::ZERO };
        let mut came = Vec::new();
        self.toolbox.poll(patience, &mut came);
        answers.extend(came.into_iter().map(|Answer { number, result }| ToolAnswer {
            number,
            result: result.map_err(|failure| match failure {
                Failure::Failed(why) => ToolError::Failed(why),
                late @ Failure::Late(_) => ToolError::Late(late.to_string()),
            }),
        }));
    }

    fn cancel(&mut self, number: u64) {
        self.toolbox.cancel(number);
    }
}

/// The binding with the variables of its headers filled in: `${NAME}` is that variable of the environment. An error is what
/// is wrong, and what to do about it.
fn filled(binding: &Binding) -> Result<Binding, (String, String)> {
    let mut binding = binding.clone();
    let headers = match &mut binding {
        Binding::Endpoint { headers, .. } | Binding::Mcp { server: Server::Http { headers, .. }, .. } => headers,
        Binding::Command { .. } | Binding::Lines | Binding::Mcp { server: Server::Stdio { .. }, .. } => {
            return Ok(binding);
        }
    };
    for value in headers.values_mut() {
        let mut out = String::new();
        let mut rest = value.as_str();
        while let Some((before, (name, tail))) = rest.split_once("${").and_then(|(b, a)| Some((b, a.split_once('}')?)))
        {
            let variable = std::env::var(name).map_err(|_| {
                (format!("the variable `{name}` of a header is not set"), format!("set it: `export {name}=…`"))
            })?;
            out.push_str(before);
            out.push_str(&variable);
            rest = tail;
        }
        out.push_str(rest);
        *value = out;
    }
    Ok(binding)
}

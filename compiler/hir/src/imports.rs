//! What a module imports, before anything is loaded.

use sgl_source::Span;
use sgl_syntax::ast::{Import, ItemKind, Module};

/// An import as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRequest {
    /// `./shots`, or `std.stats`.
    pub path: String,
    /// Whether it is relative to the importing file.
    pub relative: bool,
    /// The path in the source.
    pub span: Span,
}

/// The imports of a module, in order.
pub fn imports(module: &Module) -> Vec<ImportRequest> {
    let import = |item: &sgl_syntax::ast::Item| match &item.kind {
        ItemKind::Import(import) => Some(request(import)),
        _ => None,
    };
    module.items.iter().filter_map(import).collect()
}

pub(crate) fn request(import: &Import) -> ImportRequest {
    let path = import.path.iter().map(|name| name.value.as_str()).collect::<Vec<_>>().join(".");
    let span = import.path.iter().map(|name| name.span).reduce(Span::to);
    ImportRequest { path, relative: import.relative, span: span.expect("an import has a path") }
}

/// The name under which the importing module knows it.
pub(crate) fn local_name(import: &Import) -> String {
    match &import.alias {
        Some(alias) => alias.value.clone(),
        None => {
            let last = import.path.last().map_or("", |name| name.value.as_str());
            last.rsplit(['/', '.']).next().unwrap_or_default().to_string()
        }
    }
}

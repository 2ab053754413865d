//! `sglc inspect`: what is in an image, without running it.

use crate::arguments::InspectArguments;
use crate::demand;
use crate::packaged::{self, hex};
use crate::{Outcome, report};
use serde_json::{Value as Json, json};
use sgl_hir::json_schema;
use sgl_vm::Package;
use sgl_vm::image::{Entry, Image};

/// Prints what the image holds and what it may reach.
pub(super) fn run(arguments: &InspectArguments) -> Outcome {
    let found = packaged::read(&arguments.image).and_then(|(package, bytes)| {
        if let Some(key) = &arguments.trust {
            packaged::trust(&arguments.image, &package, key)?;
        }
        Ok((package, bytes))
    });
    match found {
        Ok((package, bytes)) => {
            let facts = facts(&package, bytes);
            report::result(&if arguments.json { format!("{facts:#}") } else { page(&facts) });
            Outcome::Fine
        }
        Err(message) => {
            report::error(&message);
            Outcome::Failed
        }
    }
}

/// Everything that is said of an image.
fn facts(package: &Package, bytes: usize) -> Json {
    let image = &package.image;
    let tool = |tool: &sgl_vm::image::Tool| json!({ "name": tool.name, "uses": tool.uses });
    json!({
        "format": package.version,
        "bytes": bytes,
        "hash": hex(&package.hash),
        "signer": package.signer.map(|signer| hex(&signer)),
        "files": image.files,
        "sources": !package.sources.is_empty(),
        "instructions": image.functions.iter().map(|function| function.code.len()).sum::<usize>(),
        "entries": image.entries.iter().map(|entry| entry_facts(image, entry)).collect::<Vec<_>>(),
        "tools": image.tools.iter().map(tool).collect::<Vec<_>>(),
        "constraints": constraint_facts(package),
        "models": image.models.iter().map(|model| &model.name).collect::<Vec<_>>(),
    })
}

/// The constraints that it carries: of how many shapes, in how many bytes.
fn constraint_facts(package: &Package) -> Json {
    let mut shapes: Vec<&[u8; 32]> = package.constraints.iter().map(|(shape, _)| shape).collect();
    shapes.dedup();
    let bytes: usize = package.constraints.iter().map(|(_, image)| image.len()).sum();
    json!({ "shapes": shapes.len(), "images": package.constraints.len(), "bytes": bytes })
}

fn entry_facts(image: &Image, entry: &Entry) -> Json {
    let schema = |shape| serde_json::from_str(&json_schema(shape)).unwrap_or(Json::Null);
    let parameters = entry.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "doc": parameter.doc,
            "required": parameter.default.is_none(),
            "schema": schema(&parameter.shape),
        })
    });
    let holes = demand::holes(image, entry.function).into_iter().filter_map(|hole| image.holes.get(hole as usize));
    let holes = holes.map(|hole| {
        json!({
            "name": hole.label,
            "place": image.place_name(hole.at),
            "model": hole.model,
            "max_tokens": hole.max_tokens,
            "schema": schema(&hole.shape),
        })
    });
    json!({
        "name": entry.name,
        "doc": entry.doc,
        "kind": if entry.prompt { "prompt" } else { "fn" },
        "uses": entry.uses,
        "parameters": parameters.collect::<Vec<_>>(),
        "result": schema(&entry.result),
        "holes": holes.collect::<Vec<_>>(),
    })
}

/// The same for people.
fn page(facts: &Json) -> String {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_string);
    let list = |value: &Json| value.as_array().map(|all| all.iter().map(text).collect::<Vec<_>>().join(", "));
    let mut out = format!(
        "format {}, {} bytes, {} instructions\nhash {}\n",
        facts["format"],
        facts["bytes"],
        facts["instructions"],
        text(&facts["hash"])
    );
    out.push_str(&match facts["signer"].as_str() {
        Some(signer) => format!("signed by {signer}\n"),
        None => "not signed\n".to_string(),
    });
    let kept = if facts["sources"] == true { "with their text" } else { "without their text" };
    out.push_str(&format!("files {} ({kept})\n", list(&facts["files"]).unwrap_or_default()));
    if facts["constraints"]["images"] != 0 {
        let carried = &facts["constraints"];
        out.push_str(&format!("constraints of {} shapes, {} bytes\n", carried["shapes"], carried["bytes"]));
    }
    for (what, names) in [("models", list(&facts["models"])), ("tools", list(&names_of(&facts["tools"])))] {
        let names = names.filter(|names| !names.is_empty());
        out.push_str(&names.map(|names| format!("{what} {names}\n")).unwrap_or_default());
    }
    for entry in facts["entries"].as_array().into_iter().flatten() {
        out.push_str(&format!("\n{} {}\n", text(&entry["kind"]), text(&entry["name"])));
        if let Some(uses) = list(&entry["uses"]).filter(|uses| !uses.is_empty()) {
            out.push_str(&format!("  uses {uses}\n"));
        }
        for parameter in entry["parameters"].as_array().into_iter().flatten() {
            let required = if parameter["required"] == true { "" } else { " (has a default)" };
            out.push_str(&format!("  takes {}: {}{required}\n", text(&parameter["name"]), parameter["schema"]));
        }
        out.push_str(&format!("  gives {}\n", entry["result"]));
        for hole in entry["holes"].as_array().into_iter().flatten() {
            let most = hole["max_tokens"].as_u64().map_or(String::new(), |most| format!(", at most {most} tokens"));
            out.push_str(&format!(
                "  asks {} at {}{most}: {}\n",
                text(&hole["name"]),
                text(&hole["place"]),
                hole["schema"]
            ));
        }
    }
    out.trim_end().to_string()
}

fn names_of(items: &Json) -> Json {
    items.as_array().map(|all| all.iter().map(|item| item["name"].clone()).collect()).unwrap_or_default()
}

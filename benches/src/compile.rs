//! Each compile stage in MB/s of source, over all examples repeated as separate programs.

use crate::median;
use sgl_source::Files;
use std::fs;
use std::hint::black_box;
use std::path::Path;

/// Calls per stage, of which the median counts.
const ROUNDS: usize = 15;

/// Prints a line per stage.
pub(crate) fn run() -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut texts: Vec<String> = fs::read_dir(&folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "sgl"))
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect();
    texts.sort();
    let bytes: usize = texts.iter().map(String::len).sum();
    let mut files = Files::default();
    let ids: Vec<_> = texts.iter().map(|text| files.add("example.sgl", text.clone())).collect();

    let parse = |index: usize| sgl_syntax::parse(ids[index], &texts[index]);
    let trees: Vec<_> = (0..texts.len())
        .map(|index| sgl_hir::SourceModule {
            file: ids[index],
            name: "example".into(),
            ast: parse(index).module,
            targets: Vec::new(),
        })
        .collect();
    let programs: Vec<_> = trees.iter().map(|tree| sgl_hir::check(tree, &[]).program).collect();
    let plans: Vec<_> = programs.iter().map(sgl_ir::lower).collect();

    println!("{bytes} bytes of source, {} programs, median of {ROUNDS}", texts.len());
    let line = |name: &str, seconds: f64| {
        println!("{name:<10} {:>8.2} ms {:>8.2} MB/s", seconds * 1e3, bytes as f64 / 1e6 / seconds);
    };
    line(
        "lex, dump",
        median::seconds(ROUNDS, || texts.iter().for_each(|t| drop(black_box(sgl_syntax::dump::tokens(t))))),
    );
    line("parse", median::seconds(ROUNDS, || (0..texts.len()).for_each(|i| drop(black_box(parse(i))))));
    line("check", median::seconds(ROUNDS, || trees.iter().for_each(|t| drop(black_box(sgl_hir::check(t, &[]))))));
    line("lower", median::seconds(ROUNDS, || programs.iter().for_each(|p| drop(black_box(sgl_ir::lower(p))))));
    line(
        "optimize",
        median::seconds(ROUNDS, || plans.iter().for_each(|p| drop(black_box(sgl_ir::optimize(p.clone()))))),
    );
    line("emit", median::seconds(ROUNDS, || plans.iter().for_each(|p| drop(black_box(sgl_codegen::emit(p, &files))))));
    Ok(())
}

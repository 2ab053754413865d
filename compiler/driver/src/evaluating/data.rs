//! Rows of data, typed: JSON lines, or CSV whose first line names the fields.

use super::csv;
use crate::pictures;
use serde_json::Value as Json;
use sgl_protocol::Shape;
use sgl_vm::image::{DataFormat, Image};
use sgl_vm::{Pictures, Value};
use std::path::Path;

/// Most faults of a file that are listed.
const FAULTS_MAX: usize = 10;

/// A row as its text, which is what its hash is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Where it stands, from 1.
    pub(super) line: usize,
    pub(super) text: String,
}

impl Row {
    /// Its value. The rows were judged when they were read.
    pub(super) fn value(
        &self,
        folder: &Path,
        format: DataFormat,
        shape: &Shape,
        image: &Image,
    ) -> Result<Value, String> {
        // Images stand where the data stands.
        let picture = |text: &str| pictures::read(folder, text);
        match format {
            DataFormat::JsonLines => {
                let json: Json = serde_json::from_str(&self.text).map_err(|error| format!("not JSON: {error}"))?;
                sgl_vm::value_of_json_with(&json, shape, image, &picture)
            }
            DataFormat::Csv => {
                let cells: serde_json::Map<String, Json> =
                    serde_json::from_str(&self.text).map_err(|error| format!("not a row: {error}"))?;
                of_cells(&cells, shape, image, &picture)
            }
        }
    }
}

/// The rows of a file that fit; else every fault with its line.
pub(super) fn read(
    name: &str,
    text: &str,
    format: DataFormat,
    shape: &Shape,
    image: &Image,
) -> Result<Vec<Row>, String> {
    let rows = match format {
        DataFormat::JsonLines => json_lines(text),
        DataFormat::Csv => csv_rows(text).map_err(|why| format!("{name}: {why}"))?,
    };
    let mut faults: Vec<String> = Vec::new();
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    for row in &rows {
        if let Err(why) = row.value(folder, format, shape, image) {
            faults.push(format!("{name}, line {}: {why}", row.line));
        }
    }
    if rows.is_empty() {
        return Err(format!("{name} has no rows"));
    }
    if faults.is_empty() {
        return Ok(rows);
    }
    let more = faults.len().saturating_sub(FAULTS_MAX);
    faults.truncate(FAULTS_MAX);
    if more > 0 {
        faults.push(format!("… and {more} more"));
    }
    Err(faults.join("\n"))
}

fn json_lines(text: &str) -> Vec<Row> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| Row { line: at + 1, text: line.trim().to_string() }).collect()
}

/// Each row as a JSON object of texts.
fn csv_rows(text: &str) -> Result<Vec<Row>, String> {
    let mut records = csv::records(text)?.into_iter();
    let Some((_, headers)) = records.next() else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    for (line, cells) in records {
        if cells.len() != headers.len() {
            return Err(format!("line {line} has {} fields, the first line has {}", cells.len(), headers.len()));
        }
        let cells: serde_json::Map<String, Json> =
            headers.iter().cloned().zip(cells.into_iter().map(Json::String)).collect();
        rows.push(Row { line, text: Json::Object(cells).to_string() });
    }
    Ok(rows)
}

/// A record from cells: each is read as a flag of the command line is; an empty one is `none` where that is possible.
fn of_cells(
    cells: &serde_json::Map<String, Json>,
    shape: &Shape,
    image: &Image,
    pictures: &Pictures<'_>,
) -> Result<Value, String> {
    let Shape::Record { fields, .. } = shape else {
        return Err("rows of a CSV file are a struct or a record".to_string());
    };
    let mut object = serde_json::Map::new();
    for field in fields {
        let Some(Json::String(cell)) = cells.get(&field.name) else {
            let columns: Vec<&str> = cells.keys().map(String::as_str).collect();
            let hint = crate::report::hint(&field.name, columns.iter().copied());
            return Err(format!("there is no column `{}`{hint}", field.name));
        };
        if field.shape == Shape::Image {
            object.insert(field.name.clone(), Json::String(cell.clone()));
            continue;
        }
        let value = sgl_vm::value_of_flag(cell, &field.shape, image).or_else(|why| {
            if cell.is_empty() {
                sgl_vm::value_of_json(&Json::Null, &field.shape, image).map_err(|_| why)
            } else {
                Err(why)
            }
        });
        let value = value.map_err(|why| format!("column `{}`: {why}", field.name))?;
        object.insert(field.name.clone(), sgl_vm::json_of_value(&value, image));
    }
    sgl_vm::value_of_json_with(&Json::Object(object), shape, image, pictures)
}

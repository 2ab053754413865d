//! What another server has to be asked to do the same work: one line of JSON per request.
//!
//! A request names those that must have ended before it (`after`), so that a client asks as concurrently as the program did. Its
//! transcripts are those of our run, whatever the server answers, and it may generate as many tokens as were generated here.

use super::gbnf::grammar;
use super::watch::{Asked, Seen, What};
use serde_json::json;
use sgl_protocol::Shape;

/// All requests that ended, in the order in which they were asked.
pub(super) fn lines(seen: &Seen) -> String {
    let mut texts = vec![Vec::new(); seen.asked.len()];
    for beginning in &seen.beginnings {
        if let Some(place) = seen.places.get(&beginning.request) {
            texts[*place].clone_from(&beginning.texts);
        }
    }
    let mut lines = String::new();
    for (place, asked) in seen.asked.iter().enumerate() {
        lines.push_str(&line(place, asked, &texts[place]).to_string());
        lines.push('\n');
    }
    lines
}

fn line(place: usize, asked: &Asked, texts: &[String]) -> serde_json::Value {
    match &asked.what {
        What::Text(generate) => {
            let mut stops = generate.stop.clone();
            if let Shape::Text { until: Some(until), .. } = &generate.shape {
                stops.push(until.clone());
            }
            json!({
                "id": place,
                "after": asked.after,
                "texts": texts,
                "max_tokens": asked.generated.max(1),
                "temperature": generate.sampling.temperature,
                "top_p": generate.sampling.top_p,
                "seed": generate.sampling.seed & 0x7fff_ffff,
                "stop": stops,
                "grammar": grammar(&generate.shape),
            })
        }
        // A score is read from the outputs of the prompt: one token more is the least that a server gives for that.
        What::Scores => json!({
            "id": place,
            "after": asked.after,
            "texts": texts,
            "max_tokens": 1,
            "temperature": 0.0,
            "top_p": 1.0,
            "seed": 0,
            "stop": [],
            "grammar": null,
        }),
    }
}

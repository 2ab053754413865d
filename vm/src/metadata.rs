//! What is known of a filled hole beside its value.

use crate::image::{Image, Metadata};
use crate::parse::parse;
use crate::trap::Fault;
use crate::value::Value;
use sgl_protocol::{Generated, Shape};
use std::time::Instant;

/// One kind of knowledge about a generated text.
pub(crate) fn metadata(
    kind: Metadata,
    of: &Generated,
    shape: &Shape,
    image: &Image,
    asked: Instant,
) -> Result<Value, Fault> {
    Ok(match kind {
        Metadata::Logprob => Value::Float(of.logprob),
        Metadata::Tokens => Value::Int(of.tokens.len() as i64),
        Metadata::Text => Value::text(&of.text),
        Metadata::Truncated => Value::Bool(of.truncated),
        Metadata::Milliseconds => Value::Int(asked.elapsed().as_millis() as i64),
        Metadata::Distribution => Value::Map(pairs(of, shape, image)?.into()),
        Metadata::Margin => {
            let mut sorted = of.distribution.clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
            Value::Float(at(0) - at(1))
        }
    })
}

fn pairs(of: &Generated, shape: &Shape, image: &Image) -> Result<Vec<(Value, Value)>, Fault> {
    let members = shape.members().unwrap_or_default();
    if members.len() != of.distribution.len() {
        return Err(Fault::new("the model gave no probability per member"));
    }
    let pair = |(member, probability): (&String, &f64)| {
        Ok((parse(member, shape, image).map_err(Fault::new)?, Value::Float(*probability)))
    };
    members.iter().zip(&of.distribution).map(pair).collect()
}

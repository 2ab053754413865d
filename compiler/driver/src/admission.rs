//! What a run may cost at most: `sglc run --limit`. The plan decides before a model is asked anything.
//!
//! The plan's bounds are in symbols; those that stand for a parameter are given the worth that it has in this call. A bound with a symbol
//! left is no bound: what the run itself shows, such as the turns of a loop that the model ends.

use crate::compile::Compiled;
use crate::tokens::Tokens;
use anyhow::{Result, anyhow, bail};
use sgl_plan::{Amount, Cost, cost, plan};
use sgl_protocol::Scripted;
use sgl_vm::image::{Entry, Image};
use sgl_vm::{RunOptions, Silent, Value};

/// What may be bounded.
const MEASURES: [&str; 4] = ["calls", "read", "written", "held"];

/// Bounds that a person sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limits(Vec<(&'static str, u64)>);

impl Limits {
    /// Reads `calls=20`, `written=4_000`.
    ///
    /// # Errors
    /// What is not of this form.
    pub(crate) fn parse(given: &[String]) -> Result<Self> {
        let limit = |text: &String| {
            let (name, count) =
                text.split_once('=').ok_or_else(|| anyhow!("`--limit {text}`: write `written=4000`"))?;
            let Some(name) = MEASURES.into_iter().find(|known| *known == name.trim()) else {
                bail!("`--limit {text}`: there are {}", MEASURES.join(", "));
            };
            let count = count.trim().replace('_', "").parse();
            Ok((name, count.map_err(|_| anyhow!("`--limit {text}`: the bound is a whole number"))?))
        };
        Ok(Self(given.iter().map(limit).collect::<Result<_>>()?))
    }

    /// Whether a call stays within them.
    ///
    /// # Errors
    /// Which bound it may exceed, or that there is none.
    pub(crate) fn admit(
        &self,
        compiled: &Compiled,
        image: &Image,
        entry: &Entry,
        values: &[Option<Value>],
        tokens: &Tokens,
    ) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let Some(ir) = &compiled.ir else { bail!("`--limit` needs the program's source: an image has no plan") };
        let Some(planned) = ir.entries.iter().find(|found| found.name == entry.name) else { return Ok(()) };
        let Ok(plan) = plan(ir, planned, &[]) else { bail!("`{}` calls so much that it has no plan", entry.name) };
        let cost = cost(&plan, tokens);
        let worths = worths(image, entry, values, tokens)?;
        for (name, most) in &self.0 {
            let bound = measure(&cost, name);
            match bound.at(&|symbol| worths.iter().find(|(known, _)| known == symbol).map(|(_, worth)| *worth)) {
                Some(bound) if bound <= *most => {}
                Some(bound) => bail!("`--limit {name}={most}`: this call may come to {bound}"),
                None => bail!(
                    "`--limit {name}={most}`: the plan has no bound, but {bound}; `sglc explain` shows where it comes from"
                ),
            }
        }
        Ok(())
    }
}

fn measure<'a>(cost: &'a Cost, name: &str) -> &'a Amount {
    match name {
        "calls" => &cost.calls,
        "read" => &cost.read,
        "written" => &cost.written,
        _ => &cost.held,
    }
}

/// What the symbols of each parameter are worth: its tokens as text, and how many elements it has.
fn worths(image: &Image, entry: &Entry, values: &[Option<Value>], tokens: &Tokens) -> Result<Vec<(String, u64)>> {
    let mut worths = Vec::new();
    for (parameter, value) in entry.parameters.iter().zip(values) {
        let value = match (value, parameter.default) {
            (Some(value), _) => value.clone(),
            (None, Some(function)) => default(image, entry, function)?,
            (None, None) => continue,
        };
        let text = sgl_vm::text_of(&value, image);
        worths.push((parameter.name.clone(), sgl_plan::Tokens::text(tokens, &text)));
        let length = match &value {
            Value::List(items) => items.len(),
            Value::Map(pairs) => pairs.len(),
            _ => continue,
        };
        worths.push((format!("|{}|", parameter.name), length as u64));
    }
    Ok(worths)
}

/// What a parameter is if it is not given.
fn default(image: &Image, entry: &Entry, function: u32) -> Result<Value> {
    let alone = Entry { function, prompt: false, parameters: Vec::new(), ..entry.clone() };
    let mut nobody = Scripted::new(Vec::new(), Box::new(|_| None));
    sgl_vm::run(image, &alone, Vec::new(), &mut nobody, &RunOptions::default(), &mut Silent)
        .map_err(|trap| anyhow!("{}", trap.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::compile;
    use crate::sources::Memory;

    const PROGRAM: &str = r#"
prompt one(name: Str) -> Str {
    user "Greet ${name}."
    assistant "$[greeting: Str, max_tokens: 8]"
    return greeting
}
pub prompt main(names: [Str] = ["Ada", "Ida"]) -> [Str] {
    return [one(name) for name in names]
}
pub prompt open() -> Int {
    user "Guess."
    var n = 0
    while n < 9 {
        assistant "$[guess: Int in 1..=9]"
        n = guess
    }
    return n
}
"#;

    /// What is said of a call with these limits; nothing if it may run.
    fn refused(entry: &str, names: Option<usize>, limits: &[&str]) -> Option<String> {
        let compiled = compile(&Memory(vec![("test.sgl".into(), PROGRAM.into())]), "test.sgl").expect("it is there");
        let image = compiled.image.as_ref().expect("it is right");
        let entry = image.entries.iter().find(|found| found.name == entry).expect("it is there");
        let names = names.map(|count| Value::list(vec![Value::text("Ada"); count]));
        let values: Vec<Option<Value>> = entry.parameters.iter().map(|_| names.clone()).collect();
        let (_, tokenizer, template) = sgl_engine::simulate::engine();
        let tokens = Tokens::new(tokenizer, Some(template));
        let limits: Vec<String> = limits.iter().map(|limit| (*limit).to_string()).collect();
        let admitted =
            Limits::parse(&limits).and_then(|limits| limits.admit(&compiled, image, entry, &values, &tokens));
        admitted.err().map(|error| error.to_string())
    }

    #[test]
    fn a_call_is_refused_if_its_bound_is_higher_or_if_it_has_none() {
        // Two names by default, and 8 tokens each.
        assert_eq!(refused("main", None, &["written=16", "calls=2"]), None);
        assert!(refused("main", None, &["written=15"]).is_some_and(|said| said.ends_with("may come to 16")));
        assert!(refused("main", Some(3), &["calls=2"]).is_some_and(|said| said.ends_with("may come to 3")));
        assert!(refused("open", None, &["calls=100"]).is_some_and(|said| said.contains("no bound, but turns")));
    }

    #[test]
    fn what_is_no_limit_is_said() {
        assert!(refused("main", None, &["tokens=5"]).is_some_and(|said| said.contains("calls, read, written, held")));
        assert!(refused("main", None, &["calls"]).is_some_and(|said| said.contains("`written=4000`")));
        assert!(refused("main", None, &["calls=many"]).is_some_and(|said| said.contains("whole number")));
    }
}

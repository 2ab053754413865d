//! Methods of lists.

use super::{count_of, optional, unknown};
use crate::image::{Binary, Image};
use crate::machine::Machine;
use crate::operation::{binary, bool_of, compare, insert, int_of, list_of, str_of, within};
use crate::task::Stop;
use crate::text::text_of;
use crate::trap::Fault;
use crate::value::{TaskId, Value, equal, within_depth};
use std::cmp::Ordering;

impl Machine<'_> {
    pub(super) fn list(&mut self, id: TaskId, method: &str, arguments: &[Value]) -> Result<Value, Stop> {
        let items = list_of(&arguments[0])?;
        match method {
            "map" => {
                let mapped = items.iter().map(|item| self.call(id, &arguments[1], vec![item.clone()]));
                Ok(Value::list(mapped.collect::<Result<_, _>>()?))
            }
            "fold" => {
                let mut folded = arguments[1].clone();
                for item in items.iter() {
                    folded = self.call(id, &arguments[2], vec![folded, item.clone()])?;
                }
                Ok(folded)
            }
            "filter" => {
                let mut kept = Vec::new();
                for item in items.iter() {
                    if self.holds(id, &arguments[1], item)? {
                        kept.push(item.clone());
                    }
                }
                Ok(Value::list(kept))
            }
            "any" => Ok(Value::Bool(self.position(id, items, &arguments[1], true)?.is_some())),
            "all" => Ok(Value::Bool(self.position(id, items, &arguments[1], false)?.is_none())),
            "find" => {
                let found = self.position(id, items, &arguments[1], true)?;
                Ok(optional(found.map(|at| items[at].clone())))
            }
            "count" => {
                let mut count = 0;
                for item in items.iter() {
                    count += i64::from(self.holds(id, &arguments[1], item)?);
                }
                Ok(Value::Int(count))
            }
            "sort_by" | "max_by" | "min_by" | "group_by" => {
                let ranks = items.iter().map(|item| self.call(id, &arguments[1], vec![item.clone()]));
                let ranks = ranks.collect::<Result<Vec<_>, _>>()?;
                Ok(ranked(method, items, ranks)?)
            }
            _ => Ok(plain(method, arguments, self.image, self.options.limits.elements)?),
        }
    }

    fn holds(&mut self, id: TaskId, closure: &Value, item: &Value) -> Result<bool, Stop> {
        Ok(bool_of(&self.call(id, closure, vec![item.clone()])?)?)
    }

    /// The first element for which the closure gives `wanted`.
    fn position(&mut self, id: TaskId, items: &[Value], closure: &Value, wanted: bool) -> Result<Option<usize>, Stop> {
        for (at, item) in items.iter().enumerate() {
            if self.holds(id, closure, item)? == wanted {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }
}

/// Those that call nothing.
pub(super) fn plain(method: &str, arguments: &[Value], image: &Image, limit: usize) -> Result<Value, Fault> {
    let items = list_of(&arguments[0])?;
    let pair = |a: Value, b: &Value| Value::Tuple(vec![a, b.clone()].into());
    Ok(match method {
        "len" => Value::Int(items.len() as i64),
        "is_empty" => Value::Bool(items.is_empty()),
        "first" => optional(items.first().cloned()),
        "last" => optional(items.last().cloned()),
        "get" => optional(get(items, int_of(&arguments[1])?)),
        "push" => {
            within(items.len() + 1, limit, "a list")?;
            Value::list(items.iter().chain([&arguments[1]]).cloned().collect())
        }
        "join" => {
            let between = str_of(&arguments[1])?;
            let mut text = String::new();
            within_depth(&arguments[0])?;
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { between } else { "" });
                text.push_str(&text_of(item, image));
                within(text.len(), limit, "a text")?;
            }
            Value::text(text)
        }
        "concat" => binary(Binary::Add, &arguments[0], &arguments[1], limit)?,
        "reverse" => Value::list(items.iter().rev().cloned().collect()),
        "sort" => ranked("sort_by", items, items.to_vec())?,
        "max" => ranked("max_by", items, items.to_vec())?,
        "min" => ranked("min_by", items, items.to_vec())?,
        "index_of" => {
            optional(items.iter().position(|item| equal(item, &arguments[1])).map(|at| Value::Int(at as i64)))
        }
        "contains" => Value::Bool(items.iter().any(|item| equal(item, &arguments[1]))),
        "sum" => {
            let mut items = items.iter();
            let first = items.next().cloned().unwrap_or(Value::Int(0));
            items.try_fold(first, |sum, item| binary(Binary::Add, &sum, item, limit))?
        }
        "unique" => {
            let mut seen: Vec<Value> = Vec::new();
            for item in items.iter() {
                if !seen.iter().any(|s| equal(s, item)) {
                    seen.push(item.clone());
                }
            }
            Value::list(seen)
        }
        "zip" => {
            Value::list(items.iter().zip(list_of(&arguments[1])?.iter()).map(|(a, b)| pair(a.clone(), b)).collect())
        }
        "enumerate" => {
            Value::list(items.iter().enumerate().map(|(at, item)| pair(Value::Int(at as i64), item)).collect())
        }
        "take" => Value::list(items.iter().take(count_of(&arguments[1], "a number of elements")?).cloned().collect()),
        "drop" => Value::list(items.iter().skip(count_of(&arguments[1], "a number of elements")?).cloned().collect()),
        "flatten" => {
            let mut all = Vec::new();
            for item in items.iter() {
                all.extend(list_of(item)?.iter().cloned());
                within(all.len(), limit, "a list")?;
            }
            Value::list(all)
        }
        other => return Err(unknown(&format!("list.{other}"))),
    })
}

fn get(items: &[Value], at: i64) -> Option<Value> {
    let from_end = if at < 0 { at + items.len() as i64 } else { at };
    items.get(usize::try_from(from_end).ok()?).cloned()
}

/// By what a closure gave per element. Equal ranks keep their order.
pub(super) fn ranked(method: &str, items: &[Value], ranks: Vec<Value>) -> Result<Value, Fault> {
    let order = |a: &Value, b: &Value| Ok::<_, Fault>(compare(a, b)?.unwrap_or(Ordering::Equal));
    match method {
        "group_by" => {
            let mut groups: Vec<(Value, Value)> = Vec::new();
            for (item, rank) in items.iter().zip(ranks) {
                match groups.iter_mut().find(|(key, _)| equal(key, &rank)) {
                    Some((_, Value::List(group))) => group.make_mut().push(item.clone()),
                    _ => insert(&mut groups, rank, Value::list(vec![item.clone()])),
                }
            }
            Ok(Value::Map(groups.into()))
        }
        "sort_by" => {
            if let [first, rest @ ..] = ranks.as_slice() {
                rest.iter().try_for_each(|rank| compare(first, rank).map(|_| ()))?;
            }
            let mut both: Vec<(Value, Value)> = ranks.into_iter().zip(items.iter().cloned()).collect();
            // Numbers that are not numbers go last, so that the order is total.
            both.sort_by(|(a, _), (b, _)| match compare(a, b) {
                Ok(Some(order)) => order,
                _ => is_nan(a).cmp(&is_nan(b)),
            });
            Ok(Value::list(both.into_iter().map(|(_, item)| item).collect()))
        }
        _ => {
            let wanted = if method == "max_by" { Ordering::Greater } else { Ordering::Less };
            let mut best: Option<usize> = None;
            for at in 0..ranks.len() {
                if best.map_or(Ok(true), |b| Ok::<_, Fault>(order(&ranks[at], &ranks[b])? == wanted))? {
                    best = Some(at);
                }
            }
            Ok(optional(best.map(|at| items[at].clone())))
        }
    }
}

fn is_nan(value: &Value) -> bool {
    matches!(value, Value::Float(x) if x.is_nan())
}

//! What built-ins give, by the kinds of their arguments. Code checks it where a value comes back.

use super::kind::Kind;

/// What a loop over a value of this kind goes over; none if it has no elements.
pub(super) fn elements(over: &Kind) -> Option<Kind> {
    Some(match over {
        Kind::List(item) => Kind::List(item.clone()),
        Kind::Map(key, value) => Kind::Map(key.clone(), value.clone()),
        Kind::Str => Kind::list(Kind::Str),
        // Most often; anything else gives up.
        Kind::Any => Kind::list(Kind::Any),
        _ => return None,
    })
}

/// What a built-in that calls nothing gives. `item` is the kind of the elements of its first argument.
pub(super) fn of_builtin(name: &str, arguments: &[Kind], item: Kind) -> Option<Kind> {
    let (family, method) = name.split_once('.')?;
    let first = arguments[0].some().clone();
    Some(match (family, method) {
        ("list", "len" | "count") => Kind::Int,
        ("list", "is_empty" | "contains") => Kind::Bool,
        ("list", "first" | "last" | "get" | "max" | "min") => Kind::maybe(item),
        ("list", "push") => Kind::list(item.join(&arguments[1].clone().contained())),
        ("list", "concat") => first.join(arguments[1].some()),
        ("list", "reverse" | "sort" | "unique" | "take" | "drop") => Kind::list(item),
        ("list", "index_of") => Kind::maybe(Kind::Int),
        ("list", "join") => Kind::Str,
        ("list", "sum") if item == Kind::Never => Kind::Int,
        ("list", "sum") => item,
        ("list", "zip") => {
            let Kind::List(other) = arguments[1].some() else { return Some(Kind::Any) };
            Kind::list(Kind::Tuple(vec![item, other.as_ref().clone()]))
        }
        ("list", "enumerate") => Kind::list(Kind::Tuple(vec![Kind::Int, item])),
        ("list", "flatten") => item,
        ("str", "len") => Kind::Int,
        ("str", "is_empty" | "contains" | "starts_with" | "ends_with") => Kind::Bool,
        ("str", "split" | "lines" | "words" | "chars") => Kind::list(Kind::Str),
        ("str", "find" | "to_int") => Kind::maybe(Kind::Int),
        ("str", "to_float") => Kind::maybe(Kind::Float),
        ("str", _) | ("any", "to_str" | "json") | ("json", "text") => Kind::Str,
        ("map", "len") | ("range" | "json", "len") => Kind::Int,
        ("map", method) => of_map(method, &first, arguments),
        ("int", "to_float") => Kind::Float,
        ("int", _) => Kind::Int,
        ("float", "abs" | "min" | "max" | "clamp" | "sqrt") => Kind::Float,
        ("float", _) => Kind::Int,
        ("range", "to_list") => Kind::list(Kind::Int),
        ("optional", "is_some") => Kind::Bool,
        ("optional", "or") => first.join(&arguments[1]),
        ("json", "keys") => Kind::list(Kind::Str),
        ("json", "is_null") => Kind::Bool,
        ("json", "as_str") => Kind::maybe(Kind::Str),
        ("json", "as_int") => Kind::maybe(Kind::Int),
        ("json", "as_float") => Kind::maybe(Kind::Float),
        ("json", "as_bool") => Kind::maybe(Kind::Bool),
        ("json", "as_list") => Kind::maybe(Kind::list(Kind::Any)),
        ("json", "as_map") => Kind::maybe(Kind::Map(Box::new(Kind::Str), Box::new(Kind::Any))),
        ("json" | "any", _) => Kind::Any,
        _ => return None,
    })
}

fn of_map(method: &str, map: &Kind, arguments: &[Kind]) -> Kind {
    let Kind::Map(key, value) = map else { return if method == "contains" { Kind::Bool } else { Kind::Any } };
    match method {
        "keys" => Kind::list(key.as_ref().clone()),
        "values" => Kind::list(value.as_ref().clone()),
        "get" => Kind::maybe(value.as_ref().clone()),
        "contains" => Kind::Bool,
        "insert" => {
            let at = |index: usize| arguments[index].clone().contained();
            Kind::Map(Box::new(key.join(&at(1))), Box::new(value.join(&at(2))))
        }
        "remove" => map.clone(),
        "entries" => Kind::list(Kind::Tuple(vec![key.as_ref().clone(), value.as_ref().clone()])),
        _ => Kind::Any,
    }
}

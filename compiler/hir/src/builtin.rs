//! Methods of the built-in types: name, name in the VM, parameters, result.

use crate::types::Type;
use Sig::{Bool, Elem, Float, Fn, Int, Key, List, Map, New, Own, Same, Str, Tuple, Value};

/// A type in a signature, relative to the receiver.
#[derive(Debug)]
pub(crate) enum Sig {
    Int,
    Float,
    Bool,
    Str,
    Json,
    Schema,
    /// The receiver's type.
    Own,
    /// The receiver's type without its bounds.
    Same,
    /// Element of the receiver, or what is in an optional.
    Elem,
    /// Key of the receiver.
    Key,
    /// Value of the receiver.
    Value,
    /// Any type, found by the argument.
    New,
    List(&'static Sig),
    Maybe(&'static Sig),
    Map(&'static Sig, &'static Sig),
    Tuple(&'static [Sig]),
    Fn(&'static [Sig], &'static Sig),
}

/// A method.
#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) vm: &'static str,
    pub(crate) parameters: &'static [Sig],
    pub(crate) result: Sig,
}

const fn m(name: &'static str, vm: &'static str, parameters: &'static [Sig], result: Sig) -> Method {
    Method { name, vm, parameters, result }
}

const MAYBE_INT: Sig = Sig::Maybe(&Int);
const MAYBE_JSON: Sig = Sig::Maybe(&Sig::Json);
const MAYBE_ELEM: Sig = Sig::Maybe(&Elem);
const TEST: Sig = Fn(&[Elem], &Bool);
const RANK: Sig = Fn(&[Elem], &New);

const STR: &[Method] = &[
    m("len", "str.len", &[], Int),
    m("is_empty", "str.is_empty", &[], Bool),
    m("upper", "str.upper", &[], Str),
    m("lower", "str.lower", &[], Str),
    m("trim", "str.trim", &[], Str),
    m("split", "str.split", &[Str], List(&Str)),
    m("lines", "str.lines", &[], List(&Str)),
    m("words", "str.words", &[], List(&Str)),
    m("chars", "str.chars", &[], List(&Str)),
    m("contains", "str.contains", &[Str], Bool),
    m("starts_with", "str.starts_with", &[Str], Bool),
    m("ends_with", "str.ends_with", &[Str], Bool),
    m("replace", "str.replace", &[Str, Str], Str),
    m("find", "str.find", &[Str], MAYBE_INT),
    m("slice", "str.slice", &[Int, Int], Str),
    m("repeat", "str.repeat", &[Int], Str),
    m("pad_start", "str.pad_start", &[Int, Str], Str),
    m("to_int", "str.to_int", &[], MAYBE_INT),
    m("to_float", "str.to_float", &[], Sig::Maybe(&Float)),
    m("read_json", "json.read", &[], MAYBE_JSON),
];

const PROMPT: &[Method] = &[m("text", "prompt.text", &[], Str)];

const LIST: &[Method] = &[
    m("len", "list.len", &[], Int),
    m("is_empty", "list.is_empty", &[], Bool),
    m("first", "list.first", &[], MAYBE_ELEM),
    m("last", "list.last", &[], MAYBE_ELEM),
    m("get", "list.get", &[Int], MAYBE_ELEM),
    m("push", "list.push", &[Elem], Same),
    m("concat", "list.concat", &[Same], Same),
    m("reverse", "list.reverse", &[], Own),
    m("sort", "list.sort", &[], Own),
    m("sort_by", "list.sort_by", &[RANK], Own),
    m("map", "list.map", &[RANK], List(&New)),
    m("filter", "list.filter", &[TEST], Same),
    m("fold", "list.fold", &[New, Fn(&[New, Elem], &New)], New),
    m("any", "list.any", &[TEST], Bool),
    m("all", "list.all", &[TEST], Bool),
    m("find", "list.find", &[TEST], MAYBE_ELEM),
    m("index_of", "list.index_of", &[Elem], MAYBE_INT),
    m("contains", "list.contains", &[Elem], Bool),
    m("join", "list.join", &[Str], Str),
    m("sum", "list.sum", &[], Elem),
    m("min", "list.min", &[], MAYBE_ELEM),
    m("max", "list.max", &[], MAYBE_ELEM),
    m("max_by", "list.max_by", &[RANK], MAYBE_ELEM),
    m("min_by", "list.min_by", &[RANK], MAYBE_ELEM),
    m("count", "list.count", &[TEST], Int),
    m("unique", "list.unique", &[], Same),
    m("zip", "list.zip", &[List(&New)], List(&Tuple(&[Elem, New]))),
    m("enumerate", "list.enumerate", &[], List(&Tuple(&[Int, Elem]))),
    m("take", "list.take", &[Int], Same),
    m("drop", "list.drop", &[Int], Same),
    m("flatten", "list.flatten", &[], Elem),
    m("group_by", "list.group_by", &[RANK], Map(&New, &Same)),
];

const MAP: &[Method] = &[
    m("len", "map.len", &[], Int),
    m("keys", "map.keys", &[], List(&Key)),
    m("values", "map.values", &[], List(&Value)),
    m("get", "map.get", &[Key], Sig::Maybe(&Value)),
    m("contains", "map.contains", &[Key], Bool),
    m("insert", "map.insert", &[Key, Value], Own),
    m("remove", "map.remove", &[Key], Own),
    m("entries", "map.entries", &[], List(&Tuple(&[Key, Value]))),
];

const INT: &[Method] = &[
    m("abs", "int.abs", &[], Int),
    m("min", "int.min", &[Int], Int),
    m("max", "int.max", &[Int], Int),
    m("clamp", "int.clamp", &[Int, Int], Int),
    m("pow", "int.pow", &[Int], Int),
    m("to_float", "int.to_float", &[], Float),
];

const FLOAT: &[Method] = &[
    m("abs", "float.abs", &[], Float),
    m("min", "float.min", &[Float], Float),
    m("max", "float.max", &[Float], Float),
    m("clamp", "float.clamp", &[Float, Float], Float),
    m("floor", "float.floor", &[], Int),
    m("ceil", "float.ceil", &[], Int),
    m("round", "float.round", &[], Int),
    m("to_int", "float.to_int", &[], Int),
    m("sqrt", "float.sqrt", &[], Float),
];

const RANGE: &[Method] = &[m("len", "range.len", &[], Int), m("to_list", "range.to_list", &[], List(&Int))];

const OPTIONAL: &[Method] = &[m("or", "optional.or", &[Elem], Elem), m("is_some", "optional.is_some", &[], Bool)];

const ANY: &[Method] = &[
    m("to_str", "any.to_str", &[], Str),
    m("json", "any.json", &[], Str),
    m("to_json", "any.to_json", &[], Sig::Json),
];

const JSON: &[Method] = &[
    m("get", "json.get", &[Str], MAYBE_JSON),
    m("at", "json.at", &[Int], MAYBE_JSON),
    m("keys", "json.keys", &[], List(&Str)),
    m("len", "json.len", &[], Int),
    m("is_null", "json.is_null", &[], Bool),
    m("as_str", "json.as_str", &[], Sig::Maybe(&Str)),
    m("as_int", "json.as_int", &[], MAYBE_INT),
    m("as_float", "json.as_float", &[], Sig::Maybe(&Float)),
    m("as_bool", "json.as_bool", &[], Sig::Maybe(&Bool)),
    m("as_list", "json.as_list", &[], Sig::Maybe(&List(&Sig::Json))),
    m("as_map", "json.as_map", &[], Sig::Maybe(&Map(&Str, &Sig::Json))),
    m("to_schema", "json.to_schema", &[], Sig::Maybe(&Sig::Schema)),
    m("text", "json.text", &[], Str),
];

const SCHEMA: &[Method] = &[m("text", "json.text", &[], Str)];

/// The methods that a type has.
pub(crate) fn methods(ty: &Type) -> impl Iterator<Item = &'static Method> {
    let own: &[Method] = match ty {
        Type::Str(_) | Type::Literal(_) => STR,
        Type::Union(members) if members.iter().all(|m| matches!(m, Type::Literal(_) | Type::Str(_))) => STR,
        Type::List { .. } => LIST,
        Type::Map(..) => MAP,
        Type::Int { .. } => INT,
        Type::Float { .. } => FLOAT,
        Type::Range => RANGE,
        Type::Optional(_) => OPTIONAL,
        Type::Json => JSON,
        Type::Schema => SCHEMA,
        Type::Prompt => PROMPT,
        _ => &[],
    };
    let any = if matches!(ty, Type::Function(..) | Type::Prompt | Type::Image | Type::Unit) { &[] } else { ANY };
    own.iter().chain(any)
}

/// What other languages call a method, and what it is called here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("length", "len"),
    ("size", "len"),
    ("append", "push"),
    ("add", "push"),
    ("includes", "contains"),
    ("has", "contains"),
    ("reduce", "fold"),
    ("sorted", "sort"),
    ("uppercase", "upper"),
    ("lowercase", "lower"),
    ("strip", "trim"),
    ("substring", "slice"),
    ("to_string", "to_str"),
    ("unwrap_or", "or"),
];

/// The method that a name from another language means, if the type has it.
pub(crate) fn known_elsewhere(name: &str, ty: &Type) -> Option<&'static str> {
    let exact = ELSEWHERE.iter().map(|(other, _)| *other).find(|other| *other == name);
    let near = exact.or_else(|| sgl_source::did_you_mean(name, ELSEWHERE.iter().map(|(other, _)| *other)))?;
    let (_, here) = ELSEWHERE.iter().find(|(other, _)| *other == near)?;
    methods(ty).find(|method| method.name == *here).map(|method| method.name)
}

/// The type that a signature means for a receiver; `new` is the type variable of this call.
pub(crate) fn instantiate(sig: &Sig, receiver: &Type, new: &Type) -> Type {
    let of = |sig: &Sig| instantiate(sig, receiver, new);
    match sig {
        Int => Type::int(),
        Float => Type::float(),
        Bool => Type::Bool,
        Str => Type::text(),
        Sig::Json => Type::Json,
        Sig::Schema => Type::Schema,
        Own => receiver.clone(),
        Same => match receiver {
            Type::List { item, .. } => Type::List { item: item.clone(), min: 0, max: None },
            other => other.clone(),
        },
        Elem => match receiver {
            Type::List { item, .. } | Type::Optional(item) => item.as_ref().clone(),
            Type::Range => Type::int(),
            _ => Type::Error,
        },
        Key => match receiver {
            Type::Map(key, _) => key.as_ref().clone(),
            _ => Type::Error,
        },
        Value => match receiver {
            Type::Map(_, value) => value.as_ref().clone(),
            _ => Type::Error,
        },
        New => new.clone(),
        List(item) => Type::list(of(item)),
        Sig::Maybe(inner) => of(inner).optional(),
        Map(k, v) => Type::Map(Box::new(of(k)), Box::new(of(v))),
        Tuple(items) => Type::Tuple(items.iter().map(of).collect()),
        Fn(parameters, result) => {
            let parameters = parameters.iter().map(of).collect();
            Type::Function(parameters, Box::new(of(result)))
        }
    }
}

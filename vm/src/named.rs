//! Which type of the image a shape names.

use crate::image::Image;
use crate::value::Value;
use sgl_protocol::{Field, Shape, Variant};

/// The record type of a [`Shape::Record`].
pub(crate) fn record(name: &str, fields: &[Field], image: &Image) -> Option<u32> {
    let matches = |r: &crate::image::RecordType| {
        r.name == name && r.fields.len() == fields.len() && r.fields.iter().zip(fields).all(|(n, f)| *n == f.name)
    };
    u32::try_from(image.records.iter().position(matches)?).ok()
}

/// The enum type of a [`Shape::Enum`].
pub(crate) fn plain_enum(name: &str, names: &[String], image: &Image) -> Option<u32> {
    let matches = |e: &crate::image::EnumType| {
        e.name == name && e.variants.len() == names.len() && e.variants.iter().zip(names).all(|(v, n)| v.name == *n)
    };
    u32::try_from(image.enums.iter().position(matches)?).ok()
}

/// The enum type of a [`Shape::Tagged`] with a name.
pub(crate) fn tagged_enum(name: &str, variants: &[Variant], image: &Image) -> Option<u32> {
    let payload = |v: &Variant| match &v.shape {
        Shape::Record { fields, .. } => fields.len(),
        _ => 1,
    };
    let matches = |e: &crate::image::EnumType| {
        let mut both = e.variants.iter().zip(variants);
        e.name == name
            && e.variants.len() == variants.len()
            && both.all(|(own, v)| own.name == v.name && own.fields.len() == payload(v))
    };
    u32::try_from(image.enums.iter().position(matches)?).ok()
}

/// The value of an alternative of a [`Shape::Tagged`] that has keys of its own: a variant of the enum, or, where the shape
/// has no name, the record itself.
pub(crate) fn tagged_value(
    name: &str,
    variants: &[Variant],
    index: usize,
    items: Vec<Value>,
    image: &Image,
) -> Option<Value> {
    if !name.is_empty() {
        let id = tagged_enum(name, variants, image)?;
        return Some(Value::Variant(u16::try_from(index).ok()?, id, items.into()));
    }
    match &variants[index].shape {
        Shape::Record { name, fields } => Some(Value::Record(record(name, fields, image)?, items.into())),
        _ => None,
    }
}

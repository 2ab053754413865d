//! References: resolved against a base (RFC 3986, section 5), and split from their fragment.

/// The reference in full, as seen from the base.
pub(super) fn resolve(base: &str, reference: &str) -> String {
    let (target, fragment) = split(reference);
    let resolved = without_fragment(split(base).0, target);
    match fragment {
        Some(fragment) => format!("{resolved}#{fragment}"),
        None => resolved,
    }
}

/// A URI without its fragment, and the fragment.
pub(super) fn split(uri: &str) -> (&str, Option<&str>) {
    match uri.split_once('#') {
        Some((before, fragment)) => (before, Some(fragment)),
        None => (uri, None),
    }
}

fn without_fragment(base: &str, target: &str) -> String {
    if target.is_empty() {
        return base.into();
    }
    if scheme(target).is_some() {
        return target.into();
    }
    let scheme = scheme(base).map_or_else(String::new, |scheme| format!("{scheme}:"));
    if target.starts_with("//") {
        return format!("{scheme}{target}");
    }
    let rest = &base[scheme.len()..];
    let authority_end = match rest.strip_prefix("//") {
        Some(after) => 2 + after.find(['/', '?']).unwrap_or(after.len()),
        None => 0,
    };
    let (authority, path) = rest.split_at(authority_end);
    let path = path.split('?').next().unwrap_or("");
    if let Some(query) = target.strip_prefix('?') {
        return format!("{scheme}{authority}{path}?{query}");
    }
    let (target_path, query) = match target.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (target, String::new()),
    };
    let merged = if target_path.starts_with('/') {
        target_path.to_string()
    } else if path.is_empty() && !authority.is_empty() {
        format!("/{target_path}")
    } else {
        let folder = path.rfind('/').map_or("", |slash| &path[..=slash]);
        format!("{folder}{target_path}")
    };
    format!("{scheme}{authority}{}{query}", without_dots(&merged))
}

fn scheme(uri: &str) -> Option<&str> {
    let (scheme, _) = uri.split_once(':')?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(fits)).then_some(scheme)
}

fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.split('/').collect();
    for (index, segment) in segments.iter().enumerate() {
        let last = index + 1 == segments.len();
        match *segment {
            "." if last => kept.push(""),
            "." => {}
            ".." => {
                if kept.len() > 1 || kept.first().is_some_and(|first| !first.is_empty()) {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    kept.join("/")
}

/// A fragment with its percent signs decoded; `None` if it is no UTF-8.
pub(super) fn decoded(fragment: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = fragment.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = || u8::from_str_radix(std::str::from_utf8(after.get(..2)?).ok()?, 16).ok();
        match hex() {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve_as_the_rfc_says() {
        let base = "http://a/b/c/d?q";
        for (reference, resolved) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d?y"),
            ("#s", "http://a/b/c/d?q#s"),
            ("", "http://a/b/c/d?q"),
            ("..", "http://a/b/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("urn:x:y", "urn:x:y"),
        ] {
            assert_eq!(resolve(base, reference), resolved, "{reference}");
        }
        assert_eq!(resolve("", "item.json"), "item.json");
        assert_eq!(resolve("urn:a:b", "#c"), "urn:a:b#c");
        assert_eq!(decoded("/a%25b~1c").as_deref(), Some("/a%b~1c"));
    }
}

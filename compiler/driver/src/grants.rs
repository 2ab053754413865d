//! What the user lets a program reach: `--allow net=example.org,stdin`.

use sgl_source::did_you_mean;
use sgl_tools::{Binding, Server};
use std::collections::{BTreeMap, BTreeSet};

/// What may be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Capabilities; with hosts, only these (`net`).
    granted: BTreeMap<String, Option<BTreeSet<String>>>,
}

impl Grants {
    /// Reads what stands after `--allow`, which may be given several times: names, and `net=host` for single hosts. What
    /// follows `net=host` and is no name of a capability is a further host.
    ///
    /// # Errors
    /// What is no capability, with what was meant.
    pub fn parse(given: &[String]) -> Result<Self, String> {
        let known = |name: &str| sgl_hir::CAPABILITIES.iter().any(|(capability, _)| *capability == name);
        let mut grants = Self::default();
        for list in given {
            let mut hosts_follow = false;
            for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
                match item.split_once('=') {
                    Some(("net", host)) => {
                        grants.host(host);
                        hosts_follow = true;
                    }
                    Some((name, _)) => return Err(format!("`--allow {name}` takes no `=`: only `net` has hosts")),
                    None if known(item) => {
                        grants.granted.insert(item.to_string(), None);
                        hosts_follow = false;
                    }
                    None if hosts_follow => grants.host(item),
                    None => {
                        let names = sgl_hir::CAPABILITIES.iter().map(|(name, _)| *name);
                        let hint = did_you_mean(item, names.clone()).map_or_else(
                            || format!("there is {}", names.collect::<Vec<_>>().join(", ")),
                            |near| format!("did you mean `{near}`?"),
                        );
                        return Err(format!("`--allow`: there is nothing called `{item}` to use; {hint}"));
                    }
                }
            }
        }
        Ok(grants)
    }

    fn host(&mut self, host: &str) {
        let entry = self.granted.entry("net".to_string()).or_insert_with(|| Some(BTreeSet::new()));
        if let Some(hosts) = entry {
            hosts.insert(host.to_lowercase());
        }
    }

    /// Which of these are not granted at all.
    pub fn missing<'a>(&self, uses: &'a [String]) -> Vec<&'a str> {
        uses.iter().map(String::as_str).filter(|name| !self.granted.contains_key(*name)).collect()
    }

    /// Why a tool that is bound so may not be called, and what to do about it.
    ///
    /// # Errors
    /// The reason and the way around it.
    pub fn permit(&self, tool: &str, uses: &[String], binding: &Binding) -> Result<(), (String, String)> {
        let missing = self.missing(uses);
        if !missing.is_empty() {
            let list = missing.join(",");
            return Err((format!("the tool `{tool}` may not use {list}"), format!("grant it: `--allow {list}`")));
        }
        let hosts = self.granted.get("net").and_then(Option::as_ref);
        match binding {
            Binding::Lines => Ok(()),
            Binding::Command { line, .. } | Binding::Mcp { server: Server::Stdio { line, .. }, .. } => {
                let program = line.first().map_or("", String::as_str);
                if !self.granted.contains_key("process") {
                    return Err((
                        format!("the tool `{tool}` is bound to the program `{program}`, which may not be started"),
                        "grant it: `--allow process`".to_string(),
                    ));
                }
                match hosts {
                    Some(_) if uses.iter().any(|of| of == "net") => Err((
                        format!("the program `{program}` of the tool `{tool}` can't be held to single hosts"),
                        "grant it all of the net: `--allow net`".to_string(),
                    )),
                    _ => Ok(()),
                }
            }
            Binding::Endpoint { url, .. } | Binding::Mcp { server: Server::Http { url, .. }, .. } => {
                let host = host_of(url);
                if !self.granted.contains_key("net") {
                    return Err((
                        format!("the tool `{tool}` is bound to {host}, which may not be reached"),
                        format!("grant it: `--allow net={host}`"),
                    ));
                }
                match hosts {
                    Some(hosts) if !hosts.contains(&host) => Err((
                        format!("the tool `{tool}` may not reach {host}"),
                        format!("grant it: `--allow net={host}`"),
                    )),
                    _ => Ok(()),
                }
            }
        }
    }
}

/// The host of an address, without port, in lower case.
fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(text: &str) -> Grants {
        Grants::parse(&[text.to_string()]).expect("it can be read")
    }

    fn endpoint(url: &str) -> Binding {
        Binding::Endpoint { url: url.into(), headers: BTreeMap::new() }
    }

    #[test]
    fn hosts_are_granted_one_by_one() {
        let net = ["net".to_string()];
        let some = grants("net=a.org,B.org,stdin");
        assert!(some.permit("t", &net, &endpoint("https://a.org/x")).is_ok());
        assert!(some.permit("t", &net, &endpoint("https://user:p@b.org:8080/x")).is_ok());
        let refused = some.permit("t", &net, &endpoint("http://a.org.evil.net/")).expect_err("another host");
        assert_eq!(refused.0, "the tool `t` may not reach a.org.evil.net");
        assert!(some.missing(&["stdin".to_string()]).is_empty());
        assert!(grants("net").permit("t", &net, &endpoint("http://[::1]:80/")).is_ok());
    }

    #[test]
    fn a_program_needs_its_own_grant() {
        let line = vec!["search".to_string()];
        let command = Binding::Command { line, folder: None };
        let net = ["net".to_string()];
        assert!(grants("net").permit("t", &net, &command).is_err());
        assert!(grants("net,process").permit("t", &net, &command).is_ok());
        let held = grants("net=a.org,process").permit("t", &net, &command).expect_err("can't be held to hosts");
        assert!(held.0.contains("can't be held"), "{held:?}");
    }

    #[test]
    fn what_is_no_capability_is_refused() {
        let error = Grants::parse(&["nett".to_string()]).expect_err("no capability");
        assert!(error.contains("did you mean `net`"), "{error}");
        assert!(Grants::parse(&["stdin=x".to_string()]).is_err());
    }
}

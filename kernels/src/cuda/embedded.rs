//! Kernels that were compiled before this was built, if the build was given some (`scripts/embed-kernels`).

use super::Source;

/// Machine code by file name, as [`Source::file_name`] makes it.
const EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Machine code of a source for a device, if it was taken in: for the device's own architecture, or the next lower of the same
/// generation that its code also runs on.
pub(super) fn code(source: &Source, (major, minor): (i32, i32)) -> Option<&'static [u8]> {
    let architectures = architectures(major, minor);
    architectures.iter().find_map(|architecture| find(EMBEDDED, &source.file_name(architecture)))
}

/// The architectures that kernels were taken in for.
pub(super) fn embedded_for() -> Vec<&'static str> {
    let mut all: Vec<&str> = EMBEDDED.iter().filter_map(|(name, _)| name.split('-').nth(1)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn find(embedded: &'static [(&str, &[u8])], name: &str) -> Option<&'static [u8]> {
    embedded.iter().find(|(known, _)| *known == name).map(|(_, code)| *code)
}

/// Architectures whose code a device runs, the best first.
fn architectures(major: i32, minor: i32) -> Vec<String> {
    let own = super::sources::architecture(major, minor);
    let lower = (0..=minor).rev().map(|minor| format!("sm_{major}{minor}"));
    std::iter::once(own.clone()).chain(lower.filter(|lower| *lower != own)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_runs_the_code_of_its_generation_up_to_its_own() {
        assert_eq!(architectures(8, 6)[..2], ["sm_86", "sm_85"]);
        assert_eq!(architectures(8, 6).last().map(String::as_str), Some("sm_80"));
        assert_eq!(architectures(9, 0), ["sm_90a", "sm_90"]);
    }

    #[test]
    fn code_is_found_by_name() {
        const ALL: &[(&str, &[u8])] = &[("a-sm_80-1.cubin", &[1]), ("b-sm_80-1.cubin", &[2])];
        assert_eq!(find(ALL, "b-sm_80-1.cubin"), Some([2].as_slice()));
        assert_eq!(find(ALL, "b-sm_80-2.cubin"), None, "another text of the source has another name");
    }

    #[test]
    fn what_was_taken_in_is_of_these_sources() {
        for (name, code) in EMBEDDED {
            let known = super::super::SOURCES
                .iter()
                .any(|source| embedded_for().iter().any(|architecture| source.file_name(architecture) == *name));
            assert!(
                known && code.starts_with(b"\x7fELF"),
                "{name} is of other sources: run scripts/embed-kernels again"
            );
        }
    }
}

//! The formatter on any text: what it can read it keeps, and a second time changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sgl_format::{Refusal, format};
use sgl_source::FileId;

fuzz_target!(|text: &str| {
    match format(FileId(0), text) {
        Ok(once) => match format(FileId(0), &once) {
            Ok(twice) => assert_eq!(once, twice, "a second time changes it again"),
            Err(refusal) => panic!("what was formatted can't be: {refusal:?}\n{once}"),
        },
        Err(Refusal::Syntax(errors)) => assert!(!errors.is_empty(), "a refusal says why"),
        Err(Refusal::Unsafe(reason)) => panic!("{reason}"),
    }
});

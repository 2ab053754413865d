//! Images on disk: the first version is still read, damaged ones are refused or run within their limits, and a program does the
//! same from its image. `COUNT=n` damages more or fewer.

use sgl_tests::random::Random;
use sgl_vm::image::Image;
use sgl_vm::{Limits, RunOptions, Silent, Tier};
use sglc::compile::compile;
use sglc::sources::{Disk, Memory};
use std::fs;
use std::path::{Path, PathBuf};

/// Damaged images per run.
const COUNT: u64 = 1_000;
/// A program whose image of format version 1 is kept.
const KEPT: &str = include_str!("images/version_1.sgl");

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn examples() -> Vec<(String, Image)> {
    programs("../examples")
}

/// The programs of a folder, compiled.
fn programs(of: &str) -> Vec<(String, Image)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder().join(of))
        .expect("programs are readable")
        .map(|entry| entry.expect("programs are readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "sgl"))
        .collect();
    paths.sort();
    let image = |path: &PathBuf| {
        let name = path.to_string_lossy().to_string();
        let image = compile(&Disk, &name).expect("readable").image.expect("programs are right");
        (name, image)
    };
    paths.iter().map(image).collect()
}

/// What all entries of an image give on a model that answers with the shortest texts, and what they ask.
fn outcomes(image: &Image, options: &RunOptions) -> Vec<String> {
    let run = |entry: &sgl_vm::image::Entry| {
        let mut model = sglc::scripted::model(Vec::new());
        let nothing = entry.parameters.iter().map(|_| None).collect();
        let ended = sgl_vm::run(image, entry, nothing, &mut model, options, &mut Silent);
        assert_eq!(model.open_sessions(), 0, "a run closes its sessions, however it ends");
        let result = match ended {
            Ok(value) => sgl_vm::json_of_value(&value, image).to_string(),
            Err(trap) => format!("{trap:?}"),
        };
        format!("{}: {result}\n{}", entry.name, model.log().join("\n"))
    };
    image.entries.iter().map(run).collect()
}

#[test]
fn a_program_does_the_same_from_its_image() {
    let mut ran = 0;
    for (name, image) in examples().into_iter().chain(programs("../benches/programs")) {
        let bytes = sgl_vm::encode(&image);
        let read = sgl_vm::decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(sgl_vm::encode(&read), bytes, "{name}");
        let packed = sgl_vm::pack(&image, &[], Some(&[1; 32])).unwrap_or_else(|error| panic!("{name}: {error}"));
        let unpacked = sgl_vm::unpack(&packed).unwrap_or_else(|error| panic!("{name}: {error}")).image;
        let options = RunOptions::default();
        let wanted = outcomes(&image, &options);
        assert_eq!(outcomes(&read, &options), wanted, "{name}");
        assert_eq!(outcomes(&unpacked, &options), wanted, "{name}");
        ran += image.entries.len();
    }
    assert!(ran >= 28, "only {ran} entries");
}

/// `UPDATE=1` writes the image, which is only for a new version of the format.
#[test]
fn the_first_version_is_still_read_and_does_what_it_did() {
    let path = folder().join("images/version_1.sglb");
    if std::env::var_os("UPDATE").is_some() && !path.exists() {
        let compiled =
            compile(&Memory(vec![("version_1.sgl".into(), KEPT.into())]), "version_1.sgl").expect("readable");
        let image = compiled.image.expect("it is right");
        let bytes = sgl_vm::pack(&image, &[KEPT.to_string()], Some(&[1; 32])).expect("it is small");
        fs::write(&path, bytes).expect("writable");
    }
    let package = sgl_vm::unpack(&fs::read(&path).expect("it is kept")).expect("version 1 is read");
    assert_eq!(package.sources, [KEPT]);
    assert_eq!(package.signer, Some(sgl_vm::public_key(&[1; 32])));
    let told = outcomes(&package.image, &RunOptions::default()).join("\n");
    assert!(told.contains(r#"main: {"mood":"bad","total":55,"names":["a","b"]}"#), "{told}");
}

#[test]
fn damaged_images_are_refused_or_run_within_their_limits() {
    let count = std::env::var("COUNT").map_or(COUNT, |text| text.parse().expect("a number"));
    let header = sgl_vm::frame(&[]).len();
    let bodies: Vec<Vec<u8>> = examples().iter().map(|(_, image)| sgl_vm::encode(image)[header..].to_vec()).collect();
    let limits = Limits { steps: 20_000, tasks: 100, branches: 20, elements: 20_000, ..Limits::default() };
    let mut sound = 0;
    for seed in 0..count {
        let mut random = Random(seed);
        let mut body = bodies[random.below(bodies.len())].clone();
        for _ in 0..=random.below(3) {
            let at = random.below(body.len());
            match random.below(4) {
                0 => body[at] = random.number() as u8,
                1 => body[at] ^= 1 << random.below(8),
                2 => {
                    body.remove(at);
                }
                _ => body.insert(at, random.number() as u8),
            }
        }
        let ran = std::panic::catch_unwind(|| {
            let Ok(image) = sgl_vm::decode(&sgl_vm::frame(&body)) else { return false };
            for native in [Tier::Never, Tier::Always] {
                outcomes(&image, &RunOptions { limits, native, ..RunOptions::default() });
            }
            true
        });
        sound += u64::from(ran.unwrap_or_else(|_| panic!("seed {seed} panics")));
    }
    assert!(sound > count / 50, "only {sound} of {count} damaged images passed the verifier: the test runs nothing");
}

/// What fuzzing found once, as bodies of images: values that hold the same value twice at every level.
#[test]
fn images_that_took_for_ever_end() {
    let limits = Limits { steps: 20_000, tasks: 50, branches: 20, elements: 10_000, ..Limits::default() };
    let options = RunOptions { limits, ..RunOptions::default() };
    for entry in fs::read_dir(folder().join("images/found")).expect("kept images are readable") {
        let path = entry.expect("kept images are readable").path();
        let body = fs::read(&path).expect("kept images are readable");
        let image = sgl_vm::decode(&sgl_vm::frame(&body)).expect("they are sound");
        let outcomes = outcomes(&image, &options);
        assert!(outcomes.iter().all(|outcome| outcome.len() < 100_000_000), "{}", path.display());
        assert!(!outcomes.is_empty(), "{}", path.display());
    }
}

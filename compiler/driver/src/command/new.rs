//! `sglc new`: a project to start from.

use crate::arguments::NewArguments;
use crate::{Outcome, report};
use std::fs;
use std::path::Path;

/// The program of a new project.
const MAIN: &str = include_str!("new/main.sgl");
/// What a new project keeps out of its history.
const IGNORED: &str = "# What runs leave behind.\n*.log\n/.sglc/\n";

/// Makes the folder and its files. Refuses to touch a folder that has something in it.
pub(super) fn run(arguments: &NewArguments) -> Outcome {
    match make(Path::new(&arguments.name)) {
        Ok(name) => {
            let folder = &arguments.name;
            report::note(&format!("{folder}: a new project, `{name}`. Try `sglc run {folder}/main.sgl`"));
            Outcome::Fine
        }
        Err(message) => {
            report::error(&message);
            Outcome::Failed
        }
    }
}

/// Makes the project; its name, or what is wrong.
fn make(folder: &Path) -> Result<String, String> {
    let shown = folder.display();
    let name = folder.file_name().map(|name| name.to_string_lossy().to_string()).unwrap_or_default();
    let letters = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if !name.starts_with(char::is_alphabetic) || !name.chars().all(letters) {
        return Err(format!(
            "`{name}` is no name for a project: it begins with a letter, and has letters, digits, `-` and `_`"
        ));
    }
    let occupied = fs::read_dir(folder).map(|mut entries| entries.next().is_some()).unwrap_or(folder.exists());
    if occupied {
        return Err(format!("{shown} exists and is not empty; nothing was changed"));
    }
    fs::create_dir_all(folder).map_err(|error| format!("can't make {shown}: {error}"))?;
    let files = [("main.sgl", MAIN.to_string()), (".gitignore", IGNORED.to_string()), ("README.md", readme(&name))];
    for (file, text) in files {
        let path = folder.join(file);
        fs::write(&path, text).map_err(|error| format!("can't write {}: {error}", path.display()))?;
    }
    Ok(name)
}

fn readme(name: &str) -> String {
    format!(
        "# {name}\n\n\
         ```sh\n\
         sglc run main.sgl --name Ada    # runs the program; its parameters are flags\n\
         sglc test main.sgl              # runs its tests, which need no model\n\
         sglc check main.sgl             # says what is wrong, without running it\n\
         sglc fmt                        # puts every program here into the one style\n\
         ```\n"
    )
}

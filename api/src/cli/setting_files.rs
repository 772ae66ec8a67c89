//! Settings out of files: `NAME_FILE` names the file that holds `NAME`, as containers are handed their secrets.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use anyhow::{Context as _, bail};

/// A setting of the environment, or out of the file that `NAME_FILE` names; what is set but empty, as compose files write
/// `${X:-}`, counts as absent.
pub(crate) fn setting(name: &str) -> anyhow::Result<Option<String>> {
    let file_name = format!("{name}_FILE");
    match (present(name), present(&file_name)) {
        (Some(_), Some(_)) => bail!("{name} and {file_name} are both set: keep one of them"),
        (Some(value), None) => match value.into_string() {
            Ok(value) => Ok(Some(value)),
            Err(_) => bail!("{name} is no text"),
        },
        (None, Some(path)) => {
            let path = Path::new(&path);
            let held = std::fs::read_to_string(path);
            let held = held.with_context(|| format!("reading {}, which {file_name} names", path.display()))?;
            if held.trim().is_empty() {
                bail!("{}, which {file_name} names, is empty", path.display());
            }
            Ok(Some(held.trim().to_owned()))
        }
        (None, None) => Ok(None),
    }
}

/// A variable of the environment that says something.
fn present(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.to_string_lossy().trim().is_empty())
}

/// The command with what files hold in the place of what the environment does not say.
pub(super) fn with_settings(command: clap::Command) -> anyhow::Result<clap::Command> {
    let mut failed = None;
    let command = read_into(command, &mut failed);
    failed.map_or(Ok(command), Err)
}

fn read_into(command: clap::Command, failed: &mut Option<anyhow::Error>) -> clap::Command {
    let command = command.mut_args(|argument| {
        let Some(name) = argument.get_env().and_then(OsStr::to_str).map(str::to_owned) else {
            return argument;
        };
        // What stands in the environment clap reads by itself: a path need not be text.
        if present(&name).is_some() && present(&format!("{name}_FILE")).is_none() {
            return argument;
        }
        match setting(&name) {
            // It lives as long as the program, as what clap is told has to.
            Ok(Some(value)) => argument
                .env("")
                .hide_env(true)
                .default_value(&*value.leak())
                .hide_default_value(true),
            // Set but empty: no setting has this name.
            Ok(None) if std::env::var_os(&name).is_some() => argument.env("").hide_env(true),
            Ok(None) => argument,
            Err(error) => {
                failed.get_or_insert(error);
                argument
            }
        }
    });
    command.mut_subcommands(|own| read_into(own, failed))
}

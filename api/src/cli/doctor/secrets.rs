//! Secrets: whether they are there, are none out of a manual, and are kept to oneself.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf};

use super::Finding;
use crate::{
    cli::{Location, setting},
    secrets::{MIN_LENGTHS, read_kept},
    settings::check_secret,
};

const CHECK: &str = "secrets";

pub(super) fn look(location: &Location) -> Vec<Finding> {
    MIN_LENGTHS.map(|(name, at_least)| one(location, name, at_least)).into()
}

/// The secret that opens the vault, if it will do.
pub(super) fn secret_key(location: &Location) -> Option<String> {
    let set = setting("SECRET_KEY").ok()?;
    let kept = || read_kept(&file(location, "SECRET_KEY")?).ok()?;
    let secret = set.or_else(kept)?;
    check_secret("SECRET_KEY", &secret, 32).is_ok().then_some(secret)
}

/// Where an embedded server keeps one.
fn file(location: &Location, name: &str) -> Option<PathBuf> {
    location.embedded.then(|| location.data_dir.join(name.to_lowercase()))
}

fn one(location: &Location, name: &'static str, at_least: usize) -> Finding {
    let known = match setting(name) {
        Ok(Some(value)) => check_secret(name, &value, at_least).map(|()| named_file(name)),
        Ok(None) => return kept(location, name),
        Err(error) => {
            return Finding::problem(
                CHECK,
                format!("{error:#}"),
                "put that right: a server does not start so",
            );
        }
    };
    match known {
        Ok(path) => {
            open_to_others(path, 0o022, "change").unwrap_or_else(|| Finding::ok(CHECK, format!("{name} is set")))
        }
        Err(weak) => Finding::problem(
            CHECK,
            weak.to_string(),
            "make a good one, and keep a copy of it elsewhere",
        ),
    }
}

fn named_file(name: &str) -> Option<PathBuf> {
    std::env::var_os(format!("{name}_FILE")).map(PathBuf::from)
}

fn kept(location: &Location, name: &str) -> Finding {
    let Some(path) = file(location, name) else {
        let advice =
            format!("set it, or {name}_FILE to the file that holds it: `openssl rand -hex 32` makes a good one");
        return Finding::problem(CHECK, format!("{name} is not set"), advice);
    };
    match read_kept(&path) {
        Err(error) => Finding::problem(
            CHECK,
            format!("{error:#}"),
            "what was sealed with it opens with no other",
        ),
        Ok(None) => Finding::ok(
            CHECK,
            format!("{name} is made at the first start, in {}", path.display()),
        ),
        Ok(Some(_)) => {
            let ok = || Finding::ok(CHECK, format!("{name} is kept in {}", path.display()));
            open_to_others(Some(path.clone()), 0o077, "read").unwrap_or_else(ok)
        }
    }
}

/// Whether others may do something with a file that holds a secret.
fn open_to_others(path: Option<PathBuf>, bits: u32, what: &str) -> Option<Finding> {
    let path = path?;
    let mode = path.metadata().ok()?.permissions().mode();
    (mode & bits != 0).then(|| {
        let detail = format!("others may {what} {} (mode {:o})", path.display(), mode & 0o777);
        Finding::warning(CHECK, detail, format!("chmod 600 {}", path.display()))
    })
}

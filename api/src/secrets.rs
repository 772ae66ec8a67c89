//! Secrets: from the environment, or made once and kept in the data folder of an embedded server.

use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use anyhow::{Context as _, bail};
use licet_event_store::Edge;

use crate::settings::check_secret;

/// The three secrets of a deployment.
pub(crate) struct Secrets {
    pub(crate) secret_key: String,
    pub(crate) jwt_secret: String,
    pub(crate) api_key: String,
}

/// Reads them; `keep_in` is where missing ones are made and kept.
pub(crate) fn read(keep_in: Option<(&Path, &Edge)>) -> anyhow::Result<Secrets> {
    Ok(Secrets {
        secret_key: one("SECRET_KEY", 32, keep_in)?,
        jwt_secret: one("JWT_SECRET", 32, keep_in)?,
        api_key: one("API_KEY", 16, keep_in)?,
    })
}

fn one(name: &'static str, at_least: usize, keep_in: Option<(&Path, &Edge)>) -> anyhow::Result<String> {
    if let Some(value) = std::env::var(name).ok().filter(|value| !value.is_empty()) {
        check_secret(name, &value, at_least)?;
        return Ok(value);
    }
    match keep_in {
        Some((folder, edge)) => kept(&folder.join(name.to_lowercase()), edge),
        None => bail!("{name} is not set; it is required outside --embedded"),
    }
}

fn kept(path: &Path, edge: &Edge) -> anyhow::Result<String> {
    if let Ok(value) = std::fs::read_to_string(path)
        && !value.is_empty()
    {
        return Ok(value);
    }
    let value: String = edge.bytes::<32>().iter().map(|byte| format!("{byte:02x}")).collect();
    let partial = path.with_extension("part");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)?;
    file.write_all(value.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&partial, path).with_context(|| format!("keeping a secret in {}", path.display()))?;
    Ok(value)
}

/// Only the one that opens the vault, for commands that need no other.
pub(crate) fn secret_key(keep_in: Option<(&Path, &Edge)>) -> anyhow::Result<String> {
    one("SECRET_KEY", 32, keep_in)
}

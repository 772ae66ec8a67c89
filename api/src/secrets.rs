//! Secrets: from the environment, or made once and kept in the data folder of an embedded server.

use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use anyhow::{Context as _, bail};
use licet_event_store::Edge;

use crate::{cli::setting, settings::check_secret};

/// Which secrets there are, and how many characters each has at least.
pub(crate) const MIN_LENGTHS: [(&str, usize); 3] = [("SECRET_KEY", 32), ("JWT_SECRET", 32), ("API_KEY", 16)];

/// The three secrets of a deployment.
pub(crate) struct Secrets {
    pub(crate) secret_key: String,
    pub(crate) jwt_secret: String,
    pub(crate) api_key: String,
}

/// Reads them; `keep_in` is where missing ones are made and kept.
pub(crate) fn read(keep_in: Option<(&Path, &Edge)>) -> anyhow::Result<Secrets> {
    Ok(Secrets {
        secret_key: secret_key(keep_in)?,
        jwt_secret: one("JWT_SECRET", 32, keep_in)?,
        api_key: one("API_KEY", 16, keep_in)?,
    })
}

fn one(name: &'static str, at_least: usize, keep_in: Option<(&Path, &Edge)>) -> anyhow::Result<String> {
    if let Some(value) = setting(name)? {
        check_secret(name, &value, at_least)?;
        return Ok(value);
    }
    match keep_in {
        Some((folder, edge)) => kept(&folder.join(name.to_lowercase()), edge),
        None => bail!("{name} is not set; it is required outside --embedded"),
    }
}

fn kept(path: &Path, edge: &Edge) -> anyhow::Result<String> {
    match read_kept(path)? {
        Some(value) => Ok(value),
        None => place(path, &hex::encode(edge.bytes::<32>()), edge),
    }
}

/// Puts a secret into a file where there is none; answers the one that is there then.
fn place(path: &Path, value: &str, edge: &Edge) -> anyhow::Result<String> {
    let partial = path.with_extension(format!("{}.part", edge.id().simple()));
    let keeping = || format!("keeping a secret in {}", path.display());
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)
        .with_context(keeping)?;
    file.write_all(value.as_bytes())?;
    file.sync_all()?;
    // Of two first starts one is first, and both use its secret.
    let linked = std::fs::hard_link(&partial, path);
    std::fs::remove_file(&partial).with_context(keeping)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error).with_context(keeping),
        _ => read_kept(path)?.with_context(keeping),
    }
}

/// The secret of a file; `None` where there is none yet. A secret that is there and cannot be read is never replaced:
/// what was sealed with it would be lost.
pub(crate) fn read_kept(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(value) if value.trim().is_empty() => bail!(
            "{} is empty: put the secret back that stood there, or remove the file where nothing was sealed with it",
            path.display()
        ),
        Ok(value) => Ok(Some(value.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading the secret in {}", path.display())),
    }
}

/// Only the one that opens the vault, for commands that need no other.
pub(crate) fn secret_key(keep_in: Option<(&Path, &Edge)>) -> anyhow::Result<String> {
    one("SECRET_KEY", 32, keep_in)
}

/// Keeps the secrets that are set where an embedded server looks for them; one that is there must be the same.
pub(crate) fn keep(folder: &Path) -> anyhow::Result<()> {
    for (name, at_least) in MIN_LENGTHS {
        let Some(value) = setting(name)? else { continue };
        check_secret(name, &value, at_least)?;
        let path = folder.join(name.to_lowercase());
        if place(&path, &value, &Edge::system())? != value {
            bail!("{} holds another secret than {name}", path.display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_starts_at_the_same_moment_use_one_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret_key");
        let start = || kept(&path, &Edge::system()).unwrap();
        let secrets: Vec<String> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..16).map(|_| scope.spawn(start)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        let stands = std::fs::read_to_string(&path).unwrap();
        assert_eq!(secrets, vec![stands; 16]);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing half-made is left"
        );
    }

    #[test]
    fn a_secret_that_cannot_be_read_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret_key");
        std::fs::write(&path, "\n").unwrap();
        assert!(kept(&path, &Edge::system()).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "\n");
        let folder_in_its_place = folder.path().join("another");
        std::fs::create_dir(&folder_in_its_place).unwrap();
        assert!(kept(&folder_in_its_place, &Edge::system()).is_err());
    }
}

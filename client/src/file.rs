//! The state file.
//!
//! It is written beside and renamed, and the one before it is kept as `.bak`, so that a crash or a truncated file leaves
//! one that reads. A seal over the content shows a change by hand; whoever takes this library apart can forge it, which no
//! file on a customer's machine could prevent. The lease itself cannot be forged and holds for its machine only.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::{Error, State};

/// The file: the state, and the seal over its exact text, so that a newer program with more to keep believes it too.
#[derive(Serialize, Deserialize)]
struct Kept {
    state: Box<RawValue>,
    #[serde(default)]
    seal: String,
}

/// For how long a program waits for another one that writes the same file.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// Held while the file is changed; nothing where the file system has no locks, or who holds it does not go on.
pub(crate) fn lock(path: &Path) -> Option<fs::File> {
    make_folder(path).ok()?;
    let file = fs::File::create(path.with_extension("writing")).ok()?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(fs::TryLockError::WouldBlock) if begun.elapsed() < LOCK_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(_) => return None,
        }
    }
}

/// Held by the one program that keeps what is to be reported; `None` where another one has it.
pub(crate) fn claim(path: &Path) -> Option<fs::File> {
    make_folder(path).ok()?;
    let file = fs::File::create(path.with_extension("lock")).ok()?;
    file.try_lock().ok().map(|()| file)
}

pub(crate) fn backup(path: &Path) -> PathBuf {
    path.with_extension("bak")
}

pub(crate) fn read(path: &Path) -> Result<Option<State>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, &error)),
    };
    let kept = serde_json::from_slice::<Kept>(&bytes).ok();
    let sealed = kept.filter(|kept| kept.seal == seal(kept.state.get()));
    let state = sealed.and_then(|kept| serde_json::from_str(kept.state.get()).ok());
    state.map(Some).ok_or_else(|| Error::Tampered {
        path: path.display().to_string(),
    })
}

/// The regular file that a path leads to, which may not be there yet: a link stays a link, and nothing else is replaced.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf, Error> {
    match (fs::metadata(path), fs::symlink_metadata(path)) {
        (Ok(target), _) if !target.is_file() => Err(failed(path, &"it is not a regular file")),
        (Ok(_), Ok(own)) if own.is_symlink() => fs::canonicalize(path).map_err(|error| failed(path, &error)),
        (Err(_), Ok(own)) if own.is_symlink() => Err(failed(path, &"it is a link to a file that is not there")),
        _ => Ok(path.to_owned()),
    }
}

/// The text of a file that people carried over.
pub(crate) fn text(path: &Path) -> Result<String, Error> {
    let bytes = fs::read(path).map_err(|error| failed(path, &error))?;
    // Editors and shells of Windows put a byte order mark in front.
    match bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes) {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err(failed(path, &"it is UTF-16; save it as UTF-8")),
        text => String::from_utf8(text.to_vec()).map_err(|_| failed(path, &"it is not text in UTF-8")),
    }
}

/// Reads the lease in a file: alone, or as JSON's text. A file that editors or mail changed is named as such.
pub fn read_lease(path: &Path) -> Result<String, Error> {
    let text = text(path)?;
    let lease = text.trim().trim_matches('"');
    if lease.contains(char::is_whitespace) {
        return Err(failed(path, &"the lease is wrapped; it has to stand on one line"));
    }
    Ok(lease.to_owned())
}

fn make_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), fs::create_dir_all)
}

pub(crate) fn write(path: &Path, state: &State) -> Result<(), Error> {
    try_write(path, state).map_err(|error| failed(path, &error))
}

fn try_write(path: &Path, state: &State) -> std::io::Result<()> {
    make_folder(path)?;
    let state = serde_json::value::to_raw_value(state)?;
    let seal = seal(state.get());
    let text = serde_json::to_vec(&Kept { state, seal })?;
    let partial = path.with_extension("part");
    let mut file = create_private(&partial)?;
    file.write_all(&text)?;
    file.sync_all()?;
    if read(path).is_ok_and(|known| known.is_some()) {
        fs::copy(path, backup(path))?;
    }
    fs::rename(&partial, path)
}

/// The license key and the token are nobody else's to read.
fn create_private(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // One that a crash has left may be readable for all.
    if let Err(error) = fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(error);
    }
    options.open(path)
}

/// A digest over what is kept.
fn seal(state: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(b"licet state v1\n");
    digest.update(state);
    URL_SAFE_NO_PAD.encode(digest.finalize())
}

pub(crate) fn failed(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::File {
        path: path.display().to_string(),
        cause: error.to_string(),
    }
}

/// Removes a file that may not be there.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Store;

    /// A file that was written twice.
    pub(crate) fn written() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let mut store = Store::open(&path).unwrap();
        store.update(|state| state.seen = 5).unwrap();
        store.update(|state| state.seen = 7).unwrap();
        (folder, path)
    }

    #[test]
    fn a_file_cut_anywhere_falls_back_to_the_one_before() {
        let (_folder, path) = written();
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(Store::open(&path).unwrap().state().seen, 5, "cut at {length}");
        }
    }

    #[test]
    fn what_a_newer_program_keeps_is_believed() {
        let (_folder, path) = written();
        let state = RawValue::from_string(r#"{"keys":[],"seen":8,"of_a_newer_program":true}"#.to_owned()).unwrap();
        let seal = seal(state.get());
        fs::write(&path, serde_json::to_vec(&Kept { state, seal }).unwrap()).unwrap();
        assert_eq!(Store::open(&path).unwrap().state().seen, 8);
    }

    #[cfg(unix)]
    #[test]
    fn others_cannot_read_what_is_kept() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, path) = written();
        for name in [backup(&path), path] {
            assert_eq!(
                fs::metadata(&name).unwrap().permissions().mode() & 0o777,
                0o600,
                "{name:?}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_nothing_but_a_file_is_replaced() {
        let (folder, path) = written();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        Store::open(&link).unwrap().update(|state| state.seen = 9).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(Store::open(&path).unwrap().state().seen, 9);
        fs::remove_file(&path).unwrap();
        for wrong in [link.as_path(), folder.path(), Path::new("/dev/null")] {
            assert!(Store::open(wrong).is_err() && Store::reset(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_people_carry_over_is_read_or_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lease");
        let read = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            read_lease(&path).map_err(|error| error.to_string())
        };
        assert_eq!(read(b"\xef\xbb\xbf\"a.b.c\"\r\n"), Ok("a.b.c".to_owned()));
        assert!(read(b"a.b\n.c\n").unwrap_err().contains("wrapped"));
        assert!(read(b"\xff\xfea\0").unwrap_err().contains("UTF-16"));
        assert!(read(b"\x80").unwrap_err().contains("UTF-8"));
    }

    #[test]
    fn a_file_edited_in_any_byte_is_not_believed() {
        let (_folder, path) = written();
        let whole = fs::read(&path).unwrap();
        fs::remove_file(backup(&path)).unwrap();
        for index in 0..whole.len() {
            let mut edited = whole.clone();
            edited[index] = if edited[index] == b'9' { b'8' } else { b'9' };
            fs::write(&path, &edited).unwrap();
            let opened = Store::open(&path);
            assert!(opened.is_err() || opened.unwrap().state().seen == 7, "byte {index}");
        }
        let mut fresh = Store::reset(&path).unwrap();
        assert_eq!(fresh.state(), &State::default());
        // What the program ships is trusted again, and once.
        let shipped = serde_json::json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "one", "alg": "EdDSA",
            "use": "sig", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] });
        let shipped = serde_json::from_value(shipped).unwrap();
        fresh.trust(&shipped).unwrap();
        fresh.trust(&shipped).unwrap();
        assert_eq!(Store::open(&path).unwrap().state().keys, shipped.keys);
    }
}

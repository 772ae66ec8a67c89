//! Where Postgres is installed.

use std::path::{Path, PathBuf};

/// The folder that holds `initdb`, `pg_ctl` and `postgres`: the newest of Debian's, or whatever is on the path.
pub(super) fn find() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = debian
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse::<u32>().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, folder)| complete(folder))
        .max();
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| complete(folder))
    };
    newest.map(|(_, folder)| folder).or_else(on_path)
}

fn complete(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres", "createdb", "psql"]
        .iter()
        .all(|program| folder.join(program).is_file())
}

//! Writes a part of a month into a file, reads it back, and enters it in the catalog.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use futures::{StreamExt as _, TryStreamExt as _};
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};
use tokio::time::Instant;

use super::{
    ArchiveError, ArchiveRun, ArchivedTable, Segment, catalog,
    due::{self, Month},
    rows,
};
use crate::{
    EventLog,
    chain::{GENESIS, Link},
    columnar::{self, Column, Group, Reader, Writer},
};

/// Rows in one row group: few, so that no burst of work is long.
const GROUP: usize = 20_000;

/// What is known of the rows once they have gone by.
struct RowTotals {
    digest: Sha256,
    chain: Option<Link>,
    rows: i64,
    first: (i64, i64),
    last: (i64, i64),
}

impl RowTotals {
    fn before(chain: Option<Link>) -> Self {
        Self {
            digest: Sha256::new(),
            chain,
            rows: 0,
            first: (0, 0),
            last: (0, 0),
        }
    }
}

/// Archives what follows on the parts of a month that are in the archive already, as far as one file goes; `None` when
/// nothing does. A crash at any point leaves a file that the next try overwrites, and the parts before it.
pub(super) async fn part<F: FnMut(&str, i64) + Send>(
    run: &mut ArchiveRun<'_, F>,
    archived_table: &ArchivedTable,
    (month, before): (&Month, &[Segment]),
) -> Result<Option<Segment>, ArchiveError> {
    let (log, log_id) = (run.log, run.log_id);
    let folder = log.archive().ok_or(ArchiveError::NoFolder)?;
    let mut connection = log.connect().await?;
    let after = before.last().map_or(0, |part| part.last_position);
    if !due::holds_more(&mut connection, month, after).await? {
        return Ok(None);
    }
    expect_archive(log, folder).await?;
    let (columns, chain_in) = if archived_table.is_log() {
        (
            rows::columns(),
            Some(chain_before(&mut connection, archived_table).await?),
        )
    } else {
        (columnar::columns_of(&mut connection, &month.partition).await?, None)
    };
    let number = before.len() + 1;
    let file = format!("{log_id}/{}-{}.{number:03}.parquet", archived_table.table, month.month);
    let (path, partial) = (folder.join(&file), folder.join(format!("{file}.part")));
    make_folder(&folder.join(log_id.to_string())).map_err(at(folder))?;
    let stretch = (after, archived_table.file_rows);
    let told = |rows| (run.told)(&file, rows);
    let passed = write(&mut connection, (month, stretch), &columns, (chain_in, &partial), told).await?;
    connection.close().await?;
    let checked = rows::blocking(partial.clone(), move |partial| {
        Ok((read(partial, &columns, chain_in)?, hash_file(partial)?))
    });
    let (read_back, (sha256, bytes)) = checked.await.map_err(at(&partial))?;
    if read_back.digest.clone().finalize() != passed.digest.clone().finalize() || read_back.chain != passed.chain {
        return Err(ArchiveError::Mismatch {
            what: format!("{file} was read back and is not what was written"),
        });
    }
    let mut segment = Segment {
        table_name: archived_table.table.to_owned(),
        month: month.month.clone(),
        first_position: passed.first.0,
        last_position: passed.last.0,
        first_at: rows::moment(passed.first.1),
        last_at: rows::moment(passed.last.1),
        rows: passed.rows,
        chain_in: chain_in.map(|chain| chain.to_vec()),
        chain_out: passed.chain.map(|chain| chain.to_vec()),
        file,
        bytes,
        sha256,
        manifest: String::new(),
    };
    segment.manifest = segment.claims(log_id).sign(run.signer);
    let manifest = segment.manifest.clone();
    let placed = rows::blocking(path.clone(), move |path| place(path, &manifest));
    placed.await.map_err(at(&path))?;
    catalog::add(log.pool(), &segment).await?;
    Ok(Some(segment))
}

/// A folder that is not there, or is empty where months should be, is a volume that was not mounted: what is written there
/// would be lost with it.
async fn expect_archive(log: &EventLog, folder: &Path) -> Result<(), ArchiveError> {
    let missing = |what: String| Err(ArchiveError::Mismatch { what });
    if !folder.is_dir() {
        return missing(format!("the archive's folder {} is not there", folder.display()));
    }
    match catalog::all(log.pool()).await?.pop() {
        Some(known) if rows::file(log, &known).is_none() => missing(format!(
            "{} is not in the archive's folder {}",
            known.file,
            folder.display()
        )),
        _ => Ok(()),
    }
}

/// The chain of the last event before the part: they leave in order, so the newest segment has it.
async fn chain_before(connection: &mut PgConnection, archived_table: &ArchivedTable) -> sqlx::Result<Link> {
    let before = catalog::latest(connection, archived_table.table).await?;
    let chain = before.and_then(|segment| segment.chain_out);
    Ok(chain.and_then(|chain| chain.try_into().ok()).unwrap_or(GENESIS))
}

async fn write(
    connection: &mut PgConnection,
    (month, (after, limit)): (&Month, (i64, i64)),
    columns: &[Column],
    (chain, partial): (Option<Link>, &Path),
    mut told: impl FnMut(i64),
) -> Result<RowTotals, ArchiveError> {
    let mut passed = RowTotals::before(chain);
    // The rows lie in the order of positions already: the index is the cheap way.
    connection.execute("SET enable_sort = off").await?;
    let link = if chain.is_some() { ", chain" } else { "" };
    let (wanted, partition) = (columnar::expressions(columns), &month.partition);
    let statement = format!("SELECT {wanted}{link} FROM {partition} WHERE position > $1 ORDER BY position LIMIT $2");
    let mut writer = Writer::create(partial, "segment", columns).map_err(at(partial))?;
    let mut groups = sqlx::query(&statement)
        .bind(after)
        .bind(limit)
        .fetch(connection)
        .try_chunks(GROUP);
    while let Some(found) = groups.next().await {
        let begun = Instant::now();
        let found = found.map_err(|broken| broken.1)?;
        let group = Group::of(&found, columns)?;
        pass(&mut passed, &group, columns).map_err(at(partial))?;
        if let (Some(chain), Some(last)) = (&passed.chain, found.last())
            && last.try_get::<&[u8], _>(columns.len())? != &chain[..]
        {
            return Err(ArchiveError::Mismatch {
                what: format!(
                    "the chain of {} does not hold, or an event was added to it after a later month was archived: \
                     `licet audit verify` tells which",
                    month.partition
                ),
            });
        }
        let path = partial.to_owned();
        let written = tokio::task::spawn_blocking(move || {
            writer.write(&group)?;
            writer.sync()?;
            Ok(writer)
        });
        writer = written
            .await
            .map_err(|error| at(&path)(error.into()))?
            .map_err(at(partial))?;
        told(passed.rows);
        // As long at rest as at work: appends go first.
        tokio::time::sleep(begun.elapsed()).await;
    }
    drop(groups);
    writer.finish().map_err(at(partial))?;
    Ok(passed)
}

/// Takes note of a group of rows and makes their links.
fn pass(passed: &mut RowTotals, group: &Group, columns: &[Column]) -> Result<(), columnar::Failure> {
    group.digest(&mut passed.digest);
    let places = rows::places(group, columns)?;
    if let (Some(first), Some(last)) = (places.first(), places.last()) {
        if passed.rows == 0 {
            passed.first = *first;
        }
        passed.last = *last;
    }
    passed.rows += group.rows() as i64;
    if let Some(chain) = &mut passed.chain {
        for event in rows::events(group)? {
            *chain = crate::chain::link_recorded(chain, &event);
        }
    }
    Ok(())
}

fn read(path: &Path, columns: &[Column], chain: Option<Link>) -> Result<RowTotals, columnar::Failure> {
    let reader = Reader::open(path, columns)?;
    let mut passed = RowTotals::before(chain);
    for group in 0..reader.groups() {
        let begun = Instant::now();
        pass(&mut passed, &reader.read(group)?, columns)?;
        std::thread::sleep(begun.elapsed());
    }
    Ok(passed)
}

/// Only the server's own user sees the archive: it carries what the log carries.
fn make_folder(folder: &Path) -> Result<(), columnar::Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

/// Puts the file and its manifest where they belong, and makes sure that they stay there.
fn place(path: &Path, manifest: &str) -> Result<(), columnar::Failure> {
    let beside = path.with_extension("manifest");
    let partial = path.with_extension("manifest.part");
    fs::write(&partial, manifest)?;
    fs::File::open(&partial)?.sync_all()?;
    fs::rename(&partial, &beside)?;
    fs::rename(path.with_extension("parquet.part"), path)?;
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// A file's SHA-256 and its size.
pub(super) fn hash_file(path: &Path) -> Result<(Vec<u8>, i64), columnar::Failure> {
    let (mut file, mut hash, mut bytes) = (fs::File::open(path)?, Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hash.finalize().to_vec(), bytes)),
            count => {
                hash.update(&buffer[..count]);
                bytes += count as i64;
            }
        }
    }
}

fn at(path: &Path) -> impl FnOnce(columnar::Failure) -> ArchiveError {
    let path: PathBuf = path.to_owned();
    move |cause| ArchiveError::File { path, cause }
}

//! Rows on their way between a table and a file, in the binary form of `COPY` (PostgreSQL's documentation, "COPY").

use std::io::{Read as _, Write as _};

use futures::TryStreamExt as _;
use sqlx::PgConnection;
use tokio::sync::mpsc;

use super::{BackupError, BackupKeys, keys::SealedWriter};

/// Signature, flags and the length of an extension that is not there.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: &[u8] = &[0xff, 0xff];
/// What is handed to the server at once.
const BLOCK: usize = 256 * 1024;

/// A file's content.
pub(super) struct Part {
    pub(super) sealed: Vec<u8>,
    pub(super) rows: i64,
}

/// What a query answers, sealed, in parts of so many rows at most. A query without rows has no part.
pub(super) async fn copy_out(
    connection: &mut PgConnection,
    query: &str,
    limit: i64,
    keys: &BackupKeys,
) -> Result<Vec<Part>, BackupError> {
    let statement = format!("COPY ({query}) TO STDOUT WITH (FORMAT binary)");
    let mut messages = connection.copy_out_raw(&statement).await?;
    let mut parts = Vec::new();
    let mut open: Option<(SealedWriter, i64)> = None;
    let mut first = true;
    // The server sends one message for each row, the header before the first one and the trailer by itself
    // (PostgreSQL's documentation, "Message Flow", "COPY Operations").
    while let Some(message) = messages.try_next().await? {
        let mut row = &message[..];
        if std::mem::take(&mut first) {
            row = row.strip_prefix(HEADER).ok_or_else(|| unexpected("its header"))?;
        }
        if row.is_empty() || row == TRAILER {
            continue;
        }
        let (writer, rows) = match &mut open {
            Some(part) => part,
            closed => {
                let mut writer = keys.writer()?;
                writer.write_all(HEADER)?;
                closed.insert((writer, 0))
            }
        };
        writer.write_all(row)?;
        *rows += 1;
        if *rows == limit {
            parts.extend(open.take().map(finish).transpose()?);
        }
    }
    parts.extend(open.map(finish).transpose()?);
    Ok(parts)
}

fn finish((mut writer, rows): (SealedWriter, i64)) -> Result<Part, BackupError> {
    writer.write_all(TRAILER)?;
    let sealed = writer.finish()?.finish()?;
    Ok(Part { sealed, rows })
}

/// Writes the rows of a file into a table that has the same columns; answers how many.
pub(super) async fn copy_in(
    connection: &mut PgConnection,
    (table, columns): (&str, &str),
    sealed: Vec<u8>,
    keys: &BackupKeys,
) -> Result<i64, BackupError> {
    let (blocks, mut opened) = mpsc::channel::<Vec<u8>>(4);
    let keys = keys.clone();
    let opening = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
        let mut reader = keys.reader(&sealed[..])?;
        loop {
            let mut block = Vec::with_capacity(BLOCK);
            reader.by_ref().take(BLOCK as u64).read_to_end(&mut block)?;
            // Whoever does not listen any more has failed, and says so.
            if block.is_empty() || blocks.blocking_send(block).is_err() {
                return Ok(());
            }
        }
    });
    let statement = format!("COPY {table} ({columns}) FROM STDIN WITH (FORMAT binary)");
    let mut copy = connection.copy_in_raw(&statement).await?;
    while let Some(block) = opened.recv().await {
        copy.send(block).await?;
    }
    match opening.await {
        Ok(Ok(())) => Ok(copy.finish().await? as i64),
        failed => {
            copy.abort("the file does not open").await?;
            Err(failed
                .map_err(std::io::Error::other)
                .and_then(|read| read)
                .map_or_else(BackupError::File, |()| unexpected("a file")))
        }
    }
}

fn unexpected(what: &str) -> BackupError {
    BackupError::Mismatch(format!("PostgreSQL's COPY sent {what} otherwise than it is documented"))
}

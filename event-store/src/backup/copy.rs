//! Rows on their way between a table and a file, in the binary form of `COPY` (PostgreSQL's documentation, "COPY").

use std::io::{Read as _, Write as _};

use futures::{TryStreamExt as _, stream::BoxStream};
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

/// What a query answers, sealed, part by part.
pub(super) struct CopyOut<'a> {
    messages: BoxStream<'a, sqlx::Result<bytes::Bytes>>,
    keys: &'a BackupKeys,
    limit: i64,
    begun: bool,
}

impl<'a> CopyOut<'a> {
    /// Parts have so many rows at most.
    pub(super) async fn begin(
        connection: &'a mut PgConnection,
        query: &str,
        limit: i64,
        keys: &'a BackupKeys,
    ) -> Result<Self, BackupError> {
        let statement = format!("COPY ({query}) TO STDOUT WITH (FORMAT binary)");
        Ok(Self {
            messages: connection.copy_out_raw(&statement).await?,
            keys,
            limit,
            begun: false,
        })
    }

    /// The next part; none where there are no more rows. The connection can be used for something else after that.
    ///
    /// The server sends one message for each row, the header before the first one and the trailer by itself (PostgreSQL's
    /// documentation, "Message Flow", "COPY Operations").
    pub(super) async fn next_part(&mut self) -> Result<Option<Part>, BackupError> {
        let mut open: Option<(SealedWriter, i64)> = None;
        while let Some(message) = self.messages.try_next().await? {
            let mut row = &message[..];
            if !std::mem::replace(&mut self.begun, true) {
                row = row.strip_prefix(HEADER).ok_or_else(|| unexpected("its header"))?;
            }
            if row.is_empty() || row == TRAILER {
                continue;
            }
            let (writer, rows) = match &mut open {
                Some(part) => part,
                closed => {
                    let mut writer = self.keys.writer()?;
                    writer.write_all(HEADER)?;
                    closed.insert((writer, 0))
                }
            };
            writer.write_all(row)?;
            *rows += 1;
            if *rows == self.limit {
                break;
            }
        }
        open.map(finish).transpose()
    }
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
    let opened = opening.await.map_err(std::io::Error::other).and_then(|opened| opened);
    if let Err(error) = opened {
        copy.abort("the file does not open").await?;
        return Err(error.into());
    }
    Ok(copy.finish().await? as i64)
}

fn unexpected(what: &str) -> BackupError {
    BackupError::Mismatch(format!("PostgreSQL's COPY sent {what} otherwise than it is documented"))
}

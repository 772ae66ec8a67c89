//! What a backup says of itself: signed, and readable by anybody.

use licet_domain::values::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A backup: which files make up the log and what stands beside it, as of one position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupManifest {
    /// Its name, which sorts by time: `20261129T203000123Z-000000001234`, moment and position.
    pub id: String,
    /// When it was begun, by this machine's clock.
    pub taken_at: Timestamp,
    /// Which log.
    pub log_id: Uuid,
    /// The position that it holds everything up to.
    pub position: i64,
    /// When that event was recorded.
    pub recorded_at: Timestamp,
    /// The chains there of the three tables of the log, in hexadecimal.
    pub chains: [String; 3],
    /// The newest migration of the database.
    pub schema: i64,
    /// The program that made it.
    pub program: String,
    /// The newest signed checkpoint at that time; absent where nothing was signed yet.
    pub checkpoint: Option<String>,
    /// How far months have left for the archive: position and moment of the last event there; absent without one.
    pub archived: Option<(i64, Timestamp)>,
    /// How many keys the ledger of the forgotten had.
    pub forgotten: usize,
    /// The files, in the order in which they are restored.
    pub files: Vec<BackupFile>,
}

/// A file of a backup; several backups may name the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFile {
    /// What it holds, for certain: two files of the same content are the same.
    pub content: String,
    /// Below the store. Nothing else is ever written there.
    pub path: String,
    /// The table whose rows these are; for a part of a file of the archive, that file's name in the archive's folder.
    pub of: String,
    /// What it holds.
    pub kind: FileKind,
    /// How many rows; 0 for a file of the archive.
    pub rows: i64,
    /// Of the log: the position of its first row, and when the first and the last were recorded.
    pub begins: Option<(i64, Timestamp, Timestamp)>,
    /// The file's size.
    pub bytes: u64,
    /// The file's SHA-256, in hexadecimal.
    pub sha256: String,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Events of the log.
    Log,
    /// Rows of a table that stands beside the log.
    Table,
    /// A part of a file of the archive.
    Archive,
}

impl BackupManifest {
    /// Bytes of all its files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Events in it that are not in its archive's files.
    pub fn events(&self) -> i64 {
        let log = self.files.iter().filter(|file| file.kind == FileKind::Log);
        log.map(|file| file.rows).sum()
    }
}

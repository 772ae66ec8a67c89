//! A backup in one piece: a tar of its files, which is a store to restore from once it is unpacked.

use std::io::{self, BufWriter, Write};

use bytes::Bytes;
use tar::{Builder, Header};
use tokio::{runtime::Handle, sync::mpsc};

use super::{BackupError, BackupManifest, BackupStore, forgotten, store};

/// Bytes that are handed on at once.
const CHUNK: usize = 256 << 10;
/// Chunks that wait for who fetches them, at most.
const WAITING: usize = 4;
/// What tar counts in.
const BLOCK: u64 = 512;

/// A backup on its way to somebody.
pub struct Bundle {
    /// How many bytes there are.
    pub bytes: u64,
    /// All of them in order; an error where a file is not what was written.
    pub chunks: mpsc::Receiver<io::Result<Bytes>>,
}

impl BackupStore {
    /// A backup with what a restore needs beside it. Files are read, and looked at, while they are fetched.
    pub async fn bundle(&self, manifest: &BackupManifest) -> Result<Bundle, BackupError> {
        let mut beside = Vec::new();
        for path in [store::MARK, &store::manifest_path(&manifest.id)] {
            let bytes = self.find(path).await?;
            beside.push((
                path.to_owned(),
                bytes.ok_or_else(|| BackupError::Missing(path.to_owned()))?,
            ));
        }
        let ledger = self.find(forgotten::LEDGER).await?;
        beside.extend(ledger.map(|bytes| (forgotten::LEDGER.to_owned(), bytes)));
        let (sender, chunks) = mpsc::channel(WAITING);
        let (opened, runtime, manifest) = (self.clone(), Handle::current(), manifest.clone());
        let bytes = length(&beside, &manifest)?;
        tokio::task::spawn_blocking(move || {
            let mut tar = Builder::new(BufWriter::with_capacity(CHUNK, Chunks(sender.clone())));
            if let Err(error) = write(&mut tar, &beside, &manifest, &opened, &runtime) {
                // Whoever has gone away need not hear of it.
                let _ = sender.blocking_send(Err(error));
            }
        });
        Ok(Bundle { bytes, chunks })
    }
}

/// How long the tar is: its headers, and every file in whole blocks.
fn length(beside: &[(String, Vec<u8>)], manifest: &BackupManifest) -> io::Result<u64> {
    let small = beside.iter().map(|(path, bytes)| (path, bytes.len() as u64));
    let files = manifest.files.iter().map(|file| (&file.path, file.bytes));
    let (mut headers, mut data) = (Builder::new(Vec::new()), 0);
    for (path, bytes) in small.chain(files) {
        headers.append_data(&mut header(bytes, manifest), path, io::empty())?;
        data += bytes.next_multiple_of(BLOCK);
    }
    Ok(headers.into_inner()?.len() as u64 + data)
}

fn header(bytes: u64, manifest: &BackupManifest) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(manifest.taken_at.seconds().max(0).unsigned_abs());
    header
}

fn write<W: Write>(
    tar: &mut Builder<W>,
    beside: &[(String, Vec<u8>)],
    manifest: &BackupManifest,
    store: &BackupStore,
    runtime: &Handle,
) -> io::Result<()> {
    for (path, bytes) in beside {
        tar.append_data(&mut header(bytes.len() as u64, manifest), path, &bytes[..])?;
    }
    for file in &manifest.files {
        let bytes = runtime.block_on(store.read(file)).map_err(io::Error::other)?;
        tar.append_data(&mut header(file.bytes, manifest), &file.path, &bytes[..])?;
    }
    tar.finish()?;
    tar.get_mut().flush()
}

/// Hands on what is written, and waits for who fetches it.
struct Chunks(mpsc::Sender<io::Result<Bytes>>);

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

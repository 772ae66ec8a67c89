//! What lies in a store of backups.

use std::{collections::HashMap, sync::Arc};

use futures::TryStreamExt as _;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, path::Path};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{BackupError, BackupFile, BackupKeys, BackupManifest, BucketAccess, StoreLocation};
use crate::Edge;

pub(super) const MARK: &str = "licet-backups.json";
const MANIFESTS: &str = "backups";
/// What a backup has written that is not finished.
const UNFINISHED: &str = "unfinished.jws";
/// Where files of backups lie.
const FILES: [&str; 3] = ["log/", "tables/", "archive/"];

/// A store of backups.
#[derive(Clone)]
pub struct BackupStore {
    /// As the operator names it.
    pub location: String,
    objects: Arc<dyn ObjectStore>,
}

/// Marks a store, so that an empty folder where a volume should be mounted is told from it.
#[derive(Serialize, Deserialize)]
struct Mark {
    store_id: Uuid,
}

impl BackupStore {
    /// Opens a store; a folder has to be there.
    pub fn open(location: &StoreLocation, access: &BucketAccess) -> Result<Self, BackupError> {
        Ok(Self {
            location: location.to_string(),
            objects: location.open(access)?,
        })
    }

    /// The store's id; `None` where nothing of ours has ever been kept.
    pub async fn id(&self) -> Result<Option<Uuid>, BackupError> {
        let Some(bytes) = self.find(MARK).await? else {
            return Ok(None);
        };
        let mark: Result<Mark, _> = serde_json::from_slice(&bytes);
        mark.map(|mark| Some(mark.store_id))
            .map_err(|_| BackupError::Touched(MARK.to_owned()))
    }

    /// Marks an empty store as ours.
    pub(super) async fn mark(&self, edge: &Edge) -> Result<Uuid, BackupError> {
        if let Some(id) = self.id().await? {
            return Ok(id);
        }
        let store_id = edge.id();
        let mark = serde_json::to_vec_pretty(&Mark { store_id }).expect("an id is JSON");
        self.put(MARK, mark).await?;
        Ok(store_id)
    }

    /// Every backup, oldest first. What this `SECRET_KEY` has not signed, or what was changed since, is an error by itself.
    pub async fn list(&self, keys: &BackupKeys) -> Result<Vec<Result<BackupManifest, BackupError>>, BackupError> {
        let mut found = Vec::new();
        for id in self.ids().await? {
            found.push(self.manifest(&id, keys).await);
        }
        Ok(found)
    }

    /// The names of all backups, oldest first.
    pub async fn ids(&self) -> Result<Vec<String>, BackupError> {
        let objects: Vec<_> = self.objects.list(Some(&Path::from(MANIFESTS))).try_collect().await?;
        let name = |path: &Path| path.filename()?.strip_suffix(".jws").map(str::to_owned);
        let mut ids: Vec<String> = objects.iter().filter_map(|one| name(&one.location)).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// A backup's manifest, once its signature holds.
    pub async fn manifest(&self, id: &str, keys: &BackupKeys) -> Result<BackupManifest, BackupError> {
        let text = self.find(&manifest_path(id)).await?;
        let text = text.ok_or_else(|| BackupError::NotFound {
            id: id.to_owned(),
            location: self.location.clone(),
        })?;
        let manifest = keys.verify::<BackupManifest>(&String::from_utf8_lossy(&text));
        let manifest = manifest.filter(|manifest| manifest.id == id);
        manifest.ok_or_else(|| BackupError::Unsigned(id.to_owned()))
    }

    /// With this, a backup is one.
    pub(super) async fn keep_manifest(&self, manifest: &BackupManifest, keys: &BackupKeys) -> Result<(), BackupError> {
        let signed = keys.sign(manifest).into_bytes();
        self.put_new(&manifest_path(&manifest.id), signed).await?;
        self.forget_unfinished().await
    }

    /// What a backup has written so far, for the next one where this is cut off.
    pub(super) async fn note_unfinished(
        &self,
        manifest: &BackupManifest,
        keys: &BackupKeys,
    ) -> Result<(), BackupError> {
        self.put(UNFINISHED, keys.sign(manifest).into_bytes()).await
    }

    async fn forget_unfinished(&self) -> Result<(), BackupError> {
        match self.objects.delete(&Path::from(UNFINISHED)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Files that backups of this `SECRET_KEY` name, finished or cut off, by their content, as far as they are there. A
    /// manifest that does not hold names nothing that is trusted.
    pub(super) async fn known(&self, keys: &BackupKeys) -> Result<HashMap<String, BackupFile>, BackupError> {
        let sizes = self.sizes().await?;
        let unfinished = self.find(UNFINISHED).await?;
        let unfinished = unfinished.and_then(|text| keys.verify::<BackupManifest>(&String::from_utf8_lossy(&text)));
        let manifests = self.list(keys).await?.into_iter().flatten().chain(unfinished);
        let files = manifests.flat_map(|manifest| manifest.files);
        let there = files.filter(|file| sizes.get(&file.path) == Some(&file.bytes));
        Ok(there.map(|file| (file.content.clone(), file)).collect())
    }

    /// The size of everything below the store, by path.
    pub(super) async fn sizes(&self) -> Result<HashMap<String, u64>, BackupError> {
        let objects: Vec<_> = self.objects.list(None).try_collect().await?;
        Ok(objects
            .into_iter()
            .map(|one| (one.location.to_string(), one.size))
            .collect())
    }

    /// A file as it was written, or what is wrong with it.
    pub(super) async fn read(&self, file: &BackupFile) -> Result<Vec<u8>, BackupError> {
        let bytes = self.find(&file.path).await?;
        let bytes = bytes.ok_or_else(|| BackupError::Missing(file.path.clone()))?;
        if hex::encode(Sha256::digest(&bytes)) != file.sha256 {
            return Err(BackupError::Touched(file.path.clone()));
        }
        Ok(bytes)
    }

    pub(super) async fn find(&self, path: &str) -> Result<Option<Vec<u8>>, BackupError> {
        match self.objects.get(&Path::from(path)).await {
            Ok(found) => Ok(Some(found.bytes().await?.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a file whole or not at all, where none is.
    pub(super) async fn put_new(&self, path: &str, bytes: Vec<u8>) -> Result<(), BackupError> {
        let new = PutMode::Create.into();
        self.objects.put_opts(&Path::from(path), bytes.into(), new).await?;
        Ok(())
    }

    /// Writes a file whole or not at all, in the place of what is there.
    pub(super) async fn put(&self, path: &str, bytes: Vec<u8>) -> Result<(), BackupError> {
        self.objects.put(&Path::from(path), bytes.into()).await?;
        Ok(())
    }

    /// Deletes backups, and then every file that no backup names any more. Answers how many files went.
    pub(super) async fn delete(&self, ids: &[String], keys: &BackupKeys) -> Result<usize, BackupError> {
        // First those that stay: where one of them cannot be read, nobody knows which files it needs.
        let mut needed: Vec<String> = Vec::new();
        for id in self.ids().await? {
            if !ids.contains(&id) {
                let manifest = self.manifest(&id, keys).await?;
                needed.extend(manifest.files.into_iter().map(|file| file.path));
            }
        }
        needed.sort_unstable();
        for id in ids {
            self.objects.delete(&Path::from(manifest_path(id))).await?;
        }
        // Its files may be among those that go.
        self.forget_unfinished().await?;
        let mut deleted = 0;
        for path in self.sizes().await?.into_keys() {
            let is_file = FILES.iter().any(|folder| path.starts_with(folder));
            if is_file && needed.binary_search(&path).is_err() {
                self.objects.delete(&Path::from(path)).await?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }
}

pub(super) fn manifest_path(id: &str) -> String {
    format!("{MANIFESTS}/{id}.jws")
}

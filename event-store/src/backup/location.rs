//! Where a store of backups is: a folder, or a bucket of S3 or of what speaks as it does.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    local::LocalFileSystem,
    prefix::PrefixStore,
};

use super::BackupError;

/// For one file to be sent or fetched, 64 MiB at most over a slow line.
const TRANSFER: Duration = Duration::from_secs(600);
/// For a bucket that does not answer: whoever waits wants to hear of it.
const RETRIES: Duration = Duration::from_secs(20);

/// Where a store of backups is. Reads and writes itself as operators name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreLocation {
    /// A folder.
    Folder(PathBuf),
    /// What lies below a prefix of a bucket.
    Bucket {
        /// The bucket.
        name: String,
        /// The prefix, without slashes at its ends; may be empty.
        prefix: String,
    },
}

/// How a bucket is reached. What is not said is looked for where Amazon's own tools look.
#[derive(Debug, Clone, Default)]
pub struct BucketAccess {
    /// The server, such as `https://s3.example.com`.
    pub endpoint: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The id of the key.
    pub key_id: Option<String>,
    /// The key.
    pub key: Option<String>,
}

impl FromStr for StoreLocation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(bucket) = text.strip_prefix("s3://") else {
            return match text.split_once("://") {
                Some((scheme, _)) => Err(format!(
                    "{scheme}:// is not known: name a folder, or s3://BUCKET/PREFIX"
                )),
                None => Ok(Self::Folder(text.into())),
            };
        };
        let (name, prefix) = bucket.split_once('/').unwrap_or((bucket, ""));
        if name.is_empty() || name.contains(['@', ':', '?']) {
            return Err(
                "name the bucket as s3://BUCKET/PREFIX; its server and keys are settings of their own".to_owned(),
            );
        }
        Ok(Self::Bucket {
            name: name.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for StoreLocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(formatter),
            Self::Bucket { name, prefix } if prefix.is_empty() => write!(formatter, "s3://{name}"),
            Self::Bucket { name, prefix } => write!(formatter, "s3://{name}/{prefix}"),
        }
    }
}

impl StoreLocation {
    /// The objects that lie there.
    pub(super) fn open(&self, access: &BucketAccess) -> Result<Arc<dyn ObjectStore>, BackupError> {
        match self {
            Self::Folder(folder) if !folder.is_dir() => Err(BackupError::NoFolder(self.to_string())),
            Self::Folder(folder) => Ok(Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true))),
            Self::Bucket { name, prefix } => {
                let bucket = access.builder().with_bucket_name(name).build()?;
                Ok(Arc::new(PrefixStore::new(bucket, prefix.as_str())))
            }
        }
    }
}

impl BucketAccess {
    fn builder(&self) -> AmazonS3Builder {
        // The client takes the provider of the process; the others of this program bring their own.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let plain = self.endpoint.as_ref().is_some_and(|url| url.starts_with("http://"));
        let client = ClientOptions::new().with_allow_http(plain).with_timeout(TRANSFER);
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: 6,
            retry_timeout: RETRIES,
        };
        let mut builder = AmazonS3Builder::new();
        // As `from_env` does, but what is set and empty, as compose files write it, counts as absent.
        for (name, value) in std::env::vars().filter(|(name, value)| name.starts_with("AWS_") && !value.is_empty()) {
            if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
        builder = builder.with_client_options(client).with_retry(retry);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some((id, key)) = self.key_id.as_ref().zip(self.key.as_ref()) {
            builder = builder.with_access_key_id(id).with_secret_access_key(key);
        }
        builder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_read_as_it_is_written() {
        for text in ["/mnt/backups", "backups", "s3://bucket", "s3://bucket/a/b"] {
            assert_eq!(text.parse::<StoreLocation>().unwrap().to_string(), text);
        }
        let slashes: StoreLocation = "s3://bucket/a/".parse().unwrap();
        assert_eq!(slashes.to_string(), "s3://bucket/a");
    }

    #[test]
    fn what_is_no_location_is_refused() {
        for text in [
            "s3://",
            "s3:///a",
            "s3://key:secret@bucket/a",
            "https://bucket.example.com/a",
            "gs://bucket",
        ] {
            assert!(text.parse::<StoreLocation>().is_err(), "{text}");
        }
    }
}

//! What backups are sealed and signed with, all of it derived from `SECRET_KEY`: whoever has that and the store can restore.

use std::io::{Read, Write};

use age::{Decryptor, Encryptor, secrecy::ExposeSecret as _, stream::StreamWriter, x25519};
use bech32::{Bech32, Hrp};
use ed25519_dalek::VerifyingKey;
use hkdf::Hkdf;
use sha2::Sha256;

use super::BackupError;
use crate::{jws, vault::Signer};

const MANIFEST_TYPE: &str = "licet-backup+jwt";

/// Compresses well at some hundred megabytes a second.
const COMPRESSION: i32 = 3;

/// The keys of one deployment's backups.
#[derive(Clone)]
pub struct BackupKeys {
    signer: Signer,
    identity: x25519::Identity,
    recipients: Vec<x25519::Recipient>,
}

/// Compresses and encrypts what is written to it.
pub(super) type SealedWriter = zstd::Encoder<'static, StreamWriter<Vec<u8>>>;

impl BackupKeys {
    /// Derives them from `SECRET_KEY`. `recipients` are further age recipients (`age1…`) that can decrypt.
    pub fn derive(secret_key: &str, recipients: &[String]) -> Result<Self, BackupError> {
        let prefix = Hrp::parse("age-secret-key-").expect("it is a valid prefix");
        let scalar = derived(secret_key, b"licet backup age identity v1");
        let identity = bech32::encode::<Bech32>(prefix, &scalar).expect("32 bytes are short enough for Bech32");
        let identity: x25519::Identity = identity
            .to_uppercase()
            .parse()
            .expect("any 32 bytes are an X25519 secret");
        let mut all = vec![identity.to_public()];
        for recipient in recipients {
            let parsed = recipient.parse::<x25519::Recipient>();
            all.push(parsed.map_err(|_| BackupError::Recipient(recipient.clone()))?);
        }
        Ok(Self {
            signer: Signer::new(&derived(secret_key, b"licet backup signing key v1")),
            identity,
            recipients: all,
        })
    }

    /// The age identity, as the `age` command reads it: the way to a backup's files without this program.
    pub fn identity(&self) -> String {
        self.identity.to_string().expose_secret().to_owned()
    }

    pub(super) fn sign<T: serde::Serialize>(&self, manifest: &T) -> String {
        jws::sign(MANIFEST_TYPE, manifest, &self.signer)
    }

    pub(super) fn verify<T: serde::de::DeserializeOwned>(&self, text: &str) -> Option<T> {
        let key: VerifyingKey = *self.signer.public();
        jws::verify(text.trim(), MANIFEST_TYPE, &[key])
    }

    /// Begins a file.
    pub(super) fn writer(&self) -> std::io::Result<SealedWriter> {
        let recipients = self.recipients.iter().map(|one| one as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(recipients).map_err(std::io::Error::other)?;
        zstd::Encoder::new(encryptor.wrap_output(Vec::new())?, COMPRESSION)
    }

    /// Opens a file that this deployment has sealed.
    pub(super) fn reader(&self, sealed: impl Read) -> std::io::Result<impl Read> {
        let decryptor = Decryptor::new(sealed).map_err(std::io::Error::other)?;
        let opened = decryptor
            .decrypt(std::iter::once(&self.identity as &dyn age::Identity))
            .map_err(std::io::Error::other)?;
        zstd::Decoder::new(opened)
    }

    /// Seals bytes that are at hand.
    pub(super) fn seal(&self, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut writer = self.writer()?;
        writer.write_all(bytes)?;
        writer.finish()?.finish()
    }

    /// Opens bytes that are at hand.
    pub(super) fn open(&self, sealed: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut opened = Vec::new();
        self.reader(sealed)?.read_to_end(&mut opened)?;
        Ok(opened)
    }
}

fn derived(secret_key: &str, what: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, secret_key.as_bytes())
        .expand(what, &mut key)
        .expect("32 bytes are a valid length for HKDF-SHA-256");
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0b5e3c0f7f9d4e0aa8c1d2e3f4a5b6c7";

    #[test]
    fn what_was_sealed_opens_with_the_same_secret_alone() {
        let keys = BackupKeys::derive(SECRET, &[]).unwrap();
        let sealed = keys.seal(b"rows").unwrap();
        assert_eq!(keys.open(&sealed).unwrap(), b"rows");
        let thief = BackupKeys::derive("another secret that is long enough to be one", &[]).unwrap();
        assert!(thief.open(&sealed).is_err());
        for at in 0..sealed.len() {
            let mut touched = sealed.clone();
            touched[at] ^= 1;
            assert!(keys.open(&touched).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_recipient_opens_it_too() {
        let other = x25519::Identity::generate();
        let keys = BackupKeys::derive(SECRET, &[other.to_public().to_string()]).unwrap();
        let sealed = keys.seal(b"rows").unwrap();
        let opened = age::decrypt(&other, &sealed).unwrap();
        assert_eq!(zstd::decode_all(&opened[..]).unwrap(), b"rows");
        assert!(BackupKeys::derive(SECRET, &["age1nonsense".to_owned()]).is_err());
    }
}

//! The one truth outside the log: keys, each wrapped by a key derived from `SECRET_KEY`.
//!
//! Personal data is sealed with the person's key (XChaCha20-Poly1305) before it enters the log. Destroying the key
//! forgets the person everywhere: in the log, snapshots, segments and backups.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use ed25519_dalek::VerifyingKey;
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use jsonwebtoken::EncodingKey;
use licet_domain::values::{Sealed, Timestamp};
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, PgPool};

use crate::{Edge, Tenant, jws};

/// What a key is for; part of what it is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Seals what belongs to one person; named by the person's id.
    Person,
    /// Seals what belongs to a tenant and to no person.
    Tenant,
    /// Hashes what is looked up: license keys, codes, API keys, fingerprints.
    LookUp,
    /// Signs leases, answers and checkpoints (an Ed25519 seed).
    Signing,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Tenant => "tenant",
            Self::LookUp => "look_up",
            Self::Signing => "signing",
        }
    }
}

/// Why the vault did not open.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The database failed.
    #[error("the vault could not be read")]
    Database(#[from] sqlx::Error),
    /// The wrapper does not open: wrong `SECRET_KEY`, or the row was changed.
    #[error("the key {0} does not open; is SECRET_KEY the one that this database was made with?")]
    WrongSecret(String),
    /// The key was destroyed: what it sealed is forgotten.
    #[error("the key was destroyed")]
    Forgotten,
}

type KeyName = (Tenant, Purpose, String);

/// Keys, unwrapped in memory as far as they are in use.
#[derive(Clone)]
pub struct Vault {
    pool: PgPool,
    wrapper: XChaCha20Poly1305,
    edge: Edge,
    open: Cache<KeyName, [u8; 32]>,
}

impl Vault {
    /// A vault over a database, opened with the secret of the deployment.
    pub fn new(pool: PgPool, secret_key: &str, edge: Edge) -> Self {
        let mut wrapping_key = [0; 32];
        Hkdf::<Sha256>::new(None, secret_key.as_bytes())
            .expand(b"licet vault wrapping key v1", &mut wrapping_key)
            .expect("32 bytes are a valid length for HKDF-SHA-256");
        let wrapper = XChaCha20Poly1305::new(&wrapping_key.into());
        let open = Cache::builder()
            .max_capacity(20_000)
            .time_to_live(std::time::Duration::from_secs(60))
            .build();
        Self {
            pool,
            wrapper,
            edge,
            open,
        }
    }

    /// The key of that name, made if there is none. Two nodes that make it at once get the same one.
    pub async fn key(&self, tenant: &Tenant, purpose: Purpose, id: &str) -> Result<[u8; 32], VaultError> {
        let name = (tenant.clone(), purpose, id.to_owned());
        if let Some(key) = self.open.get(&name) {
            return Ok(key);
        }
        let key = match self.read(&name).await? {
            Some(key) => key,
            None => {
                self.make(&name).await?;
                self.read(&name).await?.ok_or(sqlx::Error::RowNotFound)?
            }
        };
        self.open.insert(name, key);
        Ok(key)
    }

    /// Opens keys that are going to be asked for one by one, in one query. What there is no key for is left.
    pub async fn open_all(&self, tenant: &Tenant, purpose: Purpose, ids: &[String]) -> Result<(), VaultError> {
        let name = |id: &str| (tenant.clone(), purpose, id.to_owned());
        let closed: Vec<String> = ids
            .iter()
            .filter(|id| !self.open.contains_key(&name(id)))
            .cloned()
            .collect();
        if closed.is_empty() {
            return Ok(());
        }
        let rows = sqlx::query!(
            r#"SELECT key_id, wrapped AS "wrapped!" FROM vault_keys
               WHERE tenant_id = $1 AND purpose = $2 AND key_id = ANY($3) AND wrapped IS NOT NULL"#,
            tenant.as_str(),
            purpose.as_str(),
            &closed,
        )
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            let name = name(&row.key_id);
            let key = self.unwrap(&name, &row.wrapped)?;
            self.open.insert(name, key);
        }
        Ok(())
    }

    /// Lets go of a key in memory: it may have been destroyed.
    pub fn close(&self, tenant: &Tenant, purpose: Purpose, id: &str) {
        self.open.invalidate(&(tenant.clone(), purpose, id.to_owned()));
    }

    async fn read(&self, name: &KeyName) -> Result<Option<[u8; 32]>, VaultError> {
        let (tenant, purpose, id) = name;
        let row = sqlx::query!(
            "SELECT wrapped FROM vault_keys WHERE tenant_id = $1 AND purpose = $2 AND key_id = $3",
            tenant.as_str(),
            purpose.as_str(),
            id,
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let wrapped = row.wrapped.ok_or(VaultError::Forgotten)?;
        self.unwrap(name, &wrapped).map(Some)
    }

    fn unwrap(&self, name: &KeyName, wrapped: &[u8]) -> Result<[u8; 32], VaultError> {
        let (_, purpose, id) = name;
        let wrong = || VaultError::WrongSecret(format!("{}/{id}", purpose.as_str()));
        let opened = open(&self.wrapper, wrapped, binding(name).as_bytes()).ok_or_else(wrong)?;
        opened.try_into().map_err(|_| wrong())
    }

    async fn make(&self, name: &KeyName) -> Result<(), VaultError> {
        let (tenant, purpose, id) = name;
        let wrapped = seal(
            &self.wrapper,
            self.edge.bytes(),
            &self.edge.bytes::<32>(),
            binding(name).as_bytes(),
        );
        sqlx::query!(
            "INSERT INTO vault_keys (tenant_id, purpose, key_id, wrapped) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            tenant.as_str(),
            purpose.as_str(),
            id,
            wrapped,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Seals text with a key of the vault.
    pub async fn seal(&self, tenant: &Tenant, purpose: Purpose, id: &str, text: &str) -> Result<Sealed, VaultError> {
        Ok(self.sealer(tenant, purpose, id).await?.seal(text))
    }

    /// Opens sealed text; `None` when its key was destroyed.
    pub async fn open(
        &self,
        tenant: &Tenant,
        purpose: Purpose,
        id: &str,
        sealed: &Sealed,
    ) -> Result<Option<String>, VaultError> {
        match self.sealer(tenant, purpose, id).await {
            Ok(sealer) => sealer.open(sealed).map(Some),
            Err(VaultError::Forgotten) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A key made ready for many uses without waiting.
    pub async fn sealer(&self, tenant: &Tenant, purpose: Purpose, id: &str) -> Result<Sealer, VaultError> {
        let key = self.key(tenant, purpose, id).await?;
        let cipher = XChaCha20Poly1305::new(&key.into());
        Ok(Sealer {
            cipher,
            edge: self.edge.clone(),
            binding: format!("{}/{id}", purpose.as_str()),
        })
    }

    /// The key under which a tenant's look-up values are hashed.
    pub async fn look_up_key(&self, tenant: &Tenant) -> Result<LookUpKey, VaultError> {
        self.key(tenant, Purpose::LookUp, "1").await.map(LookUpKey)
    }

    /// Whether the secret opens what is in it; `false` where nothing is yet. None is made.
    pub async fn opens(&self, tenant: &Tenant) -> Result<bool, VaultError> {
        if self.key_ids(tenant, Purpose::LookUp).await?.is_empty() {
            return Ok(false);
        }
        self.look_up_key(tenant).await?;
        Ok(true)
    }

    /// The ids of a purpose's keys that were not destroyed, newest first, with when each was made.
    pub(crate) async fn key_ids(
        &self,
        tenant: &Tenant,
        purpose: Purpose,
    ) -> Result<Vec<(String, Timestamp)>, VaultError> {
        let rows = sqlx::query!(
            r#"SELECT key_id, created_at FROM vault_keys
               WHERE tenant_id = $1 AND purpose = $2 AND destroyed_at IS NULL ORDER BY created_at DESC, key_id DESC"#,
            tenant.as_str(),
            purpose.as_str(),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (row.key_id, row.created_at.into()))
            .collect())
    }
}

/// Destroys a key for good. What it sealed cannot be read any more, here or in any copy; nodes that have it open let go of
/// it when they hear why ([`Vault::close`]), or after a minute.
pub(crate) async fn destroy(
    connection: &mut PgConnection,
    tenant: &Tenant,
    purpose: Purpose,
    id: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE vault_keys SET wrapped = NULL, destroyed_at = now() WHERE tenant_id = $1 AND purpose = $2 AND key_id = $3 AND destroyed_at IS NULL",
        tenant.as_str(),
        purpose.as_str(),
        id,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Seals and opens with one key.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    edge: Edge,
    binding: String,
}

impl Sealer {
    /// Encrypts text, bound to this key's name.
    pub fn seal(&self, text: &str) -> Sealed {
        let sealed = seal(
            &self.cipher,
            self.edge.bytes(),
            text.as_bytes(),
            self.binding.as_bytes(),
        );
        Sealed(format!("v1.{}", URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Decrypts text that this key sealed.
    pub fn open(&self, sealed: &Sealed) -> Result<String, VaultError> {
        let bytes = sealed
            .0
            .strip_prefix("v1.")
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let opened = bytes.and_then(|bytes| open(&self.cipher, &bytes, self.binding.as_bytes()));
        let text = opened.and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or_else(|| VaultError::WrongSecret(self.binding.clone()))
    }
}

/// Hashes what is looked up, so that the database alone tells nothing.
#[derive(Clone)]
pub struct LookUpKey([u8; 32]);

impl LookUpKey {
    /// HMAC-SHA-256 over kind and value.
    pub fn hash(&self, kind: &str, value: &[u8]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(value);
        mac.finalize().into_bytes().into()
    }
}

/// An Ed25519 key pair and its id.
#[derive(Clone)]
pub struct Signer {
    pair: Arc<Ed25519KeyPair>,
    public: VerifyingKey,
    kid: String,
    handle: EncodingKey,
}

impl Signer {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a seed");
        let public = pair.public_key().as_ref().try_into();
        let public = public.expect("the public half of a key pair is a key");
        let pair = Arc::new(pair);
        Self {
            handle: jws::prepare(&public, &pair),
            pair,
            public,
            kid: key_id(&public),
        }
    }

    /// What `jsonwebtoken` knows the key pair by.
    pub(crate) fn handle(&self) -> &EncodingKey {
        &self.handle
    }

    /// The key's id: its RFC 7638 thumbprint.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// An Ed25519 signature (RFC 8032).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature = self.pair.sign(message);
        signature.as_ref().try_into().expect("Ed25519 signatures have 64 bytes")
    }

    /// The public half.
    pub fn public(&self) -> &VerifyingKey {
        &self.public
    }

    /// The public half's 32 bytes, in base64url as a JWK's `x`.
    pub fn public_x(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.public.as_bytes())
    }
}

/// The RFC 7638 thumbprint of an Ed25519 public key (RFC 8037, appendix A.3).
pub fn key_id(key: &VerifyingKey) -> String {
    let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}

fn binding((tenant, purpose, id): &KeyName) -> String {
    format!("{}/{}/{id}", tenant.as_str(), purpose.as_str())
}

fn seal(cipher: &XChaCha20Poly1305, nonce: [u8; 24], text: &[u8], aad: &[u8]) -> Vec<u8> {
    let sealed = cipher.encrypt(XNonce::from_slice(&nonce), Payload { msg: text, aad });
    let mut bytes = nonce.to_vec();
    bytes.extend(sealed.expect("XChaCha20-Poly1305 refuses only texts of more than 256 GB"));
    bytes
}

fn open(cipher: &XChaCha20Poly1305, bytes: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    let (nonce, msg) = bytes.split_at_checked(24)?;
    cipher.decrypt(XNonce::from_slice(nonce), Payload { msg, aad }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_id_is_the_published_one() {
        // RFC 8037, appendix A.
        let x: [u8; 32] = URL_SAFE_NO_PAD
            .decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
            .unwrap()
            .try_into()
            .unwrap();
        let key = VerifyingKey::from_bytes(&x).unwrap();
        assert_eq!(key_id(&key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}

//! The keys that are trusted, and how trust moves on to their successors.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, VerifyingKey};
use licet_contracts::keys::{Key, KeySet, SUCCESSION_TYPE};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Error;

/// Why something that was signed by another key is not believed.
pub(crate) const UNTRUSTED: &str = "its key is not a trusted one";

/// The keys that are trusted, by id.
///
/// Ship them with the program where you can; otherwise they are taken from the server at the first contact and kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PinnedKeys(BTreeMap<String, VerifyingKey>);

impl PinnedKeys {
    /// Reads a JWK set; keys of other kinds are left out.
    pub fn of(set: &KeySet) -> Result<Self, Error> {
        let mut keys = BTreeMap::new();
        for key in set.keys.iter().filter(|key| key.crv == "Ed25519") {
            keys.insert(key.kid.clone(), read(key)?);
        }
        Ok(Self(keys))
    }

    pub(crate) fn get(&self, kid: &str) -> Option<&VerifyingKey> {
        self.0.get(kid)
    }

    /// Whether nothing is trusted yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys of a set that a trusted key vouches for, directly or over others: those that are trusted from now on.
    pub(crate) fn successors(&self, set: &KeySet) -> Vec<Key> {
        let mut known = self.clone();
        let mut found = Vec::new();
        // Newest first: each pass from the oldest on reaches one further.
        for token in set.succession.iter().rev() {
            let Some(key) = known
                .verify::<Key>(token, SUCCESSION_TYPE)
                .ok()
                .filter(|key| set.keys.contains(key))
            else {
                continue;
            };
            if let Ok(public) = read(&key)
                && known.0.insert(key.kid.clone(), public).is_none()
            {
                found.push(key);
            }
        }
        found
    }

    /// Reads the claims of a compact JWS of a type that a trusted key signed.
    pub(crate) fn verify<T: DeserializeOwned>(&self, token: &str, kind: &str) -> Result<T, Error> {
        let token = token.trim();
        let (input, signature) = token.rsplit_once('.').ok_or(Error::Lease("it is no compact JWS"))?;
        let (header, claims) = input.split_once('.').ok_or(Error::Lease("it is no compact JWS"))?;
        let header: Value = decode(header)?;
        if header["alg"] != "EdDSA" || header["typ"] != kind {
            return Err(Error::Lease("it is signed in another way, or of another kind"));
        }
        let key = self
            .get(header["kid"].as_str().unwrap_or_default())
            .ok_or(Error::Lease(UNTRUSTED))?;
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .ok()
            .and_then(|bytes| Signature::from_slice(&bytes).ok());
        let signature = signature.ok_or(Error::Lease("its signature has the wrong shape"))?;
        key.verify_strict(input.as_bytes(), &signature)
            .map_err(|_| Error::Lease("its signature does not hold"))?;
        decode(claims)
    }
}

fn read(key: &Key) -> Result<VerifyingKey, Error> {
    let bytes = URL_SAFE_NO_PAD
        .decode(&key.x)
        .ok()
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let read = bytes.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
    read.ok_or_else(|| Error::Answer("a key of the key set".to_owned()))
}

fn decode<T: DeserializeOwned>(part: &str) -> Result<T, Error> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Error::Lease("it is not base64url"))?;
    serde_json::from_slice(&bytes).map_err(|_| Error::Lease("it does not hold what it should"))
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    fn pair(seed: u8) -> (SigningKey, Key) {
        let signing = SigningKey::from_bytes(&[seed; 32]);
        let key = Key {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            alg: "EdDSA".to_owned(),
            usage: "sig".to_owned(),
            kid: format!("k{seed}"),
            x: URL_SAFE_NO_PAD.encode(signing.verifying_key().as_bytes()),
        };
        (signing, key)
    }

    fn vouch(older: &(SigningKey, Key), newer: &Key) -> String {
        let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{SUCCESSION_TYPE}"}}"#, older.1.kid);
        let claims = serde_json::to_string(newer).unwrap();
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = older.0.sign(input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    #[test]
    fn trust_moves_on_over_two_rotations_and_to_nobody_else() {
        let (one, two, three, foreign) = (pair(1), pair(2), pair(3), pair(9));
        let trusted = PinnedKeys::of(&KeySet {
            keys: vec![one.1.clone()],
            succession: vec![],
        })
        .unwrap();
        let mut set = KeySet {
            keys: vec![three.1.clone(), two.1.clone(), one.1.clone()],
            succession: vec![vouch(&two, &three.1), vouch(&one, &two.1)],
        };
        let found: Vec<_> = trusted.successors(&set).into_iter().map(|key| key.kid).collect();
        assert_eq!(found, ["k2", "k3"]);
        set.succession = vec![vouch(&foreign, &three.1)];
        assert!(trusted.successors(&set).is_empty());
        set.keys = vec![foreign.1.clone()];
        set.succession = vec![vouch(&one, &two.1)];
        assert!(trusted.successors(&set).is_empty(), "only keys that are published");
    }
}

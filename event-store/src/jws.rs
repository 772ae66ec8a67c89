//! Compact JSON Web Signatures (RFC 7515) for what leaves the server: leases, checkpoints and their kin (EdDSA, RFC 8037)
//! and activation tokens (HS256), by `jsonwebtoken` with a provider of its cryptography of our own.
//!
//! The crate's own providers read the private key anew for each signature, which doubles its cost; ours keeps it prepared.
//! Headers are compared whole, so that no algorithm, key or type is ever negotiated.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::signature::Ed25519KeyPair;
use ed25519_dalek::VerifyingKey;
use hmac::{Hmac, Mac as _};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::ErrorKind,
    signature::{Error as SignatureError, Signer as Sign, Verifier as Verify},
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::Sha256;

use crate::vault::{Signer, key_id};

/// Signs claims of a type with a key pair.
pub fn sign<T: Serialize>(kind: &str, claims: &T, signer: &Signer) -> String {
    let header = header(Algorithm::EdDSA, kind, Some(signer.kid()));
    encode(&header, claims, signer.handle())
}

/// Signs claims of a type with a shared secret.
pub fn sign_with_secret<T: Serialize>(kind: &str, claims: &T, secret: &[u8]) -> String {
    let header = header(Algorithm::HS256, kind, None);
    encode(&header, claims, &EncodingKey::from_secret(secret))
}

/// Reads the claims of a token of this type that one of these keys signed; `None` for anything else.
pub fn verify<T: DeserializeOwned>(token: &str, kind: &str, keys: &[VerifyingKey]) -> Option<T> {
    let by = |key: &VerifyingKey| {
        let header = header(Algorithm::EdDSA, kind, Some(&key_id(key)));
        decode(token, &header, &DecodingKey::from_ed_der(key.as_bytes()))
    };
    keys.iter().find_map(by)
}

/// Reads the claims of a token of this type that this secret signed; `None` for anything else. Whether they have ended is
/// for the caller to say.
pub fn verify_with_secret<T: DeserializeOwned>(token: &str, kind: &str, secret: &[u8]) -> Option<T> {
    let header = header(Algorithm::HS256, kind, None);
    decode(token, &header, &DecodingKey::from_secret(secret))
}

fn header(algorithm: Algorithm, kind: &str, kid: Option<&str>) -> Header {
    Header {
        typ: Some(kind.to_owned()),
        kid: kid.map(str::to_owned),
        ..Header::new(algorithm)
    }
}

fn encode<T: Serialize>(header: &Header, claims: &T, key: &EncodingKey) -> String {
    install();
    jsonwebtoken::encode(header, claims, key).expect("claims hold only strings, numbers and maps with string keys")
}

fn decode<T: DeserializeOwned>(token: &str, header: &Header, key: &DecodingKey) -> Option<T> {
    install();
    let mut validation = Validation::new(header.alg);
    // What the claims say is judged by whoever knows what they are for, and what time it is.
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let token = jsonwebtoken::decode(token, key, &validation).ok()?;
    (token.header == *header).then_some(token.claims)
}

/// Key pairs by their public halves: the handles that [`EncodingKey`]s carry in place of a private key.
static PREPARED: RwLock<Option<HashMap<Vec<u8>, Arc<Ed25519KeyPair>>>> = RwLock::new(None);

/// Keeps a key pair prepared; answers what tokens are signed with.
pub(crate) fn prepare(public: &VerifyingKey, pair: &Arc<Ed25519KeyPair>) -> EncodingKey {
    let mut prepared = PREPARED.write().unwrap_or_else(PoisonError::into_inner);
    let pairs = prepared.get_or_insert_default();
    pairs.insert(public.as_bytes().to_vec(), Arc::clone(pair));
    EncodingKey::from_ed_der(public.as_bytes())
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory,
    verifier_factory,
    // Nothing here reads keys from JWKs.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Nobody else in this process has a provider; the second call and all later ones change nothing.
fn install() {
    let _ = PROVIDER.install_default();
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "so the library calls it")]
fn signer_factory(algorithm: &Algorithm, key: &EncodingKey) -> jsonwebtoken::errors::Result<Box<dyn JwtSigner>> {
    match algorithm {
        Algorithm::HS256 => Ok(Box::new(Secret(key.as_bytes().to_vec()))),
        Algorithm::EdDSA => {
            let prepared = PREPARED.read().unwrap_or_else(PoisonError::into_inner);
            let pair = prepared.as_ref().and_then(|pairs| pairs.get(key.as_bytes()));
            let pair = pair.ok_or(ErrorKind::InvalidEddsaKey)?;
            Ok(Box::new(Pair(Arc::clone(pair))))
        }
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "so the library calls it")]
fn verifier_factory(algorithm: &Algorithm, key: &DecodingKey) -> jsonwebtoken::errors::Result<Box<dyn JwtVerifier>> {
    let bytes = key.try_get_as_bytes()?;
    match algorithm {
        Algorithm::HS256 => Ok(Box::new(Secret(bytes.to_vec()))),
        Algorithm::EdDSA => {
            let key = VerifyingKey::try_from(bytes).map_err(|_| ErrorKind::InvalidEddsaKey)?;
            Ok(Box::new(Public(key)))
        }
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

struct Pair(Arc<Ed25519KeyPair>);

impl Sign<Vec<u8>> for Pair {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

impl JwtSigner for Pair {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct Public(VerifyingKey);

impl Verify<Vec<u8>> for Public {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let signature = ed25519_dalek::Signature::from_slice(signature)?;
        self.0.verify_strict(message, &signature)
    }
}

impl JwtVerifier for Public {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct Secret(Vec<u8>);

impl Secret {
    fn mac(&self, message: &[u8]) -> Result<Hmac<Sha256>, SignatureError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(SignatureError::from_source)?;
        mac.update(message);
        Ok(mac)
    }
}

impl Sign<Vec<u8>> for Secret {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(self.mac(message)?.finalize().into_bytes().to_vec())
    }
}

impl JwtSigner for Secret {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verify<Vec<u8>> for Secret {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let mac = self.mac(message)?;
        mac.verify_slice(signature).map_err(SignatureError::from_source)
    }
}

impl JwtVerifier for Secret {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use super::*;

    fn read(token: &str, kind: &str, secret: &str) -> Option<Value> {
        verify_with_secret(token, kind, secret.as_bytes())
    }

    #[test]
    fn a_token_verifies_only_with_its_key_its_header_and_every_byte() {
        let claims = json!({ "sub": "someone" });
        let token = sign_with_secret("a+jwt", &claims, b"secret");
        assert_eq!(read(&token, "a+jwt", "secret"), Some(claims));
        assert_eq!(read(&token, "a+jwt", "other"), None);
        assert_eq!(read(&token, "b+jwt", "secret"), None);
        for index in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            // The last character carries unused bits, which the decoder refuses too.
            assert_eq!(read(&changed, "a+jwt", "secret"), None, "byte {index}");
        }
    }

    #[test]
    fn a_header_that_says_more_or_the_same_in_another_way_is_judged_as_a_whole() {
        let signed = |header: &str| {
            let input = [header, r#"{"sub":"someone"}"#]
                .map(|part| URL_SAFE_NO_PAD.encode(part))
                .join(".");
            let signature = Secret(b"secret".to_vec()).try_sign(input.as_bytes()).unwrap();
            format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
        };
        // As tokens were written before.
        let ordered = signed(r#"{"alg":"HS256","typ":"a+jwt"}"#);
        assert!(read(&ordered, "a+jwt", "secret").is_some());
        for header in [
            r#"{"alg":"none","typ":"a+jwt"}"#,
            r#"{"alg":"HS512","typ":"a+jwt"}"#,
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"HS256","typ":"a+jwt","kid":"x"}"#,
            r#"{"alg":"HS256","typ":"a+jwt","crit":["exp"]}"#,
            r#"{"alg":"HS256","typ":"a+jwt","b64":false}"#,
        ] {
            assert_eq!(read(&signed(header), "a+jwt", "secret"), None, "{header}");
        }
    }

    #[test]
    fn a_signature_of_another_key_does_not_count() {
        let (key, other) = (Signer::new(&[1; 32]), Signer::new(&[2; 32]));
        let claims = json!({ "exp": 1, "aud": "nobody in particular" });
        let token = sign("a+jwt", &claims, &key);
        let read = |keys: &[VerifyingKey]| verify::<Value>(&token, "a+jwt", keys);
        assert_eq!(read(&[*other.public(), *key.public()]), Some(claims));
        assert_eq!(read(&[*other.public()]), None);
        let secret = sign_with_secret("a+jwt", &json!({}), key.public().as_bytes());
        assert_eq!(
            verify::<Value>(&secret, "a+jwt", &[*key.public()]),
            None,
            "no public key is a secret"
        );
    }
}

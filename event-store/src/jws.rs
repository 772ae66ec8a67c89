//! Compact JSON Web Signatures (RFC 7515) for what leaves the server: leases and checkpoints (EdDSA, RFC 8037) and
//! activation tokens (HS256).
//!
//! By hand because the JOSE crates expand the private key anew for each signature, which doubles its cost, and bring
//! RSA and the NIST curves. The header is fixed by the caller and compared whole, so no algorithm is ever negotiated.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, Mac as _};
use serde::{Serialize, de::DeserializeOwned};
use sha2::Sha256;

use crate::vault::Signer;

/// Signs claims with a key pair.
pub fn sign_ed25519<T: Serialize>(header: &str, claims: &T, signer: &Signer) -> String {
    let mut token = signing_input(header, claims);
    let signature = signer.sign(token.as_bytes());
    push(&mut token, &signature);
    token
}

/// Signs claims with a shared secret.
pub fn sign_hs256<T: Serialize>(header: &str, claims: &T, secret: &[u8]) -> String {
    let mut token = signing_input(header, claims);
    let signature = hmac(secret, token.as_bytes()).finalize().into_bytes();
    push(&mut token, &signature);
    token
}

/// Reads the claims of a token that this key signed with exactly this header; `None` for anything else.
pub fn verify_ed25519<T: DeserializeOwned>(token: &str, header: &str, key: &VerifyingKey) -> Option<T> {
    let (input, signature) = token.rsplit_once('.')?;
    let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    key.verify_strict(input.as_bytes(), &signature).ok()?;
    claims(input, header)
}

/// Reads the claims of a token that this secret signed with exactly this header; `None` for anything else.
pub fn verify_hs256<T: DeserializeOwned>(token: &str, header: &str, secret: &[u8]) -> Option<T> {
    let (input, signature) = token.rsplit_once('.')?;
    hmac(secret, input.as_bytes())
        .verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?)
        .ok()?;
    claims(input, header)
}

fn hmac(secret: &[u8], input: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(input);
    mac
}

fn claims<T: DeserializeOwned>(input: &str, header: &str) -> Option<T> {
    let (encoded_header, claims) = input.split_once('.')?;
    if URL_SAFE_NO_PAD.decode(encoded_header).ok()? != header.as_bytes() {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

fn signing_input<T: Serialize>(header: &str, claims: &T) -> String {
    let claims = serde_json::to_vec(claims).expect("claims hold only strings, numbers and maps with string keys");
    let mut token = String::with_capacity((header.len() + claims.len()) * 4 / 3 + 100);
    URL_SAFE_NO_PAD.encode_string(header, &mut token);
    push(&mut token, &claims);
    token
}

fn push(token: &mut String, bytes: &[u8]) {
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(bytes, token);
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

    #[test]
    fn a_token_verifies_only_with_its_key_its_header_and_every_byte() {
        let token = sign_hs256(HEADER, &[1, 2, 3], b"secret");
        assert_eq!(verify_hs256::<Vec<u8>>(&token, HEADER, b"secret"), Some(vec![1, 2, 3]));
        assert_eq!(verify_hs256::<Vec<u8>>(&token, HEADER, b"other"), None);
        assert_eq!(verify_hs256::<Vec<u8>>(&token, r#"{"alg":"none"}"#, b"secret"), None);
        for index in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            // The last character carries unused bits, which the decoder refuses too.
            assert_eq!(
                verify_hs256::<Vec<u8>>(&changed, HEADER, b"secret"),
                None,
                "byte {index}"
            );
        }
    }

    #[test]
    fn a_signature_of_another_key_does_not_count() {
        let (key, other) = (Signer::new(&[1; 32]), Signer::new(&[2; 32]));
        let token = sign_ed25519(HEADER, &"claims", &key);
        assert_eq!(
            verify_ed25519::<String>(&token, HEADER, key.public()).as_deref(),
            Some("claims")
        );
        assert_eq!(verify_ed25519::<String>(&token, HEADER, other.public()), None);
    }
}

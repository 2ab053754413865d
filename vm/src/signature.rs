//! Signatures of images: ed25519 (RFC 8032) over the hash of the body.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

/// Bytes of a signature: the public key, then the signature itself.
pub(crate) const SIGNATURE_BYTES: usize = 96;

/// What is signed, so that a signature of an image is one of nothing else.
fn message(hash: &[u8; 32]) -> Vec<u8> {
    [b"signature of an sgl image, version 1\0".as_slice(), hash].concat()
}

/// The public key of a secret one.
pub fn public_key(secret: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(secret).verifying_key().to_bytes()
}

pub(crate) fn sign(hash: &[u8; 32], secret: &[u8; 32]) -> Vec<u8> {
    let key = SigningKey::from_bytes(secret);
    [key.verifying_key().to_bytes().as_slice(), &key.sign(&message(hash)).to_bytes()].concat()
}

/// Who signed a hash; none if the signature is not right.
pub(crate) fn signer(hash: &[u8; 32], signature: &[u8]) -> Option<[u8; 32]> {
    let key: [u8; 32] = signature.get(..32)?.try_into().ok()?;
    let signature = Signature::from_slice(signature.get(32..)?).ok()?;
    VerifyingKey::from_bytes(&key).ok()?.verify_strict(&message(hash), &signature).ok()?;
    Some(key)
}

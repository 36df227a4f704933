//! The one asynchronous signature of a start: the identity key, which WebCrypto holds and never
//! shows, signs a certificate for the session key, which the core holds.

use peerloom_crypto::{
    Certificate, CertificateRequest, PublicKey, SIGNATURE_BYTES, SessionKey, Signature, sha256,
};
use peerloom_wire::PeerId;
use wasm_bindgen::prelude::*;

use crate::convert::bad_input;

/// What the identity key is asked to sign.
#[wasm_bindgen]
pub struct IdentityRequest {
    session_key: SessionKey,
    request: CertificateRequest,
}

#[wasm_bindgen]
impl IdentityRequest {
    /// Makes a session key and asks for its certificate.
    ///
    /// `identity_key` is the public key as WebCrypto exports it as `raw` (65 bytes);
    /// `session_seed` is 32 bytes from `crypto.getRandomValues`, used for nothing else.
    ///
    /// # Errors
    /// `BAD_INPUT` if a length is wrong.
    #[wasm_bindgen(constructor)]
    pub fn new(identity_key: &[u8], session_seed: &[u8], unix_ms: f64) -> Result<Self, JsValue> {
        let identity =
            identity_key.try_into().map_err(|_| bad_input("an identity key has 65 bytes"))?;
        let seed = session_seed.try_into().map_err(|_| bad_input("a seed has 32 bytes"))?;
        let session_key = SessionKey::from_seed(seed);
        // The cast saturates, so no number does harm: dates are checked by those who verify.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let issued_ms = (unix_ms as u64).min(1 << 53);
        let session = session_key.public_key();
        let request = CertificateRequest { identity: PublicKey(identity), session, issued_ms };
        Ok(Self { session_key, request })
    }

    /// Returns the bytes to sign with ECDSA over SHA-256.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        self.request.payload()
    }

    /// Returns the peer's id, in hexadecimal.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn peer(&self) -> String {
        PeerId(sha256(&self.request.identity.0)).to_string()
    }
}

impl IdentityRequest {
    /// Gives the certificate and its session key, once the signature is there.
    pub(crate) fn finish(self, signature: &[u8]) -> Result<(Certificate, SessionKey), JsValue> {
        let signature: [u8; SIGNATURE_BYTES] =
            signature.try_into().map_err(|_| bad_input("a signature has 64 bytes"))?;
        let certificate = self
            .request
            .sign_with(Signature(signature))
            .map_err(|_| bad_input("the identity key did not sign this certificate"))?;
        Ok((certificate, self.session_key))
    }
}

impl std::fmt::Debug for IdentityRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IdentityRequest({:?})", self.request)
    }
}

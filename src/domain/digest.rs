//! Digests of contents, as people compare them.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The SHA-256 of a content, in 64 hexadecimal digits.
pub fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

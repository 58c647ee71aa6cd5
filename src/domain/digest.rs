//! Digests of contents, as people compare them.

use std::fmt::Write;

use sha2::Sha256;

/// The SHA-256 of a content that comes in parts.
#[derive(Default)]
pub struct Digest(Sha256);

impl Digest {
    /// Adds the next part.
    pub fn add(&mut self, part: impl AsRef<[u8]>) {
        sha2::Digest::update(&mut self.0, part);
    }

    /// The digest in 64 hexadecimal digits.
    pub fn finish(self) -> String {
        sha2::Digest::finalize(self.0).iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// The SHA-256 of a content, in 64 hexadecimal digits.
pub fn sha256(content: &[u8]) -> String {
    let mut digest = Digest::default();
    digest.add(content);
    digest.finish()
}

//! The methods that a fault can be tied to.
//!
//! HTTP lets anybody make up a method; here a misspelt one would be a fault that never strikes, so
//! only those that clients of the API use are taken.

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Reads a method in any case, or says what is wrong with it.
pub(super) fn read(text: &str) -> Result<String, String> {
    let method = text.to_ascii_uppercase();
    if METHODS.contains(&method.as_str()) {
        return Ok(method);
    }
    let near = crate::domain::nearest(&method, METHODS).map(|near| format!("; did you mean {near}?"));
    Err(format!("it has to be one of {}{}", METHODS.join(", "), near.unwrap_or_default()))
}

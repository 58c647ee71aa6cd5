//! Whole files, read and parsed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| waldur_usage::fuzz::file(bytes));

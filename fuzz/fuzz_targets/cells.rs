//! Columns of amounts and months.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| waldur_usage::fuzz::cells(bytes));

//! Charges of months that are made by hand and by chance, held against the rules of FOCUS.

mod example;
mod mapping;
mod month;
mod property;
mod rules;
mod settings;

//! Charges of months that are made by hand.

//! What reports do to invoices, by the sections of the reference.

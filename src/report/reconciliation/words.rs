//! The English text of reports, in one place, so that it can be translated.
//!
//! What classes are called and what to do about them stands beside them, in [`crate::reconcile::Class`].

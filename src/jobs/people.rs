//! The usage of users beside the jobs about totals: read for a plan, set against what is stored now,
//! settled after a crash, told in a report, taken back.

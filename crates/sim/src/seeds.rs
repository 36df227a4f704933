//! Seeds that once failed. They run in the tests for ever, whatever else is drawn.

/// A seed, and what it showed when it failed.
pub const REGRESSIONS: &[(u64, &str)] = &[];

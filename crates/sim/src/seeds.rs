//! Seeds that once failed. They run in the tests for ever, whatever else is drawn.

/// A seed, and what it showed when it failed.
pub const REGRESSIONS: &[(u64, &str)] = &[
    (0, "a start after the store had failed once answered with the old error for ever"),
    (19, "a hostile peer was banned after all had converged, and its place was being filled"),
    (28, "the same, of a tab that did nothing but wait"),
    (103, "the same among twelve tabs, while the others went on"),
    (113, "a content that was being removed was told complete once more"),
];

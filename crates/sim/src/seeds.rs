//! Seeds that once failed. They run in the tests for ever, whatever else is drawn.

/// A seed, and what it showed when it failed.
pub const REGRESSIONS: &[(u64, &str)] = &[
    (0, "a start after the store had failed once answered with the old error for ever"),
    (19, "a hostile peer was banned after all had converged, and its place was being filled"),
    (28, "the same, of a tab that did nothing but wait"),
    (103, "the same among twelve tabs, while the others went on"),
    (113, "a content that was being removed was told complete once more"),
    (218, "two pages froze at once, and each waited for the other's word on a path that was gone"),
    (298, "a content was added after all had converged without it"),
    (340, "a page froze, said so, and was closed: it stayed connected for ever"),
    (509, "118 chunks took longer than the deadline on the slowest connection"),
    (645, "the same as 218, for ever"),
    (761, "a download was asked for while the node was stopped, so nobody started it again"),
    (2373, "a peer was given up and asked for a chunk by one and the same timeout"),
    (2769, "the only provider was met after all had converged, and 29 MB take minutes"),
    (2857, "the same"),
    (2408, "a page froze, said so, and was opened anew where its peer could not hear it"),
];

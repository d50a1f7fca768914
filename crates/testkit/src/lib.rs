//! Oracles with closed forms and public conformance checks for Worldwright's traits.

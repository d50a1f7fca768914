//! What happened: the episode store, replay sampling, normalisers, import and export.

//! The loop: experiment, run folder, resume, report and bundle.

//! What runs leave for people: reports, event files, the terminal view.

mod progress;
mod report;
mod tensorboard;

//! Runs from the outside: whole, cut, broken and resumed, and what they leave for people.

mod branch;
mod broken;
mod disk;
mod killed;
mod nonsense;
mod progress;
mod recorded;
mod report;
mod tensorboard;
mod tiny;
mod whole;

//! Runs from the outside: whole, cut, broken and resumed, and what they leave for people.

mod accounts;
mod at_once;
mod branch;
mod broken;
mod disk;
mod holding;
mod kept;
mod killed;
mod limits;
mod named_data;
mod nonsense;
mod offline;
mod progress;
mod recorded;
mod report;
mod results;
mod roles;
mod settings;
mod tensorboard;
mod tiny;
mod whole;
mod within;

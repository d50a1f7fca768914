//! Decision-time planners, one file each.

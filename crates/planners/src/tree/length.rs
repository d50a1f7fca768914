//! How long a won or lost game may last at least, and what a simulation asks of it.

/// Least steps of a node of which nothing is known: its mover may win, or lose, by the next.
pub(super) const UNKNOWN: Least = Least { win: 1, loss: 1 };

/// How far a search has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Stage {
    /// Nothing is proven of the root.
    #[default]
    Open,
    /// The root is proven, and its win may be shorter or its defence longer.
    Shortening,
    /// There is nothing to search for.
    Settled,
}

/// Lower bounds of the steps in which a node's mover forces the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Least {
    /// That he wins.
    pub(super) win: u32,
    /// That he loses.
    pub(super) loss: u32,
}

/// The question of a simulation at a node.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Question {
    /// Whether the player to move is the attacker.
    pub(super) attacks: bool,
    /// Within how many steps the attacker shall win.
    pub(super) limit: u32,
}

impl Question {
    /// After a step with this continuation.
    #[inline]
    pub(super) fn after(self, continuation: f64) -> Self {
        Self { attacks: self.attacks != (continuation < 0.0), limit: self.limit.saturating_sub(1) }
    }

    /// What a simulation returns to the player to move that answers the question with no.
    pub(super) fn failed(self, win: f64) -> f64 {
        if self.attacks { -win } else { win }
    }
}

//! The hallway options of Sutton, Precup and Singh (1999, section 2): the shortest way within a room to one of its hallways.

use super::MazeModel;

/// The way to a hallway from one of the rooms beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hallway {
    /// Its name.
    pub name: String,
    /// The move in each cell of the room and its other hallways; elsewhere it may not start, and ends.
    pub policy: Vec<Option<usize>>,
}

impl Hallway {
    /// A skill for each hallway and each room beside it; a room is what is reached without passing a hallway. `hallways` are cells.
    pub fn all(model: &MazeModel, hallways: &[usize]) -> Vec<Self> {
        let neighbours = |cell: usize| model.maze.neighbours[cell].iter().map(|next| *next as usize);
        let mut skills = Vec::new();
        for door in hallways.iter().copied() {
            for side in neighbours(door) {
                let mut room = vec![side];
                let mut i = 0;
                while i < room.len() {
                    for next in neighbours(room[i]) {
                        if !hallways.contains(&next) && !room.contains(&next) {
                            room.push(next);
                        }
                    }
                    i += 1;
                }
                let beside = |other: &&usize| **other != door && neighbours(**other).any(|cell| room.contains(&cell));
                let inside: Vec<usize> = room.iter().chain(hallways.iter().filter(beside)).copied().collect();
                // Steps to the door within the room.
                let mut steps = vec![usize::MAX; model.maze.cells.len()];
                steps[door] = 0;
                let nearest =
                    |cell: usize, steps: &[usize]| (0..4).min_by_key(|choice| steps[model.next(cell, *choice)]);
                for _ in 0..inside.len() {
                    for cell in &inside {
                        let best = nearest(*cell, &steps).map_or(usize::MAX, |choice| steps[model.next(*cell, choice)]);
                        steps[*cell] = steps[*cell].min(best.saturating_add(1));
                    }
                }
                let mut policy = vec![None; steps.len()];
                inside.iter().for_each(|cell| policy[*cell] = nearest(*cell, &steps));
                let [column, row] = model.maze.cells[door];
                skills.push(Self { name: format!("to the hallway ({column}, {row})"), policy });
            }
        }
        skills
    }
}

//! Mazes on a grid with their exact shortest paths, as a world model ([`MazeModel`]), and the ways to their hallways ([`Hallway`]).

use std::collections::VecDeque;

use worldwright_core::{Error, Result, Rng};

mod environment;
mod hallway;
mod model;

pub(crate) use environment::{MAZE, ROOMS};
pub use hallway::Hallway;
pub use model::MazeModel;

/// The four rooms of Sutton, Precup and Singh (1999, figure 2): 104 cells, four of them hallways.
pub const FOUR_ROOMS: &str = "\
#############
#.....#.....#
#.....#.....#
#...........#
#.....#.....#
#.....#.....#
##.####.....#
#.....###.###
#.....#.....#
#.....#.....#
#...........#
#.....#.....#
#############";
/// The hallways of the four rooms, column and row.
pub const HALLWAYS: [[usize; 2]; 4] = [[6, 3], [2, 6], [9, 7], [6, 10]];

/// A maze: free cells of a grid, numbered row by row, walls left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Maze {
    /// Column and row of each free cell, row by row.
    pub cells: Vec<[usize; 2]>,
    /// Free cells beside each free cell.
    pub neighbours: Vec<Vec<u32>>,
}

impl Maze {
    /// From text, a line a row: `#` is a wall, everything else is free.
    pub fn parse(text: &str) -> Self {
        let rows: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
        let mut cells = Vec::new();
        for (y, row) in rows.iter().enumerate() {
            cells.extend(row.iter().enumerate().filter(|(_, c)| **c != '#').map(|(x, _)| [x, y]));
        }
        let mut maze = Self { cells, neighbours: Vec::new() };
        let beside = |[x, y]: [usize; 2]| {
            // In the order of the cells: above, left, right, below.
            let around = [[x, y.wrapping_sub(1)], [x.wrapping_sub(1), y], [x + 1, y], [x, y + 1]];
            around.iter().filter_map(|cell| maze.at(*cell)).map(|cell| cell as u32).collect()
        };
        maze.neighbours = maze.cells.iter().map(|cell| beside(*cell)).collect();
        maze
    }

    /// From a map as users write it, with the cells where it begins and ends: lines, with / or line breaks between them, of S (one), G
    /// (one), # and dots.
    ///
    /// # Errors
    /// [`Error::Config`] for other letters, and for none or several of S or G.
    pub fn mapped(map: &str) -> Result<(Self, usize, usize)> {
        let map: String = map.split(['/', '\n']).map(str::trim).collect::<Vec<_>>().join("\n");
        if let Some(letter) = map.chars().find(|letter| !"SG#.\n".contains(*letter)) {
            return Err(Error::config("map", format!("'{letter}' is none of S, G, # and .")));
        }
        let one = |wanted: char| {
            let free = map.chars().filter(|letter| !"#\n".contains(*letter));
            let found: Vec<usize> =
                free.enumerate().filter(|(_, letter)| *letter == wanted).map(|(cell, _)| cell).collect();
            match found[..] {
                [one] => Ok(one),
                _ => Err(Error::config("map", format!("has {} times '{wanted}': write one", found.len()))),
            }
        };
        Ok((Self::parse(&map), one('S')?, one('G')?))
    }

    /// A maze of `side` × `side` chambers with a wall between neighbours wherever a random spanning tree needs no opening, and
    /// `loops` further openings: `2 side − 1` cells a side.
    pub fn random(side: usize, loops: usize, rng: &mut Rng) -> Self {
        let width = 2 * side - 1;
        let mut free = vec![vec![false; width]; width];
        free[0][0] = true;
        let mut stack = vec![[0_usize; 2]];
        while let Some([x, y]) = stack.last().copied() {
            let mut ways: Vec<[usize; 2]> = Vec::new();
            for [dx, dy] in [[0_isize, 2], [2, 0], [0, -2], [-2, 0]] {
                let (nx, ny) = (x.wrapping_add_signed(dx), y.wrapping_add_signed(dy));
                if nx < width && ny < width && !free[ny][nx] {
                    ways.push([nx, ny]);
                }
            }
            if ways.is_empty() {
                stack.pop();
                continue;
            }
            let [nx, ny] = ways[rng.below(ways.len() as u64) as usize];
            free[ny][nx] = true;
            free[(y + ny) / 2][(x + nx) / 2] = true;
            stack.push([nx, ny]);
        }
        for _ in 0..loops {
            let (x, y) = (rng.below(width as u64) as usize, rng.below(width as u64) as usize);
            // Openings between chambers only: one coordinate odd.
            if x % 2 != y % 2 {
                free[y][x] = true;
            }
        }
        let row = |row: &Vec<bool>| row.iter().map(|free| if *free { '.' } else { '#' }).collect::<String>();
        Self::parse(&free.iter().map(row).collect::<Vec<_>>().join("\n"))
    }

    /// The number of the free cell in a column and row.
    pub fn at(&self, cell: [usize; 2]) -> Option<usize> {
        self.cells.binary_search_by_key(&(cell[1], cell[0]), |other| (other[1], other[0])).ok()
    }

    /// The number of the free cell that a setting names by column and row.
    ///
    /// # Errors
    /// [`Error::Config`] where there is none.
    pub fn placed(&self, key: &str, place: &[f64]) -> Result<usize> {
        let found = match place {
            [x, y] if *x >= 0.0 && *y >= 0.0 => self.at([*x as usize, *y as usize]),
            _ => None,
        };
        let last = self.cells.iter().map(|cell| cell[0].max(cell[1])).max().unwrap_or(0);
        found.ok_or_else(|| {
            let why = format!("{place:?} is no free cell: column and row from 1 to {last}, no wall");
            Error::config(key.to_owned(), why)
        })
    }

    /// A shortest way, both ends among it; of equal ones the first.
    pub fn way(&self, from: usize, to: usize) -> Option<Vec<usize>> {
        let steps = self.steps_from(to);
        let mut way = vec![from];
        let mut left = steps[from]?;
        while left > 0 {
            left -= 1;
            let here = way[way.len() - 1];
            let next = self.neighbours[here].iter().find(|next| steps[**next as usize] == Some(left))?;
            way.push(*next as usize);
        }
        Some(way)
    }

    /// Steps from `start` to each cell, by breadth-first search; none where there is no way.
    pub fn steps_from(&self, start: usize) -> Vec<Option<u32>> {
        let mut steps = vec![None; self.cells.len()];
        steps[start] = Some(0);
        let mut queue = VecDeque::from([start]);
        while let Some(cell) = queue.pop_front() {
            for next in &self.neighbours[cell] {
                let next = *next as usize;
                if steps[next].is_none() {
                    steps[next] = steps[cell].map(|steps| steps + 1);
                    queue.push_back(next);
                }
            }
        }
        steps
    }
}

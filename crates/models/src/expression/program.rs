//! An expression as a flat program, run over batches and backwards over single rows.
//!
//! Instructions stand in the order of their evaluation, operands before what uses them. Forwards they work on a stack of
//! blocks of [`BLOCK`] rows, which lies on the machine's own stack; backwards on one number an instruction (reverse-mode
//! differentiation: Griewank and Walther, Evaluating Derivatives, 2008, section 3.2).

use worldwright_core::{Actions, Transitions};

use super::operation::Operation;
use super::tape::{Gradient, Tape};

/// Rows that one instruction works on at a time.
const BLOCK: usize = 32;
/// Deepest stack: with [`BLOCK`], 16 KiB.
pub(super) const DEPTH: usize = 64;

/// One instruction; its result is the number at its place in the program.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Instruction {
    Constant(f64),
    Observation(usize),
    NextObservation(usize),
    Action(usize),
    /// On the results of the instructions at these places, as many as count.
    Apply(Operation, [usize; 4], usize),
}

/// A checked expression.
#[derive(Debug, Clone, Default)]
pub(super) struct Program {
    instructions: Vec<Instruction>,
}

impl Program {
    pub(super) fn push(&mut self, instruction: Instruction) -> usize {
        self.instructions.push(instruction);
        self.instructions.len() - 1
    }

    pub(super) fn len(&self) -> usize {
        self.instructions.len()
    }

    pub(super) fn at(&self, place: usize) -> Instruction {
        self.instructions[place]
    }

    /// Takes back the last instruction.
    pub(super) fn pop(&mut self) {
        self.instructions.pop();
    }

    /// Blocks that the stack holds at most.
    pub(super) fn depth(&self) -> usize {
        let (mut height, mut deepest) = (0_usize, 0);
        for instruction in &self.instructions {
            height += 1;
            if let Instruction::Apply(_, _, count) = instruction {
                height -= count;
            }
            deepest = deepest.max(height);
        }
        deepest
    }

    /// Gives each row's value.
    pub(super) fn evaluate(&self, transitions: &Transitions<'_>, mut give: impl FnMut(usize, f64)) {
        let rows = transitions.observations.rows();
        // One block more than is used, so that the one above the top can always be named.
        let mut stack = [[0.0; BLOCK]; DEPTH + 1];
        for first in (0..rows).step_by(BLOCK) {
            let count = BLOCK.min(rows - first);
            let span = first..first + count;
            let mut height = 0;
            for instruction in &self.instructions {
                if let Instruction::Apply(operation, _, arguments) = *instruction {
                    height -= arguments;
                    apply(operation, arguments, &mut stack[height..], count);
                } else {
                    let top = &mut stack[height][..count];
                    match *instruction {
                        Instruction::Constant(number) => top.fill(number),
                        Instruction::Observation(dim) => {
                            top.copy_from_slice(&transitions.observations.column(dim)[span.clone()]);
                        }
                        Instruction::NextObservation(dim) => {
                            top.copy_from_slice(&transitions.next_observations.column(dim)[span.clone()]);
                        }
                        Instruction::Action(dim) => match transitions.actions {
                            Actions::Continuous(columns) => top.copy_from_slice(&columns.column(dim)[span.clone()]),
                            Actions::Discrete(choices) => {
                                let choices = &choices[span.clone()];
                                top.iter_mut().zip(choices).for_each(|(slot, choice)| *slot = f64::from(*choice));
                            }
                        },
                        Instruction::Apply(..) => {}
                    }
                }
                height += 1;
            }
            (0..count).for_each(|i| give(first + i, stack[0][i]));
        }
    }

    /// The value of one row; adds its derivatives to `gradient`.
    pub(super) fn gradient(
        &self,
        transitions: &Transitions<'_>,
        row: usize,
        tape: &mut Tape,
        gradient: Gradient<'_>,
    ) -> f64 {
        let (values, adjoints) = (&mut tape.values, &mut tape.adjoints);
        for (place, instruction) in self.instructions.iter().enumerate() {
            values[place] = match *instruction {
                Instruction::Constant(number) => number,
                Instruction::Observation(dim) => transitions.observations.get(row, dim),
                Instruction::NextObservation(dim) => transitions.next_observations.get(row, dim),
                Instruction::Action(dim) => match transitions.actions {
                    Actions::Continuous(columns) => columns.get(row, dim),
                    Actions::Discrete(choices) => f64::from(choices[row]),
                },
                Instruction::Apply(operation, places, _) => operation.apply(places.map(|place| values[place])),
            };
        }
        adjoints.fill(0.0);
        let last = self.instructions.len() - 1;
        adjoints[last] = 1.0;
        for (place, instruction) in self.instructions.iter().enumerate().rev() {
            let adjoint = adjoints[place];
            // What nothing depends on may have infinite slopes; zero times those would be NaN.
            if adjoint == 0.0 {
                continue;
            }
            match *instruction {
                Instruction::Constant(_) => {}
                Instruction::Observation(dim) => gradient.observation[dim] += adjoint,
                Instruction::NextObservation(dim) => gradient.next_observation[dim] += adjoint,
                Instruction::Action(dim) => {
                    if matches!(transitions.actions, Actions::Continuous(_)) {
                        gradient.action[dim] += adjoint;
                    }
                }
                Instruction::Apply(operation, places, count) => {
                    let slopes = operation.slopes(places.map(|place| values[place]), values[place]);
                    for (place, slope) in places.iter().zip(slopes).take(count) {
                        adjoints[*place] += adjoint * slope;
                    }
                }
            }
        }
        values[last]
    }
}

/// Replaces the lowest block by the operation on the lowest `arguments` blocks.
#[inline]
fn apply(operation: Operation, arguments: usize, stack: &mut [[f64; BLOCK]], count: usize) {
    // The plain operations stand apart so that their loops become vector instructions.
    let (lowest, others) = stack.split_at_mut(1);
    let (a, b) = (&mut lowest[0][..count], &others[0][..count]);
    match operation {
        Operation::Negate => a.iter_mut().for_each(|a| *a = -*a),
        Operation::Add => a.iter_mut().zip(b).for_each(|(a, b)| *a += b),
        Operation::Subtract => a.iter_mut().zip(b).for_each(|(a, b)| *a -= b),
        Operation::Multiply => a.iter_mut().zip(b).for_each(|(a, b)| *a *= b),
        Operation::Divide => a.iter_mut().zip(b).for_each(|(a, b)| *a /= b),
        Operation::WholePower(2) => a.iter_mut().for_each(|a| *a *= *a),
        other => {
            for i in 0..count {
                let mut numbers = [lowest[0][i], 0.0, 0.0, 0.0];
                for (number, block) in numbers[1..arguments].iter_mut().zip(&*others) {
                    *number = block[i];
                }
                lowest[0][i] = other.apply(numbers);
            }
        }
    }
}

//! Observations from flat vectors: the way back of [`Space::flatten`].

use worldwright_core::{ElementType, Observation, Space, Value};

/// The element of `space` whose flat vector is `flat`; choices are the largest of their one-hot numbers.
pub(super) fn unflatten(space: &Space, flat: &[f64]) -> Observation {
    let largest = |numbers: &[f64]| {
        let mut place = 0;
        for (i, number) in numbers.iter().enumerate() {
            if *number > numbers[place] {
                place = i;
            }
        }
        place as i64
    };
    match space {
        Space::Box { element: ElementType::U8, .. } => {
            Value::Bytes(flat.iter().map(|number| number.round() as u8).collect())
        }
        Space::Box { .. } => Value::Floats(flat.to_vec()),
        Space::Discrete { start, .. } => Value::Integer(start + largest(flat)),
        Space::MultiBinary { .. } => Value::Integers(flat.iter().map(|bit| i64::from(*bit >= 0.5)).collect()),
        Space::MultiDiscrete { nvec } => {
            let mut first = 0;
            let each = nvec.iter().map(|n| {
                first += n;
                largest(&flat[first - n..first])
            });
            Value::Integers(each.collect())
        }
        Space::Dict(parts) => {
            let mut first = 0;
            let each = parts.iter().map(|(name, part)| {
                let width = part.flat_dim();
                first += width;
                (name.clone(), unflatten(part, &flat[first - width..first]))
            });
            Value::Dict(each.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flattening_is_undone() {
        let space = Space::Dict(vec![
            ("box".to_owned(), Space::vector(&[-1.0, -1.0], &[1.0, 1.0])),
            ("one".to_owned(), Space::Discrete { n: 4, start: -1 }),
            ("some".to_owned(), Space::MultiDiscrete { nvec: vec![2, 3] }),
            ("bits".to_owned(), Space::MultiBinary { n: 3 }),
        ]);
        let mut rng = worldwright_core::Rng::new(1);
        for _ in 0..50 {
            let value = space.sample(&mut rng);
            let mut flat = vec![0.0; space.flat_dim()];
            space.flatten(&value, &mut flat).unwrap();
            assert_eq!(unflatten(&space, &flat), value);
        }
    }
}

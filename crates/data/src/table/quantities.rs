//! An observation or an action in a table: one column, several numbers of a vector, or named parts.

use worldwright_core::{ElementType, Error, Result, Space, Value};

use super::cells::{Cells, Data};
use super::given::Reading;
use super::names::{Quantity, is_numbered, name_of};
use super::{Kinds, Table};
use crate::shapes::choices;
use crate::sink::beyond;
use crate::spelling::same_name;
use crate::{exact, shape_fits};

/// How a quantity lies in the columns of a table.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(super) name: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// One column, and the name of its part where it is the only one of a vector.
    Whole { part: String, column: usize },
    /// Numbers of a vector, each with its name and column.
    Vector(Vec<(String, usize)>),
    /// Named parts, each a column.
    Parts(Vec<(String, usize)>),
    /// A column of whole numbers that its empty cells made fractions, as choices.
    Choices { column: usize, least: i64, most: i64 },
}

impl Source {
    /// From parts: name, column, and whether the name stands after a slash.
    ///
    /// # Errors
    /// [`Error::Config`] naming a column that holds no numbers.
    pub(crate) fn new(name: &'static str, parts: &[(String, usize, bool)], table: &Table) -> Result<Self> {
        for (_, column, _) in parts {
            let (called, cells) = &table.columns[*column];
            cells.check_numbers(called)?;
            if cells.rows > 0 && cells.width() == 0 {
                return Err(Error::config(called.clone(), "is empty: every row needs its numbers"));
            }
        }
        let named = || parts.iter().map(|(name, column, _)| (name.clone(), *column)).collect();
        let kind = match parts {
            [(part, column, named)] if part.is_empty() || !named => Kind::Whole { part: part.clone(), column: *column },
            parts if parts.iter().all(|(_, column, named)| !named && table.columns[*column].1.shape.is_empty()) => {
                Kind::Vector(named())
            }
            _ => Kind::Parts(named()),
        };
        Ok(Self { name, kind })
    }

    /// The same for actions: a single column of whole numbers with empty cells was one of whole numbers alone, unless it is said that they
    /// are numbers.
    pub(crate) fn choices(self, table: &Table, reading: impl Fn(&str) -> Option<Reading>) -> Self {
        let Kind::Whole { column, .. } = self.kind else { return self };
        let (name, cells) = &table.columns[column];
        if reading(name) == Some(Reading::Number) || !cells.shape.is_empty() || cells.data.is_whole() || cells.is_text()
        {
            return self;
        }
        let there: Vec<f64> =
            (0..cells.rows).filter(|row| !cells.is_empty(*row)).map(|row| cells.data.number(row)).collect();
        let whole = there.len() < cells.rows && !there.is_empty() && there.iter().all(|n| n.fract() == 0.0);
        let least = there.iter().copied().fold(f64::INFINITY, f64::min);
        let most = there.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if whole && choices(least as i64, most as i64).is_some() {
            return Self { kind: Kind::Choices { column, least: least as i64, most: most as i64 }, ..self };
        }
        self
    }

    /// The next observation with its parts in the order of the observation's, by name.
    ///
    /// # Errors
    /// [`Error::Config`] naming the parts that one has and the other lacks.
    pub(crate) fn paired(self, observation: &Self) -> Result<Self> {
        let single = |part: &String, column: &usize| vec![(part.clone(), *column)];
        let (own, wanted) = match (&self.kind, &observation.kind) {
            (Kind::Whole { part: own, column }, Kind::Whole { part: wanted, column: observed }) => {
                if own.is_empty() || wanted.is_empty() {
                    return Ok(self);
                }
                (&single(own, column), &single(wanted, observed))
            }
            (Kind::Vector(own), Kind::Vector(wanted)) | (Kind::Parts(own), Kind::Parts(wanted)) => (own, wanted),
            _ => {
                return Err(Error::config(
                    self.name,
                    "lies in other columns than the observation: give both in one column each, or both in parts of the same names",
                ));
            }
        };
        let lacks = |these: &[(String, usize)], those: &[(String, usize)]| -> Vec<String> {
            let there = |name: &String| those.iter().any(|(other, _)| other == name);
            these.iter().filter(|(name, _)| !there(name)).map(|(name, _)| format!("'{name}'")).collect()
        };
        let (missing, more) = (lacks(wanted, own), lacks(own, wanted));
        if !missing.is_empty() || !more.is_empty() {
            let mut why = Vec::new();
            if !missing.is_empty() {
                why.push(format!("lacks the part {} that the observation has", missing.join(", ")));
            }
            if !more.is_empty() {
                why.push(format!("has the part {} that the observation lacks", more.join(", ")));
            }
            return Err(Error::config(self.name, format!("{}: parts are paired by name", why.join(" and "))));
        }
        let find = |name: &String| own.iter().find(|(other, _)| other == name).cloned();
        let paired: Vec<(String, usize)> = wanted.iter().filter_map(|(name, _)| find(name)).collect();
        let kind = match self.kind {
            Kind::Vector(_) => Kind::Vector(paired),
            Kind::Parts(_) => Kind::Parts(paired),
            kind => kind,
        };
        Ok(Self { kind, ..self })
    }

    /// What the numbers of a vector are called, where they have names and not only places.
    pub(crate) fn names(&self, table: &Table) -> Option<Vec<String>> {
        match &self.kind {
            Kind::Whole { part, column } => {
                let named = !is_numbered(part) && !part.is_empty() && table.columns[*column].1.width() == 1;
                named.then(|| vec![part.clone()])
            }
            Kind::Vector(parts) => {
                let names = parts.iter().map(|(name, _)| name.clone());
                (!parts.iter().all(|(name, _)| is_numbered(name))).then(|| names.collect())
            }
            Kind::Parts(_) | Kind::Choices { .. } => None,
        }
    }

    /// A note for each column of whole numbers that is read as choices though nobody said so, and an error for what is said to be
    /// choices and lies in a vector of numbers.
    ///
    /// # Errors
    /// [`Error::Config`] naming the column.
    pub(crate) fn choice_notes(
        &self,
        table: &Table,
        space: &Space,
        reading: impl Fn(&str) -> Option<Reading>,
    ) -> Result<Vec<String>> {
        let told = |column: usize, known: String, space: &Space| {
            let (name, cells) = &table.columns[column];
            let Space::Discrete { n, start, .. } = space else { return None };
            if reading(name).is_some() || matches!(cells.data, Data::Bool(_)) {
                return None;
            }
            let last = start + *n as i64 - 1;
            Some(format!(
                "column '{name}' holds whole numbers and is read as choices from {start} to {last}; where they are numbers, say so: \
                 {known}:number={name}"
            ))
        };
        Ok(match (&self.kind, space) {
            (Kind::Whole { column, part }, space) => {
                let known = if part.is_empty() { self.name.to_owned() } else { format!("{}_{part}", self.name) };
                told(*column, known, space).into_iter().collect()
            }
            (Kind::Choices { column, .. }, space) => told(*column, self.name.to_owned(), space).into_iter().collect(),
            (Kind::Parts(parts), Space::Dict(spaces)) => {
                let each = parts.iter().zip(spaces);
                each.filter_map(|((part, column), (_, space))| told(*column, format!("{}/{part}", self.name), space))
                    .collect()
            }
            (Kind::Vector(parts), _) => {
                let names = parts.iter().map(|(_, column)| &table.columns[*column].0);
                if let Some(name) = names.into_iter().find(|name| reading(name) == Some(Reading::Choice)) {
                    return Err(Error::config(
                        name.clone(),
                        format!(
                            "is a number of a vector, and no choice: make it a part of its own, {}/NAME:choice={name}",
                            self.name
                        ),
                    ));
                }
                Vec::new()
            }
            _ => Vec::new(),
        })
    }

    fn columns(&self) -> Vec<usize> {
        match &self.kind {
            Kind::Whole { column, .. } | Kind::Choices { column, .. } => vec![*column],
            Kind::Vector(parts) | Kind::Parts(parts) => parts.iter().map(|(_, column)| *column).collect(),
        }
    }

    /// Whether a row lacks it altogether.
    pub(crate) fn is_empty(&self, table: &Table, row: usize) -> bool {
        self.columns().iter().all(|column| table.columns[*column].1.is_empty(row))
    }

    /// Whether two rows of two quantities of the same parts hold the same numbers, NaN being the same as NaN.
    pub(crate) fn same(&self, row: usize, other: &Self, other_row: usize, table: &Table) -> bool {
        let (mut own, mut theirs) = (Vec::new(), Vec::new());
        self.columns().iter().for_each(|column| table.columns[*column].1.push_row(row, &mut own));
        other.columns().iter().for_each(|column| table.columns[*column].1.push_row(other_row, &mut theirs));
        own.len() == theirs.len() && own.iter().zip(&theirs).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
    }

    /// The space that its columns span, together with those of another that has the same parts in the same order.
    ///
    /// # Errors
    /// [`Error::Config`] where there are no numbers to tell it.
    pub(crate) fn space(&self, table: &Table, also: Option<&Self>) -> Result<Space> {
        let beside = also.map(Self::columns).unwrap_or_default();
        let own = self.columns();
        let whole = |column: usize| -> Result<Space> {
            let (name, cells) = &table.columns[column];
            if cells.is_text() || (cells.rows > 0 && (0..cells.rows).all(|row| cells.is_empty(row))) {
                return Err(Error::config(name.clone(), "holds nothing: its numbers are all missing"));
            }
            let other = own.iter().position(|own| *own == column).and_then(|place| beside.get(place));
            Ok(space_of(cells, other.map(|other| &table.columns[*other].1)))
        };
        match &self.kind {
            Kind::Whole { column, .. } => whole(*column),
            Kind::Choices { least, most, .. } => {
                choices(*least, *most).ok_or_else(|| Error::config(self.name, "holds choices too far apart"))
            }
            Kind::Vector(parts) => {
                for (_, column) in parts {
                    whole(*column)?;
                }
                let all = own.iter().chain(&beside);
                let kinds: Vec<&Data> = all.map(|column| &table.columns[*column].1.data).collect();
                Ok(boxed(vec![parts.len()], &kinds))
            }
            Kind::Parts(parts) => {
                let spaces = parts.iter().map(|(name, column)| Ok((name.clone(), whole(*column)?)));
                Ok(Space::Dict(spaces.collect::<Result<_>>()?))
            }
        }
    }

    /// The space that its numbers are elements of: `asked` where these can be read as its elements, else the one that they span, as far as
    /// their `kinds` tell.
    ///
    /// # Errors
    /// As for [`space`](Self::space).
    pub(crate) fn space_like(
        &self,
        table: &Table,
        also: Option<&Self>,
        asked: Option<Space>,
        kinds: Kinds,
    ) -> Result<Space> {
        match asked.filter(|space| self.reads_as(space, table)) {
            Some(space) => Ok(space),
            None if kinds == Kinds::Told => self.told_space(table, also),
            None => self.space(table, also),
        }
    }

    /// Whether rows can be read as elements of a space, one number after another or part by part.
    pub(super) fn reads_as(&self, space: &Space, table: &Table) -> bool {
        match (space, &self.kind) {
            (Space::Dict(_), Kind::Parts(_)) => true,
            (Space::Dict(_) | Space::Tuple(_), _) | (_, Kind::Parts(_)) => false,
            (Space::Box { shape, .. }, Kind::Vector(parts)) => shape_fits(&[parts.len()], shape),
            (Space::Box { shape, .. }, Kind::Whole { column, .. } | Kind::Choices { column, .. }) => {
                shape_fits(&table.columns[*column].1.shape, shape)
            }
            (space, _) => self.width(table) == space.numbers(),
        }
    }

    /// As [`space`](Self::space), of numbers whose types a user chose: see [`Kinds::Told`].
    pub(super) fn told_space(&self, table: &Table, also: Option<&Self>) -> Result<Space> {
        let cells =
            |source: &Self| source.columns().into_iter().map(|column| &table.columns[column].1).collect::<Vec<_>>();
        let own = cells(self);
        let beside = also.map(cells).unwrap_or_default();
        if let Kind::Parts(parts) = &self.kind {
            let part = |place: usize| -> Vec<&Data> {
                std::iter::once(own[place]).chain(beside.get(place).copied()).map(|cells| &cells.data).collect()
            };
            let spaces = parts
                .iter()
                .enumerate()
                .map(|(place, (name, _))| (name.clone(), reals(shaped(own[place].shape.clone()), &part(place))));
            return Ok(Space::Dict(spaces.collect()));
        }
        let shape = if let Kind::Vector(parts) = &self.kind { vec![parts.len()] } else { shaped(own[0].shape.clone()) };
        if self.name != name_of(Quantity::Action) {
            let kinds: Vec<&Data> = own.iter().chain(&beside).map(|cells| &cells.data).collect();
            return Ok(reals(shape, &kinds));
        }
        if let Kind::Choices { least, most, .. } = self.kind {
            return choices(least, most).ok_or_else(|| Error::config(self.name, "holds choices too far apart"));
        }
        let mut bounds = vec![(f64::INFINITY, f64::NEG_INFINITY); self.width(table)];
        let mut row_of = Vec::new();
        for row in (0..own[0].rows).filter(|row| !self.is_empty(table, *row)) {
            row_of.clear();
            own.iter().for_each(|cells| cells.push_row(row, &mut row_of));
            bounds.iter_mut().zip(&row_of).for_each(|((low, high), n)| (*low, *high) = (low.min(*n), high.max(*n)));
        }
        if own.len() == 1
            && own[0].shape.is_empty()
            && own[0].data.is_whole()
            && let [(low, high)] = bounds[..]
            && let Some(space) = (low <= high).then(|| choices(low as i64, high as i64)).flatten()
        {
            return Ok(space);
        }
        // Where nothing was done, nothing tells how far it might have gone.
        let bound =
            |(low, high): &(f64, f64)| if low.is_finite() && high.is_finite() { (*low, *high) } else { (-1.0, 1.0) };
        let (low, high) = bounds.iter().map(bound).unzip();
        Ok(Space::Box { shape, low, high, element: ElementType::F64 })
    }

    /// Whether every row that lacks it is marked as empty, rather than filled with NaN.
    pub(super) fn is_marked(&self, table: &Table) -> bool {
        let mut cells = self.columns().into_iter().map(|column| &table.columns[column].1);
        cells.all(|cells| (0..cells.rows).all(|row| cells.is_null(row) || !cells.is_empty(row)))
    }

    /// Whether it lies in parts with names of their own.
    pub(crate) fn has_parts(&self) -> bool {
        matches!(self.kind, Kind::Parts(_))
    }

    /// Numbers of a row in all columns together.
    pub(crate) fn width(&self, table: &Table) -> usize {
        self.columns().iter().map(|column| table.columns[*column].1.width()).sum()
    }

    /// The numbers of a row, appended.
    pub(crate) fn push_row(&self, table: &Table, row: usize, out: &mut Vec<f64>) {
        self.columns().iter().for_each(|column| table.columns[*column].1.push_row(row, out));
    }

    /// Whether all numbers of a row are there and finite.
    pub(crate) fn is_finite(&self, table: &Table, row: usize) -> bool {
        let full = |column: &usize| {
            let cells = &table.columns[*column].1;
            !cells.is_empty(row) && cells.first_not_finite(row).is_none()
        };
        self.columns().iter().all(full)
    }

    /// The value in a row.
    ///
    /// # Errors
    /// [`Error::Config`] naming the column where numbers are missing or not finite, [`Error::NotInSpace`] where they are no choices or bytes.
    pub(crate) fn value(&self, table: &Table, row: usize, space: &Space) -> Result<Value> {
        for column in self.columns() {
            let (name, cells) = &table.columns[column];
            if cells.is_empty(row) {
                return Err(Error::config(name.clone(), "is empty or NaN"));
            }
            if let Some(number) = cells.first_not_finite(row) {
                return Err(Error::config(
                    name.clone(),
                    format!(
                        "holds {number}, which no model can learn from: drop the episode, or cut it before that row"
                    ),
                ));
            }
        }
        let one = |column: usize, space: &Space| -> Result<Value> {
            let (name, cells) = &table.columns[column];
            Data::element(space, cells.places(row)).map_err(|error| exact::at(&format!("column '{name}'"), error))
        };
        Ok(match (&self.kind, space) {
            (Kind::Whole { column, .. } | Kind::Choices { column, .. }, space) => one(*column, space)?,
            (Kind::Vector(parts), space) => {
                let places = parts.iter().flat_map(|(_, column)| table.columns[*column].1.places(row));
                Data::element(space, places).map_err(|error| exact::at(self.name, error))?
            }
            (Kind::Parts(parts), Space::Dict(spaces)) => {
                let lacks =
                    |name: &String| Error::config(self.name, format!("has no part '{name}', which its space has"));
                let values = spaces.iter().map(|(name, space)| {
                    let found = parts.iter().find(|(part, _)| same_name(part, name)).ok_or_else(|| lacks(name))?;
                    Ok((name.clone(), one(found.1, space)?))
                });
                Value::Dict(values.collect::<Result<_>>()?)
            }
            (Kind::Parts(_), _) => return Err(Error::config(self.name, "has parts, but its space has none")),
        })
    }

    /// Refuses a row outside the bounds of a space that was given for it: nothing tells what was done in place of such an action.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] naming the column, the number and its bounds.
    pub(crate) fn within(&self, table: &Table, row: usize, space: &Space) -> Result<()> {
        let (Kind::Parts(parts), Space::Dict(spaces)) = (&self.kind, space) else {
            return bounded(table, &self.columns(), row, space);
        };
        let column = |name: &String| parts.iter().find(|(part, _)| same_name(part, name)).map(|(_, column)| *column);
        let found = spaces.iter().filter_map(|(name, space)| Some((column(name)?, space)));
        found.into_iter().try_for_each(|(column, space)| bounded(table, &[column], row, space))
    }
}

/// Refuses numbers of a row in these columns that are outside the bounds of their box.
fn bounded(table: &Table, columns: &[usize], row: usize, space: &Space) -> Result<()> {
    let Space::Box { low, high, element, .. } = space else { return Ok(()) };
    let numbers = columns.iter().flat_map(|column| {
        let (name, cells) = &table.columns[*column];
        cells.places(row).map(move |(data, at)| (name, data.number(at)))
    });
    for ((name, number), (low, high)) in numbers.zip(low.iter().zip(high)) {
        if beyond(number, (*low, *high), element.is_float()) {
            return Err(Error::NotInSpace {
                what: format!("column '{name}'").into(),
                reason: format!(
                    "{number} is outside [{low}, {high}] of the action space that is given: clip it, where the environment did, or give the space \
                     that the actions have"
                ),
            });
        }
    }
    Ok(())
}

/// The space of a column: choices where it holds single whole numbers that are near each other, else a box without bounds.
fn space_of(cells: &Cells, also: Option<&Cells>) -> Space {
    let both = || std::iter::once(cells).chain(also);
    if both().all(|cells| cells.shape.is_empty() && cells.holds_whole()) && cells.data.is_whole() {
        let (mut least, mut most) = (0.0_f64, 0.0_f64);
        for cells in both() {
            for row in (0..cells.rows).filter(|row| !cells.is_empty(*row)) {
                let number = cells.data.number(row);
                (least, most) = (least.min(number), most.max(number));
            }
        }
        if let Some(space) = choices(least as i64, most as i64) {
            return space;
        }
    }
    let kinds: Vec<&Data> = both().map(|cells| &cells.data).collect();
    boxed(cells.shape.clone(), &kinds)
}

/// A shape of at least one axis: a single number is a vector of one.
fn shaped(shape: Vec<usize>) -> Vec<usize> {
    if shape.is_empty() { vec![1] } else { shape }
}

/// A box of images or of real numbers, without bounds of its own.
fn reals(shape: Vec<usize>, of: &[&Data]) -> Space {
    match boxed(shape, of) {
        Space::Box { shape, low, high, element } if !element.is_float() && !element.is_bytes() => {
            Space::Box { shape, low, high, element: ElementType::F64 }
        }
        space => space,
    }
}

fn boxed(shape: Vec<usize>, of: &[&Data]) -> Space {
    let all = |test: fn(&Data) -> bool| of.iter().all(|data| test(data));
    let (low, high, element) = if all(|data| matches!(data, Data::U8(_))) {
        (0.0, 255.0, ElementType::U8)
    } else if all(|data| matches!(data, Data::I64(_) | Data::U8(_))) {
        (f64::NEG_INFINITY, f64::INFINITY, ElementType::I64)
    } else if all(|data| matches!(data, Data::F32(_))) {
        (f64::NEG_INFINITY, f64::INFINITY, ElementType::F32)
    } else {
        (f64::NEG_INFINITY, f64::INFINITY, ElementType::F64)
    };
    let n = shape.iter().product();
    Space::Box { shape, low: vec![low; n], high: vec![high; n], element }
}

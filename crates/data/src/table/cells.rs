//! Cells: one column of a table, a number, an array of numbers or a text in each row.

use worldwright_core::{Error, Result, Space, Value};

use super::given::Reading;
use crate::shapes::choices;
use crate::{exact, limits};

/// The numbers or texts of a column, row after row.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Real numbers.
    F64(Vec<f64>),
    /// Real numbers in single precision.
    F32(Vec<f32>),
    /// Whole numbers.
    I64(Vec<i64>),
    /// Times in a unit of theirs: they have an order, and are no quantity.
    Times(Vec<i64>),
    /// Bytes.
    U8(Vec<u8>),
    /// Truth values.
    Bool(Vec<bool>),
    /// Texts.
    Text(Vec<String>),
}

macro_rules! each {
    ($data:expr, $items:ident => $what:expr) => {
        match $data {
            Data::F64($items) => $what,
            Data::F32($items) => $what,
            Data::I64($items) | Data::Times($items) => $what,
            Data::U8($items) => $what,
            Data::Bool($items) => $what,
            Data::Text($items) => $what,
        }
    };
}

impl Data {
    pub(crate) fn len(&self) -> usize {
        each!(self, items => items.len())
    }

    /// The number in a place; NaN for a text.
    pub(crate) fn number(&self, at: usize) -> f64 {
        match self {
            Self::F64(items) => items[at],
            Self::F32(items) => f64::from(items[at]),
            Self::I64(items) | Self::Times(items) => items[at] as f64,
            Self::U8(items) => f64::from(items[at]),
            Self::Bool(items) => f64::from(u8::from(items[at])),
            Self::Text(_) => f64::NAN,
        }
    }

    /// The whole number in a place.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] for a number that is none.
    fn whole(&self, at: usize) -> Result<i64> {
        match self {
            Self::I64(items) => Ok(items[at]),
            _ => exact::whole(self.number(at)),
        }
    }

    /// The element of a space without parts whose numbers these are.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] for a number that is no choice or byte, and for several where one choice is.
    pub(crate) fn element<'a>(space: &Space, mut numbers: impl Iterator<Item = (&'a Self, usize)>) -> Result<Value> {
        Ok(match space {
            Space::Box { element, .. } if element.is_bytes() => {
                Value::Bytes(numbers.map(|(data, at)| exact::byte(data.number(at))).collect::<Result<_>>()?)
            }
            Space::Discrete { .. } => match (numbers.next(), numbers.next()) {
                (Some((data, at)), None) => Value::Integer(data.whole(at)?),
                (None, _) => return Err(exact::not_in("there is no number where one choice is")),
                _ => return Err(exact::not_in("there are several numbers where one choice is")),
            },
            Space::MultiDiscrete { .. } | Space::MultiBinary { .. } => {
                Value::Integers(numbers.map(|(data, at)| data.whole(at)).collect::<Result<_>>()?)
            }
            _ => Value::Floats(numbers.map(|(data, at)| data.number(at)).collect()),
        })
    }

    /// Bytes that an item takes, the letters of a text aside.
    fn each(&self) -> usize {
        match self {
            Self::F64(_) | Self::I64(_) | Self::Times(_) => 8,
            Self::F32(_) => 4,
            Self::U8(_) | Self::Bool(_) => 1,
            Self::Text(_) => TEXT,
        }
    }

    /// Bytes of the letters in these places.
    fn letters(&self, places: impl Iterator<Item = usize>) -> u128 {
        match self {
            Self::Text(items) => places.filter_map(|place| Some(items.get(place)?.len() as u128)).sum(),
            _ => 0,
        }
    }

    pub(crate) fn numbers(&self) -> Vec<f64> {
        (0..self.len()).map(|at| self.number(at)).collect()
    }

    /// Whether these are whole numbers or flags.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::I64(_) | Self::U8(_) | Self::Bool(_))
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::F64(_) => "float64",
            Self::F32(_) => "float32",
            Self::I64(_) => "int64",
            Self::Times(_) => "times",
            Self::U8(_) => "uint8",
            Self::Bool(_) => "bool",
            Self::Text(_) => "text",
        }
    }

    /// The same kind with these places; places beyond the end become zeros or empty texts.
    pub(crate) fn pick(&self, places: impl Iterator<Item = usize>) -> Self {
        fn of<T: Clone + Default>(items: &[T], places: impl Iterator<Item = usize>) -> Vec<T> {
            places.map(|place| items.get(place).cloned().unwrap_or_default()).collect()
        }
        match self {
            Self::F64(items) => Self::F64(of(items, places)),
            Self::F32(items) => Self::F32(of(items, places)),
            Self::I64(items) => Self::I64(of(items, places)),
            Self::Times(items) => Self::Times(of(items, places)),
            Self::U8(items) => Self::U8(of(items, places)),
            Self::Bool(items) => Self::Bool(of(items, places)),
            Self::Text(items) => Self::Text(of(items, places)),
        }
    }

    /// Adds the items of another column; numbers of different kinds become 64-bit ones.
    fn append(&mut self, other: Self) -> Result<()> {
        match (&mut *self, other) {
            (Self::F64(own), Self::F64(more)) => own.extend(more),
            (Self::F32(own), Self::F32(more)) => own.extend(more),
            (Self::I64(own), Self::I64(more)) | (Self::Times(own), Self::Times(more)) => own.extend(more),
            (Self::U8(own), Self::U8(more)) => own.extend(more),
            (Self::Bool(own), Self::Bool(more)) => own.extend(more),
            (Self::Text(own), Self::Text(more)) => own.extend(more),
            (Self::Text(_), more) if more.len() > 0 => {
                return Err(Error::external("table", "holds texts in some rows and numbers in others"));
            }
            (own, Self::Text(more)) if own.len() > 0 && !more.is_empty() => {
                return Err(Error::external("table", "holds numbers in some rows and texts in others"));
            }
            (own, more) => {
                let mut numbers = own.numbers();
                numbers.extend(more.numbers());
                *self = Self::F64(numbers);
            }
        }
        Ok(())
    }
}

/// Bytes of a text beside its letters.
pub(crate) const TEXT: usize = size_of::<String>() + 8;

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cells {
    /// How many rows.
    pub(crate) rows: usize,
    /// The shape of one row; empty for single numbers and texts.
    pub(crate) shape: Vec<usize>,
    /// `rows` times the product of `shape` items.
    pub(crate) data: Data,
    /// Which rows are empty; no entries where none is.
    empty: Vec<bool>,
}

impl Cells {
    /// A column without empty rows.
    pub(crate) fn new(rows: usize, shape: Vec<usize>, data: Data) -> Result<Self> {
        Self::with_empty(rows, shape, data, Vec::new())
    }

    /// A column in which some rows are empty.
    pub(crate) fn with_empty(rows: usize, shape: Vec<usize>, data: Data, empty: Vec<bool>) -> Result<Self> {
        let width = shape.iter().try_fold(1_usize, |width, n| width.checked_mul(*n));
        if width.and_then(|width| width.checked_mul(rows)) != Some(data.len())
            || !(empty.is_empty() || empty.len() == rows)
        {
            return Err(Error::shape("column", &[rows, width.unwrap_or(usize::MAX)], &[data.len()]));
        }
        let empty = if empty.contains(&true) { empty } else { Vec::new() };
        Ok(Self { rows, shape, data, empty })
    }

    /// Numbers in a row.
    pub(crate) fn width(&self) -> usize {
        self.shape.iter().product()
    }

    pub(crate) fn is_text(&self) -> bool {
        matches!(self.data, Data::Text(_))
    }

    /// Whether a row is empty, or holds nothing but NaN: tables that know no empty cells write that.
    pub(crate) fn is_empty(&self, row: usize) -> bool {
        if self.is_null(row) {
            return true;
        }
        let width = self.width();
        let span = row * width..(row + 1) * width;
        match &self.data {
            Data::F64(numbers) => width > 0 && numbers[span].iter().all(|n| n.is_nan()),
            Data::F32(numbers) => width > 0 && numbers[span].iter().all(|n| n.is_nan()),
            Data::Text(texts) => texts[span].iter().all(|text| is_missing(text)),
            _ => false,
        }
    }

    /// Whether a row is marked as empty.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.empty.get(row).copied().unwrap_or(false)
    }

    /// Where the numbers of a row lie.
    pub(crate) fn places(&self, row: usize) -> impl Iterator<Item = (&Data, usize)> {
        let width = self.width();
        (row * width..(row + 1) * width).map(|at| (&self.data, at))
    }

    /// Numbers of a row, appended.
    pub(crate) fn push_row(&self, row: usize, out: &mut Vec<f64>) {
        out.extend(self.places(row).map(|(data, at)| data.number(at)));
    }

    /// Bytes that the column takes.
    pub(crate) fn bytes(&self) -> u128 {
        self.data.len() as u128 * self.data.each() as u128
            + self.empty.len() as u128
            + self.data.letters(0..self.data.len())
    }

    /// Whether all that it holds are whole numbers, whatever their kind.
    pub(crate) fn holds_whole(&self) -> bool {
        self.data.is_whole()
            || (!self.is_text()
                && (0..self.rows).filter(|row| !self.is_empty(*row)).all(|row| {
                    let width = self.width();
                    (row * width..(row + 1) * width).all(|at| self.data.number(at).fract() == 0.0)
                }))
    }

    /// Refuses texts and times, and whole numbers that an f64 does not hold.
    ///
    /// # Errors
    /// [`Error::Config`] naming the column, the row and what stands there.
    pub(crate) fn check_numbers(&self, name: &str) -> Result<()> {
        if let Data::Text(texts) = &self.data {
            let there = || (0..self.rows).filter(|row| !self.is_empty(*row));
            // Most columns hold numbers but in one cell.
            let wrong = there().find(|row| texts[*row].trim().parse::<f64>().is_err()).or_else(|| there().next());
            if let Some(row) = wrong {
                let text = &texts[row];
                let hint = if text.contains('\u{2212}') && text.replace('\u{2212}', "-").trim().parse::<f64>().is_ok() {
                    " (its minus sign is that of print: write -)"
                } else if text.contains(',') && text.replacen(',', ".", 1).trim().parse::<f64>().is_ok() {
                    " (its decimal mark is a comma: write a point)"
                } else {
                    ""
                };
                return Err(Error::config(name, format!("row {row} holds the text '{text}', expected numbers{hint}")));
            }
        }
        if matches!(self.data, Data::Times(_)) {
            return Err(Error::config(
                name,
                "holds times (of type datetime64 or timedelta64), expected numbers: give seconds",
            ));
        }
        if let Data::I64(numbers) = &self.data
            && let Some(at) = numbers.iter().position(|number| !exact::held(i128::from(*number)))
        {
            return Err(exact::lost(name, at / self.width().max(1), &numbers[at].to_string()));
        }
        Ok(())
    }

    /// The same column as numbers or as choices, because somebody said so.
    ///
    /// # Errors
    /// [`Error::Config`] naming the row that holds no choice.
    pub(crate) fn read_as(self, name: &str, reading: Reading) -> Result<Self> {
        self.check_numbers(name)?;
        match reading {
            Reading::Number if self.data.is_whole() => Ok(Self { data: Data::F64(self.data.numbers()), ..self }),
            Reading::Number => Ok(self),
            Reading::Choice => {
                if !self.shape.is_empty() {
                    return Err(Error::config(name, "holds arrays, expected one choice a row"));
                }
                let empty: Vec<bool> = (0..self.rows).map(|row| self.is_empty(row)).collect();
                let numbers = self.data.numbers();
                let there = || (0..self.rows).filter(|row| !empty[*row]);
                if let Some(row) = there().find(|row| exact::whole(numbers[*row]).is_err()) {
                    return Err(Error::config(name, format!("row {row} holds {}, which is no choice", numbers[row])));
                }
                let whole: Vec<i64> =
                    (0..self.rows).map(|row| if empty[row] { 0 } else { numbers[row] as i64 }).collect();
                let bounds = there().map(|row| whole[row]).fold((0, 0), |(least, most), n| (n.min(least), n.max(most)));
                if choices(bounds.0, bounds.1).is_none() {
                    let why = format!("holds {} to {}, which are too far apart to be choices", bounds.0, bounds.1);
                    return Err(Error::config(name, why));
                }
                Self::with_empty(self.rows, self.shape, Data::I64(whole), empty)
            }
        }
    }

    /// The rows in these places; `None` is an empty one.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where these take more than the memory.
    pub(crate) fn pick(&self, places: &[Option<usize>]) -> Result<Self> {
        let width = self.width();
        limits::rows("a column", places.len(), width, self.data.each())?;
        let letters = self.data.letters(places.iter().flatten().flat_map(|place| place * width..(place + 1) * width));
        limits::fits("the texts of a column", letters)?;
        let items = places.iter().flat_map(|place| {
            let start = place.map_or(usize::MAX - width, |place| place * width);
            start..start + width
        });
        let data = self.data.pick(items);
        let empty = places.iter().map(|place| place.is_none_or(|place| self.is_null(place))).collect();
        Self::with_empty(places.len(), self.shape.clone(), data, empty)
    }

    /// Adds the rows of another column of the same name.
    ///
    /// # Errors
    /// [`Error::External`] where these have another shape.
    pub(crate) fn append(&mut self, other: Self) -> Result<()> {
        let (hollow, hollow_other) = (self.all_empty(), other.all_empty());
        if self.shape != other.shape && !hollow && !hollow_other {
            return Err(Error::external(
                "table",
                format!("holds arrays of different lengths: {:?} and {:?} in one column", self.shape, other.shape),
            ));
        }
        let rows = self.rows + other.rows;
        let (before, after) = (self.rows, other.rows);
        let all = (0..before).map(|row| self.is_null(row)).chain((0..after).map(|row| other.is_null(row)));
        let all: Vec<bool> = all.collect();
        if hollow_other && !hollow {
            limits::rows("a column with empty rows", rows, self.width(), self.data.each())?;
        }
        let own = std::mem::replace(&mut self.data, Data::Bool(Vec::new()));
        // Empty rows take on the kind and the shape of those that hold something.
        let (shape, own, more) = if hollow && (self.shape != other.shape || !hollow_other) {
            limits::rows("a column with empty rows", rows, other.width(), other.data.each())?;
            let width: usize = other.shape.iter().product();
            let zeros = other.data.pick(std::iter::repeat_n(usize::MAX, before * width));
            (other.shape, zeros, other.data)
        } else if hollow_other {
            let width: usize = self.shape.iter().product();
            let zeros = own.pick(std::iter::repeat_n(usize::MAX, after * width));
            (self.shape.clone(), own, zeros)
        } else {
            (other.shape, own, other.data)
        };
        let mut data = own;
        data.append(more)?;
        *self = Self::with_empty(rows, shape, data, all)?;
        Ok(())
    }

    fn all_empty(&self) -> bool {
        self.rows == 0 || (self.empty.len() == self.rows && self.empty.iter().all(|empty| *empty))
    }

    /// The first row whose numbers are not all finite, and the number.
    pub(crate) fn first_not_finite(&self, row: usize) -> Option<f64> {
        let width = self.width();
        (row * width..(row + 1) * width).map(|at| self.data.number(at)).find(|n| !n.is_finite())
    }
}

/// What tables of text write into an empty cell.
pub(crate) fn is_missing(text: &str) -> bool {
    matches!(
        text.trim().to_ascii_lowercase().as_str(),
        "" | "nan" | "na" | "<na>" | "n/a" | "none" | "null" | "nat" | "#n/a"
    )
}

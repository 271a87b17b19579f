//! How large a value is when it is written out. Values share their parts, so that can be far more than they take.

use regorus::Value;

/// A value nested deeper than this is too large: whatever walks through it does so by recursion.
pub const DEEPEST: usize = 512;

/// Bytes of the texts in some values, how many values there are in all, and how deep they are nested.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    pub bytes: usize,
    pub values: usize,
    pub depth: usize,
}

impl Measured {
    /// None for more than `most` bytes, a value being one at least, and for what is nested deeper than `DEEPEST`.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a Value>, most: usize) -> Option<Self> {
        let mut found = Self::default();
        let mut left: Vec<(&Value, usize)> = values.into_iter().map(|value| (value, 1)).collect();
        while let Some((value, depth)) = left.pop() {
            found.values += 1;
            found.depth = found.depth.max(depth);
            if let Value::String(text) = value {
                found.bytes = found.bytes.saturating_add(text.len());
            }
            match value {
                Value::Array(items) => left.extend(items.iter().map(|item| (item, depth + 1))),
                Value::Set(items) => left.extend(items.iter().map(|item| (item, depth + 1))),
                Value::Object(fields) => {
                    for (key, item) in fields.iter() {
                        left.extend([(key, depth + 1), (item, depth + 1)]);
                    }
                }
                _ => {}
            }
            let seen = found.values.saturating_add(left.len());
            if found.bytes.saturating_add(seen) > most || found.depth > DEEPEST {
                return None;
            }
        }
        Some(found)
    }
}

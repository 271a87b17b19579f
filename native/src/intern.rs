//! Parts of the input that come again and again, such as the client, are read once.

use std::collections::HashMap;

use regorus::Value;
use serde_json::value::RawValue;

use crate::document::read;
use crate::errors::Failure;

/// Members of the input that are the same for many questions.
const MEMBERS: [&str; 2] = ["client", "target"];
/// Parts kept; when there are more, all are forgotten.
const KEPT: usize = 2048;
/// Parts longer than this (bytes) are read anew each time.
const LONGEST: usize = 4096;

/// What was read before, by its JSON.
#[derive(Default)]
pub struct Interned {
    parts: HashMap<Box<str>, Value>,
}

impl Interned {
    /// Read an input document. Refuses what `document::read` refuses.
    pub fn read(&mut self, json: &[u8]) -> Result<Value, Failure> {
        let Ok(members) = serde_json::from_slice::<HashMap<&str, &RawValue>>(json) else {
            return read(json); // not an object, or it has escapes in a key: no document of ours
        };
        let mut input = Value::new_object();
        let object = input.as_object_mut()?;
        for (key, part) in members {
            let value = if MEMBERS.contains(&key) && part.get().len() <= LONGEST {
                self.part(part.get())?
            } else {
                Value::from_json_str(part.get())?
            };
            object.insert(Value::from(key), value);
        }
        Ok(input)
    }

    fn part(&mut self, json: &str) -> Result<Value, Failure> {
        if let Some(value) = self.parts.get(json) {
            return Ok(value.clone());
        }
        let value = Value::from_json_str(json)?;
        if self.parts.len() >= KEPT {
            self.parts.clear();
        }
        self.parts.insert(json.into(), value.clone());
        Ok(value)
    }
}

//! JSON that was read once, to be put into several engines.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use regorus::Value;

use crate::errors::{caught, Failure};

/// Read JSON. Refuses what is not UTF-8, half surrogate pairs and nesting deeper than 128.
pub fn read(json: &[u8]) -> Result<Value, Failure> {
    let text = std::str::from_utf8(json).map_err(|_| Failure::Refused("the JSON is not UTF-8".to_owned()))?;
    Ok(Value::from_json_str(text)?)
}

/// A JSON value, read without holding the interpreter lock. Freed by `close`, or when nobody holds it.
#[pyclass(frozen)]
pub struct Document {
    value: Mutex<Option<Value>>,
}

impl Document {
    /// The value; shared, not copied.
    pub fn value(&self) -> Result<Value, Failure> {
        let value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        value
            .clone()
            .ok_or_else(|| Failure::Refused("the document is closed".to_owned()))
    }
}

#[pymethods]
impl Document {
    /// Read `json` and wrap it in objects so that it lies at `path`. Raises Error.
    #[new]
    fn new(py: Python<'_>, json: &[u8], path: Vec<String>) -> PyResult<Self> {
        let value = py.detach(|| {
            caught(|| {
                let mut value = read(json)?;
                for step in path.into_iter().rev() {
                    let mut outer = Value::new_object();
                    outer.as_object_mut()?.insert(Value::from(step), value);
                    value = outer;
                }
                Ok(value)
            })
        })?;
        Ok(Self {
            value: Mutex::new(Some(value)),
        })
    }

    /// Let go of the value while other threads run. Engines that have it keep it.
    fn close(&self, py: Python<'_>) {
        py.detach(|| {
            let value = self.value.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(value);
        });
    }
}

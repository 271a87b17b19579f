//! What goes wrong here, as Python exceptions.

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use regorus::LimitError;

use crate::guarded;

create_exception!(
    dnspolicy_native,
    Error,
    PyException,
    "A policy, its data or its input cannot be used."
);
create_exception!(
    dnspolicy_native,
    TimeLimit,
    Error,
    "An evaluation took longer than it may."
);
create_exception!(
    dnspolicy_native,
    MemoryLimit,
    Error,
    "An evaluation took more memory than it may."
);
create_exception!(dnspolicy_native, Panic, Error, "The interpreter failed within itself.");

/// Put the exceptions into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("Error", py.get_type::<Error>())?;
    module.add("TimeLimit", py.get_type::<TimeLimit>())?;
    module.add("MemoryLimit", py.get_type::<MemoryLimit>())?;
    module.add("Panic", py.get_type::<Panic>())
}

/// What failed, before it is an exception: may be made without the interpreter lock.
pub enum Failure {
    Refused(String),
    Time(String),
    Memory(String),
    Panicked(String),
}

impl From<anyhow::Error> for Failure {
    fn from(problem: anyhow::Error) -> Self {
        // Not the alternate form: that would say causes, and with them backtraces.
        let text = problem.to_string();
        match problem.downcast_ref::<LimitError>() {
            Some(LimitError::TimeLimitExceeded { .. }) => Self::Time(text),
            Some(LimitError::MemoryLimitExceeded { .. }) => Self::Memory(text),
            _ if text.contains(guarded::TOO_LARGE) => Self::Memory(text),
            _ => Self::Refused(text),
        }
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(text) => Error::new_err(text),
            Failure::Time(text) => TimeLimit::new_err(text),
            Failure::Memory(text) => MemoryLimit::new_err(text),
            Failure::Panicked(text) => Panic::new_err(text),
        }
    }
}

/// Work whose panics are failures: what crosses into Python as a panic is no `Exception` there.
///
/// Whatever the work was changing may be half changed then.
pub fn caught<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(panicked(payload.as_ref())))
}

/// The text of a panic; no place, as that would be a path of the machine this was built on.
fn panicked(payload: &(dyn Any + Send)) -> Failure {
    let text = payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned());
    Failure::Panicked(format!("the interpreter failed within itself: {text}"))
}

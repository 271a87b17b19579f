//! The regorus interpreter for dnspolicy: JSON in, JSON out, and limits for each evaluation.

mod document;
mod engine;
mod errors;
mod guarded;
mod intern;
mod limits;
mod measured;

use pyo3::prelude::*;

/// Python's `dnspolicy_native`.
#[pymodule]
fn dnspolicy_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // A panic becomes an exception; the hook would also write this machine's paths to standard error.
    std::panic::set_hook(Box::new(|_| {}));
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<document::Document>()?;
    errors::register(module)
}

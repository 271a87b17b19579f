//! Limits of one evaluation.

use std::num::NonZeroU32;
use std::time::Duration;

use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{check_global_memory_limit, set_global_memory_limit, LimitError};

/// Steps of the interpreter between looks at the clock.
const STEPS: NonZeroU32 = NonZeroU32::new(16).unwrap();

/// A time limit as regorus wants it; none when `seconds` is not a positive finite number.
pub fn timer(seconds: f64) -> Option<ExecutionTimerConfig> {
    let limit = Duration::try_from_secs_f64(seconds).ok()?;
    (!limit.is_zero()).then_some(ExecutionTimerConfig {
        limit,
        check_interval: STEPS,
    })
}

/// While it lives, this process may allocate `bytes` more than it has now; 0 for any number.
///
/// The limit of regorus is for the whole process. It is one for an evaluation because evaluations hold the interpreter
/// lock, so there is one at a time. What prepares engines beside it can meet that limit too, and then is done again
/// (`Engine::beside`).
pub struct Memory;

impl Memory {
    pub fn more(bytes: u64) -> Self {
        if bytes > 0 {
            set_global_memory_limit(Some(in_use().saturating_add(bytes)));
        }
        Self
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        set_global_memory_limit(None);
    }
}

/// Bytes that are allocated. The only way to ask is to exceed a limit.
fn in_use() -> u64 {
    set_global_memory_limit(Some(0));
    match check_global_memory_limit() {
        Err(LimitError::MemoryLimitExceeded { usage, .. }) => usage,
        _ => 0,
    }
}

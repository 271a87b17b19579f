//! Policies and data, evaluated by regorus' interpreter.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Mutex, TryLockError};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use regorus::{PolicyLengthConfig, Value};

use crate::document::Document;
use crate::errors::{caught, Failure};
use crate::guarded;
use crate::intern::Interned;
use crate::limits::{timer, Memory};
use crate::measured::Measured;

/// What a reference is evaluated for.
enum Wanted<'a> {
    Rule(&'a str),
    Query(&'a str),
}

/// Of one evaluation: seconds, and bytes of memory; 0 is no limit.
#[derive(Clone, Copy)]
struct Limits {
    seconds: f64,
    memory: u64,
}

struct State {
    engine: regorus::Engine,
    /// A copy from before evaluations, as one that fails may leave `with` mocks behind. None: not known to be clean.
    clean: Option<regorus::Engine>,
    interned: Interned,
}

impl State {
    fn of(engine: regorus::Engine) -> Self {
        Self {
            engine,
            clean: None,
            interned: Interned::default(),
        }
    }

    /// Change the engine itself. What is prepared is forgotten.
    fn change<T>(&mut self, work: impl FnOnce(&mut regorus::Engine) -> anyhow::Result<T>) -> Result<T, Failure> {
        self.clean = None;
        Ok(work(&mut self.engine)?)
    }

    /// Prepare the rules, as a first evaluation would. Runs nothing of the policy, so it needs no limits.
    fn prepare(&mut self) -> Result<(), Failure> {
        self.engine.clear_execution_timer_config();
        match self.engine.eval_query("true".to_owned(), false).map_err(Failure::from) {
            Ok(_) => self.clean = Some(self.engine.clone()),
            Err(Failure::Memory(text)) => return Err(Failure::Memory(text)),
            Err(_) => self.clean = None, // each evaluation will say it
        }
        Ok(())
    }

    /// The value as JSON; None when undefined.
    fn evaluate(&mut self, wanted: &Wanted, input: Value, limits: Limits) -> Result<Option<Vec<u8>>, Failure> {
        if self.clean.is_none() {
            self.clean = Some(self.engine.clone());
        }
        match timer(limits.seconds) {
            Some(config) => self.engine.set_execution_timer_config(config),
            None => self.engine.clear_execution_timer_config(),
        }
        self.engine.set_input(input);
        let engine = &mut self.engine;
        let outcome = caught(|| {
            let _limit = Memory::more(limits.memory);
            json(&value(engine, wanted)?, limits.memory)
        });
        if outcome.is_err() {
            self.restore();
        }
        outcome
    }

    /// Go on with an engine that never failed; what it gathered (prints, coverage) is not that of the failed one.
    fn restore(&mut self) {
        if let Some(clean) = &self.clean {
            self.engine = clean.clone();
        }
    }
}

fn value(engine: &mut regorus::Engine, wanted: &Wanted) -> Result<Value, Failure> {
    match wanted {
        Wanted::Rule(path) => Ok(engine.eval_rule((*path).to_owned())?),
        Wanted::Query(path) => Ok(engine
            .eval_query((*path).to_owned(), false)?
            .result
            .into_iter()
            .next()
            .and_then(|row| row.expressions.into_iter().next())
            .map_or(Value::Undefined, |expression| expression.value)),
    }
}

fn json(value: &Value, memory: u64) -> Result<Option<Vec<u8>>, Failure> {
    if let Value::Undefined = value {
        return Ok(None);
    }
    // Values share their parts and JSON does not, so a small value can be text without end.
    let most = if memory == 0 { u64::MAX } else { memory };
    if Measured::of([value], usize::try_from(most).unwrap_or(usize::MAX)).is_none() {
        return Err(Failure::Memory(
            "the value is too large to be written as JSON".to_owned(),
        ));
    }
    serde_json::to_vec(value)
        .map(Some)
        .map_err(|problem| Failure::Refused(format!("the value cannot be written as JSON: {problem}")))
}

/// One set of policies with its data. May be used from several threads, one after the other.
///
/// What prepares it (`add_policy`, `add_data`, `warm`, `close`) lets go of the interpreter lock; what evaluates does not:
/// beside a thread that computes, it would wait longer for the lock than most evaluations take.
#[pyclass(frozen)]
pub struct Engine {
    state: Mutex<State>,
}

impl Engine {
    /// Work while other Python threads run.
    ///
    /// The limit of memory of an evaluation in another thread can end it, so it is done again where there is none: while
    /// the interpreter lock is held. Work that failed has left nothing behind.
    fn beside<T: Send>(
        &self,
        py: Python<'_>,
        work: impl Fn(&mut State) -> Result<T, Failure> + Sync + Send,
    ) -> PyResult<T> {
        // The guard is gone before the interpreter lock is waited for, so nobody waits for both.
        let done = match py.detach(|| self.with(&work)) {
            Err(Failure::Memory(_)) => self.with(&work),
            done => done,
        };
        Ok(done?)
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> Result<T, Failure>) -> Result<T, Failure> {
        match self.state.try_lock() {
            Ok(mut state) => caught(|| work(&mut state)),
            Err(TryLockError::Poisoned(poisoned)) => caught(|| work(&mut poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => Err(Failure::Refused("the engine is in use by another thread".to_owned())),
        }
    }

    fn made(state: State) -> Self {
        Self {
            state: Mutex::new(state),
        }
    }
}

#[pymethods]
impl Engine {
    /// Without `strict`, a builtin that fails is undefined, as in an OPA server; else the evaluation fails.
    #[new]
    #[pyo3(signature = (*, strict))]
    fn new(strict: bool) -> PyResult<Self> {
        let mut engine = regorus::Engine::new();
        engine.set_strict_builtin_errors(strict);
        engine.set_gather_prints(true);
        guarded::add(&mut engine, strict).map_err(Failure::from)?;
        Ok(Self::made(State::of(engine)))
    }

    /// Parse one file. Raises Error with `file:line:column`.
    fn add_policy(&self, py: Python<'_>, file: String, text: String) -> PyResult<()> {
        self.beside(py, |state| {
            state
                .change(|engine| engine.add_policy(file.clone(), text.clone()))
                .map(drop)
        })
    }

    /// Merge a document in. Raises Error.
    fn add_data(&self, py: Python<'_>, document: &Document) -> PyResult<()> {
        let value = document.value()?;
        self.beside(py, |state| state.change(|engine| engine.add_data(value.clone())))
    }

    /// Limits for files added from now on; 0 counts as 1.
    fn set_limits(&self, columns: u32, lines: usize, size: usize) -> PyResult<()> {
        let config = PolicyLengthConfig {
            max_col: NonZeroU32::new(columns).unwrap_or(NonZeroU32::MIN),
            max_lines: NonZeroUsize::new(lines).unwrap_or(NonZeroUsize::MIN),
            max_file_bytes: NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN),
        };
        Ok(self.with(|state| {
            state.engine.set_policy_length_config(config);
            Ok(())
        })?)
    }

    /// The syntax trees of all files as JSON. Raises Error.
    fn ast(&self, py: Python<'_>) -> PyResult<String> {
        self.beside(py, |state| state.change(|engine| engine.get_ast_as_json()))
    }

    /// The value of a reference as JSON; None when undefined. With `rule` it must be that of a plain rule, which is a
    /// little faster. `seconds` and `memory` (bytes) limit it; 0 is no limit.
    ///
    /// Raises `TimeLimit`, `MemoryLimit`, `Panic` and `Error`.
    #[pyo3(signature = (path, rule, input, seconds=0.0, memory=0))]
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        rule: bool,
        input: Option<&[u8]>,
        seconds: f64,
        memory: u64,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let wanted = if rule { Wanted::Rule(path) } else { Wanted::Query(path) };
        let value = self.with(|state| {
            let input = match input {
                Some(json) => state.interned.read(json)?,
                None => Value::Undefined,
            };
            state.evaluate(&wanted, input, Limits { seconds, memory })
        })?;
        Ok(value.map(|json| PyBytes::new(py, &json)))
    }

    /// Prepare the rules, so that the first evaluation is as fast as others; other threads run meanwhile.
    fn warm(&self, py: Python<'_>) -> PyResult<()> {
        self.beside(py, State::prepare)
    }

    /// Note which lines are evaluated from now on.
    fn cover(&self) -> PyResult<()> {
        Ok(self.with(|state| {
            state.engine.set_enable_coverage(true);
            Ok(())
        })?)
    }

    /// The lines that were evaluated, and those that were not, as JSON.
    fn coverage(&self) -> PyResult<String> {
        Ok(self.with(|state| {
            let report = state.engine.get_coverage_report()?;
            serde_json::to_string(&report).map_err(|problem| Failure::Refused(problem.to_string()))
        })?)
    }

    /// What `print` said since last asked.
    fn prints(&self) -> PyResult<Vec<String>> {
        Ok(self.with(|state| Ok(state.engine.take_prints()?))?)
    }

    /// Another engine with the same policies and data. Cheap: they are shared until one of the two changes them.
    fn clone(&self) -> PyResult<Self> {
        Ok(self.with(|state| {
            let engine = state.clean.as_ref().unwrap_or(&state.engine).clone();
            Ok(Self::made(State::of(engine)))
        })?)
    }

    /// Free what it holds, while other threads run; it is empty then.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.beside(py, |state| {
            *state = State::of(regorus::Engine::new());
            Ok(())
        })
    }
}

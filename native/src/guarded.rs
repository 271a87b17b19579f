//! Builtins that can make a value of any size out of small ones, in one call that no limit interrupts.
//!
//! The limits of an evaluation are looked at between calls, and what cannot be allocated ends the process. So these
//! are refused beforehand when their result would be too large.

use std::sync::Arc;

use anyhow::{anyhow, bail, Result};
use regorus::unstable::{BuiltinFcn, Expr, Ref, Source, Span, BUILTINS};
use regorus::{Engine, Value};

/// In every error that says so.
pub const TOO_LARGE: &str = "would make a value that is too large";
/// Bytes that one call may make.
const LARGEST: usize = 16 * 1024 * 1024;

type Size = fn(&[Value]) -> Option<usize>;

/// By name: how many bytes a call makes at most; None when the builtin will refuse its arguments anyway.
const GUARDED: [(&str, u8, Size); 6] = [
    ("bits.lsh", 2, shifted),
    ("concat", 2, joined),
    ("regex.replace", 3, matched),
    ("replace", 3, replaced),
    ("sprintf", 2, printed),
    ("strings.replace_n", 2, replaced_all),
];

/// Let an engine call these instead of the builtins.
pub fn add(engine: &mut Engine, strict: bool) -> Result<()> {
    let source = Source::from_contents("builtin".to_owned(), String::new())?;
    let span = Span {
        source,
        line: 1,
        col: 1,
        start: 0,
        end: 0,
    };
    for (name, arguments, size) in GUARDED {
        let builtin = *BUILTINS.get(name).ok_or_else(|| anyhow!("regorus has no {name}"))?;
        let call = Call {
            name,
            builtin,
            size,
            strict,
            span: span.clone(),
        };
        let call = Arc::new(call);
        engine.add_extension(
            name.to_owned(),
            arguments,
            Box::new(move |given: Vec<Value>| call.run(&given)),
        )?;
    }
    Ok(())
}

struct Call {
    name: &'static str,
    builtin: BuiltinFcn,
    size: Size,
    strict: bool,
    span: Span,
}

impl Call {
    fn run(&self, given: &[Value]) -> Result<Value> {
        if (self.size)(given).is_some_and(|size| size > LARGEST) {
            bail!("{} {TOO_LARGE}", self.name);
        }
        let places: Vec<Ref<Expr>> = given.iter().map(|_| Ref::new(self.place())).collect();
        match (self.builtin.0)(&self.span, &places, given, self.strict) {
            Err(_) if !self.strict => Ok(Value::Undefined),
            Err(problem) => Err(anyhow!(said(&problem.to_string()))),
            done => done,
        }
    }

    /// Stands for an argument in messages, which are of no use as the place is not known here.
    fn place(&self) -> Expr {
        Expr::Null {
            span: self.span.clone(),
            value: Value::Null,
            eidx: 0,
        }
    }
}

/// What an error says, without the place in front of it.
fn said(problem: &str) -> String {
    problem
        .rsplit_once("error: ")
        .map_or(problem, |(_, what)| what)
        .trim()
        .to_owned()
}

fn text(value: &Value) -> Option<&str> {
    value.as_string().ok().map(AsRef::as_ref)
}

fn times(text: &str, from: &str, to: usize) -> usize {
    let found = if from.is_empty() {
        text.chars().count() + 1
    } else {
        text.matches(from).count()
    };
    text.len().saturating_add(found.saturating_mul(to))
}

fn replaced(given: &[Value]) -> Option<usize> {
    Some(times(text(&given[0])?, text(&given[1])?, text(&given[2])?.len()))
}

/// Each pattern can make every byte as long as its replacement.
fn replaced_all(given: &[Value]) -> Option<usize> {
    let mut size = text(&given[1])?.len();
    for (from, to) in given[0].as_object().ok()?.iter() {
        let (from, to) = (text(from)?.len(), text(to)?.len());
        if to > from {
            size = size
                .saturating_add(1)
                .saturating_mul(to.div_ceil(from.max(1)).saturating_add(1));
        }
    }
    Some(size)
}

/// At most one match begins at each byte, and each `$` of the replacement can bring the whole text.
fn matched(given: &[Value]) -> Option<usize> {
    let (whole, value) = (text(&given[0])?, text(&given[2])?);
    let once = value
        .matches('$')
        .count()
        .saturating_mul(whole.len())
        .saturating_add(value.len());
    Some((whole.len() + 1).saturating_mul(once))
}

fn joined(given: &[Value]) -> Option<usize> {
    let between = text(&given[0])?.len();
    let parts: Vec<&Value> = match &given[1] {
        Value::Array(items) => items.iter().collect(),
        Value::Set(items) => items.iter().collect(),
        _ => return None,
    };
    let all = parts.iter().filter_map(|part| text(part)).map(str::len).sum::<usize>();
    Some(between.saturating_mul(parts.len()).saturating_add(all))
}

/// The widths that a template asks for. Its values take as much as they take already.
fn printed(given: &[Value]) -> Option<usize> {
    let widths = text(&given[0])?.split(|c: char| !c.is_ascii_digit());
    Some(
        widths
            .filter(|digits| !digits.is_empty())
            .fold(0, |size: usize, digits| {
                size.saturating_add(digits.parse().unwrap_or(usize::MAX))
            }),
    )
}

fn shifted(given: &[Value]) -> Option<usize> {
    let by = given[1].as_u64().ok()?;
    Some(usize::try_from(by / 8).unwrap_or(usize::MAX))
}

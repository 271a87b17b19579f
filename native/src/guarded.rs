//! Builtins that could take any time or memory in one call, which no limit interrupts.
//!
//! The limits of an evaluation are looked at between calls, and what cannot be allocated ends the process. So these
//! are refused beforehand when their result, or their work, would be too large.

use std::sync::Arc;

use anyhow::{anyhow, bail, Result};
use regorus::unstable::{BuiltinFcn, Expr, Ref, Source, Span, BUILTINS};
use regorus::{Engine, LimitError, Value};

use crate::measured::Measured;

/// In every error that says so.
pub const TOO_LARGE: &str = "would make a value that is too large";
/// Bytes that one call may make.
const LARGEST: usize = 16 * 1024 * 1024;
/// Bytes that a value takes where it lies in an array.
const VALUE: usize = 32;
/// Bytes that one call may compare, which takes some tens of milliseconds.
const WORK: usize = 64 * 1024 * 1024;
/// Bytes of a text and of a pattern: 65,536 signs take the slowest pattern a tenth of a second.
const TEXT: usize = 64 * 1024;
const PATTERN: usize = 4 * 1024;
/// Bytes of a number. To write one takes the square of that.
const NUMBER: usize = 4 * 1024;
/// Steps into a value.
const DEEPEST: usize = 128;

/// What a call makes, or how much it has to do; None when the builtin will refuse its arguments anyway.
type Size = fn(&[Value]) -> Option<usize>;

/// By name: the number of arguments, what is measured of a call, and how much of it there may be.
const GUARDED: &[(&str, u8, Size, usize)] = &[
    ("bits.lsh", 2, shifted, NUMBER),
    ("concat", 2, joined, LARGEST),
    ("format_int", 2, number, NUMBER),
    ("glob.match", 3, globbed, TEXT),
    ("glob.quote_meta", 1, |given| length(&given[0]), PATTERN),
    ("indexof_n", 2, compared, WORK),
    ("json.filter", 2, reaching, DEEPEST),
    ("json.marshal", 1, |given| Some(written(given, 2)), LARGEST),
    ("json.marshal_with_options", 2, indented, LARGEST),
    ("json.patch", 2, deepened, DEEPEST),
    ("json.remove", 2, reaching, DEEPEST),
    ("json.unmarshal", 1, digits, NUMBER),
    ("net.cidr_expand", 1, addresses, LARGEST),
    ("numbers.range", 2, counted, LARGEST),
    ("numbers.range_step", 3, counted, LARGEST),
    (
        "object.subset",
        2,
        |given| Some(items(&given[0])?.saturating_mul(items(&given[1])?)),
        WORK / VALUE,
    ),
    ("product", 1, |given| items(&given[0]), NUMBER),
    (
        "regex.find_all_string_submatch_n",
        3,
        |given| searched(&given[0], &given[1]),
        TEXT,
    ),
    ("regex.find_n", 3, |given| searched(&given[0], &given[1]), TEXT),
    ("regex.match", 2, |given| searched(&given[0], &given[1]), TEXT),
    ("regex.replace", 3, matched, LARGEST),
    ("regex.split", 2, |given| searched(&given[0], &given[1]), TEXT),
    ("replace", 3, replaced, LARGEST),
    (
        "split",
        2,
        |given| Some(length(&given[0])?.saturating_mul(VALUE)),
        LARGEST,
    ),
    ("sprintf", 2, printed, LARGEST),
    ("strings.any_prefix_match", 2, |given| Some(pairs(given)), WORK),
    ("strings.any_suffix_match", 2, |given| Some(pairs(given)), WORK),
    ("strings.replace_n", 2, replaced_all, LARGEST),
    ("to_number", 1, digits, NUMBER),
    ("trim", 2, compared, WORK),
    ("trim_left", 2, compared, WORK),
    ("trim_right", 2, compared, WORK),
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
    for &(name, arguments, size, most) in GUARDED {
        let builtin = *BUILTINS.get(name).ok_or_else(|| anyhow!("regorus has no {name}"))?;
        let call = Call {
            name,
            builtin,
            size,
            most,
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
    most: usize,
    strict: bool,
    span: Span,
}

impl Call {
    fn run(&self, given: &[Value]) -> Result<Value> {
        if (self.size)(given).is_some_and(|size| size > self.most) {
            bail!("{} {TOO_LARGE}", self.name);
        }
        let places: Vec<Ref<Expr>> = given.iter().map(|_| Ref::new(self.place())).collect();
        // Always strictly: some builtins go wrong with what they take when they are not strict.
        match (self.builtin.0)(&self.span, &places, given, true) {
            Err(problem) if problem.is::<LimitError>() => Err(problem),
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

fn length(value: &Value) -> Option<usize> {
    text(value).map(str::len)
}

fn items(value: &Value) -> Option<usize> {
    match value {
        Value::Array(items) => Some(items.len()),
        Value::Set(items) => Some(items.len()),
        Value::Object(fields) => Some(fields.len()),
        _ => None,
    }
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
    if searched(&given[1], &given[0])? > TEXT {
        return Some(usize::MAX);
    }
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

/// The widths that a template asks for, and its values.
fn printed(given: &[Value]) -> Option<usize> {
    let widths = text(&given[0])?.split(|c: char| !c.is_ascii_digit());
    let wide = widths
        .filter(|digits| !digits.is_empty())
        .fold(0, |size: usize, digits| {
            size.saturating_add(digits.parse().unwrap_or(usize::MAX))
        });
    Some(wide.saturating_add(written(&given[1..], 2)))
}

/// Values written out as text: signs may need `times` as much there, and each value has some of its own.
fn written(given: &[Value], times: usize) -> usize {
    Measured::of(given, LARGEST).map_or(usize::MAX, |all| {
        all.bytes
            .saturating_mul(times)
            .saturating_add(all.values.saturating_mul(8))
    })
}

fn indented(given: &[Value]) -> Option<usize> {
    let options = given[1].as_object().ok()?;
    let each = |name: &str| options.get(&Value::from(name)).and_then(length).unwrap_or(0);
    let Some(all) = Measured::of([&given[0]], LARGEST) else {
        return Some(usize::MAX);
    };
    let before = each("prefix").saturating_add(each("indent").saturating_mul(all.depth));
    Some(written(&given[..1], 2).saturating_add(all.values.saturating_mul(before)))
}

/// How deep a document can be afterwards: a copy goes with all that is in it to where its path leads.
fn deepened(given: &[Value]) -> Option<usize> {
    let mut depth = Measured::of([&given[0]], LARGEST).map_or(usize::MAX, |all| all.depth);
    for operation in given[1].as_array().ok()? {
        let path = operation.as_object().ok()?.get(&Value::from("path"))?;
        let steps = steps(path);
        let whole = Measured::of([operation], LARGEST).map_or(usize::MAX, |all| all.depth);
        depth = depth.saturating_add(steps).max(steps.saturating_add(whole));
    }
    Some(depth)
}

/// The steps of the longest of some paths.
fn reaching(given: &[Value]) -> Option<usize> {
    match &given[1] {
        Value::Array(paths) => paths.iter().map(steps).max(),
        Value::Set(paths) => paths.iter().map(steps).max(),
        Value::Object(paths) => paths.iter().map(|(path, _)| steps(path)).max(),
        _ => None,
    }
}

fn steps(path: &Value) -> usize {
    match path {
        Value::String(path) => path.matches('/').count(),
        other => items(other).unwrap_or(0),
    }
}

fn addresses(given: &[Value]) -> Option<usize> {
    let (address, length) = text(&given[0])?.split_once('/')?;
    let width: u32 = if address.contains(':') { 128 } else { 32 };
    let free = width.saturating_sub(length.parse().ok()?);
    Some(
        2_usize
            .checked_pow(free)
            .map_or(usize::MAX, |many| many.saturating_mul(2 * VALUE)),
    )
}

fn counted(given: &[Value]) -> Option<usize> {
    let whole = |value: &Value| value.as_number().ok().map(|n| n.as_i64().map(i128::from));
    let step = given.get(2).map_or(Some(Some(1)), whole)?;
    let (Some(from), Some(to), Some(step)) = (whole(&given[0])?, whole(&given[1])?, step) else {
        return Some(usize::MAX);
    };
    let many = (to - from).abs().checked_div(step)?;
    Some(usize::try_from(many).unwrap_or(usize::MAX).saturating_mul(VALUE))
}

fn shifted(given: &[Value]) -> Option<usize> {
    let by = given[1].as_u64().ok()?;
    Some(
        usize::try_from(by / 8)
            .unwrap_or(usize::MAX)
            .saturating_add(number(given)?),
    )
}

/// Bytes of a number.
fn number(given: &[Value]) -> Option<usize> {
    let number = given[0].as_number().ok()?;
    let small = number.as_i64().is_some() || number.as_u64().is_some() || number.as_f64().is_some();
    Some(if small { 8 } else { number.format_decimal().len() / 2 })
}

/// The longest run of digits in a text.
fn digits(given: &[Value]) -> Option<usize> {
    text(&given[0])?
        .split(|c: char| !c.is_ascii_digit())
        .map(str::len)
        .max()
}

fn compared(given: &[Value]) -> Option<usize> {
    Some(length(&given[0])?.saturating_mul(length(&given[1])?))
}

/// Every text is compared with every beginning.
fn pairs(given: &[Value]) -> usize {
    let bytes = |value: &Value| match value {
        Value::String(text) => Some((1, text.len())),
        other => Measured::of([other], LARGEST).map(|all| (all.values, all.bytes)),
    };
    let (Some((texts, long)), Some((beginnings, _))) = (bytes(&given[0]), bytes(&given[1])) else {
        return usize::MAX;
    };
    beginnings.saturating_mul(texts.saturating_add(long))
}

fn searched(pattern: &Value, value: &Value) -> Option<usize> {
    let pattern = length(pattern)?;
    Some(if pattern > PATTERN { usize::MAX } else { length(value)? })
}

fn globbed(given: &[Value]) -> Option<usize> {
    searched(&given[0], &given[2])
}

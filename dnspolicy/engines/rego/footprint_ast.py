"""The static footprint: every path of the input that rules reachable from the entrypoint can read.

Every place where `input` stands counts, with the constant steps that follow it; a step that is not constant, or a
bare `input.client`, counts for all below. `c := input.client` gives the path another name, and so do imports and rules
like `c := input.client`; to know that an optional object is there reads less than the object (`EXISTS`).
"""

from __future__ import annotations

from dnspolicy.engines.rego.builtins import CLOCKS
from dnspolicy.engines.rego.program import Meaning, Placed, Program, step_text
from dnspolicy.engines.rego.tree import (
    Assign,
    Call,
    Compound,
    Comprehension,
    Does,
    Expr,
    Literal,
    Module,
    Query,
    Ref,
    Rule,
    RuleKind,
    Statement,
    Var,
    parts,
    queries,
)
from dnspolicy.policy.footprint import ALWAYS, EXISTS, OPTIONAL_OBJECTS, Footprint, Path

Aliases = dict[str, set[Path]]


def footprint(program: Program, entrypoint: tuple[str, ...]) -> Footprint:
    """What the rules that make `entrypoint` (a path below `data`) can read."""
    reader = _Reader(program)
    reader.reach(entrypoint)
    reader.run()
    return Footprint(frozenset(reduced(reader.paths)), reader.timeless)


def reduced(paths: set[Path]) -> set[Path]:
    """Without what another path stands for already."""
    return {p for p in paths if not any(p[:i] in paths for i in range(len(p)))}


class _Reader:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._reached: set[int] = set()
        self._waiting: list[Placed] = []
        self._naming = {id(m): _naming_rules(program, m) for m in program.modules}
        self.paths: set[Path] = set()
        self.timeless = True

    def reach(self, pattern: tuple[str | None, ...]) -> None:
        """Note the rules a reference can meet."""
        for placed in self._program.matching(pattern):
            if id(placed.rule) not in self._reached:
                self._reached.add(id(placed.rule))
                self._waiting.append(placed)

    def only_names(self, module: Module, path: tuple[str, ...]) -> bool:
        """Whether the path below `data` is a rule of this module that only names a path of the input."""
        return path[:-1] == module.package and path[-1] in self._naming[id(module)]

    def run(self) -> None:
        """Read every rule that is reached."""
        while self._waiting:
            placed = self._waiting.pop()
            _RuleReader(self, self._program, placed.module, self._aliases(placed)).rule(placed.rule)

    def _aliases(self, placed: Placed) -> Aliases:
        given = _imported(placed.module) | self._naming[id(placed.module)]
        aliases = {name: set(paths) for name, paths in given.items()}
        found = True
        while found:
            found = False
            for query in queries(placed.rule):
                for statement in query.statements:
                    found |= _alias(aliases, statement)
        return aliases


class _RuleReader:
    """Reads one rule."""

    def __init__(self, reader: _Reader, program: Program, module: Module, aliases: Aliases) -> None:
        self._reader = reader
        self._program = program
        self._module = module
        self._aliases = aliases

    def rule(self, rule: Rule) -> None:
        for expr in (rule.key, *rule.path, *rule.arguments):
            if expr is not None:
                self._expr(expr)
        for body in rule.bodies:
            if body.value is not None:
                self._expr(body.value)
            if body.query is not None:
                self._query(body.query)

    def _query(self, query: Query) -> None:
        for statement in query.statements:
            self._statement(statement)

    def _statement(self, statement: Statement) -> None:
        for target, value in statement.mods:
            self._steps(target)
            self._expr(value)
            self._builtin_value(value)
        if statement.does is Does.SOME:
            return
        if statement.expr is not None and not self._only_there(statement.expr):
            self._expr(statement.expr)
        if statement.over is not None:
            self._expr(statement.over)
        if statement.does is Does.SOME_IN:
            for bind in statement.binds:
                self._expr(bind)
        if statement.body is not None:
            self._query(statement.body)

    def _only_there(self, expr: Expr) -> bool:
        """`c := input.client`, or `input.answer` as a whole statement: whether it is there is all that is read."""
        naming = isinstance(expr, Assign) and not expr.unifies and isinstance(expr.left, Var)
        whole = expr.right if naming and isinstance(expr, Assign) else expr
        paths = _input_paths(self._aliases, whole)
        if not paths or not (naming or paths <= OPTIONAL_OBJECTS) or self._rule_meant(whole) is not None:
            return False
        for path in paths:
            self._there(path)
        return True

    def _rule_meant(self, expr: Expr) -> Meaning | None:
        """The rules a name can mean, other than one that only names a path of the input."""
        meaning = self._program.meaning(self._module, expr)
        if meaning is None or meaning.root != "data":
            return None
        return None if self._reader.only_names(self._module, meaning.path) else meaning

    def _there(self, path: Path) -> None:
        if path in OPTIONAL_OBJECTS:
            self._reader.paths.add((*path, EXISTS))
        elif path not in ALWAYS:
            self._reader.paths.add(path)

    def _expr(self, expr: Expr) -> None:
        if isinstance(expr, Var | Ref):
            self._reference(expr)
        elif isinstance(expr, Call):
            self._call(expr)
        elif isinstance(expr, Assign) and self._only_there(expr):
            return
        else:
            for part in parts(expr):
                self._expr(part)
            if isinstance(expr, Comprehension):
                self._query(expr.body)

    def _reference(self, expr: Var | Ref) -> None:
        head = expr.head if isinstance(expr, Ref) else expr
        steps = expr.steps if isinstance(expr, Ref) else ()
        if not isinstance(head, Var):
            self._expr(head)
        else:
            for base in _bases(self._aliases, head.name):
                self._reader.paths.add((*base, *_constant(steps)))
            meaning = self._rule_meant(expr)
            if meaning is not None:
                self._reader.reach(meaning.pattern())
        self._steps(expr)

    def _steps(self, expr: Expr) -> None:
        if isinstance(expr, Ref):
            for step in expr.steps:
                if not isinstance(step, Literal):
                    self._expr(step)

    def _call(self, call: Call) -> None:
        function = self._program.function(self._module, call)
        if function is not None:
            self._reader.reach(function)
        elif call.function in CLOCKS:
            self._reader.timeless = False
        arguments = call.arguments
        if call.function == "object.get" and function is None and len(arguments) == 3:
            paths, key = _input_paths(self._aliases, arguments[0]), _key(arguments[1])
            if paths and key:
                for path in paths:
                    self._there(path)
                    self._reader.paths.add((*path, *key))
                arguments = arguments[2:]
        for argument in arguments:
            self._expr(argument)

    def _builtin_value(self, value: Expr) -> None:
        """`with f as time.now_ns` reads the clock too."""
        if isinstance(value, Ref) and isinstance(value.head, Var):
            dotted = ".".join((value.head.name, *_constant(value.steps)))
            if dotted in CLOCKS:
                self._reader.timeless = False


def _imported(module: Module) -> Aliases:
    """Names for input paths that imports give."""
    return {i.alias: {i.path[1:]} for i in module.imports if i.path[0] == "input"}


def _naming_rules(program: Program, module: Module) -> Aliases:
    """Rules that only give a path of the input another name: `client := input.client`."""
    imported = _imported(module)
    found: Aliases = {}
    for rule in module.rules:
        value = rule.bodies[0].value
        if rule.kind is not RuleKind.COMPLETE or len(rule.path) != 1 or len(rule.bodies) != 1 or value is None:
            continue
        paths = _input_paths(imported, value)
        if paths and rule.bodies[0].query is None and len(program.matching((*module.package, rule.name))) == 1:
            found[rule.name] = paths
    return found


def _alias(aliases: Aliases, statement: Statement) -> bool:
    """Take `name := input.path` up; whether that was news."""
    expr = statement.expr
    if not (isinstance(expr, Assign) and isinstance(expr.left, Var) and not expr.unifies):
        return False
    known = aliases.setdefault(expr.left.name, set())
    news = _input_paths(aliases, expr.right) - known
    known |= news
    return bool(news)


def _input_paths(aliases: Aliases, expr: Expr) -> set[Path]:
    """The paths a variable or reference stands for, when all its steps are constant."""
    if isinstance(expr, Var):
        return _bases(aliases, expr.name)
    if isinstance(expr, Ref) and isinstance(expr.head, Var):
        steps = _constant(expr.steps)
        if len(steps) == len(expr.steps):
            return {(*base, *steps) for base in _bases(aliases, expr.head.name)}
    return set()


def _bases(aliases: Aliases, name: str) -> set[Path]:
    return {()} if name == "input" else set(aliases.get(name, ()))


def _constant(steps: tuple[Expr, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for step in steps:
        text = step_text(step)
        if text is None or text == EXISTS:  # a key of that name would be taken for the mark
            break
        found.append(text)
    return tuple(found)


def _key(expr: Expr) -> tuple[str, ...]:
    """The constant key, or path of keys, of an `object.get`; empty when it is neither."""
    items = expr.items if isinstance(expr, Compound) else (expr,)
    texts = _constant(items)
    return texts if len(texts) == len(items) else ()

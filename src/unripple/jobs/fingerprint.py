"""Fingerprints of code: the functions and classes that a script or module really uses, found from its source.

Snakemake does not see what a script imports. A rule that carries the fingerprint of its script re-runs when code
changes that the script reaches, and only then. Comments, docstrings and layout do not count.

The versions of the packages that compute count, too, where reached code names them: another torch may give other
numbers.

Names are followed through imports, definition by definition. A method of a class without bases counts where reached
code names it; a class with bases counts whole, because its base may call any method. What is looked up by a computed
string is not seen; the caller says what it may be.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = "unripple"
#: Packages that compute pictures or numbers: name in imports -> distribution.
COMPUTING = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "dlib": "dlib-bin",
    "numpy": "numpy",
    "openvino": "openvino",
    "pillow_heif": "pillow-heif",
    "scipy": "scipy",
    "skimage": "scikit-image",
    "torch": "torch",
    "torchmetrics": "torchmetrics",
    "torchvision": "torchvision",
}
_ROOT = Path(__file__).parents[1]

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


def code_hash(start: str | Path, *further: str) -> str:
    """A short fingerprint of all code that ``start`` reaches, see `closure`, and of the versions of its `packages`."""
    digest = hashlib.sha256()
    reach = _reached(start, *further)
    for name, meaning in [*sorted(reach.found.items()), *_versions(reach).items()]:
        digest.update(f"{name}\0{meaning}\0".encode())
    return digest.hexdigest()[:16]


def packages(start: str | Path, *further: str) -> dict[str, str]:
    """The packages among `COMPUTING` that ``start`` reaches: distribution -> version, without its build (``+cpu``)."""
    return _versions(_reached(start, *further))


def closure(start: str | Path, *further: str) -> dict[str, str]:
    """What ``start`` reaches: ``module:name`` -> its code without comments, layout and docstrings; sorted.

    ``start`` is a module of the package (``"unripple.training.parser"``) or the file of a script, which may also
    import its neighbours. ``further``: modules that it imports by a computed name. ``module:`` stands for what a module
    does when it is imported, and ``module:Class.method`` for a method of a class without bases. Raises
    ``ModuleNotFoundError`` for an unknown module.
    """
    return dict(sorted(_reached(start, *further).found.items()))


def _reached(start: str | Path, *further: str) -> _Reach:
    reach = _Reach()
    if isinstance(start, Path):
        reach.whole(_parse(start.stem, start, start.parent))
    else:
        reach.whole(_module(start, _ROOT.parent))
    for module in further:
        reach.whole(_module(module, _ROOT.parent))
    return reach


def _versions(reach: _Reach) -> dict[str, str]:
    return {name: _version(name) for name in sorted(COMPUTING[package] for package in reach.packages)}


@cache
def _version(distribution: str) -> str:
    try:
        return version(distribution).partition("+")[0]
    except PackageNotFoundError:
        return "none"


@dataclass(frozen=True, eq=False)
class _Module:
    """One parsed file. ``origins``: local name -> (module, name in it, or "" for the module itself).

    ``hints``: names that are imported for type checkers alone.
    """

    name: str
    neighbours: Path
    definitions: dict[str, list[_Definition]] = field(default_factory=dict)
    statements: list[ast.stmt] = field(default_factory=list)
    origins: dict[str, tuple[str, str]] = field(default_factory=dict)
    hints: set[str] = field(default_factory=set)


class _Reach:
    """A walk over definitions, until nothing new is reached."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.packages: set[str] = set()
        self._named: set[str] = set()
        self._methods: dict[str, list[tuple[_Module, str, ast.AST]]] = {}

    def whole(self, module: _Module) -> None:
        """Reach every definition of a module."""
        self._enter(module)
        for name in module.definitions:
            self._define(module, name)

    def _enter(self, module: _Module) -> None:
        """Reach what runs when a module is imported."""
        if self._add(f"{module.name}:", module.statements):
            parent = module.name.rpartition(".")[0]
            if parent:
                self._enter(_module(parent, module.neighbours))
            self._follow(module, module.statements)

    def _define(self, module: _Module, name: str) -> None:
        self._enter(module)
        for node in module.definitions[name]:
            if isinstance(node, ast.ClassDef) and not node.bases:
                self._class(module, node)
            elif self._add(f"{module.name}:{name}", module.definitions[name]):
                self._follow(module, module.definitions[name])

    def _class(self, module: _Module, node: ast.ClassDef) -> None:
        methods = [part for part in node.body if isinstance(part, ast.FunctionDef) and not _is_implicit(part.name)]
        rest: list[ast.AST] = [part for part in node.body if part not in methods]
        rest += [*node.decorator_list, *node.keywords]
        if self._add(f"{module.name}:{node.name}", rest):
            self._follow(module, rest)
            for method in methods:
                entry = (module, f"{module.name}:{node.name}.{method.name}", method)
                self._methods.setdefault(method.name, []).append(entry)
                if method.name in self._named:
                    self._method(*entry)

    def _method(self, module: _Module, key: str, node: ast.AST) -> None:
        if self._add(key, [node]):
            self._follow(module, [node])

    def _add(self, key: str, nodes: Sequence[ast.AST]) -> bool:
        if key in self.found:
            return False
        self.found[key] = "\n".join(map(_dump, nodes))
        return True

    def _follow(self, module: _Module, nodes: Sequence[ast.AST]) -> None:
        for part in (part for node in nodes for part in _telling(node)):
            if isinstance(part, ast.Attribute):
                self._name(part.attr)
                owner = _dotted(part.value)
                if owner is not None:
                    self._resolve(module, *owner, part.attr)
            elif isinstance(part, ast.Name):
                self._resolve(module, part.id)
            else:
                for argument in part.args:
                    if isinstance(argument, ast.Constant):
                        self._name(str(argument.value))

    def _name(self, attribute: str) -> None:
        if attribute not in self._named:
            self._named.add(attribute)
            for entry in self._methods.get(attribute, ()):
                self._method(*entry)

    def _resolve(self, module: _Module, name: str, *attributes: str) -> None:
        """Reach what a name, or attributes of it, stand for inside a module."""
        if name in module.definitions:
            self._define(module, name)
        elif name in module.origins:
            origin, inner = module.origins[name]
            if inner and _file(f"{origin}.{inner}", module.neighbours) is not None:
                origin, inner = f"{origin}.{inner}", ""
            if _file(origin, module.neighbours) is None:
                package = origin.partition(".")[0]
                if package in COMPUTING and name not in module.hints:
                    self.packages.add(package)
                return
            path = [inner, *attributes] if inner else list(attributes)
            imported = _module(origin, module.neighbours)
            self._enter(imported)
            while path and _file(f"{imported.name}.{path[0]}", module.neighbours) is not None:
                imported = _module(f"{imported.name}.{path.pop(0)}", module.neighbours)
                self._enter(imported)
            if path:
                self._resolve(imported, *path)


@cache  # The same definitions are reached from many scripts.
def _dump(node: ast.AST) -> str:
    """What ``ast.dump`` of Python 3.11 says, on every Python: later ones leave out empty fields and have new ones."""
    fields = (f"{name}={_dump_value(value)}" for name, value in ast.iter_fields(node) if _tells(node, name, value))
    return f"{type(node).__name__}({', '.join(fields)})"


def _dump_value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_dump_value, value))}]"
    return _dump(value) if isinstance(value, ast.AST) else repr(value)


def _tells(node: ast.AST, name: str, value: object) -> bool:
    """Whether a field is more than an optional one that is not there. ``type_params`` came with Python 3.12."""
    if name == "type_params":
        return bool(value)
    return value is not None or getattr(type(node), name, ...) is not None


@cache
def _telling(node: ast.AST) -> tuple[ast.Attribute | ast.Name | ast.Call, ...]:
    """The parts of a piece of code that say what it uses: attributes, names and calls of ``getattr``."""
    return tuple(
        part
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute | ast.Name)
        or (isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "getattr")
    )


def _is_implicit(method: str) -> bool:
    return method.startswith("__") and method.endswith("__")


def _dotted(node: ast.expr) -> list[str] | None:
    """``a.b.c`` as its parts; None for anything else."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value)
        return None if owner is None else [*owner, node.attr]
    return None


def _module(name: str, neighbours: Path) -> _Module:
    path = _file(name, neighbours)
    if path is None:
        raise ModuleNotFoundError(f"{name}: expected a module of {PACKAGE} or beside the script, found no file for it")
    return _parse(name, path, neighbours)


def _file(module: str, neighbours: Path) -> Path | None:
    """The file of a module of the package, or of a script's neighbour; None for any other module."""
    top, *rest = module.split(".")
    base = _ROOT.joinpath(*rest) if top == PACKAGE else neighbours / module
    candidates = (base / "__init__.py", base.with_name(base.name + ".py"))
    return next((path for path in candidates if path.is_file()), None)


@cache
def _parse(name: str, path: Path, neighbours: Path) -> _Module:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    _strip(tree)
    module = _Module(name, neighbours)
    for node in ast.walk(tree):
        module.origins.update(_imported(node, name, is_package=path.name == "__init__.py"))
    module.hints.update(
        hint
        for statement in tree.body
        if _is_for_type_checkers(statement)
        for node in ast.walk(statement)
        for hint, _ in _imported(node, name, is_package=path.name == "__init__.py")
    )
    for statement in tree.body:
        names = list(_defined(statement))
        if names:
            for defined in names:
                module.definitions.setdefault(defined, []).append(statement)  # type: ignore[arg-type]
        elif not _only_imports(statement):
            module.statements.append(statement)
    return module


def _only_imports(statement: ast.stmt) -> bool:
    """Whether a statement does nothing but import, perhaps for type checkers alone."""
    if isinstance(statement, ast.If) and _is_for_type_checkers(statement):
        return all(_only_imports(part) for part in (*statement.body, *statement.orelse))
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _is_for_type_checkers(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.If) and isinstance(statement.test, ast.Name) and statement.test.id == "TYPE_CHECKING"
    )


def _defined(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement defines, if that is all it does."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.AnnAssign | ast.Assign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for part in (part for target in targets for part in ast.walk(target)):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                yield part.id


def _imported(node: ast.AST, module: str, *, is_package: bool) -> Iterator[tuple[str, tuple[str, str]]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield (alias.asname, (alias.name, "")) if alias.asname else (top := alias.name.split(".")[0], (top, ""))
    elif isinstance(node, ast.ImportFrom):
        origin = node.module or ""
        if node.level:
            parents = module.split(".")
            kept = len(parents) - node.level + is_package
            origin = ".".join([*parents[:kept], *([node.module] if node.module else [])])
        for alias in node.names:
            yield alias.asname or alias.name, (origin, alias.name)


def _strip(tree: ast.Module) -> None:
    """Drop strings that stand alone: docstrings, and those of attributes.

    Some releases of Python 3.12 end the format of a replacement field with an empty text, which goes, too.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_string(part)] or [ast.Pass()]
        elif isinstance(node, ast.JoinedStr):
            node.values = [part for part in node.values if not (isinstance(part, ast.Constant) and part.value == "")]


def _is_string(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)

"""Single mistakes in kinds of block, made wherever they can be made (`mutations.py`): in every kind of the library, and in
one that a spec brings along."""

from collections.abc import Callable, Iterator
from functools import partial

from kind_documents import depth_of, root_of, steps
from kind_edits import (
    added,
    at_places,
    edited_lines,
    formulas,
    is_field,
    is_of_inner,
    keyed,
    later,
    lost,
    lost_name,
    lost_named,
    lost_primitive,
    misspelt,
    of_field,
    plain,
    renamed,
    replaced,
    setting,
    swapped,
    taken,
    whole,
)
from kind_mistakes import (
    DEFAULTS,
    FORMULAS,
    LEGAL,
    NO_FORMULA,
    NO_NAME,
    NO_STEP,
    NO_VALUE,
    NO_WORD,
    NUMBERS,
    OF_BOOLEANS,
    OF_FIELDS,
    OF_KINDS,
    OF_NUMBERS,
    OF_STEPS,
)
from mutations import Doc, Mutant, Mutation, _without_last

from spinec.spec.kinds.steps import LISTS


def _made(group: str, name: str, make: Callable[[Doc], Iterator[Mutant]]) -> Mutation:
    """A mistake, which may be none where `LEGAL` says why."""
    return Mutation(group, name, make, LEGAL.get(name, ""))


def _shown(new: str) -> str:
    """What a mistake writes, as a name of it."""
    return new if len(new) < 40 else f"{new[:1]}... ({len(new)} characters)"


KIND_MUTATIONS: tuple[Mutation, ...] = (
    _made("formulas", "a name misspelt", partial(formulas, types="number boolean", new=misspelt)),
    *(_made("formulas", what, partial(formulas, types="number boolean", new=new.format)) for what, new in FORMULAS.items()),
    *(_made("formulas of numbers", what, partial(formulas, types="number", new=new.format)) for what, new in OF_NUMBERS.items()),
    *(_made("formulas of true or false", what, partial(formulas, types="boolean", new=new.format)) for what, new in OF_BOOLEANS.items()),
    *(_made("formulas", _shown(new), partial(plain, types="number boolean", new=new)) for new in NO_FORMULA),
    *(_made("words", new, partial(plain, types="word", new=new)) for new in NO_WORD),
    *(_made("numbers", f"{key} is {new}", partial(setting, key=key, new=new)) for key, values in NUMBERS.items() for new in values),
    *(_made("let", what, lambda doc, new=new: at_places(doc, lambda entry: entry.path[0] == "let" and len(entry.path) == 2, new)) for what, new in {"itself": lambda entry: str(entry.path[-1]), "itself and one": lambda entry: f"{entry.path[-1]} + 1", "a step": lambda entry: "conv1x"}.items()),
    _made("let", "a later one", lambda doc: at_places(doc, lambda entry: entry.path[0] == "let" and len(entry.path) == 2, lambda entry: later(str(entry.path[-1]), list(doc.tree.find((*root_of(doc), "let")).mapping), ""))),
    _made("let", "one that nothing uses", partial(added, new="unused: dim", where=lambda entry: entry.path == ("let",))),
    _made("fields", "one that nothing uses", partial(added, new="unused: {type: kernel, default: 3}", where=lambda entry: entry.path == ("fields",))),
    *(_made("fields", f"one is {new}", partial(at_places, where=is_field, new=lambda entry, new=new: new)) for new in ("5", "kernel", "[kernel]", "{}", "null", "{default: 3}", "{type: kernel, one_of: [a, b]}")),
    *(_made("fields", f"{key} is {_shown(new)}", partial(of_field, key=key, new=new)) for key, values in OF_FIELDS.items() for new in values),
    *(_made("defaults", f"of a {kind}: {new}", lambda doc, kind=kind, new=new: of_field(doc, "default", new, kind)) for kind, values in DEFAULTS.items() for new in values),
    *(_made("steps", f"one is {new}", lambda doc, new=new: (replaced(doc, entry, new) for entry in steps(doc))) for new in NO_STEP),
    *(_made("steps", f"{key} is {_shown(new)}", lambda doc, key=key, new=new: setting(doc, key, new)) for key, values in OF_STEPS.items() for new in values),
    _made("steps", "70 of them", lambda doc: added(doc, ", ".join(f"more{i}: {{act: relu}}" for i in range(70)), lambda entry: entry.path == ("steps",) and entry.one_line)),
    _made("steps", "an unknown key", lambda doc: added(doc, "colour: red", lambda entry: len(entry.path) == depth_of(entry.path))),
    _made("steps", "two primitives", lambda doc: added(doc, "multiply: [x, x]", lambda entry: len(entry.path) == depth_of(entry.path) and "multiply" not in entry.item.mapping)),
    _made("steps", "zero_scale without a norm", lambda doc: added(doc, "zero_scale: true", lambda entry: len(entry.path) == depth_of(entry.path) and not {"norm", "zero_scale"} & {*entry.item.mapping})),
    _made("steps", "one put before what it takes", swapped),
    _made("kinds within", "an unknown one", partial(setting, key="kind", new="nosuch")),
    _made("kinds within", "misspelt", lambda doc: at_places(doc, lambda entry: bool(entry.step) and entry.path[-1] == "kind", lambda entry: f"{entry.item.value}x")),
    _made("kinds within", "itself (a cycle)", lambda doc: at_places(doc, lambda entry: bool(entry.step) and entry.path[-1] == "kind", lambda entry: doc.name)),
    *(_made("kinds within", new, partial(setting, key="kind", new=new)) for new in ("5", "[conv]", "null", "{conv: 3}", "''")),
    *(_made("kinds within", f"a field is {new}", lambda doc, new=new: at_places(doc, is_of_inner, lambda entry: new)) for new in ("$nosuch", "nosuch", "[x]", "{a: 1}", "null", "''", "'('", ".nan")),
    _made("kinds within", "without a field that must be said", lambda doc: lost(doc, lambda entry: is_of_inner(entry) and entry.path[-1] in ("squeezed", "hidden"))),
    _made("what steps take", "misspelt", partial(taken, new=lambda name, names, given: f"{given}x")),
    _made("what steps take", "the step itself", partial(taken, new=lambda name, names, given: name)),
    _made("what steps take", "a later step", partial(taken, new=later)),
    *(_made("what steps take", new, partial(taken, new=lambda name, names, given, new=new: new)) for new in NO_VALUE),
    *(_made("what steps take", f"list is {new}", lambda doc, new=new: at_places(doc, lambda entry: bool(entry.step) and entry.path[-1] in ("from", *LISTS), lambda entry: new)) for new in ("5", "[]", "{}", "[5]", "[[x]]", "null", "nosuch")),
    *(_made("names", f"of fields: {what}", partial(renamed, new=new, section="fields")) for what, new in {"another": lambda name: name + "x", **NO_NAME, "a formula's": lambda name: "dim", "a key of blocks": lambda name: "level"}.items()),
    *(_made("names", f"of formulas: {what}", partial(renamed, new=new, section="let")) for what, new in {"another": lambda name: name + "x", **NO_NAME, "a number's": lambda name: "dim", "a key of blocks": lambda name: "level"}.items()),
    *(_made("names", f"of steps: {what}", partial(renamed, new=new, section="steps")) for what, new in {"another": lambda name: name + "x", **NO_NAME}.items()),
    _made("keys", "a letter left out", partial(keyed, new=lambda key: key[:-1])),
    _made("keys", "a letter doubled", partial(keyed, new=lambda key: key + key[-1])),
    _made("keys", "in capitals", partial(keyed, new=str.upper)),
    _made("keys", "given twice", partial(keyed, new=lambda key: f"{key}: 1, {key}")),
    _made("keys", "a list", partial(keyed, new=lambda key: f"[{key}]")),
    *(_made("keys left out", key, lambda doc, key=key: lost(doc, lambda entry: entry.path == (key,))) for key in ("says", "steps")),
    _made("keys left out", "shortcut", lambda doc: lost_named(doc, lambda entry: entry.path == ("shortcut",))),
    _made("keys left out", "type or one_of", lambda doc: lost(doc, lambda entry: entry.path[0] == "fields" and entry.path[-1] in ("type", "one_of"))),
    _made("keys left out", "the primitive of a step", lost_primitive),
    _made("keys left out", "a field", lambda doc: lost_name(doc, "fields")),
    _made("keys left out", "a formula", lambda doc: lost_name(doc, "let")),
    _made("keys left out", "a step", lambda doc: lost_name(doc, "steps")),
    *(_made("the kind", f"{key} is {_shown(new)}", partial(whole, key=key, new=new)) for key, values in OF_KINDS.items() for new in values),
    _made("the kind", "an unknown key", partial(whole, key="colour", new="red")),
    _made("YAML", "a bracket not closed", partial(edited_lines, edit=lambda line: _without_last(line, "]"))),
    _made("YAML", "a brace not closed", partial(edited_lines, edit=lambda line: _without_last(line, "}"))),
    _made("YAML", "a tab for spaces", partial(edited_lines, edit=lambda line: "\t" + line.lstrip())),
    _made("YAML", "no colon", partial(edited_lines, edit=lambda line: line.replace(":", "", 1))),
    _made("YAML", "a word alone", partial(edited_lines, edit=lambda line: line + " oops")),
)  # fmt: skip

"""What mistakes in kinds write (`kind_mutations.py`); `{}` stands for the formula that was there."""

FORMULAS = {
    "an operator at the end": "{} *",
    "an operator in front": "/ {}",
    "two operators": "{} * / 2",
    "a bracket not closed": "({}",
    "a bracket not opened": "{})",
    "an unknown function": "ceil({})",
    "a function of one number": "max({})",
    "a call of Python's": "__import__('os')",
    "an attribute": "({}).real",
    "an index": "dim[0]",
    "a semicolon": "{}; dim",
    "a percent sign": "{} % 2",
    "Python's power": "({}) ** 2",
    "if without else": "{} if stride > 1",
    "a chain of comparisons": "1 < stride < 4",
    "a word of double quotes": "\\\"relu\\\"",
    "60 brackets": "(" * 60 + "{}" + ")" * 60,
    "300 characters": " + ".join(["dim"] * 60),
    "nothing in quotes": "",
    "a blank": " ",
}  # fmt: skip
OF_NUMBERS = {
    "true or false": "({}) > 1",
    "a word": "'relu'",
    "the activation": "activation",
    "divided by zero": "({}) / 0",
    "rounded to a multiple of zero": "round_to({}, 0)",
    "rounded to a multiple of a half": "round_to({}, 0.5)",
    "to the power of 9": "({}) ^ 9",
    "to the power of a name": "({}) ^ stride",
    "far too large": "(({}) + 9) ^ 4 * 10000000000 ^ 2",
}
OF_BOOLEANS = {
    "a number": "dim",
    "a word": "'relu'",
    "a number and it": "({}) and dim",
    "compared with a number": "({}) == 1",
    "one": "1",
}
NO_FORMULA = ("[dim]", "{dim: 1}", "9" * 60, ".nan", ".inf", "!!int 3", "*dim", "&a dim", "1e300")
NO_WORD = (
    "rellu",
    "Relu",
    "5",
    "[relu]",
    "{relu: 1}",
    "''",
    "$nosuch",
    "$",
    "$dim",
    "$$activation",
    "relu relu",
    ".nan",
)
NO_STEP = ("5", "conv", "[conv]", "null", "{}", "{norm: 5}", "{convolve: dim}", "{from: x}")
NO_VALUE = ("nosuch", "5", "[x]", "{x: 1}", "null", "''", "'*'", "nosuch*", "x*", "'x y'", "$x")
NO_NAME = {
    "with a capital": lambda name: name.upper(),
    "with a dash": lambda name: name + "-a",
    "a keyword": lambda name: "class",
    "a method of modules": lambda name: "forward",
    "of 60 letters": lambda name: "a" * 60,
    "with a quote": lambda name: f"'{name}\"'",
    "of digits first": lambda name: "3x3",
    "the input's": lambda name: "x",
    "in full-width letters": lambda name: "ｅval",
}
OF_STEPS = {
    "present": ("Wide", "5", "[wide]", "''", "wide one", "a" * 30),
    "absent": ("Wide", "5", "[wide]", "''", "wide one", "a" * 30),
    "says": ("5", "[a]", "{a: 1}", "a" * 120),
}
LEGAL = {
    "type is null": "as if nothing were said, beside one_of",
    "of a kernel: in_dim + 1": "a default may follow from what a block is given",
    "of a number: -1": "where the bounds allow it",
    "[x]": "a list of one value is that value",
    "list is null": "as if nothing were said: the step takes the one before",
    "node is true": "its steps stand beside fusion, at a stride of 1",
    "of steps: another": "nothing takes it by its name",
    "a step": "nothing takes it by its name, and the others fit each other",
    "the primitive of a step": "a norm and an activation are a step, too",
    "shortcut": "there need not be one",
    "let is {}": "where there are none",
}
"""Mistakes that are none everywhere, and why."""
NUMBERS = {
    "kernel": ("0", "-3", "1.5", "big", "100000000000", "0.5 * 3", "1 - 1"),
    "stride": ("0", "-1", "1.5", "dim", "100000000000"),
    "groups": ("0", "-1", "7", "1.5", "100000000000"),
    "dilation": ("0", "-1", "1.5", "100000000000"),
    "repeat": ("-1", "65", "1.5", "1000000000", "dim / 5"),
    "group_norm": ("0", "-1", "7", "1.5"),
    "shuffle": ("0", "-1", "7", "1.5"),
    "attention": ("0", "-1", "7", "1.5"),
    "channel_conv": ("0", "-1", "1.5", "4"),
    "start": ("-1", "1000", "0.5"),
    "conv": ("1000000000000000000",),
    "slice": ("1000000", "1000000000000000000"),
    "layer_norm": ("0", "-1"),
    "epsilon": ("0", "-1"),
}
OF_FIELDS = {
    "type": ("numbr", "Number", "int", "5", "[number]", "{number: 1}", "null", "''"),
    "one_of": ("sigmoid", "[sigmoid]", "[]", "[1, 2]", "{sigmoid: 1}", "5", "[[a, b], c]", "[sigmoid, sigmoid]"),
    "says": ("5", "[a]", "{a: 1}", "null", "a" * 300),
    "min": ("one", "[1]", ".nan", "1000", "true"),
    "max": ("many", "[1]", ".nan", "-1000", "true"),
}
DEFAULTS = {
    "kernel": ("0", "4", "1.5", "big", "true", "[3]", "65", "-3", "not 3", "dim", "in_dim + 1"),
    "kernels": ("3", "[]", "[4]", "['3']", "[0]", "$nosuch", "dim", "[[3]]"),
    "dilation": ("0", "1.5", "big", "-1", "[1]"),
    "dim": ("0", "-1", "1.5", "wide", "[8]", "100000000"),
    "integer": ("1.5", "many", "true", "-1", "100000", "[1]", "'1 +'", "not 1"),
    "number": ("many", "true", "-1", "100000", "[1]", ".nan", ".inf", "'1 +'"),
    "ratio": ("-0.1", "1.5", "some", "true", "[0.5]", ".nan"),
    "boolean": ("1", "yes", "'not'", "[true]", "dim", "not 1"),
    "activation": ("rellu", "5", "[relu]", "$nosuch", "$dim", "true", "Relu"),
    "one_of": ("other", "5", "[sigmoid]", "$nosuch", "true"),
}
OF_KINDS = {
    "kind": ("5", "[own]", "{own: 1}"),
    "class": ("ownBlock", "Own Block", "5", "[Own]", "Own_Block", "class", "''x", "Ówn"),
    "says": ("5", "[a]", "{a: 1}", "null", "a" * 300),
    "title": ("5", "[a]", "a" * 300),
    "source": ("5", "[a]", "a" * 300),
    "fields": ("5", "[kernel]", "kernel", "{kernel: kernel}", "{kernel: 3}", "{kernel: {}}", "null", "{kernel: null}"),
    "let": ("5", "[hidden]", "dim", "{hidden: [dim]}", "{hidden: {dim: 1}}", "null", "{hidden: null}"),
    "steps": ("5", "[conv]", "conv", "null", "{}", "{conv: 5}", "{conv: conv}", "{conv: null}"),
    "shortcut": ("5", "[conv]", "input", "{drop: some}", "{drop: 1}", "{whn: true}", "{steps: 5}", "{steps: [conv]}", "{when: dim}", "{when: 'tru e'}"),
    "then": ("5", "[conv]", "act", "null", "{act: relu}", "{act: null}"),
    "inner": ("nosuch", "5", "[hidden]", "in_dim", "''", "activation"),
    "look": ("-1", "28", "1.5", "red", "[1]", "true"),
    "part": ("some", "1", "[true]", "'true'"),
    "node": ("true", "some", "1", "[true]", "'true'"),
    "work": ("much", "[dim]", "{dim: 1}", "dim > 1", "dim *", "''", "hiddenx"),
}  # fmt: skip

"""What a word that is not known was probably meant to be: one that is spelt nearly so, or what others call so."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches

MOST_WRONG = 1 / 3  # letters to change, of those of the longer word
PRESELECTED = 5  # words whose letters are counted

_NAMES = {  # here: elsewhere
    "boolean": "bool flag",
    "integer": "int",
    "number": "double float real",
    "activation": "act act_fn act_layer act_type nonlinearity relu",
    "classes": "n_classes nc num_classes num_labels output_classes",
    "dim": "c ch channels feature_size features filters num_channels num_filters out_channels out_dim out_planes "
    "output_dim planes width",
    "dilation": "atrous atrous_rate d dilation_rate rate",
    "dropout": "drop drop_rate dropout_rate",
    "epsilon": "eps",
    "expand": "e exp_ratio expand_ratio expansion expansion_ratio mlp_ratio t width_ratio",
    "fuse": "combine fusion merge",
    "gate": "gate_layer rd_gate",
    "groups": "cardinality g num_groups",
    "head": "classifier",
    "heads": "num_heads",
    "inputs": "f from in input previous",
    "kernel": "k kernel_size ks ksize",
    "kernels": "kernel_sizes",
    "kind": "block block_type module op type",
    "neck": "fpn",
    "norm": "batch_norm bn layer_norm ln norm_layer normalization",
    "outputs": "endpoints features out_features out_indices",
    "repeats": "depth layers n num_blocks num_layers num_repeat num_repeats r",
    "shortcut": "id_skip residual skip use_res_connect",
    "squeeze": "rd_ratio se se_ratio squeeze_ratio",
    "stochastic_depth": "drop_connect_rate drop_path drop_path_rate survival_prob",
    "hard_sigmoid": "hsigmoid sigmoid_hard",
    "hard_swish": "h_swish hswish swish_hard",
    "swish": "silu",
    "gelu_tanh": "gelu_approximate gelu_new quick_gelu",
    "none": "linear null",
    "batch": "batch_norm batchnorm bn",
    "group": "group_norm gn groupnorm",
    "layer": "layer_norm layernorm ln",
    "same": "tensorflow tf",
    "symmetric": "pytorch torch",
    "sum": "add",
    "bilinear": "linear",
    "transposed_conv": "conv_transpose deconv transpose",
    "mbconv": "inverted_residual inverted_bottleneck ir mb",
    "fused_mbconv": "edge_residual er",
    "residual": "basic basic_block basicblock resblock residual_block resnet",
    "conv": "cn conv2d conv_bn conv_bn_relu conv_norm_act convolution",
    "separable_conv": "depthwise depthwise_conv depthwise_separable ds dw dwconv sep_conv separable",
    "dense": "dense_block denseblock",
    "transformer": "attention encoder self_attention vit",
    "universal_bottleneck": "uib universal_inverted_bottleneck",
    "retinanet": "detection detector",
    "classification": "classifier",
    "segmentation": "fcn semantic",
}
_NOTES = {  # elsewhere: a word that is known where the note holds, and the note
    "stride strides s downsample reduction": ("level", "features of level L have stride 2^L: the level says it"),
    "in_channels in_dim in_planes input_dim": ("inputs", "what a block is given follows from its inputs"),
    "pretrained weights checkpoint": ("blocks", "a spec has no weights: see 'spinec weights'"),
    "backbone": ("blocks", "'extends' names a spec to start from, 'blocks' are its own"),
    "max_pool maxpool avg_pool avgpool pool pooling": (
        "mbconv",
        "pooling is said of an input, {from: c1, down: max_pool}, or is a step of a kind of your own",
    ),
    "upsample up resize interpolate": ("mbconv", "resizing is said of an input: {from: b4, up: nearest}"),
    "concat cat add fusion": ("mbconv", "a block with several inputs fuses them: fuse: {kind: concat}"),
    "linear fc flatten global_pool": ("mbconv", "what comes behind the blocks is the 'head'"),
    "dropout": ("mbconv", "dropout is a field of the head; within blocks there is stochastic_depth"),
}
_HERE: dict[str, list[str]] = {}
for _here, _words in _NAMES.items():
    for _word in _words.split():
        _HERE.setdefault(_word, []).append(_here)
_NOTED = {word: note for words, note in _NOTES.items() for word in words.split()}


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that is spelt nearly so.

    >>> nearest("mbcov", ["conv", "mbconv"]), nearest("channels", ["channel_order"])
    ('mbconv', None)
    """
    spelt = {each.lower(): each for each in reversed(known)}
    close = get_close_matches(word.lower(), spelt, n=PRESELECTED, cutoff=1 - 1.2 * MOST_WRONG)
    within = [each for each in close if distance(word.lower(), each) <= MOST_WRONG * max(len(word), len(each))]
    return spelt[min(within, key=lambda each: distance(word.lower(), each))] if within else None


def distance(word: str, other: str) -> int:
    """How many letters are to be put in, left out, changed, or exchanged with the next one.

    >>> distance("convnet2", "convnext"), distance("donw", "down")
    (2, 1)
    """
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(word, 1):
        row = [i]
        for j, its in enumerate(other, 1):
            row.append(min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != its)))
            if i > 1 and j > 1 and (letter, word[i - 2]) == (other[j - 2], its):
                row[-1] = min(row[-1], rows[-2][j - 2] + 1)
        rows.append(row)
    return rows[-1][-1]


def elsewhere(word: str, known: Collection[str]) -> str | None:
    """What there is for a word that other projects use.

    >>> elsewhere("out_channels", ["level", "dim"]), elsewhere("stride", ["level", "dim"])
    ("did you mean 'dim'?", 'features of level L have stride 2^L: the level says it')
    """
    word = word.lower().replace("-", "_")
    for here in _HERE.get(word, ()):
        if here in known:
            return f"did you mean {here!r}?"
    where, note = _NOTED.get(word, ("", ""))
    return note if where in known else None

"""EfficientNet-B0 reproduces timm's: another implementation, the same function of the same weights."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm_import", exc_type=ImportError)

from timm_import import import_timm  # noqa: E402  (after the skip)

import spinec  # noqa: E402

try:
    timm: Any = import_timm()
except ImportError:
    pytest.skip("timm is not installed", allow_module_level=True)

torch.set_num_threads(1)  # workers of pytest would wait for each other's threads, many times as long
PARAMETERS = 5_288_548
STAGES = (1, 2, 2, 3, 3, 4, 1)  # repeats of timm's stages; ours are blocks b1 to b16
INNER = {  # ours: timm's, in a block that expands
    "expand_conv": "conv_pw",
    "expand_norm": "bn1",
    "depthwise_conv": "conv_dw",
    "depthwise_norm": "bn2",
    "squeeze_excite.reduce": "se.conv_reduce",
    "squeeze_excite.expand": "se.conv_expand",
    "project_conv": "conv_pwl",
    "project_norm": "bn3",
}
FIRST = {**INNER, "depthwise_norm": "bn1", "project_conv": "conv_pw", "project_norm": "bn2"}  # and in one that does not
OUTER = {
    "stem.conv": "conv_stem",
    "stem.norm": "bn1",
    "P5.conv": "conv_head",
    "P5.norm": "bn2",
    "head.classify": "classifier",
}


def timm_name(name: str) -> str:
    """The key in timm's state of a key in ours."""
    module, _, weight = name.rpartition(".")
    if module in OUTER:
        return f"{OUTER[module]}.{weight}"
    number, inner = re.fullmatch(r"b(\d+)\.(.+)", module).groups()
    stage, position = [(i, j) for i, repeats in enumerate(STAGES) for j in range(repeats)][int(number) - 1]
    return f"blocks.{stage}.{position}.{(INNER if stage else FIRST)[inner]}.{weight}"


@cache
def reference() -> torch.nn.Module:
    """timm's model as if it had been trained: every weight, norm and running statistic is random."""
    torch.manual_seed(0)
    model = timm.create_model("tf_efficientnet_b0", pretrained=False).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.2)
            torch.nn.init.normal_(module.running_mean, std=0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
        elif getattr(module, "bias", None) is not None:
            torch.nn.init.normal_(module.bias, std=0.2)
    return model


@pytest.mark.parametrize("size", [224, 193, (100, 172)], ids=str)
def test_efficientnet_b0_computes_what_timms_does(size: int | tuple[int, int]) -> None:
    program = spinec.lower(spinec.load("efficientnet-b0"), size)
    model, expected = spinec.build(program).eval(), reference()
    state = expected.state_dict()
    taken = {timm_name(name) for name in model.state_dict()}
    model.load_state_dict({name: state[timm_name(name)] for name in model.state_dict()})

    assert taken == set(state)
    torch.manual_seed(1)
    image = torch.randn(2, *program.input_shape)
    with torch.inference_mode():
        logits, reference_logits = model(image), expected(image)
    assert reference_logits.std() > 1e-3  # nothing vanished on the way
    assert (logits - reference_logits).abs().max() <= 1e-5 * reference_logits.abs().max()


def test_efficientnet_b0_has_as_many_parameters() -> None:
    report = spinec.cost(spinec.lower(spinec.load("efficientnet-b0")))
    assert report.params == PARAMETERS == sum(parameter.numel() for parameter in reference().parameters())


def test_norms_have_timms_epsilon() -> None:
    ours = spinec.build(spinec.lower(spinec.load("efficientnet-b0"))).stem.norm
    assert ours.eps == reference().bn1.eps == 0.001

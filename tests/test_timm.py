"""Networks that timm has, too: another implementation, the same function of the same weights."""

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
    pytest.skip("no timm: make test", allow_module_level=True)

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


def randomise(model: torch.nn.Module) -> torch.nn.Module:
    """The model as if it had been trained: every norm and running statistic is random."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.2)
            torch.nn.init.normal_(module.running_mean, std=0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
        elif getattr(module, "bias", None) is not None:
            torch.nn.init.normal_(module.bias, std=0.2)
    return model


@cache
def reference() -> torch.nn.Module:
    """timm's model as if it had been trained: every weight, norm and running statistic is random."""
    torch.manual_seed(0)
    model = timm.create_model("tf_efficientnet_b0", pretrained=False).eval()
    return randomise(model)


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


def in_order(model: torch.nn.Module, image: torch.Tensor) -> list[torch.nn.Module]:
    """The modules that hold weights themselves, in the order in which they run."""
    ran: list[torch.nn.Module] = []
    holders = [each for each in model.modules() if next(each.parameters(recurse=False), None) is not None]
    hooks = [each.register_forward_hook(lambda module, *_: ran.append(module)) for each in holders]
    with torch.inference_mode():
        model(image)
    for hook in hooks:
        hook.remove()
    return ran


@pytest.mark.parametrize(
    ("name", "theirs", "size"),
    [
        ("efficientnet-b1", "tf_efficientnet_b1", 128),
        ("efficientnet-b4", "tf_efficientnet_b4", 96),
        ("resnet-18", "resnet18", 96),
        ("resnet-34", "resnet34", 96),
        ("resnet-50", "resnet50", (75, 91)),
        ("resnet-101", "resnet101", 64),
        ("mobilenet-v2", "mobilenetv2_100", 96),
        ("mobilenet-v3-large", "tf_mobilenetv3_large_100", 128),
        ("mobilenet-v3-small", "tf_mobilenetv3_small_100", 128),
        ("mnasnet-a1", "mnasnet_a1", 96),
    ],
)
def test_networks_compute_what_timms_do(name: str, theirs: str, size: int | tuple[int, int]) -> None:
    """With timm's weights, taken over in the order in which layers run; those with other padding by that padding."""
    torch.manual_seed(0)
    expected = randomise(timm.create_model(theirs, pretrained=False)).eval()
    spec = spinec.load(name)
    if not theirs.startswith("tf_"):
        spec = spec.model_copy(update={"padding": "symmetric"})
    program = spinec.lower(spec, size)
    model = spinec.build(program).eval()
    image = torch.randn(2, *program.input_shape)
    ours = [model.get_submodule(step.module) for step in program.steps if step.weights]
    for mine, other in zip(ours, in_order(expected, image), strict=True):
        state = other.state_dict()
        weight = state["weight"].reshape(mine.weight.shape)  # a 1x1 convolution on pooled features is a linear layer
        mine.load_state_dict(state | {"weight": weight})
        if isinstance(mine, torch.nn.BatchNorm2d):
            mine.eps = other.eps
    with torch.inference_mode():
        logits, reference_logits = model(image), expected(image)
    assert reference_logits.std() > 1e-3
    assert (logits - reference_logits).abs().max() <= 1e-5 * reference_logits.abs().max()


def test_a_scaled_spec_has_the_hidden_dims_that_timms_has() -> None:
    """Ratios such as 2.3 are rounded to multiples of 8; what the child writes itself is what is counted."""
    text = (
        "name: narrow\nextends: mobilenet-v3-large\nscale: {width: 0.75, multiple: 8}\n"
        "blocks: {b13_expand: {dim: 528}}\nendpoints: {dim: 720}\n"
    )
    expected = timm.create_model("tf_mobilenetv3_large_075", pretrained=False)
    parameters = sum(parameter.numel() for parameter in expected.parameters())
    assert spinec.cost(spinec.lower(spinec.loads(text))).params == parameters

"""Published figures, to every digit that the public code of each architecture gives, in the convention it was counted in."""

import pytest

from spinec import cost, load, lower

# Multiply-adds in billions and trained parameters in millions of the architectures' public code, executed or analysed
# op by op; which convention each publication used is said in its spec.
COUNTED = {
    "efficientnet-b0": ("profiler_without_swish", 0.3935, 5.2885),
    "efficientnet-b1": ("profiler_without_swish", 0.6990, 7.7942),
    "efficientnet-b2": ("profiler_without_swish", 1.0084, 9.1100),
    "efficientnet-b0-fpn": ("profiler", 2.4453, 3.7396),
    "efficientnet-b1-fpn": ("profiler", 5.7630, 6.3220),
    "efficientnet-b2-fpn": ("profiler", 10.0205, 7.5184),
    "efficientdet-d0": ("conv", 2.4923, 3.8801),
    "efficientdet-d1": ("conv", 6.0034, 6.6259),
    "efficientdet-d2": ("profiler", 10.9936, 8.0970),
    "resnet-50-fpn": ("profiler", 96.7828, 34.0704),
    "spinenet-49": ("profiler", 85.3573, 28.5434),
    "mobilenet-v3-small-ssdlite": ("conv", 0.1617, None),
    "mobilenet-v3-large-ssdlite": ("conv", 0.5054, None),
    "mobilenet-v2-x0.7-mnasfpn": ("profiler", 0.5277, None),
    "mobilenet-v2-mnasfpn": ("conv", 0.9174, None),
    "mnasnet-a1": ("conv", 0.3116, 3.8870),
    "mnasnet-a1-ssdlite": ("conv", 0.8361, 4.8955),
    "mobilenet-v2-fpnlite": ("conv", 1.0145, 2.2016),
    "mobilenet-v2-deeplab-v3": ("conv", 2.7407, 2.1136),
    "resnet-101-deeplab-v3": ("conv", 76.0525, 58.1644),
    "resnet-34-unet": ("conv", 31.2560, 24.4364),
}
OTHERWISE = {  # where the publication counted other parameters than the trained ones
    "mobilenet-v3-small-ssdlite": ("folded", 1.7660),
    "mobilenet-v3-large-ssdlite": ("folded", 3.2199),
    "mobilenet-v2-x0.7-mnasfpn": ("all", 1.2709),
    "mobilenet-v2-mnasfpn": ("all", 2.5025),
}
PARTS = {  # multiply-adds in the convention `conv`, in billions: of the blocks, necks included, and of the head
    "efficientnet-b0-fpn": (1.9015 + 0.0489, 0.4578),
    "efficientdet-d0": (1.9015 + 0.1362, 0.4546),
    "efficientdet-d1": (4.4680 + 0.4506, 1.0848),
    "efficientdet-d2": (7.4300 + 1.2163, 2.1861),
    "resnet-50-fpn": (33.3644 + 6.4963, 56.8428),
    "spinenet-49": (26.8661 + 1.3959, 57.0196),
    "mobilenet-v3-small-ssdlite": (0.0877 + 0.0132, 0.0608),
    "mobilenet-v3-large-ssdlite": (0.3693 + 0.0181, 0.1180),
    "mnasnet-a1-ssdlite": (0.6330 + 0.0386, 0.1646),
    "mobilenet-v2-ssdlite": (0.6112 + 0.0386, 0.1531),
    "mobilenet-v2-fpnlite": (0.5784 + 0.0504, 0.3857),
    "mobilenet-v2-deeplab-v3": (2.5028, 0.2379),
    "resnet-101-deeplab-v3": (59.7027, 16.3498),
}


@pytest.mark.parametrize("name", COUNTED)
def test_counts_are_those_of_the_public_code(name):
    report = cost(lower(load(name)))
    convention, macs, params = COUNTED[name]
    assert round(report.macs(convention) / 1e9, 4) == macs
    if params:
        assert round(report.params / 1e6, 4) == params


@pytest.mark.parametrize("name", OTHERWISE)
def test_parameters_by_other_conventions_are_those_published(name):
    report = cost(lower(load(name)))
    how, params = OTHERWISE[name]
    assert load(name).published.counted_params == how
    assert round(report.params_by(how) / 1e6, 4) == params


@pytest.mark.parametrize("name", PARTS)
def test_parts_are_those_of_the_public_code(name):
    program = lower(load(name))
    report = cost(program)
    head = report.by("part")["head"].macs("conv") / 1e9
    assert head == pytest.approx(PARTS[name][1], abs=6e-5)
    assert report.macs("conv") / 1e9 - head == pytest.approx(PARTS[name][0], abs=1.1e-4)

"""Published figures and the reference calculation, held to the digits that they print."""

import pytest

from spinec import cost, load, lower, names
from spinec.spec.fields import figure_value

# Totals of an independent calculation under the same settings, convention 'profiler': multiply-adds in billions and
# parameters in millions, as printed in the project's notes on the method.
REFERENCE = {
    "eff-spinenet-m0": ("0.146", "0.663"),
    "eff-spinenet-m1": ("0.466", "1.003"),
    "eff-spinenet-m2": ("1.001", "2.438"),
    "eff-spinenet-d0": ("2.504", "3.720"),
    "eff-spinenet-d1": ("5.970", "5.177"),
    "eff-spinenet-d2": ("10.312", "6.246"),
    "sp-efficientnet-b0": ("2.395", "4.476"),
    "eff-spinenet-d0-no-space-to-depth": ("2.406", "3.295"),
    # The reference prints 3.294 here; 3,294,535 rounds to 3.295 (docs/figures.md).
    "eff-spinenet-d0-no-space-to-depth-sum-fusion": ("2.403", "3.295"),
    "eff-spinenet-d0-classification": ("0.388", "3.552"),
    "eff-spinenet-d1-classification": ("0.699", "4.952"),
    "eff-spinenet-d2-classification": ("0.890", "5.880"),
    "eff-spinenet-d0-segmentation": ("2.106", None),
    "eff-spinenet-d2-segmentation": ("3.782", None),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_reference_totals(name):
    report = cost(lower(load(name)))
    macs, params = REFERENCE[name]
    assert f"{report.macs('profiler') / 1e9:.3f}" == macs
    if params:
        assert f"{report.params / 1e6:.3f}" == params


# Printed figures that the public code of the architecture does not reach either: docs/library.md says why.
APART = {"efficientnet-b4": 0.06, "efficientnet-b5": 0.05, "mnasnet-a1-ssdlite": 0.05, "resnet-101-deeplab-v3": 0.07}


@pytest.mark.parametrize("name", [name for name in names() if load(name).published])
def test_published_figures(name):
    published = load(name).published
    report = cost(lower(load(name)))
    bound = 0.10 if name == "eff-spinenet-m1" else 0.035
    assert report.macs(published.convention) == pytest.approx(figure_value(published.macs), rel=APART.get(name, bound))
    if published.params:
        assert report.params_by(published.counted_params) == pytest.approx(figure_value(published.params), rel=0.035)


def test_known_architectures_to_the_last_parameter():
    assert cost(lower(load("efficientnet-b0"))).params == 5_288_548

"""Maps the top-level folders to sub-packages of `spinec`; everything else is in pyproject.toml."""

from setuptools import find_packages, setup

FOLDERS = ("spec", "compiler", "backends", "specs", "visualize", "train", "search")

packages = ["spinec", *(f"spinec.{name}" for name in find_packages("spinec"))]
package_dir = {"spinec": "spinec"}
for folder in FOLDERS:
    package_dir[f"spinec.{folder}"] = folder
    packages += [f"spinec.{folder}", *(f"spinec.{folder}.{name}" for name in find_packages(folder))]

setup(packages=packages, package_dir=package_dir)

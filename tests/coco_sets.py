"""Small data sets of COCO's form, made for tests: pictures of noise with what is to be found in them."""

import json

import numpy as np

SIZES = ((40, 60), (64, 48), (30, 30), (50, 90), (33, 71))  # height, width
CATEGORIES = ({"id": 3, "name": "cat"}, {"id": 7, "name": "traffic light"})


def listing(number=5, boxes=3, seed=0):
    """The JSON of a data set, with polygons: boxes within the pictures, the last of every picture a crowd."""
    draw = np.random.default_rng(seed)
    images, annotations = [], []
    for i in range(number):
        height, width = SIZES[i % len(SIZES)]
        images.append({"id": 10 + i, "file_name": f"{i}.png", "height": height, "width": width})
        for k in range(boxes):
            left, top = int(draw.integers(0, width // 2)), int(draw.integers(0, height // 2))
            wide, high = int(draw.integers(4, width - left)), int(draw.integers(4, height - top))
            right, bottom = left + wide, top + high
            annotations.append(
                {
                    "id": 100 * i + k,
                    "image_id": 10 + i,
                    "category_id": (3, 7)[int(draw.integers(2))],
                    "bbox": [left, top, wide, high],
                    "area": wide * high,
                    "iscrowd": int(k == boxes - 1),
                    "segmentation": [[left, top, right, top, right, bottom, left, bottom]],
                }
            )
    return {"images": images, "annotations": annotations, "categories": list(CATEGORIES)}


def write(folder, found=None, split="train", seed=0):
    """A data set with pictures of noise; gives its folder."""
    from PIL import Image

    found = listing() if found is None else found
    draw = np.random.default_rng(seed)
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    (folder / split).mkdir(exist_ok=True)
    for image in found["images"]:
        if "file_name" not in image:
            continue
        noise = draw.integers(0, 256, (image["height"], image["width"], 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / split / image["file_name"])
    (folder / "annotations" / f"instances_{split}.json").write_text(json.dumps(found))
    return folder

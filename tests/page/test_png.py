from __future__ import annotations

import base64
import io

import numpy as np
from matplotlib.image import imread

from pipeline.page.png import data_uri, png


def test_others_read_the_picture_as_it_was_written() -> None:
    """Row by row from the top; the first colour is none."""
    dots = np.array([[0, 1, 2], [2, 2, 1]], np.uint8)
    address = data_uri(png(dots, [(9, 9, 9), (255, 0, 0), (0, 0, 255)]))
    kind, _, content = address.partition(",")
    assert kind == "data:image/png;base64"
    seen = imread(io.BytesIO(base64.b64decode(content)))
    red, blue = [1, 0, 0, 1], [0, 0, 1, 1]
    assert seen.shape == (2, 3, 4)
    assert seen[0, 0, 3] == 0
    assert seen[0, 1:].tolist() == [red, blue]
    assert seen[1].tolist() == [blue, blue, red]

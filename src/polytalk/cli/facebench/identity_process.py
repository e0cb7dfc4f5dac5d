"""The other end of `identity.embed`: pictures in on stdin, an embedding of the largest face in each out on stdout.

Runs by itself in an environment of its own (`bench/identity/setup.sh`), so it imports nothing of ours. The network is
dlib's ResNet (King 2017, "High quality face recognition with deep metric learning"): 128 numbers, Euclidean distances.
"""

import importlib.util
import struct
import sys
from pathlib import Path
from typing import Any

SIZE = 128
FIVE_POINTS = "shape_predictor_5_face_landmarks.dat"
"""Not the 68 points beside it: those were trained on pictures that are not free for commercial use."""
NETWORK = "dlib_face_recognition_resnet_model_v1.dat"


def main() -> None:
    """A picture is `<II` width and height, then RGB; back go 128 float32, not-a-numbers where no face was found."""
    import dlib
    import numpy

    package = importlib.util.find_spec("face_recognition_models")  # importing it would need setuptools
    assert package is not None
    assert package.origin is not None
    models = Path(package.origin).with_name("models")
    detector: Any = dlib.get_frontal_face_detector()
    points: Any = dlib.shape_predictor(str(models / FIVE_POINTS))
    network: Any = dlib.face_recognition_model_v1(str(models / NETWORK))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while len(head := source.read(8)) == 8:
        width, height = struct.unpack("<II", head)
        picture = numpy.frombuffer(source.read(width * height * 3), numpy.uint8).reshape(height, width, 3)
        faces = detector(picture, 0)
        answer = numpy.full(SIZE, numpy.nan, "<f4")
        if faces:
            largest = max(faces, key=lambda face: face.area())
            answer[:] = network.compute_face_descriptor(picture, points(picture, largest))
        sink.write(answer.tobytes())
    sink.flush()


if __name__ == "__main__":
    main()

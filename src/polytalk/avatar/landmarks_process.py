"""The other end of `landmarks.find_each`: pictures in on stdin, the faces found in each out on stdout.

Runs by itself (`python -I -S landmarks_process.py FOLDER`) on the packages of FOLDER alone, so it imports nothing of
ours, and what a picture does to a decoder of tensors it does to a process that is bounded and thrown away.
"""

import os
import resource
import struct
import sys
import types
from typing import Any

MEMORY_BYTES = 3 << 30
"""Of address space; the model takes 0.6 GiB, a picture of 4 megapixels little more."""
CPU_SECONDS = 30
MOST_FACES = 5
UNUSED = ("cv2", "matplotlib", "matplotlib.pyplot")
"""What mediapipe imports to draw with, and we never do: 120 MB that need not be installed."""


def main(folder: str) -> None:
    """A picture is `<II` width and height, then RGB; back go `<I` faces, then 478 x 3 float32 of each."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # so that what a library prints is no part of the answer
    sys.path.insert(0, folder)
    for name in UNUSED:
        sys.modules[name] = types.ModuleType(name)
    setattr(sys.modules["matplotlib"], "pyplot", sys.modules["matplotlib.pyplot"])  # noqa: B010 - modules have no slots
    import numpy

    answer(answers, numpy)


def answer(answers: Any, numpy: Any) -> None:
    """Look at pictures until there are no more."""
    import mediapipe

    solutions = mediapipe.solutions
    with solutions.face_mesh.FaceMesh(
        static_image_mode=True, max_num_faces=MOST_FACES, refine_landmarks=True, min_detection_confidence=0.5
    ) as mesh:
        while len(head := sys.stdin.buffer.read(8)) == 8:
            width, height = struct.unpack("<II", head)
            picture = numpy.frombuffer(sys.stdin.buffer.read(width * height * 3), numpy.uint8)
            faces = find(picture.reshape(height, width, 3), mesh, solutions, numpy)
            answers.write(struct.pack("<I", len(faces)))
            for points in faces:
                answers.write(points.astype("<f4").tobytes())
    answers.flush()


def find(picture: Any, mesh: Any, solutions: Any, numpy: Any) -> list[Any]:
    """The landmarks of every face, [478, 3] in pixels; z has x's unit, and grows away from the camera."""
    if faces := _points(mesh, picture, numpy):
        return faces
    # The mesh looks for faces near the camera. In a picture of a whole room they are found by another model first.
    with solutions.face_detection.FaceDetection(model_selection=1, min_detection_confidence=0.5) as detector:
        found = detector.process(picture).detections or []
    for detection in found[:MOST_FACES]:
        left, top, right, bottom = _around(detection.location_data.relative_bounding_box, picture.shape)
        part = numpy.ascontiguousarray(picture[top:bottom, left:right])
        faces += [points + numpy.array([left, top, 0]) for points in _points(mesh, part, numpy)[:1]]
    return faces


def _points(mesh: Any, picture: Any, numpy: Any) -> list[Any]:
    height, width = picture.shape[:2]
    found = mesh.process(picture).multi_face_landmarks or []
    return [numpy.array([(p.x * width, p.y * height, p.z * width) for p in face.landmark]) for face in found]


def _around(box: Any, shape: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """A square of twice the box, within the picture."""
    height, width = shape[:2]
    half = max(box.width * width, box.height * height, 32)
    x, y = (box.xmin + box.width / 2) * width, (box.ymin + box.height / 2) * height
    return max(0, int(x - half)), max(0, int(y - half)), min(width, int(x + half)), min(height, int(y + half))


if __name__ == "__main__":
    main(sys.argv[1])

"""Faces of photographs: built once as a mesh, drawn from a codebook of mouth shapes."""

from polytalk.avatar.photo.build import build
from polytalk.avatar.photo.contact import sheet
from polytalk.avatar.photo.face import PhotoFace

__all__ = ["PhotoFace", "build", "sheet"]

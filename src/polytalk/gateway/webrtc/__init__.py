"""Calls over WebRTC: the same conversation, with sound and pictures on tracks and the events on a data channel."""

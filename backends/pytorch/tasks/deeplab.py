"""What DeepLab's map means and is to learn: as any map of classes."""

from spinec.backends.pytorch.tasks.segmentation import loss, segment

__all__ = ["loss", "segment"]
